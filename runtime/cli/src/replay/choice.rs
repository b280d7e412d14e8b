//! Which policies a replay runs, and the engine made of them.

use std::collections::{BTreeSet, HashMap};
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::path::PathBuf;
use std::sync::Arc;

use crate::cache::{Cache, Kept, Name, Naming};
use crate::load::{self, Files, PolicyFile, Session};
use crate::replay::setup::{NamedText, Prepared, Setup};
use crate::ui::Failure;
use serde::{Deserialize, Serialize};
use smol_str::{SmolStr, format_smolstr};
use weir_compiler::analysis::{Found, Selection};
use weir_compiler::hir::Hir;
use weir_compiler::link::Linked;
use weir_compiler::project::Manifest;
use weir_dsl::ast::MemberKind;
use weir_dsl::{Diagnostic, FileId, Sources, render};
use weir_engine::evidence::Rules;

/// What runs.
pub(crate) struct Choice {
    /// What the engine of the policies chosen is made of.
    pub(crate) prepared: Prepared,
    /// What it is compiled from.
    pub(crate) rules: Rules,
    /// Its rules as they are written.
    pub(crate) texts: Texts,
    /// What the user should know, in a line each.
    pub(crate) notes: Vec<String>,
}

/// Rules by name, each with a hash of its text, in order.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Texts(Vec<(SmolStr, u64)>);

impl Texts {
    /// Of the policies of a linked rule set.
    fn new(hir: &Hir, found: &Found, sources: &Sources) -> Self {
        let mut texts = Vec::with_capacity(hir.rules.len());
        for policy in hir.policies.values() {
            let full = format_smolstr!("{}.{}", policy.package, policy.name);
            let Some(source) = found.env.policies.get(&full) else { continue };
            for member in source.syntax().into_iter().flat_map(|(_, policy)| &policy.members) {
                let MemberKind::Rule(rule) = &member.kind else { continue };
                let mut hasher = DefaultHasher::new();
                sources.snippet(source.at.file, member.span).hash(&mut hasher);
                texts.push((format_smolstr!("{full}.{}", rule.name.text), hasher.finish()));
            }
        }
        texts.sort_unstable();
        Self(texts)
    }

    /// How many rules are in one alone, or written otherwise in the other.
    pub(crate) fn different(&self, other: &Self) -> usize {
        let has = |texts: &[(SmolStr, u64)], name: &SmolStr| {
            texts.binary_search_by(|(known, _)| known.cmp(name)).is_ok()
        };
        let changed = self.0.iter().filter(|text| other.0.binary_search(text).is_err()).count();
        changed + other.0.iter().filter(|(name, _)| !has(&self.0, name)).count()
    }
}

/// Errors that keep everything from running.
pub(crate) struct Refused {
    /// In order.
    pub(crate) errors: Vec<Diagnostic>,
    /// What they point into.
    pub(crate) sources: Sources,
}

/// The policies that the arguments ask for, linked.
///
/// # Errors
/// Outside: what cannot be read, and a profile that does not exist. Inside: what is wrong with the policies.
pub(crate) fn choose(
    policies: &[PathBuf],
    profile: Option<&str>,
    setup: &Setup,
    cache: Option<&Cache>,
) -> Result<Result<Choice, Refused>, Failure> {
    let files = if policies.is_empty() { Files::default() } else { Files::read(policies)? };
    let cached = cache.and_then(|cache| Some((cache, name(&files, policies, profile, setup)?)));
    if let Some((cache, name)) = cached
        && let Some((kept, hir)) = cache.get(name)
        && let Some(mut choice) = recalled(&files, kept, hir, setup)
    {
        choice.notes.extend(cache.said());
        return Ok(Ok(choice));
    }
    let mut session = if policies.is_empty() { Session::library() } else { Session::of_files(files) };
    let mut chosen = of(&mut session, policies, profile, setup)?;
    if let (Some((cache, name)), Ok(choice)) = (cached, &mut chosen)
        && choice.prepared.warnings.is_empty()
    {
        let kept = Kept {
            selection: choice.rules.selection.clone(),
            left_out: choice.prepared.linked.left_out.clone(),
            files: choice.rules.files.iter().map(|(name, _)| name.clone()).collect(),
            texts: choice.texts.clone(),
            notes: choice.notes.clone(),
        };
        cache.put(name, &kept, &choice.prepared.linked.hir);
        choice.notes.extend(cache.said());
    }
    Ok(chosen)
}

/// What the rule set of such files and arguments is called. What of the library goes into it is in the program.
fn name(files: &Files, policies: &[PathBuf], profile: Option<&str>, setup: &Setup) -> Option<Name> {
    let mut naming = Naming::begin()?;
    for path in policies {
        naming.add(path.as_os_str().as_encoded_bytes());
        naming.add(&[u8::from(path.is_dir())]);
    }
    for (kind, files) in [(1, &files.asked), (2, &files.others)] {
        for file in files {
            naming.add(&[kind]);
            naming.add(file.path.as_os_str().as_encoded_bytes());
            naming.add(&file.bytes);
        }
    }
    if let Some((name, text)) = &files.manifest {
        naming.add(name.as_bytes());
        naming.add(text.as_bytes());
    }
    naming.add(profile.unwrap_or_default().as_bytes());
    naming.add(&[u8::from(profile.is_some()), u8::from(setup.as_if_enforce), u8::from(setup.plain_http)]);
    Some(naming.end())
}

