//! The bytes of one input, taken from the front. Past the end everything is zero, so
//! that every input means something and a shorter one means less.

pub struct Input<'a>(&'a [u8]);

impl<'a> Input<'a> {
    pub fn new(bytes: &'a [u8]) -> Input<'a> {
        Input(bytes)
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub fn byte(&mut self) -> u8 {
        self.bytes(1).first().copied().unwrap_or(0)
    }

    pub fn flag(&mut self) -> bool {
        self.byte() & 1 == 1
    }

    /// Two bytes.
    pub fn short(&mut self) -> usize {
        usize::from(self.byte()) | usize::from(self.byte()) << 8
    }

    /// 0 <= value < `below`, which is at most 256.
    pub fn below(&mut self, below: usize) -> usize {
        usize::from(self.byte()) % below.max(1)
    }

    /// Any eight bytes, most often those that code handles with care.
    pub fn number(&mut self) -> u64 {
        const CAREFUL: [u64; 16] = [
            0,
            1,
            2,
            64,
            1 << 16,
            u32::MAX as u64,
            u32::MAX as u64 - 1,
            1 << 31,
            1 << 32,
            1 << 62,
            1 << 63,
            i64::MAX as u64,
            u64::MAX / 8,
            u64::MAX / 8 + 1,
            u64::MAX - 1,
            u64::MAX,
        ];
        match self.byte() {
            0 => self.bytes(8).iter().rev().fold(0, |value, byte| value << 8 | u64::from(*byte)),
            small @ 1..128 => small.into(),
            careful => CAREFUL[usize::from(careful) % CAREFUL.len()],
        }
    }

    /// At most `len` bytes.
    pub fn bytes(&mut self, len: usize) -> &'a [u8] {
        let (bytes, rest) = self.0.split_at(len.min(self.0.len()));
        self.0 = rest;
        bytes
    }

    pub fn rest(&mut self) -> &'a [u8] {
        self.bytes(usize::MAX)
    }
}
