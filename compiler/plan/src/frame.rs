//! What is known of the event at hand: the class of each value, and the patterns found in texts.
//!
//! A frame belongs to one thread and is used for event after event; it allocates when it is made and not again. A value is
//! coded when it is first asked for, so rules that rarely get past their lead do not pay for the rest.

use crate::axis::{Axis, Coder};
use crate::clause::{Clause, Part};
use crate::group::Row;
use crate::kernel::Held;
use crate::memo::Memo;
use crate::plan::Plan;
use crate::scalar::{Row as Values, Scalar};

/// Scratch space for events.
#[derive(Debug)]
pub struct Frame {
    /// By axis, the class of the value, or [`Frame::UNCODED`]; on axes of patterns 1 where there is a value.
    pub(crate) codes: Vec<u32>,
    /// By axis of patterns, the words of those found, from [`Plan::words`] on.
    pub(crate) found: Vec<u64>,
    /// By slot that patterns join, the conditions so far.
    pub(crate) joined: Vec<Row>,
    scratch: Vec<Option<(weir_patterns::Scratch, Memo)>>,
    /// The conditions that may hold, and those that do.
    pub(crate) possible: Vec<u32>,
    pub(crate) certain: Vec<u32>,
    /// For kernels: what is left by group, and the codes where missing values may be anything.
    pub(crate) held: Held,
    pub(crate) maybe: Vec<u32>,
    /// Which event this is, from 0 on.
    pub(crate) events: u64,
}

impl Frame {
    /// The value has not been coded.
    pub(crate) const UNCODED: u32 = u32::MAX;

    /// For events of a plan.
    pub fn new(plan: &Plan) -> Self {
        let scratch = plan.axes.iter().map(|axis| match &axis.coder {
            Coder::Patterns(patterns) => Some((patterns.scratch(), Memo::new(patterns.words()))),
            _ => None,
        });
        Self {
            codes: vec![Self::UNCODED; plan.axes.len()],
            found: vec![0; plan.negated.len()],
            joined: plan.groups.bases.clone(),
            scratch: scratch.collect(),
            possible: Vec::new(),
            certain: Vec::new(),
            held: Held::new(plan.groups.groups.len()),
            maybe: vec![Self::UNCODED; plan.axes.len()],
            events: u64::MAX,
        }
    }

    /// Turns to another event.
    pub(crate) fn begin(&mut self) {
        self.codes.fill(Self::UNCODED);
        self.events = self.events.wrapping_add(1);
    }

    /// The code of an axis, which is worked out when it is first asked for.
    #[inline]
    pub(crate) fn code(&mut self, plan: &Plan, row: &(impl Values + ?Sized), axis: usize) -> u32 {
        match self.codes.get(axis) {
            Some(code) if *code != Self::UNCODED => *code,
            _ => self.work_out(plan, row, axis),
        }
    }

    #[inline(never)]
    fn work_out(&mut self, plan: &Plan, row: &(impl Values + ?Sized), at: usize) -> u32 {
        let Some(axis) = plan.axes.get(at) else { return 0 };
        self.code_now(plan, row, axis, at)
    }

    /// Codes the value of an axis, whether or not it has been.
    #[inline]
    pub(crate) fn code_now(
        &mut self,
        plan: &Plan,
        row: &(impl Values + ?Sized),
        axis: &Axis,
        at: usize,
    ) -> u32 {
        let value = row.value(axis.column);
        let code = match &axis.coder {
            Coder::Patterns(patterns) => {
                let Scalar::Text(text) = value else { return self.set(at, 0) };
                let from = plan.words.get(at).copied().unwrap_or_default() as usize;
                if let Some(words) = self.found.get_mut(from..from + patterns.words())
                    && let Some(Some((scratch, memo))) = self.scratch.get_mut(at)
                {
                    memo.find(text, words, |words| patterns.scan(text, scratch, words));
                }
                1
            }
            // INVARIANT: no code is past the one past the last class, whatever the coder says: kernels rely on it.
            _ => axis.class(value).min(axis.codes),
        };
        self.set(at, code)
    }

    #[inline]
    fn set(&mut self, at: usize, code: u32) -> u32 {
        if let Some(place) = self.codes.get_mut(at) {
            *place = code;
        }
        code
    }
}

/// By axis, where its words of patterns begin; and for all of them, the patterns that are asked for negated.
pub(crate) fn negated<'c>(axes: &[Axis], clauses: impl Iterator<Item = &'c Clause>) -> (Vec<u32>, Vec<u64>) {
    let mut count = 0;
    let words = axes.iter().map(|axis| {
        let from = count;
        if let Coder::Patterns(patterns) = &axis.coder {
            count += patterns.words() as u32;
        }
        from
    });
    let words: Vec<u32> = words.collect();
    let mut negated = vec![0_u64; count as usize];
    for part in clauses.flat_map(|clause| &clause.parts) {
        if let Part::Term(axis, term) = part
            && term % 2 == 1
            && let Some(from) = words.get(usize::from(axis.0))
            && let Some(word) = negated.get_mut((from + term / 128) as usize)
        {
            *word |= 1 << (term / 2 % 64);
        }
    }
    (words, negated)
}
