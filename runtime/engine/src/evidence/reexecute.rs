//! A decision made again from its record: no state, no list, no secret.
//!
//! The order is the engine's own (`judge.rs`, `resolve.rs`); what those ask of state is read from the record here.

use weir_compiler::evaluate::Evaluator;
use weir_compiler::hir::{Phase, Verb, Verdict};
use weir_compiler::ids::*;

use super::look::LookRecord;
use super::notes::{Judged, Put};
use crate::decision::{Effect, EffectKind, EntryHit, EventDecision, Fate, Source};
use crate::keyhash::KeyHash;
use crate::names::Place;
use crate::plan::{Means, Plan, matched, plan_of, ruling, verdict_of};
use crate::recording::Recorded;
use crate::resolve::{Candidate, Sheet, bounded, decision_of, lower, scores, send_on};
use crate::ruleset::{PhasePlan, RuleSet};
use crate::state::Pace;
use crate::wire::Error;

/// What planning asks, from the record.
struct Recalled<'a>(&'a LookRecord);

impl Means for Recalled<'_> {
    fn at(&self) -> i64 {
        self.0.look.at
    }

    fn hash(&self, rule: RuleId, key: &weir_compiler::hir::Key) -> Option<KeyHash> {
        self.0.keys.iter().find(|(of, text, _)| *of == rule && *text == key.text)?.2
    }

    fn spares(&self, place: Place, _: &[weir_compiler::hir::Spared]) -> bool {
        self.0.spared.contains(&(place.rule, place.action, place.unknown))
    }

    fn bucket(&self, _: &Verdict) -> Option<(Pace, u32)> {
        None
    }
}

/// The plan that a look was judged by.
fn plan<'a>(set: &'a RuleSet, record: &LookRecord) -> Option<&'a PhasePlan> {
    match record.notes.judged {
        Judged::Request => set.events.get(record.event).map(|plan| &plan.request),
        Judged::Response => set.events.get(record.event).map(|plan| &plan.response),
        Judged::Deadline(sequence) => set.deadlines.get(sequence),
    }
}

