//! The order of resolution: from what every rule and entry says to one verdict.
//!
//! Rules have no order. Everything that could act on an event is collected on a [`Sheet`] first; then scores are
//! added, exemptions lift, caps lower, and the strongest verdict left is the event's.

use weir_compiler::data::Data;
use weir_compiler::evaluate::Evaluator;
use weir_compiler::hir::{CohortValue, Decide, Hir, Key, KeyPart, Phase, Verb};
use weir_compiler::ids::*;
use weir_compiler::value::Value;
use weir_compiler::walk::World;

use crate::cell::pace;
use crate::decision::{Acting, CapHit, Effect, EffectKind, EntryHit, EventDecision, Match, Ruling, Source};
use crate::evidence::Notes;
use crate::harm::Exposed;
use crate::keyhash::KeyHash;
use crate::names::Origin;
use crate::plan::OpenRule;
use crate::record::Record;
use crate::recording::{Look, Scored};
use crate::ruleset::{CapPlan, PackageId, RuleSet};
use crate::state::Admission;
use crate::store::Store;

/// A verdict that somebody wants.
#[derive(Clone, Debug)]
pub(crate) struct Candidate {
    pub(crate) ruling: Ruling,
    pub(crate) package: PackageId,
    pub(crate) live: bool,
    /// The key it acts by, for caps.
    pub(crate) key: Option<Key>,
}

/// The points of a policy.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Points {
    pub(crate) policy: PolicyId,
    pub(crate) live: i32,
    pub(crate) shadow: i32,
}

/// Everything that bears on one event.
#[derive(Clone, Debug)]
pub(crate) struct Sheet {
    pub(crate) event: EventId,
    pub(crate) at: i64,
    pub(crate) phase: Phase,
    pub(crate) record: Record,
    pub(crate) candidates: Vec<Candidate>,
    pub(crate) points: Vec<Points>,
    /// Policies that look at the event: their filter is true.
    pub(crate) policies: Vec<PolicyId>,
    pub(crate) exempted: Vec<PackageId>,
    pub(crate) matches: Vec<Match>,
    pub(crate) unknown: Vec<RuleId>,
    pub(crate) exemptions: Vec<RuleId>,
    pub(crate) entries: Vec<EntryHit>,
    /// Entries met in the table, which a firing must not meet again.
    pub(crate) met: Vec<(KeyHash, Origin)>,
    pub(crate) effects: Vec<Effect>,
    /// By position: whether the condition of a cap on actions is true.
    pub(crate) caps: Vec<bool>,
    /// By position: the actor whose share a cap counts, and whether it may be given the verdict.
    pub(crate) actors: Vec<Option<KeyHash>>,
    /// By position: what a cap on a share decided, for explanations.
    pub(crate) exceeded: Vec<bool>,
    pub(crate) cap_hits: Vec<CapHit>,
    /// For explanations: rules that act live here, and actions that spare the event.
    pub(crate) live: Vec<RuleId>,
    pub(crate) spared: Vec<(RuleId, u16, bool)>,
    pub(crate) open: Vec<OpenRule>,
    pub(crate) look: Option<Look>,
    /// `panic off` is in force: what would act, would have.
    pub(crate) panic: bool,
    /// Live rules with points, and the policy that they are for.
    pub(crate) scorers: Vec<(PolicyId, RuleId)>,
    /// Queues without room.
    pub(crate) full: Vec<QueueId>,
    pub(crate) exposed: Vec<Exposed>,
    /// For explanations: what stands over the rules.
    pub(crate) standing: Vec<String>,
    /// What state answered, for records of the decision.
    pub(crate) notes: Option<Box<Notes>>,
}

impl Sheet {
    pub(crate) fn new(record: Record, at: i64, phase: Phase) -> Self {
        Self {
            event: record.event(),
            at,
            phase,
            record,
            candidates: Vec::new(),
            points: Vec::new(),
            policies: Vec::new(),
            exempted: Vec::new(),
            matches: Vec::new(),
            unknown: Vec::new(),
            exemptions: Vec::new(),
            entries: Vec::new(),
            met: Vec::new(),
            effects: Vec::new(),
            caps: Vec::new(),
            actors: Vec::new(),
            exceeded: Vec::new(),
            cap_hits: Vec::new(),
            live: Vec::new(),
            spared: Vec::new(),
            open: Vec::new(),
            look: None,
            panic: false,
            scorers: Vec::new(),
            full: Vec::new(),
            exposed: Vec::new(),
            standing: Vec::new(),
            notes: None,
        }
    }

