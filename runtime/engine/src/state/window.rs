//! The time axis of a record: windows, lanes, and which lanes a read takes.
//!
//! ```text
//!            edge, in part        inner lanes, whole
//!   lane     c-7 |  c-6    c-5    c-4    c-3    c-2    c-1     c
//!   ─────────────┼──────┼──────┼──────┼──────┼──────┼──────┼────t──▶ time
//!         (t-7w  │                                             t]
//! ```

use serde::{Deserialize, Serialize};
/// The most milliseconds a window may have: 139 years, so that products of a width and a 64-bit content fit 127 bits.
const LONGEST: i64 = 1 << 42;

/// How a window moves; see `docs/reference/signals.md`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum WindowKind {
    /// Seven whole lanes and an interpolated eighth.
    Sliding,
    /// Sliding, with a bounded log of events that makes it exact.
    Exact,
    /// One whole lane and an interpolated second one, without an interval.
    Economy,
    /// The epoch-aligned bucket that holds the time of the read.
    Tumbling,
}

/// A window: kind and length. Constant after load.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Window {
    kind: WindowKind,
    length: i64,
    width: i64,
}

/// Whether an event found its lane.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Landing {
    /// The event counts.
    Held,
    /// Its lane has passed (or its value cannot be used): nothing changed.
    Dropped,
}

impl Window {
    /// A window of `length` milliseconds, from 1 to 2^42.
    #[must_use]
    pub const fn new(kind: WindowKind, length: i64) -> Option<Window> {
        if length < 1 || length > LONGEST {
            return None;
        }
        let width = match kind {
            WindowKind::Sliding | WindowKind::Exact => (length + 6) / 7,
            WindowKind::Economy | WindowKind::Tumbling => length,
        };
        Some(Window { kind, length, width })
    }

    /// How it moves.
    #[must_use]
    pub const fn kind(&self) -> WindowKind {
        self.kind
    }

    /// The declared length in ms.
    #[must_use]
    pub const fn length(&self) -> i64 {
        self.length
    }

    /// The width of a lane in ms.
    #[must_use]
    pub const fn width(&self) -> i64 {
        self.width
    }

    /// Lanes a record holds: a power of two, at most 8.
    pub(crate) const fn slots(&self) -> usize {
        slots(self.kind)
    }

    pub(crate) const fn lane(&self, t: i64) -> i64 {
        t.div_euclid(self.width)
    }

    /// The length of what a read covers, in ms: `7 * width` for sliding windows.
    pub(crate) const fn reach(&self) -> i64 {
        match self.kind {
            WindowKind::Sliding | WindowKind::Exact => 7 * self.width,
            WindowKind::Economy | WindowKind::Tumbling => self.length,
        }
    }
}

/// Lanes held by records of this kind.
pub(crate) const fn slots(kind: WindowKind) -> usize {
    match kind {
        WindowKind::Sliding | WindowKind::Exact => 8,
        WindowKind::Economy | WindowKind::Tumbling => 2,
    }
}

/// The position of a record on the time axis: its newest lane. Lane `i` lives in slot `i mod slots`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Lanes {
    newest: Option<i64>,
}

/// Where an event goes, and which slots (as bits) must be emptied first.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Entry {
    pub(crate) slot: usize,
    pub(crate) cleared: u8,
}

/// The lanes a read takes.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Span {
    first: i64,
    last: i64,
    edge: Option<i64>,
    slots: usize,
    /// The part of the edge that counts is `k / width`.
    pub(crate) k: i64,
    pub(crate) width: i64,
    /// A lane the read needs has passed, or the kind has no interval.
    pub(crate) estimated: bool,
    /// Economy: the interval is the value.
    pub(crate) collapsed: bool,
}

fn slot_of(lane: i64, slots: usize) -> usize {
    // `slots` is a power of two, so this is the remainder for negative lanes too.
    (lane as usize) & (slots - 1)
}

/// The slots of lanes `first..=last`, of which at most `slots` are looked at.
fn mask(first: i64, last: i64, slots: usize) -> u8 {
    let mut bits = 0;
    let mut lane = last;
    for _ in 0..slots {
        if lane < first {
            break;
        }
        bits |= 1 << slot_of(lane, slots);
        let Some(before) = lane.checked_sub(1) else { break };
        lane = before;
    }
    bits
}

