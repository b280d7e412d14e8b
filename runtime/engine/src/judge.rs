//! What is done with one event in one phase: counted, met by entries, judged by rules.

use std::sync::Arc;

use smol_str::SmolStr;
use weir_compiler::data::Data;
use weir_compiler::hir::{Action, Key, Mode, Phase, To, Verb, Verdict};
use weir_compiler::ids::*;
use weir_compiler::types::Type;
use weir_compiler::walk::{Walker, World};

use crate::cell::pace;
use crate::decision::{
    Acting, Effect, EffectKind, EntryHit, EventDecision, Fate, Match, Ruling, Shown, Source,
};
use crate::enforcement::Origin;
use crate::engine::Engine;
use crate::keyhash::KeyHash;
use crate::privacy;
use crate::reads::Reads;
use crate::record::Record;
use crate::recording::{Captured, Recorded};
use crate::resolve::{Candidate, OpenRule, Plan, PlannedEntry, Sheet, scores, settle};
use crate::ruleset::{CapPlan, EventPlan, PackageId, PhasePlan, RuleSet, Target};
use crate::sequence::{Matched, Track};
use crate::timers::Timer;
use crate::view::View;

/// The action that made an entry, if it is a verdict.
pub(crate) fn verdict_of(set: &RuleSet, origin: Origin) -> Option<&Verdict> {
    let rule = set.hir.rules.get(origin.rule)?;
    let actions = if origin.unknown { &rule.if_unknown } else { &rule.then };
    match actions.get(usize::from(origin.action))? {
        Action::Verdict(verdict) => Some(verdict),
        _ => None,
    }
}

/// A verdict as it would be given.
pub(crate) fn ruling(verdict: &Verdict, source: Source) -> Ruling {
    Ruling {
        verb: verdict.verb,
        status: verdict.status,
        decoy: verdict.decoy,
        place: match &verdict.to {
            Some(To::Place(place)) => Some(place.clone()),
            _ => None,
        },
        by: verdict.by.map(|by| by.ms),
        hold: None,
        source,
    }
}

/// What a rule's condition and its policy's filter say together: unknown when the filter is.
fn outcome(
    set: &RuleSet,
    walker: &Walker<'_>,
    world: &impl World,
    filter: Option<bool>,
    rule: RuleId,
) -> Option<bool> {
    match filter {
        Some(true) => walker.truth(set.hir.rules.get(rule)?.when, world),
        other => other,
    }
}

impl Engine {
    pub(crate) fn view<'a>(&'a self, record: &'a Record, at: i64, counting: bool) -> View<'a> {
        View {
            set: &self.set,
            store: &self.store,
            data: &self.data,
            readings: &self.readings,
            record,
            at,
            counting,
        }
    }

    /// Takes the readings that do not include the event.
    pub(crate) fn read_before(&self, _set: &RuleSet, record: &Record, at: i64, signals: &[SignalId]) {
        let view = self.view(record, at, true);
        for signal in signals {
            view.sense(*signal);
        }
    }

    /// Updates everything that the event counts for. All conditions are evaluated before anything is counted.
    pub(crate) fn count(
        &mut self,
        set: &RuleSet,
        record: &Record,
        at: i64,
        phase: &PhasePlan,
        in_flight: u64,
    ) {
        if !phase.filters.is_empty() {
            let view = self.view(record, at, true);
            let walker = view.walker();
            for filter in &phase.filters {
                let truth = set.filters.get(filter.0).and_then(|expr| walker.truth(*expr, &view));
                self.readings.put_filter(*filter, truth);
            }
        }
        for state in &phase.states {
            let Some(plan) = set.states.get(*state) else { continue };
            if !self.readings.is_true(plan.filter) {
                continue;
            }
            let view = self.view(record, at, true);
            let Some(key) = view.state_key(*state) else { continue };
            let Some(sample) = view.sample(*state, key, in_flight) else { continue };
            self.store.count(set, *state, key, at, sample);
            self.readings.put_counted(*state);
        }
        for cohort in &phase.cohorts {
            if set.cohorts.get(*cohort).is_some_and(|plan| self.readings.is_true(plan.filter)) {
                let slices = self.view(record, at, true).slices(*cohort);
                if let Some(cohort) = self.store.cohorts.get_mut(*cohort) {
                    cohort.count(&slices, at);
                }
            }
        }
        for (fact, filter) in &phase.facts {
            if self.readings.is_true(*filter)
                && let Some(key) =
                    set.fact_keys.get(*fact).and_then(|key| self.view(record, at, true).key(*key))
                && let Some(facts) = self.store.facts.get_mut(*fact)
            {
                facts.learn(key, at);
            }
        }
        self.follow(set, record, at, phase);
    }

