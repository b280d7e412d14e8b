//! Outlines of documents, and names across the workspace.

use serde_json::{Value, json};
use weir_dsl::Span;
use weir_dsl::ast::{self, ItemKind, MemberKind};

use super::Request;
use crate::protocol::{Answer, Here, range};

/// Kinds of symbols, by the protocol's numbers.
mod kind {
    pub(super) const CLASS: u32 = 5;
    pub(super) const METHOD: u32 = 6;
    pub(super) const FIELD: u32 = 8;
    pub(super) const ENUM: u32 = 10;
    pub(super) const FUNCTION: u32 = 12;
    pub(super) const VARIABLE: u32 = 13;
    pub(super) const CONSTANT: u32 = 14;
    pub(super) const ARRAY: u32 = 18;
    pub(super) const KEY: u32 = 20;
    pub(super) const STRUCT: u32 = 23;
    pub(super) const EVENT: u32 = 24;
    pub(super) const OPERATOR: u32 = 25;
}

/// Something with a name.
struct Named<'a> {
    name: String,
    detail: &'static str,
    kind: u32,
    span: Span,
    at: Span,
    children: Vec<Named<'a>>,
    doc: Option<&'a str>,
}

fn named<'a>(name: &ast::Name, detail: &'static str, kind: u32, span: Span) -> Named<'a> {
    Named { name: name.text.to_string(), detail, kind, span, at: name.span, children: Vec::new(), doc: None }
}

fn item(item: &ast::Item) -> Option<Named<'_>> {
    let span = item.span;
    let mut found = match &item.kind {
        ItemKind::Envelope(fields) => Named {
            children: fields.iter().map(field).collect(),
            ..titled("envelope", "envelope", kind::STRUCT, span)
        },
        ItemKind::Event(event) => Named {
            children: event.fields.iter().map(field).collect(),
            ..named(&event.name, "event", kind::EVENT, span)
        },
        ItemKind::Derive(derive) => named(&derive.event, "derive", kind::OPERATOR, span),
        ItemKind::List(list) => named(&list.name, "list", kind::ARRAY, span),
        ItemKind::Table(table) => named(&table.name, "table", kind::ARRAY, span),
        ItemKind::Tag(name) => named(name, "tag", kind::CONSTANT, span),
        ItemKind::Queue(name) => named(name, "queue", kind::CONSTANT, span),
        ItemKind::Decoy(decoy) => named(&decoy.name, "decoy", kind::CONSTANT, span),
        ItemKind::Schedule(schedule) => named(&schedule.name, "schedule", kind::CONSTANT, span),
        ItemKind::Fingerprint(fingerprint) => named(&fingerprint.name, "fingerprint", kind::KEY, span),
        ItemKind::Model(model) => named(&model.name, "model", kind::FUNCTION, span),
        ItemKind::Function(function) => named(&function.name, "fn", kind::FUNCTION, span),
        ItemKind::Policy(policy) => Named {
            children: policy.members.iter().flat_map(member).collect(),
            ..named(&policy.name, "policy", kind::CLASS, span)
        },
        ItemKind::Cap(_) => titled("cap", "cap", kind::OPERATOR, span),
        ItemKind::Decide(_) => titled("decide", "decide", kind::ENUM, span),
        ItemKind::Tune(tune) => named(&tune.policy, "tune", kind::OPERATOR, span),
        ItemKind::Test(test) => {
            Named { at: test.name.span, ..titled(&test.name.value, "test", kind::METHOD, span) }
        }
    };
    found.doc = item.doc.as_deref();
    Some(found)
}

fn titled<'a>(name: &str, detail: &'static str, kind: u32, span: Span) -> Named<'a> {
    // A name must not be empty, and the place to jump to lies inside.
    let name = if name.is_empty() { detail } else { name };
    let at = Span::new(span.start, span.start + (detail.len() as u32).min(span.len()));
    Named { name: name.to_owned(), detail, kind, span, at, children: Vec::new(), doc: None }
}

fn field(field: &ast::Field) -> Named<'_> {
    named(&field.name, "field", kind::FIELD, field.span)
}

fn member(member: &ast::Member) -> Vec<Named<'_>> {
    let span = member.span;
    match &member.kind {
        MemberKind::Param(param) => vec![named(&param.name, "param", kind::CONSTANT, span)],
        MemberKind::Signal(signal) => vec![named(&signal.name, "signal", kind::VARIABLE, span)],
        MemberKind::Watch(watch) => {
            watch.signals.iter().map(|one| named(&one.name, "signal", kind::VARIABLE, one.span)).collect()
        }
        MemberKind::Cohort(cohort) => vec![named(&cohort.name, "cohort", kind::VARIABLE, span)],
        MemberKind::Sequence(sequence) => vec![named(&sequence.name, "sequence", kind::VARIABLE, span)],
        MemberKind::Rule(rule) => vec![named(&rule.name, "rule", kind::METHOD, span)],
        _ => Vec::new(),
    }
}

pub(super) fn of_document(here: &Here<'_>) -> Value {
    let Some(tree) = &here.document.tree else { return Value::Null };
    fn shown(here: &Here<'_>, found: &Named<'_>) -> Value {
        let children: Vec<Value> = found.children.iter().map(|child| shown(here, child)).collect();
        json!({
            "name": found.name,
            "detail": found.detail,
            "kind": found.kind,
            "range": here.range(found.span.to(found.at)),
            "selectionRange": here.range(found.at),
            "children": children,
        })
    }
    tree.items.iter().filter_map(item).map(|found| shown(here, &found)).collect()
}

/// The most names answered.
const MOST: usize = 500;

pub(super) fn of_workspace(request: &Request, value: &Value) -> Answer {
    let query = value.get("query").and_then(Value::as_str).unwrap_or_default().to_lowercase();
    let mut found: Vec<(u8, String, Value)> = Vec::new();
    for (at, (world, _)) in request.worlds.iter().enumerate() {
        for document in world.documents.values() {
            // Every project has the library; once is enough.
            let Some(tree) = document.tree.as_ref().filter(|_| at == 0 || !document.read_only) else {
                continue;
            };
            let package = tree.package.as_ref().map_or("", |name| name.text.as_str());
            for item in tree.items.iter().filter_map(item) {
                let container = format!("{package}.{}", item.name);
                let children = item
                    .children
                    .iter()
                    .filter(|child| child.kind != kind::FIELD)
                    .map(|child| (child, container.as_str()));
                for (named, container) in std::iter::once((&item, package)).chain(children) {
                    let Some(rank) = rank(&named.name.to_lowercase(), &query) else { continue };
                    let rank = rank + if document.read_only { 4 } else { 0 };
                    let shown = json!({
                        "name": named.name,
                        "kind": named.kind,
                        "containerName": container,
                        "location": { "uri": &*document.uri, "range": range(document, named.at) },
                    });
                    found.push((rank, named.name.clone(), shown));
                }
            }
        }
    }
    found.sort_by(|a, b| (a.0, &a.1).cmp(&(b.0, &b.1)));
    Ok(found.into_iter().take(MOST).map(|(.., shown)| shown).collect())
}

/// How well a name answers a query: as it is, by its beginning, by a part, by its letters in order.
fn rank(name: &str, query: &str) -> Option<u8> {
    if name == query {
        return Some(0);
    }
    if name.starts_with(query) {
        return Some(1);
    }
    if name.contains(query) {
        return Some(2);
    }
    let mut letters = name.chars();
    query.chars().all(|wanted| letters.any(|letter| letter == wanted)).then_some(3)
}
