//! The canonical layout of items and members.

use super::clauses::{lay_out_cohort, lay_out_rule, lay_out_signal, lay_out_watch};
use super::expressions::Expressions;
use super::sheet::{Blanks, Group, LINE, Row, Sheet, Style};
use super::tokens::Tokens;
use crate::ast::{
    Assignment, Change, ChangeKind, Decide, Expect, Field, File, Given, Item, ItemKind, ListSource, Member,
    MemberKind, Move, MoveKind, Parameter, Sequence, StepKind, Test, Type,
};
use crate::span::Span;

/// Commas that layout decides on: those between fields of a record, and those before a closing bracket.
/// Ascending.
pub(super) fn loose_commas(file: &File, tokens: &Tokens<'_>) -> Vec<usize> {
    let mut commas: Vec<usize> = (1..tokens.len())
        .filter(|at| tokens.closes(*at) && tokens.text(at - 1) == ",")
        .map(|at| at - 1)
        .collect();
    let mut between = |fields: &[Assignment]| {
        for field in fields {
            let behind = tokens.behind(field.value.span);
            if tokens.text(behind) == "," {
                commas.push(behind);
            }
        }
    };
    for item in &file.items {
        match &item.kind {
            ItemKind::Derive(derive) => between(&derive.fields),
            ItemKind::Test(test) => {
                let mut rest: Vec<&Move> = test.moves.iter().collect();
                while let Some(step) = rest.pop() {
                    match &step.kind {
                        MoveKind::Repeat { body, .. } => rest.extend(body),
                        MoveKind::Emit { fields, .. } => between(fields),
                        _ => {}
                    }
                }
            }
            _ => {}
        }
    }
    commas.sort_unstable();
    commas.dedup();
    commas
}

/// Lays out a whole file. The order of calls is free: each construct marks only its own tokens.
pub(super) fn lay_out(file: &File, sheet: &mut Sheet<'_, '_>) {
    let mut previous = Previous::Nothing;
    if let Some(package) = &file.package {
        let at = sheet.tokens.first(package.span).saturating_sub(1);
        sheet.line(at, 0, Blanks::Keep);
        previous = Previous::Package;
    }
    for import in &file.uses {
        let (body, last) = ends(sheet, import.span);
        let first = if sheet.tokens.text(body) == "use" { body } else { body.saturating_sub(1) };
        let blanks = if previous == Previous::Package { Blanks::Want } else { Blanks::Keep };
        sheet.line(first, 0, blanks);
        if let Some(open) = sheet.tokens.partner(last) {
            let names = import.names.iter().map(|name| name.span);
            let list = bracketed(sheet, open, names, true);
            sheet.group(list);
        }
        previous = Previous::Use;
    }
    for item in &file.items {
        let (first, last) = ends(sheet, item.span);
        let block = is_block(&item.kind);
        let apart = block || !matches!(previous, Previous::Line | Previous::Nothing);
        sheet.line(first, 0, if apart { Blanks::Want } else { Blanks::Keep });
        lay_out_item(item, first, last, sheet);
        previous = if block { Previous::Block } else { Previous::Line };
    }
}

/// What stands above an item.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Previous {
    Nothing,
    Package,
    Use,
    Line,
    Block,
}

/// Whether an item fills several lines and so keeps its distance.
fn is_block(kind: &ItemKind) -> bool {
    match kind {
        ItemKind::Envelope(_)
        | ItemKind::Event(_)
        | ItemKind::Derive(_)
        | ItemKind::Policy(_)
        | ItemKind::Decide(_)
        | ItemKind::Tune(_)
        | ItemKind::Test(_)
        | ItemKind::Cap(_) => true,
        ItemKind::List(_)
        | ItemKind::Table(_)
        | ItemKind::Tag(_)
        | ItemKind::Queue(_)
        | ItemKind::Decoy(_)
        | ItemKind::Schedule(_)
        | ItemKind::Fingerprint(_)
        | ItemKind::Model(_)
        | ItemKind::Function(_) => false,
    }
}

