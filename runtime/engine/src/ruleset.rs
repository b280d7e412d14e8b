//! A rule set made ready to run: for each event, in each phase, what must be touched.
//!
//! [`RuleSet::new`] makes all of it, and [`RuleSet::next`] what an edit has changed; the rest is shared with the rule set before.

use std::collections::HashMap;
use std::sync::{Arc, OnceLock};

use smol_str::SmolStr;
use weir_compiler::data::Data;
use weir_compiler::evaluate::{Evaluator, Tier};
use weir_compiler::hir::{
    Action, CapKind, Expr, ExprKind, Hir, Key, Measure, Mode, Policy, Rule, State, Verb,
};
use weir_compiler::ids::*;
use weir_compiler::ir::{self, Unit};
use weir_compiler::shared::SharedVec;

use crate::cell::{Cell, Form, FormKind};
use crate::cohort::DIMENSIONS;
use crate::derive::Maps;
use crate::early;
use crate::evidence::Boundaries;
use crate::harm::Harms;
use crate::keyhash::KeyHasher;
use crate::keys::{self, KeyId, Keys, PartPlan};
use crate::limits::Options;
use crate::names::Names;
use crate::partition::parts;
use crate::reads::{Reads, children};
use crate::truth::TruthPlan;
use crate::wanted::Wanted;

mod again;
mod build;
mod phase;

pub(crate) use build::rule_keys;
use build::{Build, rule_reads};
pub(crate) use phase::{EventPlan, PhasePlan, Target, Touch};

/// A condition over an event, the same for all that are written alike.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct FilterId(pub(crate) usize);

/// A package of the rule set.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct PackageId(pub(crate) u16);

/// Everything that does not change while an engine runs.
#[derive(Debug)]
pub(crate) struct RuleSet {
    pub(crate) hir: Hir,
    /// The programs of its expressions, on the bytecode tier.
    pub(crate) unit: Option<Unit>,
    pub(crate) hasher: KeyHasher,
    /// By [`PackageId`].
    pub(crate) packages: Arc<Vec<SmolStr>>,
    /// What state calls things.
    pub(crate) names: Names,
    /// Reasons show personal values in clear.
    pub(crate) reveal: bool,
    pub(crate) keys: Keys,
    pub(crate) filters: Arc<Vec<ExprId>>,
    /// By condition of what counts, which of the filters it is.
    filter_places: Arc<HashMap<ExprId, FilterId>>,
    /// The same by how it is written.
    filter_texts: Arc<HashMap<String, FilterId>>,
    pub(crate) states: Arc<IdVec<StateId, StatePlan>>,
    pub(crate) cohorts: Arc<IdVec<CohortId, CohortPlan>>,
    pub(crate) sequence_keys: Arc<IdVec<SequenceId, KeyId>>,
    /// By sequence and step, the fields that are kept.
    pub(crate) captures: Arc<IdVec<SequenceId, Vec<Vec<FieldId>>>>,
    pub(crate) fact_keys: Arc<IdVec<FactId, KeyId>>,
    pub(crate) policies: SharedVec<PolicyId, PolicyPlan>,
    pub(crate) rules: SharedVec<RuleId, RulePlan>,
    /// Expressions that a model's answer is a part of.
    pub(crate) models: SharedVec<ExprId, bool>,
    pub(crate) events: Arc<IdVec<EventId, EventPlan>>,
    /// States that can be brought up to date ahead of an event's turn.
    pub(crate) early: Arc<IdVec<StateId, bool>>,
    /// What is evaluated when a terminal absence is due.
    pub(crate) deadlines: Arc<IdVec<SequenceId, PhasePlan>>,
    pub(crate) caps: Arc<Vec<CapPlan>>,
    /// Budgets for harm.
    pub(crate) harms: Harms,
    /// Where `label` and `chargeback` have their parts.
    pub(crate) truth: Arc<TruthPlan>,
    /// Maps from plain HTTP.
    pub(crate) maps: Arc<Maps>,
    /// The envelope's time field.
    pub(crate) at_field: Option<FieldId>,
    /// What a record of a decision has to say of expressions; found when first asked for.
    boundaries: OnceLock<Boundaries>,
    /// What conditions are called; found when first asked for.
    conditions: OnceLock<Boundaries>,
    /// The fields that are read; found when first asked for.
    wanted: OnceLock<Wanted>,
}

