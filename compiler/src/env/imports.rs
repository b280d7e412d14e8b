//! `use` clauses: what they name, whether it is needed, and that packages do not need each other in a ring.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::sync::Arc;

use smol_str::SmolStr;
use weir_dsl::ast::{self, ItemKind};
use weir_dsl::{Applicability, Code, Diagnostic, FileId, FileSpan, Span};

use super::build::{at, duplicate};
use super::{Entity, Env, Import};
use crate::{mentions, suggest};

/// Fills in the imports of every package.
pub(super) fn resolve(env: &mut Env, known: &mut Mentioned, diagnostics: &mut Vec<Diagnostic>) {
    let mut all: Vec<(SmolStr, BTreeMap<SmolStr, Import>)> = Vec::with_capacity(env.packages.len());
    for package in env.packages.values() {
        let mut imports = BTreeMap::new();
        for (file, tree) in &package.parts {
            let needs = known.of(*file, tree);
            for clause in &tree.uses {
                for name in &clause.names {
                    let place = at(*file, name);
                    let entity = target(env, &package.name, *file, clause, name, diagnostics);
                    let policy = matches!(entity, Some(Entity::Policy(_)));
                    if let Some(first) = taken(package, &imports, &name.text) {
                        if entity.is_some() {
                            diagnostics.push(duplicate(&name.text, place, first));
                        }
                        continue;
                    }
                    let needed = needs.items.contains(&name.text);
                    // Tests name an imported policy's rules and not the policy.
                    let tested = needs.tests.contains(&name.text) || (policy && needs.has_tests);
                    if entity.is_some() && !needed && !tested {
                        diagnostics.push(unused(*file, clause, name));
                    }
                    let package = clause.package.text.clone();
                    imports.insert(
                        name.text.clone(),
                        Import { package, entity, at: place, tests_only: !needed },
                    );
                }
            }
        }
        all.push((package.name.clone(), imports));
    }
    for (name, imports) in all {
        if let Some(package) = env.packages.get_mut(&name) {
            package.imports = imports;
        }
    }
    // Files that are gone have no other holder of their tree.
    known.files.retain(|_, (tree, _)| Arc::strong_count(tree) > 1);
    cycles(env, diagnostics);
}

/// Names that files mention, remembered from build to build as long as a file has the same tree.
#[derive(Debug, Default)]
pub struct Mentioned {
    files: HashMap<FileId, (Arc<ast::File>, Arc<Needs>)>,
}

impl Mentioned {
    fn of(&mut self, file: FileId, tree: &Arc<ast::File>) -> Arc<Needs> {
        if let Some((known, needs)) = self.files.get(&file)
            && Arc::ptr_eq(known, tree)
        {
            return Arc::clone(needs);
        }
        let needs = Arc::new(Needs::of(tree));
        self.files.insert(file, (Arc::clone(tree), Arc::clone(&needs)));
        needs
    }
}

/// Names that a file mentions.
#[derive(Debug)]
struct Needs {
    items: HashSet<SmolStr>,
    tests: HashSet<SmolStr>,
    has_tests: bool,
}

impl Needs {
    fn of(tree: &ast::File) -> Self {
        let mut needs = Self { items: HashSet::new(), tests: HashSet::new(), has_tests: false };
        for item in &tree.items {
            if matches!(item.kind, ItemKind::Test(_)) {
                needs.has_tests = true;
                mentions::of_item(item, &mut needs.tests);
            } else {
                mentions::of_item(item, &mut needs.items);
            }
        }
        needs
    }
}

fn taken(package: &super::Package, imports: &BTreeMap<SmolStr, Import>, name: &str) -> Option<FileSpan> {
    let own = package.own.get(name).map(|declared| declared.at);
    own.or_else(|| imports.get(name).map(|import| import.at))
}

/// What an import names; a fault is reported.
fn target(
    env: &Env,
    package: &str,
    file: FileId,
    clause: &ast::Use,
    name: &ast::Name,
    diagnostics: &mut Vec<Diagnostic>,
) -> Option<Entity> {
    let place = at(file, &clause.package);
    let first = clause.names.first().is_some_and(|first| first.span == name.span);
    if clause.package.text == package {
        if first {
            let title = format!("package `{package}` uses itself");
            diagnostics.push(Diagnostic::new(Code::CYCLIC_USE, place, title).help("remove the clause"));
        }
        return None;
    }
    let Some(from) = env.packages.get(&clause.package.text) else {
        if first {
            diagnostics.push(no_package(env, package, place, &clause.package.text, name));
        }
        return None;
    };
    if let Some(declared) = from.own.get(&name.text) {
        return Some(declared.entity.clone());
    }
    if from.broken.contains(&name.text) {
        return None;
    }
    let title = format!("package `{}` declares no `{}`", from.name, name.text);
    let mut diagnostic = Diagnostic::new(Code::UNKNOWN_NAME, at(file, name), title);
    let owner = env.packages.values().find(|other| other.own.contains_key(&name.text));
    if let Some(near) = suggest::nearest(&name.text, from.own.keys().map(SmolStr::as_str)) {
        diagnostic = diagnostic.help(format!("did you mean `{near}`?")).fix(
            format!("write `{near}`"),
            at(file, name),
            near,
            Applicability::Suggested,
        );
    } else if let Some(owner) = owner {
        diagnostic = diagnostic.help(format!("package `{}` declares one", owner.name));
    }
    diagnostics.push(diagnostic);
    None
}

