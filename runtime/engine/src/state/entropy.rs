//! `entropy x`: how evenly a field's values are spread, in bits.

use super::reading::{Number, Reading, Why};
use super::series::{Log, VALUE_LOG};
use super::table::{Counts, Marks, Table};
use super::window::{Landing, Lanes, Window, WindowKind};
use serde::{Deserialize, Serialize};

/// Values counted apart.
const EXACT: usize = 256;
/// Cells the others share.
const SHARED: usize = 64;

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Shared(#[serde(with = "super::wide")] [Counts; SHARED]);

/// Shannon entropy of a field's values over a window: exact to 256 different values, then a lower bound.
///
/// A read costs a sort of the counts and one logarithm for each different count.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Entropy {
    lanes: Lanes,
    values: Table<u64, Counts>,
    /// By the low bits of the hash; allocated when the 257th value comes.
    shared: Option<Box<Shared>>,
    log: Option<Box<Log<u64>>>,
}

impl Entropy {
    /// An empty record.
    #[must_use]
    pub fn new(w: &Window) -> Entropy {
        Entropy {
            lanes: Lanes::default(),
            values: Table::default(),
            shared: None,
            log: Log::for_window(w, VALUE_LOG),
        }
    }

    /// Worst-case bytes of a record, heap included.
    #[must_use]
    pub const fn bytes(kind: WindowKind) -> usize {
        size_of::<Entropy>()
            + Table::<u64, Counts>::heap_bytes(EXACT)
            + size_of::<[Counts; SHARED]>()
            + Log::<u64>::heap_bytes(kind, VALUE_LOG)
    }

    /// Adds the hash of an event's value at `t`. Cost: a bisection.
    pub fn add(&mut self, w: &Window, t: i64, hash: u64) -> Landing {
        let Some(entry) = self.lanes.enter(w, t) else { return Landing::Dropped };
        if entry.cleared != 0 {
            self.values.clear(entry.cleared);
            if let Some(shared) = &mut self.shared {
                for cell in shared.0.iter_mut() {
                    cell.clear(entry.cleared);
                }
                if !shared.0.iter().any(|cell| cell.any(u8::MAX)) {
                    self.shared = None;
                }
            }
        }
        match self.values.find(hash) {
            Ok(place) => {
                if let Some(counts) = self.values.mark(place) {
                    counts.add(entry.slot);
                }
            }
            Err(place) if self.values.len() < EXACT => {
                let mut counts = Counts::default();
                counts.add(entry.slot);
                self.values.insert(place, hash, counts);
            }
            Err(_) => {
                let shared = self.shared.get_or_insert_with(|| Box::new(Shared([Counts::default(); SHARED])));
                if let Some(cell) = shared.0.get_mut(hash as usize % SHARED) {
                    cell.add(entry.slot);
                }
            }
        }
        if let Some(log) = &mut self.log {
            log.add(w, t, hash);
        }
        Landing::Held
    }

    /// The entropy in bits, a float; unknown when the window is empty.
    #[must_use]
    pub fn read(&self, w: &Window, t: i64) -> Reading {
        if let Some(events) = self.log.as_ref().and_then(|log| log.within(w, t)) {
            let mut values: Vec<u64> = events.map(|(_, hash)| hash).collect();
            values.sort_unstable();
            let counts = values.chunk_by(|a, b| a == b).map(|same| same.len() as u64).collect();
            return match bits(counts) {
                Some((h, _)) => Reading::certain(Number::Float(h)),
                None => Reading::Unknown(Why::Empty),
            };
        }
        let span = self.lanes.span(w, t);
        let own = |mask| self.values.iter().map(move |(_, counts)| counts.total(mask));
        let shared =
            |mask| self.shared.iter().flat_map(|cells| cells.0.iter()).map(move |cell| cell.total(mask));
        let counts = |mask: u8| own(mask).chain(shared(mask)).filter(|n| *n > 0).collect::<Vec<_>>();
        let (inner_mask, all_mask) = (span.inner_mask(), span.all_mask());
        let different = own(all_mask).filter(|n| *n > 0).count();
        let merged = shared(all_mask).any(|n| n > 0);
        let Some((value, n)) = bits(counts(all_mask)) else { return Reading::Unknown(Why::Empty) };
        let float = Number::Float;
        let inner = bits(counts(inner_mask));
        let inner_events = inner.map_or(0, |(_, n)| n);
        if span.collapsed || (inner_events == n && !merged) {
            return Reading::between(float(value), float(value), float(value), span.estimated);
        }
        let lo = inner.map_or(0.0, |(h, inner_n)| h * inner_n as f64 / n as f64);
        let hi = libm::log2(if merged { n } else { different as u64 } as f64);
        Reading::between(float(value), float(lo.min(value)), float(hi.max(value)), span.estimated || merged)
    }
}

/// Entropy and number of events of counts above 0. Summed by ascending count, so that the order of values is no matter.
fn bits(mut counts: Vec<u64>) -> Option<(f64, u64)> {
    let n: u64 = counts.iter().sum();
    if n == 0 {
        return None;
    }
    counts.sort_unstable();
    let mut sum = 0.0;
    for same in counts.chunk_by(|a, b| a == b) {
        if let Some(count) = same.first() {
            sum += (same.len() as u64 * count) as f64 * libm::log2(*count as f64);
        }
    }
    Some(((libm::log2(n as f64) - sum / n as f64).max(0.0), n))
}
