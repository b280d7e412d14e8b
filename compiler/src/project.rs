//! Projects: what `weir.toml` says.
//!
//! Reading files is the caller's work: a [`Manifest`] is made from text, and says where lists and packages
//! are to be found.

use std::collections::{BTreeMap, BTreeSet};

use smol_str::SmolStr;
use weir_dsl::{Code, Diagnostic, FileId, FileSpan};

use crate::env::{Env, Rights};
use crate::ids::EventId;
use crate::schema::Schema;
use crate::suggest;

mod read;

/// The edition of the language this build reads.
pub const EDITION: &str = "2026";
/// The name of the project file.
pub const FILE: &str = "weir.toml";

/// What a project file says.
#[derive(Clone, Debug, PartialEq)]
pub struct Manifest {
    /// Whose project it is; part of every key hash.
    pub tenant: SmolStr,
    /// Roots of packages (`std`, `acme`) and where they come from.
    pub packages: BTreeMap<SmolStr, Dependency>,
    /// Selections of packages, by name.
    pub profiles: BTreeMap<SmolStr, Profile>,
    /// Where actor keys come from in HTTP requests, by envelope field.
    pub identity: BTreeMap<SmolStr, Identity>,
    /// Contents of lists, by name.
    pub lists: BTreeMap<SmolStr, Contents>,
    /// Contents of tables, by name.
    pub tables: BTreeMap<SmolStr, Contents>,
    /// Files of models, by name.
    pub models: BTreeMap<SmolStr, Contents>,
    /// Events that the application sends, where the project says which; every declared one, where not.
    pub feeds: Option<Vec<(SmolStr, FileSpan)>>,
    /// Bounds of the engine.
    pub limits: Limits,
    /// Most bytes of state, by full name of the policy.
    pub budgets: BTreeMap<SmolStr, Budget>,
    /// Who may exempt from whom.
    pub rights: Rights,
    /// Places of the names in `[exempt]`.
    exempt_places: Vec<(SmolStr, FileSpan)>,
}

/// Where a package comes from.
#[derive(Clone, Debug, PartialEq)]
pub struct Dependency {
    /// The source.
    pub source: DependencySource,
    /// Where it is written.
    pub at: FileSpan,
}

/// Sources of packages.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DependencySource {
    /// The standard library of this major version.
    Library(SmolStr),
    /// A folder, relative to the project's root.
    Path(SmolStr),
}

/// A selection of packages.
#[derive(Clone, Debug, PartialEq)]
pub struct Profile {
    /// The profile it adds to.
    pub extends: Option<(SmolStr, FileSpan)>,
    /// Its own packages, in order.
    pub packages: Vec<(SmolStr, FileSpan)>,
    /// Where it is declared.
    pub at: FileSpan,
}

/// Where an actor key comes from.
#[derive(Clone, Debug, PartialEq)]
pub struct Identity {
    /// Which part of the request.
    pub source: IdentitySource,
    /// Where it is written.
    pub at: FileSpan,
}

/// Parts of a request that may carry an actor key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum IdentitySource {
    /// The cookie of this name.
    Cookie(SmolStr),
    /// The header of this name, lower case.
    Header(SmolStr),
    /// The parameter of this name in the query.
    Query(SmolStr),
}

/// The contents of a list, table or model.
#[derive(Clone, Debug, PartialEq)]
pub struct Contents {
    /// The file, relative to the project's root.
    pub file: SmolStr,
    /// Older files are stale, in milliseconds.
    pub max_age: Option<i64>,
    /// What the file must hash to, in hexadecimal digits.
    pub sha256: Option<SmolStr>,
    /// Where it is written.
    pub at: FileSpan,
}

/// Bounds of the engine.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Most bytes of a request's body that `derive` maps see.
    pub body_bytes: u64,
    /// How far ahead of the clock an event may be stamped, in milliseconds.
    pub skew: i64,
    /// How late an event may come, in milliseconds.
    pub lateness: i64,
    /// Most bytes of all state.
    pub state: u64,
    /// Most keys of one state.
    pub keys: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self { body_bytes: 64_000, skew: 5_000, lateness: 30_000, state: 4_000_000_000, keys: 100_000 }
    }
}

/// A budget of state.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Budget {
    /// Bytes.
    pub bytes: u64,
    /// Where it is written.
    pub at: FileSpan,
}

impl Default for Manifest {
    /// What holds without a project file.
    fn default() -> Self {
        Self {
            tenant: SmolStr::new_static("default"),
            packages: BTreeMap::new(),
            profiles: BTreeMap::new(),
            identity: BTreeMap::new(),
            lists: BTreeMap::new(),
            tables: BTreeMap::new(),
            models: BTreeMap::new(),
            feeds: None,
            limits: Limits::default(),
            budgets: BTreeMap::new(),
            rights: Rights::default(),
            exempt_places: Vec::new(),
        }
    }
}

