//! Overrides applied to a policy's fragment.

use std::collections::{BTreeMap, BTreeSet};

use smol_str::{SmolStr, format_smolstr};
use weir_dsl::{Code, Diagnostic, FileSpan};

use crate::arith;
use crate::env::Env;
use crate::hir::{CompareOp, Hir, Mode};
use crate::show::show;
use crate::suggest;
use crate::tune::{ChangeKind, Tune};
use crate::value::Value;

/// Applies to the policy of `fragment` what `tunes` say of it.
pub(super) fn apply(env: &Env, fragment: &mut Hir, tunes: &[Tune]) -> Vec<Diagnostic> {
    let mut diagnostics = Vec::new();
    let policies: Vec<_> = fragment.policies.ids().collect();
    for id in policies {
        let Some(policy) = fragment.policies.get(id) else { continue };
        let name = format_smolstr!("{}.{}", policy.package, policy.name);
        if !tunes.iter().any(|tune| tune.policy == name) {
            continue;
        }
        let rules = policy.rules.clone();
        let (modes, harms) = env.policies.get(&name).map(super::own).unwrap_or_default();
        for change in tunes.iter().filter(|tune| tune.policy == name).flat_map(|tune| &tune.changes) {
            match &change.kind {
                ChangeKind::Mode(mode) => {
                    set_modes(fragment, mode, |rule| rules.contains(&rule), &modes);
                    if let Some(policy) = fragment.policies.get_mut(id) {
                        policy.mode = mode.clone();
                    }
                }
                ChangeKind::Harm(harm) => {
                    for rule in &rules {
                        if let Some(rule) =
                            fragment.rules.get_mut(*rule).filter(|rule| !harms.contains(&rule.name))
                        {
                            rule.harm = Some(harm.clone());
                        }
                    }
                    if let Some(policy) = fragment.policies.get_mut(id) {
                        policy.harm = Some(harm.clone());
                    }
                }
                // After the policy's own mode, wherever it is written.
                ChangeKind::RuleMode(..) => (),
                ChangeKind::Param(param, value) => {
                    diagnostics.extend(set_param(fragment, &name, param, value, change.at));
                }
            }
        }
        for change in tunes.iter().filter(|tune| tune.policy == name).flat_map(|tune| &tune.changes) {
            let ChangeKind::RuleMode(rule, mode) = &change.kind else { continue };
            let found = fragment.rules.values_mut().find(|known| known.policy == id && known.name == *rule);
            match found {
                Some(rule) => rule.mode = mode.clone(),
                None => {
                    let names: Vec<SmolStr> = fragment.rules.values().map(|rule| rule.name.clone()).collect();
                    diagnostics.push(unknown("rule", rule, &name, &names, change.at));
                }
            }
        }
    }
    diagnostics
}

fn set_modes(
    fragment: &mut Hir,
    mode: &Mode,
    wanted: impl Fn(crate::ids::RuleId) -> bool,
    keep: &BTreeSet<SmolStr>,
) {
    let ids: Vec<_> = fragment.rules.ids().filter(|id| wanted(*id)).collect();
    for id in ids {
        if let Some(rule) = fragment.rules.get_mut(id).filter(|rule| !keep.contains(&rule.name)) {
            rule.mode = mode.clone();
        }
    }
}

fn set_param(
    fragment: &mut Hir,
    policy: &str,
    name: &str,
    value: &Value,
    at: FileSpan,
) -> Option<Diagnostic> {
    let Some(param) = fragment.params.values_mut().find(|param| param.name == name) else {
        let names: Vec<SmolStr> = fragment.params.values().map(|param| param.name.clone()).collect();
        return Some(unknown("parameter", name, policy, &names, at));
    };
    if let Some((low, high)) = &param.range {
        let below = arith::compare(CompareOp::Lt, value, low);
        let above = arith::compare(CompareOp::Gt, value, high);
        if below != Some(false) || above != Some(false) {
            let ty = &param.ty;
            let title = format!(
                "`{name}` must lie between {} and {}, not {}",
                show(low, ty),
                show(high, ty),
                show(value, ty)
            );
            let diagnostic =
                Diagnostic::new(Code::OUT_OF_RANGE, at, title).also(param.at, "the range is stated here");
            return Some(diagnostic);
        }
    }
    param.value = value.clone();
    None
}

fn unknown(kind: &str, name: &str, policy: &str, known: &[SmolStr], at: FileSpan) -> Diagnostic {
    let diagnostic =
        Diagnostic::new(Code::UNKNOWN_NAME, at, format!("policy `{policy}` has no {kind} `{name}`"));
    match suggest::nearest(name, known.iter().map(SmolStr::as_str)) {
        Some(near) => diagnostic.help(format!("did you mean `{near}`?")),
        None => diagnostic,
    }
}

/// What is overridden twice; the later one counts.
pub(super) fn duplicates(tunes: &[Tune], selected: &BTreeSet<SmolStr>) -> Vec<Diagnostic> {
    let mut first: BTreeMap<(&SmolStr, String), FileSpan> = BTreeMap::new();
    let mut diagnostics = Vec::new();
    for tune in tunes.iter().filter(|tune| selected.contains(&tune.policy)) {
        for change in &tune.changes {
            let what = match &change.kind {
                ChangeKind::Mode(_) => "the mode".to_owned(),
                ChangeKind::Harm(_) => "the budget".to_owned(),
                ChangeKind::RuleMode(rule, _) => format!("the mode of rule `{rule}`"),
                ChangeKind::Param(param, _) => format!("parameter `{param}`"),
            };
            if let Some(known) = first.insert((&tune.policy, what.clone()), change.at) {
                let title = format!("{what} of `{}` is tuned twice", tune.policy);
                diagnostics
                    .push(Diagnostic::new(Code::DUPLICATE_NAME, change.at, title).also(known, "first here"));
            }
        }
    }
    diagnostics
}