#[derive(Clone, Debug)]
pub(crate) struct StatePlan {
    pub(crate) form: Form,
    /// `None`: the whole site.
    pub(crate) key: Option<KeyId>,
    pub(crate) filter: Option<FilterId>,
    /// A signal on it asks for so many events of an aggregate that does not count them.
    pub(crate) counts: bool,
    /// Keys held at most.
    pub(crate) capacity: usize,
    /// Into how many partitions the keys fall.
    pub(crate) parts: usize,
    /// A record that has seen nothing.
    pub(crate) blank: Cell,
}

#[derive(Debug)]
pub(crate) struct CohortPlan {
    pub(crate) domain: u64,
    pub(crate) parts: Vec<PartPlan>,
    pub(crate) filter: Option<FilterId>,
}

#[derive(Clone, Debug)]
pub(crate) struct PolicyPlan {
    pub(crate) package: PackageId,
    /// The verdict at score 0, when it depends on nothing else.
    pub(crate) at_zero: Option<Verb>,
}

#[derive(Clone, Debug)]
pub(crate) struct RulePlan {
    pub(crate) package: PackageId,
    /// What its condition and its policy's filter ask.
    pub(crate) condition: Reads,
    /// All that it may ask.
    reads: Arc<Reads>,
    /// Models its own condition asks.
    pub(crate) calls: Vec<CallId>,
    pub(crate) canary: Option<Canary>,
    /// Packages it exempts from; unknown names are left out.
    pub(crate) exempts: Vec<PackageId>,
}

#[derive(Clone, Copy, Debug)]
pub(crate) struct Canary {
    pub(crate) share: f64,
    pub(crate) key: KeyId,
    pub(crate) domain: u64,
}

#[derive(Debug)]
pub(crate) enum CapPlan {
    Actions { key: Key, at: Verb, filter: Option<ExprId> },
    Share { event: EventId, actor: KeyId, verb: Verb, share: f64, least: i64, otherwise: Verb },
}

impl CapPlan {
    /// A cap on a share that is asked even where there is no verdict.
    pub(crate) fn bounds_nothing(&self) -> bool {
        matches!(self, Self::Share { verb, .. } if *verb <= Verb::Pass)
    }
}

impl RuleSet {
    /// Makes a rule set ready. Cost: linear in its size, but for the readings that rules share.
    pub(crate) fn new(hir: Hir, options: &Options) -> Self {
        let hasher = KeyHasher::new(options.secret, &options.tenant);
        let mut build = Build {
            keys: Keys::new(options.without_prefixes),
            filters: Vec::new(),
            known: HashMap::new(),
            places: HashMap::new(),
            reads: IdVec::default(),
            looking: hir.schema.events.values().map(|_| Vec::new()).collect(),
            targets: Vec::new(),
            hasher: &hasher,
        };
        let mut packages: Vec<SmolStr> = Vec::new();
        let mut known: HashMap<SmolStr, PackageId> = HashMap::new();
        for policy in hir.policies.values() {
            known.entry(policy.package.clone()).or_insert_with(|| {
                packages.push(policy.package.clone());
                PackageId((packages.len() - 1) as u16)
            });
        }
        let package = |name: &SmolStr| known.get(name).copied();

        let ask = Asks::new(&hir, options);
        let mut states: IdVec<StateId, StatePlan> = hir
            .states
            .iter()
            .map(|(id, state)| StatePlan::new(&hir, (id, state), &ask, &mut build))
            .collect();
        share_parts(&hir, &mut states);
        let cohorts: IdVec<CohortId, CohortPlan> = hir
            .cohorts
            .iter()
            .map(|(id, cohort)| CohortPlan {
                domain: hasher.domain(&keys::cohort_kind(&hir, id)),
                parts: cohort.by.iter().take(DIMENSIONS).map(|part| build.keys.part(&hir, part)).collect(),
                filter: build.filter(&hir, cohort.filter),
            })
            .collect();
        let sequence_keys: IdVec<SequenceId, KeyId> =
            hir.sequences.values().map(|sequence| build.key(&hir, &sequence.key)).collect();
        let fact_keys: IdVec<FactId, KeyId> =
            hir.facts.values().map(|fact| build.key(&hir, &fact.key)).collect();
        let policies: SharedVec<PolicyId, PolicyPlan> =
            hir.policies.values().map(|policy| PolicyPlan::new(&hir, policy, package)).collect();
        for (_, rule) in hir.rules.iter() {
            for key in rule_keys(rule) {
                build.key(&hir, key);
            }
        }
        let rules: SharedVec<RuleId, RulePlan> =
            hir.rules.values().map(|rule| RulePlan::new(&hir, rule, &mut build, package)).collect();
        build.reads = rules.values().map(|rule| Arc::clone(&rule.reads)).collect();
        let caps: Vec<CapPlan> = hir
            .caps
            .iter()
            .map(|cap| match &cap.kind {
                CapKind::Actions { key, at, filter } => {
                    for (key, _) in filter.map(|filter| Reads::of(&hir, filter)).unwrap_or_default().tags {
                        build.key(&hir, &key);
                    }
                    CapPlan::Actions { key: key.clone(), at: *at, filter: *filter }
                }
                CapKind::Share { verb, event, share, population, least, otherwise, .. } => CapPlan::Share {
                    event: *event,
                    actor: build.key(&hir, population),
                    verb: *verb,
                    share: *share,
                    least: *least,
                    otherwise: *otherwise,
                },
            })
            .collect();
        build.look(&hir);
        let captures = build.captures(&hir);
        let deadlines: IdVec<SequenceId, PhasePlan> =
            hir.sequences.ids().map(|id| build.deadline(&hir, id)).collect();
        let early = early::states(&hir, deadlines.values());
        let events = build.events(&hir, &early, &states);
        let counts = |id| states.get(id).is_some_and(|state: &StatePlan| state.counts);
        let names = Names::new(&hir, counts, &captures);
        let harms = Harms::new(&hir, options.as_enforced, |key| build.key(&hir, key));
        let Build { keys, filters, places, known, .. } = build;
        Self {
            maps: Arc::new(Maps::new(&hir)),
            harms,
            truth: Arc::new(TruthPlan::new(&hir, &hasher)),
            at_field: hir.schema.envelope_field("at"),
            boundaries: OnceLock::new(),
            conditions: OnceLock::new(),
            wanted: OnceLock::new(),
            keys,
            filters: Arc::new(filters),
            filter_places: Arc::new(places),
            filter_texts: Arc::new(known),
            packages: Arc::new(packages),
            names,
            states: Arc::new(states),
            cohorts: Arc::new(cohorts),
            sequence_keys: Arc::new(sequence_keys),
            captures: Arc::new(captures),
            fact_keys: Arc::new(fact_keys),
            policies,
            models: asks_models(&hir),
            rules,
            events: Arc::new(events),
            early: Arc::new(early),
            deadlines: Arc::new(deadlines),
            caps: Arc::new(caps),
            hasher,
            reveal: options.reveal,
            unit: (options.tier != Tier::Walker).then(|| ir::lower_to_run(&hir)),
            hir,
        }
    }