impl Manifest {
    /// Reads a project file. What is faulty is reported and left at its default.
    pub fn parse(file: FileId, text: &str) -> (Self, Vec<Diagnostic>) {
        read::manifest(file, text)
    }

    /// This project over `base`, the library's own: what this one does not say is taken from there.
    #[must_use]
    pub fn over(mut self, base: &Self) -> Self {
        fn fill<T: Clone>(into: &mut BTreeMap<SmolStr, T>, from: &BTreeMap<SmolStr, T>) {
            for (name, value) in from {
                into.entry(name.clone()).or_insert_with(|| value.clone());
            }
        }
        fill(&mut self.packages, &base.packages);
        fill(&mut self.profiles, &base.profiles);
        fill(&mut self.identity, &base.identity);
        fill(&mut self.lists, &base.lists);
        fill(&mut self.tables, &base.tables);
        fill(&mut self.models, &base.models);
        fill(&mut self.budgets, &base.budgets);
        for (by, from) in &base.rights.granted {
            self.rights.granted.entry(by.clone()).or_default().extend(from.iter().cloned());
        }
        self
    }

    /// The packages of a profile: those it extends first, each once. `None` when there is no such profile.
    pub fn profile(&self, name: &str) -> Option<Vec<SmolStr>> {
        let mut chain: Vec<&Profile> = Vec::new();
        let mut next = Some(name);
        while let Some(name) = next {
            // An unknown base has been reported; a ring too, and ends here.
            let Some(profile) = self.profiles.get(name) else { break };
            if chain.iter().any(|known| known.at == profile.at) {
                break;
            }
            chain.push(profile);
            next = profile.extends.as_ref().map(|(base, _)| base.as_str());
        }
        if chain.is_empty() {
            return None;
        }
        let mut seen: BTreeSet<&SmolStr> = BTreeSet::new();
        let names = chain.iter().rev().flat_map(|profile| &profile.packages).map(|(package, _)| package);
        Some(names.filter(|package| seen.insert(package)).cloned().collect())
    }

    /// What the file says of things that are not declared.
    pub fn check(&self, env: &Env) -> Vec<Diagnostic> {
        let mut found = Vec::new();
        let mut ask = |kind: &str, name: &str, at: FileSpan, known: &[&str]| {
            if !known.contains(&name) {
                let title = format!("nothing declares {kind} `{name}`");
                let mut diagnostic = Diagnostic::new(Code::BAD_PROJECT, at, title);
                if let Some(near) = suggest::nearest(name, known.iter().copied()) {
                    diagnostic = diagnostic.help(format!("did you mean `{near}`?"));
                }
                found.push(diagnostic);
            }
        };
        let declared = &env.declarations;
        let lists: Vec<&str> = declared.lists.values().map(|list| list.named.name.as_str()).collect();
        let tables: Vec<&str> = declared.tables.values().map(|table| table.named.name.as_str()).collect();
        let models: Vec<&str> = declared.models.values().map(|model| model.named.name.as_str()).collect();
        for (kind, contents, known) in [
            ("a list", &self.lists, &lists),
            ("a table", &self.tables, &tables),
            ("a model", &self.models, &models),
        ] {
            for (name, contents) in contents {
                ask(kind, name, contents.at, known);
            }
        }
        let packages: Vec<&str> = env.packages.keys().map(SmolStr::as_str).collect();
        for (name, at) in
            self.profiles.values().flat_map(|profile| &profile.packages).chain(&self.exempt_places)
        {
            ask("a package", name, *at, &packages);
        }
        let policies: Vec<&str> = env.policies.keys().map(SmolStr::as_str).collect();
        for (name, budget) in &self.budgets {
            ask("a policy", name, budget.at, &policies);
        }
        let schema = &env.schema;
        let fields: Vec<&str> =
            schema.fields.values().take(schema.envelope).map(|field| field.name.as_str()).collect();
        for (name, identity) in &self.identity {
            ask("an envelope field", name, identity.at, &fields);
        }
        let events: Vec<&str> = schema.events.values().map(|event| event.name.as_str()).collect();
        for (name, at) in self.feeds.iter().flatten() {
            ask("an event", name, *at, &events);
        }
        found.sort_by_key(|diagnostic| (diagnostic.primary.file, diagnostic.primary.span.start));
        found
    }

    /// The events that a node of this project is given: plain HTTP, and what the application sends. Those that maps
    /// make of HTTP are added by linking.
    pub fn supplied(&self, schema: &Schema) -> BTreeSet<EventId> {
        let fed = self.feeds.iter().flatten().map(|(name, _)| name.as_str());
        ["http.request", "http.response"]
            .into_iter()
            .chain(fed)
            .filter_map(|name| schema.event(name))
            .collect()
    }
}
