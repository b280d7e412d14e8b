//! What is done with one event in one phase: counted, met by entries, judged by rules.

use std::sync::Arc;

use weir_compiler::data::Data;
use weir_compiler::evaluate::Evaluator;
use weir_compiler::hir::{Action, Mode, Phase, Verb};
use weir_compiler::ids::*;
use weir_compiler::walk::World;

use crate::control::Halt;
use crate::decision::{Effect, EffectKind, EntryHit, EventDecision, Fate, Source};
use crate::engine::Engine;
use crate::evidence::Put;
use crate::keyhash::KeyHash;
use crate::names::{Origin, Place};
use crate::plan::{OpenRule, Plan, asks, matched, plan_of, ruling, verdict_of};
use crate::record::Record;
use crate::recording::Recorded;
use crate::resolve::{Candidate, Sheet, scores, settle};
use crate::ruleset::{CapPlan, EventPlan, PackageId, PhasePlan, RuleSet, Target};
use crate::screen::Says;
use crate::timers::Timer;
use crate::view::View;

/// The rules that exempt, as they were found for an event in a phase.
#[derive(Clone, Debug, Default)]
pub(crate) struct Exemptions {
    /// Those that are true.
    pub(crate) found: Vec<RuleId>,
    /// Those that are unknown.
    pub(crate) unknown: Vec<RuleId>,
}

