//! From trees to an [`Env`]: packages, then names, then what the names of other packages are needed for.

use std::collections::{BTreeMap, HashMap};
use std::fmt::Write as _;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::Arc;

use smol_str::{SmolStr, format_smolstr};
use weir_dsl::ast::{self, ItemKind};
use weir_dsl::{Code, Diagnostic, FileId, FileSpan, Span};

use super::schema::SchemaBuilder;
use super::{Declared, Entity, Env, Mentioned, Package, PolicySource, Scope, assets, imports};
use crate::hir::Declarations;
use crate::ids::*;

/// See [`Env::build`].
pub(super) fn build(files: &[(FileId, Arc<ast::File>)], known: &mut Mentioned) -> (Env, Vec<Diagnostic>) {
    let mut builder =
        Builder { env: Env::default(), diagnostics: Vec::new(), declarations: Declarations::default() };
    builder.packages(files);
    let packages = std::mem::take(&mut builder.env.packages);
    builder.schema(&packages);
    builder.env.packages = builder.names(packages);
    imports::resolve(&mut builder.env, known, &mut builder.diagnostics);
    builder.bodies();
    builder.env.declarations = Arc::new(builder.declarations);
    super::recursion::find(&mut builder.env, &mut builder.diagnostics);
    builder.env.fingerprint = fingerprint(&builder.env);
    let mut diagnostics = builder.diagnostics;
    diagnostics.sort_by_key(|found| (found.primary.file, found.primary.span.start, found.code));
    (builder.env, diagnostics)
}

struct Builder {
    env: Env,
    diagnostics: Vec<Diagnostic>,
    declarations: Declarations,
}

/// The diagnostic for a name that has been taken.
pub(super) fn duplicate(name: &str, at: FileSpan, first: FileSpan) -> Diagnostic {
    Diagnostic::new(Code::DUPLICATE_NAME, at, format!("`{name}` is declared twice"))
        .label("declared again here")
        .also(first, "declared here first")
}

/// The place of a name.
pub(super) fn at(file: FileId, name: &ast::Name) -> FileSpan {
    FileSpan { file, span: name.span }
}

impl Builder {
    fn packages(&mut self, files: &[(FileId, Arc<ast::File>)]) {
        let mut files: Vec<&(FileId, Arc<ast::File>)> = files.iter().collect();
        files.sort_by_key(|(file, _)| *file);
        for (file, tree) in files {
            let (name, place) = match &tree.package {
                Some(clause) => (clause.text.clone(), at(*file, clause)),
                // The parser has said that the clause is missing. No such name can be written.
                None => (format_smolstr!("?{}", file.0), FileSpan { file: *file, span: Span::at(0) }),
            };
            let part = (*file, Arc::clone(tree));
            let broken = tree.broken.iter().map(|name| name.text.clone());
            if let Some(package) = self.env.packages.get_mut(&name) {
                let title = format!("package `{name}` has a file already");
                let diagnostic = Diagnostic::new(Code::DUPLICATE_NAME, place, title)
                    .label("a second file for it")
                    .also(package.at, "the first one")
                    .help("one package is one file: join the two, or give this one a name of its own");
                self.diagnostics.push(diagnostic);
                package.parts.push(part);
                package.broken.extend(broken);
                continue;
            }
            let package = Package {
                name: name.clone(),
                at: place,
                parts: vec![part],
                own: BTreeMap::new(),
                imports: BTreeMap::new(),
                broken: broken.collect(),
                decide: None,
            };
            self.env.packages.insert(name, package);
        }
    }

    /// Envelope first, for its fields come first in every record.
    fn schema(&mut self, packages: &BTreeMap<SmolStr, Package>) {
        let mut schema = SchemaBuilder::default();
        for (file, item) in packages.values().flat_map(Package::items) {
            if let ItemKind::Envelope(fields) = &item.kind {
                schema.envelope(file, fields, &mut self.diagnostics);
            }
        }
        for package in packages.values() {
            for (file, item) in package.items() {
                if let ItemKind::Event(event) = &item.kind {
                    let doc = item.doc.clone().unwrap_or_default();
                    schema.event(&package.name, file, event, doc, &mut self.diagnostics);
                }
            }
        }
        self.env.schema = Arc::new(schema.finish(&mut self.diagnostics));
    }

