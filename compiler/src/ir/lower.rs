//! From a rule set to its unit.

use std::collections::{BTreeMap, HashMap, HashSet};

use smol_str::{SmolStr, format_smolstr};

use crate::hir::{Hir, KeyPart};
use crate::ids::*;
use crate::ir::emit::Emitter;
use crate::ir::node::{Graph, NodeId};
use crate::ir::{
    Instruction, Kind, MOST_EXPRESSIONS, MOST_MEMOS, Op, Operand, Program, Root, SymbolKind, Test, Unit,
    When, roots,
};

/// The most instructions of a unit. Conditions beyond them stay with the walker.
const MOST_IN_ALL: usize = 1 << 24;

/// Lowers a rule set. Cost: linear in its expressions, but for sorting the operands of each `and` and `or`; some
/// milliseconds for thousands of rules.
///
/// An expression that would need too many registers or instructions has no program, and stays with the walker.
pub fn lower(hir: &Hir) -> Unit {
    let mut unit = lower_to_run(hir);
    unit.symbols = symbols(hir, &unit);
    unit
}

/// The same without the names of what programs mention, which only people and the verifier of texts ask for.
pub fn lower_to_run(hir: &Hir) -> Unit {
    let (graph, nodes) = Graph::build(hir);
    let mut asked: Vec<(ExprId, Kind, SmolStr)> = Vec::new();
    let mut seen: HashSet<(ExprId, Kind)> = HashSet::new();
    roots::each(hir, |expr, kind, label| {
        if expr.index() < MOST_EXPRESSIONS && seen.insert((expr, kind)) {
            asked.push((expr, kind, label()));
        }
    });
    of_roots(graph, &nodes, asked)
}

/// The programs of some expressions, each of them once.
pub(super) fn of_roots(
    graph: Graph,
    nodes: &IdVec<ExprId, Option<NodeId>>,
    asked: Vec<(ExprId, Kind, SmolStr)>,
) -> Unit {
    let asked: Vec<(NodeId, Kind, Root)> = asked
        .into_iter()
        .filter_map(|(expr, kind, label)| Some(((*nodes.get(expr)?)?, kind, Root { expr, label })))
        .collect();
    let (memos, count) = shared(&graph, asked.iter().map(|(node, kind, _)| (*node, *kind)));
    let mut unit = Unit { memos: count, ..Unit::default() };
    let mut programs: Vec<Program> = Vec::new();
    let mut known: HashMap<(NodeId, Kind), Option<usize>> = HashMap::new();
    let mut room = MOST_IN_ALL;
    for (node, kind, root) in asked {
        let place = *known.entry((node, kind)).or_insert_with(|| {
            let program = Emitter::program(&graph, &memos, node, kind)?;
            room = room.checked_sub(program.code.len())?;
            programs.push(program);
            Some(programs.len() - 1)
        });
        if let Some(program) = place.and_then(|place| programs.get_mut(place)) {
            program.roots.push(root);
        }
    }
    unit.programs = programs.into_iter().collect();
    unit.consts = graph.constants.values;
    unit.keys = graph.keys;
    unit.types = graph.types;
    unit.index();
    unit
}

/// The literals worth remembering that several ask: a place in the memo for each.
fn shared(graph: &Graph, roots: impl Iterator<Item = (NodeId, Kind)>) -> (IdVec<NodeId, Option<u32>>, u32) {
    let mut uses: IdVec<NodeId, u32> = (0..graph.len()).map(|_| 0).collect();
    let mut open: Vec<NodeId> = Vec::new();
    let mut seen: HashSet<(NodeId, Kind)> = HashSet::new();
    let visit = |node: NodeId, uses: &mut IdVec<NodeId, u32>, open: &mut Vec<NodeId>| {
        if let Some(count) = uses.get_mut(node) {
            *count = count.saturating_add(1);
            if *count == 1 {
                open.push(node);
            }
        }
    };
    for root in roots {
        if !seen.insert(root) {
            continue;
        }
        visit(root.0, &mut uses, &mut open);
        while let Some(node) = open.pop() {
            graph.each_child(graph.node(node), |child| visit(child, &mut uses, &mut open));
        }
    }
    let mut count = 0;
    let memos = uses
        .iter()
        .map(|(node, uses)| {
            let place = (*uses > 1 && graph.is_memorable(node) && count < MOST_MEMOS).then_some(count);
            count += u32::from(place.is_some());
            place
        })
        .collect();
    (memos, count)
}

/// What every id that a program names is called.
fn symbols(hir: &Hir, unit: &Unit) -> BTreeMap<(SymbolKind, u32), SmolStr> {
    let mut symbols = BTreeMap::new();
    let mut add = |kind: SymbolKind, id: u32| {
        symbols.entry((kind, id)).or_insert_with(|| name(hir, kind, id).unwrap_or_default());
    };
    for program in unit.programs() {
        program.code.iter().for_each(|instruction| mentioned(instruction, &mut add));
    }
    for part in unit.keys.iter().flat_map(|key| &key.parts) {
        mentioned_by_key(part, &mut add);
    }
    symbols
}