/// The first and the last token of a span.
pub(super) fn ends(sheet: &Sheet<'_, '_>, span: Span) -> (usize, usize) {
    (sheet.tokens.first(span), sheet.tokens.last(span))
}

/// A bracketed list: on one line, or one element a line. With `comma`, a comma ends the last line.
pub(super) fn bracketed(
    sheet: &Sheet<'_, '_>,
    open: usize,
    elements: impl Iterator<Item = Span>,
    comma: bool,
) -> Group {
    let close = sheet.tokens.partner(open).unwrap_or(open);
    let mut group = Group::new(open, close, LINE, Style::Block);
    group.breaks.extend(elements.map(|span| (sheet.tokens.first(span), 0)));
    if !group.breaks.is_empty() {
        group.breaks.push((close, 0));
        if comma {
            group.broken_commas.push(close);
        }
    }
    group
}

/// A block: the lines within it have been begun; ends it with a line of its own unless it is empty.
/// Answers the index of its opening brace.
pub(super) fn close_block(sheet: &mut Sheet<'_, '_>, last: usize, indent: usize, lines: usize) -> usize {
    let open = sheet.tokens.partner(last).unwrap_or(last);
    if lines > 0 || sheet.tokens.commented(last) {
        sheet.line(last, indent, Blanks::Keep);
    }
    open
}

fn lay_out_item(item: &Item, first: usize, last: usize, sheet: &mut Sheet<'_, '_>) {
    match &item.kind {
        ItemKind::Envelope(fields) => lay_out_fields(fields, last, sheet),
        ItemKind::Event(event) => lay_out_fields(&event.fields, last, sheet),
        ItemKind::Derive(derive) => {
            let open = close_block(sheet, last, 0, derive.fields.len());
            if let Some(filter) = &derive.filter {
                let at = sheet.tokens.first(filter.span);
                let mut header = Group::new(first, open, LINE, Style::Clause(4));
                header.breaks.push((at.saturating_sub(1), 0));
                sheet.group(header);
                Expressions::new(sheet).lay_out(filter, LINE);
            }
            let rows: Vec<Row> = derive.fields.iter().map(|field| lay_out_derived(field, sheet)).collect();
            sheet.align(&rows);
        }
        ItemKind::List(list) => {
            tighten_type(&list.ty, sheet);
            if let ListSource::Values(values) = &list.source
                && let Some(open) = sheet.tokens.partner(last)
            {
                let group = bracketed(sheet, open, values.iter().map(|value| value.span), true);
                sheet.group(group);
                values.iter().for_each(|value| Expressions::new(sheet).lay_out(value, LINE));
            }
        }
        ItemKind::Table(table) => tighten_type(&table.ty, sheet),
        ItemKind::Decoy(decoy) => {
            let from = sheet.tokens.first(decoy.file.span).saturating_sub(1);
            let most = sheet.tokens.first(decoy.rate.span).saturating_sub(2);
            let mut group = Group::new(first, last, LINE, Style::Clause(2));
            group.breaks.extend([(from, 0), (most, 0)]);
            sheet.group(group);
        }
        ItemKind::Fingerprint(fingerprint) => lay_out_parts(&fingerprint.key.parts, last, sheet),
        ItemKind::Model(model) => {
            lay_out_parameters(&model.inputs, sheet.tokens.behind(model.name.span), sheet);
            tighten_type(&model.output, sheet);
            let mut group = Group::new(first, last, LINE, Style::Clause(2));
            group.breaks.push((sheet.tokens.first(model.file.span).saturating_sub(1), 0));
            sheet.group(group);
        }
        ItemKind::Function(function) => {
            lay_out_parameters(&function.params, sheet.tokens.behind(function.name.span), sheet);
            tighten_type(&function.output, sheet);
            let mut group = Group::new(first, last, LINE, Style::Clause(2));
            group.breaks.push((sheet.tokens.first(function.body.span), 0));
            sheet.group(group);
            Expressions::new(sheet).lay_out(&function.body, LINE);
        }
        ItemKind::Policy(policy) => {
            lay_out_members(&policy.members, sheet);
            close_block(sheet, last, 0, policy.members.len());
        }
        ItemKind::Cap(cap) => {
            if let crate::ast::CapKind::Actions { key, filter, .. } = &cap.kind {
                super::clauses::tighten_key(key, sheet);
                filter.iter().for_each(|filter| Expressions::new(sheet).lay_out(filter, LINE));
            }
            if let Some(because) = &cap.because {
                sheet.line(sheet.tokens.first(because.span).saturating_sub(1), 2, Blanks::Drop);
            }
        }
        ItemKind::Decide(decide) => lay_out_decide(decide, last, 0, sheet),
        ItemKind::Tune(tune) => {
            lay_out_changes(&tune.changes, sheet);
            close_block(sheet, last, 0, tune.changes.len());
        }
        ItemKind::Test(test) => lay_out_test(test, last, sheet),
        ItemKind::Tag(_) | ItemKind::Queue(_) | ItemKind::Schedule(_) => {}
    }
}

