/// The rows of a batch, or queries: an array that is not copied, and how its components are to be read.
///
/// Where `dim` is left out, the array is divided among the rows that the call has: the ids of a write, one query of a
/// search.
public struct Vectors: @unchecked Sendable {
    enum Storage {
        case floats([Float])
        case words([UInt16])
        case signed([Int8])
        case bytes([UInt8])
        case memory(UnsafeRawBufferPointer)
    }

    let storage: Storage
    /// The type of the components.
    public let scalar: Scalar
    /// Components of each vector, if they were told.
    public var dim: Int? { told == Vectors.untold ? nil : told }
    // A number, since the runtime is asked how to copy an optional that is in a structure of this size.
    private let told: Int
    private static let untold = Int.min
    // Bytes of all vectors.
    private let bytes: Int
    // Bytes from one vector to the next; 0 = packed.
    private var stride = 0

    private init(_ storage: Storage, _ scalar: Scalar, _ dim: Int?, bytes: Int) {
        self.storage = storage
        self.scalar = scalar
        self.told = dim ?? Vectors.untold
        self.bytes = bytes
    }

    /// Vectors of floats, one after the other.
    public static func f32(_ data: [Float], dim: Int? = nil) -> Vectors { Vectors(.floats(data), .f32, dim, bytes: data.count * 4) }

    /// The same in memory of the caller, who keeps it until the call is over. Nothing checks that: what is passed to another task must
    /// not come from `withUnsafeBufferPointer`, whose memory goes when it returns.
    public static func f32(_ data: UnsafeBufferPointer<Float>, dim: Int? = nil) -> Vectors {
        memory(UnsafeRawBufferPointer(data), .f32, dim: dim)
    }

    /// Vectors of half-precision numbers, given by their bits: `Float16.bitPattern`.
    public static func f16(bits: [UInt16], dim: Int? = nil) -> Vectors { Vectors(.words(bits), .f16, dim, bytes: bits.count * 2) }

    /// Vectors of bfloat16 numbers, given by their bits: the upper half of those of a `Float`.
    public static func bf16(bits: [UInt16], dim: Int? = nil) -> Vectors { Vectors(.words(bits), .bf16, dim, bytes: bits.count * 2) }

    /// Vectors of signed bytes.
    public static func i8(_ data: [Int8], dim: Int? = nil) -> Vectors { Vectors(.signed(data), .i8, dim, bytes: data.count) }

    /// Vectors of unsigned bytes.
    public static func u8(_ data: [UInt8], dim: Int? = nil) -> Vectors { Vectors(.bytes(data), .u8, dim, bytes: data.count) }

    /// Vectors of `dim` bits, each in whole bytes, lowest bit first.
    public static func bits(_ data: [UInt8], dim: Int? = nil) -> Vectors { Vectors(.bytes(data), .b1, dim, bytes: data.count) }

    /// Vectors of any type in memory of the caller, who keeps it until the call is over. Nothing checks that, as with ``f32(_:dim:)``.
    public static func memory(_ data: UnsafeRawBufferPointer, _ scalar: Scalar, dim: Int? = nil) -> Vectors {
        Vectors(.memory(data), scalar, dim, bytes: data.count)
    }

    /// The same vectors with rows that begin `stride` bytes apart, where a row of the array has more in it than the
    /// vector. Needs `dim`.
    public func strided(_ stride: Int) -> Vectors {
        var vectors = self
        vectors.stride = stride
        return vectors
    }
}

extension Vectors: ExpressibleByArrayLiteral {
    /// Floats.
    public init(arrayLiteral elements: Float...) {
        self = .f32(elements)
    }
}

// MARK: What the library gets

extension Vectors {
    struct Shape {
        var count: Int
        var dim: Int
        var stride: Int
    }

    @inline(__always)
    func withMemory<R>(_ body: (UnsafeRawPointer?) -> R) -> R {
        switch storage {
        case .floats(let data): data.withUnsafeBytes { body($0.baseAddress) }
        case .words(let data): data.withUnsafeBytes { body($0.baseAddress) }
        case .signed(let data): data.withUnsafeBytes { body($0.baseAddress) }
        case .bytes(let data): data.withUnsafeBytes { body($0.baseAddress) }
        case .memory(let data): body(data.baseAddress)
        }
    }

    /// Whether this is one vector as the database stores them, and nothing else was told: its shape needs no look then.
    @inline(__always)
    func isOne(of database: Database) -> Bool {
        bytes == database.rowBytes && scalar == database.scalar && told == Vectors.untold && stride == 0
    }

    /// How many vectors there are, of how many components, for a call of `rows` rows to a database of `expected` components.
    func shape(rows: Int, dim expected: Int) throws(VDBError) -> Shape {
        if told != Vectors.untold { return try shape(dim: told) }
        guard stride == 0 else { throw VDBError(.invalidArgument, "a stride of \(stride) bytes needs a dim") }
        guard rows > 0 ? bytes % rows == 0 : bytes == 0 else {
            throw VDBError(.dimension, "\(bytes) bytes of vectors cannot be divided among \(rows) rows")
        }
        let row = rows > 0 ? bytes / rows : 0
        if row == scalar.bytes(dim: expected) || rows == 0 {
            return Shape(count: rows, dim: expected, stride: 0)
        }
        guard row * 8 % scalar.bits == 0 else {
            throw VDBError(.dimension, "\(row) bytes are no whole number of components of \(scalar)")
        }
        return Shape(count: rows, dim: row * 8 / scalar.bits, stride: 0)
    }

    private func shape(dim: Int) throws(VDBError) -> Shape {
        guard 0...Int(Int32.max) ~= dim else {
            throw VDBError(.outOfRange, "vectors of \(dim) components: 0 to \(Int32.max) are possible")
        }
        let row = scalar.bytes(dim: dim)
        if stride != 0 {
            guard stride >= row, stride > 0 else {
                throw VDBError(
                    .invalidArgument, "a stride of \(stride) bytes is less than a vector of \(dim) components of \(scalar)")
            }
            return Shape(count: bytes < row ? 0 : (bytes - row) / stride + 1, dim: dim, stride: stride)
        }
        guard row > 0 ? bytes % row == 0 : bytes == 0 else {
            throw VDBError(.dimension, "\(bytes) bytes are no whole number of vectors of \(dim) components of \(scalar)")
        }
        return Shape(count: row > 0 ? bytes / row : 0, dim: dim, stride: 0)
    }

    /// The dimension of the only vector.
    func one(_ what: String, of database: Database) throws(VDBError) -> Int {
        let shape = try shape(rows: 1, dim: database.dim)
        guard shape.count == 1 else { throw VDBError(.invalidArgument, "\(shape.count) queries: \(what) takes one") }
        return shape.dim
    }
}

extension Scalar {
    var bits: Int {
        switch self {
        case .f32: 32
        case .f16, .bf16: 16
        case .i8, .u8: 8
        case .b1: 1
        }
    }

    /// Bytes of a packed vector.
    func bytes(dim: Int) -> Int { (dim * bits + 7) / 8 }
}
