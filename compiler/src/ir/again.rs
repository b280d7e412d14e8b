//! A unit from the one before it: programs of what has changed, and the rest as it was.

use std::collections::BTreeSet;

use smol_str::SmolStr;

use crate::hir::Hir;
use crate::ids::*;
use crate::ir::lower::of_roots;
use crate::ir::node::Graph;
use crate::ir::select::{Pool, each_place};
use crate::ir::{Entry, Kind, MOST_EXPRESSIONS, MOST_MEMOS, Unit, roots};
use crate::visit::{self, Visitor};

/// A rule set of fewer expressions than so many is as good as one of so many.
const SMALL: usize = 1_024;

/// Lowers `hir`, which is `before` but for an edit: both share what has not changed. `lowered` is the unit of `before`.
/// The programs give the same answers as those of [`lower_to_run`](crate::ir::lower_to_run); what conditions of the edit have
/// in common with others is not shared, and programs that nothing asks for any more stay. Nothing where too much has changed or
/// too much has been left behind for that to be worth it. Cost: linear in what has changed, with a look at each root.
pub fn lower_again(hir: &Hir, before: &Hir, lowered: &Unit) -> Option<Unit> {
    let changed: Vec<ExprId> = hir.exprs.differing(&before.exprs).collect();
    let is_worth_it = hir.exprs.len() < MOST_EXPRESSIONS && changed.len() * 4 <= hir.exprs.len().max(SMALL);
    if !is_worth_it {
        return None;
    }
    let mut unit = lowered.clone();
    unit.entries.extend((unit.entries.len()..hir.exprs.len()).map(|_| Entry::NONE));
    let mut is_changed: IdVec<ExprId, bool> = hir.exprs.ids().map(|_| false).collect();
    for id in changed {
        if let Some(is_changed) = is_changed.get_mut(id) {
            *is_changed = true;
        }
        if let Some(entry) = unit.entries.get_mut(id) {
            *entry = Entry::NONE;
        }
    }
    let mut asked: Vec<(ExprId, Kind, SmolStr)> = Vec::new();
    let mut seen: BTreeSet<(ExprId, Kind)> = BTreeSet::new();
    let mut count = 0;
    roots::each(hir, |expr, kind, label| {
        count += 1;
        if is_changed.get(expr) == Some(&true) && seen.insert((expr, kind)) {
            asked.push((expr, kind, label()));
        }
    });
    if unit.programs.len() + asked.len() > 2 * count.max(SMALL) {
        return None;
    }
    let (graph, nodes) = Graph::build_some(hir, made_of(hir, asked.iter().map(|(expr, ..)| *expr)));
    let fresh = of_roots(graph, &nodes, asked);
    if unit.memos + fresh.memos > MOST_MEMOS {
        return None;
    }
    let (consts, keys, types) = (unit.consts.len() as u32, unit.keys.len() as u32, unit.types.len() as u32);
    for mut program in fresh.programs {
        for instruction in &mut program.code {
            each_place(instruction, &mut |pool, place| {
                *place += match pool {
                    Pool::Const => consts,
                    Pool::Key => keys,
                    Pool::Type => types,
                    Pool::Memo => unit.memos,
                }
            });
        }
        let (kind, exprs) = (program.kind, program.roots.iter().map(|root| root.expr).collect::<Vec<_>>());
        let id = unit.programs.push(program);
        for expr in exprs {
            if let Some(entry) = unit.entries.get_mut(expr) {
                entry.set(kind, id);
            }
        }
    }
    unit.consts.extend(fresh.consts);
    unit.keys.extend(fresh.keys);
    unit.types.extend(fresh.types);
    unit.memos += fresh.memos;
    Some(unit)
}

/// The expressions that some are made of, in order: children stand before their parents.
fn made_of(hir: &Hir, roots: impl Iterator<Item = ExprId>) -> BTreeSet<ExprId> {
    struct Children(Vec<ExprId>);
    impl Visitor for Children {
        fn expr(&mut self, id: &mut ExprId) {
            self.0.push(*id);
        }
    }
    let mut found = BTreeSet::new();
    let mut open = Children(roots.collect());
    while let Some(id) = open.0.pop() {
        if let (true, Some(expr)) = (found.insert(id), hir.exprs.get(id)) {
            visit::expr(&mut expr.clone(), &mut open);
        }
    }
    found
}
