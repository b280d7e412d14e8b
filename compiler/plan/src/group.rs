//! Groups: up to some hundred conditions that are evaluated at once, a bit each.
//!
//! ```text
//!            class of the value        row: one bit a condition
//!  slot 0   path   ── 9 ──▶ index ──▶ 0 1 0 1 0 0 0 …   ┐
//!  slot 1   method ── 3 ──▶ index ──▶ 1 1 0 1 0 0 1 …   ├ and ──▶ 0 1 0 0 0 0 0 … ──▶ checks of condition 1
//!  slot 2   agent  ── {2, 7} ─▶ rows of its patterns,   ┘
//!                               joined by or
//! ```
//!
//! This is the bit-vector scheme of Lakshman and Stiliadis (SIGCOMM 1998), over classes of values instead of intervals of
//! addresses. The first slot is that of the leads. Another is there for each axis where asking all conditions at once is cheaper
//! than asking those that are left one by one. A condition without a clause in a slot has its bit set in all rows of it.

use std::collections::{BTreeMap, HashMap};

use crate::axis::{Axis, AxisId};
use crate::check::Checks;
use crate::clause::{Clause, Part};
use crate::cluster::{Cluster, Member, axes_of};
use crate::cost;
use crate::demand::Demand;
use crate::straight::{self, Node};

/// The bits of a group's conditions.
pub type Row = [u64; WORDS];
/// The words of a row: as many as are worked on at once.
pub(crate) const WORDS: usize = 4;
/// The most conditions of a group.
pub(crate) const MOST: usize = WORDS * 64;
/// The most rows of one source.
const MOST_ROWS: usize = 1 << 15;

/// Conditions that are evaluated at once.
#[derive(Clone, Debug, PartialEq)]
pub struct Group {
    /// A bit for each of its conditions. INVARIANT: no row of its slots has another bit.
    pub all: Row,
    /// Its conditions, by the place of the first.
    pub first: u32,
    /// What is done for its slots, by the place of the first step. Those that rule out most come first.
    pub step: u32,
    /// How many steps.
    pub steps: u32,
}

/// What is done for a slot: one [`Step::Class`], or a [`Step::Begin`], rows joined to it, and a [`Step::End`].
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Step {
    /// Leaves the conditions in the row of the value's class.
    Class(Source),
    /// Begins with what the patterns have joined, in [`Frame::joined`](crate::Frame).
    Begin(u32),
    /// Adds the row of the value's class.
    OrClass(Source),
    /// Leaves the conditions that have been added up.
    End,
}

/// Rows for the classes of an axis.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Source {
    /// Which axis; it is coded for every event.
    pub axis: AxisId,
    /// By class, the number of its row counted from `rows`, by the place of the first; past the last class the row of what may hold
    /// of a missing value.
    pub index: u32,
    /// Where its rows begin, in [`Groups::rows`].
    pub rows: u32,
    /// How many codes it has an index for.
    pub codes: u32,
    /// How many rows.
    pub count: u32,
}

/// A row that joins a slot where a pattern holds.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Push {
    /// Which slot, in [`Groups::bases`].
    pub(crate) slot: u32,
    /// Which row, in [`Groups::rows`].
    pub(crate) row: u32,
}

/// The groups of a plan, in flat arrays.
#[derive(Clone, Debug, Default)]
pub(crate) struct Groups {
    pub(crate) groups: Vec<Group>,
    pub(crate) steps: Vec<Step>,
    pub(crate) index: Vec<u16>,
    pub(crate) rows: Vec<Row>,
    /// By slot that patterns join, or that looks at several axes: the conditions that ask nothing there.
    pub(crate) bases: Vec<Row>,
    /// By axis and code, what a pattern joins to which slots; past the last code what may hold of a missing value.
    pub(crate) pushes: Vec<Vec<Vec<Push>>>,
    pub(crate) conditions: Vec<Entry>,
    /// What is asked one condition after the other.
    pub(crate) straight: Vec<Node>,
    pub(crate) checks: Checks,
}

/// A condition of a group.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Entry {
    pub(crate) id: u32,
    /// What is left to ask of it, in [`Checks::asks`].
    pub(crate) from: u32,
    pub(crate) to: u32,
}

impl Groups {
    /// None yet, over these axes.
    pub(crate) fn new(axes: &[Axis]) -> Self {
        let pushes = axes.iter().map(|axis| {
            let codes = if axis.has_terms() { axis.codes as usize + 1 } else { 0 };
            vec![Vec::new(); codes]
        });
        Self { pushes: pushes.collect(), ..Self::default() }
    }

