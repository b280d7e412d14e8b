//! The rule set that follows one by an edit of rules, or one that adds state behind the other: what has changed is made anew, the
//! rest shared.
//!
//! What has changed is found by comparing the tables of both rule sets, which [share](weir_compiler::shared) what has not.

use std::collections::HashMap;
use std::sync::{Arc, OnceLock};

use smol_str::SmolStr;
use weir_compiler::canonical;
use weir_compiler::evaluate::Tier;
use weir_compiler::hir::{CapKind, Cohort, Hir, Key, Part, Phase, Policy, Rule, Sequence, Signal, State};
use weir_compiler::ids::*;
use weir_compiler::ir::{self, Unit};
use weir_compiler::shared::SharedVec;
use weir_dsl::FileSpan;

use super::build::{Build, keyed, met_under, rule_keys};
use super::{
    Asks, EventPlan, FilterId, PackageId, PolicyPlan, RulePlan, RuleSet, StatePlan, asks_model, share_parts,
};
use crate::early;
use crate::evidence::Boundaries;
use crate::harm::Harms;
use crate::keys::Keys;
use crate::limits::Options;
use crate::names::Names;
use crate::reads::Reads;
use crate::wanted::Wanted;

/// What has been made anew, and what it follows.
pub(super) struct Next<'a> {
    before: &'a RuleSet,
    unit: Option<Unit>,
    names: Names,
    keys: Keys,
    policies: SharedVec<PolicyId, PolicyPlan>,
    rules: SharedVec<RuleId, RulePlan>,
    models: SharedVec<ExprId, bool>,
    events: Arc<IdVec<EventId, EventPlan>>,
    state: StateParts,
    harms: Harms,
    wanted: Option<Wanted>,
    boundaries: Option<Boundaries>,
    conditions: Option<Boundaries>,
}

/// What there is of state, which nearly every edit leaves as it was.
#[derive(Clone)]
struct StateParts {
    states: Arc<IdVec<StateId, StatePlan>>,
    early: Arc<IdVec<StateId, bool>>,
    filters: Arc<Vec<ExprId>>,
    filter_places: Arc<HashMap<ExprId, FilterId>>,
    filter_texts: Arc<HashMap<String, FilterId>>,
}

/// A value in its place, if there is one.
fn known<T>(value: Option<T>) -> OnceLock<T> {
    value.map_or_else(OnceLock::new, OnceLock::from)
}

impl Next<'_> {
    pub(super) fn of(self, hir: Hir) -> RuleSet {
        let before = self.before;
        RuleSet {
            hir,
            unit: self.unit,
            names: self.names,
            keys: self.keys,
            policies: self.policies,
            rules: self.rules,
            models: self.models,
            events: self.events,
            harms: self.harms,
            wanted: known(self.wanted),
            boundaries: known(self.boundaries),
            conditions: known(self.conditions),
            hasher: before.hasher.clone(),
            packages: Arc::clone(&before.packages),
            reveal: before.reveal,
            filters: self.state.filters,
            filter_places: self.state.filter_places,
            filter_texts: self.state.filter_texts,
            states: self.state.states,
            cohorts: Arc::clone(&before.cohorts),
            sequence_keys: Arc::clone(&before.sequence_keys),
            captures: Arc::clone(&before.captures),
            fact_keys: Arc::clone(&before.fact_keys),
            early: self.state.early,
            deadlines: Arc::clone(&before.deadlines),
            caps: Arc::clone(&before.caps),
            truth: Arc::clone(&before.truth),
            maps: Arc::clone(&before.maps),
            at_field: before.at_field,
        }
    }
}

