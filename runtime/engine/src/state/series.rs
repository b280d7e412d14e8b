//! Records with one cell a lane, and the log that makes a window exact.

use serde::{Deserialize, Serialize};
use std::collections::VecDeque;
use std::fmt::Debug;

use super::window::{Landing, Lanes, Span, Window, WindowKind, part, slots};

/// Entries of the log of an `exact` window over cells.
pub(crate) const LOG: usize = 4_096;
/// Entries of the log of an `exact` window over values.
pub(crate) const VALUE_LOG: usize = 1_024;

/// What a lane keeps of its events.
pub(crate) trait Cell: Clone + Debug + Default + PartialEq {
    /// What an event brings.
    type Item: Copy + Debug + PartialEq;

    fn add(&mut self, t: i64, item: Self::Item);

    /// A cell of all these events.
    fn of(events: impl ExactSizeIterator<Item = (i64, Self::Item)>) -> Self {
        let mut cell = Self::default();
        for (t, item) in events {
            cell.add(t, item);
        }
        cell
    }

    /// Adds what another record's same lane holds.
    fn merge(&mut self, other: &Self);
}

/// Recent events in order of (time, arrival), bounded.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Log<I> {
    entries: VecDeque<(i64, I)>,
    /// The time of the youngest entry that left.
    gone: Option<i64>,
    bound: usize,
}

impl<I: Copy> Log<I> {
    /// A log, when the window wants one.
    pub(crate) fn for_window(w: &Window, bound: usize) -> Option<Box<Log<I>>> {
        (w.kind() == WindowKind::Exact).then(|| Box::new(Log { entries: VecDeque::new(), gone: None, bound }))
    }

    /// Worst-case heap bytes of the log a record of this kind has.
    pub(crate) const fn heap_bytes(kind: WindowKind, bound: usize) -> usize {
        match kind {
            // Deques grow by doubling, and the bounds are powers of two.
            WindowKind::Exact => size_of::<Log<I>>() + bound * size_of::<(i64, I)>(),
            _ => 0,
        }
    }

    /// Adds an event. Cost O(1) in order, O(entries) when late.
    pub(crate) fn add(&mut self, w: &Window, t: i64, item: I) {
        self.insert(t, item);
        self.trim(w);
    }

    /// Puts an event in its place; at the bound the oldest leaves, which may be this one.
    fn insert(&mut self, t: i64, item: I) {
        if self.gone.is_some_and(|gone| t <= gone) {
            return;
        }
        if self.entries.len() >= self.bound {
            let oldest = self.entries.front().map_or(t, |(at, _)| *at);
            self.gone = self.gone.max(Some(oldest.min(t)));
            if t < oldest {
                return;
            }
            self.entries.pop_front();
        }
        let at = self.entries.partition_point(|(earlier, _)| *earlier <= t);
        self.entries.insert(at, (t, item));
    }

    fn trim(&mut self, w: &Window) {
        let Some(newest) = self.entries.back().map(|(t, _)| *t) else { return };
        let past = newest.saturating_sub(w.length());
        while let Some((t, _)) = self.entries.front().copied().filter(|(t, _)| *t <= past) {
            self.entries.pop_front();
            self.gone = self.gone.max(Some(t));
        }
    }

    /// The events in `(t - W, t]`, oldest first; `None` when some of them have left.
    pub(crate) fn within(&self, w: &Window, t: i64) -> Option<impl ExactSizeIterator<Item = (i64, I)> + '_> {
        let since = t.saturating_sub(w.length());
        if self.gone.is_some_and(|gone| gone > since) {
            return None;
        }
        let from = self.entries.partition_point(|(at, _)| *at <= since);
        let to = self.entries.partition_point(|(at, _)| *at <= t).max(from);
        Some(self.entries.range(from..to).copied())
    }

    /// Adds another log's events; among equal times, this log's come first.
    pub(crate) fn merge(&mut self, w: &Window, other: &Log<I>) {
        self.gone = self.gone.max(other.gone);
        while let Some((t, _)) = self.entries.front().copied().filter(|(t, _)| Some(*t) <= self.gone) {
            self.entries.pop_front();
            self.gone = self.gone.max(Some(t));
        }
        for (t, item) in &other.entries {
            self.insert(*t, *item);
        }
        self.trim(w);
    }
}