/// The ids that a part of a key names.
pub(super) fn mentioned_by_key(part: &KeyPart, add: &mut impl FnMut(SymbolKind, u32)) {
    match part {
        KeyPart::Field(field) | KeyPart::Prefix { field, .. } => add(SymbolKind::Field, field.0),
        KeyPart::Fingerprint(shape) => add(SymbolKind::Fingerprint, shape.0),
        KeyPart::Cohort(cohort) => add(SymbolKind::Cohort, cohort.0),
        KeyPart::Captured { sequence, field, .. } => {
            add(SymbolKind::Sequence, sequence.0);
            add(SymbolKind::Field, field.0);
        }
    }
}

/// The ids that an instruction names.
pub(super) fn mentioned(instruction: &Instruction, add: &mut impl FnMut(SymbolKind, u32)) {
    let mut operand = |operand: &Operand| match operand {
        Operand::Field(field) => add(SymbolKind::Field, field.0),
        Operand::Signal(signal) => add(SymbolKind::Signal, signal.0),
        Operand::Register(_) | Operand::Const(_) => {}
    };
    match instruction {
        Instruction::Test { test, .. } => match test {
            Test::Const(_) | Test::Truth(_) => {}
            Test::Bool(a) | Test::Known(a) => operand(a),
            Test::Compare(_, a, b) | Test::EqIgnoringCase(a, b) | Test::Text(_, a, b) | Test::InSet(a, b) => {
                operand(a);
                operand(b);
            }
            Test::Matches(a, pattern) => {
                operand(a);
                add(SymbolKind::Pattern, pattern.0);
            }
            Test::InList(a, list) => {
                operand(a);
                add(SymbolKind::List, list.0);
            }
            Test::Absent(signal) => add(SymbolKind::Signal, signal.0),
            Test::InCohort(cohort) => add(SymbolKind::Cohort, cohort.0),
            Test::Holds(sequence) => add(SymbolKind::Sequence, sequence.0),
            Test::Tagged(_, tag) => add(SymbolKind::Tag, tag.0),
            Test::Schedule(schedule) => add(SymbolKind::Schedule, schedule.0),
        },
        Instruction::Set { op, .. } => match op {
            Op::Unknown | Op::Truth(_) | Op::Score | Op::Now | Op::Variable(_) => {}
            Op::Builtin(..) | Op::List(..) => {}
            Op::Load(a) | Op::Negate(a) | Op::ToFloat(a) | Op::Show(a, _) | Op::Convert(a, _) => operand(a),
            Op::Arithmetic(_, a, b) | Op::Join(a, b) => {
                operand(a);
                operand(b);
            }
            Op::Lookup(table, key) => {
                operand(key);
                add(SymbolKind::Table, table.0);
            }
            Op::Fingerprint(shape) => add(SymbolKind::Fingerprint, shape.0),
            Op::CohortValue(cohort, _) => add(SymbolKind::Cohort, cohort.0),
            Op::Captured(sequence, _, field) => {
                add(SymbolKind::Sequence, sequence.0);
                add(SymbolKind::Field, field.0);
            }
            Op::Age(sequence, _) => add(SymbolKind::Sequence, sequence.0),
            Op::Call(call) => add(SymbolKind::Call, call.0),
        },
        Instruction::Jump { when: When::Known(a) | When::Missing(a), .. } => operand(a),
        Instruction::Jump { .. } => {}
    }
}

fn name(hir: &Hir, kind: SymbolKind, id: u32) -> Option<SmolStr> {
    let declared = &hir.declarations;
    Some(match kind {
        SymbolKind::Field => hir.schema.fields.get(FieldId(id))?.name.clone(),
        SymbolKind::Fingerprint => declared.fingerprints.get(FingerprintId(id))?.named.name.clone(),
        SymbolKind::Signal => hir.signals.get(SignalId(id))?.name.clone(),
        SymbolKind::Cohort => hir.cohorts.get(CohortId(id))?.name.clone(),
        SymbolKind::Sequence => hir.sequences.get(SequenceId(id))?.name.clone(),
        SymbolKind::Call => declared.models.get(hir.calls.get(CallId(id))?.model)?.named.name.clone(),
        SymbolKind::Pattern => {
            let pattern = hir.patterns.get(PatternId(id))?;
            let word = if pattern.op == crate::hir::TextOp::Regex { "regex" } else { "glob" };
            format_smolstr!("{word} {}", pattern.source)
        }
        SymbolKind::List => declared.lists.get(ListId(id))?.named.name.clone(),
        SymbolKind::Table => declared.tables.get(TableId(id))?.named.name.clone(),
        SymbolKind::Tag => declared.tags.get(TagId(id))?.name.clone(),
        SymbolKind::Schedule => declared.schedules.get(ScheduleId(id))?.named.name.clone(),
    })
}