    /// Advances the sequences that the event is a step or an excluded event of.
    fn follow(&mut self, set: &RuleSet, record: &Record, at: i64, phase: &PhasePlan) {
        for touch in &phase.sequences {
            let mut matched = Matched::default();
            for (step, _) in touch.steps.iter().filter(|(_, filter)| self.readings.is_true(*filter)) {
                matched.steps |= 1_u64.checked_shl(*step as u32).unwrap_or(0);
            }
            for (without, _) in touch.without.iter().filter(|(_, filter)| self.readings.is_true(*filter)) {
                matched.without |= 1_u64.checked_shl(*without as u32).unwrap_or(0);
            }
            matched.then_no = touch.then_no.iter().any(|filter| self.readings.is_true(*filter));
            if matched.is_nothing() {
                continue;
            }
            let id = touch.sequence;
            let key = set.sequence_keys.get(id).and_then(|key| self.view(record, at, true).key(*key));
            let (Some(key), Some(sequence)) = (key, set.hir.sequences.get(id)) else { continue };
            let (Some(tracks), Some(lost)) =
                (self.store.sequences.get_mut(id), self.store.lost_tracks.get_mut(id))
            else {
                continue;
            };
            // Only a first step begins anything.
            if matched.steps & 1 == 0 && tracks.get(key).is_none() {
                continue;
            }
            let track = tracks.entry(key, at, Track::default, |evicted| {
                if !evicted.item.is_empty() {
                    lost.add(evicted.key, 1.0, evicted.at);
                }
            });
            let Some(track) = track else { continue };
            let advanced = track.take(sequence, at, matched, |step| {
                let fields = set.captures.get(id).and_then(|kept| kept.get(step));
                let kept = fields.into_iter().flatten().map(|f| record.get(&set.hir.schema, *f).cloned());
                kept.collect()
            });
            if let Some(held) = advanced.held {
                self.readings.put_held(id, Some(held));
            }
            if let Some((deadline, waiting)) = advanced.waits {
                self.store.timers.arm(Timer { deadline, sequence: id, key, id: waiting });
            }
        }
    }

    /// The readings that the response will need.
    pub(crate) fn keep(&self, _set: &RuleSet, plan: &EventPlan, record: &Record, at: i64) -> Captured {
        let reads = Reads {
            signals: plan.kept_signals.clone(),
            cohorts: plan.kept_cohorts.clone(),
            sequences: plan.kept_sequences.clone(),
            ..Reads::default()
        };
        self.view(record, at, false).capture(&reads)
    }

    /// Evaluates the rules that exempt, whatever their mode, and adds the packages they lift.
    pub(crate) fn exempt(
        &self,
        set: &RuleSet,
        record: &Record,
        at: i64,
        phase: &PhasePlan,
        exempted: &mut Vec<PackageId>,
    ) -> Vec<RuleId> {
        let view = self.view(record, at, false);
        let walker = view.walker();
        let mut found = Vec::new();
        for id in &phase.exempting {
            let Some(rule) = set.hir.rules.get(*id) else { continue };
            let filter = self.filter_of(set, &walker, &view, rule.policy);
            if self.off.get(*id) != Some(&true) && outcome(set, &walker, &view, filter, *id) == Some(true) {
                found.push(*id);
                for package in set.rules.get(*id).into_iter().flat_map(|plan| &plan.exempts) {
                    if !exempted.contains(package) {
                        exempted.push(*package);
                    }
                }
            }
        }
        found
    }

