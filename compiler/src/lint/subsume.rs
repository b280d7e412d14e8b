//! Rules that another rule of the policy makes superfluous: the same actions, and a condition that implies the
//! other's. Scores add up, so rules that score are left alone.

use weir_dsl::{Code, Diagnostic};

use super::Found;
use super::atom::Atom;
use super::bare;
use super::interval::{conjuncts, implies};
use crate::canonical;
use crate::check::each_child;
use crate::hir::{Action, ExprKind, Hir, Rule, Spared};
use crate::ids::*;

/// The most rules of a policy that are compared with each other.
const RULES_LIMIT: usize = 256;

/// A condition as what all of its parts say.
struct Conjunction {
    atoms: Vec<Atom>,
    /// Texts of the parts that are no atoms.
    others: Vec<String>,
    /// Every part is in one of the two.
    complete: bool,
}

/// Lints the rules of each policy.
pub(super) fn rules(hir: &Hir, found: &mut Found) {
    for policy in hir.policies.values() {
        if policy.rules.len() > RULES_LIMIT {
            continue;
        }
        let rules: Vec<(&Rule, String, Conjunction)> = policy
            .rules
            .iter()
            .filter_map(|rule| hir.rules.get(*rule))
            .filter(|rule| rule.then.iter().all(|action| !matches!(action, Action::Score(_))))
            .filter(|rule| rule.if_unknown.is_empty())
            .map(|rule| (rule, effects(hir, rule), conjunction(hir, rule.when)))
            .collect();
        for (position, (rule, effects, narrow)) in rules.iter().enumerate() {
            let implied = rules.iter().enumerate().find(|(other, (_, same, wide))| {
                let twins = *other > position && includes(wide, narrow);
                *other != position && same == effects && includes(narrow, wide) && !twins
            });
            if let Some((_, (wide, ..))) = implied {
                let title = format!("rule `{}` does nothing that `{}` does not do", rule.name, wide.name);
                let diagnostic = Diagnostic::new(Code::SUBSUMED, rule.at, title)
                    .also(wide.at, "whenever the first fires, this one does the same")
                    .help("leave one out, or tell their conditions apart");
                found.report(diagnostic);
            }
        }
    }
}

/// Whether the first condition implies the second.
fn includes(narrow: &Conjunction, wide: &Conjunction) -> bool {
    wide.complete
        && wide.atoms.iter().all(|wanted| narrow.atoms.iter().any(|atom| implies(atom, wanted)))
        && wide.others.iter().all(|wanted| narrow.others.contains(wanted))
}

fn conjunction(hir: &Hir, when: ExprId) -> Conjunction {
    let mut parts = Vec::new();
    split(hir, when, &mut parts);
    let mut all = Conjunction { atoms: Vec::new(), others: Vec::new(), complete: true };
    for part in parts {
        let mut atoms = Vec::new();
        conjuncts(hir, part, false, &mut atoms);
        match atoms.pop() {
            Some(atom) if atoms.is_empty() => all.atoms.push(atom),
            // Parameters stand in canonical texts as the values they have now.
            _ if reads_param(hir, part) => all.complete = false,
            _ => all.others.push(canonical::expr(hir, part)),
        }
    }
    all
}

fn split(hir: &Hir, expr: ExprId, into: &mut Vec<ExprId>) {
    match bare(hir, expr) {
        Some((_, node)) => match &node.kind {
            ExprKind::And(operands) => operands.iter().for_each(|operand| split(hir, *operand, into)),
            _ => into.push(expr),
        },
        None => into.push(expr),
    }
}

fn reads_param(hir: &Hir, expr: ExprId) -> bool {
    let mut rest = vec![expr];
    let mut looked = 0_usize;
    while let Some(expr) = rest.pop() {
        looked += 1;
        let Some(node) = hir.exprs.get(expr) else { continue };
        if matches!(node.kind, ExprKind::Param(_)) || looked > 4_096 {
            return true;
        }
        each_child(hir, &node.kind, |child| rest.push(child));
    }
    false
}

/// What a rule does, as text: facts by what they say, in any order.
fn effects(hir: &Hir, rule: &Rule) -> String {
    let mut actions: Vec<String> = rule
        .then
        .iter()
        .map(|action| match action {
            Action::Verdict(verdict) => {
                let mut verdict = verdict.clone();
                let spared = std::mem::take(&mut verdict.sparing);
                let mut spared: Vec<String> = spared.iter().map(|spared| sparing(hir, spared)).collect();
                spared.sort_unstable();
                format!("{verdict:?} {spared:?}")
            }
            other => format!("{other:?}"),
        })
        .collect();
    actions.sort_unstable();
    format!("{} {:?} {actions:?}", rule.mode.word(), rule.phase)
}

fn sparing(hir: &Hir, spared: &Spared) -> String {
    match spared {
        Spared::Fact { fact, age } => {
            let fact = hir.facts.get(*fact).map(|fact| canonical::fact(hir, fact));
            format!("{fact:?} {age:?}")
        }
        other => format!("{other:?}"),
    }
}
