//! Evaluation of a plan by an interpreter: group by group, and condition by condition where one is left.

use crate::axis::{Axis, AxisId};
use crate::check::{Ask, What};
use crate::direct::Direct;
use crate::frame::Frame;
use crate::group::{Group, Push, Row, WORDS};
use crate::kernel::{Inputs, Kernel};
use crate::plan::Plan;
use crate::scalar::Row as Values;
use crate::straight::Node;

impl Plan {
    /// Finds the conditions that hold of an event, whose values are given by column. They are added to `found` in no
    /// particular order; those that are not [exact](Plan::is_exact) may hold.
    ///
    /// Cost: the coding of each value that is asked for, and some words for each group; no allocation once `found` is large
    /// enough.
    pub fn matches(&self, row: &(impl Values + ?Sized), frame: &mut Frame, found: &mut Vec<u32>) {
        self.look::<_, false>(row, frame, None, found);
    }

    /// The same with a kernel made for this plan.
    pub fn matches_with(
        &self,
        row: &(impl Values + ?Sized),
        frame: &mut Frame,
        kernel: &dyn Kernel,
        found: &mut Vec<u32>,
    ) {
        self.look::<_, false>(row, frame, Some(kernel), found);
    }

    /// Finds the conditions that may hold of an event, and says of each whether it does: false where a missing value leaves it
    /// unknown. What is said of conditions that are not [exact](Plan::is_exact) is that they may hold. With a kernel, it is one made
    /// for this plan.
    pub fn possible(
        &self,
        row: &(impl Values + ?Sized),
        frame: &mut Frame,
        kernel: Option<&dyn Kernel>,
        mut found: impl FnMut(u32, bool),
    ) {
        let mut possible = std::mem::take(&mut frame.possible);
        possible.clear();
        if self.look::<_, true>(row, frame, kernel, &mut possible) {
            let mut certain = std::mem::take(&mut frame.certain);
            certain.clear();
            self.again(row, frame, kernel, &mut certain);
            certain.sort_unstable();
            for id in &possible {
                found(*id, self.is_exact(*id) && certain.binary_search(id).is_ok());
            }
            frame.certain = certain;
        } else {
            possible.iter().for_each(|id| found(*id, self.is_exact(*id)));
        }
        frame.possible = possible;
    }

    /// Looks at another event. True where a missing value was asked for.
    fn look<R: Values + ?Sized, const MAYBE: bool>(
        &self,
        row: &R,
        frame: &mut Frame,
        kernel: Option<&dyn Kernel>,
        found: &mut Vec<u32>,
    ) -> bool {
        frame.begin();
        let mut look = Look::<_, MAYBE> { plan: self, row, frame, missing: false, kernel };
        look.evaluate(found);
        look.missing
    }

    /// Looks at the same event again, for what holds for certain.
    fn again(
        &self,
        row: &(impl Values + ?Sized),
        frame: &mut Frame,
        kernel: Option<&dyn Kernel>,
        found: &mut Vec<u32>,
    ) {
        Look::<_, false> { plan: self, row, frame, missing: false, kernel }.evaluate(found);
    }
}

/// An event on its way through a plan. With `MAYBE`, what is unknown counts as true, otherwise as false.
struct Look<'a, R: ?Sized, const MAYBE: bool> {
    plan: &'a Plan,
    row: &'a R,
    frame: &'a mut Frame,
    /// A missing value has been asked for.
    missing: bool,
    /// Works out the groups in the interpreter's stead.
    kernel: Option<&'a dyn Kernel>,
}