/// What was chosen when the rule set was kept, with lists and tables as they are now. Nothing where something is wrong with
/// those: whoever has the texts says it better.
fn recalled(files: &Files, kept: Kept, hir: Hir, setup: &Setup) -> Option<Choice> {
    let Kept { selection, left_out, files: names, texts, notes } = kept;
    let manifest = files.manifest.as_ref().map(|(_, text)| Manifest::parse(FileId::default(), text).0);
    let (base, _) = Manifest::parse(FileId::default(), weir_stdlib::MANIFEST);
    let manifest = manifest.unwrap_or_default().over(&base);
    let linked = Linked { hir, left_out, ..Linked::default() };
    let prepared = setup.complete(linked, Vec::new(), &manifest, files.root.as_deref()).ok()?;
    let on_disk = files.asked.iter().chain(&files.others);
    let on_disk: HashMap<String, &PolicyFile> =
        on_disk.map(|file| (file.path.display().to_string(), file)).collect();
    let shipped = weir_stdlib::policies();
    let library: HashMap<&str, &str> = shipped.iter().map(|file| (file.path.as_str(), file.text)).collect();
    let named = |name: SmolStr| {
        let text = match on_disk.get(name.as_str()) {
            Some(file) => std::str::from_utf8(&file.bytes).ok()?,
            None => library.get(name.strip_prefix(weir_stdlib::PREFIX)?)?,
        };
        Some((name, Arc::from(text)))
    };
    let texts_of_files: Option<Vec<NamedText>> = names.into_iter().map(named).collect();
    let manifest = files.manifest.as_ref().map(|(name, text)| (name.into(), text.as_str().into()));
    let rules = setup.rules_of(texts_of_files?, manifest, &selection);
    Some(Choice { prepared, rules, texts, notes })
}

/// The files that the arguments ask for, in a session.
pub(crate) fn open(policies: &[PathBuf]) -> Result<Session, Failure> {
    if policies.is_empty() { Ok(Session::library()) } else { Session::open(policies) }
}

/// The policies that the arguments ask for, linked, from a session over their files.
///
/// # Errors
/// As [`choose`].
pub(crate) fn of(
    session: &mut Session,
    policies: &[PathBuf],
    profile: Option<&str>,
    setup: &Setup,
) -> Result<Result<Choice, Refused>, Failure> {
    let (diagnostics, _) = session.findings();
    let errors = load::errors(&diagnostics);
    if !errors.is_empty() {
        return Ok(Err(Refused { errors, sources: session.analysis.sources().clone() }));
    }
    let found = session.analysis.found();
    let selection = select(policies, profile, session, &found)?;
    let mut notes = Vec::new();
    if selection.policies.is_empty() {
        notes
            .push("no policy was named, so nothing is decided: `tune` and tests alone do nothing".to_owned());
    }
    match setup.prepare(&found, &selection, session.root.as_deref()) {
        Ok(prepared) => {
            let rules = setup.rules(session, &selection);
            let texts = Texts::new(&prepared.linked.hir, &found, session.analysis.sources());
            Ok(Ok(Choice { prepared, rules, texts, notes }))
        }
        Err(mut faults) => {
            render::sort(&mut faults, session.analysis.sources());
            let errors = load::errors(&faults);
            Ok(Err(Refused { errors, sources: session.analysis.sources().clone() }))
        }
    }
}

/// A project's profile; of files that are none, their policies with the library's maps from plain HTTP.
fn select(
    policies: &[PathBuf],
    profile: Option<&str>,
    session: &Session,
    found: &Found,
) -> Result<Selection, Failure> {
    let names_a_project = policies.iter().any(|path| path.is_dir()) && session.root.is_some();
    if policies.is_empty() || names_a_project {
        let profile = profile.unwrap_or("default");
        return found
            .profile(profile)
            .map_err(|found| Failure::Other { what: found.title.clone(), help: found.help.clone() });
    }
    if let Some(profile) = profile {
        return Err(Failure::with_help(
            format!("`--profile {profile}` needs a project, and `--policy` names files"),
            "a project is a folder with a `weir.toml`: name that, or leave `--profile` out",
        ));
    }
    let asked: BTreeSet<_> = session.asked.iter().map(|(file, _)| *file).collect();
    let everything = found.everything();
    let policies = everything
        .policies
        .iter()
        .filter(|name| found.policies.get(*name).is_some_and(|checked| asked.contains(&checked.at.file)));
    let packages: Vec<SmolStr> = found
        .env
        .packages
        .values()
        .filter(|package| asked.contains(&package.at.file))
        .map(|package| package.name.clone())
        .collect();
    let mut derives = packages.clone();
    if let Ok(default) = found.profile("default") {
        derives.extend(default.derives.into_iter().filter(|package| !packages.contains(package)));
    }
    Ok(Selection { policies: policies.cloned().collect(), caps: packages.clone(), derives, tunes: packages })
}