    /// Begins anew, with another event.
    pub(crate) fn begin(&mut self, record: Record, at: i64, phase: Phase) {
        // Every field is named, so that none is forgotten.
        let Self {
            event,
            at: time,
            phase: looked,
            record: known,
            candidates,
            points,
            policies,
            exempted,
            matches,
            unknown,
            exemptions,
            entries,
            met,
            effects,
            caps,
            actors,
            exceeded,
            cap_hits,
            live,
            spared,
            open,
            look,
            panic,
            scorers,
            full,
            exposed,
            standing,
            notes,
        } = self;
        (*event, *time, *looked, *known) = (record.event(), at, phase, record);
        candidates.clear();
        points.clear();
        policies.clear();
        exempted.clear();
        matches.clear();
        unknown.clear();
        exemptions.clear();
        entries.clear();
        met.clear();
        effects.clear();
        caps.clear();
        actors.clear();
        exceeded.clear();
        cap_hits.clear();
        live.clear();
        spared.clear();
        open.clear();
        *look = None;
        *panic = false;
        scorers.clear();
        full.clear();
        exposed.clear();
        standing.clear();
        *notes = None;
    }

    /// Adds the points of a rule.
    pub(crate) fn score(&mut self, policy: PolicyId, points: i32, live: bool) {
        if points == 0 {
            return;
        }
        let place = match self.points.iter().position(|known| known.policy == policy) {
            Some(place) => place,
            None => {
                self.points.push(Points { policy, live: 0, shadow: 0 });
                self.points.len() - 1
            }
        };
        if let Some(known) = self.points.get_mut(place) {
            let sum = if live { &mut known.live } else { &mut known.shadow };
            *sum = sum.saturating_add(points);
        }
    }
}

/// The verdict of a score, for thresholds that ask nothing but the score.
pub(crate) fn decide_at(hir: &Hir, decide: &Decide, score: i64) -> Verb {
    let data = Data::default();
    decide_in(&Evaluator::new(hir, &data, None), decide, &Scored { world: &Nothing, score })
}

fn decide_in(walker: &Evaluator<'_>, decide: &Decide, world: &impl World) -> Verb {
    let arm = decide.arms.iter().find(|(_, when)| walker.truth(*when, world) == Some(true));
    arm.map_or(decide.otherwise, |(verb, _)| *verb)
}

/// The result of adding up one sheet.
#[derive(Clone, Debug)]
pub(crate) struct Scores {
    pub(crate) live: i32,
    pub(crate) shadow: i32,
    pub(crate) candidates: Vec<Candidate>,
}

/// Adds the points of each policy, clamps them once, and asks its thresholds.
pub(crate) fn scores(set: &RuleSet, data: &Data, sheet: &Sheet, world: &impl World) -> Scores {
    let mut scores = Scores { live: 0, shadow: 0, candidates: Vec::new() };
    let walker = set.evaluator(data);
    for id in &sheet.policies {
        let (Some(policy), Some(plan)) = (set.hir.policies.get(*id), set.policies.get(*id)) else { continue };
        if sheet.exempted.contains(&plan.package) {
            continue;
        }
        let points = sheet.points.iter().find(|points| points.policy == *id);
        let (live, shadow) =
            points.map_or((0, 0), |points| (points.live.clamp(0, 100), points.shadow.clamp(0, 100)));
        scores.live = scores.live.max(live);
        scores.shadow = scores.shadow.max(shadow);
        let verdict = |score: i32| match plan.at_zero {
            Some(verb) if score == 0 => verb,
            _ => decide_in(&walker, &policy.decide, &Scored { world, score: i64::from(score) }),
        };
        let mut add = |verb: Verb, live: bool| {
            if verb > Verb::Pass {
                let ruling = Ruling::plain(verb, Source::Score(*id));
                scores.candidates.push(Candidate { ruling, package: plan.package, live, key: None });
            }
        };
        add(verdict(live), true);
        if shadow > 0 {
            add(verdict(shadow), false);
        }
    }
    scores
}

