//! The C functions of the other libraries, and what their results mean.

// Linked for their C code: the Rust wrappers lack functions that the libraries have.
#[cfg(feature = "numkong")]
use numkong as _;
use simsimd as _;

use vdb::kernel::{Metric, Scalar};

/// In the order of the columns.
#[cfg(feature = "numkong")]
pub const LIBRARIES: [&str; 2] = ["SimSIMD", "NumKong"];
#[cfg(not(feature = "numkong"))]
pub const LIBRARIES: [&str; 1] = ["SimSIMD"];

/// `(a, b, count, result)`: all functions of both libraries have this shape; `count` is of
/// components (of bytes for the bits of SimSIMD), and the result is of a type of 4 or 8 bytes.
type Function = unsafe extern "C" fn(*const u8, *const u8, u64, *mut u8);

/// How the result is stored.
#[derive(Clone, Copy)]
enum Stored {
    F64,
    #[cfg(feature = "numkong")]
    F32,
    #[cfg(feature = "numkong")]
    I32,
    #[cfg(feature = "numkong")]
    U32,
}

/// A distance function of another library.
pub struct Peer {
    function: Function,
    stored: Stored,
    metric: Metric,
    /// Components that it counts as one.
    unit: usize,
}

impl Peer {
    /// What is measured: the call alone.
    #[inline(always)]
    pub fn call(&self, a: &[u8], b: &[u8], dim: usize) -> [u8; 8] {
        let mut result = [0; 8];
        // SAFETY: both rows hold `dim` components, and no result is longer than 8 bytes.
        unsafe { (self.function)(a.as_ptr(), b.as_ptr(), (dim / self.unit) as u64, result.as_mut_ptr()) };
        result
    }

    /// The distance as vdb defines it.
    pub fn distance(&self, a: &[u8], b: &[u8], dim: usize) -> f64 {
        let result = self.call(a, b, dim);
        let value = match self.stored {
            Stored::F64 => f64::from_ne_bytes(result),
            #[cfg(feature = "numkong")]
            narrow => {
                let four = [result[0], result[1], result[2], result[3]];
                match narrow {
                    Stored::I32 => i32::from_ne_bytes(four) as f64,
                    Stored::U32 => u32::from_ne_bytes(four) as f64,
                    _ => f32::from_ne_bytes(four) as f64,
                }
            }
        };
        if self.metric == Metric::Ip { 1.0 - value } else { value }
    }
}

/// Declares the functions and finds the one of a pair.
macro_rules! functions {
    ($find:ident, $bits:literal: $($metric:ident $scalar:ident $name:ident $stored:ident;)*) => {
        unsafe extern "C" {
            $(fn $name(a: *const u8, b: *const u8, count: u64, result: *mut u8);)*
        }

        fn $find(metric: Metric, scalar: Scalar) -> Option<Peer> {
            let unit = if scalar == Scalar::B1 { $bits } else { 1 };
            let peer = |function: Function, stored| Some(Peer { function, stored, metric, unit });
            match (metric, scalar) {
                $((Metric::$metric, Scalar::$scalar) => peer($name, Stored::$stored),)*
                _ => None,
            }
        }
    };
}

functions! {
    simsimd, 8:
    L2sq F32 simsimd_l2sq_f32 F64;
    L2sq F16 simsimd_l2sq_f16 F64;
    L2sq Bf16 simsimd_l2sq_bf16 F64;
    L2sq I8 simsimd_l2sq_i8 F64;
    L2sq U8 simsimd_l2sq_u8 F64;
    Ip F32 simsimd_dot_f32 F64;
    Ip F16 simsimd_dot_f16 F64;
    Ip Bf16 simsimd_dot_bf16 F64;
    Ip I8 simsimd_dot_i8 F64;
    Ip U8 simsimd_dot_u8 F64;
    Cosine F32 simsimd_cos_f32 F64;
    Cosine F16 simsimd_cos_f16 F64;
    Cosine Bf16 simsimd_cos_bf16 F64;
    Cosine I8 simsimd_cos_i8 F64;
    Cosine U8 simsimd_cos_u8 F64;
    Hamming B1 simsimd_hamming_b8 F64;
    Jaccard B1 simsimd_jaccard_b8 F64;
}

#[cfg(feature = "numkong")]
functions! {
    numkong, 1:
    L2sq F32 nk_sqeuclidean_f32 F64;
    L2sq F16 nk_sqeuclidean_f16 F32;
    L2sq Bf16 nk_sqeuclidean_bf16 F32;
    L2sq I8 nk_sqeuclidean_i8 U32;
    L2sq U8 nk_sqeuclidean_u8 U32;
    Ip F32 nk_dot_f32 F64;
    Ip F16 nk_dot_f16 F32;
    Ip Bf16 nk_dot_bf16 F32;
    Ip I8 nk_dot_i8 I32;
    Ip U8 nk_dot_u8 U32;
    Cosine F32 nk_angular_f32 F64;
    Cosine F16 nk_angular_f16 F32;
    Cosine Bf16 nk_angular_bf16 F32;
    Cosine I8 nk_angular_i8 F32;
    Cosine U8 nk_angular_u8 F32;
    Hamming B1 nk_hamming_u1 U32;
    Jaccard B1 nk_jaccard_u1 F32;
}

/// The function of a library for a pair, if it has one.
pub fn peer(library: &str, metric: Metric, scalar: Scalar) -> Option<Peer> {
    match library {
        "SimSIMD" => simsimd(metric, scalar),
        #[cfg(feature = "numkong")]
        "NumKong" => numkong(metric, scalar),
        _ => None,
    }
}
