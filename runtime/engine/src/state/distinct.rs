//! `distinct x`: how many different values the lanes touched saw.

use super::hyperloglog::HyperLogLog;
use super::reading::{Number, Reading};
use super::series::{Log, VALUE_LOG};
use super::table::Table;
use super::window::{Entry, Landing, Lanes, Window, WindowKind, slots};
use serde::{Deserialize, Serialize};

/// Values kept exactly.
const EXACT: usize = 64;

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
enum Form {
    Values(Table<u64, u8>),
    Sketch(HyperLogLog),
}

/// The number of different values over a window: exact to 64, then a sketch with an RMSE of 4.6 %.
///
/// The caller gives a keyed 64-bit hash of the value (or of the tuple). Add is a bisection of at most 64 entries; a read of a sketch takes microseconds.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Distinct {
    lanes: Lanes,
    form: Form,
    log: Option<Box<Log<u64>>>,
}

impl Distinct {
    /// Different values up to which the answer is exact.
    pub const EXACT: usize = EXACT;

    /// An empty record.
    #[must_use]
    pub fn new(w: &Window) -> Distinct {
        Distinct {
            lanes: Lanes::default(),
            form: Form::Values(Table::default()),
            log: Log::for_window(w, VALUE_LOG),
        }
    }

    /// Worst-case bytes of a record, heap included (exact table and sketch at the moment of promotion).
    #[must_use]
    pub const fn bytes(kind: WindowKind) -> usize {
        size_of::<Distinct>()
            + Table::<u64, u8>::heap_bytes(EXACT)
            + HyperLogLog::heap_bytes(slots(kind))
            + Log::<u64>::heap_bytes(kind, VALUE_LOG)
    }

    /// Adds the hash of an event's value at `t`.
    pub fn add(&mut self, w: &Window, t: i64, hash: u64) -> Landing {
        let Some(entry) = self.lanes.enter(w, t) else { return Landing::Dropped };
        self.clear(entry);
        self.see(w.slots(), hash, entry.slot);
        if let Some(log) = &mut self.log {
            log.add(w, t, hash);
        }
        Landing::Held
    }

    fn clear(&mut self, entry: Entry) {
        if entry.cleared == 0 {
            return;
        }
        match &mut self.form {
            Form::Values(values) => values.clear(entry.cleared),
            Form::Sketch(sketch) => {
                sketch.clear(entry.cleared);
                if sketch.is_empty() {
                    self.form = Form::Values(Table::default());
                }
            }
        }
    }

    fn see(&mut self, slots: usize, hash: u64, slot: usize) {
        match &mut self.form {
            Form::Sketch(sketch) => sketch.add(slot, hash),
            Form::Values(values) => match values.find(hash) {
                Ok(place) => {
                    if let Some(seen) = values.mark(place) {
                        *seen |= 1 << slot;
                    }
                }
                Err(place) if values.len() < EXACT => values.insert(place, hash, 1 << slot),
                Err(_) => {
                    self.promote(slots);
                    self.see(slots, hash, slot);
                }
            },
        }
    }

    /// Turns exact values into a sketch.
    fn promote(&mut self, slots: usize) {
        if let Form::Values(values) = &self.form {
            let mut sketch = HyperLogLog::new(slots);
            for (hash, seen) in values.iter() {
                for slot in (0..slots).filter(|slot| seen & (1 << slot) != 0) {
                    sketch.add(slot, hash);
                }
            }
            self.form = Form::Sketch(sketch);
        }
    }

    /// The number of different values, an integer.
    #[must_use]
    pub fn read(&self, w: &Window, t: i64) -> Reading {
        let int = |n: u64| Number::Int(i64::try_from(n).unwrap_or(i64::MAX));
        if let Some(events) = self.log.as_ref().and_then(|log| log.within(w, t)) {
            let mut values: Vec<u64> = events.map(|(_, hash)| hash).collect();
            values.sort_unstable();
            values.dedup();
            return Reading::certain(int(values.len() as u64));
        }
        let span = self.lanes.span(w, t);
        let (inner, all) = (span.inner_mask(), span.all_mask());
        let (value, lo, hi, sketched) = match &self.form {
            Form::Values(values) => {
                let seen = |mask: u8| values.iter().filter(|(_, seen)| **seen & mask != 0).count() as u64;
                let value = seen(all);
                (value, seen(inner), value, false)
            }
            Form::Sketch(sketch) => {
                let (value, inner) = (sketch.estimate(all), sketch.estimate(inner));
                // Three RMSEs either side.
                let (lo, hi) = (inner.saturating_mul(17) / 20, value.saturating_mul(23).div_ceil(20));
                (value, lo.min(value), hi, true)
            }
        };
        if span.collapsed {
            return Reading::between(int(value), int(value), int(value), true);
        }
        Reading::between(int(value), int(lo), int(hi), span.estimated || sketched)
    }

    /// Adds another record of the same window. Associative and commutative in what it reads while the union stays exact; sketches merge by maximum.
    pub fn merge(&mut self, w: &Window, other: &Distinct) {
        let slots = w.slots();
        if let Some(newest) = other.lanes.newest()
            && let Some(entry) = self.lanes.enter_lane(newest, slots)
        {
            self.clear(entry);
        }
        for (lane, from) in other.lanes.held(slots) {
            let Some(entry) = self.lanes.enter_lane(lane, slots) else { continue };
            match &other.form {
                Form::Values(values) => {
                    for (hash, _) in values.iter().filter(|(_, seen)| **seen & (1 << from) != 0) {
                        self.see(slots, hash, entry.slot);
                    }
                }
                Form::Sketch(theirs) => {
                    self.promote(slots);
                    if let Form::Sketch(ours) = &mut self.form {
                        ours.merge_lane(entry.slot, theirs, from);
                    }
                }
            }
        }
        if let (Some(log), Some(other)) = (&mut self.log, &other.log) {
            log.merge(w, other);
        }
    }
}