    /// Gives every declared name its entity.
    fn names(&mut self, mut packages: BTreeMap<SmolStr, Package>) -> BTreeMap<SmolStr, Package> {
        let (mut decoys, mut fingerprints) = (0, 0);
        for package in packages.values_mut() {
            let parts = package.parts.clone();
            for (file, tree) in &parts {
                for (index, item) in tree.items.iter().enumerate() {
                    let scope = Scope { package: &package.name, file: *file };
                    let mut out = assets::Out {
                        scope,
                        declarations: &mut self.declarations,
                        diagnostics: &mut self.diagnostics,
                    };
                    let (name, entity) = match &item.kind {
                        ItemKind::Event(event) => match self.env.schema.event(&event.name.text) {
                            Some(id) => (&event.name, Entity::Event(id)),
                            None => continue,
                        },
                        ItemKind::List(list) => (&list.name, Entity::List(assets::list(list, &mut out))),
                        ItemKind::Table(table) => {
                            (&table.name, Entity::Table(assets::table(table, &mut out)))
                        }
                        ItemKind::Model(model) => {
                            (&model.name, Entity::Model(assets::model(model, &mut out)))
                        }
                        ItemKind::Tag(name) => {
                            (name, Entity::Tag(out.declarations.tags.push(assets::named(name, scope))))
                        }
                        ItemKind::Queue(name) => {
                            (name, Entity::Queue(out.declarations.queues.push(assets::named(name, scope))))
                        }
                        ItemKind::Schedule(schedule) => {
                            (&schedule.name, Entity::Schedule(assets::schedule(schedule, &mut out)))
                        }
                        // Decoys and fingerprints need names of other packages; they are made in this order
                        // once imports are known.
                        ItemKind::Decoy(decoy) => {
                            decoys += 1;
                            (&decoy.name, Entity::Decoy(DecoyId::from_index(decoys - 1)))
                        }
                        ItemKind::Fingerprint(fingerprint) => {
                            fingerprints += 1;
                            let id = FingerprintId::from_index(fingerprints - 1);
                            (&fingerprint.name, Entity::Fingerprint(id))
                        }
                        ItemKind::Function(function) => {
                            let function = assets::function(function, &mut out);
                            let name = function.0;
                            (name, Entity::Function(self.env.functions.push(function.1)))
                        }
                        ItemKind::Policy(policy) => {
                            let full = format_smolstr!("{}.{}", package.name, policy.name.text);
                            let source = PolicySource {
                                name: policy.name.text.clone(),
                                package: package.name.clone(),
                                at: at(*file, &policy.name),
                                tree: Arc::clone(tree),
                                item: index,
                            };
                            self.env.policies.entry(full.clone()).or_insert(source);
                            (&policy.name, Entity::Policy(full))
                        }
                        ItemKind::Decide(decide) => {
                            let place = FileSpan { file: *file, span: decide.span };
                            if let Some((first, known)) = &package.decide {
                                let first = FileSpan { file: *first, span: known.span };
                                self.diagnostics.push(duplicate("decide", place, first));
                            } else {
                                package.decide = Some((*file, Arc::new(decide.clone())));
                            }
                            continue;
                        }
                        ItemKind::Envelope(_)
                        | ItemKind::Derive(_)
                        | ItemKind::Cap(_)
                        | ItemKind::Tune(_)
                        | ItemKind::Test(_) => continue,
                    };
                    let place = at(*file, name);
                    if let Some(first) = package.own.get(&name.text) {
                        // Two events of one name have been reported with the schema.
                        if !matches!((&first.entity, &entity), (Entity::Event(_), Entity::Event(_))) {
                            self.diagnostics.push(duplicate(&name.text, place, first.at));
                        }
                        continue;
                    }
                    let doc = item.doc.clone().unwrap_or_default();
                    package.own.insert(name.text.clone(), Declared { entity, at: place, doc });
                }
            }
        }
        packages
    }

    /// What names of other packages are needed for.
    fn bodies(&mut self) {
        let env = &self.env;
        for package in env.packages.values() {
            for (file, item) in package.items() {
                let scope = Scope { package: &package.name, file };
                let mut out = assets::Out {
                    scope,
                    declarations: &mut self.declarations,
                    diagnostics: &mut self.diagnostics,
                };
                match &item.kind {
                    ItemKind::Decoy(decoy) => assets::decoy(decoy, env, &mut out),
                    ItemKind::Fingerprint(fingerprint) => assets::fingerprint(fingerprint, env, &mut out),
                    _ => (),
                }
            }
        }
    }
}

impl Package {
    /// Its items with their files, in source order.
    pub fn items(&self) -> impl Iterator<Item = (FileId, &ast::Item)> {
        self.parts.iter().flat_map(|(file, tree)| tree.items.iter().map(move |item| (*file, item)))
    }
}

/// See [`Env::fingerprint`].
fn fingerprint(env: &Env) -> u64 {
    struct Sink(DefaultHasher);
    impl std::fmt::Write for Sink {
        fn write_str(&mut self, text: &str) -> std::fmt::Result {
            self.0.write(text.as_bytes());
            Ok(())
        }
    }
    let mut sink = Sink(DefaultHasher::new());
    // Writing to the hasher cannot fail.
    let mut note = |value: &dyn std::fmt::Debug| {
        let _ = write!(sink, "{value:?};");
    };
    for package in env.packages.values() {
        note(&package.at);
        for (file, tree) in &package.parts {
            note(&(file, &tree.package, &tree.uses, &tree.broken));
            for item in &tree.items {
                match &item.kind {
                    ItemKind::Policy(policy) => note(&policy.name.text),
                    ItemKind::Derive(_) | ItemKind::Cap(_) | ItemKind::Tune(_) | ItemKind::Test(_) => (),
                    declared => note(declared),
                }
            }
        }
    }
    let mut hasher = sink.0;
    env.rights.granted.hash(&mut hasher);
    hasher.finish()
}

/// Where each of several names was first seen.
pub(super) type Seen = HashMap<SmolStr, FileSpan>;