/// Whether a cap on actions by `cap` bounds an action by `key`: the same key, or a wider network of it.
fn bounds(cap: &Key, key: &Key) -> bool {
    if cap.parts == key.parts {
        return true;
    }
    match (cap.parts.as_slice(), key.parts.as_slice()) {
        ([KeyPart::Field(cap)], [KeyPart::Prefix { field, .. }]) => cap == field,
        ([KeyPart::Prefix { field: cap, v4: cap4, v6: cap6 }], [KeyPart::Prefix { field, v4, v6 }]) => {
            cap == field && v4 <= cap4 && v6 <= cap6
        }
        _ => false,
    }
}

/// Lowers a verdict; what belonged to the stronger one goes with it.
pub(crate) fn lower(ruling: &mut Ruling, to: Verb) {
    *ruling = Ruling::plain(to, ruling.source);
}

/// What caps left.
pub(crate) struct Bounded {
    pub(crate) verdict: Ruling,
    pub(crate) shadow: Verb,
    pub(crate) hits: Vec<CapHit>,
    pub(crate) stopped: bool,
    /// What stopped it.
    pub(crate) stoppers: Vec<Source>,
}

impl Bounded {
    fn nothing() -> Self {
        let (hits, stoppers) = (Vec::new(), Vec::new());
        Self { verdict: Ruling::PASS, shadow: Verb::Pass, hits, stopped: false, stoppers }
    }
}

/// Nearly nobody wants a verdict of nearly any event. Caps on shares that bound nothing have nothing to say then.
fn wants_nothing(set: &RuleSet, candidates: &[Candidate]) -> bool {
    candidates.is_empty() && !set.caps.iter().any(CapPlan::bounds_nothing)
}

/// Lifts what is exempted, lowers what caps bound and takes the strongest. `exceeds` says of a cap on a share
/// whether one more would be too many. During a panic everything is as in shadow.
pub(crate) fn bounded(
    set: &RuleSet,
    sheet: &Sheet,
    candidates: &[Candidate],
    mut exceeds: impl FnMut(usize) -> bool,
) -> Bounded {
    if wants_nothing(set, candidates) {
        return Bounded::nothing();
    }
    let mut hits = Vec::new();
    let mut left: Vec<Candidate> =
        candidates.iter().filter(|candidate| !sheet.exempted.contains(&candidate.package)).cloned().collect();
    left.iter_mut().filter(|_| sheet.panic).for_each(|candidate| candidate.live = false);
    for (at, cap) in set.caps.iter().enumerate() {
        let CapPlan::Actions { key: cap, at: most, .. } = cap else { continue };
        if sheet.caps.get(at) != Some(&true) {
            continue;
        }
        for candidate in &mut left {
            let bound = candidate.key.as_ref().is_some_and(|key| bounds(cap, key));
            if bound && candidate.ruling.verb > *most {
                if candidate.live {
                    hits.push(CapHit { cap: at, from: candidate.ruling.verb, to: *most });
                }
                lower(&mut candidate.ruling, *most);
            }
        }
    }
    let strongest = |left: &[Candidate], live: bool| {
        left.iter().filter(|c| c.live == live).map(|c| c.ruling.verb).max().unwrap_or(Verb::Pass)
    };
    for (at, cap) in set.caps.iter().enumerate() {
        let CapPlan::Share { event, verb, otherwise, .. } = cap else { continue };
        let from = strongest(&left, true);
        if *event != sheet.event || from < *verb || !exceeds(at) {
            continue;
        }
        hits.push(CapHit { cap: at, from, to: *otherwise });
        for candidate in left.iter_mut().filter(|c| c.live && c.ruling.verb >= *verb) {
            lower(&mut candidate.ruling, *otherwise);
        }
    }
    let shadow = strongest(&left, false);
    let stops =
        |c: &&Candidate| c.live && (c.ruling.verb >= Verb::Challenge || c.ruling.verb == Verb::Throttle);
    let stoppers: Vec<Source> = left.iter().filter(stops).map(|c| c.ruling.source).collect();
    let stopped = !stoppers.is_empty();
    let verb = strongest(&left, true);
    // Rules have no order, and equals may answer differently: of them the first by name.
    let equals = left.into_iter().filter(|c| c.live && c.ruling.verb == verb && verb > Verb::Pass);
    let verdict = equals.min_by(|a, b| name_of(set, a.ruling.source).cmp(&name_of(set, b.ruling.source)));
    Bounded { verdict: verdict.map_or(Ruling::PASS, |c| c.ruling), shadow, hits, stopped, stoppers }
}

