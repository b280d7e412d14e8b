//! From checked fragments to one rule set.
//!
//! ```text
//!  fragments of the policies, caps and maps selected
//!     │ tune      parameters, modes, budgets
//!     │ resolve   lengths of time that are parameters
//!     │ merge     equal state, cohorts, model calls, facts and patterns become one
//!     │ renumber  every reference, by crate::visit
//!     ▼ wake      what nothing supplies is marked, and rules that cannot fire for it
//!  Linked { hir, … }
//! ```
//!
//! A session keeps what it has linked last, and links [what has changed](again) since.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use smol_str::{SmolStr, format_smolstr};
use weir_dsl::ast::MemberKind;
use weir_dsl::{Code, Diagnostic, FileSpan};

use crate::env::{Env, PolicySource, Scope};
use crate::hir::{Hir, Mode};
use crate::ids::*;
use crate::shared::SharedVec;
use crate::tune::Tune;

mod again;
mod good;
mod merge;
mod tuned;
mod wake;

pub(crate) use again::{Kept, Piece};

/// How to link.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Options {
    /// Every rule acts, whatever its mode.
    pub as_if_enforce: bool,
    /// The events that something supplies; all that are declared, without one. Events that a linked map
    /// makes are added where `http.request` is supplied.
    pub mapped: Option<BTreeSet<EventId>>,
    /// What becomes of a policy that requires an event which nothing supplies.
    pub requires: Requires,
}

/// What becomes of a policy that requires an event which nothing supplies.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Requires {
    /// It is left out and named.
    #[default]
    LeaveOut,
    /// It is an error: the project has asked for the policy.
    Refuse,
}

/// A rule set, and what is to be said of it.
#[derive(Clone, Debug, Default)]
pub struct Linked {
    /// The rule set.
    pub hir: Hir,
    /// What is wrong with it.
    pub diagnostics: Vec<Diagnostic>,
    /// The state of each policy, by its id in `hir`.
    pub members: SharedVec<PolicyId, Members>,
    /// State that caps and maps need.
    pub others: Members,
    /// Signals, cohorts and sequences by full name (`package.policy.name`).
    pub names: Arc<BTreeMap<SmolStr, Reading>>,
    /// Policies left out, and why.
    pub left_out: Vec<(SmolStr, SmolStr)>,
}

/// The state that a policy needs. Shared state is listed with every policy that shares it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Members {
    /// States, each once.
    pub states: Vec<StateId>,
    /// Cohorts, each once.
    pub cohorts: Vec<CohortId>,
    /// Sequences.
    pub sequences: Vec<SequenceId>,
    /// Facts, each once.
    pub facts: Vec<FactId>,
}

/// What a full name of a policy's member means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reading {
    /// A signal.
    Signal(SignalId),
    /// A cohort.
    Cohort(CohortId),
    /// A sequence.
    Sequence(SequenceId),
}

impl Linked {
    /// A warning for every rule that nothing can wake.
    pub fn sleepers(&self) -> Vec<Diagnostic> {
        let asleep = self.hir.rules.values().filter_map(|rule| Some((rule, rule.inactive.as_ref()?)));
        asleep
            .map(|(rule, reason)| {
                Diagnostic::new(Code::INACTIVE, rule.at, format!("nothing can wake rule `{}`", rule.name))
                    .label(reason.as_str())
                    .help("map the event with `derive … from http.exchange`, or feed it")
            })
            .collect()
    }
}

/// Links `fragments` into one rule set, in their order; a policy that comes twice is taken once.
///
/// Overrides in `tunes` count in their order. Cost: linear in the fragments, with the text of each state.
pub fn link<'a>(
    env: &Env,
    fragments: impl IntoIterator<Item = &'a Hir>,
    tunes: &[Tune],
    options: &Options,
) -> Linked {
    let fragments: Vec<&Hir> = fragments.into_iter().collect();
    in_parts(env, &fragments, tunes, options).0
}