/// Cells by lane, and the log of an `exact` window.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(bound(
    serialize = "C: Serialize, C::Item: Serialize",
    deserialize = "C: Deserialize<'de>, C::Item: Deserialize<'de>"
))]
pub(crate) struct Series<C: Cell> {
    lanes: Lanes,
    cells: Box<[C]>,
    log: Option<Box<Log<C::Item>>>,
}

/// What a read sees: up to seven inner cells in order of time, and the edge.
#[derive(Debug)]
pub(crate) struct View<'a, C> {
    inner: [Option<&'a C>; 7],
    pub(crate) edge: Option<&'a C>,
    k: i64,
    width: i64,
    pub(crate) estimated: bool,
    pub(crate) collapsed: bool,
}

impl<'a, C> View<'a, C> {
    pub(crate) fn inner(&self) -> impl Iterator<Item = &'a C> {
        self.inner.into_iter().flatten()
    }

    /// `floor(n * k / width)`: what a content `n` of the edge adds.
    pub(crate) fn part(&self, n: i128) -> i128 {
        part(n, self.k, self.width)
    }

    /// Numerator and denominator of the part of the edge that counts.
    pub(crate) fn weight(&self) -> (i64, i64) {
        (self.k, self.width)
    }
}

impl<C: Cell> Series<C> {
    /// Whether the events themselves are kept beside the lanes.
    pub(crate) fn has_log(&self) -> bool {
        self.log.is_some()
    }

    /// Every lane's cell, in no order; those of lanes that have passed may be among them.
    pub(crate) fn cells(&self) -> impl Iterator<Item = &C> {
        self.cells.iter()
    }

    pub(crate) fn new(w: &Window) -> Series<C> {
        Series {
            lanes: Lanes::default(),
            cells: vec![C::default(); w.slots()].into_boxed_slice(),
            log: Log::for_window(w, LOG),
        }
    }

    /// Bytes of a record in the worst case, heap included.
    pub(crate) const fn bytes(kind: WindowKind) -> usize {
        size_of::<Series<C>>() + slots(kind) * size_of::<C>() + Log::<C::Item>::heap_bytes(kind, LOG)
    }

    /// The cell of an event at `t`, emptied when its lane is new.
    pub(crate) fn add(&mut self, w: &Window, t: i64, item: C::Item) -> Landing {
        let Some(entry) = self.lanes.enter(w, t) else { return Landing::Dropped };
        self.clear(entry.cleared);
        if let Some(cell) = self.cells.get_mut(entry.slot) {
            cell.add(t, item);
        }
        if let Some(log) = &mut self.log {
            log.add(w, t, item);
        }
        Landing::Held
    }

    fn clear(&mut self, mask: u8) {
        if mask == 0 {
            return;
        }
        for (slot, cell) in self.cells.iter_mut().enumerate() {
            if mask & (1 << slot) != 0 {
                *cell = C::default();
            }
        }
    }

    /// Reads at `t`: from the log when it reaches back far enough, else from the lanes.
    pub(crate) fn read<R>(&self, w: &Window, t: i64, finish: impl FnOnce(&View<'_, C>) -> R) -> R {
        if let Some(events) = self.log.as_ref().and_then(|log| log.within(w, t)) {
            let whole = C::of(events);
            return finish(&View {
                inner: [Some(&whole), None, None, None, None, None, None],
                edge: None,
                k: w.width(),
                width: w.width(),
                estimated: false,
                collapsed: false,
            });
        }
        let span: Span = self.lanes.span(w, t);
        let mut inner = [None; 7];
        for (place, slot) in inner.iter_mut().zip(span.inner()) {
            *place = self.cells.get(slot);
        }
        finish(&View {
            inner,
            edge: span.edge().and_then(|slot| self.cells.get(slot)),
            k: span.k,
            width: span.width,
            estimated: span.estimated,
            collapsed: span.collapsed,
        })
    }

    /// Adds another record of the same window, lane by lane; lanes that have passed are dropped.
    pub(crate) fn merge(&mut self, w: &Window, other: &Series<C>) {
        let slots = w.slots();
        if let Some(newest) = other.lanes.newest() {
            if let Some(entry) = self.lanes.enter_lane(newest, slots) {
                self.clear(entry.cleared);
            }
            for (lane, from) in other.lanes.held(slots) {
                if let Some(entry) = self.lanes.enter_lane(lane, slots)
                    && let (Some(to), Some(from)) = (self.cells.get_mut(entry.slot), other.cells.get(from))
                {
                    to.merge(from);
                }
            }
        }
        if let (Some(log), Some(other)) = (&mut self.log, &other.log) {
            log.merge(w, other);
        }
    }
}
