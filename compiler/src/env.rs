//! Everything that packages declare, with its names resolved: what the type checker looks names up in.
//!
//! ```text
//!  files ──build──▶ Env { schema, declarations, functions, policies, packages } + diagnostics
//!                     ▲ find / lookup / event / list / … (package, name)
//! ```
//!
//! Bodies of policies, tests, caps, derives and tunes are not looked at here; they are checked one by one
//! against an [`Env`].

use std::collections::{BTreeMap, BTreeSet};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::Arc;

use smol_str::SmolStr;
use weir_dsl::{Applicability, Code, Diagnostic, FileId, FileSpan, Span, ast};

use crate::hir::Declarations;
use crate::ids::*;
use crate::schema::Schema;
use crate::suggest;
use crate::types::Type;

mod assets;
mod build;
mod imports;
mod recursion;
mod schema;
pub mod types;

pub use imports::Mentioned;
pub use types::{Resolved, resolve_present, resolve_type};

/// The source of `derive` maps: a request with its response. It is a source and not an event.
pub const EXCHANGE: &str = "http.exchange";

/// What the packages of a project declare.
#[derive(Clone, Debug, Default)]
pub struct Env {
    /// Events and fields, shared with every fragment.
    pub schema: Arc<Schema>,
    /// Lists, tables, models and the like, shared with every fragment.
    pub declarations: Arc<Declarations>,
    /// Functions.
    pub functions: IdVec<FunctionId, Function>,
    /// Policies, by full name (`std.ato.credential-stuffing`).
    pub policies: BTreeMap<SmolStr, PolicySource>,
    /// Packages, by name.
    pub packages: BTreeMap<SmolStr, Package>,
    /// Who may exempt from whom.
    pub rights: Rights,
    /// Two environments with one fingerprint give every item the same meaning and the same diagnostics:
    /// it covers every declaration with its place, and of policies the name alone.
    pub fingerprint: u64,
}

/// A package.
#[derive(Clone, Debug)]
pub struct Package {
    /// Its name.
    pub name: SmolStr,
    /// Its `package` clause.
    pub at: FileSpan,
    /// Its files; more than one is an error that has been reported.
    pub parts: Vec<(FileId, Arc<ast::File>)>,
    /// What it declares.
    pub own: BTreeMap<SmolStr, Declared>,
    /// What it imports.
    pub imports: BTreeMap<SmolStr, Import>,
    /// Names whose declaration could not be parsed, which has been reported.
    pub broken: BTreeSet<SmolStr>,
    /// Its score thresholds, if it states any.
    pub decide: Option<(FileId, Arc<ast::Decide>)>,
}

/// A declared name.
#[derive(Clone, Debug, PartialEq)]
pub struct Declared {
    /// What it names.
    pub entity: Entity,
    /// Where the name stands.
    pub at: FileSpan,
    /// Its documentation.
    pub doc: SmolStr,
}

/// An imported name.
#[derive(Clone, Debug, PartialEq)]
pub struct Import {
    /// The package it is from.
    pub package: SmolStr,
    /// What it names; nothing when the import is faulty, which has been reported.
    pub entity: Option<Entity>,
    /// Where the name stands in the `use` clause.
    pub at: FileSpan,
    /// Only tests need it: it loads nothing elsewhere.
    pub tests_only: bool,
}

/// What a package-level name can be.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Entity {
    /// An event.
    Event(EventId),
    /// A list.
    List(ListId),
    /// A table.
    Table(TableId),
    /// A model.
    Model(ModelId),
    /// A tag.
    Tag(TagId),
    /// A queue.
    Queue(QueueId),
    /// A decoy.
    Decoy(DecoyId),
    /// A schedule.
    Schedule(ScheduleId),
    /// A user-defined client shape.
    Fingerprint(FingerprintId),
    /// A function.
    Function(FunctionId),
    /// A policy, by full name.
    Policy(SmolStr),
}

impl Entity {
    /// What to call its kind, with an article: `an event`.
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::Event(_) => "an event",
            Self::List(_) => "a list",
            Self::Table(_) => "a table",
            Self::Model(_) => "a model",
            Self::Tag(_) => "a tag",
            Self::Queue(_) => "a queue",
            Self::Decoy(_) => "a decoy",
            Self::Schedule(_) => "a schedule",
            Self::Fingerprint(_) => "a fingerprint",
            Self::Function(_) => "a function",
            Self::Policy(_) => "a policy",
        }
    }
}

/// A function: pure, inlined where it is called.
#[derive(Clone, Debug)]
pub struct Function {
    /// Its name.
    pub name: SmolStr,
    /// Its package; names in its body are resolved there.
    pub package: SmolStr,
    /// Names and types of its parameters.
    pub params: Vec<(SmolStr, Type)>,
    /// The type of its answer.
    pub output: Type,
    /// Its body.
    pub body: Arc<ast::Expr>,
    /// Where its name stands.
    pub at: FileSpan,
    /// It needs itself, which has been reported; do not inline it.
    pub recursive: bool,
}

