//! The layout of signals and rules.

use super::expressions::Expressions;
use super::layout::{close_block, ends, lay_out_parts};
use super::sheet::{Blanks, CLAUSE, Group, LINE, Row, Sheet, Style};
use crate::ast::{
    Action, ActionKind, Aggregate, Cohort, Key, Measure, Mode, Population, Rule, Scope, Signal, SignalValue,
    Verdict, Watch, WatchedValue, Window,
};

/// `ip/24:56` has no spaces.
pub(super) fn tighten_key(key: &Key, sheet: &mut Sheet<'_, '_>) {
    let (first, last) = ends(sheet, key.span);
    if key.prefix.is_some() {
        (first + 1..=last).for_each(|at| sheet.tighten(at));
    } else if sheet.tokens.text(first) == "(" {
        lay_out_parts(&key.parts, last, sheet);
    }
}

pub(super) fn tighten_mode(mode: &Mode, sheet: &mut Sheet<'_, '_>) {
    if let Mode::Canary { per, .. } = mode {
        tighten_key(per, sheet);
    }
}

/// The tokens that begin the clauses of a population: `where`, `per`, `over`.
fn clauses(population: &Population, sheet: &mut Sheet<'_, '_>) -> Vec<(usize, usize)> {
    let mut clauses = Vec::new();
    if let Some(filter) = &population.filter {
        clauses.push((sheet.tokens.first(filter.span).saturating_sub(1), 0));
        Expressions::new(sheet).lay_out(filter, LINE);
    }
    if let Some(per) = &population.per {
        clauses.push((sheet.tokens.first(per.span).saturating_sub(1), 0));
        tighten_key(per, sheet);
    }
    if let Some(over) = &population.over {
        clauses.push((sheet.tokens.first(over.span), 0));
    }
    clauses
}

fn lay_out_measure(measure: &Measure, sheet: &mut Sheet<'_, '_>) {
    match measure {
        Measure::Share(predicate) => Expressions::new(sheet).lay_out(predicate, LINE),
        Measure::ElapsedFrom { filter, .. } => {
            filter.iter().for_each(|filter| Expressions::new(sheet).lay_out(filter, LINE));
        }
        Measure::Bucket(arguments) | Measure::Gcra(arguments) => {
            arguments.iter().for_each(|argument| Expressions::new(sheet).lay_out(argument, LINE));
        }
        Measure::Count
        | Measure::Rate
        | Measure::Concurrent
        | Measure::Distinct(_)
        | Measure::Entropy(_)
        | Measure::Top(_)
        | Measure::Sequential(_)
        | Measure::CvOfGaps
        | Measure::Of(..) => {}
    }
}

pub(super) fn lay_out_signal(signal: &Signal, first: usize, last: usize, sheet: &mut Sheet<'_, '_>) {
    match &signal.value {
        SignalValue::Aggregate(aggregate) => lay_out_aggregate(aggregate, first, last, sheet),
        SignalValue::Expr(value) => Expressions::new(sheet).lay_out(value, LINE),
        SignalValue::Usual(_) => {}
    }
}

fn lay_out_aggregate(aggregate: &Aggregate, first: usize, last: usize, sheet: &mut Sheet<'_, '_>) {
    lay_out_measure(&aggregate.measure, sheet);
    let mut group = Group::new(first, last, LINE, Style::Clause(4));
    if let Measure::ElapsedFrom { filter: Some(filter), .. } = &aggregate.measure {
        group.breaks.push((sheet.tokens.behind(filter.span), 0));
    }
    group.breaks.extend(clauses(&aggregate.population, sheet));
    if let Some(Scope::Global(window)) = &aggregate.scope {
        let at = match window {
            Window::Literal(literal) => literal.span,
            Window::Param(name) => name.span,
        };
        group.breaks.push((sheet.tokens.first(at).saturating_sub(2), 0));
    }
    sheet.group(group);
}

pub(super) fn lay_out_watch(watch: &Watch, first: usize, last: usize, sheet: &mut Sheet<'_, '_>) {
    let open = close_block(sheet, last, 2, watch.signals.len());
    let mut header = Group::new(first, open, LINE, Style::Clause(4));
    header.breaks = clauses(&watch.population, sheet);
    sheet.group(header);
    let mut rows = Vec::with_capacity(watch.signals.len());
    for watched in &watch.signals {
        let (first, last) = ends(sheet, watched.span);
        sheet.line(first, 4, Blanks::Keep);
        rows.push(Row { first, last, cells: vec![sheet.tokens.behind(watched.name.span)] });
        if let WatchedValue::Measure { measure, filter, .. } = &watched.value {
            lay_out_measure(measure, sheet);
            if let Some(filter) = filter {
                let mut group = Group::new(first, last, LINE, Style::Clause(4));
                group.breaks.push((sheet.tokens.first(filter.span).saturating_sub(1), 0));
                sheet.group(group);
                Expressions::new(sheet).lay_out(filter, LINE);
            }
        }
    }
    sheet.align(&rows);
}