    /// Makes the rule set that follows this one ready, under the same options. Cost: where `hir` differs from this one's by an
    /// edit that leaves state alone, linear in what has changed, with copies of a few words a rule; otherwise that of [`RuleSet::new`].
    pub(crate) fn next(&self, hir: Hir, options: &Options) -> Self {
        match self.again(&hir, options) {
            Some(next) => next.of(hir),
            None => Self::new(hir, options),
        }
    }

    /// What evaluates its expressions.
    pub(crate) fn evaluator<'a>(&'a self, data: &'a Data) -> Evaluator<'a> {
        Evaluator::new(&self.hir, data, self.unit.as_ref())
    }

    /// What a record of a decision has to say of expressions.
    pub(crate) fn boundaries(&self) -> &Boundaries {
        self.boundaries.get_or_init(|| Boundaries::new(&self.hir))
    }

    /// What conditions are called: those that are written alike have one name.
    pub(crate) fn conditions(&self) -> &Boundaries {
        self.conditions.get_or_init(|| Boundaries::conditions(&self.hir))
    }

    /// The fields that are read.
    pub(crate) fn wanted(&self) -> &Wanted {
        self.wanted.get_or_init(|| Wanted::new(self))
    }

    /// The package of a rule.
    pub(crate) fn package_of(&self, rule: RuleId) -> PackageId {
        self.rules.get(rule).map_or(PackageId(u16::MAX), |plan| plan.package)
    }
}

/// A bound in steps of an eighth or less, so that one more state among many does not change those of all.
fn stepped(bound: usize) -> usize {
    let step = 1 << bound.checked_ilog2().unwrap_or(0).saturating_sub(3);
    bound - bound % step
}

/// What bears on all states.
struct Asks {
    /// Bytes for each.
    share: u64,
    /// Keys of each at most.
    keys: usize,
    /// A signal on it asks for so many events.
    least: IdVec<StateId, bool>,
}

impl Asks {
    fn new(hir: &Hir, options: &Options) -> Self {
        let mut least: IdVec<StateId, bool> = hir.states.values().map(|_| false).collect();
        for signal in hir.signals.values().filter(|signal| signal.least.is_some_and(|least| least > 0)) {
            if let Some(asked) = least.get_mut(signal.state) {
                *asked = true;
            }
        }
        let share = options.limits.state_bytes / (hir.states.len() as u64).max(1);
        Self { share, keys: options.limits.keys.max(16), least }
    }

