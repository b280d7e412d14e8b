//! Ordered events of a key within a horizon, with absence.
//!
//! A sequence holds at an event that matches its last step when earlier events matched the steps before it.
//! Of several starts the latest wins, and given the start every step is the first event that matches after
//! the step before it. It is enough to keep one partial match for each step reached, the one with the latest
//! start: once two matches have reached the same step, the same later events advance both and an excluded
//! event that ends the later one ends the earlier one too, while the horizon of the later one reaches further.

use serde::{Deserialize, Serialize};
use std::sync::Arc;

use weir_compiler::hir::Sequence;
use weir_compiler::value::Value;

/// The completed matches of one key that may wait for a terminal absence.
const WAITING: usize = 8;

/// A step that an event matched.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Mark {
    /// The event's time.
    pub at: i64,
    /// The captured fields, in the order of the step's captures.
    pub captures: Arc<[Option<Value>]>,
}

/// A sequence that holds: a mark for each step.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Held {
    /// In order of the steps.
    pub marks: Vec<Mark>,
}

/// What an event is to a sequence, as bits by position.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Matched {
    pub(crate) steps: u64,
    pub(crate) without: u64,
    pub(crate) then_no: bool,
}

impl Matched {
    pub(crate) fn is_nothing(self) -> bool {
        self == Self::default()
    }
}

/// The partial matches of one key.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(crate) struct Track {
    /// At `k`, the latest match that has reached step `k`; without a place for the last step.
    partials: Vec<Option<Vec<Mark>>>,
    /// Complete, and waiting for their deadline.
    waiting: Vec<Waiting>,
    next: u32,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
struct Waiting {
    id: u32,
    deadline: i64,
    held: Arc<Held>,
}

/// What an event did to a track.
#[derive(Debug, Default)]
pub(crate) struct Advanced {
    /// The sequence holds at this event.
    pub(crate) held: Option<Arc<Held>>,
    /// It waits until a deadline, under an id.
    pub(crate) waits: Option<(i64, u32)>,
}

fn bit(bits: u64, at: usize) -> bool {
    at < 64 && bits & (1 << at) != 0
}

impl Track {
    /// Takes an event at `at` that matches some of the steps and exclusions. `capture` makes the mark's fields
    /// of a step. Cost: linear in the number of steps.
    pub(crate) fn take(
        &mut self,
        sequence: &Sequence,
        at: i64,
        matched: Matched,
        mut capture: impl FnMut(usize) -> Arc<[Option<Value>]>,
    ) -> Advanced {
        let mut advanced = Advanced::default();
        let Some(last) = sequence.steps.len().checked_sub(1) else { return advanced };
        self.partials.resize(last, None);
        let horizon = sequence.horizon.ms;
        for partial in &mut self.partials {
            let over = partial
                .as_ref()
                .and_then(|marks| marks.first())
                .is_some_and(|first| at.saturating_sub(first.at) > horizon);
            if over {
                *partial = None;
            }
        }
        // The excluded event of a terminal absence ends what has waited until now.
        if matched.then_no {
            self.waiting.retain(|waiting| at > waiting.deadline);
        }
        // From the last step to the first, so that one event advances a match by one step only.
        let mut fresh = 0_u64;
        let mut complete = None;
        for step in (0..=last).rev().filter(|step| bit(matched.steps, *step)) {
            let marks = match step.checked_sub(1) {
                None => Some(Vec::with_capacity(last + 1)),
                // Matching the last step does not consume.
                Some(before) if step == last => self.partials.get(before).cloned().flatten(),
                Some(before) => self.partials.get_mut(before).and_then(Option::take),
            };
            let Some(mut marks) = marks else { continue };
            marks.push(Mark { at, captures: capture(step) });
            if step == last {
                complete = Some(Arc::new(Held { marks }));
            } else if let Some(place) = self.partials.get_mut(step) {
                // A start that comes late does not push out a later one.
                let kept = place.as_ref().and_then(|kept| kept.first()).map(|first| first.at);
                if kept.is_none_or(|kept| marks.first().is_some_and(|first| first.at >= kept)) {
                    *place = Some(marks);
                    fresh |= 1_u64.checked_shl(step as u32).unwrap_or(0);
                }
            }
        }
        for (at, without) in sequence.without.iter().enumerate() {
            if bit(matched.without, at) {
                let (after, before) = (usize::from(without.after), usize::from(without.before));
                for (step, partial) in self.partials.iter_mut().enumerate() {
                    // The event is not after the step that it has just been itself.
                    if (after..before).contains(&step) && !(step == after && bit(fresh, step)) {
                        *partial = None;
                    }
                }
            }
        }
        match (&sequence.then_no, complete) {
            (None, held) => advanced.held = held,
            (Some(then_no), Some(held)) if self.waiting.len() < WAITING => {
                let deadline = at.saturating_add(then_no.within.ms);
                let id = self.next;
                self.next = self.next.wrapping_add(1);
                self.waiting.push(Waiting { id, deadline, held });
                advanced.waits = Some((deadline, id));
            }
            (Some(_), _) => {}
        }
        advanced
    }

