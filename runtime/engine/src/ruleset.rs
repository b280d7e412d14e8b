//! A rule set made ready to run: for each event, in each phase, what must be touched.

use std::collections::{HashMap, HashSet};
use std::sync::OnceLock;

use smol_str::SmolStr;
use weir_compiler::data::Data;
use weir_compiler::evaluate::{Evaluator, Tier};
use weir_compiler::hir::{
    Action, CapKind, ExprKind, Hir, Key, KeyPart, Measure, Mode, Phase, Rule, Verb, Verdict,
};
use weir_compiler::ids::*;
use weir_compiler::ir::{self, Unit};

use crate::cell::{Cell, Form, FormKind};
use crate::cohort::DIMENSIONS;
use crate::derive::Maps;
use crate::early::{self, EarlyPlan};
use crate::evidence::{Boundaries, Judged};
use crate::harm::Harms;
use crate::keyhash::KeyHasher;
use crate::keys::{self, KeyId, Keys, PartPlan};
use crate::limits::Options;
use crate::names::Names;
use crate::partition::parts;
use crate::reads::{Reads, children, structure};
use crate::truth::TruthPlan;
use crate::wanted::Wanted;

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
    pub(crate) packages: Vec<SmolStr>,
    /// What state calls things.
    pub(crate) names: Names,
    /// Reasons show personal values in clear.
    pub(crate) reveal: bool,
    pub(crate) keys: Keys,
    pub(crate) filters: Vec<ExprId>,
    pub(crate) states: IdVec<StateId, StatePlan>,
    pub(crate) cohorts: IdVec<CohortId, CohortPlan>,
    pub(crate) sequence_keys: IdVec<SequenceId, KeyId>,
    /// By sequence and step, the fields that are kept.
    pub(crate) captures: IdVec<SequenceId, Vec<Vec<FieldId>>>,
    pub(crate) fact_keys: IdVec<FactId, KeyId>,
    pub(crate) policies: IdVec<PolicyId, PolicyPlan>,
    pub(crate) rules: IdVec<RuleId, RulePlan>,
    /// Expressions that a model's answer is a part of.
    pub(crate) models: IdVec<ExprId, bool>,
    pub(crate) events: IdVec<EventId, EventPlan>,
    /// States that can be brought up to date ahead of an event's turn.
    pub(crate) early: IdVec<StateId, bool>,
    /// What is evaluated when a terminal absence is due.
    pub(crate) deadlines: IdVec<SequenceId, PhasePlan>,
    pub(crate) caps: Vec<CapPlan>,
    /// Budgets for harm.
    pub(crate) harms: Harms,
    /// Where `label` and `chargeback` have their parts.
    pub(crate) truth: TruthPlan,
    /// Maps from plain HTTP.
    pub(crate) maps: Maps,
    /// The envelope's time field.
    pub(crate) at_field: Option<FieldId>,
    /// What a record of a decision has to say of expressions; found when first asked for.
    boundaries: OnceLock<Boundaries>,
    /// What conditions are called; found when first asked for.
    conditions: OnceLock<Boundaries>,
    /// The fields that are read; found when first asked for.
    wanted: OnceLock<Wanted>,
}

#[derive(Debug)]
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

#[derive(Debug)]
pub(crate) struct PolicyPlan {
    pub(crate) package: PackageId,
    /// The verdict at score 0, when it depends on nothing else.
    pub(crate) at_zero: Option<Verb>,
}

#[derive(Debug)]
pub(crate) struct RulePlan {
    pub(crate) package: PackageId,
    /// What its condition and its policy's filter ask.
    pub(crate) condition: Reads,
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

/// A key under which an entry may stand that touches an event.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Target {
    Key(KeyId),
    /// Any slice that holds the event.
    Slices(CohortId),
}