/// Where a policy is written.
#[derive(Clone, Debug)]
pub struct PolicySource {
    /// Its name in its package.
    pub name: SmolStr,
    /// Its package.
    pub package: SmolStr,
    /// Where its name stands.
    pub at: FileSpan,
    /// The file's tree.
    pub tree: Arc<ast::File>,
    /// Which of the file's items it is.
    pub item: usize,
}

impl PolicySource {
    /// The item and the policy in it.
    pub fn syntax(&self) -> Option<(&ast::Item, &ast::Policy)> {
        let item = self.tree.items.get(self.item)?;
        match &item.kind {
            ast::ItemKind::Policy(policy) => Some((item, policy)),
            _ => None,
        }
    }
}

/// Which packages may lift the actions and scores of which others. A package may always lift its own.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rights {
    /// From the package that exempts to those it may exempt from.
    pub granted: BTreeMap<SmolStr, BTreeSet<SmolStr>>,
}

impl Default for Rights {
    /// Those of the standard library, which hold unless a project says otherwise.
    fn default() -> Self {
        let pairs: [(&str, &[&str]); 2] =
            [("std.protect", &["std.addresses", "web.addresses"]), ("web.agents", &["retail.scraping"])];
        let granted = pairs
            .iter()
            .map(|(by, from)| (SmolStr::from(*by), from.iter().map(|name| SmolStr::from(*name)).collect()));
        Self { granted: granted.collect() }
    }
}

impl Rights {
    /// Whether `package` may exempt from `from`.
    pub fn allow(&self, package: &str, from: &str) -> bool {
        package == from || self.granted.get(package).is_some_and(|allowed| allowed.contains(from))
    }
}

/// Where a name is looked up from.
#[derive(Clone, Copy, Debug)]
pub struct Scope<'a> {
    /// The package.
    pub package: &'a str,
    /// The file, for the places in diagnostics.
    pub file: FileId,
}

/// Why a look-up failed; nothing when that has been reported already.
pub type Fault = Option<Box<Diagnostic>>;

