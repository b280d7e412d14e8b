//! From a name to where it is declared, and to where else it stands.

use serde_json::{Value, json};
use weir_compiler::env::Entity;
use weir_compiler::names::{self, Occurrence, Symbol};
use weir_compiler::types::Type;
use weir_dsl::{FileId, FileSpan};

use super::hover::{name_at, token_at};
use crate::lex::Class;
use crate::project::Snapshot;
use crate::protocol::{Here, location};

pub(super) fn definition(here: &Here<'_>) -> Value {
    let Some(found) = name_at(here) else { return Value::Null };
    let places = names::declared(&here.world.found.env, &found.symbol);
    places.into_iter().filter_map(|at| location(here.world, at)).collect()
}

/// Of a value: where what it is of is declared. Of a field `id<user>` or a signal there is no more than its declaration.
pub(super) fn type_definition(here: &Here<'_>) -> Value {
    let Some(found) = name_at(here) else { return Value::Null };
    let env = &here.world.found.env;
    let symbol = match &found.symbol {
        // The event that has the field at hand.
        Symbol::Field(id) => {
            let event = env.schema.events.values().find(|event| event.slot(*id).is_some());
            match env.schema.fields.get(*id).map(|field| &field.ty) {
                Some(Type::Error) | None => return Value::Null,
                Some(_) => event.map(|event| Symbol::Entity(event.package.clone(), event.name.clone())),
            }
        }
        // The event that is counted.
        Symbol::Member(policy, name) => counted(here.world, policy, name),
        Symbol::Entity(..) => match names::entity(env, &found.symbol) {
            Some(Entity::Decoy(id)) => {
                let event =
                    env.declarations.decoys.get(*id).and_then(|decoy| env.schema.events.get(decoy.event));
                event.map(|event| Symbol::Entity(event.package.clone(), event.name.clone()))
            }
            _ => None,
        },
        _ => None,
    };
    let places = names::declared(env, &symbol.unwrap_or(found.symbol));
    places.into_iter().filter_map(|at| location(here.world, at)).collect()
}

/// The event that a signal or cohort counts.
fn counted(world: &Snapshot, policy: &str, name: &str) -> Option<Symbol> {
    let env = &world.found.env;
    let source = env.policies.get(policy)?;
    let (_, member) = names::members(env, policy)
        .find(|(_, member)| names::declares(&member.kind).iter().any(|declared| declared.text == name))?;
    let event = match &member.kind {
        weir_dsl::ast::MemberKind::Watch(watch) => &watch.population.event,
        weir_dsl::ast::MemberKind::Cohort(cohort) => &cohort.population.event,
        weir_dsl::ast::MemberKind::Signal(signal) => match &signal.value {
            weir_dsl::ast::SignalValue::Aggregate(aggregate) => &aggregate.population.event,
            _ => return None,
        },
        _ => return None,
    };
    names::entity_symbol(env, &source.package, &event.text)
}

/// Every place of a symbol in a project, file by file. Files without its text are not walked.
pub(super) fn occurrences(world: &Snapshot, symbol: &Symbol) -> Vec<(FileId, Occurrence)> {
    let env = &world.found.env;
    let text = match symbol {
        Symbol::Package(name) | Symbol::Entity(_, name) | Symbol::Member(_, name) => name.as_str(),
        Symbol::Rule(_, name) | Symbol::Step(_, _, name) | Symbol::Variant(name) | Symbol::Builtin(name) => {
            name.as_str()
        }
        Symbol::Field(_) | Symbol::Local(..) => "",
    };
    let mut found = Vec::new();
    for (file, document) in &world.documents {
        let Some(tree) = &document.tree else { continue };
        let here = !matches!(symbol, Symbol::Local(of, _) if of != file);
        if here && document.text.as_str().contains(text) {
            let names = names::of_file(env, *file, tree).occurrences;
            found.extend(names.into_iter().filter(|name| name.symbol == *symbol).map(|name| (*file, name)));
        }
    }
    found
}

pub(super) fn references(here: &Here<'_>, declaration: bool) -> Value {
    let Some(found) = name_at(here) else { return Value::Null };
    let all = occurrences(here.world, &found.symbol);
    let wanted = all.into_iter().filter(|(_, name)| declaration || !name.declares);
    wanted.filter_map(|(file, name)| location(here.world, FileSpan { file, span: name.span })).collect()
}

pub(super) fn highlight(here: &Here<'_>) -> Value {
    let tree = here.document.tree.as_ref();
    if let (Some(found), Some(tree)) = (name_at(here), tree) {
        let names = names::of_file(&here.world.found.env, here.file, tree).occurrences;
        let same = names.into_iter().filter(|name| name.symbol == found.symbol);
        return same
            .map(|name| json!({ "range": here.range(name.span), "kind": if name.declares { 3 } else { 2 } }))
            .collect();
    }
    // A brace shows its mate.
    let Some(token) = token_at(here).filter(|token| token.class == Class::Sign) else { return Value::Null };
    let mates = super::shape::braces(here.document.text.as_str());
    let pair =
        mates.into_iter().find(|(open, close)| *open == token.span.start || *close == token.span.start);
    let Some((open, close)) = pair else { return Value::Null };
    [open, close]
        .into_iter()
        .map(|at| json!({ "range": here.range(weir_dsl::Span::new(at, at + 1)), "kind": 1 }))
        .collect()
}
