//! An analysis session: files in memory, what is wrong with them, and what can be linked from them.
//!
//! The command line and the language server use the same session. Nothing here reads files.
//!
//! ```text
//!  set_file ──parse (items remembered by text)──▶ trees ──Env::build──▶ Env
//!                                                   └──check, one item at a time──▶ fragments, tests, tunes
//! ```
//!
//! What an edit costs: parsing the edited item, building the [`Env`], and checking the edited item. Items are
//! checked again when a declaration changes, and tests and tunes when a policy they see does. An item that
//! only moved keeps what was found, its places moved along.

use std::collections::{BTreeMap, HashMap};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::{Arc, Mutex, PoisonError};

use serde::{Deserialize, Serialize};
use smol_str::{SmolStr, format_smolstr};
use weir_dsl::ast::{self, ItemKind};
use weir_dsl::source::Source;
use weir_dsl::{Code, Diagnostic, FileId, FileSpan, Parser, Severity, Sources, Span};

use crate::check;
use crate::env::{Entity, Env, Mentioned};
use crate::hir::{Hir, Test};
use crate::link::{self, Linked, Options};
use crate::project::Manifest;
use crate::suggest;
use crate::tune::Tune;
use crate::visit::{self, Visitor};

/// A session.
#[derive(Default)]
pub struct Analysis {
    sources: Sources,
    parser: Parser,
    files: BTreeMap<FileId, Parsed>,
    manifest: Option<(FileId, Manifest, Vec<Diagnostic>)>,
    base: Option<Manifest>,
    /// What was found, unless something changed since.
    found: Option<Arc<Found>>,
    remembered: HashMap<Key, Remembered>,
    mentioned: Mentioned,
    /// The last there was.
    env_before: Option<Arc<Env>>,
    links: Links,
}

/// What was linked last, so that what has changed can be linked by itself.
type Links = Arc<Mutex<Option<link::Kept<Checked>>>>;

/// A parsed file.
struct Parsed {
    tree: Arc<ast::File>,
    faults: Vec<Diagnostic>,
    /// Hashes of its items: of their text and documentation.
    items: Vec<u64>,
}

impl Parsed {
    fn new(text: &str, tree: ast::File, faults: Vec<Diagnostic>) -> Self {
        let hash = |item: &ast::Item| {
            let mut hasher = DefaultHasher::new();
            text.get(item.span.start as usize..item.span.end as usize).hash(&mut hasher);
            item.doc.hash(&mut hasher);
            hasher.finish()
        };
        let items = tree.items.iter().map(hash).collect();
        Self { tree: Arc::new(tree), faults, items }
    }
}

/// Everything found in the files of a session.
#[derive(Default)]
pub struct Found {
    /// What packages declare.
    pub env: Arc<Env>,
    /// The project, over the library's own.
    pub manifest: Manifest,
    /// Checked policies, by full name.
    pub policies: BTreeMap<SmolStr, Arc<Checked>>,
    /// Checked items that are no policies, by package, in source order.
    pub others: BTreeMap<SmolStr, Vec<Arc<Checked>>>,
    /// All diagnostics, in order of file and place.
    pub diagnostics: Vec<Diagnostic>,
    links: Links,
}

/// A checked item.
#[derive(Clone, Debug)]
pub struct Checked {
    /// What it is.
    pub item: Item,
    /// The item.
    pub at: FileSpan,
    /// It has an error, and cannot be linked.
    pub faulty: bool,
    /// What is wrong with it.
    pub diagnostics: Vec<Diagnostic>,
}

/// What checking an item gave.
#[derive(Clone, Debug)]
pub enum Item {
    /// A fragment with one policy.
    Policy(Hir),
    /// A fragment with one cap.
    Cap(Hir),
    /// A fragment with one map.
    Derive(Hir),
    /// Overrides; nothing when their policy is not known.
    Tune(Option<Tune>),
    /// A test.
    Test(Option<Test>),
    /// Thresholds of a package, or a function: diagnostics alone.
    Definition,
}

/// What an item's meaning depends on.
#[derive(Clone, PartialEq, Eq, Hash)]
struct Key {
    file: FileId,
    package: SmolStr,
    /// Of its text, its documentation and whatever else it depends on.
    hash: u64,
}

struct Remembered {
    checked: Arc<Checked>,
}

/// What to link.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Selection {
    /// Policies, by full name, in order.
    pub policies: Vec<SmolStr>,
    /// Packages whose caps count.
    pub caps: Vec<SmolStr>,
    /// Packages whose maps from plain HTTP count, in order.
    pub derives: Vec<SmolStr>,
    /// Packages whose overrides count, in order.
    pub tunes: Vec<SmolStr>,
}