    fn filter_of(
        &self,
        set: &RuleSet,
        walker: &Walker<'_>,
        world: &impl World,
        policy: PolicyId,
    ) -> Option<bool> {
        match set.hir.policies.get(policy)?.filter {
            None => Some(true),
            Some(filter) => walker.truth(filter, world),
        }
    }

    /// Notes which exemptions were true, and which are unknown.
    pub(crate) fn explain_exemptions(&self, set: &RuleSet, sheet: &mut Sheet, found: Vec<RuleId>) {
        let phase = set.events.get(sheet.event).map(|plan| match sheet.phase {
            Phase::Request => &plan.request,
            Phase::Response | Phase::Timer => &plan.response,
        });
        let Some(phase) = phase.filter(|phase| !phase.exempting.is_empty()) else { return };
        let record = Arc::clone(&sheet.record);
        let view = self.view(&record, sheet.at, false);
        let walker = view.walker();
        for id in &phase.exempting {
            let Some(rule) = set.hir.rules.get(*id) else { continue };
            if found.contains(id) {
                sheet.matches.push(matched(set, &walker, &view, &Plan::new(*id, false, true)));
            } else if self.off.get(*id) != Some(&true) {
                let filter = self.filter_of(set, &walker, &view, rule.policy);
                if outcome(set, &walker, &view, filter, *id).is_none() {
                    sheet.unknown.push(*id);
                }
            }
        }
        sheet.exemptions = found;
    }

    /// Evaluates the conditions of caps, and counts actors for shares.
    pub(crate) fn meet_caps(&mut self, set: &RuleSet, sheet: &mut Sheet) {
        if set.caps.is_empty() {
            return;
        }
        let record = Arc::clone(&sheet.record);
        let view = self.view(&record, sheet.at, false);
        let walker = view.walker();
        for cap in &set.caps {
            let (mut bound, mut actor) = (false, None);
            match cap {
                CapPlan::Actions { filter, .. } => {
                    bound = filter.is_none_or(|filter| walker.truth(filter, &view) == Some(true));
                }
                CapPlan::Share { event, actor: key, .. } if *event == sheet.event => actor = view.key(*key),
                CapPlan::Share { .. } => {}
            }
            sheet.caps.push(bound);
            sheet.actors.push(actor);
        }
        sheet.exceeded.resize(set.caps.len(), false);
        let counts = sheet.actors.iter().zip(&mut self.store.shares).zip(&set.caps).zip(&mut sheet.exceeded);
        for (((actor, count), cap), exceeded) in counts {
            if let (Some(actor), Some(count), CapPlan::Share { share, least, .. }) = (actor, count, cap) {
                count.see(*actor, sheet.at);
                *exceeded = !count.admits(*actor, *share, *least);
            }
        }
    }

    /// Lets the entries for the event's keys contribute.
    pub(crate) fn meet_entries(&mut self, set: &RuleSet, plan: &EventPlan, sheet: &mut Sheet) {
        if plan.targets.is_empty() || (self.store.live.is_empty() && self.store.shadow.is_empty()) {
            return;
        }
        let record = Arc::clone(&sheet.record);
        let at = sheet.at;
        let view = self.view(&record, at, false);
        let mut keys: Vec<KeyHash> = Vec::new();
        for target in &plan.targets {
            match target {
                Target::Key(key) => keys.extend(view.key(*key)),
                Target::Slices(cohort) => keys.extend(view.slices(*cohort).iter().map(|(_, key)| *key)),
            }
        }
        let mut met: Vec<(bool, KeyHash, Origin, i64, bool)> = Vec::new();
        for (live, table) in [(true, &self.store.live), (false, &self.store.shadow)] {
            if table.is_empty() {
                continue;
            }
            for key in &keys {
                for entry in table.of(*key, at) {
                    let Some(verdict) = verdict_of(set, entry.origin) else { continue };
                    if verdict.on.is_none_or(|on| on == sheet.event) {
                        met.push((live, *key, entry.origin, entry.until, view.spares(&verdict.sparing)));
                    }
                }
            }
        }
        for (live, hash, origin, until, spared) in met {
            let Some(verdict) = verdict_of(set, origin) else { continue };
            let package = set.package_of(origin.rule);
            let lifted = sheet.exempted.contains(&package) || self.off.get(origin.rule) == Some(&true);
            let table = if live { &mut self.store.live } else { &mut self.store.shadow };
            let fate = if lifted {
                Fate::Lifted
            } else if spared {
                Fate::Spared
            } else if table.meet(hash, origin, at, verdict.renewing) {
                Fate::Applied
            } else {
                Fate::Within
            };
            if fate == Fate::Applied {
                sheet.candidates.push(Candidate {
                    ruling: ruling(verdict, Source::Entry(origin.rule)),
                    package,
                    live,
                    key: verdict.target.clone(),
                });
            }
            sheet.met.push((hash, origin));
            sheet.entries.push(EntryHit {
                rule: origin.rule,
                key: verdict.target.as_ref().map(|key| key.text.clone()).unwrap_or_default(),
                hash,
                verb: verdict.verb,
                until,
                shadow: !live,
                fate,
            });
        }
    }

