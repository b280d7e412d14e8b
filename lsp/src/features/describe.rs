//! What is to be said of a symbol, in Markdown.

use std::fmt::Write as _;

use weir_compiler::analysis::Item;
use weir_compiler::budget;
use weir_compiler::env::Entity;
use weir_compiler::hir::{Hir, Measure, Source, WindowKind};
use weir_compiler::names::{self, PolicyName, PolicyNames, Symbol};
use weir_dsl::Span;
use weir_dsl::ast::{ItemKind, MemberKind};

use super::of_word;
use crate::project::Snapshot;

/// Lines of source shown at most.
const LINES: usize = 14;

/// What is to be said; nothing of values and of what the language names without a word about it.
pub(super) fn symbol(world: &Snapshot, symbol: &Symbol) -> Option<String> {
    match symbol {
        Symbol::Package(name) => {
            let package = world.found.env.packages.get(name)?;
            let policies = package.own.values().filter(|own| matches!(own.entity, Entity::Policy(_))).count();
            Some(format!("```weir\npackage {name}\n```\n{}", counted(policies, "policy", "policies")))
        }
        Symbol::Entity(package, name) => entity(world, package, name),
        Symbol::Field(id) => field(world, *id),
        Symbol::Member(policy, name) => member(world, policy, name),
        Symbol::Rule(policy, name) => rule(world, policy, name),
        Symbol::Step(_, sequence, step) => {
            Some(format!("step `{step}` of sequence `{sequence}`: its fields and its `age` can be read"))
        }
        Symbol::Local(..) => {
            let at = *names::declared(&world.found.env, symbol).first()?;
            let text = world.documents.get(&at.file)?.text.as_str();
            let line = text.get(..at.span.end as usize)?.rfind('\n').map_or(0, |at| at + 1);
            let line = text.get(line..)?.lines().next()?.trim();
            Some(format!("```weir\n{line}\n```"))
        }
        Symbol::Builtin(name) => builtin(name),
        Symbol::Variant(name) => Some(format!("`{name}`, a value")),
    }
}

fn counted(count: usize, one: &str, many: &str) -> String {
    if count == 1 { format!("1 {one}") } else { format!("{count} {many}") }
}

/// A piece of source, its first lines.
fn code(world: &Snapshot, file: weir_dsl::FileId, span: Span) -> String {
    let text = world.documents.get(&file).map_or("", |document| span.text(document.text.as_str()));
    let mut shown: String = text.lines().take(LINES).collect::<Vec<_>>().join("\n");
    if text.lines().count() > LINES {
        shown.push_str("\n…");
    }
    format!("```weir\n{shown}\n```")
}

fn entity(world: &Snapshot, package: &str, name: &str) -> Option<String> {
    let env = &world.found.env;
    let (file, _, item) = names::item_of(env, package, name)?;
    let mut out = match &item.kind {
        ItemKind::Policy(policy) => {
            let head =
                policy.members.iter().take_while(|member| !matches!(member.kind, MemberKind::Rule(_))).last();
            let end = head.map_or(item.span.end, |member| member.span.end);
            code(world, file, Span::new(item.span.start, end))
        }
        _ => code(world, file, item.span),
    };
    let _ = write!(out, "\n{} of `{package}`", env.packages.get(package)?.own.get(name)?.entity.kind());
    if let Some(doc) = item.doc.as_ref().filter(|doc| !doc.is_empty()) {
        let _ = write!(out, "\n\n{doc}");
    }
    let declarations = &env.declarations;
    match &env.packages.get(package)?.own.get(name)?.entity {
        Entity::List(id) => {
            let list = declarations.lists.get(*id)?;
            match &list.source {
                Source::Values(values) => {
                    let _ = write!(
                        out,
                        "\n\nset of {}, {}",
                        list.member,
                        counted(values.len(), "value", "values")
                    );
                }
                Source::File(file) => {
                    let own = world.found.manifest.lists.get(name).map(|contents| contents.file.clone());
                    let file = own.unwrap_or_else(|| file.clone());
                    let _ = write!(out, "\n\nset of {}, from `{file}`", list.member);
                    if let Some(bytes) = weir_stdlib::read(&file) {
                        let lines = String::from_utf8_lossy(bytes)
                            .lines()
                            .filter(|line| !line.trim().is_empty() && !line.starts_with('#'))
                            .count();
                        let _ = write!(out, ", {}", counted(lines, "line", "lines"));
                    }
                }
            }
        }
        Entity::Table(id) => {
            let table = declarations.tables.get(*id)?;
            let _ = write!(out, "\n\nfrom {} to {}, from `{}`", table.key, table.value, table.file);
        }
        Entity::Model(id) => {
            let model = declarations.models.get(*id)?;
            let within = model.within.map_or_else(String::new, |ms| format!(", unknown after {ms} ms"));
            let _ = write!(out, "\n\nONNX, from `{}`{within}", model.file);
        }
        Entity::Policy(full) => {
            if let Some(Item::Policy(hir)) = world.found.policies.get(full).map(|checked| &checked.item) {
                let bytes: u64 =
                    hir.states.values().map(|state| u64::from(budget::bytes_per_key(hir, state))).sum();
                let rules = counted(hir.rules.len(), "rule", "rules");
                let _ = write!(out, "\n\n{rules}, {bytes} bytes of state with one key of each");
            }
        }
        _ => {}
    }
    Some(out)
}