impl Analysis {
    /// A session without files.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a policy file, or replaces its text.
    pub fn set_file(&mut self, name: &str, text: impl Into<Arc<str>>) -> FileId {
        let text = text.into();
        let file = self.sources.set(name, Arc::clone(&text));
        let (tree, faults) = self.parser.parse(file, &text);
        self.files.insert(file, Parsed::new(&text, tree, faults));
        self.found = None;
        file
    }

    /// Adds a policy file that may not be text, or replaces it.
    pub fn set_bytes(&mut self, name: &str, bytes: &[u8]) -> FileId {
        if let Ok(text) = std::str::from_utf8(bytes) {
            return self.set_file(name, text);
        }
        // As the parser replaces them, so that places agree.
        let mut text = String::with_capacity(bytes.len());
        for chunk in bytes.utf8_chunks() {
            text.push_str(chunk.valid());
            text.extend(chunk.invalid().iter().map(|_| '?'));
        }
        let file = self.sources.set(name, text.as_str());
        let (tree, faults) = weir_dsl::parse_bytes(file, bytes);
        self.files.insert(file, Parsed::new(&text, tree, faults));
        self.found = None;
        file
    }

    /// Takes a file out; false when there is none of the name. Its id stays its own.
    pub fn remove_file(&mut self, name: &str) -> bool {
        let file = self.file(name);
        let removed = file.is_some_and(|file| self.files.remove(&file).is_some());
        if removed {
            self.found = None;
        }
        removed
    }

    /// Sets the project file.
    pub fn set_manifest(&mut self, name: &str, text: &str) -> FileId {
        let file = self.sources.set(name, text);
        let (manifest, faults) = Manifest::parse(file, text);
        self.manifest = Some((file, manifest, faults));
        self.found = None;
        file
    }

    /// Sets what holds where the project file says nothing: the library's own.
    pub fn set_base(&mut self, base: Manifest) {
        self.base = Some(base);
        self.found = None;
    }

    /// Names and texts.
    pub fn sources(&self) -> &Sources {
        &self.sources
    }

    /// The policy files of the session with their texts, in order, and the project file.
    pub fn files(&self) -> (Vec<&Source>, Option<&Source>) {
        let files = self.files.keys().filter_map(|file| self.sources.source(*file)).collect();
        (files, self.manifest.as_ref().and_then(|(file, ..)| self.sources.source(*file)))
    }

    /// The id of a file that is part of the session.
    pub fn file(&self, name: &str) -> Option<FileId> {
        self.files.keys().copied().find(|file| self.sources.name(*file) == name)
    }

    /// The tree of a file.
    pub fn tree(&self, file: FileId) -> Option<&Arc<ast::File>> {
        self.files.get(&file).map(|parsed| &parsed.tree)
    }

    /// Everything found; kept until something changes.
    pub fn found(&mut self) -> Arc<Found> {
        if let Some(found) = &self.found {
            return Arc::clone(found);
        }
        let found = Arc::new(self.find());
        self.found = Some(Arc::clone(&found));
        found
    }

    /// All diagnostics, in order of file and place.
    pub fn diagnostics(&mut self) -> Vec<Diagnostic> {
        self.found().diagnostics.clone()
    }

    /// What packages declare.
    pub fn env(&mut self) -> Arc<Env> {
        Arc::clone(&self.found().env)
    }

    /// Links a selection. Faulty items are left out; policies among them are named.
    pub fn link(&mut self, selection: &Selection, options: &Options) -> Linked {
        let found = self.found();
        found.link(selection, options)
    }

