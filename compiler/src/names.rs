//! What each name of a file means, and where it is declared: for editors.
//!
//! ```text
//!  Env + ast::File ──walk──▶ Occurrences { span, symbol, declares? } + spans of names that mean nothing
//!  Symbol ──declared──▶ places of its declarations
//! ```
//!
//! The checker resolves the same names while it lowers what they stand in; this walk keeps going where it must stop,
//! for a broken clause is where help is wanted most. `tests/names.rs` holds the two together: in a set without errors no
//! name is unknown here, and renaming any symbol at all its occurrences gives a set without errors again.

use std::sync::Arc;

use smol_str::{SmolStr, format_smolstr};
use weir_dsl::ast::{self, ItemKind, MemberKind};
use weir_dsl::{FileId, FileSpan, Span};

use crate::env::{Entity, Env, PolicySource};
use crate::ids::*;

mod scope;
mod walk;

pub use scope::{PolicyName, PolicyNames, Where, where_at};

/// What a name stands for. Two occurrences with equal symbols mean the same thing.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Symbol {
    /// A package.
    Package(SmolStr),
    /// What a package declares, by package and name.
    Entity(SmolStr, SmolStr),
    /// A field, wherever it is declared: `sku` of two events is one, when the type is.
    Field(FieldId),
    /// A parameter, signal, cohort or sequence: full name of the policy, and its own.
    Member(SmolStr, SmolStr),
    /// A rule: full name of the policy, and its own.
    Rule(SmolStr, SmolStr),
    /// A step of a sequence: full name of the policy, the sequence's, and its own.
    Step(SmolStr, SmolStr, SmolStr),
    /// A parameter of a function or a variable of a test, by where it is declared.
    Local(FileId, u32),
    /// A value of an `enum`, a country.
    Variant(SmolStr),
    /// What the language itself names: `now`, `score`, built-in functions, properties.
    Builtin(SmolStr),
}

/// A name in a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Occurrence {
    /// Where it stands; of a dotted name the part that names the symbol.
    pub span: Span,
    /// What it means.
    pub symbol: Symbol,
    /// It declares the symbol.
    pub declares: bool,
}

/// The names of a file or an item, in order of place.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Names {
    /// Those that mean something.
    pub occurrences: Vec<Occurrence>,
    /// Those that do not.
    pub unknown: Vec<Span>,
}

impl Names {
    /// The occurrence that covers a byte, its end included.
    pub fn at(&self, at: u32) -> Option<&Occurrence> {
        let touches = |found: &&Occurrence| found.span.start <= at && at <= found.span.end;
        self.occurrences.iter().filter(touches).min_by_key(|found| (found.span.end == at, found.span.len()))
    }
}

/// The package that a file is of.
pub fn package_of(file: FileId, tree: &ast::File) -> SmolStr {
    tree.package.as_ref().map_or_else(|| format_smolstr!("?{}", file.0), |name| name.text.clone())
}

/// The names of a file. Linear in its tree.
pub fn of_file(env: &Env, file: FileId, tree: &ast::File) -> Names {
    let package = package_of(file, tree);
    let mut walk = walk::Walk::new(env, &package, file);
    walk.head(tree);
    for item in &tree.items {
        walk.item(item);
    }
    walk.finish()
}

/// The names of the items that touch a range, and of the file's head; nothing when there is no such file. Linear in those items.
pub fn of_items(env: &Env, file: FileId, tree: &ast::File, within: Span) -> Option<Names> {
    let package = package_of(file, tree);
    env.packages.get(&package)?;
    let mut walk = walk::Walk::new(env, &package, file);
    walk.head(tree);
    let touches = |item: &&ast::Item| item.span.start <= within.end && within.start <= item.span.end;
    for item in tree.items.iter().filter(touches) {
        walk.item(item);
    }
    Some(walk.finish())
}

/// The name at a byte. Linear in the item that stands there.
pub fn at(env: &Env, file: FileId, tree: &ast::File, at: u32) -> Option<Occurrence> {
    of_items(env, file, tree, Span::at(at))?.at(at).cloned()
}

