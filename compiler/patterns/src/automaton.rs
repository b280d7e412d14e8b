//! Deterministic automata over classes of bytes, as plain tables that can be stored, checked and loaded.
//!
//! `regex-automata` determinises; what it makes is copied into one table of rows, so that a step is a class, an addition and a load:
//!
//! ```text
//! state: offset of its row      0        stride    …          special            …
//!                            ┌────────┬────────┬───────────┬──────────┬─────────────────────┐
//! next: [state + class] ──▶  │ dead   │ quit   │ a pattern has held   │ all other states    │
//!                            └────────┴────────┴───────────┴──────────┴─────────────────────┘
//! ```
//!
//! A row has an entry for each class of bytes, one for the end of the text, and one that says where in `reports` stands what holds.
//!
//! As in `regex-automata`, a match is seen one step late, with the byte after it or with the end of the text, which has a class of
//! its own. The automaton *quits* at a byte that it was not built for; then something slower has to say what holds.

use regex_automata::dfa::{Automaton as _, StartKind, dense};
use regex_automata::nfa::thompson;
use regex_automata::util::{primitives::StateID, start};
use regex_automata::{Anchored, MatchKind};
use regex_syntax::hir::Hir;

use crate::codec::{Reader, Unreadable, Writer};

/// Where an automaton begins and in which direction it reads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Way {
    /// From a given place on: a match begins there.
    From,
    /// From a given place on: a match begins there or later.
    After,
    /// From a given place back to the beginning: a match ends there.
    Back,
}

/// How far a walk came, and in how many steps.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Walk {
    pub(crate) end: End,
    pub(crate) steps: usize,
}

/// Why a walk ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum End {
    /// Everything that holds has been reported, or nobody wanted more.
    Done,
    /// A byte came for which the automaton was not built.
    Quit,
    /// There was no room for more steps.
    Room,
}

/// Several regular expressions as one table. Its patterns are the ids that `build` was given.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Automaton {
    classes: Box<[u8; 256]>,
    /// Entries of a row: one a class, one for the end of the text, one for what is reported.
    stride: u32,
    next: Box<[u32]>,
    /// States below this one are dead, quit, or report something.
    special: u32,
    /// The first state, by the byte before the place; the last is for no byte. Of length 1 if all are the same.
    starts: Box<[u32]>,
    /// How many, then these ids; for each state that reports.
    reports: Box<[u32]>,
    /// The ids that it was built for, also those that it can only quit for.
    members: Box<[u32]>,
}

impl Automaton {
    /// An automaton of at most `limit` bytes for these expressions and their ids, or nothing. With `ascii`, it quits at every other byte.
    pub(crate) fn build(items: &[(u32, &Hir)], way: Way, ascii: bool, limit: usize) -> Option<Automaton> {
        let hirs: Vec<&Hir> = items.iter().map(|(_, hir)| *hir).collect();
        let nfa = thompson::Compiler::new()
            .configure(
                thompson::Config::new()
                    .utf8(true)
                    .reverse(way == Way::Back)
                    .nfa_size_limit(Some(limit.saturating_mul(8)))
                    .which_captures(thompson::WhichCaptures::None),
            )
            .build_many_from_hir(&hirs)
            .ok()?;
        let start_kind = if way == Way::After { StartKind::Unanchored } else { StartKind::Anchored };
        let mut config = dense::Config::new()
            .match_kind(MatchKind::All)
            .start_kind(start_kind)
            .accelerate(false)
            .unicode_word_boundary(true)
            .dfa_size_limit(Some(limit))
            .determinize_size_limit(Some(limit.saturating_mul(4)));
        if ascii {
            for byte in 0x80..=0xFF {
                config = config.quit(byte, true);
            }
        }
        let dfa = dense::Builder::new().configure(config).build_from_nfa(&nfa).ok()?;
        Automaton::copy(&dfa, way, items)
    }