    fn find(&mut self) -> Found {
        let (project, mut diagnostics) = match &self.manifest {
            Some((_, manifest, faults)) => (manifest.clone(), faults.clone()),
            None => (Manifest::default(), Vec::new()),
        };
        let manifest = match &self.base {
            Some(base) => project.clone().over(base),
            None => project.clone(),
        };
        let files: Vec<(FileId, Arc<ast::File>)> =
            self.files.iter().map(|(file, parsed)| (*file, Arc::clone(&parsed.tree))).collect();
        let (env, said) = Env::build_again(&files, &mut self.mentioned);
        let mut env = env.with_rights(manifest.rights.clone());
        if let Some(before) = self.env_before.as_ref().filter(|before| before.fingerprint == env.fingerprint)
        {
            // Equal, and shared by whatever was checked with them.
            env.schema = Arc::clone(&before.schema);
            env.declarations = Arc::clone(&before.declarations);
        }
        let env = Arc::new(env);
        self.env_before = Some(Arc::clone(&env));
        // With a part of the file unread, nobody knows what it uses.
        let unread = |file: FileId| self.files.get(&file).is_some_and(|parsed| has_error(&parsed.faults));
        diagnostics.extend(
            said.into_iter().filter(|found| found.code != Code::UNUSED_IMPORT || !unread(found.primary.file)),
        );
        diagnostics.extend(project.check(&env));
        diagnostics.extend(self.files.values().flat_map(|parsed| parsed.faults.iter().cloned()));

        let mut found = Found { env, manifest, links: Arc::clone(&self.links), ..Found::default() };
        let before = std::mem::take(&mut self.remembered);
        let env = Arc::clone(&found.env);
        for package in env.packages.values() {
            let seen = self.policies_seen(&env, &package.name);
            let items = package.parts.iter().flat_map(|(file, tree)| {
                let hashes = self.files.get(file).map(|parsed| parsed.items.as_slice()).unwrap_or_default();
                tree.items.iter().zip(hashes).map(|(item, hash)| (*file, item, *hash))
            });
            for (file, item, hash) in items {
                let Some(key) = key(&env, &package.name, (file, item, hash), seen) else { continue };
                let checked = match before.get(&key) {
                    Some(known) => moved(&known.checked, item.span),
                    None => Arc::new(checked(&env, &package.name, file, item)),
                };
                diagnostics.extend(checked.diagnostics.iter().cloned());
                self.remembered.insert(key, Remembered { checked: Arc::clone(&checked) });
                match &item.kind {
                    ItemKind::Policy(policy) => {
                        let full = format_smolstr!("{}.{}", package.name, policy.name.text);
                        found.policies.entry(full).or_insert(checked);
                    }
                    _ => found.others.entry(package.name.clone()).or_default().push(checked),
                }
            }
        }
        diagnostics.sort_by(|a, b| {
            let place =
                |found: &Diagnostic| (found.primary.file, found.primary.span.start, found.primary.span.end);
            (place(a), a.code).cmp(&(place(b), b.code))
        });
        diagnostics.dedup();
        found.diagnostics = diagnostics;
        found
    }

    /// A hash of the policies that tests and tunes of a package see: its own and those it imports.
    fn policies_seen(&self, env: &Env, package: &str) -> u64 {
        let mut hasher = DefaultHasher::new();
        for source in visible_policies(env, package).filter_map(|name| env.policies.get(&name)) {
            if let Some((item, _)) = source.syntax() {
                let text = self.files.get(&source.at.file).and_then(|parsed| parsed.items.get(source.item));
                (source.at.file, item.span, text).hash(&mut hasher);
            }
        }
        hasher.finish()
    }
}

/// What an item's check depends on; nothing for items that are no more than their declaration.
fn key(
    env: &Env,
    package: &SmolStr,
    (file, item, hash): (FileId, &ast::Item, u64),
    seen: u64,
) -> Option<Key> {
    let mut hasher = DefaultHasher::new();
    (env.fingerprint, hash).hash(&mut hasher);
    match &item.kind {
        ItemKind::Policy(_) | ItemKind::Cap(_) | ItemKind::Derive(_) => (),
        // These belong to the environment, and it covers their places.
        ItemKind::Function(_) | ItemKind::Decide(_) => item.span.hash(&mut hasher),
        ItemKind::Tune(_) | ItemKind::Test(_) => seen.hash(&mut hasher),
        ItemKind::Envelope(_)
        | ItemKind::Event(_)
        | ItemKind::List(_)
        | ItemKind::Table(_)
        | ItemKind::Tag(_)
        | ItemKind::Queue(_)
        | ItemKind::Decoy(_)
        | ItemKind::Schedule(_)
        | ItemKind::Fingerprint(_)
        | ItemKind::Model(_) => return None,
    }
    Some(Key { file, package: package.clone(), hash: hasher.finish() })
}

/// The full names of the policies that a package declares or imports.
fn visible_policies<'a>(env: &'a Env, package: &str) -> impl Iterator<Item = SmolStr> + use<'a> {
    let package = env.packages.get(package);
    let own =
        package.into_iter().flat_map(|package| package.own.values()).map(|declared| Some(&declared.entity));
    let imports =
        package.into_iter().flat_map(|package| package.imports.values()).map(|import| import.entity.as_ref());
    own.chain(imports).filter_map(|entity| match entity {
        Some(Entity::Policy(name)) => Some(name.clone()),
        _ => None,
    })
}