/// Where a symbol is declared; nothing for what the language itself names.
pub fn declared(env: &Env, symbol: &Symbol) -> Vec<FileSpan> {
    let inside = |file: FileId, span: Span| FileSpan { file, span };
    match symbol {
        Symbol::Package(name) => env.packages.get(name).map(|package| package.at).into_iter().collect(),
        Symbol::Entity(package, name) => {
            let declared = env.packages.get(package).and_then(|package| package.own.get(name));
            declared.map(|declared| declared.at).into_iter().collect()
        }
        Symbol::Field(field) => fields(env)
            .filter(|(_, id, _)| id == field)
            .map(|(file, _, field)| inside(file, field.name.span))
            .collect(),
        Symbol::Rule(policy, name) => {
            let members = members(env, policy);
            let rule = members.filter_map(|(file, member)| match &member.kind {
                MemberKind::Rule(rule) if rule.name.text == *name => Some(inside(file, rule.name.span)),
                _ => None,
            });
            rule.collect()
        }
        Symbol::Member(policy, name) => {
            let named = members(env, policy).flat_map(|(file, member)| {
                declares(&member.kind).into_iter().map(move |name| (name, inside(file, name.span)))
            });
            named.filter(|(declared, _)| declared.text == *name).map(|(_, at)| at).collect()
        }
        Symbol::Step(policy, sequence, step) => {
            let sequences = members(env, policy).filter_map(|(file, member)| match &member.kind {
                MemberKind::Sequence(found) if found.name.text == *sequence => Some((file, found)),
                _ => None,
            });
            let steps = sequences.flat_map(|(file, found)| {
                found.steps.iter().filter_map(step_name).map(move |name| (name, inside(file, name.span)))
            });
            steps.filter(|(name, _)| name.text == *step).map(|(_, at)| at).collect()
        }
        Symbol::Local(file, at) => {
            let tree =
                env.packages.values().flat_map(|package| &package.parts).find(|(known, _)| known == file);
            let names = tree.map(|(_, tree)| of_file(env, *file, tree)).unwrap_or_default();
            let found = names.occurrences.iter().find(|found| found.declares && found.span.start == *at);
            found.map(|found| inside(*file, found.span)).into_iter().collect()
        }
        Symbol::Variant(_) | Symbol::Builtin(_) => Vec::new(),
    }
}

/// Every declared field with its id, event by event.
pub fn fields(env: &Env) -> impl Iterator<Item = (FileId, FieldId, &ast::Field)> {
    let items = env.packages.values().flat_map(|package| {
        package.parts.iter().flat_map(|(file, tree)| tree.items.iter().map(|item| (*file, item)))
    });
    items.flat_map(move |(file, item)| {
        let (event, fields): (Option<&ast::Event>, &[ast::Field]) = match &item.kind {
            ItemKind::Envelope(fields) => (None, fields),
            ItemKind::Event(event) => (Some(event), &event.fields),
            _ => (None, &[]),
        };
        let event = event.map(|event| env.schema.event(&event.name.text));
        fields.iter().filter_map(move |field| {
            let id = match event {
                None => env.schema.envelope_field(&field.name.text),
                Some(event) => env.schema.field(event?, &field.name.text),
            };
            Some((file, id?, field))
        })
    })
}

/// The members of a policy, by its full name.
pub fn members<'e>(env: &'e Env, policy: &str) -> impl Iterator<Item = (FileId, &'e ast::Member)> + use<'e> {
    let source = env.policies.get(policy);
    source.into_iter().flat_map(|source: &PolicySource| {
        let members = source.syntax().map(|(_, policy)| policy.members.as_slice()).unwrap_or_default();
        members.iter().map(move |member| (source.at.file, member))
    })
}

/// The names that a member declares, but for rules.
pub fn declares(member: &MemberKind) -> Vec<&ast::Name> {
    match member {
        MemberKind::Param(param) => vec![&param.name],
        MemberKind::Signal(signal) => vec![&signal.name],
        MemberKind::Watch(watch) => watch.signals.iter().map(|watched| &watched.name).collect(),
        MemberKind::Cohort(cohort) => vec![&cohort.name],
        MemberKind::Sequence(sequence) => vec![&sequence.name],
        _ => Vec::new(),
    }
}

/// The name of a step of a sequence, if it has one.
pub fn step_name(step: &ast::Step) -> Option<&ast::Name> {
    match &step.kind {
        ast::StepKind::First(name) | ast::StepKind::Then(name) => Some(name),
        _ => None,
    }
}

/// What a name of a package means there: who declares it, under that name.
pub fn entity_symbol(env: &Env, package: &str, name: &str) -> Option<Symbol> {
    let here = env.packages.get(package)?;
    if here.own.contains_key(name) {
        return Some(Symbol::Entity(here.name.clone(), name.into()));
    }
    let import = here.imports.get(name)?;
    Some(Symbol::Entity(import.package.clone(), name.into()))
}

/// The entity of a symbol.
pub fn entity<'e>(env: &'e Env, symbol: &Symbol) -> Option<&'e Entity> {
    match symbol {
        Symbol::Entity(package, name) => {
            env.packages.get(package)?.own.get(name).map(|declared| &declared.entity)
        }
        _ => None,
    }
}

/// The item that declares an entity, with its file and tree.
pub fn item_of<'e>(
    env: &'e Env,
    package: &str,
    name: &str,
) -> Option<(FileId, &'e Arc<ast::File>, &'e ast::Item)> {
    let declared = env.packages.get(package)?.own.get(name)?;
    let (file, tree) = env.packages.get(package)?.parts.iter().find(|(file, _)| *file == declared.at.file)?;
    let inside = |item: &&ast::Item| {
        item.span.start <= declared.at.span.start && declared.at.span.end <= item.span.end
    };
    Some((*file, tree, tree.items.iter().find(inside)?))
}