/// The full name of the rule, or the name of the policy, that a verdict comes from.
fn name_of(set: &RuleSet, source: Source) -> (&str, &str) {
    match source {
        Source::Nothing => ("", ""),
        Source::Rule(rule) | Source::Unknown(rule) | Source::Entry(rule) => {
            set.hir.rules.get(rule).map_or(("", ""), |rule| (rule.full_name.as_str(), ""))
        }
        Source::Score(policy) => set
            .hir
            .policies
            .get(policy)
            .map_or(("", ""), |policy| (policy.package.as_str(), policy.name.as_str())),
    }
}

/// Settles a sheet: scores, caps, decoys. Updates what caps and decoys count.
pub(crate) fn settle(
    set: &RuleSet,
    store: &mut Store,
    sheet: &mut Sheet,
    scores: Scores,
    keep: bool,
) -> EventDecision {
    let Scores { live: score, shadow: shadow_score, candidates } = scores;
    sheet.candidates.extend(candidates);
    sheet.exceeded.resize(set.caps.len(), false);
    if wants_nothing(set, &sheet.candidates) {
        return decision_of(set, sheet, Bounded::nothing(), (score, shadow_score), keep);
    }
    send_on(sheet);
    let mut found = resolve(set, store, sheet);
    // A decoy answers at a bounded rate; beyond it, what its declaration says.
    for _ in 0..sheet.candidates.len() {
        let (Verb::Deceive, Some(id)) = (found.verdict.verb, found.verdict.decoy) else { break };
        let Some(decoy) = set.hir.declarations.decoys.get(id) else { break };
        let admitted = pace(decoy.rate.count, decoy.rate.per).is_some_and(|rate| {
            let burst = u32::try_from(decoy.rate.count).unwrap_or(u32::MAX);
            let bucket = store.decoys.get_mut(id);
            bucket.is_some_and(|bucket| bucket.add(rate, burst, sheet.at) == Admission::Conforms)
        });
        if admitted {
            break;
        }
        sheet.notes.iter_mut().for_each(|notes| notes.refused.push(id));
        for candidate in sheet.candidates.iter_mut().filter(|c| c.live && c.ruling.decoy == Some(id)) {
            lower(&mut candidate.ruling, decoy.otherwise);
        }
        found = resolve(set, store, sheet);
    }
    for (at, cap) in set.caps.iter().enumerate() {
        if let CapPlan::Share { event, verb, .. } = cap
            && *event == sheet.event
            && sheet.phase == Phase::Request
            && found.verdict.verb >= *verb
            && let (Some(Some(actor)), Some(Some(count))) = (sheet.actors.get(at), store.shares.get_mut(at))
        {
            count.give(*actor, sheet.at);
        }
    }
    decision_of(set, sheet, found, (score, shadow_score), keep)
}