fn has_error(diagnostics: &[Diagnostic]) -> bool {
    diagnostics.iter().any(|found| found.severity == Severity::Error)
}

fn checked(env: &Env, package: &str, file: FileId, item: &ast::Item) -> Checked {
    let at = FileSpan { file, span: item.span };
    let (checked, diagnostics) = match &item.kind {
        ItemKind::Policy(_) => {
            let found = check::check_policy(env, package, file, item);
            (Item::Policy(found.value), found.diagnostics)
        }
        ItemKind::Cap(_) => {
            let found = check::check_cap(env, package, file, item);
            (Item::Cap(found.value), found.diagnostics)
        }
        ItemKind::Derive(_) => {
            let found = check::check_derive(env, package, file, item);
            (Item::Derive(found.value), found.diagnostics)
        }
        ItemKind::Tune(_) => {
            let found = check::check_tune(env, package, file, item);
            (Item::Tune(found.value), found.diagnostics)
        }
        ItemKind::Test(_) => {
            let found = check::check_test(env, package, file, item);
            (Item::Test(found.value), found.diagnostics)
        }
        ItemKind::Decide(decide) => {
            (Item::Definition, check::check_decide(env, package, file, decide).diagnostics)
        }
        ItemKind::Function(function) => {
            let place = FileSpan { file, span: function.name.span };
            let id = env.functions.iter().find(|(_, known)| known.at == place).map(|(id, _)| id);
            let found = id.map(|id| check::check_function(env, file, id).diagnostics);
            (Item::Definition, found.unwrap_or_default())
        }
        _ => (Item::Definition, Vec::new()),
    };
    Checked { item: checked, at, faulty: has_error(&diagnostics), diagnostics }
}

/// The same item at another place of its file.
fn moved(known: &Arc<Checked>, span: Span) -> Arc<Checked> {
    if known.at.span == span {
        return Arc::clone(known);
    }
    let mut shift = Shift { from: known.at, by: i64::from(span.start) - i64::from(known.at.span.start) };
    let mut checked = Checked::clone(known);
    match &mut checked.item {
        Item::Policy(fragment) | Item::Cap(fragment) | Item::Derive(fragment) => {
            visit::hir(fragment, &mut shift)
        }
        Item::Test(Some(test)) => visit::test(test, &mut shift),
        Item::Tune(Some(tune)) => {
            shift.place(&mut tune.at);
            tune.changes.iter_mut().for_each(|change| shift.place(&mut change.at));
        }
        Item::Test(None) | Item::Tune(None) | Item::Definition => (),
    }
    for found in &mut checked.diagnostics {
        let labels = std::iter::once(&mut found.primary).chain(&mut found.secondary);
        for label in labels {
            label.span = shift.span_of(label.file, label.span);
        }
        for edit in found.fix.iter_mut().flat_map(|fix| &mut fix.edits) {
            edit.span = shift.span_of(edit.file, edit.span);
        }
    }
    checked.at.span = span;
    Arc::new(checked)
}

/// Moves places inside an item along with it.
struct Shift {
    from: FileSpan,
    by: i64,
}

impl Shift {
    fn span_of(&self, file: FileId, span: Span) -> Span {
        let inside =
            file == self.from.file && self.from.span.start <= span.start && span.end <= self.from.span.end;
        if inside { span.shifted(self.by) } else { span }
    }
}

impl Visitor for Shift {
    fn place(&mut self, at: &mut FileSpan) {
        at.span = self.span_of(at.file, at.span);
    }
}

impl Found {
    /// The tests of a package, in source order; those with errors are not among them.
    pub fn tests(&self, package: &str) -> impl Iterator<Item = &Test> {
        self.items(package).filter_map(|checked| match &checked.item {
            Item::Test(Some(test)) => Some(test),
            _ => None,
        })
    }

    /// Every package with its policies, caps, maps and overrides.
    pub fn everything(&self) -> Selection {
        self.packages(self.env.packages.keys().cloned())
    }

