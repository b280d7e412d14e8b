//! From checked policies to an engine that runs them on a log.

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Arc;

use smol_str::SmolStr;
use weir_compiler::analysis::{Found, Selection};
use weir_compiler::budget;
use weir_compiler::data::Data;
use weir_compiler::evaluate::Tier;
use weir_compiler::link::{Linked, Options as LinkOptions};
use weir_compiler::project::Manifest;
use weir_compiler::schema::Schema;
use weir_dsl::source::Source;
use weir_dsl::{Diagnostic, Severity};
use weir_engine::evidence::Rules;
use weir_engine::{Engine, Limits, Options, Secret};

use crate::contents;
use crate::load::Session;
use crate::models::Models;
use crate::replay::DisabledKey;
use crate::replay::intake::{Disabled, Mapper};

/// What an access log supplies.
const SUPPLIED: [&str; 2] = ["http.request", "http.response"];

/// A file's name and its text.
pub(crate) type NamedText = (SmolStr, Arc<str>);

/// How a log is run.
#[derive(Clone, Debug, Default)]
pub struct Setup {
    /// Every rule acts as if its mode were `enforce`.
    pub as_if_enforce: bool,
    /// The input is an access log: it supplies requests and what maps make of them. Typed events may be anything.
    pub plain_http: bool,
    /// Keys that are missing everywhere.
    pub disabled: Vec<DisabledKey>,
    /// Decisions keep what [`Engine::explain`] needs.
    pub record: bool,
    /// Personal values are shown in clear.
    pub reveal: bool,
    /// What evaluates conditions.
    pub tier: Tier,
    /// What is decided happens: a stopped request has no response.
    pub live: bool,
    /// The secret of every key hash; the public constant unless told otherwise.
    pub secret: Option<Secret>,
}

/// What an engine is made of.
#[derive(Debug)]
pub struct Prepared {
    /// The rule set, with what was left out of it and why.
    pub linked: Linked,
    /// What is loaded for it.
    pub data: Data,
    /// The models that it calls.
    pub models: Arc<Models>,
    /// How it is run.
    pub options: Options,
    /// What is worth saying.
    pub warnings: Vec<Diagnostic>,
}

impl Prepared {
    /// The engine.
    pub fn engine(self) -> Engine {
        Engine::new(self.linked.hir, self.data, self.options)
    }
}

impl Setup {
    /// What makes an engine of a selection of checked policies. Lists and tables come from the project at `root`, else from
    /// the standard library.
    ///
    /// # Errors
    /// With every diagnostic, when one is an error: rules that do not fit together, a state budget exceeded, a list
    /// that cannot be read.
    pub fn prepare(
        &self,
        found: &Found,
        selection: &Selection,
        root: Option<&Path>,
    ) -> Result<Prepared, Vec<Diagnostic>> {
        let supplied = SUPPLIED.iter().filter_map(|name| found.env.schema.event(name));
        let options = LinkOptions {
            as_if_enforce: self.as_if_enforce,
            mapped: self.plain_http.then(|| supplied.collect::<BTreeSet<_>>()),
            ..LinkOptions::default()
        };
        let linked = found.link(selection, &options);
        let mut faults = linked.diagnostics.clone();
        faults.extend(budget::check(&linked, &found.manifest));
        self.complete(linked, faults, &found.manifest, root)
    }

    /// The same of what is linked, with what was found against it.
    ///
    /// # Errors
    /// As [`Setup::prepare`].
    pub(crate) fn complete(
        &self,
        linked: Linked,
        mut faults: Vec<Diagnostic>,
        manifest: &Manifest,
        root: Option<&Path>,
    ) -> Result<Prepared, Vec<Diagnostic>> {
        let (data, missing) = contents::load(manifest, &linked.hir, root);
        faults.extend(missing);
        let (models, misfits) = Models::load(manifest, &linked.hir, root);
        faults.extend(misfits);
        if faults.iter().any(|fault| fault.severity == Severity::Error) {
            return Err(faults);
        }
        let limits = &manifest.limits;
        let keys = usize::try_from(limits.keys).unwrap_or(usize::MAX);
        let options = Options {
            tenant: manifest.tenant.clone(),
            secret: self.secret.unwrap_or(Secret::PUBLIC),
            // A log is what happened, whatever these rules would have done.
            observe: !self.as_if_enforce && !self.live,
            lateness: limits.lateness,
            record: self.record,
            reveal: self.reveal,
            tier: self.tier,
            without_prefixes: self.disabled.contains(&DisabledKey::Net),
            limits: Limits { state_bytes: limits.state, keys, ..Limits::default() },
            ..Options::default()
        };
        Ok(Prepared { linked, data, models: Arc::new(models), options, warnings: faults })
    }

    /// What that engine is compiled from, for records of its decisions.
    pub(crate) fn rules(&self, session: &Session, selection: &Selection) -> Rules {
        let named = |source: &Source| (source.name.clone(), Arc::clone(&source.text));
        let (files, manifest) = session.analysis.files();
        self.rules_of(files.into_iter().map(named).collect(), manifest.map(named), selection)
    }

    /// The same of files by name and text.
    pub(crate) fn rules_of(
        &self,
        files: Vec<NamedText>,
        manifest: Option<NamedText>,
        selection: &Selection,
    ) -> Rules {
        Rules {
            files,
            manifest,
            base: Some(weir_stdlib::MANIFEST.into()),
            selection: selection.clone(),
            as_if_enforce: self.as_if_enforce,
            mapped: self.plain_http.then(|| SUPPLIED.into_iter().map(SmolStr::new_static).collect()),
            strict: false,
        }
    }

    /// The engine of a profile of the standard library, as embedded.
    ///
    /// # Errors
    /// With the diagnostics: of a profile that does not exist, or as [`Setup::prepare`].
    pub fn library(&self, profile: &str) -> Result<Engine, Vec<Diagnostic>> {
        let mut session = Session::library();
        let found = session.analysis.found();
        let selection = found.profile(profile).map_err(|diagnostic| vec![*diagnostic])?;
        self.prepare(&found, &selection, None).map(Prepared::engine)
    }

    /// What makes requests of lines for `engine`.
    pub fn mapper(&self, engine: &Engine) -> Mapper {
        self.mapper_of(&engine.hir().schema)
    }

    /// What makes requests of lines for engines over a schema.
    pub(crate) fn mapper_of(&self, schema: &Schema) -> Mapper {
        Mapper::new(schema, Disabled::new(&self.disabled, schema))
    }

    /// The same for requests that are decided and not kept: without what nothing reads.
    pub fn lean_mapper(&self, engine: &Engine) -> Mapper {
        Mapper::lean(engine, Disabled::new(&self.disabled, &engine.hir().schema))
    }
}