/// The decision that a resolved sheet comes to; `keep`: with the sheet, for explanations.
pub(crate) fn decision_of(
    set: &RuleSet,
    sheet: &mut Sheet,
    found: Bounded,
    (score, shadow_score): (i32, i32),
    keep: bool,
) -> EventDecision {
    sheet.cap_hits.extend(found.hits);
    let lifted = |rule: &RuleId| sheet.exempted.contains(&set.package_of(*rule));
    for found in &mut sheet.matches {
        if found.acting == Acting::Live && lifted(&found.rule) {
            found.acting = Acting::Lifted;
        }
    }
    let stopped_by = stopped_by(sheet, &found.stoppers);
    let kept = keep.then(|| Box::new(sheet.clone()));
    EventDecision {
        event: sheet.event,
        at: sheet.at,
        phase: sheet.phase,
        verdict: found.verdict,
        shadow: found.shadow,
        score,
        shadow_score,
        stopped: found.stopped,
        matches: std::mem::take(&mut sheet.matches),
        unknown: std::mem::take(&mut sheet.unknown),
        exemptions: std::mem::take(&mut sheet.exemptions),
        entries: std::mem::take(&mut sheet.entries),
        caps: std::mem::take(&mut sheet.cap_hits),
        effects: std::mem::take(&mut sheet.effects),
        stopped_by,
        parked: None,
        sheet: kept,
    }
}

/// Where a queue has no room, the `else` action of a hold comes at once.
pub(crate) fn send_on(sheet: &mut Sheet) {
    for candidate in &mut sheet.candidates {
        let Some((queue, _, otherwise, status)) = candidate.ruling.hold else { continue };
        if !sheet.full.contains(&queue) {
            continue;
        }
        let source = candidate.ruling.source;
        candidate.ruling = Ruling { status, ..Ruling::plain(otherwise, source) };
        if let (Source::Rule(rule) | Source::Unknown(rule), true) = (source, candidate.live) {
            sheet.effects.push(Effect { rule, kind: EffectKind::QueueFull(queue) });
        }
    }
}

/// The rules behind what stopped an event, each once: those of a score are all with points for it.
pub(crate) fn stopped_by(sheet: &Sheet, stoppers: &[Source]) -> Vec<RuleId> {
    let mut rules = Vec::new();
    for source in stoppers {
        match source {
            Source::Nothing => {}
            Source::Rule(rule) | Source::Unknown(rule) | Source::Entry(rule) => rules.push(*rule),
            Source::Score(policy) => {
                rules.extend(sheet.scorers.iter().filter(|(of, _)| of == policy).map(|(_, rule)| *rule));
            }
        }
    }
    rules.sort_unstable();
    rules.dedup();
    rules
}

fn resolve(set: &RuleSet, store: &Store, sheet: &mut Sheet) -> Bounded {
    let mut exceeded = std::mem::take(&mut sheet.exceeded);
    let found = bounded(set, sheet, &sheet.candidates, |at| {
        let exceeds = match (set.caps.get(at), store.shares.get(at), sheet.actors.get(at)) {
            (Some(CapPlan::Share { share, least, .. }), Some(Some(count)), Some(Some(actor))) => {
                !count.admits(*actor, *share, *least)
            }
            // Somebody who cannot be counted cannot be shown to be within the share.
            _ => true,
        };
        if let Some(place) = exceeded.get_mut(at) {
            *place = exceeds;
        }
        exceeds
    });
    sheet.exceeded = exceeded;
    found
}

/// A world in which everything is unknown.
struct Nothing;

impl World for Nothing {
    fn field(&self, _: FieldId) -> Option<std::borrow::Cow<'_, Value>> {
        None
    }
    fn fingerprint(&self, _: FingerprintId) -> Option<Value> {
        None
    }
    fn signal(&self, _: SignalId) -> Option<Value> {
        None
    }
    fn absent(&self, _: SignalId) -> Option<bool> {
        None
    }
    fn in_cohort(&self, _: CohortId) -> Option<bool> {
        None
    }
    fn cohort_value(&self, _: CohortId, _: CohortValue) -> Option<Value> {
        None
    }
    fn holds(&self, _: SequenceId) -> Option<bool> {
        None
    }
    fn captured(&self, _: SequenceId, _: u16, _: FieldId) -> Option<Value> {
        None
    }
    fn age(&self, _: SequenceId, _: u16) -> Option<i64> {
        None
    }
    fn call(&self, _: CallId) -> Option<Value> {
        None
    }
    fn tagged(&self, _: &Key, _: TagId) -> Option<bool> {
        None
    }
    fn now(&self) -> i64 {
        0
    }
}
