//! One text through the stages of a plan.

use crate::automaton::{Automaton, End, Way};
use crate::lanes::PLACES;
use crate::pattern::Single;
use crate::plan::{Confirm, Plan};
use crate::words::{Action, Hits};

/// Room for one thread to scan in, made by [`PatternSet::scratch`](crate::PatternSet::scratch) and reused.
#[derive(Clone, Debug)]
pub struct Scratch {
    /// Expressions of which the first words have been found, as bits, then those of which the second have. All are 0 between scans.
    pending: Vec<u64>,
    hits: Box<Hits>,
    /// What [`Crowd`](crate::crowd::Crowd) has found.
    matched: Option<regex_automata::PatternSet>,
}

impl Scratch {
    pub(crate) fn new(confirms: usize) -> Scratch {
        Scratch { pending: vec![0; 2 * confirms.div_ceil(64)], hits: Box::new([0; PLACES]), matched: None }
    }
}

pub(crate) fn scan(plan: &Plan, singles: &[Single], text: &str, scratch: &mut Scratch, found: &mut [u64]) {
    let bytes = text.as_bytes();
    found.fill(0);
    if plan.some_always {
        for (to, from) in found.iter_mut().zip(&plan.always) {
            *to = *from;
        }
    }
    if !plan.heads.is_empty() || !plan.tails.is_empty() {
        ends(plan, singles, text, found);
    }
    if let Some(words) = &plan.words {
        let width = plan.confirms.len().div_ceil(64);
        if scratch.pending.len() < 2 * width {
            scratch.pending.resize(2 * width, 0);
        }
        let mut pends = false;
        // All trials together take a few times as long as the text is; what would take longer waits until the end.
        let mut room = 4 * bytes.len() + 64;
        words.scan(bytes, &mut scratch.hits, |action, at| match action {
            Action::Found(id) => put(found, id),
            Action::Try(id) => {
                let Some(confirm) = plan.confirms.get(id as usize) else { return };
                if has(found, confirm.pattern) || attempt(confirm, bytes, at, &mut room, found) {
                    return;
                }
                pends = true;
                put(&mut scratch.pending, id);
                put(scratch.pending.get_mut(width..).unwrap_or_default(), id);
            }
            Action::Pend(row) => {
                pends = true;
                let row = plan.rows.get(2 * width * row as usize..).unwrap_or_default();
                for (to, from) in scratch.pending.iter_mut().take(2 * width).zip(row) {
                    *to |= from;
                }
            }
        });
        if pends {
            pending(plan, singles, text, scratch, found);
        }
    }
    if !plan.rest.is_empty() || !plan.strange.ids().is_empty() {
        rest(plan, singles, text, scratch, found);
    }
}

/// What stands at the start of the text and at its end.
#[inline(never)]
fn ends(plan: &Plan, singles: &[Single], text: &str, found: &mut [u64]) {
    let bytes = text.as_bytes();
    for automaton in &plan.heads {
        let walk = automaton.forward(bytes, 0, usize::MAX, |ids| put_all(found, ids));
        ask_if_quit(walk.end, automaton, singles, text, found);
    }
    for automaton in &plan.tails {
        let walk = automaton.backward(bytes, bytes.len(), |ids| put_all(found, ids));
        ask_if_quit(walk.end, automaton, singles, text, found);
    }
}

/// What needs no words.
#[inline(never)]
fn rest(plan: &Plan, singles: &[Single], text: &str, scratch: &mut Scratch, found: &mut [u64]) {
    for automaton in &plan.rest {
        let walk = automaton.forward(text.as_bytes(), 0, usize::MAX, |ids| put_all(found, ids));
        ask_if_quit(walk.end, automaton, singles, text, found);
    }
    if !plan.strange.ids().is_empty() {
        plan.strange.ask(singles, text, &mut scratch.matched, |id| put(found, id));
    }
}

/// Tries an expression where a word stands with which it begins. False if that has to wait.
#[inline(never)]
fn attempt(confirm: &Confirm, text: &[u8], at: usize, room: &mut usize, found: &mut [u64]) -> bool {
    let Some(automaton) = &confirm.automaton else { return false };
    let walk = automaton.forward(text, at, *room, |_| {
        put(found, confirm.pattern);
        false
    });
    *room -= walk.steps;
    walk.end == End::Done
}

/// Decides the expressions that wait.
#[inline(never)]
fn pending(plan: &Plan, singles: &[Single], text: &str, scratch: &mut Scratch, found: &mut [u64]) {
    let width = plan.confirms.len().div_ceil(64);
    let (first, second) = scratch.pending.split_at_mut(width);
    for ((first, second), base) in first.iter_mut().zip(second).zip((0..).step_by(64)) {
        let mut bits = std::mem::take(first) & std::mem::take(second);
        while bits != 0 {
            if let Some(confirm) = plan.confirms.get(base + bits.trailing_zeros() as usize)
                && !has(found, confirm.pattern)
            {
                decide(confirm, singles, text, found);
            }
            bits &= bits - 1;
        }
    }
}

fn decide(confirm: &Confirm, singles: &[Single], text: &str, found: &mut [u64]) {
    let bytes = text.as_bytes();
    let report = |ids: &[u32]| {
        put_all(found, ids);
        false
    };
    let end = match (&confirm.automaton, confirm.way) {
        (Some(automaton), Way::Back) => automaton.backward(bytes, bytes.len(), report).end,
        (Some(automaton), Way::After) => automaton.forward(bytes, 0, usize::MAX, report).end,
        (Some(automaton), Way::From) if confirm.anchored => {
            automaton.forward(bytes, 0, usize::MAX, report).end
        }
        _ => End::Quit,
    };
    if end != End::Done {
        ask(singles, confirm.pattern, text, found);
    }
}

#[cold]
fn ask(singles: &[Single], id: u32, text: &str, found: &mut [u64]) {
    if singles.get(id as usize).is_some_and(|single| single.holds(text)) {
        put(found, id);
    }
}

#[inline]
fn ask_if_quit(end: End, automaton: &Automaton, singles: &[Single], text: &str, found: &mut [u64]) {
    if end == End::Quit {
        for &id in automaton.members() {
            if !has(found, id) {
                ask(singles, id, text, found);
            }
        }
    }
}

#[inline]
fn put(found: &mut [u64], id: u32) {
    if let Some(word) = found.get_mut(id as usize / 64) {
        *word |= 1 << (id % 64);
    }
}

#[inline]
fn put_all(found: &mut [u64], ids: &[u32]) -> bool {
    for &id in ids {
        put(found, id);
    }
    true
}

#[inline]
fn has(found: &[u64], id: u32) -> bool {
    found.get(id as usize / 64).is_some_and(|word| word >> (id % 64) & 1 == 1)
}
