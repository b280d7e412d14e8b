//! Choices made from a string of bytes.

/// A reader of choices. Past the end of the bytes every choice is the first one.
#[derive(Clone, Debug)]
pub struct Choices<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl<'a> Choices<'a> {
    /// Begins at the first byte.
    pub fn new(bytes: &'a [u8]) -> Self {
        Self { bytes, at: 0 }
    }

    /// The next byte.
    pub fn byte(&mut self) -> u8 {
        let byte = self.bytes.get(self.at).copied().unwrap_or(0);
        self.at += 1;
        byte
    }

    /// True once every byte has been used.
    pub fn is_over(&self) -> bool {
        self.at >= self.bytes.len()
    }

    /// A number below `bound`, which is from 1 to 65,536.
    pub fn below(&mut self, bound: usize) -> usize {
        let wide = if bound <= 256 {
            usize::from(self.byte())
        } else {
            usize::from(self.byte()) << 8 | usize::from(self.byte())
        };
        wide % bound.max(1)
    }

    /// A number from `low` to `high`, both included.
    pub fn between(&mut self, low: usize, high: usize) -> usize {
        low + self.below(high - low + 1)
    }

    /// True in about `percent` of a hundred choices; false past the end.
    pub fn chance(&mut self, percent: u32) -> bool {
        u32::from(self.byte()) * 100 > (100 - percent.min(100)) * 255 + 54
    }

    /// One of some, which are not none.
    pub fn pick<'t, T>(&mut self, items: &'t [T]) -> &'t T {
        &items[self.below(items.len())]
    }

    /// Eight bytes as a number.
    pub fn word(&mut self) -> u64 {
        (0..8).fold(0, |word, _| word << 8 | u64::from(self.byte()))
    }
}

/// The next number of SplitMix64 (Steele, Lea and Flood 2014): small, and the same on every machine.
pub fn random(state: &mut u64) -> u64 {
    *state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let mut z = *state;
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

/// The bytes that stand for a seed.
pub fn bytes(seed: u64, count: usize) -> Vec<u8> {
    let mut state = seed.wrapping_mul(0x2545_f491_4f6c_dd1d).wrapping_add(seed);
    (0..count).map(|_| (random(&mut state) >> 32) as u8).collect()
}

/// Makes bytes simpler for as long as `fails` still does: cuts ends and pieces, and sets pieces to zero. Asks at most `most` times.
pub fn shrink(mut bytes: Vec<u8>, mut most: usize, mut fails: impl FnMut(&[u8]) -> bool) -> Vec<u8> {
    let mut attempt = |bytes: &mut Vec<u8>, smaller: Vec<u8>| {
        if most == 0 || smaller == *bytes {
            return false;
        }
        most -= 1;
        let better = fails(&smaller);
        if better {
            *bytes = smaller;
        }
        better
    };
    let mut piece = bytes.len().next_power_of_two() / 2;
    while piece > 0 {
        let mut at = bytes.len().saturating_sub(1) / piece * piece;
        loop {
            // Both halves keep their place, so a piece is emptied where it stands before anything moves.
            let end = (at + piece).min(bytes.len());
            if at < end {
                let mut zero = bytes.clone();
                zero[at..end].fill(0);
                attempt(&mut bytes, zero);
            }
            let Some(before) = at.checked_sub(piece) else { break };
            at = before;
        }
        piece /= 2;
    }
    bytes
}