#[derive(Debug, Default)]
pub(crate) struct EventPlan {
    /// Readings taken before the event counts.
    pub(crate) before: Vec<SignalId>,
    pub(crate) request: PhasePlan,
    pub(crate) response: PhasePlan,
    pub(crate) kept_signals: Vec<SignalId>,
    pub(crate) kept_cohorts: Vec<CohortId>,
    pub(crate) kept_sequences: Vec<SequenceId>,
    pub(crate) targets: Vec<Target>,
    /// What can be done ahead of the event's turn.
    pub(crate) early: EarlyPlan,
    /// Counts of exchanges in flight, which end with the response.
    pub(crate) concurrent: Vec<StateId>,
}

impl EventPlan {
    /// Whether the event touches anything at all.
    pub(crate) fn touches(&self) -> bool {
        !(self.before.is_empty() && self.request.is_empty() && self.response.is_empty())
    }

    /// Whether anything waits for the response.
    pub(crate) fn wants_response(&self) -> bool {
        !self.concurrent.is_empty() || !self.response.is_empty()
    }
}

/// What happens to an event in one phase.
#[derive(Debug, Default)]
pub(crate) struct PhasePlan {
    /// Which plan it is.
    pub(crate) judged: Judged,
    /// Conditions of what counts the event.
    pub(crate) filters: Vec<FilterId>,
    /// Baselines last: they learn the level that the others have reached.
    pub(crate) states: Vec<StateId>,
    pub(crate) cohorts: Vec<CohortId>,
    pub(crate) facts: Vec<(FactId, Option<FilterId>)>,
    pub(crate) sequences: Vec<Touch>,
    /// Rules that exempt, which come first.
    pub(crate) exempting: Vec<RuleId>,
    /// Policies that look at the event, with their other rules.
    pub(crate) policies: Vec<(PolicyId, Vec<RuleId>)>,
    /// What the rules may ask, for explanations.
    pub(crate) asks: Reads,
}

impl PhasePlan {
    /// Nothing is touched.
    pub(crate) fn is_empty(&self) -> bool {
        self.states.is_empty()
            && self.cohorts.is_empty()
            && self.facts.is_empty()
            && self.sequences.is_empty()
            && self.exempting.is_empty()
            && self.policies.is_empty()
    }

    /// Adds a rule, which may ask so much.
    fn add_rule(&mut self, id: RuleId, rule: &Rule, reads: &Reads) {
        if rule.exempts {
            self.exempting.push(id);
        } else {
            // The rules of a policy come together.
            match self.policies.iter_mut().rfind(|(policy, _)| *policy == rule.policy) {
                Some((_, rules)) => rules.push(id),
                None => self.policies.push((rule.policy, vec![id])),
            }
        }
        self.asks.join(reads);
    }
}