impl<R: Values + ?Sized, const MAYBE: bool> Look<'_, R, MAYBE> {
    /// Adds each condition that holds.
    fn evaluate(&mut self, found: &mut Vec<u32>) {
        self.code_all();
        self.straight(found);
        let plan = self.plan;
        if plan.groups.groups.is_empty() {
            return;
        }
        if let Some(kernel) = self.kernel {
            self.groups(kernel, found);
            return;
        }
        for group in &plan.groups.groups {
            let held = self.inputs().left::<MAYBE>(group);
            if held != NONE {
                self.rest(group, &held, found);
            }
        }
    }

    /// The same with the groups worked out by a kernel.
    fn groups(&mut self, kernel: &dyn Kernel, found: &mut Vec<u32>) {
        let plan = self.plan;
        let mut held = std::mem::take(&mut self.frame.held);
        held.clear();
        if MAYBE && self.missing {
            let mut maybe = std::mem::take(&mut self.frame.maybe);
            for axis in &plan.eager {
                let at = usize::from(axis.0);
                if let (Some(maybe), Some(code), Some(axis)) =
                    (maybe.get_mut(at), self.frame.codes.get(at), plan.axes.get(at))
                {
                    *maybe = if *code == 0 { axis.codes } else { *code };
                }
            }
            kernel.groups(&Inputs { codes: &maybe, ..self.inputs() }, &mut held);
            self.frame.maybe = maybe;
        } else {
            kernel.groups(&self.inputs(), &mut held);
        }
        held.each(|at, row| {
            if let Some(group) = plan.groups.groups.get(at) {
                self.rest(group, row, found);
            }
        });
        self.frame.held = held;
    }

    /// Asks one condition after the other.
    fn straight(&mut self, found: &mut Vec<u32>) {
        let plan = self.plan;
        let mut at = 0;
        while let Some(node) = plan.groups.straight.get(at as usize) {
            let holds = match &node.direct {
                Some(direct) => self.direct(direct),
                None => self.check(node.from, node.to),
            };
            if holds {
                if node.id != Node::NONE {
                    found.push(node.id);
                }
                at += 1;
            } else {
                at = node.otherwise;
            }
        }
    }

    /// Codes what every event is asked, and joins the rows of the patterns that hold.
    fn code_all(&mut self) {
        let plan = self.plan;
        self.frame.joined.copy_from_slice(&plan.groups.bases);
        for id in &plan.eager {
            let at = usize::from(id.0);
            let Some(axis) = plan.axes.get(at) else { continue };
            let code = self.frame.code_now(plan, self.row, axis, at);
            self.missing |= MAYBE && code == 0;
            if axis.has_terms() {
                self.join(axis, at, code);
            }
        }
    }

    /// Joins the rows of the patterns that hold to their slots.
    fn join(&mut self, axis: &Axis, at: usize, code: u32) {
        let plan = self.plan;
        let Some(pushes) = plan.groups.pushes.get(at) else { return };
        if code == 0 {
            if MAYBE {
                // Whatever is asked of a missing value may hold.
                plan.push(&mut self.frame.joined, pushes, axis.codes);
            }
            return;
        }
        let from = plan.words.get(at).copied().unwrap_or_default() as usize;
        let to = plan.words.get(at + 1).map_or(plan.negated.len(), |to| *to as usize);
        let Frame { found, joined, .. } = &mut *self.frame;
        let found = found.get(from..to).unwrap_or_default();
        let negated = plan.negated.get(from..to).unwrap_or_default();
        for (at, (found, negated)) in (0..).zip(found.iter().zip(negated)) {
            each(*found, |bit| plan.push(joined, pushes, (at * 64 + bit) * 2));
            each(negated & !found, |bit| plan.push(joined, pushes, (at * 64 + bit) * 2 + 1));
        }
    }

    fn inputs(&self) -> Inputs<'_> {
        let Frame { codes, joined, events, .. } = &*self.frame;
        Inputs { plan: self.plan, codes, joined, event: *events }
    }

    /// Asks of the conditions that are left what is left to ask.
    fn rest(&mut self, group: &Group, held: &Row, found: &mut Vec<u32>) {
        let plan = self.plan;
        let entries = plan.groups.conditions.get(group.first as usize..).unwrap_or_default();
        for (word, at) in held.iter().zip((0..).step_by(64)) {
            each(*word, |bit| {
                if let Some(entry) = entries.get(at + bit as usize)
                    && self.check(entry.from, entry.to)
                {
                    found.push(entry.id);
                }
            });
        }
    }

    /// Whether all that is left to ask of a condition holds.
    #[inline]
    fn check(&mut self, from: u32, to: u32) -> bool {
        let plan = self.plan;
        let mut at = from;
        while at < to {
            let Some(ask) = plan.groups.checks.asks.get(at as usize) else { return false };
            if self.ask(ask) {
                at += u32::from(ask.next);
            } else if ask.next == 1 {
                return false;
            } else {
                at += 1;
            }
        }
        true
    }

    #[inline]
    fn ask(&mut self, ask: &Ask) -> bool {
        let (pattern, not) = match ask.what {
            What::Direct(direct) => {
                let direct = self.plan.groups.checks.direct.get(direct as usize);
                return direct.is_some_and(|direct| self.direct(direct));
            }
            What::Set(bits) => {
                let code = self.code(ask.axis);
                let word = self.plan.groups.checks.bits.get((bits + code / 64) as usize).copied();
                return word.unwrap_or_default() >> (code % 64) & 1 == 1;
            }
            What::Found(pattern) => (pattern, false),
            What::Not(pattern) => (pattern, true),
        };
        match self.code(ask.axis) {
            0 => false,
            1 => {
                let from = self.plan.words.get(usize::from(ask.axis.0)).copied().unwrap_or_default();
                let word = self.frame.found.get((from + pattern / 64) as usize).copied().unwrap_or_default();
                (word >> (pattern % 64) & 1 == 1) != not
            }
            _ => true,
        }
    }

    /// Asks the value itself.
    #[inline]
    fn direct(&mut self, direct: &Direct) -> bool {
        direct.holds(self.row.value(direct.column)).unwrap_or_else(|| {
            self.missing |= MAYBE;
            if MAYBE { direct.maybe } else { direct.missing }
        })
    }

    /// The code of an axis, that past the last one where a missing value may be anything.
    #[inline]
    fn code(&mut self, axis: AxisId) -> u32 {
        let code = self.frame.code(self.plan, self.row, usize::from(axis.0));
        if MAYBE && code == 0 {
            self.missing = true;
            return self.plan.axes.get(usize::from(axis.0)).map_or(0, |axis| axis.codes);
        }
        code
    }
}

impl Plan {
    /// Joins the rows of a code to their slots.
    #[inline]
    fn push(&self, joined: &mut [Row], pushes: &[Vec<Push>], code: u32) {
        for push in pushes.get(code as usize).map(Vec::as_slice).unwrap_or_default() {
            if let (Some(joined), Some(row)) =
                (joined.get_mut(push.slot as usize), self.groups.rows.get(push.row as usize))
            {
                or(joined, row);
            }
        }
    }
}

/// No condition.
pub(crate) const NONE: Row = [0; WORDS];

#[inline]
pub(crate) fn and(row: &mut Row, other: &Row) {
    row.iter_mut().zip(other).for_each(|(word, other)| *word &= other);
}

#[inline]
pub(crate) fn or(row: &mut Row, other: &Row) {
    row.iter_mut().zip(other).for_each(|(word, other)| *word |= other);
}

/// Calls `with` for each bit that is set.
fn each(mut bits: u64, mut with: impl FnMut(u32)) {
    while bits != 0 {
        with(bits.trailing_zeros());
        bits &= bits - 1;
    }
}