    /// Whether a rule acts on this event: live, in shadow, or not at all.
    fn acts(&self, set: &RuleSet, view: &View<'_>, id: RuleId) -> Option<bool> {
        if self.off.get(id) == Some(&true) {
            return None;
        }
        let rule = set.hir.rules.get(id)?;
        if self.options.as_enforced
            || self.store.active.get(rule.policy).is_some_and(|until| view.at < *until)
        {
            return Some(true);
        }
        Some(match &rule.mode {
            Mode::Enforce => true,
            Mode::Shadow => false,
            Mode::Canary { .. } => set.rules.get(id).and_then(|plan| plan.canary).is_some_and(|canary| {
                view.key(canary.key).is_some_and(|key| set.hasher.share(canary.domain, key) < canary.share)
            }),
        })
    }

    /// Evaluates the rules of a phase, all of them before any of them acts.
    pub(crate) fn judge(&mut self, set: &RuleSet, phase: &PhasePlan, sheet: &mut Sheet) {
        if phase.policies.is_empty() {
            return;
        }
        let record = Arc::clone(&sheet.record);
        let mut plans: Vec<Plan> = Vec::new();
        {
            let view = self.view(&record, sheet.at, false);
            let walker = view.walker();
            for (policy, rules) in &phase.policies {
                let filter = self.filter_of(set, &walker, &view, *policy);
                match filter {
                    Some(false) => continue,
                    Some(true) => sheet.policies.push(*policy),
                    None => {}
                }
                for id in rules {
                    if self.options.record && filter == Some(true) {
                        self.note(set, &view, sheet, *id);
                    }
                    let truth = outcome(set, &walker, &view, filter, *id);
                    if truth == Some(false) {
                        continue;
                    }
                    let Some(live) = self.acts(set, &view, *id) else { continue };
                    let plan = |unknown| plan_of(set, &view, sheet.event, *id, unknown, live);
                    if truth == Some(true) {
                        let plan = plan(false);
                        sheet.matches.push(matched(set, &walker, &view, &plan));
                        plans.push(plan);
                    } else if sheet.phase != Phase::Timer && filter == Some(true) && asks(set, &view, *id) {
                        sheet.open.push(OpenRule { rule: *id, then: plan(false), if_unknown: plan(true) });
                    } else {
                        sheet.unknown.push(*id);
                        if set.hir.rules.get(*id).is_some_and(|rule| !rule.if_unknown.is_empty()) {
                            let plan = plan(true);
                            sheet.matches.push(matched(set, &walker, &view, &plan));
                            plans.push(plan);
                        }
                    }
                }
            }
        }
        self.act_all(set, sheet, plans);
    }