/// What an event may be to a sequence.
#[derive(Debug)]
pub(crate) struct Touch {
    pub(crate) sequence: SequenceId,
    pub(crate) steps: Vec<(usize, Option<FilterId>)>,
    pub(crate) without: Vec<(usize, Option<FilterId>)>,
    pub(crate) then_no: Vec<Option<FilterId>>,
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

/// All that a rule may ask: condition, policy, text, actions and thresholds. `condition` is what its condition and its policy's
/// filter ask.
fn rule_reads(hir: &Hir, rule: &Rule, condition: &Reads) -> Reads {
    let mut reads = condition.clone();
    for (_, when) in hir.policies.get(rule.policy).into_iter().flat_map(|policy| &policy.decide.arms) {
        reads.expr(hir, *when);
    }
    reads.parts(hir, &rule.because);
    reads.actions(hir, &rule.then);
    reads.actions(hir, &rule.if_unknown);
    reads
}

/// The verdicts on keys that a rule may give.
fn keyed(rule: &Rule) -> impl Iterator<Item = (&Verdict, &Key)> {
    rule.then.iter().chain(&rule.if_unknown).filter_map(|action| match action {
        Action::Verdict(verdict) => verdict.target.as_ref().map(|key| (verdict, key)),
        _ => None,
    })
}

/// The key by which an event finds entries put under `key`: a captured field is looked for under its own.
fn met_under(key: &Key) -> Key {
    let part = |part: &KeyPart| match part {
        KeyPart::Captured { field, .. } => KeyPart::Field(*field),
        part => part.clone(),
    };
    Key { parts: key.parts.iter().map(part).collect(), ..key.clone() }
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
        let mut package = |name: &SmolStr| match packages.iter().position(|known| known == name) {
            Some(at) => PackageId(at as u16),
            None => {
                packages.push(name.clone());
                PackageId((packages.len() - 1) as u16)
            }
        };

        let share = options.limits.state_bytes / (hir.states.len() as u64).max(1);
        let mut asked: IdVec<StateId, bool> = hir.states.values().map(|_| false).collect();
        for signal in hir.signals.values().filter(|signal| signal.least.is_some_and(|least| least > 0)) {
            if let Some(asked) = asked.get_mut(signal.state) {
                *asked = true;
            }
        }
        let mut states: IdVec<StateId, StatePlan> = hir
            .states
            .iter()
            .map(|(id, state)| {
                let form = Form::of(&hir, id);
                let unable = !matches!(
                    form.kind,
                    FormKind::Share
                        | FormKind::Average(_)
                        | FormKind::Stddev
                        | FormKind::Gaps
                        | FormKind::Quantile(..)
                );
                let fit = share / u64::from(state.bytes_per_key.max(64));
                let capacity =
                    usize::try_from(fit).unwrap_or(usize::MAX).clamp(16, options.limits.keys.max(16));
                StatePlan {
                    counts: unable && state.window.is_some() && asked.get(id) == Some(&true),
                    key: state.key.as_ref().map(|key| build.key(&hir, key)),
                    filter: build.filter(&hir, state.filter),
                    capacity,
                    parts: parts(capacity),
                    blank: Cell::new(&form),
                    form,
                }
            })
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
        let sequence_keys = hir.sequences.values().map(|sequence| build.key(&hir, &sequence.key)).collect();
        let fact_keys = hir.facts.values().map(|fact| build.key(&hir, &fact.key)).collect();
        let policies: IdVec<PolicyId, PolicyPlan> = hir
            .policies
            .values()
            .map(|policy| {
                let mut decide = Reads::default();
                for (_, when) in &policy.decide.arms {
                    decide.expr(&hir, *when);
                }
                let at_zero = (!decide.world).then(|| crate::resolve::decide_at(&hir, &policy.decide, 0));
                PolicyPlan { package: package(&policy.package), at_zero }
            })
            .collect();
        for (_, rule) in hir.rules.iter() {
            for key in rule_keys(rule) {
                build.key(&hir, key);
            }
        }
        let mut rules: IdVec<RuleId, RulePlan> = IdVec::default();
        for rule in hir.rules.values() {
            let mut condition = Reads::of(&hir, rule.when);
            let calls = condition.calls.to_vec();
            let policy = hir.policies.get(rule.policy);
            if let Some(filter) = policy.and_then(|policy| policy.filter) {
                condition.expr(&hir, filter);
            }
            let reads = rule_reads(&hir, rule, &condition);
            for (key, _) in &reads.tags {
                build.key(&hir, key);
            }
            build.reads.push(reads);
            let canary = match &rule.mode {
                Mode::Canary { share, per } => {
                    let name = policy.map(|policy| policy.package.as_str()).unwrap_or_default();
                    let domain = hasher.domain(&format!("canary {name}"));
                    Some(Canary { share: *share, key: build.key(&hir, per), domain })
                }
                _ => None,
            };
            rules.push(RulePlan {
                package: policies.get(rule.policy).map_or(PackageId(u16::MAX), |policy| policy.package),
                condition,
                calls,
                canary,
                exempts: Vec::new(),
            });
        }
        for (id, rule) in hir.rules.iter() {
            let names = rule.then.iter().filter_map(|action| match action {
                Action::Exempt(name) => packages.iter().position(|known| known == name),
                _ => None,
            });
            if let Some(plan) = rules.get_mut(id) {
                plan.exempts = names.map(|at| PackageId(at as u16)).collect();
            }
        }
        let caps = hir
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
        let mut events: IdVec<EventId, EventPlan> =
            hir.schema.events.ids().map(|id| build.event(&hir, id)).collect();
        let early = early::states(&hir, deadlines.values());
        for event in events.values_mut() {
            event.early = early::plan(&hir, &early, &states, event);
        }
        let counts = |id| states.get(id).is_some_and(|state: &StatePlan| state.counts);
        let names = Names::new(&hir, counts, &captures);
        let harms = Harms::new(&hir, options.as_enforced, |key| build.key(&hir, key));
        let Build { keys, filters, .. } = build;
        Self {
            maps: Maps::new(&hir),
            harms,
            truth: TruthPlan::new(&hir, &hasher),
            at_field: hir.schema.envelope_field("at"),
            boundaries: OnceLock::new(),
            conditions: OnceLock::new(),
            wanted: OnceLock::new(),
            keys,
            filters,
            packages,
            names,
            states,
            cohorts,
            sequence_keys,
            captures,
            fact_keys,
            policies,
            models: asks_models(&hir),
            rules,
            events,
            early,
            deadlines,
            caps,
            hasher,
            reveal: options.reveal,
            unit: (options.tier != Tier::Walker).then(|| ir::lower_to_run(&hir)),
            hir,
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
fn asks_models(hir: &Hir) -> IdVec<ExprId, bool> {
    let mut found: IdVec<ExprId, bool> = IdVec::default();
    for expr in hir.exprs.values() {
        let inside = children(&expr.kind).into_iter().any(|child| found.get(child) == Some(&true));
        found.push(inside || matches!(expr.kind, ExprKind::Call(_)));
    }
    found
}

/// Keys that a rule's actions are about.
fn rule_keys(rule: &Rule) -> impl Iterator<Item = &Key> {
    rule.then.iter().chain(&rule.if_unknown).filter_map(|action| match action {
        Action::Verdict(verdict) => verdict.target.as_ref(),
        Action::Tag { key, .. } | Action::Revoke(key) | Action::LockPassword(key) => Some(key),
        _ => None,
    })
}

/// What is being built.
struct Build<'a> {
    keys: Keys,
    filters: Vec<ExprId>,
    known: HashMap<String, FilterId>,
    /// Conditions that have been looked up before.
    places: HashMap<ExprId, FilterId>,
    /// All that a rule may ask.
    reads: IdVec<RuleId, Reads>,
    /// The rules that look at an event, in order.
    looking: IdVec<EventId, Vec<RuleId>>,
    /// Where entries of rules may stand, each once, with the event that they are about if it is one alone.
    targets: Vec<(Option<EventId>, Target)>,
    hasher: &'a KeyHasher,
}

impl Build<'_> {
    fn key(&mut self, hir: &Hir, key: &Key) -> KeyId {
        self.keys.add(hir, self.hasher, key)
    }

    fn filter(&mut self, hir: &Hir, filter: Option<ExprId>) -> Option<FilterId> {
        let filter = filter?;
        if let Some(known) = self.places.get(&filter) {
            return Some(*known);
        }
        let next = FilterId(self.filters.len());
        let id = *self.known.entry(structure(hir, filter)).or_insert(next);
        if id == next {
            self.filters.push(filter);
        }
        self.places.insert(filter, id);
        Some(id)
    }

    /// Goes through the rules once for all events.
    fn look(&mut self, hir: &Hir) {
        let mut known = HashSet::new();
        for (id, rule) in hir.rules.iter() {
            for event in hir.policies.get(rule.policy).into_iter().flat_map(|policy| &policy.events) {
                if let Some(rules) = self.looking.get_mut(*event).filter(|rules| rules.last() != Some(&id)) {
                    rules.push(id);
                }
            }
            for (verdict, key) in keyed(rule) {
                let target = match key.parts.as_slice() {
                    [KeyPart::Cohort(cohort)] => Target::Slices(*cohort),
                    _ => Target::Key(self.key(hir, &met_under(key))),
                };
                if known.insert((verdict.on, target)) {
                    self.targets.push((verdict.on, target));
                }
            }
        }
    }

    /// Rules of the timer phase that ask for a sequence, and look at its last step's event.
    fn deadline(&self, hir: &Hir, id: SequenceId) -> PhasePlan {
        let mut plan = PhasePlan { judged: Judged::Deadline(id), ..PhasePlan::default() };
        let last = hir.sequences.get(id).and_then(|sequence| sequence.steps.last()).map(|step| step.event);
        for rule_id in last.and_then(|event| self.looking.get(event)).into_iter().flatten() {
            let (Some(rule), Some(reads)) = (hir.rules.get(*rule_id), self.reads.get(*rule_id)) else {
                continue;
            };
            if rule.phase == Phase::Timer && Reads::of(hir, rule.when).sequences.contains(&id) {
                plan.add_rule(*rule_id, rule, reads);
            }
        }
        plan
    }

    /// The fields kept of each step: those the checker names, and of a last step with terminal absence all that
    /// its rules need, because at the deadline they stand for the event.
    fn captures(&self, hir: &Hir) -> IdVec<SequenceId, Vec<Vec<FieldId>>> {
        hir.sequences
            .iter()
            .map(|(id, sequence)| {
                let mut kept: Vec<Vec<FieldId>> =
                    sequence.steps.iter().map(|step| step.captures.clone()).collect();
                if let (Some(last), true) = (kept.last_mut(), sequence.then_no.is_some()) {
                    let mut asks = self.deadline(hir, id).asks;
                    let (signals, cohorts) = (asks.signals.to_vec(), asks.cohorts.to_vec());
                    for signal in signals {
                        let state = hir.signals.get(signal).and_then(|signal| hir.states.get(signal.state));
                        if let Some(key) = state.and_then(|state| state.key.as_ref()) {
                            asks.key(hir, key);
                        }
                    }
                    for cohort in cohorts {
                        for part in hir.cohorts.get(cohort).into_iter().flat_map(|cohort| &cohort.by) {
                            let text = SmolStr::default();
                            let kind = weir_compiler::hir::KeyKind::Group;
                            asks.key(hir, &Key { parts: vec![part.clone()], kind, text });
                        }
                    }
                    for field in asks.fields.iter() {
                        if !last.contains(field) {
                            last.push(*field);
                        }
                    }
                }
                kept
            })
            .collect()
    }

    fn event(&mut self, hir: &Hir, id: EventId) -> EventPlan {
        let mut plan = EventPlan { request: self.phase(hir, id, Phase::Request), ..EventPlan::default() };
        plan.response = self.phase(hir, id, Phase::Response);
        plan.concurrent = hir
            .states
            .iter()
            .filter(|(_, state)| state.event == id && state.measure == Measure::Concurrent)
            .map(|(id, _)| id)
            .collect();

        let (now, later) = (self.phase_reads(hir, &plan.request), self.phase_reads(hir, &plan.response));
        let mut caps = Reads::default();
        for cap in &hir.caps {
            if let CapKind::Actions { filter: Some(filter), .. } = &cap.kind {
                caps.expr(hir, *filter);
            }
            caps.parts(hir, &cap.because);
        }
        let mut all = now;
        all.join(&later);
        all.join(&caps);
        let before = |id: &SignalId| hir.signals.get(*id).is_some_and(|signal| signal.before_this);
        plan.before = all.signals.iter().copied().filter(|id| before(id)).collect();
        plan.before.sort_unstable_by_key(|id| id.index());
        let early =
            |id: &SignalId| before(id) || hir.signals.get(*id).is_some_and(|s| s.phase == Phase::Request);
        plan.kept_signals = later.signals.iter().copied().filter(early).collect();
        plan.kept_cohorts = later
            .cohorts
            .iter()
            .copied()
            .filter(|id| hir.cohorts.get(*id).is_some_and(|cohort| cohort.phase == Phase::Request))
            .collect();
        plan.kept_sequences = later
            .sequences
            .iter()
            .copied()
            .filter(|id| hir.sequences.get(*id).is_some_and(|sequence| sequence.phase == Phase::Request))
            .collect();
        plan.request.asks.join(&caps);

        let about = self.targets.iter().filter(|(on, _)| on.is_none_or(|on| on == id));
        for (_, target) in about {
            if !plan.targets.contains(target) {
                plan.targets.push(*target);
            }
        }
        plan
    }

    /// Everything that is asked in a phase: by rules, and by the conditions and values of what counts.
    fn phase_reads(&self, hir: &Hir, phase: &PhasePlan) -> Reads {
        let mut reads = phase.asks.clone();
        for filter in &phase.filters {
            if let Some(expr) = self.filters.get(filter.0) {
                reads.expr(hir, *expr);
            }
        }
        for state in &phase.states {
            reads.state(hir, *state);
        }
        reads
    }

    fn phase(&mut self, hir: &Hir, event: EventId, phase: Phase) -> PhasePlan {
        let judged = if phase == Phase::Request { Judged::Request } else { Judged::Response };
        let mut plan = PhasePlan { judged, ..PhasePlan::default() };
        let mut filters = Vec::new();
        for (id, state) in hir.states.iter() {
            // An exchange in flight begins with its request.
            let at = if state.measure == Measure::Concurrent { Phase::Request } else { state.phase };
            if state.event == event && at == phase {
                plan.states.push(id);
                filters.push(self.filter(hir, state.filter));
            }
        }
        plan.states.sort_by_key(|id| {
            let usual =
                hir.states.get(*id).is_some_and(|state| matches!(state.measure, Measure::Usual { .. }));
            (usual, id.index())
        });
        for (id, cohort) in hir.cohorts.iter() {
            if cohort.event == event && cohort.phase == phase {
                plan.cohorts.push(id);
                filters.push(self.filter(hir, cohort.filter));
            }
        }
        for (id, fact) in hir.facts.iter() {
            if fact.event == event && fact.phase == phase {
                let filter = self.filter(hir, fact.filter);
                plan.facts.push((id, filter));
                filters.push(filter);
            }
        }
        for (id, sequence) in hir.sequences.iter() {
            let mut touch =
                Touch { sequence: id, steps: Vec::new(), without: Vec::new(), then_no: Vec::new() };
            for (at, step) in sequence.steps.iter().enumerate() {
                if step.event == event && step.phase == phase {
                    touch.steps.push((at, self.filter(hir, step.filter)));
                }
            }
            for (at, without) in sequence.without.iter().enumerate() {
                if without.event == event && without.phase == phase {
                    touch.without.push((at, self.filter(hir, without.filter)));
                }
            }
            if let Some(then_no) = &sequence.then_no
                && then_no.event == event
                && then_no.phase == phase
            {
                touch.then_no.push(self.filter(hir, then_no.filter));
            }
            let touched = touch.steps.iter().chain(&touch.without).map(|(_, filter)| *filter);
            filters.extend(touched.chain(touch.then_no.iter().copied()));
            if !(touch.steps.is_empty() && touch.without.is_empty() && touch.then_no.is_empty()) {
                plan.sequences.push(touch);
            }
        }
        let mut known = HashSet::new();
        for filter in filters.into_iter().flatten() {
            if known.insert(filter) {
                plan.filters.push(filter);
            }
        }
        for id in self.looking.get(event).into_iter().flatten() {
            let (Some(rule), Some(reads)) = (hir.rules.get(*id), self.reads.get(*id)) else { continue };
            if rule.phase == phase {
                plan.add_rule(*id, rule, reads);
            }
        }
        plan
    }
}