/// `a: T` lines with the types in a column.
fn lay_out_fields(fields: &[Field], last: usize, sheet: &mut Sheet<'_, '_>) {
    let mut rows = Vec::with_capacity(fields.len());
    for field in fields {
        let (first, end) = ends(sheet, field.span);
        sheet.line(first, 2, Blanks::Keep);
        tighten_type(&field.ty, sheet);
        rows.push(Row { first, last: end, cells: vec![sheet.tokens.first(field.ty.span)] });
    }
    close_block(sheet, last, 0, fields.len());
    sheet.align(&rows);
}

fn lay_out_derived(field: &Assignment, sheet: &mut Sheet<'_, '_>) -> Row {
    let first = sheet.tokens.first(field.name.span);
    let value = sheet.tokens.first(field.value.span);
    sheet.line(first, 2, Blanks::Keep);
    Expressions::new(sheet).lay_out(&field.value, LINE);
    Row { first, last: sheet.tokens.last(field.value.span), cells: vec![value] }
}

/// No spaces inside a type but in `enum { a, b }`, which may break one variant a line.
pub(super) fn tighten_type(ty: &Type, sheet: &mut Sheet<'_, '_>) {
    let (first, last) = ends(sheet, ty.span);
    for at in first..=last {
        match sheet.tokens.text(at) {
            "<" => {
                sheet.tighten(at);
                sheet.tighten(at + 1);
            }
            ">" => {
                sheet.tighten(at);
                if sheet.tokens.text(at + 1) == "=" {
                    sheet.space_out(at + 1);
                }
            }
            "{" => {
                let close = sheet.tokens.partner(at).unwrap_or(at);
                let mut group = Group::new(at, close, LINE, Style::Block);
                let variants =
                    (at + 1..close).filter(|one| *one == at + 1 || sheet.tokens.text(one - 1) == ",");
                group.breaks.extend(variants.map(|one| (one, 0)));
                group.breaks.push((close, 0));
                group.broken_commas.push(close);
                sheet.group(group);
            }
            _ => {}
        }
    }
}

/// `(a: T, b: U)` behind a name.
fn lay_out_parameters(parameters: &[Parameter], open: usize, sheet: &mut Sheet<'_, '_>) {
    sheet.tighten(open);
    parameters.iter().for_each(|parameter| tighten_type(&parameter.ty, sheet));
    let group = bracketed(sheet, open, parameters.iter().map(|parameter| parameter.name.span), false);
    sheet.group(group);
}

/// `(a, b, c)` that ends with `last`.
pub(super) fn lay_out_parts(parts: &[crate::ast::Name], last: usize, sheet: &mut Sheet<'_, '_>) {
    if let Some(open) = sheet.tokens.partner(last) {
        let group = bracketed(sheet, open, parts.iter().map(|part| part.span), false);
        sheet.group(group);
    }
}