    fn copy(dfa: &dense::DFA<Vec<u32>>, way: Way, items: &[(u32, &Hir)]) -> Option<Automaton> {
        let classes: Box<[u8; 256]> =
            (0..=255).map(|byte| dfa.byte_classes().get(byte)).collect::<Vec<u8>>().try_into().ok()?;
        let mut sample: Vec<u8> = Vec::new();
        for (byte, &class) in (0..=255_u8).zip(classes.iter()) {
            if usize::from(class) == sample.len() {
                sample.push(byte);
            }
        }
        let stride = u32::try_from(sample.len() + 2).ok()?;
        let anchored = if way == Way::After { Anchored::No } else { Anchored::Yes };

        // Old states in the order in which they are first met; `None` stands for quitting at the start.
        let mut order = Order::default();
        let begin = start::Config::new().anchored(anchored);
        let starts: Vec<Option<StateID>> = (0..=255)
            .map(Some)
            .chain([None])
            .map(|before| dfa.start_state(&begin.clone().look_behind(before)).ok())
            .collect();
        for &state in starts.iter().flatten() {
            order.meet(state);
        }
        let mut done = 0;
        while let Some(&state) = order.states.get(done) {
            done += 1;
            for &byte in &sample {
                order.meet(dfa.next_state(state, byte));
            }
            order.meet(dfa.next_eoi_state(state));
        }

        // Rows: dead, quit, those that report, the others.
        let mut rows: Vec<StateID> = Vec::with_capacity(order.states.len());
        rows.extend(order.states.iter().filter(|state| dfa.is_match_state(**state)));
        let reporting = rows.len();
        rows.extend(order.states.iter().filter(|&&state| {
            !dfa.is_match_state(state) && !dfa.is_dead_state(state) && !dfa.is_quit_state(state)
        }));
        let mut offsets: Vec<(StateID, u32)> = Vec::with_capacity(rows.len());
        for (row, &state) in rows.iter().enumerate() {
            offsets.push((state, u32::try_from(row + 2).ok()?.checked_mul(stride)?));
        }
        offsets.sort_unstable();
        let offset = |state: StateID| {
            if dfa.is_dead_state(state) {
                0
            } else if dfa.is_quit_state(state) {
                stride
            } else {
                offsets
                    .binary_search_by_key(&state, |entry| entry.0)
                    .ok()
                    .and_then(|at| offsets.get(at))
                    .map_or(stride, |entry| entry.1)
            }
        };
        let mut reports = vec![0];
        let mut next = vec![0; stride as usize];
        next.resize(2 * stride as usize - 1, stride);
        next.push(0);
        for (row, &state) in rows.iter().enumerate() {
            next.extend(sample.iter().map(|&byte| offset(dfa.next_state(state, byte))));
            next.push(offset(dfa.next_eoi_state(state)));
            if row < reporting {
                next.push(u32::try_from(reports.len()).ok()?);
                let ids = (0..dfa.match_len(state)).map(|index| dfa.match_pattern(state, index).as_usize());
                let ids: Vec<u32> = ids.filter_map(|item| items.get(item)).map(|item| item.0).collect();
                reports.push(u32::try_from(ids.len()).ok()?);
                reports.extend(ids);
            } else {
                next.push(0);
            }
        }
        let mut starts: Vec<u32> = starts.into_iter().map(|state| state.map_or(stride, &offset)).collect();
        if starts.iter().all(|start| starts.first() == Some(start)) {
            starts.truncate(1);
        }
        Some(Automaton {
            classes,
            stride,
            next: next.into(),
            special: u32::try_from(reporting + 2).ok()?.checked_mul(stride)?,
            starts: starts.into(),
            members: items.iter().map(|item| item.0).collect(),
            reports: reports.into(),
        })
    }

    /// The ids that it was built for.
    pub(crate) fn members(&self) -> &[u32] {
        &self.members
    }

    /// Bytes that it takes.
    pub(crate) fn bytes(&self) -> usize {
        256 + 4 * (self.next.len() + self.starts.len() + self.reports.len() + self.members.len())
    }

    /// Reads at most `room` bytes from `at` on. `report` says whether to go on.
    #[inline]
    pub(crate) fn forward(
        &self,
        text: &[u8],
        at: usize,
        room: usize,
        report: impl FnMut(&[u32]) -> bool,
    ) -> Walk {
        let before = at.checked_sub(1).and_then(|at| text.get(at)).copied();
        let rest = text.get(at..).unwrap_or_default();
        let near = rest.get(..room).unwrap_or(rest);
        self.walk(before, near.iter(), near.len() == rest.len(), report)
    }

    /// Reads from before `at` to the beginning. `report` says whether to go on.
    #[inline]
    pub(crate) fn backward(&self, text: &[u8], at: usize, report: impl FnMut(&[u32]) -> bool) -> Walk {
        let bytes = text.get(..at).unwrap_or_default().iter().rev();
        self.walk(text.get(at).copied(), bytes, true, report)
    }