    /// Notes for explanations what a rule would do if its condition were another.
    fn note(&self, set: &RuleSet, view: &View<'_>, sheet: &mut Sheet, id: RuleId) {
        if self.acts(set, view, id) != Some(true) {
            return;
        }
        sheet.live.push(id);
        let Some(rule) = set.hir.rules.get(id) else { return };
        for (actions, unknown) in [(&rule.then, false), (&rule.if_unknown, true)] {
            for (place, action) in actions.iter().enumerate() {
                if matches!(action, Action::Verdict(verdict) if view.spares(&verdict.sparing)) {
                    sheet.spared.push((id, place as u16, unknown));
                }
            }
        }
    }

    /// Evaluates the rules that waited for models.
    pub(crate) fn judge_open(&mut self, set: &RuleSet, data: &Data, sheet: &mut Sheet, world: &Recorded<'_>) {
        let walker = Walker::new(&set.hir, data);
        let mut plans = Vec::new();
        for open in std::mem::take(&mut sheet.open) {
            let Some(rule) = set.hir.rules.get(open.rule) else { continue };
            let plan = match walker.truth(rule.when, world) {
                Some(false) => continue,
                Some(true) => open.then,
                None => {
                    sheet.unknown.push(open.rule);
                    if rule.if_unknown.is_empty() {
                        continue;
                    }
                    open.if_unknown
                }
            };
            sheet.matches.push(matched(set, &walker, world, &plan));
            plans.push(plan);
        }
        self.act_all(set, sheet, plans);
    }

    fn act_all(&mut self, set: &RuleSet, sheet: &mut Sheet, plans: Vec<Plan>) {
        for plan in plans.iter().filter(|plan| plan.live) {
            for package in &plan.exempts {
                if !sheet.exempted.contains(package) {
                    sheet.exempted.push(*package);
                }
            }
        }
        for plan in plans {
            if !sheet.exempted.contains(&set.package_of(plan.rule)) {
                self.act(set, sheet, plan);
            }
        }
    }

    /// Does what a firing rule does.
    fn act(&mut self, set: &RuleSet, sheet: &mut Sheet, plan: Plan) {
        let (package, at, live) = (set.package_of(plan.rule), sheet.at, plan.live);
        if let Some(rule) = set.hir.rules.get(plan.rule) {
            sheet.score(rule.policy, plan.points, live);
        }
        for ruling in plan.verdicts {
            sheet.candidates.push(Candidate { ruling, package, live, key: None });
        }
        for entry in plan.entries {
            let table = if live { &mut self.store.live } else { &mut self.store.shadow };
            let stops = match entry.hash {
                Some(hash) => {
                    let fresh = table.put(hash, entry.origin, at, entry.duration, entry.throttle);
                    let kind = EffectKind::Entry {
                        key: hash,
                        verb: entry.ruling.verb,
                        until: at.saturating_add(entry.duration),
                        fresh,
                        shadow: !live,
                    };
                    sheet.effects.push(Effect { rule: plan.rule, kind });
                    let met = sheet.met.contains(&(hash, entry.origin));
                    entry.here && !met && table.meet(hash, entry.origin, at, entry.renewing)
                }
                // Without a key there is no bucket, and nothing to be over.
                None => entry.here && entry.ruling.verb != Verb::Throttle,
            };
            if stops {
                sheet.candidates.push(Candidate {
                    ruling: entry.ruling,
                    package,
                    live,
                    key: Some(entry.key),
                });
            }
        }
        if !live {
            return;
        }
        for kind in plan.effects {
            match &kind {
                EffectKind::Tagged { key, tag, until } => {
                    self.store.tags.put(*key, *tag, at, until.saturating_sub(at));
                }
                EffectKind::Activated(target, until) => {
                    for (id, policy) in set.hir.policies.iter() {
                        let of_policy = target
                            .strip_prefix(policy.package.as_str())
                            .and_then(|rest| rest.strip_prefix('.'));
                        if (policy.package == *target || of_policy == Some(policy.name.as_str()))
                            && let Some(active) = self.store.active.get_mut(id)
                        {
                            *active = until.max(active).to_owned();
                        }
                    }
                }
                _ => {}
            }
            sheet.effects.push(Effect { rule: plan.rule, kind });
        }
    }