fn lay_out_members(members: &[Member], sheet: &mut Sheet<'_, '_>) {
    let mut after_block = false;
    let mut params: Vec<Row> = Vec::new();
    for (at, member) in members.iter().enumerate() {
        let (first, last) = ends(sheet, member.span);
        let block = matches!(
            member.kind,
            MemberKind::Watch(_) | MemberKind::Sequence(_) | MemberKind::Rule(_) | MemberKind::Decide(_)
        );
        let apart = at > 0 && (block || after_block);
        sheet.line(first, 2, if apart { Blanks::Want } else { Blanks::Keep });
        after_block = block;
        match &member.kind {
            MemberKind::Param(param) => {
                let ty = sheet.tokens.first(param.ty.span);
                let equals = sheet.tokens.behind(param.ty.span);
                tighten_type(&param.ty, sheet);
                tighten_signs(equals, last, sheet);
                params.push(Row { first, last, cells: vec![ty, equals] });
                continue;
            }
            MemberKind::On { filter: Some(filter), .. } => {
                let mut group = Group::new(first, last, LINE, Style::Clause(2));
                group.breaks.push((sheet.tokens.first(filter.span).saturating_sub(1), 0));
                sheet.group(group);
                Expressions::new(sheet).lay_out(filter, LINE);
            }
            MemberKind::Tags(tags) => {
                if let Some(open) = sheet.tokens.partner(last) {
                    let group = bracketed(sheet, open, tags.iter().map(|tag| tag.span), true);
                    sheet.group(group);
                }
            }
            MemberKind::Mode(mode) => super::clauses::tighten_mode(mode, sheet),
            MemberKind::Signal(signal) => lay_out_signal(signal, first, last, sheet),
            MemberKind::Watch(watch) => lay_out_watch(watch, first, last, sheet),
            MemberKind::Cohort(cohort) => lay_out_cohort(cohort, first, last, sheet),
            MemberKind::Sequence(sequence) => lay_out_sequence(sequence, last, sheet),
            MemberKind::Rule(rule) => lay_out_rule(rule, last, sheet),
            MemberKind::Decide(decide) => lay_out_decide(decide, last, 2, sheet),
            MemberKind::On { filter: None, .. } | MemberKind::Requires(_) | MemberKind::Harm(_) => {}
        }
        sheet.align(&std::mem::take(&mut params));
    }
    sheet.align(&params);
}

/// No space behind a sign in literals of `first..=last`, where no arithmetic can stand.
fn tighten_signs(first: usize, last: usize, sheet: &mut Sheet<'_, '_>) {
    for at in first..last {
        if sheet.tokens.text(at) == "-" {
            sheet.tighten(at + 1);
        }
    }
}

fn lay_out_sequence(sequence: &Sequence, last: usize, sheet: &mut Sheet<'_, '_>) {
    super::clauses::tighten_key(&sequence.per, sheet);
    for step in &sequence.steps {
        let (first, end) = ends(sheet, step.span);
        sheet.line(first, 4, Blanks::Keep);
        if let Some(filter) = &step.filter {
            let mut group = Group::new(first, end, LINE, Style::Clause(2));
            group.breaks.push((sheet.tokens.first(filter.span).saturating_sub(1), 0));
            if let StepKind::Without { .. } = step.kind {
                group.breaks.push((sheet.tokens.behind(filter.span), 0));
            }
            sheet.group(group);
            Expressions::new(sheet).lay_out(filter, LINE);
        }
    }
    close_block(sheet, last, 2, sequence.steps.len());
}

/// `verb when condition` lines with the conditions in a column.
fn lay_out_decide(decide: &Decide, last: usize, indent: usize, sheet: &mut Sheet<'_, '_>) {
    let mut rows = Vec::with_capacity(decide.arms.len());
    for (_, condition) in &decide.arms {
        let when = sheet.tokens.first(condition.span).saturating_sub(1);
        let verb = when.saturating_sub(1);
        sheet.line(verb, indent + 2, Blanks::Keep);
        Expressions::new(sheet).lay_out(condition, LINE);
        rows.push(Row { first: verb, last: sheet.tokens.last(condition.span), cells: vec![when] });
    }
    sheet.line(last.saturating_sub(2), indent + 2, Blanks::Keep);
    close_block(sheet, last, indent, 1);
    sheet.align(&rows);
}