    /// How many keys of a state are held at most.
    fn capacity(&self, state: &State) -> usize {
        let fit = usize::try_from(self.share / u64::from(state.bytes_per_key.max(64)));
        stepped(fit.unwrap_or(usize::MAX)).clamp(16, self.keys)
    }

    /// Whether events are counted beside what a state measures.
    fn counts(&self, (id, state): (StateId, &State), form: &Form) -> bool {
        let unable = !matches!(
            form.kind,
            FormKind::Share
                | FormKind::Average(_)
                | FormKind::Stddev
                | FormKind::Gaps
                | FormKind::Quantile(..)
        );
        unable && state.window.is_some() && self.least.get(id) == Some(&true)
    }
}

impl StatePlan {
    fn new(hir: &Hir, (id, state): (StateId, &State), ask: &Asks, build: &mut Build<'_>) -> Self {
        let form = Form::of(hir, id);
        let capacity = ask.capacity(state);
        Self {
            counts: ask.counts((id, state), &form),
            key: state.key.as_ref().map(|key| build.key(hir, key)),
            filter: build.filter(hir, state.filter),
            capacity,
            parts: parts(capacity),
            blank: Cell::new(&form),
            form,
        }
    }
}

impl PolicyPlan {
    fn new(hir: &Hir, policy: &Policy, package: impl Fn(&SmolStr) -> Option<PackageId>) -> Self {
        let mut decide = Reads::default();
        for (_, when) in &policy.decide.arms {
            decide.expr(hir, *when);
        }
        let at_zero = (!decide.world).then(|| crate::resolve::decide_at(hir, &policy.decide, 0));
        Self { package: package(&policy.package).unwrap_or(PackageId(u16::MAX)), at_zero }
    }
}

impl RulePlan {
    /// Makes the keys ready that a rule asks, too.
    fn new(
        hir: &Hir,
        rule: &Rule,
        build: &mut Build<'_>,
        package: impl Fn(&SmolStr) -> Option<PackageId>,
    ) -> Self {
        let mut condition = Reads::of(hir, rule.when);
        let calls = condition.calls.to_vec();
        let policy = hir.policies.get(rule.policy);
        if let Some(filter) = policy.and_then(|policy| policy.filter) {
            condition.expr(hir, filter);
        }
        let reads = rule_reads(hir, rule, &condition);
        for (key, _) in &reads.tags {
            build.key(hir, key);
        }
        let canary = match &rule.mode {
            Mode::Canary { share, per } => {
                let name = policy.map(|policy| policy.package.as_str()).unwrap_or_default();
                let domain = build.hasher.domain(&format!("canary {name}"));
                Some(Canary { share: *share, key: build.key(hir, per), domain })
            }
            _ => None,
        };
        let exempts = rule.then.iter().filter_map(|action| match action {
            Action::Exempt(name) => package(name),
            _ => None,
        });
        Self {
            package: policy.and_then(|policy| package(&policy.package)).unwrap_or(PackageId(u16::MAX)),
            condition,
            reads: Arc::new(reads),
            calls,
            canary,
            exempts: exempts.collect(),
        }
    }
}

/// A baseline and what it is of are cut alike, so that a key's records of both fall to one partition.
fn share_parts(hir: &Hir, states: &mut IdVec<StateId, StatePlan>) {
    // Twice, for states with several baselines.
    for (id, state) in hir.states.iter().chain(hir.states.iter()) {
        let Measure::Usual { of, .. } = state.measure else { continue };
        let fewest = [id, of].iter().filter_map(|id| Some(states.get(*id)?.parts)).min();
        for id in [id, of] {
            if let (Some(plan), Some(fewest)) = (states.get_mut(id), fewest) {
                plan.parts = fewest;
            }
        }
    }
}

/// Which expressions a model's answer is a part of. Children stand before their parents.
fn asks_models(hir: &Hir) -> SharedVec<ExprId, bool> {
    let mut found: IdVec<ExprId, bool> = IdVec::default();
    for expr in hir.exprs.values() {
        let asks = asks_model(expr, |child| found.get(child) == Some(&true));
        found.push(asks);
    }
    found.into_iter().collect()
}

fn asks_model(expr: &Expr, asks: impl Fn(ExprId) -> bool) -> bool {
    matches!(expr.kind, ExprKind::Call(_)) || children(&expr.kind).into_iter().any(asks)
}