/// What a rule's condition and its policy's filter say together: unknown when the filter is.
fn outcome(
    set: &RuleSet,
    walker: &Evaluator<'_>,
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

    /// A sheet for an event, with what stands over the rules.
    pub(crate) fn sheet(&mut self, set: &RuleSet, record: &Record, at: i64, phase: Phase) -> Box<Sheet> {
        let mut sheet = match self.spare.take() {
            Some(mut sheet) => {
                sheet.begin(record.clone(), at, phase);
                sheet
            }
            None => Box::new(Sheet::new(record.clone(), at, phase)),
        };
        sheet.panic = self.control.panics().is_some();
        sheet.full = self.full_queues(set);
        if self.options.record {
            sheet.standing = self.control.standing(set, sheet.event, at);
        }
        sheet
    }

    /// Evaluates the rules that exempt, whatever their mode, and adds the packages they lift.
    pub(crate) fn exempt(
        &self,
        set: &RuleSet,
        record: &Record,
        at: i64,
        phase: &PhasePlan,
        exempted: &mut Vec<PackageId>,
    ) -> Exemptions {
        let view = self.view(record, at, false);
        let walker = view.walker();
        let mut seen = Exemptions::default();
        for id in &phase.exempting {
            let Some(rule) = set.hir.rules.get(*id) else { continue };
            if self.control.halt(set, *id) == Halt::Off {
                continue;
            }
            let filter = self.filter_of(set, &walker, &view, rule.policy);
            match outcome(set, &walker, &view, filter, *id) {
                Some(true) => {
                    seen.found.push(*id);
                    for package in set.rules.get(*id).into_iter().flat_map(|plan| &plan.exempts) {
                        if !exempted.contains(package) {
                            exempted.push(*package);
                        }
                    }
                }
                None => seen.unknown.push(*id),
                Some(false) => {}
            }
        }
        seen
    }

    pub(crate) fn filter_of(
        &self,
        set: &RuleSet,
        walker: &Evaluator<'_>,
        world: &impl World,
        policy: PolicyId,
    ) -> Option<bool> {
        match set.hir.policies.get(policy)?.filter {
            None => Some(true),
            Some(filter) => walker.truth(filter, world),
        }
    }

    /// Notes which exemptions were true, and which are unknown. They ask no state, so they are what they were.
    pub(crate) fn explain_exemptions(&self, set: &RuleSet, sheet: &mut Sheet, seen: Exemptions) {
        let phase = set.events.get(sheet.event).map(|plan| match sheet.phase {
            Phase::Request => &plan.request,
            Phase::Response | Phase::Timer => &plan.response,
        });
        let Some(phase) = phase.filter(|phase| !phase.exempting.is_empty()) else { return };
        let Exemptions { found, mut unknown } = seen;
        if !found.is_empty() {
            let record = sheet.record.clone();
            let view = self.view(&record, sheet.at, false);
            let walker = view.walker();
            let noted = found.iter().filter(|id| phase.exempting.contains(id));
            sheet.matches.extend(noted.map(|id| matched(set, &walker, &view, &Plan::new(*id, false, true))));
        }
        unknown.retain(|id| self.control.halt(set, *id) != Halt::Off);
        sheet.unknown = unknown;
        sheet.exemptions = found;
    }

    /// Evaluates the conditions of caps, and counts actors for shares.
    pub(crate) fn meet_caps(&mut self, set: &RuleSet, record: &Record, sheet: &mut Sheet) {
        if set.caps.is_empty() {
            return;
        }
        let view = self.view(record, sheet.at, false);
        let walker = view.walker();
        for cap in set.caps.iter() {
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
        let counts =
            sheet.actors.iter().zip(&mut self.store.shares).zip(set.caps.iter()).zip(&mut sheet.exceeded);
        for (((actor, count), cap), exceeded) in counts {
            if let (Some(actor), Some(count), CapPlan::Share { share, least, .. }) = (actor, count, cap) {
                count.see(*actor, sheet.at);
                *exceeded = !count.admits(*actor, *share, *least);
            }
        }
    }

    /// Lets the entries for the event's keys contribute.
    pub(crate) fn meet_entries(
        &mut self,
        set: &RuleSet,
        plan: &EventPlan,
        record: &Record,
        sheet: &mut Sheet,
    ) {
        if plan.targets.is_empty() || (self.store.live.is_empty() && self.store.shadow.is_empty()) {
            return;
        }
        let at = sheet.at;
        let mut keys = std::mem::take(&mut self.scratch.keys);
        let view = self.view(record, at, false);
        for target in &plan.targets {
            match target {
                Target::Key(key) => keys.extend(view.key(*key)),
                Target::Slices(cohort) => keys.extend(view.slices(*cohort).iter().map(|(_, key)| *key)),
            }
        }
        let mut met: Vec<(bool, KeyHash, Origin, Place, i64, bool)> = Vec::new();
        for (live, table) in [(true, &self.store.live), (false, &self.store.shadow)] {
            if table.is_empty() {
                continue;
            }
            for key in &keys {
                for entry in table.of(*key, at) {
                    // An entry whose action the rule set has no more waits for its end.
                    let Some(place) = set.names.place(entry.origin) else { continue };
                    let Some(verdict) = verdict_of(set, place) else { continue };
                    if verdict.on.is_none_or(|on| on == sheet.event) {
                        let spared = view.spares(&verdict.sparing);
                        met.push((live, *key, entry.origin, place, entry.until, spared));
                    }
                }
            }
        }
        keys.clear();
        self.scratch.keys = keys;
        for (live, hash, origin, place, until, spared) in met {
            let Some(verdict) = verdict_of(set, place) else { continue };
            let package = set.package_of(place.rule);
            let lifted = sheet.exempted.contains(&package)
                || sheet.panic
                || self.control.halt(set, place.rule) != Halt::No;
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
                    ruling: ruling(verdict, Source::Entry(place.rule)),
                    package,
                    live,
                    key: verdict.target.clone(),
                });
            }
            sheet.met.push((hash, origin));
            sheet.entries.push(EntryHit {
                rule: place.rule,
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
    pub(crate) fn acts(&self, set: &RuleSet, view: &View<'_>, id: RuleId) -> Option<bool> {
        match self.control.halt(set, id) {
            Halt::Off => return None,
            Halt::Suspended => return Some(false),
            Halt::No if self.control.panics().is_some() => return Some(false),
            Halt::No => {}
        }
        let rule = set.hir.rules.get(id)?;
        if self.options.as_enforced || self.control.is_active(set, rule.policy, view.at) {
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
    pub(crate) fn judge(&mut self, set: &RuleSet, phase: &PhasePlan, record: &Record, sheet: &mut Sheet) {
        self.begin_notes(phase, sheet);
        if phase.policies.is_empty() {
            return;
        }
        let mut plans: Vec<Plan> = Vec::new();
        let event = sheet.event;
        self.screening.begin(&self.screens, (set, &self.data), phase, record, sheet.at);
        let mut rules = std::mem::take(&mut self.scratch.rules);
        {
            let screens = &self.screens;
            let view = self.view(record, sheet.at, false);
            let walker = view.walker();
            for (nth, (policy, members)) in phase.policies.iter().enumerate() {
                let says = self.screening.filter(screens, event, phase, nth);
                let filter = says.truth(|| self.filter_of(set, &walker, &view, *policy));
                match filter {
                    Some(false) => continue,
                    Some(true) => {
                        sheet.policies.push(*policy);
                        self.screening.rules(screens, event, phase, nth, self.options.record, &mut rules);
                    }
                    None => {
                        rules.clear();
                        rules.extend(members.iter().map(|id| (*id, Says::Unknown)));
                    }
                }
                for (id, says) in &rules {
                    if self.options.record {
                        self.note(set, &view, sheet, *id, filter);
                    }
                    let open =
                        sheet.phase != Phase::Timer && *says == Says::Open && asks(set, &walker, &view, *id);
                    if open && let Some(notes) = &mut sheet.notes {
                        notes.open.push(*id);
                    }
                    let evaluate = || if open { None } else { outcome(set, &walker, &view, filter, *id) };
                    let truth = says.truth(evaluate);
                    if truth == Some(false) {
                        continue;
                    }
                    let Some(live) = self.acts(set, &view, *id) else { continue };
                    let plan = |unknown| plan_of(set, &view, sheet.event, *id, unknown, live);
                    if truth == Some(true) {
                        let plan = plan(false);
                        sheet.matches.push(matched(set, &walker, &view, &plan));
                        plans.push(plan);
                    } else if open {
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
            // What models answer is judged by what rules see now, before any of them acts.
            if !sheet.open.is_empty() && sheet.look.is_none() {
                sheet.look = Some(view.look(record, &phase.asks));
            }
        }
        rules.clear();
        self.scratch.rules = rules;
        self.act_all(set, sheet, plans);
    }

    /// Notes for explanations what a rule would do if its condition were another.
    fn note(&self, set: &RuleSet, view: &View<'_>, sheet: &mut Sheet, id: RuleId, filter: Option<bool>) {
        let acts = self.acts(set, view, id);
        sheet.notes.iter_mut().for_each(|notes| notes.acts.push((id, acts)));
        if acts.is_none() {
            return;
        }
        if acts == Some(true) && filter == Some(true) {
            sheet.live.push(id);
        }
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
        let walker = set.evaluator(data);
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
            if live && plan.points > 0 {
                sheet.scorers.push((rule.policy, plan.rule));
            }
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
                    let stops = entry.here && !met && table.meet(hash, entry.origin, at, entry.renewing);
                    sheet
                        .notes
                        .iter_mut()
                        .for_each(|notes| notes.puts.push(Put { origin: entry.origin, fresh, stops }));
                    stops
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
                    if let Some(tag) = set.names.tag(*tag) {
                        self.store.tags.put(*key, tag, at, until.saturating_sub(at));
                    }
                }
                EffectKind::Activated(target, until) => {
                    self.control.activate(set, target, plan.rule, at, *until);
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
        self.readings.begin();
        self.readings.put_held(timer.sequence, Some(held));
        let mut sheet = self.sheet(&set, &record, timer.deadline, Phase::Timer);
        self.judge(&set, phase, &record, &mut sheet);
        let view = self.view(&record, timer.deadline, false);
        let scores = scores(&set, &self.data, &sheet, &view);
        let decision = settle(&set, &mut self.store, &mut sheet, scores, self.options.record);
        self.spare = Some(sheet);
        Some(decision)
    }
}