fn field(world: &Snapshot, id: weir_compiler::ids::FieldId) -> Option<String> {
    let schema = &world.found.env.schema;
    let field = schema.fields.get(id)?;
    let events: Vec<&weir_compiler::schema::Event> =
        schema.events.values().filter(|event| event.slot(id).is_some()).collect();
    let slots: Vec<_> = events.iter().filter_map(|event| event.slot_info(id)).collect();
    let optional = if slots.iter().any(|slot| slot.optional) { "?" } else { "" };
    let mut out = format!("```weir\n{}: {}{optional}", field.name, field.ty);
    if field.personal {
        out.push_str(" personal");
    }
    if !slots.is_empty() && slots.iter().all(|slot| slot.response) {
        out.push_str(" response");
    }
    out.push_str("\n```\n");
    let envelope = schema.envelope_field(&field.name) == Some(id);
    if envelope {
        out.push_str("field of every event");
    } else {
        let names: Vec<String> = events.iter().take(8).map(|event| format!("`{}`", event.name)).collect();
        let more = if events.len() > 8 { format!(" and {} more", events.len() - 8) } else { String::new() };
        let _ = write!(out, "field of {}{more}", names.join(", "));
    }
    if field.personal {
        out.push_str("\n\nNever stored in clear: records hold a keyed hash.");
    }
    Some(out)
}

/// What a policy says in its checked form.
fn hir_of<'w>(world: &'w Snapshot, policy: &str) -> Option<&'w Hir> {
    match &world.found.policies.get(policy)?.item {
        Item::Policy(hir) => Some(hir),
        _ => None,
    }
}

fn member(world: &Snapshot, policy: &str, name: &str) -> Option<String> {
    let env = &world.found.env;
    let (file, found) = names::members(env, policy)
        .find(|(_, member)| names::declares(&member.kind).iter().any(|declared| declared.text == name))?;
    let source = env.policies.get(policy)?;
    let (_, syntax) = source.syntax()?;
    let own = PolicyNames::of(env, &source.package, file, syntax);
    let what = *own.names.get(name)?;
    let mut out = match what {
        PolicyName::Watched(watch, watched) => {
            let head = watch.signals.first().map_or(found.span.end, |first| first.span.start);
            let head = world
                .documents
                .get(&file)
                .map_or("", |document| Span::new(found.span.start, head).text(document.text.as_str()));
            let line =
                world.documents.get(&file).map_or("", |document| watched.span.text(document.text.as_str()));
            format!("```weir\n{}\n  {line}\n}}\n```", head.trim_end())
        }
        _ => code(world, file, found.span),
    };
    let doc = match what {
        PolicyName::Watched(_, watched) => watched.doc.as_ref().or(found.doc.as_ref()),
        _ => found.doc.as_ref(),
    };
    let _ = write!(out, "\n{} of `{policy}`", what.kind());
    if let Some(ty) = type_of(world, policy, name) {
        let _ = write!(out, ": `{ty}`");
    }
    if let Some(doc) = doc {
        let _ = write!(out, "\n\n{doc}");
    }
    if let Some(cost) = hir_of(world, policy).and_then(|hir| cost(hir, name)) {
        let _ = write!(out, "\n\n{cost}");
    }
    if let PolicyName::Param(param) = what
        && let Some((low, high)) = &param.range
    {
        let text = world.documents.get(&file).map_or("", |document| document.text.as_str());
        let _ = write!(
            out,
            "\n\na `tune` may set it from `{}` to `{}`",
            low.span.text(text),
            high.span.text(text)
        );
    }
    Some(out)
}

