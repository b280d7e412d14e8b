//! Chunks: runs of groups that become one function each, and all that is known of the memory it works on.
//!
//! A chunk says everything in terms of itself: slots, indexes and rows are counted from the first that it uses. So its text
//! depends on its own steps alone, wherever they stand in the plan, and code made for a text is right for every chunk that has it.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::ops::Range;

use sha2::{Digest, Sha256};
use weir_plan::{Bits, Group, Plan, Source, Step};

use crate::refusal::Refusal;

/// A chunk ends where leads change, once it has so many groups.
const ENOUGH: usize = 16;
/// The most groups of a chunk (a call costs as much as ten steps, so chunks are not small), and the most steps where it has more than one group.
const MOST_GROUPS: usize = 64;
const MOST_STEPS: usize = 256;
/// The most steps of one group; one with more stays with the interpreter.
const MOST_STEPS_OF_GROUP: usize = 1_024;

/// What a chunk is known by: the hash of its text.
pub type Hash = [u8; 32];

/// A run of groups, as it is compiled.
#[derive(Clone, Debug)]
pub struct Chunk {
    /// Its groups in the plan.
    pub groups: Range<usize>,
    /// Where its slots, indexes and rows begin in those of the plan.
    pub(crate) joined: usize,
    pub(crate) index: usize,
    pub(crate) rows: usize,
    pub(crate) works: Vec<Work>,
    pub(crate) regions: Regions,
    text: String,
    hash: Hash,
    /// The tables that it was read from, by their places and lengths.
    of: [(usize, usize); 2],
}

/// What is done for a group.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Work {
    /// It has no slot: all its conditions are left.
    All(Bits),
    Ops(Vec<Op>),
}

/// A step, counted from the chunk's own beginnings.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Op {
    Class(Look),
    Begin(u32),
    OrClass(Look),
    End,
}

/// A look-up of a row by class.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Look {
    pub(crate) axis: u16,
    pub(crate) table: Table,
    /// Its first row.
    pub(crate) rows: u32,
    /// The number of the row without any condition.
    pub(crate) none: Option<u16>,
}

/// A table of an index: by class, the number of a row.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Table {
    pub(crate) from: u32,
    pub(crate) entries: u32,
    /// The greatest number in it.
    pub(crate) greatest: u16,
}

/// The memory that a chunk's code may touch, and what is known of what is there.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Regions {
    /// By axis, the greatest code.
    pub(crate) codes: BTreeMap<u16, u32>,
    /// How many rows joined by patterns, entries of indexes, and rows.
    pub(crate) joined: u32,
    pub(crate) index: u32,
    pub(crate) rows: u32,
    pub(crate) tables: Vec<Table>,
    /// How many groups: rows to write, and bytes for what is left.
    pub(crate) groups: u32,
}

impl Chunk {
    /// What it does, in words that are the same for equal chunks.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The hash of its text.
    pub fn hash(&self) -> Hash {
        self.hash
    }

    /// How many steps it has.
    pub fn steps(&self) -> usize {
        let count = |work: &Work| if let Work::Ops(ops) = work { ops.len() } else { 0 };
        self.works.iter().map(count).sum()
    }

    /// It was made of this plan, which is still where it was.
    pub(crate) fn is_of(&self, plan: &Plan) -> bool {
        self.of == tables(plan)
    }

    fn new(plan: &Plan, groups: Range<usize>) -> Result<Self, Refusal> {
        let members = plan.groups().get(groups.clone()).unwrap_or_default();
        let steps = || members.iter().flat_map(|group| plan.steps(group));
        let sources = || {
            steps().filter_map(|step| match step {
                Step::Class(source) | Step::OrClass(source) => Some(source),
                Step::Begin(_) | Step::End => None,
            })
        };
        let slots = steps().filter_map(|step| if let Step::Begin(slot) = step { Some(*slot) } else { None });
        let index = sources().map(|source| source.index).min().unwrap_or_default();
        let rows = sources().map(|source| source.rows).min().unwrap_or_default();
        let joined = slots.min().unwrap_or_default();
        let mut regions = Regions { groups: members.len() as u32, ..Regions::default() };
        let mut works = Vec::with_capacity(members.len());
        for group in members {
            let mut ops = Vec::new();
            for step in plan.steps(group) {
                let look = |source: &Source| look(plan, source, index, rows);
                ops.push(match step {
                    Step::Class(source) => Op::Class(look(source)?),
                    Step::OrClass(source) => Op::OrClass(look(source)?),
                    Step::Begin(slot) => Op::Begin(slot - joined),
                    Step::End => Op::End,
                });
            }
            ops.iter().for_each(|op| regions.add(op));
            works.push(if ops.is_empty() { Work::All(group.all) } else { Work::Ops(ops) });
        }
        if joined as usize + regions.joined as usize > plan.slots() {
            return Err(Refusal::Inconsistent("a slot that is not there"));
        }
        let text = text(&works);
        let hash = Sha256::digest(&text).into();
        let (joined, index, rows) = (joined as usize, index as usize, rows as usize);
        Ok(Self { groups, joined, index, rows, works, regions, text, hash, of: tables(plan) })
    }
}