fn lay_out_changes(changes: &[Change], sheet: &mut Sheet<'_, '_>) {
    let mut rows = Vec::new();
    for change in changes {
        let (first, last) = ends(sheet, change.span);
        sheet.line(first, 2, Blanks::Keep);
        match &change.kind {
            ChangeKind::Param(name, _) => {
                let equals = sheet.tokens.behind(name.span);
                tighten_signs(equals, last, sheet);
                rows.push(Row { first, last, cells: vec![equals] });
                continue;
            }
            ChangeKind::Mode(mode) | ChangeKind::RuleMode(_, mode) => {
                super::clauses::tighten_mode(mode, sheet)
            }
            ChangeKind::Harm(_) => {}
        }
        sheet.align(&std::mem::take(&mut rows));
    }
    sheet.align(&rows);
}

fn lay_out_test(test: &Test, last: usize, sheet: &mut Sheet<'_, '_>) {
    close_block(sheet, last, 0, test.moves.len());
    let mut rest: Vec<(&Move, usize)> = test.moves.iter().map(|step| (step, 2)).collect();
    while let Some((step, indent)) = rest.pop() {
        let (first, last) = ends(sheet, step.span);
        sheet.line(first, indent, Blanks::Keep);
        match &step.kind {
            MoveKind::Repeat { body, .. } => {
                close_block(sheet, last, indent, body.len());
                // Deeper levels stay where they are: nesting may not make the text much longer.
                let inner = if indent < 40 { indent + 2 } else { indent };
                rest.extend(body.iter().map(|step| (step, inner)));
            }
            MoveKind::Emit { fields, .. } => lay_out_record(fields, last, sheet),
            MoveKind::Given(given) => lay_out_given(given, sheet),
            MoveKind::Expect(Expect::Score(..)) => tighten_signs(first, last, sheet),
            MoveKind::Expect(_) | MoveKind::Unmapped(_) | MoveKind::Wait(_) | MoveKind::Release(..) => {}
        }
    }
}

fn lay_out_given(given: &Given, sheet: &mut Sheet<'_, '_>) {
    match given {
        Given::Contains(_, value) | Given::Answer(_, value) | Given::Usual(_, value) => {
            Expressions::new(sheet).lay_out(value, LINE);
        }
        Given::Entry(table, key, value) => {
            let open = sheet.tokens.behind(table.span);
            sheet.tighten(open);
            Expressions::new(sheet).lay_out(key, LINE);
            Expressions::new(sheet).lay_out(value, LINE);
        }
        Given::Late(_) | Given::Active(_) => {}
    }
}

/// Words that could continue the value before them, were there no comma.
const CONTINUING: &[&str] = &[
    "and", "or", "not", "in", "is", "of", "per", "over", "where", "when", "then", "because", "if", "case",
    "matches", "contains", "starts", "ends", "ignoring", "before", "tumbling", "exact", "economy",
];

/// `event { a: x, b: y }` on one line, or a line a field and no commas.
fn lay_out_record(fields: &[Assignment], last: usize, sheet: &mut Sheet<'_, '_>) {
    let Some(open) = sheet.tokens.partner(last) else { return };
    let mut group = bracketed(sheet, open, fields.iter().map(|field| field.name.span), false);
    for field in fields.iter().skip(1) {
        let at = sheet.tokens.first(field.name.span);
        group.flat_commas.push(at);
        if CONTINUING.contains(&field.name.text.split('.').next().unwrap_or("")) {
            group.broken_commas.push(at);
        }
    }
    sheet.group(group);
    fields.iter().for_each(|field| Expressions::new(sheet).lay_out(&field.value, LINE));
}
