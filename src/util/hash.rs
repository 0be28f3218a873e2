//! Stateless mixing, so that randomness is a function of (key, seed) and a
//! build gives the same bytes whatever the thread count.

/// SplitMix64 finaliser over `key` and `seed` (Steele, Lea, Flood 2014).
#[inline]
pub fn mix(key: u64, seed: u64) -> u64 {
    let mut z = key.wrapping_add(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15)).wrapping_add(0x9e37_79b9_7f4a_7c15);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

#[cfg(test)]
mod tests {
    use super::mix;

    #[test]
    fn neighbouring_keys_spread_over_all_bits() {
        let mut ones = [0u32; 64];
        for key in 0..4096u64 {
            let h = mix(key, 42);
            for (bit, count) in ones.iter_mut().enumerate() {
                *count += (h >> bit & 1) as u32;
            }
        }
        assert!(ones.iter().all(|&c| (1800..2300).contains(&c)), "{ones:?}");
        assert_ne!(mix(7, 1), mix(7, 2));
    }
}
