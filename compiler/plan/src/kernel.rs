//! Kernels: what works out which conditions of each group are left after its slots.
//!
//! That part of a plan is arithmetic over memory and nothing else, so another tier may do it: it is given the codes of the
//! values and the rows joined by patterns, and writes the row of each group that has something left. Coding and checks stay
//! with the plan.

use crate::axis::AxisId;
use crate::evaluate::{NONE, and, or};
use crate::group::{Group, Row, Source, Step};
use crate::plan::Plan;

/// Works out the conditions that are left of an event, for the groups of one plan.
pub trait Kernel: Send + Sync + std::fmt::Debug {
    /// Writes what is left of each group after its slots. Nothing is left yet.
    fn groups(&self, inputs: &Inputs<'_>, held: &mut Held);
}

/// What is known of an event before its groups are looked at.
#[derive(Debug)]
pub struct Inputs<'a> {
    pub(crate) plan: &'a Plan,
    pub(crate) codes: &'a [u32],
    pub(crate) joined: &'a [Row],
    pub(crate) event: u64,
}

/// By group, the conditions that are left.
#[derive(Clone, Debug, Default)]
pub struct Held {
    rows: Vec<Row>,
    /// By group, 1 where some condition is left; as many as fill whole words.
    alive: Vec<u8>,
}

/// The interpreter as a kernel, for tests and for what another kernel leaves to it.
#[derive(Clone, Copy, Debug)]
pub struct Interpreter;

impl Kernel for Interpreter {
    fn groups(&self, inputs: &Inputs<'_>, held: &mut Held) {
        for (at, group) in inputs.plan.groups().iter().enumerate() {
            held.set(at, inputs.group(group));
        }
    }
}

impl<'a> Inputs<'a> {
    /// The plan whose inputs they are.
    pub fn plan(&self) -> &'a Plan {
        self.plan
    }

    /// By axis, the code of the value. Where missing values may be anything, theirs is that past the last class.
    ///
    /// INVARIANT: of each axis in a step of the plan, it is at most the [`Plan::codes`] of the axis.
    pub fn codes(&self) -> &'a [u32] {
        self.codes
    }

    /// By slot that patterns join, the conditions so far; as many as [`Plan::slots`].
    pub fn joined(&self) -> &'a [Row] {
        self.joined
    }

    /// Which event of its frame this is, from 0 on.
    pub fn event(&self) -> u64 {
        self.event
    }

    /// What the interpreter leaves of a group. Cost: a few words for each step.
    pub fn group(&self, group: &Group) -> Row {
        self.left::<false>(group)
    }

    /// The bits of the conditions that are left after the slots. With `MAYBE`, a code of 0 stands for that past the last class.
    #[inline]
    pub(crate) fn left<const MAYBE: bool>(&self, group: &Group) -> Row {
        let mut held = group.all;
        let mut joined = NONE;
        for step in self.plan.steps(group) {
            match step {
                Step::Class(source) => and(&mut held, self.class::<MAYBE>(source)),
                Step::Begin(slot) => joined = self.joined.get(*slot as usize).copied().unwrap_or(NONE),
                Step::OrClass(source) => or(&mut joined, self.class::<MAYBE>(source)),
                Step::End => and(&mut held, &joined),
            }
            if held == NONE {
                break;
            }
        }
        held
    }

    /// The row of the axis's class. The axis has been coded.
    #[inline]
    fn class<const MAYBE: bool>(&self, source: &Source) -> &'a Row {
        let mut code = self.codes.get(usize::from(source.axis.0)).copied().unwrap_or_default();
        if MAYBE && code == 0 {
            code = source.codes - 1;
        }
        let number = self.plan.groups.index.get((source.index + code) as usize).copied().unwrap_or_default();
        self.plan.groups.rows.get(source.rows as usize + usize::from(number)).unwrap_or(&NONE)
    }
}

impl Held {
    pub(crate) fn new(groups: usize) -> Self {
        Self { rows: vec![NONE; groups], alive: vec![0; groups.next_multiple_of(8)] }
    }

    /// Writes the row of a group.
    pub fn set(&mut self, group: usize, row: Row) {
        if let (Some(held), Some(alive)) = (self.rows.get_mut(group), self.alive.get_mut(group)) {
            *held = row;
            *alive = u8::from(row != NONE);
        }
    }

    /// What is left of a group.
    pub fn get(&self, group: usize) -> Row {
        match (self.rows.get(group), self.alive.get(group)) {
            (Some(row), Some(alive)) if *alive != 0 => *row,
            _ => NONE,
        }
    }

    /// By group, its row and whether something is left of it; rows count only where something is, and are not empty there.
    pub fn parts(&mut self) -> (&mut [Row], &mut [u8]) {
        (&mut self.rows, &mut self.alive)
    }

    /// Nothing is left of any group.
    pub(crate) fn clear(&mut self) {
        self.alive.fill(0);
    }

    /// Calls `with` for each group of which something is left.
    #[inline]
    pub(crate) fn each(&self, mut with: impl FnMut(usize, &Row)) {
        for (word, at) in self.alive.as_chunks::<8>().0.iter().zip((0..).step_by(8)) {
            let mut word = u64::from_le_bytes(*word);
            while word != 0 {
                let byte = word.trailing_zeros() / 8;
                word &= !(0xff << (byte * 8));
                let group = at + byte as usize;
                if let Some(row) = self.rows.get(group) {
                    with(group, row);
                }
            }
        }
    }
}

impl Plan {
    /// Its groups, in the order in which they are worked on.
    pub fn groups(&self) -> &[Group] {
        &self.groups.groups
    }

    /// What is done for the slots of a group.
    #[inline]
    pub fn steps(&self, group: &Group) -> &[Step] {
        self.groups.steps.get(group.step as usize..(group.step + group.steps) as usize).unwrap_or_default()
    }

    /// By source and class, the number of a row.
    pub fn index(&self) -> &[u16] {
        &self.groups.index
    }

    /// The rows of all sources.
    pub fn rows(&self) -> &[Row] {
        &self.groups.rows
    }

    /// How many slots patterns join.
    pub fn slots(&self) -> usize {
        self.groups.bases.len()
    }

    /// How many axes there are.
    pub fn axes(&self) -> usize {
        self.axes.len()
    }

    /// How many codes an axis has; what is past the last class is this number. Nothing for axes that are not coded for every
    /// event, whose code a kernel must not look at.
    pub fn codes(&self, axis: AxisId) -> Option<u32> {
        self.eager.binary_search(&axis).ok()?;
        self.axes.get(usize::from(axis.0)).map(|axis| axis.codes)
    }
}
