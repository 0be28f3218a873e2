package vdb

import "unsafe"

// Vectors are the rows of a batch, or queries: a view of a slice, which is not copied. Make them with
// [F32] and its like.
type Vectors struct {
	data               unsafe.Pointer
	bytes              int
	count, dim, stride int
	scalar             Scalar
	// Components that are left over after the last whole vector, or shortStride.
	rest int
}

const shortStride = -1

// Vector is one vector, e.g. a query.
func Vector(data []float32) Vectors { return F32(data, len(data)) }

// F32 are vectors of dim components, one after the other.
func F32(data []float32, dim int) Vectors { return vectors(data, dim, dim, ScalarF32) }

// F16 are vectors of half-precision numbers, given by their bits.
func F16(data []uint16, dim int) Vectors { return vectors(data, dim, dim, ScalarF16) }

// BF16 are vectors of bfloat16 numbers, given by their bits.
func BF16(data []uint16, dim int) Vectors { return vectors(data, dim, dim, ScalarBF16) }

// I8 are vectors of signed bytes.
func I8(data []int8, dim int) Vectors { return vectors(data, dim, dim, ScalarI8) }

// U8 are vectors of unsigned bytes.
func U8(data []uint8, dim int) Vectors { return vectors(data, dim, dim, ScalarU8) }

// Bits are vectors of dim bits, each in whole bytes, lowest bit first.
func Bits(data []uint8, dim int) Vectors { return vectors(data, (dim+7)/8, dim, ScalarB1) }

func vectors[T any](data []T, perRow, dim int, scalar Scalar) Vectors {
	var element T
	v := Vectors{data: unsafe.Pointer(unsafe.SliceData(data)), dim: dim, scalar: scalar}
	v.bytes = len(data) * int(unsafe.Sizeof(element))
	if perRow > 0 {
		v.count, v.rest = len(data)/perRow, len(data)%perRow
	} else {
		v.rest = len(data)
	}
	return v
}

// Strided are the same vectors with rows that begin stride bytes apart, where a row of the slice has more
// in it than the vector.
func (v Vectors) Strided(stride int) Vectors {
	row := v.dim * scalarBits(v.scalar) / 8
	if v.scalar == ScalarB1 {
		row = (v.dim + 7) / 8
	}
	if stride < row || stride <= 0 {
		v.stride, v.count, v.rest = stride, 0, shortStride
		return v
	}
	v.stride, v.count, v.rest = stride, 0, 0
	if v.bytes >= row {
		v.count = (v.bytes-row)/stride + 1
	}
	return v
}

func scalarBits(scalar Scalar) int {
	switch scalar {
	case ScalarF32:
		return 32
	case ScalarF16, ScalarBF16:
		return 16
	case ScalarB1:
		return 1
	}
	return 8
}

// Len returns the number of vectors.
func (v Vectors) Len() int { return v.count }

// Dim returns the components of each.
func (v Vectors) Dim() int { return v.dim }

// Scalar returns the type of the components.
func (v Vectors) Scalar() Scalar { return v.scalar }

// whole says whether the slice was a whole number of vectors.
func (v *Vectors) whole() error {
	if v.rest == 0 && v.dim > 0 {
		return nil
	}
	if v.rest == 0 {
		return invalid(ErrDimension, "vectors of %d components: there are none, or not that many", v.dim)
	}
	if v.rest == shortStride {
		return invalid(ErrInvalidArgument, "a stride of %d bytes is less than a vector of %d components of %v", v.stride, v.dim, v.scalar)
	}
	return invalid(ErrDimension, "a slice of %d bytes is no whole number of vectors of %d components of %v", v.bytes, v.dim, v.scalar)
}