    /// A terminal absence is due: the captured fields of the last step stand for its event.
    pub(crate) fn deadline(&mut self, timer: Timer) -> Option<EventDecision> {
        let set = Arc::clone(&self.set);
        let held = self.store.sequences.get_mut(timer.sequence)?.get_mut(timer.key)?.due(timer.id)?;
        let phase = set.deadlines.get(timer.sequence)?;
        if phase.policies.is_empty() {
            return None;
        }
        let last = set.hir.sequences.get(timer.sequence)?.steps.last()?;
        let fields = set.captures.get(timer.sequence)?.last()?;
        let mut record = Record::empty(&set.hir.schema, last.event);
        for (field, value) in fields.iter().zip(held.marks.last()?.captures.iter()) {
            if let Some(value) = value {
                // It has been in a record of this event before.
                let _ = record.set(&set.hir.schema, *field, value.clone());
            }
        }
        let record = Arc::new(record);
        self.readings.begin();
        self.readings.put_held(timer.sequence, Some(held));
        let mut sheet = Sheet::new(Arc::clone(&record), timer.deadline, Phase::Timer);
        self.judge(&set, phase, &mut sheet);
        let view = self.view(&record, timer.deadline, false);
        if self.options.record {
            sheet.look = Some(view.look(&record, &phase.asks));
        }
        let scores = scores(&set, &self.data, &sheet, &view);
        Some(settle(&set, &mut self.store, sheet, scores, self.options.record))
    }
}

/// Whether a rule that is unknown could become known by asking a model: one of its calls has all its inputs.
fn asks(set: &RuleSet, view: &View<'_>, rule: RuleId) -> bool {
    set.rules.get(rule).is_some_and(|plan| plan.calls.iter().any(|call| view.inputs(*call).is_some()))
}

impl Plan {
    fn new(rule: RuleId, unknown: bool, live: bool) -> Self {
        Self {
            rule,
            unknown,
            live,
            points: 0,
            exempts: Vec::new(),
            verdicts: Vec::new(),
            entries: Vec::new(),
            effects: Vec::new(),
            keys: Vec::new(),
            action: None,
        }
    }

    fn key(&mut self, view: &View<'_>, key: &Key) -> Option<KeyHash> {
        let hash = view.set.keys.find(key).and_then(|id| view.key(id));
        if !self.keys.iter().any(|(text, _)| *text == key.text) {
            self.keys.push((key.text.clone(), hash));
        }
        hash
    }
}

/// Works out what a rule would do, with the event at hand.
fn plan_of(set: &RuleSet, view: &View<'_>, event: EventId, id: RuleId, unknown: bool, live: bool) -> Plan {
    let mut plan = Plan::new(id, unknown, live);
    let Some(rule) = set.hir.rules.get(id) else { return plan };
    let source = if unknown { Source::Unknown(id) } else { Source::Rule(id) };
    let here = rule.phase == Phase::Request;
    let until = |duration: i64| view.at.saturating_add(duration);
    let actions = if unknown { &rule.if_unknown } else { &rule.then };
    for (place, action) in actions.iter().enumerate() {
        match action {
            Action::Score(points) => plan.points = plan.points.saturating_add(*points),
            Action::Exempt(_) => {
                plan.exempts = set.rules.get(id).map(|plan| plan.exempts.clone()).unwrap_or_default()
            }
            Action::Verdict(verdict) => {
                plan.action = plan.action.max(Some(verdict.verb));
                let touches =
                    here && verdict.on.is_none_or(|on| on == event) && !view.spares(&verdict.sparing);
                match (&verdict.target, verdict.duration) {
                    (Some(key), Some(duration)) => {
                        let hash = plan.key(view, key);
                        plan.entries.push(PlannedEntry {
                            key: key.clone(),
                            hash,
                            origin: Origin { rule: id, action: place as u16, unknown },
                            duration: duration.ms,
                            throttle: throttle(set, view, verdict),
                            renewing: verdict.renewing,
                            ruling: ruling(verdict, source),
                            here: touches,
                        });
                    }
                    _ if touches => plan.verdicts.push(ruling(verdict, source)),
                    _ => {}
                }
            }
            Action::Hold { queue, within, otherwise, status } => {
                plan.action = plan.action.max(Some(Verb::Hold));
                if here {
                    let hold = Some((*queue, within.ms, *otherwise, *status));
                    plan.verdicts.push(Ruling { hold, ..Ruling::plain(Verb::Hold, source) });
                }
            }
            Action::Tag { key, tag, duration } => {
                if let Some(key) = plan.key(view, key) {
                    plan.effects.push(EffectKind::Tagged { key, tag: *tag, until: until(duration.ms) });
                }
            }
            Action::Aside(aside, queue) => plan.effects.push(EffectKind::Told(*aside, *queue)),
            Action::Revoke(key) => {
                let key = plan.key(view, key);
                plan.effects.extend(key.map(EffectKind::Revoked));
            }
            Action::LockPassword(key) => {
                let key = plan.key(view, key);
                plan.effects.extend(key.map(EffectKind::PasswordLocked));
            }
            Action::Activate { target, duration } => {
                plan.effects.push(EffectKind::Activated(target.clone(), until(duration.ms)));
            }
            Action::Mask(field) => plan.effects.push(EffectKind::Masked(*field)),
        }
    }
    plan
}