/// Decides over one event again.
///
/// # Errors
/// When the record does not fit its rule set.
pub(super) fn look(set: &RuleSet, record: LookRecord) -> Result<EventDecision, Error> {
    let phase = plan(set, &record).ok_or(Error::Damaged("an event that no rule looks at"))?;
    // What is settled or assumed is known to the walker alone.
    let walker = Evaluator::new(&set.hir, &record.notes.data, None);
    let assumed = record.look.assumed.is_some() || record.changed;
    let world = Recorded { set, look: &record.look };
    let mut sheet = Sheet::new(record.look.record.clone(), record.look.at, record.phase);
    sheet.event = record.event;
    sheet.panic = record.panic;
    sheet.full.clone_from(&record.full);
    sheet.standing.clone_from(&record.standing);
    for name in &record.inherited {
        let policy = set.hir.policies.iter().find(|(_, policy)| policy.package == *name);
        let package = policy.and_then(|(id, _)| set.policies.get(id)).map(|plan| plan.package);
        sheet.exempted.push(package.ok_or(Error::Damaged("a package that the rule set does not have"))?);
    }
    let filter_of = |policy: PolicyId| match set.hir.policies.get(policy)?.filter {
        None => Some(true),
        Some(filter) => walker.truth(filter, &world),
    };
    let outcome = |rule: RuleId| {
        let rule = set.hir.rules.get(rule)?;
        match filter_of(rule.policy) {
            Some(true) => walker.truth(rule.when, &world),
            other => other,
        }
    };

    // Exemptions, as `explain_exemptions` notes them.
    let exempting = set.events.get(record.event).map(|plan| match record.phase {
        Phase::Request => &plan.request.exempting,
        Phase::Response | Phase::Timer => &plan.response.exempting,
    });
    for id in exempting.into_iter().flatten().filter(|_| record.phase != Phase::Timer) {
        if record.exemptions.contains(id) {
            if outcome(*id) != Some(true) {
                return Err(Error::Damaged("an exemption that does not hold"));
            }
            sheet.matches.push(matched(set, &walker, &world, &Plan::new(*id, false, true)));
        } else if !record.notes.off.contains(id) && outcome(*id).is_none() {
            sheet.unknown.push(*id);
        }
    }
    sheet.exemptions.clone_from(&record.exemptions);
    sheet.caps.clone_from(&record.caps);
    sheet.exceeded.clone_from(&record.exceeded);
    meet_entries(set, &record, &mut sheet)?;

    // Rules, all of them before any of them acts.
    let means = Recalled(&record);
    let mut plans: Vec<Plan> = Vec::new();
    let mut open: Vec<(RuleId, bool)> = Vec::new();
    for (policy, rules) in &phase.policies {
        let filter = filter_of(*policy);
        match filter {
            Some(false) => continue,
            Some(true) => sheet.policies.push(*policy),
            None => {}
        }
        for id in rules {
            let acts = record.notes.acts.iter().find(|(known, _)| known == id);
            let acts = acts.ok_or(Error::Damaged("it does not say whether a rule acts"))?.1;
            let asks = record.notes.open.contains(id);
            let truth = match (asks, filter) {
                (true, _) => None,
                (false, Some(true)) => {
                    set.hir.rules.get(*id).and_then(|rule| walker.truth(rule.when, &world))
                }
                (false, other) => other,
            };
            let (false, Some(live)) = (truth == Some(false), acts) else { continue };
            if filter == Some(true) && live {
                sheet.live.push(*id);
            }
            if asks {
                open.push((*id, live));
                continue;
            }
            let unknown = truth.is_none();
            if unknown {
                sheet.unknown.push(*id);
                if set.hir.rules.get(*id).is_none_or(|rule| rule.if_unknown.is_empty()) {
                    continue;
                }
            }
            let plan = plan_of(set, &means, sheet.event, *id, unknown, live);
            sheet.matches.push(matched(set, &walker, &world, &plan));
            plans.push(plan);
        }
    }
    // Rules that act live are noted whether they fired or not.
    sheet.live = live_rules(&record, phase, filter_of);
    sheet.spared.clone_from(&record.spared);
    let mut puts = record.notes.puts.iter();
    act_all(set, &mut sheet, plans, &mut puts, assumed.then_some(&record.notes.puts))?;

    // Rules that waited for models, with what came of their calls.
    if !open.is_empty() {
        let mut plans = Vec::new();
        for (id, live) in open {
            let Some(rule) = set.hir.rules.get(id) else { continue };
            let unknown = match walker.truth(rule.when, &world) {
                Some(false) => continue,
                Some(true) => false,
                None => {
                    sheet.unknown.push(id);
                    if rule.if_unknown.is_empty() {
                        continue;
                    }
                    true
                }
            };
            let plan = plan_of(set, &means, sheet.event, id, unknown, live);
            sheet.matches.push(matched(set, &walker, &world, &plan));
            plans.push(plan);
        }
        act_all(set, &mut sheet, plans, &mut puts, assumed.then_some(&record.notes.puts))?;
    }
    if !assumed && puts.next().is_some() {
        return Err(Error::Damaged("an entry that no rule puts"));
    }
    let scores = scores(set, &record.notes.data, &sheet, &world);
    sheet.candidates.extend(scores.candidates.iter().cloned());
    Ok(settle(set, sheet, (scores.live, scores.shadow), record))
}

/// The rules that acted live and whose policy looked, in the order in which they were noted.
fn live_rules(
    record: &LookRecord,
    phase: &PhasePlan,
    filter_of: impl Fn(PolicyId) -> Option<bool>,
) -> Vec<RuleId> {
    let mut live = Vec::new();
    for (policy, rules) in &phase.policies {
        if filter_of(*policy) == Some(true) {
            live.extend(rules.iter().filter(|id| record.notes.acts.contains(&(**id, Some(true)))));
        }
    }
    live
}

