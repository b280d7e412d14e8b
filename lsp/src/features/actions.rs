//! Changes an author can ask for: every fix that a diagnostic offers, and a few of whole clauses.

use serde_json::{Value, json};
use weir_compiler::names::{self, Symbol};
use weir_dsl::ast::{Expr, ExprKind, ItemKind, LiteralKind, Member, MemberKind, Policy, SignalValue, Window};
use weir_dsl::{Edit, Severity, Span, fix};

use super::Request;
use super::hover::name_at;
use super::navigate::occurrences;
use crate::lane;
use crate::protocol::{Answer, Here, In, params, workspace_edit};

pub(super) fn actions(request: &Request, value: Value) -> Answer {
    let only: Option<Vec<String>> = value
        .pointer("/context/only")
        .and_then(Value::as_array)
        .map(|kinds| kinds.iter().filter_map(Value::as_str).map(str::to_owned).collect());
    let wanted = |kind: &str| {
        only.as_ref().is_none_or(|only| {
            only.iter().any(|asked| {
                kind == asked || kind.strip_prefix(asked.as_str()).is_some_and(|rest| rest.starts_with('.'))
            })
        })
    };
    let asked: In = params(value)?;
    let found = request.worlds.iter().find_map(|(world, root)| Some((Here::of(world, &asked)?, root)));
    let Some((mut here, root)) = found else { return Ok(Value::Null) };
    if here.document.read_only {
        return Ok(json!([]));
    }
    here.at = here.span.start;
    let mut out = Vec::new();
    let all = lane::of_file(here.world, request.beside(root), here.file);
    if wanted("quickfix") {
        for found in &all {
            let touches =
                found.primary.span.start <= here.span.end && here.span.start <= found.primary.span.end;
            let Some(fix) = found.fix.as_ref().filter(|_| touches) else { continue };
            out.push(json!({
                "title": fix.title,
                "kind": "quickfix",
                "isPreferred": fix.applicability == weir_dsl::Applicability::Automatic,
                "diagnostics": [lane::shown(here.world, here.document, found)],
                "edit": workspace_edit(here.world, &fix.edits),
            }));
        }
    }
    if wanted("source.fixAll") {
        let owned: Vec<weir_dsl::Diagnostic> = all.iter().map(|found| (*found).clone()).collect();
        let chosen = fix::choose(&owned, false);
        if chosen.fixes > 0 {
            let edit = workspace_edit(here.world, chosen.edits.values().flatten());
            out.push(json!({ "title": "mend what can be mended", "kind": "source.fixAll", "edit": edit }));
        }
    }
    // A clause is not moved about while its file cannot be read.
    let broken = here
        .world
        .diagnostics(here.file)
        .any(|found| found.severity == Severity::Error && found.code.to_string().starts_with("W00"));
    if !broken {
        let more = [
            ("refactor.extract", extract as fn(&Here<'_>) -> Option<(String, Vec<Edit>)>),
            ("refactor.inline", inline),
            ("refactor.rewrite", parameter),
            ("refactor.rewrite", test),
        ];
        for (kind, make) in more {
            if let Some((title, edits)) = wanted(kind).then(|| make(&here)).flatten() {
                out.push(json!({ "title": title, "kind": kind, "edit": workspace_edit(here.world, &edits) }));
            }
        }
    }
    Ok(out.into())
}

/// The policy and its member at the place asked about.
fn member<'a>(here: &Here<'a>) -> Option<(&'a Policy, &'a Member)> {
    let tree = here.document.tree.as_ref()?;
    let item = tree.items.iter().find(|item| item.span.start <= here.at && here.at < item.span.end)?;
    let ItemKind::Policy(policy) = &item.kind else { return None };
    let member =
        policy.members.iter().find(|member| member.span.start <= here.at && here.at < member.span.end)?;
    Some((policy, member))
}

/// A name that nothing in the policy has, and no field of any event.
fn free(here: &Here<'_>, policy: &Policy, base: &str) -> String {
    let schema = &here.world.found.env.schema;
    let taken = |name: &str| {
        policy.members.iter().flat_map(|member| names::declares(&member.kind)).any(|known| known.text == name)
            || schema.fields.values().any(|field| field.name == name)
    };
    let numbered = (2..).map(|number| format!("{base}{number}"));
    std::iter::once(base.to_owned()).chain(numbered).find(|name| !taken(name)).unwrap_or_default()
}

/// What is written before a member, with its indentation, on lines of its own.
fn before(here: &Here<'_>, member: &Member, text: &str) -> Edit {
    let line = here.document.text.line(here.document.text.position(member.span.start).line);
    // The comment above belongs to the member.
    let mut start = line.start;
    let comments = here.document.tree.iter().flat_map(|tree| tree.comments.iter().rev());
    for comment in comments {
        let above = here.document.text.position(start).line.checked_sub(1);
        if above == Some(here.document.text.position(comment.span.start).line) && member.doc.is_some() {
            start = here.document.text.line(here.document.text.position(comment.span.start).line).start;
        }
    }
    let indent = line.text(here.document.text.as_str());
    let indent = indent.get(..indent.len() - indent.trim_start().len()).unwrap_or("");
    Edit { file: here.file, span: Span::at(start), text: format!("{indent}{text}\n") }
}

/// The smallest condition that holds what is selected.
fn condition(expr: &Expr, span: Span) -> Option<&Expr> {
    if span.start < expr.span.start || expr.span.end < span.end {
        return None;
    }
    let children: Vec<&Expr> = match &expr.kind {
        ExprKind::And(items) | ExprKind::Or(items) => items.iter().collect(),
        ExprKind::Not(inner) | ExprKind::Paren(inner) => vec![inner],
        _ => Vec::new(),
    };
    let inner = children.into_iter().find_map(|child| condition(child, span));
    inner.or_else(|| {
        let boolean = matches!(
            expr.kind,
            ExprKind::And(_) | ExprKind::Or(_) | ExprKind::Not(_) | ExprKind::Paren(_) | ExprKind::Compare(..)
                | ExprKind::EqIgnoringCase(..) | ExprKind::TextTest { .. } | ExprKind::Is(..)
        );
        let listed = matches!(&expr.kind, ExprKind::In { needle, .. } if !matches!(&needle.kind, ExprKind::Name(name) if name == "event"));
        (boolean || listed).then_some(expr)
    })
}

/// The condition selected becomes a signal of its own.
fn extract(here: &Here<'_>) -> Option<(String, Vec<Edit>)> {
    let (policy, member) = member(here)?;
    let MemberKind::Rule(rule) = &member.kind else { return None };
    if here.span.is_empty() {
        return None;
    }
    let found = condition(&rule.when, here.span)?;
    let text = found.span.text(here.document.text.as_str());
    // What a rule alone may ask stays in it.
    let own = names::of_items(&here.world.found.env, here.file, here.document.tree.as_ref()?, found.span)?;
    let inside = own
        .occurrences
        .iter()
        .filter(|name| found.span.start <= name.span.start && name.span.end <= found.span.end);
    let asks_sequence = inside.into_iter().any(|name| match &name.symbol {
        Symbol::Member(_, name) => policy.members.iter().any(|member| {
            matches!(&member.kind, MemberKind::Sequence(sequence) if sequence.name.text == *name)
                || matches!(&member.kind, MemberKind::Cohort(cohort) if cohort.name.text == *name)
        }),
        _ => false,
    });
    if asks_sequence {
        return None;
    }
    let name = free(here, policy, "extracted");
    let edits = vec![
        before(here, member, &format!("signal {name} = {text}\n")),
        Edit { file: here.file, span: found.span, text: name.clone() },
    ];
    Some((format!("extract signal `{name}`"), edits))
}

/// A signal that names an expression goes where it is read.
fn inline(here: &Here<'_>) -> Option<(String, Vec<Edit>)> {
    let found = name_at(here)?;
    let Symbol::Member(policy, name) = &found.symbol else { return None };
    let declared = names::members(&here.world.found.env, policy);
    let (file, member, expr) = declared.into_iter().find_map(|(file, member)| match &member.kind {
        MemberKind::Signal(signal) if signal.name.text == *name => match &signal.value {
            SignalValue::Expr(expr) => Some((file, member, expr)),
            _ => None,
        },
        _ => None,
    })?;
    let document = here.world.documents.get(&file).filter(|document| !document.read_only)?;
    let text = expr.span.text(document.text.as_str());
    let simple = matches!(
        expr.kind,
        ExprKind::Name(_)
            | ExprKind::Literal(_)
            | ExprKind::Call(..)
            | ExprKind::Paren(_)
            | ExprKind::Index(..)
    );
    let written = if simple { text.to_owned() } else { format!("({text})") };
    let all = occurrences(here.world, &found.symbol);
    // In a text only a name can stand.
    let in_text = |file: weir_dsl::FileId, span: Span| {
        let source = here.world.sources.text(file);
        source.as_bytes().get((span.start as usize).wrapping_sub(1)) == Some(&b'{')
            && source.as_bytes().get(span.end as usize) == Some(&b'}')
    };
    if all.iter().any(|(file, name)| !name.declares && in_text(*file, name.span)) && !simple {
        return None;
    }
    let mut edits: Vec<Edit> = all
        .into_iter()
        .filter(|(_, name)| !name.declares)
        .map(|(file, name)| Edit { file, span: name.span, text: written.clone() })
        .collect();
    let first = document.text.line(document.text.position(member.span.start).line).start;
    let next = document.text.position(member.span.end).line + 1;
    let end = if next < document.text.lines() {
        document.text.line(next).start
    } else {
        document.text.as_str().len() as u32
    };
    edits.push(Edit { file, span: Span::new(first, end), text: String::new() });
    Some((format!("inline signal `{name}`"), edits))
}

/// A number in a condition, or the length of a window, becomes a parameter.
fn parameter(here: &Here<'_>) -> Option<(String, Vec<Edit>)> {
    let (policy, member) = member(here)?;
    let (kind, span, base) = match &member.kind {
        MemberKind::Rule(rule) => literal(&rule.when, here.at).map(|(kind, span)| (kind, span, "limit")),
        MemberKind::Signal(signal) => match &signal.value {
            SignalValue::Aggregate(aggregate) => {
                window(aggregate.population.over.as_ref().map(|over| &over.window), here.at)
            }
            _ => None,
        },
        MemberKind::Watch(watch) => window(watch.population.over.as_ref().map(|over| &over.window), here.at),
        MemberKind::Sequence(sequence) => window(Some(&sequence.within), here.at),
        _ => None,
    }?;
    let ty = match kind {
        LiteralKind::Int(_) => "int",
        LiteralKind::Float(_) => "float",
        LiteralKind::Percent(_) => "probability",
        LiteralKind::Duration(_) => "duration",
        LiteralKind::Rate(_) => "rate",
        LiteralKind::Money(_) => "money",
        _ => return None,
    };
    let name = free(here, policy, base);
    let text = span.text(here.document.text.as_str());
    let first = policy.members.iter().find(|member| {
        matches!(
            member.kind,
            MemberKind::Param(_)
                | MemberKind::Signal(_)
                | MemberKind::Watch(_)
                | MemberKind::Cohort(_)
                | MemberKind::Sequence(_)
                | MemberKind::Rule(_)
        )
    })?;
    let gap = if matches!(first.kind, MemberKind::Param(_)) { "" } else { "\n" };
    let edits = vec![
        before(here, first, &format!("param {name}: {ty} = {text}{gap}")),
        Edit { file: here.file, span, text: name.clone() },
    ];
    Some((format!("make `{text}` the parameter `{name}`"), edits))
}

fn window(window: Option<&Window>, at: u32) -> Option<(&LiteralKind, Span, &'static str)> {
    match window? {
        Window::Literal(literal) if literal.span.start <= at && at <= literal.span.end => {
            Some((&literal.kind, literal.span, "horizon"))
        }
        _ => None,
    }
}

/// The number at a byte of a condition: one that something is compared with.
fn literal(expr: &Expr, at: u32) -> Option<(&LiteralKind, Span)> {
    if at < expr.span.start || expr.span.end < at {
        return None;
    }
    match &expr.kind {
        ExprKind::Literal(kind) => Some((kind, expr.span)),
        ExprKind::And(items) | ExprKind::Or(items) => items.iter().find_map(|item| literal(item, at)),
        ExprKind::Not(inner) | ExprKind::Paren(inner) => literal(inner, at),
        ExprKind::Compare(_, left, right) => literal(left, at).or_else(|| literal(right, at)),
        _ => None,
    }
}

/// A test for the rule at hand, when no test names it.
fn test(here: &Here<'_>) -> Option<(String, Vec<Edit>)> {
    let (policy, member) = member(here)?;
    let MemberKind::Rule(rule) = &member.kind else { return None };
    let text = here.document.text.as_str();
    let tree = here.document.tree.as_ref()?;
    let named = tree.items.iter().any(|item| match &item.kind {
        ItemKind::Test(_) => item.span.text(text).contains(&format!("rule {}", rule.name.text)),
        _ => false,
    });
    let event = policy.members.iter().find_map(|member| match &member.kind {
        MemberKind::On { events, .. } => events.first(),
        _ => None,
    })?;
    if named {
        return None;
    }
    let scope = weir_compiler::env::Scope { package: &names::package_of(here.file, tree), file: here.file };
    let schema = &here.world.found.env.schema;
    let event_id = here.world.found.env.event(scope, event).ok()?;
    let needed = schema.events.get(event_id)?.slots.iter().filter(|slot| !slot.optional);
    let fields = needed.filter_map(|slot| schema.fields.get(slot.field)).filter_map(|field| {
        let value = match &field.ty {
            weir_compiler::types::Type::Enum(variants) => variants.first()?.to_string(),
            weir_compiler::types::Type::Int | weir_compiler::types::Type::Float => "1".to_owned(),
            weir_compiler::types::Type::Bool => "true".to_owned(),
            weir_compiler::types::Type::Money => "USD 1".to_owned(),
            weir_compiler::types::Type::Ip => "\"192.0.2.1\"".to_owned(),
            weir_compiler::types::Type::Text | weir_compiler::types::Type::Id(_) => "\"x\"".to_owned(),
            _ => return None,
        };
        Some(format!("{}: {value}", field.name))
    });
    let fields: Vec<String> = fields.filter(|field| !field.starts_with("at:")).collect();
    let record = if fields.is_empty() { "{}".to_owned() } else { format!("{{ {} }}", fields.join(", ")) };
    let gap = if text.ends_with('\n') { "\n" } else { "\n\n" };
    let scaffold = format!(
        "{gap}test \"{} is quiet\" {{\n  {} {record}\n  expect rule {} not fired\n}}\n",
        rule.name.text, event.text, rule.name.text
    );
    let edits = vec![Edit { file: here.file, span: Span::at(text.len() as u32), text: scaffold }];
    Some((format!("add a test for rule `{}`", rule.name.text), edits))
}