/// The bucket of a throttle: as many at once as its rate says, then one whenever one has leaked away.
fn throttle(set: &RuleSet, view: &View<'_>, verdict: &Verdict) -> Option<(crate::state::Pace, u32)> {
    if verdict.verb != Verb::Throttle {
        return None;
    }
    let (count, per) = match &verdict.to {
        Some(To::Rate(rate)) => (rate.count, rate.per),
        Some(To::Usual) => {
            let cohort = verdict.target.as_ref()?.parts.iter().find_map(|part| match part {
                weir_compiler::hir::KeyPart::Cohort(cohort) => Some(*cohort),
                _ => None,
            })?;
            let usual = view.surplus(cohort)??.usual;
            (
                usual.round().clamp(1.0, f64::from(u32::MAX)) as u64,
                set.hir.cohorts.get(cohort)?.window.span.ms,
            )
        }
        _ => return None,
    };
    Some((pace(count, per)?, u32::try_from(count).unwrap_or(u32::MAX)))
}

/// The record of a firing: why, with which values.
fn matched(set: &RuleSet, walker: &Walker<'_>, world: &impl World, plan: &Plan) -> Match {
    let mut values = Vec::new();
    let mut because = String::new();
    if let (Some(rule), Some(reads)) = (set.hir.rules.get(plan.rule), set.rules.get(plan.rule)) {
        let hidden = |id| !set.reveal && privacy::is_personal(&set.hir, id);
        because = walker
            .text(&rule.because, world, |id, value, ty| privacy::shown(&set.hasher, value, ty, hidden(id)));
        let reads = &reads.condition;
        for id in &reads.signals {
            if let Some(signal) = set.hir.signals.get(*id) {
                let personal = privacy::is_personal_signal(&set.hir, *id);
                values.push(shown(&signal.name, world.signal(*id), &signal.ty, personal));
            }
        }
        for id in &reads.fields {
            if let Some(field) = set.hir.schema.fields.get(*id) {
                let value = world.field(*id).map(std::borrow::Cow::into_owned);
                values.push(shown(&field.name, value, &field.ty, field.personal));
            }
        }
        for id in &reads.calls {
            let call = set.hir.calls.get(*id);
            if let Some(model) = call.and_then(|call| set.hir.declarations.models.get(call.model)) {
                values.push(shown(&model.named.name, world.call(*id), &model.output, false));
            }
        }
    }
    Match {
        rule: plan.rule,
        acting: if plan.live { Acting::Live } else { Acting::Shadow },
        unknown: plan.unknown,
        action: plan.action,
        because,
        values,
        keys: plan.keys.clone(),
    }
}

fn shown(name: &SmolStr, value: Option<weir_compiler::value::Value>, ty: &Type, personal: bool) -> Shown {
    Shown { name: name.clone(), value, ty: ty.clone(), personal }
}