    /// Adds the groups of a cluster, or the nodes of one that is straight, of which there is one. Returns the conditions whose clauses
    /// were left out for want of room: what is said of them is that they may hold.
    pub(crate) fn add(&mut self, cluster: Cluster<'_>, axes: &[Axis], demand: &Demand) -> Vec<u32> {
        if cluster.straight {
            let (nodes, left_out) = straight::nodes(cluster.members, axes, demand, &mut self.checks);
            self.straight = nodes;
            return left_out;
        }
        let mut left_out = Vec::new();
        for members in cluster.members.chunks(MOST) {
            self.add_group(members, axes, demand, &mut left_out);
        }
        left_out
    }

    fn add_group(&mut self, members: &[Member<'_>], axes: &[Axis], demand: &Demand, left_out: &mut Vec<u32>) {
        let first = self.conditions.len() as u32;
        let step = self.steps.len() as u32;
        // What is still to be asked of each.
        let mut open: Vec<Vec<&Clause>> =
            members.iter().map(|member| member.clauses.iter().map(|(_, clause)| *clause).collect()).collect();
        for looked_at in &slots(members, axes, demand) {
            let clauses: Vec<Option<&Clause>> = open
                .iter()
                .map(|clauses| clauses.iter().find(|clause| axes_of(clause) == *looked_at).copied())
                .collect();
            if self.add_slot(looked_at, &clauses, axes).is_err() {
                continue;
            }
            for (open, asked) in open.iter_mut().zip(clauses) {
                if let Some(at) = asked.and_then(|asked| open.iter().position(|clause| *clause == asked)) {
                    open.remove(at);
                }
            }
        }
        for (member, clauses) in members.iter().zip(open) {
            let from = self.checks.asks.len() as u32;
            let fit = clauses.iter().filter(|clause| self.checks.add(clause, axes, demand)).count();
            if fit < clauses.len() {
                left_out.push(member.id);
            }
            self.conditions.push(Entry { id: member.id, from, to: self.checks.asks.len() as u32 });
        }
        let mut all = Row::default();
        (0..members.len()).for_each(|bit| set(&mut all, bit));
        self.groups.push(Group { all, first, step, steps: self.steps.len() as u32 - step });
    }

    /// A slot, given the clause of each member; an error without any change that matters where its rows would be too many.
    fn add_slot(
        &mut self,
        looked_at: &[AxisId],
        clauses: &[Option<&Clause>],
        axes: &[Axis],
    ) -> Result<(), TooMany> {
        let mut rest = Row::default();
        for (bit, _) in clauses.iter().enumerate().filter(|(_, clause)| clause.is_none()) {
            set(&mut rest, bit);
        }
        let is_terms = |axis: &AxisId| axes.get(usize::from(axis.0)).is_some_and(Axis::has_terms);
        let alone = matches!(looked_at, [axis] if !is_terms(axis));
        let base = if alone { rest } else { Row::default() };
        let slot = self.bases.len() as u32;
        let mut steps = Vec::new();
        let mut pushes = Vec::new();
        for axis in looked_at {
            let Some(known) = axes.get(usize::from(axis.0)) else { continue };
            let parts = clauses.iter().enumerate().filter_map(|(bit, clause)| Some((bit, (*clause)?)));
            let parts = parts.flat_map(|(bit, clause)| clause.parts.iter().map(move |part| (bit, part)));
            let parts: Vec<(usize, &Part)> = parts.filter(|(_, part)| part.axis() == *axis).collect();
            if is_terms(axis) {
                pushes.push((*axis, terms(&parts, known.codes)));
                continue;
            }
            let mut table = Table::default();
            let codes = classes(&mut table, &parts, known.codes, base).ok_or(TooMany)?;
            let source = Source {
                axis: *axis,
                index: self.index.len() as u32,
                rows: self.rows.len() as u32,
                codes: codes.len() as u32,
                count: table.rows.len() as u32,
            };
            self.index.extend(codes);
            self.rows.extend(table.rows);
            steps.push(if alone { Step::Class(source) } else { Step::OrClass(source) });
        }
        if !alone {
            self.bases.push(rest);
            steps.insert(0, Step::Begin(slot));
            steps.push(Step::End);
        }
        for (axis, rows) in pushes {
            for (code, row) in rows {
                let of_code =
                    self.pushes.get_mut(usize::from(axis.0)).and_then(|axis| axis.get_mut(code as usize));
                of_code.into_iter().for_each(|of| of.push(Push { slot, row: self.rows.len() as u32 }));
                self.rows.push(row);
            }
        }
        self.steps.extend(steps);
        Ok(())
    }
}

/// A source would have more rows than it may.
#[derive(Debug)]
struct TooMany;

/// The slots of a group: that of the leads, then each that costs less than asking the conditions which are left one by one.
fn slots(members: &[Member<'_>], axes: &[Axis], demand: &Demand) -> Vec<Vec<AxisId>> {
    let Some((_, lead)) = members.first().and_then(|member| member.clauses.first()) else {
        return Vec::new();
    };
    let mut slots = vec![axes_of(lead)];
    // How often each condition is left, and which of its clauses have been asked.
    let mut left: Vec<f32> =
        members.iter().map(|member| member.clauses.first().map_or(1.0, |(pass, _)| *pass)).collect();
    let mut shapes: HashMap<Vec<AxisId>, (f32, f32)> = HashMap::new();
    for member in members {
        for (pass, clause) in member.clauses.iter().skip(1) {
            let (count, sum) = shapes.entry(axes_of(clause)).or_default();
            *count += 1.0;
            *sum += pass;
        }
    }
    let mut shapes: Vec<(Vec<AxisId>, f32)> =
        shapes.into_iter().map(|(shape, (count, sum))| (shape, sum / count)).collect();
    shapes.sort_by(|one, other| one.1.total_cmp(&other.1).then_with(|| one.0.cmp(&other.0)));
    for (shape, _) in shapes {
        let asked = |member: &Member<'_>| {
            let second = member.clauses.iter().skip(1).find(|(_, clause)| axes_of(clause) == shape);
            second.map(|(pass, _)| *pass)
        };
        let alive = left.iter().sum::<f32>().min(1.0);
        let terms = |axis: &&AxisId| axes.get(usize::from(axis.0)).is_some_and(Axis::has_terms);
        let several = shape.iter().filter(terms).count() as f32 * cost::TERMS;
        let together = shape.len() as f32 * cost::SOURCE + several;
        let one_by_one: f32 = members
            .iter()
            .zip(&left)
            .filter(|(member, _)| asked(member).is_some())
            .map(|(_, left)| left * cost::CHECK)
            .sum();
        let coded = shape.iter().all(|axis| demand.is_eager(*axis));
        if coded && !slots.contains(&shape) && one_by_one > alive * together {
            for (member, left) in members.iter().zip(&mut left) {
                *left *= asked(member).unwrap_or(1.0);
            }
            slots.push(shape);
        }
    }
    slots
}

fn set(row: &mut Row, bit: usize) {
    if let Some(word) = row.get_mut(bit / 64) {
        *word |= 1 << (bit % 64);
    }
}

/// Rows, each once.
#[derive(Default)]
struct Table {
    rows: Vec<Row>,
    known: HashMap<Row, u16>,
}

impl Table {
    /// The number of a row, unless there are too many.
    fn row(&mut self, row: Row) -> Option<u16> {
        if let Some(known) = self.known.get(&row) {
            return Some(*known);
        }
        let number = u16::try_from(self.rows.len()).ok()?;
        if self.rows.len() >= MOST_ROWS {
            return None;
        }
        self.rows.push(row);
        self.known.insert(row, number);
        Some(number)
    }
}

/// By class, the row of the parts that hold of it, and of `base`.
fn classes(table: &mut Table, parts: &[(usize, &Part)], codes: u32, base: Row) -> Option<Vec<u16>> {
    let (mut missing, mut maybe) = (base, base);
    // Where the bit of a part changes.
    let mut edges: Vec<(u32, usize)> = Vec::new();
    for (bit, part) in parts {
        let Part::Set(_, held) = part else { continue };
        if held.missing {
            set(&mut missing, *bit);
        }
        if held.maybe {
            set(&mut maybe, *bit);
        }
        for (first, last) in held.runs.iter() {
            edges.push((first, *bit));
            edges.push((last + 1, *bit));
        }
    }
    edges.sort_unstable();
    let mut index = Vec::with_capacity(codes as usize + 1);
    index.push(table.row(missing)?);
    let mut row = base;
    let mut next = edges.into_iter().peekable();
    let mut number = table.row(row)?;
    for class in 1..codes {
        let mut changed = false;
        while let Some((_, bit)) = next.next_if(|(at, _)| *at <= class) {
            if let Some(word) = row.get_mut(bit / 64) {
                *word ^= 1 << (bit % 64);
                changed = true;
            }
        }
        if changed {
            number = table.row(row)?;
        }
        index.push(number);
    }
    index.push(table.row(maybe)?);
    Some(index)
}

/// The row of each code of a pattern that some part asks for, and past the last code that of all.
fn terms(parts: &[(usize, &Part)], codes: u32) -> Vec<(u32, Row)> {
    let mut of_code: BTreeMap<u32, Row> = BTreeMap::new();
    for (bit, part) in parts {
        let Part::Term(_, term) = part else { continue };
        set(of_code.entry(*term).or_default(), *bit);
        set(of_code.entry(codes).or_default(), *bit);
    }
    of_code.into_iter().collect()
}
