//! HyperLogLog by lane: how many different hashes, in 512 bytes a lane, RMSE 4.6 %.
//!
//! Flajolet et al. 2007 for the registers; the estimator is the improved raw one of Ertl, arXiv:1702.01284, algorithm 6, which needs
//! no correction tables and no transcendental function (square roots are exact in IEEE arithmetic).

use serde::{Deserialize, Serialize};
/// Registers of a lane, a power of two.
const REGISTERS: usize = 512;
/// Bits of the hash that choose the register.
const INDEX_BITS: u32 = 9;
/// Bits left for the rank.
const RANK_BITS: usize = 64 - INDEX_BITS as usize;

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Registers(#[serde(with = "super::wide")] [u8; REGISTERS]);

/// One register set a lane.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct HyperLogLog {
    lanes: Box<[Registers]>,
}

impl HyperLogLog {
    /// Heap bytes for `slots` lanes.
    pub(crate) const fn heap_bytes(slots: usize) -> usize {
        slots * REGISTERS
    }

    pub(crate) fn new(slots: usize) -> HyperLogLog {
        HyperLogLog { lanes: vec![Registers([0; REGISTERS]); slots].into_boxed_slice() }
    }

    pub(crate) fn add(&mut self, slot: usize, hash: u64) {
        let index = (hash >> RANK_BITS) as usize;
        // A guard bit below the rank's bits stops the run of zeros.
        let rest = (hash << INDEX_BITS) | (1 << (INDEX_BITS - 1));
        let rank = rest.leading_zeros() as u8 + 1;
        if let Some(register) = self.lanes.get_mut(slot).and_then(|lane| lane.0.get_mut(index)) {
            *register = (*register).max(rank);
        }
    }

    pub(crate) fn clear(&mut self, mask: u8) {
        for (slot, lane) in self.lanes.iter_mut().enumerate() {
            if mask & (1 << slot) != 0 {
                lane.0 = [0; REGISTERS];
            }
        }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.lanes.iter().all(|lane| lane.0.iter().all(|register| *register == 0))
    }

    /// Adds lane `from` of another sketch to lane `to`.
    pub(crate) fn merge_lane(&mut self, to: usize, other: &HyperLogLog, from: usize) {
        if let (Some(to), Some(from)) = (self.lanes.get_mut(to), other.lanes.get(from)) {
            raise(&mut to.0, &from.0);
        }
    }

    /// The estimate over the lanes in `mask`, rounded half up. Cost about a microsecond.
    pub(crate) fn estimate(&self, mask: u8) -> u64 {
        let mut union = [0; REGISTERS];
        for (slot, lane) in self.lanes.iter().enumerate() {
            if mask & (1 << slot) != 0 {
                raise(&mut union, &lane.0);
            }
        }
        let mut histogram = [0_u16; RANK_BITS + 2];
        for register in union {
            if let Some(n) = histogram.get_mut(usize::from(register)) {
                *n += 1;
            }
        }
        estimate(&histogram)
    }
}

fn raise(to: &mut [u8; REGISTERS], from: &[u8; REGISTERS]) {
    for (register, other) in to.iter_mut().zip(from) {
        *register = (*register).max(*other);
    }
}

/// Ertl's estimator over the number of registers of each rank.
fn estimate(histogram: &[u16; RANK_BITS + 2]) -> u64 {
    let m = REGISTERS as f64;
    let [zero, ranks @ .., full] = histogram;
    if usize::from(*zero) == REGISTERS {
        return 0;
    }
    let mut z = m * tau(1.0 - f64::from(*full) / m);
    for n in ranks.iter().rev() {
        z = 0.5 * (z + f64::from(*n));
    }
    z += m * sigma(f64::from(*zero) / m);
    let alpha = 0.5 / std::f64::consts::LN_2;
    (alpha * m * m / z + 0.5) as u64
}

/// `x + Σ x^(2^k) 2^(k-1)`, for x below 1.
fn sigma(mut x: f64) -> f64 {
    let (mut y, mut z) = (1.0, x);
    loop {
        x *= x;
        let before = z;
        z += x * y;
        y += y;
        if z == before {
            return z;
        }
    }
}

/// `(1 - x - Σ (1 - x^(2^-k))² 2^-k) / 3`.
fn tau(mut x: f64) -> f64 {
    if x == 0.0 || x == 1.0 {
        return 0.0;
    }
    let (mut y, mut z) = (1.0, 1.0 - x);
    loop {
        x = x.sqrt();
        let before = z;
        y *= 0.5;
        z -= (1.0 - x) * (1.0 - x) * y;
        if z == before {
            return z / 3.0;
        }
    }
}
