//! The 64-bit ARM level.

mod fastscan;
mod neon;

pub(super) use fastscan::block_sums;
pub(super) use neon::Neon;

/// Part of every common 64-bit ARM target, but not of the architecture by law.
pub(super) fn has_neon() -> bool {
    std::arch::is_aarch64_feature_detected!("neon")
}