fn meet_entries(set: &RuleSet, record: &LookRecord, sheet: &mut Sheet) -> Result<(), Error> {
    for met in &record.entries {
        let place = set.names.place(met.origin);
        let found = place.and_then(|place| Some((place, verdict_of(set, place)?)));
        let (place, verdict) = found.ok_or(Error::Damaged("an entry of no rule"))?;
        if met.fate == Fate::Applied {
            sheet.candidates.push(Candidate {
                ruling: ruling(verdict, Source::Entry(place.rule)),
                package: set.package_of(place.rule),
                live: !met.shadow,
                key: verdict.target.clone(),
            });
        }
        sheet.met.push((met.hash, met.origin));
        sheet.entries.push(EntryHit {
            rule: place.rule,
            key: verdict.target.as_ref().map(|key| key.text.clone()).unwrap_or_default(),
            hash: met.hash,
            verb: verdict.verb,
            until: met.until,
            shadow: met.shadow,
            fate: met.fate,
        });
    }
    Ok(())
}

type Puts<'a> = std::slice::Iter<'a, Put>;

fn act_all(
    set: &RuleSet,
    sheet: &mut Sheet,
    plans: Vec<Plan>,
    puts: &mut Puts<'_>,
    assumed: Option<&Vec<Put>>,
) -> Result<(), Error> {
    for plan in plans.iter().filter(|plan| plan.live) {
        for package in &plan.exempts {
            if !sheet.exempted.contains(package) {
                sheet.exempted.push(*package);
            }
        }
    }
    for plan in plans {
        if !sheet.exempted.contains(&set.package_of(plan.rule)) {
            act(set, sheet, plan, puts, assumed)?;
        }
    }
    Ok(())
}

fn act(
    set: &RuleSet,
    sheet: &mut Sheet,
    plan: Plan,
    puts: &mut Puts<'_>,
    assumed: Option<&Vec<Put>>,
) -> Result<(), Error> {
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
        let known = match assumed {
            Some(known) => known.iter().find(|put| put.origin == entry.origin),
            None if entry.hash.is_some() => {
                let next = puts.next().filter(|put| put.origin == entry.origin);
                Some(next.ok_or(Error::Damaged("it does not say what became of an entry"))?)
            }
            None => None,
        };
        let stops = match (entry.hash, known) {
            (Some(key), Some(put)) => {
                let until = at.saturating_add(entry.duration);
                let kind = EffectKind::Entry {
                    key,
                    verb: entry.ruling.verb,
                    until,
                    fresh: put.fresh,
                    shadow: !live,
                };
                sheet.effects.push(Effect { rule: plan.rule, kind });
                // An entry that was met before, or does not touch the event, stops nothing now.
                put.stops && entry.here && !sheet.met.contains(&(key, entry.origin))
            }
            // A fresh bucket lets the event pass.
            _ => entry.here && entry.ruling.verb != Verb::Throttle,
        };
        if stops {
            sheet.candidates.push(Candidate { ruling: entry.ruling, package, live, key: Some(entry.key) });
        }
    }
    if live {
        sheet.effects.extend(plan.effects.into_iter().map(|kind| Effect { rule: plan.rule, kind }));
    }
    Ok(())
}

/// Exemptions, caps and decoys, as the record has them.
fn settle(set: &RuleSet, mut sheet: Sheet, scores: (i32, i32), record: LookRecord) -> EventDecision {
    send_on(&mut sheet);
    let exceeded = sheet.exceeded.clone();
    let resolve =
        |sheet: &Sheet| bounded(set, sheet, &sheet.candidates, |cap| exceeded.get(cap) == Some(&true));
    let mut found = resolve(&sheet);
    for refused in &record.notes.refused {
        let (Verb::Deceive, Some(id)) = (found.verdict.verb, found.verdict.decoy) else { break };
        let Some(decoy) = set.hir.declarations.decoys.get(id).filter(|_| id == *refused) else { break };
        for candidate in sheet.candidates.iter_mut().filter(|c| c.live && c.ruling.decoy == Some(id)) {
            lower(&mut candidate.ruling, decoy.otherwise);
        }
        found = resolve(&sheet);
    }
    let LookRecord { look, notes, after, .. } = record;
    sheet.look = Some(look);
    sheet.notes = Some(Box::new(notes));
    let mut decision = decision_of(set, &mut sheet, found, scores, true);
    decision.effects.extend(after);
    decision
}