    /// The match that has waited under `id`, if nothing has ended it.
    pub(crate) fn due(&mut self, id: u32) -> Option<Arc<Held>> {
        let place = self.waiting.iter().position(|waiting| waiting.id == id)?;
        Some(self.waiting.remove(place).held)
    }

    /// True when nothing is kept.
    pub(crate) fn is_empty(&self) -> bool {
        self.waiting.is_empty() && self.partials.iter().all(Option::is_none)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use weir_compiler::hir::{Key, KeyKind, KeyPart, Phase, Span, Step, ThenNo, Without};
    use weir_compiler::ids::{EventId, FieldId};

    use super::*;

    fn span(ms: i64) -> Span {
        Span { ms, param: None }
    }

    /// Steps 0, 1, … of a sequence; what matches is given with each event, so events and filters do not matter.
    fn sequence(steps: usize, without: &[(u16, u16)], then_no: Option<i64>, horizon: i64) -> Sequence {
        let step = |at: usize| Step {
            name: format!("s{at}").into(),
            event: EventId(0),
            filter: None,
            captures: Vec::new(),
            phase: Phase::Request,
        };
        Sequence {
            name: "s".into(),
            key: Key { parts: vec![KeyPart::Field(FieldId(0))], kind: KeyKind::Actor, text: "user".into() },
            horizon: span(horizon),
            steps: (0..steps).map(step).collect(),
            without: without
                .iter()
                .map(|(after, before)| Without {
                    event: EventId(0),
                    filter: None,
                    after: *after,
                    before: *before,
                    phase: Phase::Request,
                })
                .collect(),
            then_no: then_no.map(|within| ThenNo {
                event: EventId(0),
                filter: None,
                within: span(within),
                phase: Phase::Request,
            }),
            phase: Phase::Request,
            at: crate::fixture::nowhere(),
            unmapped: None,
        }
    }

    /// The definition, word by word: try the starts from the latest, take the first match for each step, look
    /// for excluded events between.
    fn oracle(sequence: &Sequence, events: &[(i64, Matched)]) -> Option<Vec<i64>> {
        let n = sequence.steps.len();
        let (now, (at, matched)) = (events.len() - 1, events.last()?);
        if !bit(matched.steps, n - 1) {
            return None;
        }
        if n == 1 {
            return Some(vec![*at]);
        }
        'starts: for start in (0..now).rev() {
            if !bit(events[start].1.steps, 0) || at - events[start].0 > sequence.horizon.ms {
                continue;
            }
            let mut chosen = vec![start];
            for step in 1..n - 1 {
                let after = *chosen.last().unwrap();
                match (after + 1..now).find(|event| bit(events[*event].1.steps, step)) {
                    Some(event) => chosen.push(event),
                    None => continue 'starts,
                }
            }
            chosen.push(now);
            for (which, without) in sequence.without.iter().enumerate() {
                let (a, b) = (chosen[usize::from(without.after)], chosen[usize::from(without.before)]);
                if (a + 1..b).any(|event| bit(events[event].1.without, which)) {
                    continue 'starts;
                }
            }
            return Some(chosen.into_iter().map(|event| events[event].0).collect());
        }
        None
    }

