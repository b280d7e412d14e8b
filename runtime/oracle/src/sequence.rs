//! Ordered events of a key: every start is tried, the latest first.
//!
//! From `docs/reference/evaluation.md`: a sequence holds at an event that matches its last step when earlier events matched the
//! steps before it, in order, the first at most the horizon ago, and no excluded event came between the steps it names. Of
//! several possible starts the latest wins; given the start, each step is the first event that matches after the one before.

/// What an event is to a sequence.
#[derive(Clone, Debug, Default)]
pub struct Event {
    /// When.
    pub at: i64,
    /// The steps that it matches.
    pub steps: Vec<usize>,
    /// The exclusions that it matches.
    pub without: Vec<usize>,
}

/// A sequence: how many steps, within how long, and between which of them each exclusion stands.
#[derive(Clone, Debug)]
pub struct Sequence {
    /// Two at least.
    pub steps: usize,
    /// In ms, included.
    pub horizon: i64,
    /// Between which steps.
    pub without: Vec<(usize, usize)>,
}

impl Sequence {
    /// The events of the steps, by position, when the last of `events` completes the sequence. Quadratic.
    pub fn held(&self, events: &[Event]) -> Option<Vec<usize>> {
        let last = events.len().checked_sub(1)?;
        if !events[last].steps.contains(&(self.steps - 1)) {
            return None;
        }
        (0..last).rev().find_map(|start| self.from(events, start, last))
    }

    fn from(&self, events: &[Event], start: usize, last: usize) -> Option<Vec<usize>> {
        if !events[start].steps.contains(&0) || events[last].at - events[start].at > self.horizon {
            return None;
        }
        let mut marks = vec![start];
        for step in 1..self.steps - 1 {
            let from = marks[step - 1] + 1;
            let found = (from..last).find(|at| events[*at].steps.contains(&step))?;
            marks.push(found);
        }
        marks.push(last);
        let excluded = self.without.iter().enumerate().any(|(nth, (after, before))| {
            (marks[*after] + 1..marks[*before]).any(|at| events[at].without.contains(&nth))
        });
        (!excluded).then_some(marks)
    }
}