impl RuleSet {
    /// What of the rule set of `hir` is not as here; nothing where that is more than rules and what they ask.
    pub(super) fn again(&self, hir: &Hir, options: &Options) -> Option<Next<'_>> {
        let before = &self.hir;
        if !keeps_alike(before, hir) || !judges_alike(before, hir) {
            return None;
        }
        let known: HashMap<&SmolStr, PackageId> =
            self.packages.iter().zip(0..).map(|(name, at)| (name, PackageId(at))).collect();
        let package = |name: &SmolStr| known.get(name).copied();
        let mut build = Build {
            keys: self.keys.clone(),
            filters: self.filters.to_vec(),
            known: HashMap::new(),
            places: HashMap::new(),
            reads: IdVec::default(),
            looking: hir.schema.events.values().map(|_| Vec::new()).collect(),
            targets: Vec::new(),
            hasher: &self.hasher,
        };
        let mut policies = self.policies.clone();
        for id in changed_policies(before, hir) {
            *policies.get_mut(id)? = PolicyPlan::new(hir, hir.policies.get(id)?, package);
        }
        let changed = changed_rules(before, hir);
        let mut rules = self.rules.clone();
        let mut touches_alike = true;
        for id in &changed {
            let (former, rule) = (before.rules.get(*id)?, hir.rules.get(*id)?);
            for key in rule_keys(rule).cloned().chain(keyed(rule).map(|(_, key)| met_under(key))) {
                build.key(hir, &key);
            }
            let plan = RulePlan::new(hir, rule, &mut build, package);
            let asks_alike = asks_alike(&self.rules.get(*id)?.reads, &plan.reads);
            if !asks_alike && rule.phase == Phase::Timer {
                // What a sequence keeps for its deadline may be another.
                return None;
            }
            touches_alike &= asks_alike && targets(former) == targets(rule);
            *rules.get_mut(*id)? = plan;
        }
        let is_grown = hir.states.len() > before.states.len() || hir.signals.len() > before.signals.len();
        let mut state = self.state_parts();
        let mut events = Arc::clone(&self.events);
        if is_grown || !touches_alike {
            build.known = HashMap::clone(&self.filter_texts);
            build.places = HashMap::clone(&self.filter_places);
        }
        if is_grown {
            state = self.grown(hir, options, &mut build)?;
        }
        if is_grown || !touches_alike {
            build.reads = rules.values().map(|rule| Arc::clone(&rule.reads)).collect();
            build.look(hir);
            events = Arc::new(build.events(hir, &state.early, &state.states));
        }
        let harms = match self.harms.again(before, hir, &changed, options.as_enforced) {
            Some(harms) => harms,
            None => Harms::new(hir, options.as_enforced, |key| build.key(hir, key)),
        };
        let mut models = self.models.clone();
        for id in hir.exprs.differing(&before.exprs) {
            let asks =
                hir.exprs.get(id).is_some_and(|expr| asks_model(expr, |id| models.get(id) == Some(&true)));
            match models.get_mut(id) {
                Some(known) => *known = asks,
                None => drop(models.push(asks)),
            }
        }
        let unit = (options.tier != Tier::Walker).then(|| {
            let again = self.unit.as_ref().and_then(|unit| ir::lower_again(hir, before, unit));
            again.unwrap_or_else(|| ir::lower_to_run(hir))
        });
        let exprs = hir.exprs.differing(&before.exprs);
        let known_wanted = self.wanted.get().filter(|_| !is_grown);
        Some(Next {
            before: self,
            unit,
            names: self.names.again(hir, &changed, |id| state.states.get(id).is_some_and(|plan| plan.counts)),
            keys: build.keys,
            policies,
            rules,
            models,
            events,
            state,
            harms,
            // What the keys of new states are made of is asked of all keys.
            wanted: known_wanted.and_then(|wanted| wanted.again(hir, exprs, &changed)),
            boundaries: self.boundaries.get().map(|names| names.again(hir, before)),
            conditions: self.conditions.get().map(|names| names.conditions_again(hir, before)),
        })
    }

    /// The rules that may be others than in `before`; nothing unless this rule set follows it by an edit.
    pub(crate) fn changed_since(&self, before: &RuleSet) -> Option<Vec<RuleId>> {
        // Nothing else shares them.
        Arc::ptr_eq(&self.packages, &before.packages).then(|| changed_rules(&before.hir, &self.hir))
    }

    fn state_parts(&self) -> StateParts {
        StateParts {
            states: Arc::clone(&self.states),
            early: Arc::clone(&self.early),
            filters: Arc::clone(&self.filters),
            filter_places: Arc::clone(&self.filter_places),
            filter_texts: Arc::clone(&self.filter_texts),
        }
    }

    /// The same with states that have come behind the others; nothing where they change anything about those. `build` knows the
    /// filters there are.
    fn grown(&self, hir: &Hir, options: &Options, build: &mut Build<'_>) -> Option<StateParts> {
        let ask = Asks::new(hir, options);
        let mut states = IdVec::clone(&self.states);
        for (id, state) in hir.states.iter() {
            match self.states.get(id) {
                Some(plan) if plan.capacity != ask.capacity(state) => return None,
                Some(plan) if plan.counts != ask.counts((id, state), &plan.form) => return None,
                Some(_) => {}
                None => drop(states.push(StatePlan::new(hir, (id, state), &ask, build))),
            }
        }
        share_parts(hir, &mut states);
        let are_cut_alike =
            self.states.iter().all(|(id, plan)| states.get(id).is_some_and(|next| next.parts == plan.parts));
        are_cut_alike.then(|| StateParts {
            states: Arc::new(states),
            early: Arc::new(early::states(hir, self.deadlines.values())),
            filters: Arc::new(build.filters.clone()),
            filter_places: Arc::new(build.places.clone()),
            filter_texts: Arc::new(build.known.clone()),
        })
    }
}