fn no_package(env: &Env, user: &str, place: FileSpan, text: &str, name: &ast::Name) -> Diagnostic {
    let diagnostic = Diagnostic::new(Code::UNKNOWN_NAME, place, format!("unknown package `{text}`"));
    let others = || env.packages.values().filter(|other| other.name != user && !other.name.starts_with('?'));
    let names = |declare: bool| {
        let fit = others().filter(move |other| !declare || other.own.contains_key(&name.text));
        fit.map(|other| other.name.as_str())
    };
    // Of packages with a name like it, one that declares what is imported is likelier.
    match suggest::nearest(text, names(true)).or_else(|| suggest::nearest(text, names(false))) {
        Some(near) => diagnostic.help(format!("did you mean `{near}`?")).fix(
            format!("write `{near}`"),
            place,
            near,
            Applicability::Suggested,
        ),
        None => match names(true).next() {
            Some(owner) => diagnostic.help(format!("package `{owner}` declares `{}`", name.text)),
            None => diagnostic,
        },
    }
}

fn unused(file: FileId, clause: &ast::Use, name: &ast::Name) -> Diagnostic {
    let title = format!("`{}` is imported and never used", name.text);
    let position = clause.names.iter().position(|other| other.span == name.span).unwrap_or(0);
    let before = position.checked_sub(1).and_then(|position| clause.names.get(position));
    let behind = clause.names.get(position + 1);
    let span = match (before, behind) {
        (Some(before), _) => Span::new(before.span.end, name.span.end),
        (None, Some(behind)) => Span::new(name.span.start, behind.span.start),
        (None, None) => clause.span,
    };
    Diagnostic::new(Code::UNUSED_IMPORT, at(file, name), title).fix(
        "remove it",
        FileSpan { file, span },
        "",
        Applicability::Automatic,
    )
}

/// Reports each ring of packages once, at the import that closes it.
fn cycles(env: &Env, diagnostics: &mut Vec<Diagnostic>) {
    let mut done: BTreeSet<&str> = BTreeSet::new();
    for start in env.packages.keys() {
        if done.contains(start.as_str()) {
            continue;
        }
        // Depth first without recursion: a path of packages, each with the imports still to follow.
        let mut path: Vec<(&str, Vec<(&str, FileSpan)>)> = vec![(start, needs(env, start))];
        while let Some((_, left)) = path.last_mut() {
            let Some((next, place)) = left.pop() else {
                if let Some((name, _)) = path.pop() {
                    done.insert(name);
                }
                continue;
            };
            if let Some(position) = path.iter().position(|(name, _)| *name == next) {
                let ring: Vec<&str> =
                    path.iter().skip(position).map(|(name, _)| *name).chain([next]).collect();
                diagnostics.push(ring_of(env, &ring, place));
            } else if !done.contains(next) {
                path.push((next, needs(env, next)));
            }
        }
    }
}

/// The packages that `name` needs, each with the first import from it; last in order of name first, for
/// they are popped from the end.
fn needs<'a>(env: &'a Env, name: &str) -> Vec<(&'a str, FileSpan)> {
    let mut found: BTreeMap<&str, FileSpan> = BTreeMap::new();
    let imports = env.packages.get(name).into_iter().flat_map(|package| package.imports.values());
    for import in imports.filter(|import| import.entity.is_some() && !import.tests_only) {
        let place = found.entry(&import.package).or_insert(import.at);
        *place = (*place).min(import.at);
    }
    found.into_iter().rev().collect()
}

fn ring_of(env: &Env, ring: &[&str], closing: FileSpan) -> Diagnostic {
    let title = format!("packages use each other: {}", ring.join(" → "));
    let mut diagnostic =
        Diagnostic::new(Code::CYCLIC_USE, closing, title).label("this import closes the ring");
    for pair in ring.windows(2) {
        if let [user, used] = pair
            && let Some((_, place)) = needs(env, user).into_iter().find(|(name, _)| name == used)
            && place != closing
        {
            diagnostic = diagnostic.also(place, format!("`{user}` uses `{used}`"));
        }
    }
    diagnostic
        .help("move what both need into a package of its own; an import that only tests use does not count")
}