pub(super) fn lay_out_cohort(cohort: &Cohort, first: usize, last: usize, sheet: &mut Sheet<'_, '_>) {
    let mut header = clauses(&cohort.population, sheet);
    header.push((sheet.tokens.first(cohort.by.span).saturating_sub(1), 0));
    header.sort_unstable();
    tighten_key(&cohort.by, sheet);
    let against = cohort.population.over.as_ref().map_or(last, |over| sheet.tokens.behind(over.span));
    let mut outer = Group::new(first, last, LINE, Style::Clause(2));
    outer.breaks.push((against, 0));
    sheet.group(outer);
    let mut inner = Group::new(first, against.saturating_sub(1), LINE, Style::Clause(2));
    inner.breaks = header;
    sheet.group(inner);
}

/// `when`, `then`, `because` and what else a rule has, a line each.
pub(super) fn lay_out_rule(rule: &Rule, last: usize, sheet: &mut Sheet<'_, '_>) {
    let open = close_block(sheet, last, 2, 1);
    let clauses = [
        Some(rule.when.span),
        rule.then.first().zip(rule.then.last()).map(|(a, b)| a.span.to(b.span)),
        rule.because.as_ref().map(|because| because.span),
        rule.harm.as_ref().map(|harm| harm.span),
        rule.if_unknown.first().zip(rule.if_unknown.last()).map(|(a, b)| a.span.to(b.span)),
    ];
    let mut inside: Vec<(usize, usize)> =
        clauses.into_iter().flatten().map(|span| ends(sheet, span)).collect();
    inside.sort_unstable();
    let mut inside = inside.into_iter().peekable();
    let mut at = open + 1;
    while at < last {
        if let Some((_, end)) = inside.next_if(|(first, _)| *first <= at) {
            // A `harm` clause may or may not count its keyword as its own.
            if sheet.tokens.text(at) == "harm" {
                sheet.line(at, 4, Blanks::Drop);
            }
            at = end.max(at) + 1;
            continue;
        }
        let before = sheet.tokens.text(at - 1);
        let begins = match sheet.tokens.text(at) {
            "then" => before != "unknown",
            "when" | "because" | "if" | "harm" | "mode" => before != "per",
            _ => false,
        };
        if begins {
            sheet.line(at, 4, Blanks::Drop);
        }
        at += 1;
    }
    rule.mode.iter().for_each(|mode| tighten_mode(mode, sheet));
    Expressions::new(sheet).lay_out(&rule.when, CLAUSE);
    lay_out_actions(&rule.then, sheet);
    lay_out_actions(&rule.if_unknown, sheet);
}

/// Actions on one line, or one a line with whom they spare below.
///
/// A list breaks early, and always behind a `hold`, for in `hold … else pass, score +40` the score reads as
/// if it belonged to the deadline. One action alone breaks only when its line is full.
fn lay_out_actions(actions: &[Action], sheet: &mut Sheet<'_, '_>) {
    let (Some(first), Some(last)) = (actions.first(), actions.last()) else { return };
    let limit = if actions.len() > 1 { CLAUSE } else { LINE };
    let (start, end) = ends(sheet, first.span.to(last.span));
    let mut group = Group::new(start, end, limit, Style::Hang);
    group.always = actions.iter().rev().skip(1).any(|action| matches!(action.kind, ActionKind::Hold { .. }));
    for (number, action) in actions.iter().enumerate() {
        let at = sheet.tokens.first(action.span);
        if number > 0 {
            group.breaks.push((at, 0));
        }
        match &action.kind {
            ActionKind::Score { .. } => sheet.tighten(at + 2),
            ActionKind::Tag { key, .. } => tighten_key(key, sheet),
            ActionKind::Verdict(Verdict { target, sparing, .. }) => {
                target.iter().for_each(|key| tighten_key(key, sheet));
                if let Some(spared) = sparing.first() {
                    group.breaks.push((sheet.tokens.first(spared.span).saturating_sub(1), 2));
                }
            }
            _ => {}
        }
    }
    sheet.group(group);
}