impl Regions {
    fn add(&mut self, op: &Op) {
        match op {
            Op::Class(look) | Op::OrClass(look) => {
                self.codes.insert(look.axis, look.table.entries - 1);
                self.index = self.index.max(look.table.from + look.table.entries);
                self.rows = self.rows.max(look.rows + u32::from(look.table.greatest) + 1);
                self.tables.push(look.table);
            }
            Op::Begin(slot) => self.joined = self.joined.max(slot + 1),
            Op::End => {}
        }
    }
}

/// The chunks of a plan, in its order; where one is refused, the groups that stay with the interpreter, and why. Cost: linear in
/// the indexes and rows of the plan.
pub fn chunks(plan: &Plan) -> Vec<(Range<usize>, Result<Chunk, Refusal>)> {
    let mut found = Vec::new();
    let mut from = 0;
    let mut steps = 0;
    let groups = plan.groups();
    for (at, group) in groups.iter().enumerate() {
        steps += group.steps as usize;
        let ends = match groups.get(at + 1) {
            None => true,
            Some(next) => {
                let count = at + 1 - from;
                count >= MOST_GROUPS
                    || steps + next.steps as usize > MOST_STEPS
                    || count >= ENOUGH && lead(plan, group) != lead(plan, next)
            }
        };
        if ends {
            let range = from..at + 1;
            let chunk = if steps > MOST_STEPS_OF_GROUP {
                Err(Refusal::Large { what: "steps", count: steps, most: MOST_STEPS_OF_GROUP })
            } else {
                Chunk::new(plan, range.clone())
            };
            found.push((range, chunk));
            from = at + 1;
            steps = 0;
        }
    }
    found
}

fn tables(plan: &Plan) -> [(usize, usize); 2] {
    [(plan.index().as_ptr().addr(), plan.index().len()), (plan.rows().as_ptr().addr(), plan.rows().len())]
}

/// What a group looks at first.
fn lead(plan: &Plan, group: &Group) -> Option<u16> {
    match plan.steps(group).first()? {
        Step::Class(source) => Some(source.axis.0),
        _ => None,
    }
}

/// Reads from the real tables what the code may rely on.
fn look(plan: &Plan, source: &Source, index: u32, rows: u32) -> Result<Look, Refusal> {
    let codes = plan.codes(source.axis).ok_or(Refusal::Inconsistent("an axis that is not coded"))?;
    if source.codes != codes + 1 {
        return Err(Refusal::Inconsistent("an index of another length than its axis"));
    }
    let numbers = plan.index().get(source.index as usize..source.index as usize + source.codes as usize);
    let numbers = numbers.ok_or(Refusal::Inconsistent("an index that is not there"))?;
    let greatest = numbers.iter().copied().max().unwrap_or_default();
    let used = plan.rows().get(source.rows as usize..=source.rows as usize + usize::from(greatest));
    let used = used.ok_or(Refusal::Inconsistent("a row that is not there"))?;
    let none = used.iter().position(|row| *row == Bits::default()).map(|at| at as u16);
    let table = Table { from: source.index - index, entries: source.codes, greatest };
    Ok(Look { axis: source.axis.0, table, rows: source.rows - rows, none })
}

fn text(works: &[Work]) -> String {
    let mut text = String::from("weir-chunk 1\n");
    for (at, work) in works.iter().enumerate() {
        let _ = writeln!(text, "group {at}");
        match work {
            Work::All([a, b, c, d]) => {
                let _ = writeln!(text, "  all {a:x} {b:x} {c:x} {d:x}");
            }
            Work::Ops(ops) => ops.iter().for_each(|op| line(&mut text, op)),
        }
    }
    text
}

fn line(text: &mut String, op: &Op) {
    let mut look = |word: &str, look: &Look| {
        let Look { axis, table: Table { from, entries, greatest }, rows, none } = look;
        let _ =
            write!(text, "  {word} a{axis} index {from} entries {entries} rows {rows} greatest {greatest}");
        let _ = match none {
            Some(none) => writeln!(text, " none {none}"),
            None => writeln!(text),
        };
    };
    match op {
        Op::Class(source) => look("class", source),
        Op::OrClass(source) => look("or-class", source),
        Op::Begin(slot) => {
            let _ = writeln!(text, "  begin {slot}");
        }
        Op::End => text.push_str("  end\n"),
    }
}
