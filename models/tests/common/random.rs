//! Random bits and values.

/// Random bits, the same on every machine: SplitMix64 (Steele, Lea, Flood 2014).
pub(crate) struct Random(pub(crate) u64);

impl Random {
    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    pub(crate) fn below(&mut self, bound: usize) -> usize {
        (self.next() % bound.max(1) as u64) as usize
    }

    pub(crate) fn chance(&mut self, one_in: usize) -> bool {
        self.below(one_in) == 0
    }

    pub(crate) fn choose<'a, T>(&mut self, list: &'a [T]) -> &'a T {
        &list[self.below(list.len())]
    }

    /// About normal.
    pub(crate) fn normal(&mut self) -> f32 {
        let sum: f64 = (0..12).map(|_| (self.next() >> 11) as f64 / (1_u64 << 53) as f64).sum();
        (sum - 6.0) as f32
    }

    /// A value of a feature: ordinary, odd, or on a threshold or next to it.
    pub(crate) fn value(&mut self, thresholds: &[f32], odd: bool) -> f32 {
        let odd_values =
            [0.0, -0.0, f32::NAN, f32::INFINITY, f32::NEG_INFINITY, f32::MIN_POSITIVE, 1e-45, -1e-45, 1e30];
        match self.below(8) {
            0 if odd => *self.choose(&odd_values),
            1..=4 if !thresholds.is_empty() => {
                let threshold = *self.choose(thresholds);
                match self.below(4) {
                    0 => threshold.next_up(),
                    1 => threshold.next_down(),
                    _ => threshold,
                }
            }
            5 => self.below(7) as f32 - 3.0,
            _ => self.normal() * 2.0,
        }
    }
}