/// Whether all state that `before` keeps is kept in the same places, and nothing but rules may differ.
fn keeps_alike(before: &Hir, hir: &Hir) -> bool {
    let at = FileSpan::default;
    let signal =
        |one: &Signal, two: &Signal| Signal { at: at(), ..one.clone() } == Signal { at: at(), ..two.clone() };
    let cohort =
        |one: &Cohort, two: &Cohort| Cohort { at: at(), ..one.clone() } == Cohort { at: at(), ..two.clone() };
    let sequence = |one: &Sequence, two: &Sequence| {
        Sequence { at: at(), ..one.clone() } == Sequence { at: at(), ..two.clone() }
    };
    // That an edit may move expressions of state to where others have been is ruled out by linking.
    let shares_exprs = before.exprs.len() <= hir.exprs.len()
        && hir.exprs.differing(&before.exprs).count() * 4 <= hir.exprs.len().max(1_024);
    shares_exprs
        && Arc::ptr_eq(&before.schema, &hir.schema)
        && Arc::ptr_eq(&before.declarations, &hir.declarations)
        && begins_alike(&hir.states, &before.states, State::eq)
        && hir.calls.is_like(&before.calls, |_, _| false)
        && hir.facts.is_like(&before.facts, |_, _| false)
        && begins_alike(&hir.signals, &before.signals, signal)
        && hir.cohorts.is_like(&before.cohorts, cohort)
        && hir.sequences.is_like(&before.sequences, sequence)
        && (&before.good, &before.caps, &before.derives) == (&hir.good, &hir.caps, &hir.derives)
        && asked(hir).all(|id| {
            // Where expressions stand says nothing of what they are.
            hir.exprs.shares(&before.exprs, id) || canonical::expr(hir, id) == canonical::expr(before, id)
        })
}

