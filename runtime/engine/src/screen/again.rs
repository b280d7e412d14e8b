//! Screens of the rule set before, for the one that follows it until it has its own.
//!
//! A plan is made of all conditions together, which takes its time. After an edit the plan of before still says what it said of
//! every condition that the edit has left alone; those that have changed are left open, and the evaluator decides them. So
//! a change is live at once, and every decision is what it would be with a plan of its own.

use std::sync::OnceLock;

use weir_compiler::ids::{IdVec, PolicyId, RuleId};

use super::{Screen, Screens};
use crate::ruleset::{PhasePlan, RuleSet};

/// So many conditions may be left open, or a sixteenth of them.
const OPEN: usize = 64;

impl Screens {
    /// The screens of `set`, which follows `before`, whose screens these are, over the same data: nothing where it does not follow
    /// by an edit of a few rules. Cost: linear in the policies.
    pub(crate) fn again(&self, before: &RuleSet, set: &RuleSet) -> Option<Self> {
        let changed = set.changed_since(before)?;
        let mut of_rules: IdVec<RuleId, bool> = set.hir.rules.ids().map(|_| false).collect();
        let mut of_policies: IdVec<PolicyId, bool> = set.hir.policies.ids().map(|_| false).collect();
        for id in changed {
            if let Some(is_changed) = of_rules.get_mut(id) {
                *is_changed = true;
            }
            // What a policy asks stands with its rules.
            let policy = set.hir.rules.get(id).map(|rule| rule.policy);
            if let Some(is_changed) = policy.and_then(|policy| of_policies.get_mut(policy)) {
                *is_changed = true;
            }
        }
        let again = |made: &OnceLock<Option<Screen>>, phase: &PhasePlan| {
            let Some(screen) = made.get() else { return Some(OnceLock::new()) };
            let Some(screen) = screen else { return Some(OnceLock::from(None)) };
            let mut open = screen.open.to_vec();
            for ((policy, rules), (filter, first)) in phase.policies.iter().zip(screen.policies.iter()) {
                if of_policies.get(*policy) == Some(&true) {
                    open.extend(filter);
                    let conditions = rules.iter().zip(*first..);
                    open.extend(
                        conditions.filter(|(rule, _)| of_rules.get(**rule) == Some(&true)).map(|(_, id)| id),
                    );
                }
            }
            open.sort_unstable();
            open.dedup();
            let screen = Screen { open: open.into(), ..screen.clone() };
            (screen.open.len() <= OPEN.max(screen.plan.conditions() / 16))
                .then(|| OnceLock::from(Some(screen)))
        };
        let events = set.events.iter().map(|(id, plan)| {
            let [request, response] = self.events.get(id)?;
            Some([again(request, &plan.request)?, again(response, &plan.response)?])
        });
        Some(Self { events: events.collect::<Option<Vec<_>>>()?.into_iter().collect() })
    }

    /// Whether every screen is of the very rules that it screens.
    pub(crate) fn is_own(&self) -> bool {
        let mut made = self.events.values().flatten().filter_map(|made| made.get()?.as_ref());
        made.all(|screen| screen.open.is_empty())
    }
}