    fn shapes() -> impl Strategy<Value = Sequence> {
        (1_usize..5).prop_flat_map(|n| {
            let pairs = prop::collection::vec((0..n as u16, 0..n as u16), 0..3);
            (pairs, 5_i64..40).prop_map(move |(pairs, horizon)| {
                let pairs: Vec<_> = pairs.into_iter().filter(|(a, b)| a < b).collect();
                sequence(n, &pairs, None, horizon)
            })
        })
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(2_000))]

        #[test]
        fn holds_when_the_definition_says_so(
            sequence in shapes(),
            events in prop::collection::vec((0_i64..6, 0_u64..16, 0_u64..8), 1..40),
        ) {
            let mut track = Track::default();
            let mut seen = Vec::new();
            let mut now = 0;
            for (wait, steps, without) in events {
                now += wait;
                // Most events match one step at most; some match several.
                let steps = if wait == 0 { steps } else { 1 << (steps % 5) };
                let matched = Matched { steps, without: if wait < 4 { 0 } else { without }, then_no: false };
                seen.push((now, matched));
                let held = track.take(&sequence, now, matched, |_| Arc::from([])).held;
                let times = held.map(|held| held.marks.iter().map(|mark| mark.at).collect::<Vec<_>>());
                prop_assert_eq!(times, oracle(&sequence, &seen), "{:?}", seen);
            }
        }

        /// A completion waits until its deadline unless the excluded event comes after it and not later.
        #[test]
        fn a_terminal_absence_waits_for_each_completion(
            events in prop::collection::vec((1_i64..8, any::<bool>()), 1..20),
        ) {
            let sequence = sequence(1, &[], Some(10), 100);
            let mut track = Track::default();
            let (mut now, mut log, mut waits) = (0, Vec::new(), Vec::new());
            for (wait, completes) in events {
                now += wait;
                let matched = Matched { steps: u64::from(completes), without: 0, then_no: !completes };
                waits.extend(track.take(&sequence, now, matched, |_| Arc::from([])).waits);
                log.push((now, completes));
            }
            for (at, completes) in &log {
                let Some((_, id)) = waits.iter().find(|(deadline, _)| *completes && *deadline == at + 10) else { continue };
                let ended = log.iter().any(|(other, completes)| !completes && other > at && *other <= at + 10);
                prop_assert_eq!(track.due(*id).is_some(), !ended);
            }
        }
    }

    #[test]
    fn a_second_transfer_after_the_same_swap_holds_again() {
        let sequence = sequence(2, &[], None, 100);
        let mut track = Track::default();
        let mut take = |at, step: u32| {
            track.take(&sequence, at, Matched { steps: 1 << step, ..Matched::default() }, |_| Arc::from([]))
        };
        assert!(take(0, 0).held.is_none());
        assert!(take(10, 1).held.is_some());
        assert!(take(100, 1).held.is_some());
        assert!(take(101, 1).held.is_none(), "past the horizon");
    }

    #[test]
    fn a_start_that_comes_late_does_not_push_out_a_later_one() {
        let sequence = sequence(2, &[], None, 10);
        let mut track = Track::default();
        let mut take = |at, step: u32| {
            track.take(&sequence, at, Matched { steps: 1 << step, ..Matched::default() }, |_| Arc::from([]))
        };
        take(100, 0);
        take(70, 0);
        let held = take(105, 1).held.expect("the start at 100 is five ago");
        assert_eq!(held.marks[0].at, 100);
    }

    #[test]
    fn at_most_eight_matches_wait() {
        let sequence = sequence(1, &[], Some(1_000), 100);
        let mut track = Track::default();
        let matched = Matched { steps: 1, ..Matched::default() };
        let waits =
            (0..20).filter(|at| track.take(&sequence, *at, matched, |_| Arc::from([])).waits.is_some());
        assert_eq!(waits.count(), WAITING);
        assert!(!track.is_empty());
    }
}