    /// The packages of a profile, with their policies, caps, maps and overrides.
    ///
    /// # Errors
    /// When there is no such profile, or a package of it is not there.
    pub fn profile(&self, name: &str) -> Result<Selection, Box<Diagnostic>> {
        let Some(packages) = self.manifest.profile(name) else {
            let known = self.manifest.profiles.keys().map(SmolStr::as_str);
            let near = suggest::nearest(name, known.clone()).map(|near| format!("did you mean `{near}`?"));
            let title = format!("there is no profile `{name}`");
            let mut diagnostic = Diagnostic::new(Code::BAD_PROJECT, FileSpan::default(), title);
            let names: Vec<&str> = known.collect();
            diagnostic.help = near
                .or_else(|| (!names.is_empty()).then(|| format!("the profiles are {}", names.join(", "))));
            return Err(Box::new(diagnostic));
        };
        for package in &packages {
            if !self.env.packages.contains_key(package) {
                let places = self.manifest.profiles.values().flat_map(|profile| &profile.packages);
                let at = places.clone().find(|(known, _)| known == package).map(|(_, at)| *at);
                let title = format!("profile `{name}` needs package `{package}`, which is not there");
                let mut diagnostic = Diagnostic::new(Code::BAD_PROJECT, at.unwrap_or_default(), title);
                diagnostic.help = suggest::nearest(package, self.env.packages.keys().map(SmolStr::as_str))
                    .map(|near| format!("did you mean `{near}`?"));
                return Err(Box::new(diagnostic));
            }
        }
        Ok(self.packages(packages))
    }

    /// What the tests of a package run: its own policies and those it imports, its caps, maps and overrides.
    pub fn for_tests(&self, package: &str) -> Selection {
        let own = vec![SmolStr::from(package)];
        let policies = visible_policies(&self.env, package).collect();
        Selection { policies, caps: own.clone(), derives: own.clone(), tunes: own }
    }

    fn packages(&self, packages: impl IntoIterator<Item = SmolStr>) -> Selection {
        let packages: Vec<SmolStr> = packages.into_iter().collect();
        let own =
            |name: &SmolStr| self.env.packages.get(name).into_iter().flat_map(|package| package.own.values());
        let policies = packages.iter().flat_map(own).filter_map(|declared| match &declared.entity {
            Entity::Policy(name) => Some(name.clone()),
            _ => None,
        });
        Selection {
            policies: policies.collect(),
            caps: packages.clone(),
            derives: packages.clone(),
            tunes: packages,
        }
    }

    fn items(&self, package: &str) -> impl Iterator<Item = &Arc<Checked>> {
        self.others.get(package).into_iter().flatten().filter(|checked| !checked.faulty)
    }

    /// Links a selection. Faulty items are left out; policies among them are named.
    ///
    /// Where the session has linked the same selection before, what has not changed since is shared with that rule set, and the
    /// expressions of what has may stand elsewhere than a session that links it for the first time would put them.
    pub fn link(&self, selection: &Selection, options: &Options) -> Linked {
        let mut pieces: Vec<Arc<Checked>> = Vec::new();
        let mut left_out = Vec::new();
        for name in &selection.policies {
            match self.policies.get(name) {
                Some(checked) if !checked.faulty && matches!(checked.item, Item::Policy(_)) => {
                    pieces.push(Arc::clone(checked));
                }
                Some(_) => left_out.push((name.clone(), SmolStr::new_static("it has errors"))),
                None => left_out.push((name.clone(), SmolStr::new_static("there is no such policy"))),
            }
        }
        let caps = selection.caps.iter().flat_map(|package| self.items(package));
        pieces.extend(caps.filter(|checked| matches!(checked.item, Item::Cap(_))).cloned());
        let derives = selection.derives.iter().flat_map(|package| self.items(package));
        pieces.extend(derives.filter(|checked| matches!(checked.item, Item::Derive(_))).cloned());
        let tunes = selection.tunes.iter().flat_map(|package| self.items(package));
        let tunes: Vec<Tune> = tunes
            .filter_map(|checked| match &checked.item {
                Item::Tune(tune) => tune.clone(),
                _ => None,
            })
            .collect();
        let mut links = self.links.lock().unwrap_or_else(PoisonError::into_inner);
        let again = links.as_mut().and_then(|kept| kept.again(&self.env, &pieces, &tunes, options));
        let mut linked = again
            .unwrap_or_else(|| links.insert(link::Kept::new(&self.env, pieces, tunes, options)).linked());
        linked.left_out.splice(0..0, left_out);
        linked
    }
}

impl link::Piece for Checked {
    fn fragment(&self) -> Option<&Hir> {
        match &self.item {
            Item::Policy(fragment) | Item::Cap(fragment) | Item::Derive(fragment) => Some(fragment),
            Item::Tune(_) | Item::Test(_) | Item::Definition => None,
        }
    }
}