/// A look-up of one kind.
macro_rules! of_kind {
    ($($(#[$doc:meta])* $method:ident $variant:ident($id:ty) $word:literal;)*) => {$(
        $(#[$doc])*
        ///
        /// # Errors
        /// As [`Env::lookup`], and when the name is of another kind.
        pub fn $method(&self, scope: Scope<'_>, name: &ast::Name) -> Result<$id, Fault> {
            match self.lookup(scope, name)? {
                Entity::$variant(id) => Ok(id),
                other => Err(self.wrong_kind(scope, name, $word, &other)),
            }
        }
    )*};
}

impl Env {
    /// Resolves what `files` declare. Diagnostics are in order of file and place.
    ///
    /// The result does not depend on the order of `files`: packages are taken in order of name.
    pub fn build(files: &[(FileId, Arc<ast::File>)]) -> (Self, Vec<Diagnostic>) {
        Self::build_again(files, &mut Mentioned::default())
    }

    /// The same, with what is known of files from builds before.
    pub fn build_again(files: &[(FileId, Arc<ast::File>)], known: &mut Mentioned) -> (Self, Vec<Diagnostic>) {
        build::build(files, known)
    }

    /// The same with other exemption rights.
    #[must_use]
    pub fn with_rights(mut self, rights: Rights) -> Self {
        let mut hasher = DefaultHasher::new();
        (self.fingerprint, &rights.granted).hash(&mut hasher);
        self.fingerprint = hasher.finish();
        self.rights = rights;
        self
    }

    /// What a name means in a package, if it is visible there.
    pub fn find(&self, package: &str, name: &str) -> Option<Entity> {
        let package = self.packages.get(package)?;
        let own = package.own.get(name).map(|declared| declared.entity.clone());
        own.or_else(|| package.imports.get(name).and_then(|import| import.entity.clone()))
    }

    /// What a name means in a package.
    ///
    /// # Errors
    /// An unknown name, with the nearest visible one, or the import that would make it known.
    pub fn lookup(&self, scope: Scope<'_>, name: &ast::Name) -> Result<Entity, Fault> {
        if let Some(entity) = self.find(scope.package, &name.text) {
            return Ok(entity);
        }
        if self.is_faulty_import(scope.package, &name.text) {
            return Err(None);
        }
        Err(Some(Box::new(self.unknown(scope, name, []))))
    }

    of_kind! {
        /// The event of a name.
        event Event(EventId) "an event";
        /// The list of a name.
        list List(ListId) "a list";
        /// The table of a name.
        table Table(TableId) "a table";
        /// The model of a name.
        model Model(ModelId) "a model";
        /// The tag of a name.
        tag Tag(TagId) "a tag";
        /// The queue of a name.
        queue Queue(QueueId) "a queue";
        /// The decoy of a name.
        decoy Decoy(DecoyId) "a decoy";
        /// The schedule of a name.
        schedule Schedule(ScheduleId) "a schedule";
        /// The user-defined client shape of a name.
        fingerprint Fingerprint(FingerprintId) "a fingerprint";
        /// The function of a name.
        function Function(FunctionId) "a function";
        /// The policy of a name, by full name.
        policy Policy(SmolStr) "a policy";
    }

    /// The name is declared or imported, and a fault in that has been reported.
    pub fn is_faulty_import(&self, package: &str, name: &str) -> bool {
        self.packages.get(package).is_some_and(|package| {
            let import = package.imports.get(name).is_some_and(|import| import.entity.is_none());
            import || package.broken.contains(name)
        })
    }

    /// The diagnostic for a name that means nothing here. `local` are further names that would have been
    /// right: fields, signals, parameters.
    pub fn unknown<'a>(
        &'a self,
        scope: Scope<'_>,
        name: &ast::Name,
        local: impl IntoIterator<Item = &'a str>,
    ) -> Diagnostic {
        let at = FileSpan { file: scope.file, span: name.span };
        let text = &name.text;
        let elsewhere: Vec<&SmolStr> = self
            .packages
            .values()
            .filter(|package| package.name != scope.package && package.own.contains_key(text))
            .map(|package| &package.name)
            .collect();
        if let Some(from) = elsewhere.first() {
            let title = format!("`{text}` is declared in package `{from}` and not imported");
            let mut diagnostic = Diagnostic::new(Code::NOT_IMPORTED, at, title)
                .label("not visible here")
                .help(format!("add `use {from} {{ {text} }}`"));
            if let [_] = elsewhere.as_slice()
                && let Some((place, edit)) = self.import_edit(scope, from, text)
            {
                let title = format!("import `{text}` from `{from}`");
                diagnostic = diagnostic.fix(title, place, edit, Applicability::Automatic);
            }
            for other in elsewhere.iter().skip(1) {
                diagnostic = diagnostic.note(format!("package `{other}` declares one too"));
            }
            return diagnostic;
        }
        let owner = text.rsplit_once('.').and_then(|(from, name)| Some((self.packages.get(from)?, name)));
        if let Some((owner, name)) = owner.filter(|(owner, name)| owner.own.contains_key(*name)) {
            let from = &owner.name;
            return Diagnostic::new(Code::UNKNOWN_NAME, at, format!("unknown name `{text}`"))
                .label("a name in full")
                .help(format!("add `use {from} {{ {name} }}` and write `{name}`"));
        }
        let visible: Vec<(&str, Option<&Entity>)> = self.visible(scope.package).collect();
        let names = visible.iter().map(|(name, _)| *name).chain(local);
        let diagnostic = Diagnostic::new(Code::UNKNOWN_NAME, at, format!("unknown name `{text}`"))
            .label("not declared here, and not imported");
        match suggest::nearest(text, names) {
            Some(near) => diagnostic.help(format!("did you mean `{near}`?")).fix(
                format!("write `{near}`"),
                at,
                near,
                Applicability::Suggested,
            ),
            None => diagnostic,
        }
    }

    /// All names visible in a package, with what they mean; nothing where an import is faulty. For
    /// completion and suggestions.
    pub fn visible(&self, package: &str) -> impl Iterator<Item = (&str, Option<&Entity>)> {
        let package = self.packages.get(package);
        let own = package.into_iter().flat_map(|package| &package.own);
        let imports = package.into_iter().flat_map(|package| &package.imports);
        own.map(|(name, declared)| (name.as_str(), Some(&declared.entity)))
            .chain(imports.map(|(name, import)| (name.as_str(), import.entity.as_ref())))
    }

    /// Where an entity is declared.
    pub fn declared(&self, entity: &Entity) -> Option<(&Package, &SmolStr, &Declared)> {
        self.packages.values().find_map(|package| {
            let (name, declared) = package.own.iter().find(|(_, declared)| declared.entity == *entity)?;
            Some((package, name, declared))
        })
    }

    fn wrong_kind(&self, scope: Scope<'_>, name: &ast::Name, wanted: &str, found: &Entity) -> Fault {
        let at = FileSpan { file: scope.file, span: name.span };
        let title = format!("`{}` is {}, not {wanted}", name.text, found.kind());
        let mut diagnostic =
            Diagnostic::new(Code::WRONG_KIND, at, title).label(format!("{wanted} is needed here"));
        if let Some((_, _, declared)) = self.declared(found) {
            diagnostic = diagnostic.also(declared.at, format!("{} is declared here", found.kind()));
        }
        Some(Box::new(diagnostic))
    }

    /// Where and what to write, so that `name` is imported from `from`.
    fn import_edit(&self, scope: Scope<'_>, from: &str, name: &str) -> Option<(FileSpan, String)> {
        let package = self.packages.get(scope.package)?;
        let (file, tree) = package.parts.iter().find(|(file, _)| *file == scope.file)?;
        let after = |end: u32| FileSpan { file: *file, span: Span::at(end) };
        let clause = tree.uses.iter().find(|clause| clause.package.text == from);
        if let Some(last) = clause.and_then(|clause| clause.names.last()) {
            return Some((after(last.span.end), format!(", {name}")));
        }
        let import = format!("use {from} {{ {name} }}");
        match (tree.uses.last(), &tree.package) {
            (Some(last), _) => Some((after(last.span.end), format!("\n{import}"))),
            (None, Some(clause)) => Some((after(clause.span.end), format!("\n\n{import}"))),
            (None, None) => None,
        }
    }
}