/// What is asked by all that is kept, but states, which say what they are, and by what stands beside rules.
fn asked(hir: &Hir) -> impl Iterator<Item = ExprId> + '_ {
    let cohorts = hir.cohorts.values().filter_map(|cohort| cohort.filter);
    let sequences = hir.sequences.values().flat_map(|sequence| {
        let steps = sequence.steps.iter().map(|step| step.filter);
        let without = sequence.without.iter().map(|without| without.filter);
        steps.chain(without).chain(sequence.then_no.iter().map(|no| no.filter)).flatten()
    });
    let facts = hir.facts.values().filter_map(|fact| fact.filter);
    let calls = hir.calls.values().flat_map(|call| call.inputs.iter().copied());
    let caps = hir.caps.iter().flat_map(|cap| {
        let filter = match &cap.kind {
            CapKind::Actions { filter, .. } => *filter,
            CapKind::Share { .. } => None,
        };
        let values = cap.because.iter().filter_map(|part| match part {
            Part::Value(value) => Some(*value),
            Part::Text(_) => None,
        });
        filter.into_iter().chain(values)
    });
    let derives = hir
        .derives
        .iter()
        .flat_map(|derive| derive.filter.into_iter().chain(derive.fields.iter().map(|(_, value, _)| *value)));
    cohorts.chain(sequences).chain(facts).chain(calls).chain(caps).chain(derives)
}

/// Whether a vector begins with the items of another.
fn begins_alike<I: Id, T>(
    all: &SharedVec<I, T>,
    before: &SharedVec<I, T>,
    same: impl Fn(&T, &T) -> bool,
) -> bool {
    let is_same = |id: I| match (all.get(id), before.get(id)) {
        (Some(item), Some(former)) => same(item, former),
        (item, _) => item.is_some(),
    };
    all.len() >= before.len() && all.differing(before).all(is_same)
}

/// Whether the same policies and rules look at the same events, in the same order.
fn judges_alike(before: &Hir, hir: &Hir) -> bool {
    let policy = |one: &Policy, two: &Policy| {
        (&one.package, &one.events, &one.rules) == (&two.package, &two.events, &two.rules)
            && one.filter.is_some() == two.filter.is_some()
    };
    let rule =
        |one: &Rule, two: &Rule| (one.policy, one.phase, one.exempts) == (two.policy, two.phase, two.exempts);
    hir.policies.is_like(&before.policies, policy) && hir.rules.is_like(&before.rules, rule)
}

/// The policies that may have changed.
fn changed_policies(before: &Hir, hir: &Hir) -> Vec<PolicyId> {
    let shares = |expr: ExprId| hir.exprs.shares(&before.exprs, expr);
    let is_same = |id: &PolicyId| match (before.policies.get(*id), hir.policies.get(*id)) {
        (Some(former), Some(policy)) => {
            former == policy
                && policy.filter.is_none_or(shares)
                && policy.decide.arms.iter().all(|(_, when)| shares(*when))
        }
        _ => false,
    };
    hir.policies.differing(&before.policies).filter(|id| !is_same(id)).collect()
}

/// The rules that may have changed. What is linked is rewritten by policy, so the place of a rule's condition tells of all that it says.
fn changed_rules(before: &Hir, hir: &Hir) -> Vec<RuleId> {
    let is_same = |id: &RuleId| match (before.rules.get(*id), hir.rules.get(*id)) {
        (Some(former), Some(rule)) => former == rule && hir.exprs.shares(&before.exprs, rule.when),
        _ => false,
    };
    hir.rules.differing(&before.rules).filter(|id| !is_same(id)).collect()
}

/// Whether two rules ask the same, in whatever order.
fn asks_alike(one: &Reads, two: &Reads) -> bool {
    fn alike<T: PartialEq>(one: &[T], two: &[T]) -> bool {
        one.len() == two.len() && one.iter().all(|item| two.contains(item))
    }
    alike(&one.fields, &two.fields)
        && alike(&one.signals, &two.signals)
        && alike(&one.cohorts, &two.cohorts)
        && alike(&one.sequences, &two.sequences)
        && alike(&one.calls, &two.calls)
        && alike(&one.tags, &two.tags)
        && one.world == two.world
}

/// Where entries of a rule may stand.
fn targets(rule: &Rule) -> Vec<(Option<EventId>, Key)> {
    let met = |key: &Key| Key { text: SmolStr::default(), ..met_under(key) };
    keyed(rule).map(|(verdict, key)| (verdict.on, met(key))).collect()
}
