//! The straight part of a plan: conditions that are asked one after the other, clause by clause.
//!
//! ```text
//!  path = "/login"  ─no──────────────┐        conditions that begin alike share their
//!    method = "POST" ─no─┐           │        first clauses, and where one of these does
//!      ▶ condition 4     │           │        not hold, all that follow it are passed over
//!    score > 0.6 ◀───────┘ ─no─┐     │
//!      ▶ condition 37          ▼     ▼
//! ```
//!
//! Rows of bits cost some nanoseconds for each group, and coding some for each value; a rule set of ten cannot earn that back.

use crate::axis::Axis;
use crate::check::Checks;
use crate::clause::Clause;
use crate::cluster::{Member, axes_of};
use crate::cost;
use crate::demand::Demand;
use crate::direct::Direct;

/// So many clauses may be shared; those past them are asked as one.
const MOST_SHARED: usize = 16;

/// A clause that is asked where those before it on its branch hold.
#[derive(Clone, Debug)]
pub(crate) struct Node {
    /// All there is to ask, where that is one direct test: kept here, it costs half of what asking costs otherwise.
    pub(crate) direct: Option<Direct>,
    /// What is asked, in [`Checks::asks`]; nothing to ask always holds.
    pub(crate) from: u32,
    pub(crate) to: u32,
    /// The node that is next where it does not hold. Where it does, the one after it is.
    pub(crate) otherwise: u32,
    /// The condition that holds where it does, or [`Node::NONE`].
    pub(crate) id: u32,
}

impl Node {
    /// No condition.
    pub(crate) const NONE: u32 = u32::MAX;
}

/// Makes the nodes of members. Returns those members whose clauses were
/// left out for want of room, so that it is only known that they may hold.
pub(crate) fn nodes(
    mut members: Vec<Member<'_>>,
    axes: &[Axis],
    demand: &Demand,
    checks: &mut Checks,
) -> (Vec<Node>, Vec<u32>) {
    for member in &mut members {
        member.clauses.sort_by(|one, other| rank(one, axes).total_cmp(&rank(other, axes)));
    }
    members.sort_by_cached_key(|member| {
        let order = |(_, clause): &(f32, &Clause)| clause.parts.iter().map(|part| part.order()).collect();
        (member.clauses.iter().map(order).collect::<Vec<Vec<_>>>(), member.id)
    });
    let mut build = Build { axes, demand, checks, nodes: Vec::new(), left_out: Vec::new() };
    build.branch(&members, 0);
    (build.nodes, build.left_out)
}

/// What a clause costs for each event that it rules out: asked in this order, clauses cost least.
fn rank((pass, clause): &(f32, &Clause), axes: &[Axis]) -> f32 {
    let axes = axes_of(clause).into_iter().filter_map(|axis| axes.get(usize::from(axis.0)));
    let cost: f32 = axes.map(cost::coding).sum();
    (cost + cost::CHECK) / (1.0 - pass).max(0.001)
}

struct Build<'a> {
    axes: &'a [Axis],
    demand: &'a Demand,
    checks: &'a mut Checks,
    nodes: Vec<Node>,
    left_out: Vec<u32>,
}

impl Build<'_> {
    /// The nodes of members that are alike in their first `depth` clauses.
    fn branch(&mut self, members: &[Member<'_>], depth: usize) {
        for alike in
            members.chunk_by(|one, other| depth < MOST_SHARED && clause(one, depth) == clause(other, depth))
        {
            let Some(first) = alike.first() else { continue };
            if clause(first, depth).is_none() {
                alike.iter().for_each(|member| self.report(member.id));
                continue;
            }
            let asked = if depth < MOST_SHARED { 1 } else { usize::MAX };
            let from = self.checks.asks.len() as u32;
            for (_, clause) in first.clauses.iter().skip(depth).take(asked) {
                if !self.checks.add(clause, self.axes, self.demand) {
                    self.left_out.extend(alike.iter().map(|member| member.id));
                }
            }
            let to = self.checks.asks.len() as u32;
            let at = self.nodes.len();
            let direct = self.checks.only_direct(from, to).cloned();
            self.nodes.push(Node { direct, from, to, otherwise: 0, id: Node::NONE });
            if depth < MOST_SHARED {
                self.branch(alike, depth + 1);
            } else {
                self.report(first.id);
            }
            let end = self.nodes.len() as u32;
            if let Some(node) = self.nodes.get_mut(at) {
                node.otherwise = end;
            }
        }
    }

    /// A condition holds where what was asked last does.
    fn report(&mut self, id: u32) {
        let end = self.nodes.len() as u32;
        match self.nodes.last_mut() {
            // Only a clause that was just added has no end yet.
            Some(node) if node.otherwise == 0 && node.id == Node::NONE => node.id = id,
            _ => {
                let at = self.checks.asks.len() as u32;
                self.nodes.push(Node { direct: None, from: at, to: at, otherwise: end + 1, id });
            }
        }
    }
}

fn clause<'c>(member: &Member<'c>, depth: usize) -> Option<&'c Clause> {
    member.clauses.get(depth).map(|(_, clause)| *clause)
}
