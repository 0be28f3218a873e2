//! The two x86-64 levels, and how to tell whether the CPU has them.

mod avx2;
mod avx2_codes;
mod avx512;
mod fastscan;

pub(super) use avx2::Avx2;
pub(super) use avx512::Avx512;
pub(super) use fastscan::block_sums;

/// AVX2 with the companions every CPU since Haswell and Zen has.
pub(super) fn has_avx2() -> bool {
    is_x86_feature_detected!("avx2")
        && is_x86_feature_detected!("fma")
        && is_x86_feature_detected!("f16c")
        && is_x86_feature_detected!("popcnt")
}

/// AVX-512 as of Ice Lake and Zen 4. Older chips lack the byte dot product and slow
/// down on wide vectors: they stay on AVX2.
pub(super) fn has_avx512() -> bool {
    has_avx2()
        && is_x86_feature_detected!("avx512f")
        && is_x86_feature_detected!("avx512bw")
        && is_x86_feature_detected!("avx512vl")
        && is_x86_feature_detected!("avx512dq")
        && is_x86_feature_detected!("avx512vnni")
        && is_x86_feature_detected!("avx512vpopcntdq")
}
