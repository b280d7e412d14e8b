//! Who asks whom: a rule its signals, a signal its lists and models.

use std::collections::BTreeMap;

use serde_json::{Value, json};
use smol_str::{SmolStr, format_smolstr};
use weir_compiler::names::{self, Symbol};
use weir_dsl::ast::{ItemKind, MemberKind};
use weir_dsl::{FileId, Span};

use super::Request;
use super::hints::is_asked;
use super::hover::name_at;
use super::navigate::occurrences;
use crate::project::Snapshot;
use crate::protocol::{Answer, Here, range};
use crate::uri;

/// Whether a symbol takes part.
fn takes_part(world: &Snapshot, symbol: &Symbol) -> bool {
    match symbol {
        Symbol::Rule(..) | Symbol::Member(..) => true,
        Symbol::Entity(..) => names::entity(&world.found.env, symbol).is_some_and(is_asked),
        _ => false,
    }
}

fn encoded(symbol: &Symbol) -> Option<Value> {
    Some(match symbol {
        Symbol::Rule(policy, name) => json!(["rule", policy, name]),
        Symbol::Member(policy, name) => json!(["member", policy, name]),
        Symbol::Entity(package, name) => json!(["entity", package, name]),
        _ => return None,
    })
}

fn decoded(value: &Value) -> Option<Symbol> {
    let part = |at: usize| value.get(at).and_then(Value::as_str).map(SmolStr::from);
    let (first, second) = (part(1)?, part(2)?);
    match part(0)?.as_str() {
        "rule" => Some(Symbol::Rule(first, second)),
        "member" => Some(Symbol::Member(first, second)),
        "entity" => Some(Symbol::Entity(first, second)),
        _ => None,
    }
}

fn item(world: &Snapshot, symbol: &Symbol) -> Option<Value> {
    let at = *names::declared(&world.found.env, symbol).first()?;
    let document = world.documents.get(&at.file)?;
    let (name, kind, detail) = match symbol {
        Symbol::Rule(policy, name) => (name, 6, policy),
        Symbol::Member(policy, name) => (name, 13, policy),
        Symbol::Entity(package, name) => (name, 12, package),
        _ => return None,
    };
    let whole =
        document.tree.as_ref().and_then(|tree| owner(tree, at.span.start)).map_or(at.span, |(span, _)| span);
    Some(json!({
        "name": name,
        "kind": kind,
        "detail": detail,
        "uri": &*document.uri,
        "range": range(document, whole.to(at.span)),
        "selectionRange": range(document, at.span),
        "data": encoded(symbol)?,
    }))
}

/// What declares the clause at a byte: the member of a policy or the item, and the names that it declares.
fn owner(tree: &weir_dsl::ast::File, at: u32) -> Option<(Span, Vec<Span>)> {
    let item = tree.items.iter().find(|item| item.span.start <= at && at <= item.span.end)?;
    let ItemKind::Policy(policy) = &item.kind else { return Some((item.span, vec![])) };
    let member = policy.members.iter().find(|member| member.span.start <= at && at <= member.span.end)?;
    if let MemberKind::Watch(watch) = &member.kind {
        let one = watch.signals.iter().find(|one| one.span.start <= at && at <= one.span.end);
        if let Some(one) = one {
            return Some((one.span, vec![one.name.span]));
        }
        return Some((member.span, watch.signals.iter().map(|one| one.name.span).collect()));
    }
    let names = match &member.kind {
        MemberKind::Rule(rule) => vec![rule.name.span],
        other => names::declares(other).iter().map(|name| name.span).collect(),
    };
    Some((member.span, names))
}

pub(super) fn prepare(here: &Here<'_>) -> Value {
    let found = name_at(here).filter(|found| takes_part(here.world, &found.symbol));
    let item = found.and_then(|found| item(here.world, &found.symbol));
    item.map_or(Value::Null, |item| json!([item]))
}