    #[inline(always)]
    fn walk<'a>(
        &self,
        before: Option<u8>,
        bytes: impl Iterator<Item = &'a u8>,
        whole: bool,
        mut report: impl FnMut(&[u32]) -> bool,
    ) -> Walk {
        let mut state = match &*self.starts {
            [start] => *start,
            starts => starts.get(before.map_or(256, usize::from)).copied().unwrap_or(self.stride),
        };
        let mut steps = 0;
        if state == self.stride {
            return Walk { end: End::Quit, steps };
        }
        for &byte in bytes {
            state = self.step(state, u32::from(*self.classes.get(usize::from(byte)).unwrap_or(&0)));
            steps += 1;
            if state < self.special {
                if state == 0 {
                    return Walk { end: End::Done, steps };
                }
                if state == self.stride {
                    return Walk { end: End::Quit, steps };
                }
                if !report(self.reports(state)) {
                    return Walk { end: End::Done, steps };
                }
            }
        }
        if !whole {
            return Walk { end: End::Room, steps };
        }
        state = self.step(state, self.stride - 2);
        if state < self.special && state > self.stride {
            report(self.reports(state));
        }
        Walk { end: if state == self.stride { End::Quit } else { End::Done }, steps }
    }

    #[inline(always)]
    fn step(&self, state: u32, class: u32) -> u32 {
        self.next.get((state + class) as usize).copied().unwrap_or(0)
    }

    /// What holds in a state.
    #[inline]
    fn reports(&self, state: u32) -> &[u32] {
        let at = self.step(state, self.stride - 1) as usize;
        match self.reports.get(at..) {
            Some([count, ids @ ..]) => ids.get(..*count as usize).unwrap_or_default(),
            _ => &[],
        }
    }

    pub(crate) fn write(&self, writer: &mut Writer) {
        writer.slice(&*self.classes);
        writer.u32(self.stride);
        writer.u32(self.special);
        for table in [&self.next, &self.starts, &self.reports, &self.members] {
            writer.table(table);
        }
    }

    /// Reads an automaton whose ids are below `ids`.
    pub(crate) fn read(reader: &mut Reader<'_>, ids: u32) -> Result<Automaton, Unreadable> {
        let classes: [u8; 256] = reader.slice()?.try_into().map_err(|_| Unreadable::Damaged)?;
        let automaton = Automaton {
            classes: Box::new(classes),
            stride: reader.u32()?,
            special: reader.u32()?,
            next: reader.table()?,
            starts: reader.table()?,
            reports: reader.table()?,
            members: reader.table()?,
        };
        let stride = automaton.stride;
        let len = u32::try_from(automaton.next.len()).map_err(|_| Unreadable::Damaged)?;
        let state = |&state: &u32| state < len && state.checked_rem(stride) == Some(0);
        // The first list is empty: it is what states point to that report nothing.
        let mut lists = vec![0];
        let mut rest = automaton.reports.strip_prefix(&[0]).ok_or(Unreadable::Damaged)?;
        while let [count, more @ ..] = rest {
            lists.push((automaton.reports.len() - rest.len()) as u32);
            let (list, more) = more.split_at_checked(*count as usize).ok_or(Unreadable::Damaged)?;
            if !list.iter().all(|&id| id < ids) {
                return Err(Unreadable::Damaged);
            }
            rest = more;
        }
        let row = |row: &[u32]| match row.split_last() {
            Some((report, states)) => states.iter().all(state) && lists.binary_search(report).is_ok(),
            None => false,
        };
        let sound = (2..=258).contains(&stride)
            && len % stride == 0
            && len / stride >= 2
            && automaton.special <= len
            && automaton.classes.iter().all(|&class| u32::from(class) < stride - 1)
            && [1, 257].contains(&automaton.starts.len())
            && automaton.starts.iter().all(state)
            && automaton.next.chunks(stride as usize).all(row)
            && automaton.members.iter().all(|&id| id < ids);
        if sound { Ok(automaton) } else { Err(Unreadable::Damaged) }
    }
}

/// States in the order in which they are first met.
#[derive(Default)]
struct Order {
    states: Vec<StateID>,
    met: std::collections::BTreeSet<StateID>,
}

impl Order {
    fn meet(&mut self, state: StateID) {
        if self.met.insert(state) {
            self.states.push(state);
        }
    }
}