impl Lanes {
    pub(crate) fn newest(&self) -> Option<i64> {
        self.newest
    }

    /// The lane of `t`, advancing the record when it is new; `None` when it has passed.
    pub(crate) fn enter(&mut self, w: &Window, t: i64) -> Option<Entry> {
        self.enter_lane(w.lane(t), w.slots())
    }

    pub(crate) fn enter_lane(&mut self, lane: i64, slots: usize) -> Option<Entry> {
        let slot = slot_of(lane, slots);
        match self.newest {
            Some(newest) if lane <= newest => {
                (newest.saturating_sub(lane) < slots as i64).then_some(Entry { slot, cleared: 0 })
            }
            Some(newest) => {
                self.newest = Some(lane);
                Some(Entry { slot, cleared: mask(newest.saturating_add(1), lane, slots) })
            }
            None => {
                self.newest = Some(lane);
                Some(Entry { slot, cleared: 0 })
            }
        }
    }

    /// The lanes of a read at `t`.
    pub(crate) fn span(&self, w: &Window, t: i64) -> Span {
        let c = w.lane(t);
        let slots = w.slots();
        let (inner, edge) = match w.kind {
            WindowKind::Sliding | WindowKind::Exact => (c.saturating_sub(6), Some(c.saturating_sub(7))),
            WindowKind::Economy => (c, Some(c.saturating_sub(1))),
            WindowKind::Tumbling => (c, None),
        };
        let collapsed = w.kind == WindowKind::Economy;
        let into = t.rem_euclid(w.width);
        let k = w.width - into;
        let (oldest, newest) = match self.newest {
            Some(newest) => (newest.saturating_sub(slots as i64 - 1), newest),
            // Nothing held: an empty range.
            None => (i64::MAX, i64::MIN),
        };
        let lost = self.newest.is_some() && edge.unwrap_or(inner) < oldest;
        Span {
            first: inner.max(oldest),
            last: c.min(newest),
            edge: edge.filter(|e| (oldest..=newest).contains(e) && *e < inner),
            slots,
            k,
            width: w.width,
            estimated: lost || collapsed,
            collapsed,
        }
    }

    /// Slots of the lanes `lane - slots + 1 ..= lane` in ascending order of lane, those that are held.
    pub(crate) fn held(&self, slots: usize) -> impl Iterator<Item = (i64, usize)> {
        let newest = self.newest;
        (0..slots as i64).rev().filter_map(move |back| {
            let lane = newest?.checked_sub(back)?;
            Some((lane, slot_of(lane, slots)))
        })
    }
}

impl Span {
    /// Slots of the inner lanes, oldest first; at most 7.
    pub(crate) fn inner(&self) -> impl Iterator<Item = usize> {
        let slots = self.slots;
        let (first, last) = (self.first, self.last);
        (0..7)
            .map_while(move |i| first.checked_add(i).filter(|lane| *lane <= last))
            .map(move |lane| slot_of(lane, slots))
    }

    pub(crate) fn edge(&self) -> Option<usize> {
        self.edge.map(|lane| slot_of(lane, self.slots))
    }

    /// Bits of the inner slots.
    pub(crate) fn inner_mask(&self) -> u8 {
        mask(self.first, self.last, self.slots)
    }

    /// Bits of the edge slot.
    pub(crate) fn edge_mask(&self) -> u8 {
        self.edge().map_or(0, |slot| 1 << slot)
    }

    /// The inner and edge lanes together: what `min`, `distinct` and the like take.
    pub(crate) fn all_mask(&self) -> u8 {
        self.inner_mask() | self.edge_mask()
    }

    /// The oldest lane a read took, for "has something happened since".
    pub(crate) fn oldest(&self) -> i64 {
        self.edge.unwrap_or(self.first)
    }
}

/// `floor(n * k / width)` with `0 <= k <= width < 2^43`: the quotient is taken first, so the product fits.
pub(crate) fn part(n: i128, k: i64, width: i64) -> i128 {
    // Nearly always the product fits a machine word, whose division is ten times as fast.
    if let Some(product) = i64::try_from(n).ok().and_then(|n| n.checked_mul(k)) {
        return i128::from(product.div_euclid(width));
    }
    let (k, width) = (i128::from(k), i128::from(width));
    let (whole, rest) = (n.div_euclid(width), n.rem_euclid(width));
    whole * k + (rest * k).div_euclid(width)
}