/// The type of a name of a policy, from its checked form where it has one.
pub(super) fn type_of(world: &Snapshot, policy: &str, name: &str) -> Option<String> {
    if let Some(hir) = hir_of(world, policy)
        && let Some(signal) = hir.signals.values().find(|signal| signal.name == name)
    {
        return Some(signal.ty.to_string());
    }
    let env = &world.found.env;
    let source = env.policies.get(policy)?;
    let (_, syntax) = source.syntax()?;
    let own = PolicyNames::of(env, &source.package, source.at.file, syntax);
    own.type_of(env, &source.package, source.at.file, name).map(|ty| ty.to_string())
}

/// What a signal costs, and how exact it is.
fn cost(hir: &Hir, name: &str) -> Option<String> {
    let signal = hir.signals.values().find(|signal| signal.name == name)?;
    let state = hir.states.get(signal.state)?;
    let mut out = format!("{} bytes a key", budget::bytes_per_key(hir, state));
    if let Some(key) = &state.key {
        let _ = write!(out, ", kept per `{}`", key.text);
    }
    if let Some(window) = &state.window {
        let lane = (window.span.ms + 6) / 7;
        match window.kind {
            WindowKind::Sliding => {
                let _ = write!(
                    out,
                    "; window of 8 lanes of {}: the oldest is interpolated, the value never leaves its interval",
                    milliseconds(lane)
                );
            }
            WindowKind::Tumbling => out.push_str("; aligned to the epoch, exact"),
            WindowKind::Exact => out.push_str("; the time of every event is kept: exact"),
            WindowKind::Economy => out.push_str("; two buckets, no interval"),
        }
    }
    if matches!(state.measure, Measure::Distinct(_)) {
        out.push_str("; exact to 32 values, then within 5 %");
    }
    Some(out)
}

/// A length of time as an author would write it, rounded up to whole units where it is long.
pub(super) fn milliseconds(ms: i64) -> String {
    for (unit, length) in [("d", 86_400_000), ("h", 3_600_000), ("m", 60_000), ("s", 1_000)] {
        if ms >= length && ms % length == 0 {
            return format!("{}{unit}", ms / length);
        }
    }
    if ms > 10_000 { format!("{}s", (ms + 500) / 1_000) } else { format!("{ms}ms") }
}

fn rule(world: &Snapshot, policy: &str, name: &str) -> Option<String> {
    let found = names::members(&world.found.env, policy)
        .find(|(_, member)| matches!(&member.kind, MemberKind::Rule(rule) if rule.name.text == name));
    let (file, member) = found?;
    let mut out = code(world, file, member.span);
    let _ = write!(out, "\nrule of `{policy}`");
    if let Some(rule) =
        hir_of(world, policy).and_then(|hir| hir.rules.values().find(|rule| rule.name == name))
    {
        let _ = write!(out, ", in mode `{}`", rule.mode.word());
    }
    if let Some(doc) = &member.doc {
        let _ = write!(out, "\n\n{doc}");
    }
    Some(out)
}

fn builtin(name: &str) -> Option<String> {
    if let Some((signature, doc)) = super::signature::builtin(name) {
        return Some(format!("```weir\n{signature}\n```\n{doc}"));
    }
    let said = match name {
        "score" => "the score of the policy, 0 to 100",
        "event" => "the event at hand",
        "lift" => "how far the slice is above its usual level, against the rest",
        "usual" => "the usual level of the slice",
        "count" => "how many events of the slice",
        "age" => "how long ago the step was",
        "http.exchange" => "a request with its response, for `derive` alone",
        _ => return of_word(name).map(|word| format!("`{name}` — {}", word.doc)),
    };
    Some(format!("`{name}` — {said}"))
}
