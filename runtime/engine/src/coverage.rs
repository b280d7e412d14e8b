//! What tests have shown of the rules they saw.

use std::collections::BTreeMap;

use smol_str::SmolStr;
use weir_compiler::data::Data;
use weir_compiler::walk::Walker;
use weir_dsl::FileSpan;

use crate::decision::EventDecision;
use crate::recording::Recorded;
use crate::ruleset::RuleSet;
use crate::view::conjuncts;

/// What the tests of a package have shown, by full name of the rule.
#[derive(Clone, Debug, Default)]
pub struct Coverage {
    /// The rules that the tests could see.
    pub rules: BTreeMap<SmolStr, RuleCoverage>,
}

/// What tests have shown of a rule.
#[derive(Clone, Debug)]
pub struct RuleCoverage {
    /// Where it is declared.
    pub at: FileSpan,
    /// It has fired.
    pub fired: bool,
    /// The conditions joined by `and`, or the only one.
    pub conjuncts: Vec<ConjunctCoverage>,
}

/// What tests have shown of a condition.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ConjunctCoverage {
    /// Where it is written.
    pub at: FileSpan,
    /// It has been true.
    pub was_true: bool,
    /// It has been false.
    pub was_false: bool,
}

impl Coverage {
    /// Adds what other tests have shown.
    pub fn join(&mut self, other: &Self) {
        for (name, found) in &other.rules {
            match self.rules.get_mut(name) {
                None => drop(self.rules.insert(name.clone(), found.clone())),
                Some(known) => {
                    known.fired |= found.fired;
                    for (known, found) in known.conjuncts.iter_mut().zip(&found.conjuncts) {
                        known.was_true |= found.was_true;
                        known.was_false |= found.was_false;
                    }
                }
            }
        }
    }

    pub(crate) fn of(set: &RuleSet) -> Self {
        let rules = set.hir.rules.values().map(|rule| {
            let conjuncts = conjuncts(set, rule.when).into_iter().map(|expr| ConjunctCoverage {
                at: set.hir.exprs.get(expr).map_or(rule.at, |expr| expr.at),
                was_true: false,
                was_false: false,
            });
            let found = RuleCoverage { at: rule.at, fired: false, conjuncts: conjuncts.collect() };
            (rule.full_name.clone(), found)
        });
        Self { rules: rules.collect() }
    }

    /// Adds what a look at an event has shown of the rules that looked at it.
    pub(crate) fn look(&mut self, set: &RuleSet, data: &Data, decision: &EventDecision) {
        let Some(look) = decision.sheet.as_ref().and_then(|sheet| sheet.look.as_ref()) else { return };
        let (world, walker) = (Recorded { set, look }, Walker::new(&set.hir, data));
        for (id, rule) in set.hir.rules.iter() {
            let Some(policy) = set.hir.policies.get(rule.policy) else { continue };
            if rule.phase != decision.phase || !policy.events.contains(&decision.event) {
                continue;
            }
            if policy.filter.is_some_and(|filter| walker.truth(filter, &world) != Some(true)) {
                continue;
            }
            let Some(known) = self.rules.get_mut(&rule.full_name) else { continue };
            known.fired |= decision.fired(id);
            for (expr, conjunct) in conjuncts(set, rule.when).into_iter().zip(&mut known.conjuncts) {
                match walker.truth(expr, &world) {
                    Some(true) => conjunct.was_true = true,
                    Some(false) => conjunct.was_false = true,
                    None => {}
                }
            }
        }
    }
}