/// The project and symbol of an item that was answered before.
fn asked<'r>(request: &'r Request, value: &Value) -> Option<(&'r Snapshot, Symbol)> {
    let uri = value.pointer("/item/uri").and_then(Value::as_str).map(uri::canonical)?;
    let symbol = decoded(value.pointer("/item/data")?)?;
    let world = request.worlds.iter().find(|(world, _)| world.file(&uri).is_some())?;
    Some((&world.0, symbol))
}

pub(super) fn incoming(request: &Request, value: &Value) -> Answer {
    let Some((world, symbol)) = asked(request, value) else { return Ok(Value::Null) };
    let mut callers: BTreeMap<Symbol, Vec<(FileId, Span)>> = BTreeMap::new();
    for (file, name) in occurrences(world, &symbol).into_iter().filter(|(_, name)| !name.declares) {
        let Some(tree) = world.documents.get(&file).and_then(|document| document.tree.as_ref()) else {
            continue;
        };
        for caller in declared_at(tree, file, name.span.start) {
            callers.entry(caller).or_default().push((file, name.span));
        }
    }
    let shown = callers.into_iter().filter(|(caller, _)| *caller != symbol).filter_map(|(caller, places)| {
        let ranges = places.iter().filter_map(|(file, span)| Some(range(world.documents.get(file)?, *span)));
        Some(json!({ "from": item(world, &caller)?, "fromRanges": ranges.collect::<Vec<Value>>() }))
    });
    Ok(shown.collect())
}

/// The symbols that the clause at a byte declares.
fn declared_at(tree: &weir_dsl::ast::File, file: FileId, at: u32) -> Vec<Symbol> {
    let package = names::package_of(file, tree);
    let Some(item) = tree.items.iter().find(|item| item.span.start <= at && at <= item.span.end) else {
        return Vec::new();
    };
    match &item.kind {
        ItemKind::Function(function) => vec![Symbol::Entity(package, function.name.text.clone())],
        ItemKind::Policy(policy) => {
            let full = format_smolstr!("{package}.{}", policy.name.text);
            let Some((_, spans)) = owner(tree, at) else { return Vec::new() };
            let mut found = Vec::new();
            for member in &policy.members {
                if let MemberKind::Rule(rule) = &member.kind
                    && spans.contains(&rule.name.span)
                {
                    found.push(Symbol::Rule(full.clone(), rule.name.text.clone()));
                }
                let own = names::declares(&member.kind).into_iter().filter(|name| spans.contains(&name.span));
                found.extend(own.map(|name| Symbol::Member(full.clone(), name.text.clone())));
            }
            found
        }
        _ => Vec::new(),
    }
}

pub(super) fn outgoing(request: &Request, value: &Value) -> Answer {
    let Some((world, symbol)) = asked(request, value) else { return Ok(Value::Null) };
    let env = &world.found.env;
    let Some(at) = names::declared(env, &symbol).first().copied() else { return Ok(Value::Null) };
    let Some(document) = world.documents.get(&at.file) else { return Ok(Value::Null) };
    let Some(tree) = &document.tree else { return Ok(Value::Null) };
    let Some((span, _)) = owner(tree, at.span.start) else { return Ok(Value::Null) };
    let mut called: BTreeMap<Symbol, Vec<Value>> = BTreeMap::new();
    let names = names::of_items(env, at.file, tree, span).unwrap_or_default();
    for name in names
        .occurrences
        .into_iter()
        .filter(|name| !name.declares && span.start <= name.span.start && name.span.end <= span.end)
    {
        if takes_part(world, &name.symbol) && name.symbol != symbol {
            called.entry(name.symbol).or_default().push(range(document, name.span));
        }
    }
    let shown = called
        .into_iter()
        .filter_map(|(symbol, ranges)| Some(json!({ "to": item(world, &symbol)?, "fromRanges": ranges })));
    Ok(shown.collect())
}
