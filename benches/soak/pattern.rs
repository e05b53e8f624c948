//! The one pattern that everybody sends a part of. Both sides know from which place on, so that
//! comparing is all it takes to see a byte that is lost, doubled or out of its place.

use std::sync::LazyLock;

/// After so many bytes it repeats: a prime, so that no buffer's size is a multiple.
const PERIOD: usize = 65_537;

/// The most that is had in one piece.
pub const PIECE_BYTES_MAX: usize = 64 << 10;

static BYTES: LazyLock<Vec<u8>> = LazyLock::new(|| {
    let mut state = 1_u32;
    let step = || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        state.to_be_bytes()[0]
    };
    let period: Vec<u8> = std::iter::repeat_with(step).take(PERIOD).collect();
    period.repeat(2)
});

/// What stands at this place, at most [`PIECE_BYTES_MAX`].
pub fn piece(place: u64, length: usize) -> &'static [u8] {
    let begin = usize::try_from(place % PERIOD as u64).unwrap_or_default();
    &BYTES[begin..begin + length.min(PIECE_BYTES_MAX)]
}

/// Follows the pattern from a place on.
pub struct Reader {
    place: u64,
    begun: u64,
}

impl Reader {
    pub fn at(place: u64) -> Self {
        Self { place, begun: place }
    }

    /// How much of it has come.
    pub fn read(&self) -> u64 {
        self.place - self.begun
    }

    /// Whether these bytes come next.
    pub fn take(&mut self, bytes: &[u8]) -> bool {
        bytes.chunks(PIECE_BYTES_MAX).all(|bytes| {
            let same = bytes == piece(self.place, bytes.len());
            self.place += bytes.len() as u64;
            same
        })
    }
}

/// Numbers that are hard to foretell and the same in every run: which sizes, places and ways.
pub struct Random(u64);

impl Random {
    pub fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1)
    }

    /// One of `low..high`.
    pub fn between(&mut self, low: u64, high: u64) -> u64 {
        // xorshift64.
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        low + self.0 % (high - low).max(1)
    }

    /// Heads or tails.
    pub fn coin(&mut self) -> bool {
        self.between(0, 2) == 1
    }
}
