//! What is shown beside the text: types and values, lenses to run tests, links.

use serde_json::{Value, json};
use smol_str::format_smolstr;
use weir_compiler::env::Entity;
use weir_compiler::names::{self, Symbol};
use weir_dsl::Span;
use weir_dsl::ast::{ItemKind, ListSource, MemberKind};

use super::describe;
use crate::protocol::Here;

pub(super) fn hints(here: &Here<'_>) -> Value {
    let Some(tree) = &here.document.tree else { return Value::Null };
    let package = names::package_of(here.file, tree);
    let text = &here.document.text;
    let mut out: Vec<(u32, String, u32)> = Vec::new();
    let inside = |span: Span| span.start <= here.span.end && here.span.start <= span.end;
    for item in tree.items.iter().filter(|item| inside(item.span)) {
        let ItemKind::Policy(policy) = &item.kind else { continue };
        let full = format_smolstr!("{package}.{}", policy.name.text);
        for member in policy.members.iter().filter(|member| inside(member.span)) {
            if matches!(member.kind, MemberKind::Param(_) | MemberKind::Cohort(_) | MemberKind::Sequence(_)) {
                continue;
            }
            // Signals: their types.
            for name in names::declares(&member.kind) {
                if let Some(ty) = describe::type_of(here.world, &full, &name.text) {
                    out.push((name.span.end, format!(": {ty}"), 1));
                }
            }
        }
    }
    // Parameters: their values, where they are read in a policy.
    let read = names::of_items(&here.world.found.env, here.file, tree, here.span).unwrap_or_default();
    for name in read.occurrences.iter().filter(|name| !name.declares && inside(name.span)) {
        let Symbol::Member(policy, own) = &name.symbol else { continue };
        let value =
            names::members(&here.world.found.env, policy).find_map(|(file, member)| match &member.kind {
                MemberKind::Param(param) if param.name.text == *own => {
                    Some(here.world.sources.snippet(file, param.default.span).to_owned())
                }
                _ => None,
            });
        // In a `tune` the value stands beside it, and in a text it would be read as part of it.
        let line = text.line(text.position(name.span.start).line).text(text.as_str());
        let assigned = text
            .as_str()
            .get(name.span.end as usize..)
            .is_some_and(|rest| rest.trim_start().starts_with('=') && !rest.trim_start().starts_with("=="));
        if let Some(value) = value.filter(|_| !assigned && !line.trim_start().starts_with("because")) {
            out.push((name.span.end, format!(" = {value}"), 2));
        }
    }
    out.sort();
    out.into_iter()
        .map(|(at, label, kind)| json!({ "position": text.position(at), "label": label, "kind": kind }))
        .collect()
}

pub(super) fn lenses(here: &Here<'_>) -> Value {
    let Some(tree) = &here.document.tree else { return Value::Null };
    let uri = &*here.document.uri;
    let tests = tree.items.iter().filter(|item| matches!(item.kind, ItemKind::Test(_))).count();
    let mut out = Vec::new();
    for item in &tree.items {
        let (span, title, arguments) = match &item.kind {
            ItemKind::Policy(policy) if tests > 0 => {
                let title = if tests == 1 { "run 1 test".to_owned() } else { format!("run {tests} tests") };
                (policy.name.span, title, json!([uri]))
            }
            ItemKind::Test(test) => (test.name.span, "run test".to_owned(), json!([uri, test.name.value])),
            _ => continue,
        };
        let command = json!({ "title": title, "command": "weir.test", "arguments": arguments });
        out.push(json!({ "range": here.range(span), "command": command }));
    }
    out.into()
}

pub(super) fn links(here: &Here<'_>) -> Value {
    let Some(tree) = &here.document.tree else { return Value::Null };
    let mut out = Vec::new();
    let mut link = |span: Span, target: String, tip: &str| {
        out.push(json!({ "range": here.range(span), "target": target, "tooltip": tip }));
    };
    for item in &tree.items {
        let file = match &item.kind {
            ItemKind::List(list) => match &list.source {
                ListSource::File(file) => Some(file),
                ListSource::Values(_) => None,
            },
            ItemKind::Table(table) => Some(&table.file),
            ItemKind::Decoy(decoy) => Some(&decoy.file),
            ItemKind::Schedule(schedule) => Some(&schedule.file),
            ItemKind::Model(model) => Some(&model.file),
            _ => None,
        };
        if let Some(file) = file {
            let inner = Span::new(file.span.start + 1, file.span.end.saturating_sub(1));
            if here.document.read_only {
                link(inner, crate::uri::of_library(&file.value), "as shipped");
            } else if let Some(root) = &here.world.root {
                link(inner, crate::uri::canonical(&format!("{root}/{}", file.value)), "open the file");
            }
        }
        let ItemKind::Policy(policy) = &item.kind else { continue };
        for member in &policy.members {
            let MemberKind::Tags(tags) = &member.kind else { continue };
            for tag in tags {
                let inner = Span::new(tag.span.start + 1, tag.span.end.saturating_sub(1));
                if let Some(target) = catalogue(&tag.value) {
                    link(inner, target, "what the catalogue says of it");
                }
            }
        }
    }
    // `W0301` in a comment is the page of the code.
    for comment in &tree.comments {
        for (at, _) in comment.text.match_indices('W') {
            let code = comment.text.get(at..at + 5).and_then(weir_dsl::Code::parse);
            if let Some(code) = code {
                let start = comment.span.start + at as u32;
                link(Span::new(start, start + 5), crate::lane::page_uri(code), code.name());
            }
        }
    }
    out.into()
}

/// Where a public catalogue of threats describes what a policy is tagged with.
fn catalogue(tag: &str) -> Option<String> {
    if tag
        .strip_prefix("OAT-")
        .is_some_and(|number| number.len() == 3 && number.bytes().all(|byte| byte.is_ascii_digit()))
    {
        return Some("https://owasp.org/www-project-automated-threats-to-web-applications/".to_owned());
    }
    let technique = tag.strip_prefix("ATT&CK ").unwrap_or(tag);
    let (technique, part) = technique.split_once('.').unwrap_or((technique, ""));
    let number = technique
        .strip_prefix('T')
        .filter(|number| number.len() == 4 && number.bytes().all(|byte| byte.is_ascii_digit()))?;
    let part = if part.is_empty() { String::new() } else { format!("{part}/") };
    Some(format!("https://attack.mitre.org/techniques/T{number}/{part}"))
}

/// Whether an entity is something that is called or asked from rules.
pub(super) fn is_asked(entity: &Entity) -> bool {
    matches!(entity, Entity::Function(_) | Entity::Model(_) | Entity::List(_) | Entity::Table(_))
}
