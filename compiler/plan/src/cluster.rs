//! Which conditions are worked on together: those led by clauses on the same axis.
//!
//! The lead of a condition is the clause that rules it out most often and most cheaply. A group looks its leads up first, all at
//! once, and is done where none holds. Coding an axis is paid once an event, so an axis that many conditions ask
//! makes a cheap lead for each.

use std::collections::BTreeMap;

use crate::axis::{Axis, AxisId};
use crate::clause::Clause;
use crate::cost;
use crate::likely::Likely;

/// Fewer conditions than this with one lead try to find another.
const FEW: usize = 8;
/// Fewer conditions than this with one lead are asked one by one: that costs less than a row of theirs.
const WORTH_ROWS: usize = 4;
/// So many conditions with one lead and one second clause are worth a cluster of their own.
const MANY: usize = 64;

/// Conditions that are worked on together.
#[derive(Clone, Debug)]
pub(crate) struct Cluster<'c> {
    pub(crate) members: Vec<Member<'c>>,
    /// They are too few for rows, and asked one by one.
    pub(crate) straight: bool,
}

/// A condition with its clauses, the lead first, then those that rule out most.
#[derive(Clone, Debug)]
pub(crate) struct Member<'c> {
    pub(crate) id: u32,
    /// Each with how often it holds.
    pub(crate) clauses: Vec<(f32, &'c Clause)>,
}

/// The axes that a clause looks at, ascending.
pub(crate) fn axes_of(clause: &Clause) -> Vec<AxisId> {
    let mut axes: Vec<AxisId> = clause.parts.iter().map(|part| part.axis()).collect();
    axes.dedup();
    axes
}

/// Puts conditions into clusters, in each of which the leads stand in order. Cost: linear, but for sorting.
pub(crate) fn cluster<'c>(
    conditions: &[(u32, &'c [Clause])],
    axes: &[Axis],
    likely: &Likely,
) -> Vec<Cluster<'c>> {
    let mut asked = vec![0.0_f32; axes.len()];
    for axis in conditions.iter().flat_map(|(_, clauses)| clauses.iter().flat_map(axes_of)) {
        if let Some(count) = asked.get_mut(usize::from(axis.0)) {
            *count += 1.0;
        }
    }
    let share = |axis: &AxisId| {
        let at = usize::from(axis.0);
        axes.get(at).map_or(0.0, cost::coding) / asked.get(at).copied().unwrap_or_default().max(1.0)
    };
    // What a condition costs with this lead: its part of the coding, and all that follows where the lead holds.
    let price = |pass: f32, clause: &Clause, further: usize| {
        let coding: f32 = axes_of(clause).iter().map(share).sum();
        let several = cost::SOURCE * (axes_of(clause).len() - 1) as f32 / 8.0;
        coding + several + pass * (cost::REPORT + cost::CHECK * further as f32 + 12.0)
    };
    let mut members: Vec<(Member<'c>, Vec<f32>)> = conditions
        .iter()
        .map(|(id, clauses)| {
            let mut clauses: Vec<(f32, &Clause)> =
                clauses.iter().map(|clause| (likely.clause(clause), clause)).collect();
            let further = clauses.len().saturating_sub(1);
            clauses.sort_by(|one, other| one.0.total_cmp(&other.0));
            let prices = clauses.iter().map(|(pass, clause)| price(*pass, clause, further)).collect();
            (Member { id: *id, clauses }, prices)
        })
        .collect();
    // Leads that few others have are given up for one that many have, where that does not cost much.
    let mut led: BTreeMap<Vec<AxisId>, usize> = BTreeMap::new();
    let best = |prices: &[f32]| {
        let best = prices.iter().enumerate().min_by(|one, other| one.1.total_cmp(other.1));
        best.map(|(at, _)| at)
    };
    for (member, prices) in &members {
        if let Some((_, clause)) = best(prices).and_then(|at| member.clauses.get(at)) {
            *led.entry(axes_of(clause)).or_default() += 1;
        }
    }
    for (member, prices) in &mut members {
        for (price, (_, clause)) in prices.iter_mut().zip(&member.clauses) {
            let with = led.get(&axes_of(clause)).copied().unwrap_or_default();
            *price += cost::GROUP / with.max(1) as f32;
            if with < FEW {
                *price += 1.0;
            }
        }
        if let Some(at) = best(prices) {
            let lead = member.clauses.remove(at);
            member.clauses.insert(0, lead);
        }
    }
    by_lead(members.into_iter().map(|(member, _)| member))
}

fn by_lead<'c>(members: impl Iterator<Item = Member<'c>>) -> Vec<Cluster<'c>> {
    type Shape = Vec<AxisId>;
    let shape = |member: &Member<'_>, at: usize| -> Shape {
        member.clauses.get(at).map(|(_, clause)| axes_of(clause)).unwrap_or_default()
    };
    let mut clusters: BTreeMap<Shape, BTreeMap<Shape, Vec<Member<'c>>>> = BTreeMap::new();
    for member in members {
        let (lead, second) = (shape(&member, 0), shape(&member, 1));
        clusters.entry(lead).or_default().entry(second).or_default().push(member);
    }
    let mut found = Vec::new();
    let mut straight = Vec::new();
    for seconds in clusters.into_values() {
        let mut rest = Vec::new();
        for members in seconds.into_values() {
            if members.len() >= MANY {
                found.push(members);
            } else {
                rest.extend(members);
            }
        }
        if rest.len() < WORTH_ROWS {
            straight.extend(rest);
        } else {
            found.push(rest);
        }
    }
    for members in &mut found {
        // Equal leads stand together, so that most groups of a large cluster are done with after one look.
        members.sort_by_cached_key(|member| {
            let lead = member.clauses.first();
            lead.map_or(Vec::new(), |(_, clause)| clause.parts.iter().map(|part| part.order()).collect())
        });
    }
    straight
        .sort_by(|one: &Member<'_>, other| first(one).total_cmp(&first(other)).then(one.id.cmp(&other.id)));
    let straight = (!straight.is_empty()).then_some(Cluster { members: straight, straight: true });
    let rows = found.into_iter().map(|members| Cluster { members, straight: false });
    straight.into_iter().chain(rows).collect()
}

/// How often the lead of a condition holds.
fn first(member: &Member<'_>) -> f32 {
    member.clauses.first().map_or(1.0, |(pass, _)| *pass)
}
