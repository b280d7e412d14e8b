//! Which policies a replay runs, and the engine made of them.

use std::collections::BTreeSet;
use std::path::PathBuf;

use crate::load::{self, Session};
use crate::replay::setup::{Prepared, Setup};
use crate::ui::Failure;
use smol_str::SmolStr;
use weir_compiler::analysis::{Found, Selection};
use weir_dsl::{Diagnostic, Sources, render};
use weir_engine::evidence::Rules;

/// What runs.
pub(crate) struct Choice {
    /// What the engine of the policies chosen is made of.
    pub(crate) prepared: Prepared,
    /// What it is compiled from.
    pub(crate) rules: Rules,
    /// What the user should know, in a line each.
    pub(crate) notes: Vec<String>,
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
) -> Result<Result<Choice, Refused>, Failure> {
    let mut session = if policies.is_empty() { Session::library() } else { Session::open(policies)? };
    let (diagnostics, _) = session.findings();
    let errors = load::errors(&diagnostics);
    if !errors.is_empty() {
        return Ok(Err(Refused { errors, sources: session.analysis.sources().clone() }));
    }
    let found = session.analysis.found();
    let selection = select(policies, profile, &session, &found)?;
    let mut notes = Vec::new();
    if selection.policies.is_empty() {
        notes
            .push("no policy was named, so nothing is decided: `tune` and tests alone do nothing".to_owned());
    }
    match setup.prepare(&found, &selection, session.root.as_deref()) {
        Ok(prepared) => {
            let rules = setup.rules(&session, &selection);
            Ok(Ok(Choice { prepared, rules, notes }))
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