/// The same, with where each fragment stands in what comes of it, and what is merged.
fn in_parts(
    env: &Env,
    fragments: &[&Hir],
    tunes: &[Tune],
    options: &Options,
) -> (Linked, Vec<Option<again::Layout>>, merge::Known) {
    let supplied = supplied(env, fragments, options);
    let mut linker = merge::Linker::new(env);
    let mut left_out = Vec::new();
    let mut diagnostics = Vec::new();
    let mut known: BTreeSet<SmolStr> = BTreeSet::new();
    let mut layouts = Vec::with_capacity(fragments.len());
    for fragment in fragments {
        let names = full_names(fragment);
        if !names.is_empty() && names.iter().all(|name| !known.insert(name.clone())) {
            layouts.push(None);
            continue;
        }
        let missing =
            names.iter().find_map(|name| missing(env, name, supplied.as_ref()).map(|found| (name, found)));
        if let Some((name, (event, at))) = missing {
            let reason = format_smolstr!("requires `{event}`, which nothing supplies");
            if options.requires == Requires::Refuse {
                let title = format!("`{name}` {reason}");
                let help = format!(
                    "map it with `derive {event} from http.exchange …`, feed it, or take the policy out"
                );
                diagnostics
                    .push(Diagnostic::new(Code::NOT_MAPPED, at, title).label("required here").help(help));
            }
            left_out.push((name.clone(), reason));
            layouts.push(None);
            continue;
        }
        let mut fragment = Hir::clone(fragment);
        diagnostics.extend(tuned::apply(env, &mut fragment, tunes));
        let (exprs, lengths) = (fragment.exprs.len(), again::lengths(&fragment));
        layouts.push(Some(again::Layout::new(exprs, lengths, linker.add(fragment))));
    }
    diagnostics.extend(tuned::duplicates(tunes, &known));
    let (mut linked, merged) = linker.finish();
    if options.as_if_enforce {
        linked.hir.policies.values_mut().for_each(|policy| policy.mode = Mode::Enforce);
        linked.hir.rules.values_mut().for_each(|rule| rule.mode = Mode::Enforce);
    }
    let kept = good::add(&mut linked.hir);
    linked.others.facts.extend(kept);
    if let Some(supplied) = &supplied {
        wake::mark(&mut linked.hir, supplied);
    }
    linked.diagnostics.extend(diagnostics);
    linked.left_out = left_out;
    (linked, layouts, merged)
}

/// The full names of a fragment's policies, of which there is one or none.
fn full_names(fragment: &Hir) -> Vec<SmolStr> {
    let policies = fragment.policies.values();
    policies.map(|policy| format_smolstr!("{}.{}", policy.package, policy.name)).collect()
}

/// The events that something supplies; `None` for all.
fn supplied(env: &Env, fragments: &[&Hir], options: &Options) -> Option<BTreeSet<EventId>> {
    let mut supplied = options.mapped.clone()?;
    let request = env.schema.event("http.request");
    if request.is_some_and(|request| supplied.contains(&request)) {
        supplied.extend(fragments.iter().flat_map(|fragment| &fragment.derives).map(|derive| derive.event));
    }
    Some(supplied)
}

/// The first event that a policy requires and nothing supplies, and where it says so.
fn missing(env: &Env, policy: &str, supplied: Option<&BTreeSet<EventId>>) -> Option<(SmolStr, FileSpan)> {
    let supplied = supplied?;
    let source = env.policies.get(policy)?;
    let (_, syntax) = source.syntax()?;
    syntax.members.iter().find_map(|member| {
        let MemberKind::Requires(name) = &member.kind else { return None };
        let scope = Scope { package: &source.package, file: source.at.file };
        let event = env.event(scope, name).ok()?;
        let at = FileSpan { file: source.at.file, span: name.span };
        (!supplied.contains(&event)).then(|| (name.text.clone(), at))
    })
}

/// Rules of a policy that state their own mode, and those that state their own budget.
fn own(source: &PolicySource) -> (BTreeSet<SmolStr>, BTreeSet<SmolStr>) {
    let members = source.syntax().map(|(_, policy)| policy.members.as_slice()).unwrap_or_default();
    let rules = || {
        members.iter().filter_map(|member| match &member.kind {
            MemberKind::Rule(rule) => Some(rule),
            _ => None,
        })
    };
    let modes = rules().filter(|rule| rule.mode.is_some()).map(|rule| rule.name.text.clone()).collect();
    let harms = rules().filter(|rule| rule.harm.is_some()).map(|rule| rule.name.text.clone()).collect();
    (modes, harms)
}

/// An empty rule set of a project.
fn empty(env: &Env) -> Hir {
    Hir { schema: Arc::clone(&env.schema), declarations: Arc::clone(&env.declarations), ..Hir::default() }
}
