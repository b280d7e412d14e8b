//! Why a decision is as it is, and what would have made it another.
//!
//! An explanation is made of what the decision has recorded; state is not asked again. So it can be made at any
//! time later, and says what was true then.

use smol_str::SmolStr;
use weir_compiler::arith;
use weir_compiler::data::Data;
use weir_compiler::hir::{Action, CapKind, CompareOp, ExprKind, Key, Phase, Verb};
use weir_compiler::ids::*;
use weir_compiler::show::{NOT_KNOWN, show};
use weir_compiler::types::Type;
use weir_compiler::value::Value;
use weir_compiler::walk::{Walker, World};
use weir_dsl::FileSpan;

use crate::decision::{Decision, EventDecision, Fate, Source};
use crate::engine::Engine;
use crate::evidence::verdict_if;
use crate::plan::ruling;
use crate::print;
use crate::privacy;
use crate::reads::children;
use crate::recording::{Look, Recorded};
use crate::resolve::{Candidate, Sheet, bounded, scores};
use crate::ruleset::RuleSet;

/// The most changes that are run in search of the nearest.
const TRIED: usize = 64;

/// The whole trace of a decision.
#[derive(Clone, Debug)]
pub struct Explanation {
    /// Each look at an event, deadlines first.
    pub looks: Vec<LookTrace>,
}

/// The trace of one look at an event.
#[derive(Clone, Debug)]
pub struct LookTrace {
    /// The event's name.
    pub event: SmolStr,
    /// Its time, or the deadline.
    pub at: i64,
    /// In which phase.
    pub phase: Phase,
    /// Every rule that looked at the event, in the order of the rule set.
    pub rules: Vec<RuleTrace>,
    /// What happened in the order of resolution.
    pub resolution: Vec<Resolution>,
    /// The verdict.
    pub verdict: Verb,
    /// The smallest change of one condition that would have changed the verdict; without one if there is none, or
    /// it is not the request's.
    pub nearest: Option<Counterfactual>,
}

/// The trace of a rule.
#[derive(Clone, Debug)]
pub struct RuleTrace {
    /// Which.
    pub rule: RuleId,
    /// Its full name.
    pub name: SmolStr,
    /// What its condition was.
    pub outcome: Option<bool>,
    /// The filter of its policy, if it has one.
    pub filter: Option<Trace>,
    /// Its condition.
    pub condition: Trace,
}

/// The trace of an expression.
#[derive(Clone, Debug)]
pub struct Trace {
    /// The expression, in the language's words.
    pub text: String,
    /// Where it is written.
    pub at: FileSpan,
    /// Its value, printed; `not known` where it is unknown. Personal values are printed as a keyed hash.
    pub value: String,
    /// It is unknown.
    pub unknown: bool,
    /// Why it is unknown.
    pub why: Option<String>,
    /// The bounds of a reading that is not exact.
    pub interval: Option<(f64, f64)>,
    /// Its operands, as far as they matter.
    pub operands: Vec<Trace>,
}

/// A step of the resolution.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Resolution {
    /// Which step.
    pub stage: Stage,
    /// What happened.
    pub text: String,
}

/// The steps of the resolution, in order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Stage {
    /// Caps that bound, and rules that were switched off.
    Caps,
    /// Exemptions.
    Exemptions,
    /// Entries of the enforcement table.
    Entries,
    /// Rules.
    Rules,
    /// Scores.
    Scores,
    /// The verdict.
    Verdict,
}

/// A change of one condition that would have changed the verdict.
#[derive(Clone, Debug)]
pub struct Counterfactual {
    /// The rule.
    pub rule: RuleId,
    /// Its full name.
    pub name: SmolStr,
    /// The condition.
    pub condition: String,
    /// Where it is written.
    pub at: FileSpan,
    /// What would have to be.
    pub change: String,
    /// The verdict then.
    pub verdict: Verb,
    /// How far away: the gap between two numbers relative to the larger; 1 for what is no comparison of numbers.
    pub distance: f64,
}

impl Engine {
    /// Explains a decision that this engine, or one with the same rule set, has made with [`crate::Options::record`].
    /// Looks without a recording are left out.
    pub fn explain(&self, decision: &Decision) -> Explanation {
        explain(&self.set, decision)
    }
}

/// Explains a decision from what it has recorded.
pub(crate) fn explain(set: &RuleSet, decision: &Decision) -> Explanation {
    Explanation { looks: decision.looks().filter_map(|look| explain_look(set, look)).collect() }
}

fn explain_look(set: &RuleSet, decision: &EventDecision) -> Option<LookTrace> {
    let sheet = decision.sheet.as_deref()?;
    let look = sheet.look.as_ref()?;
    let data = &sheet.notes.as_deref()?.data;
    let tracer = Tracer { set, data, look };
    let mut rules = Vec::new();
    for (id, rule) in set.hir.rules.iter() {
        let Some(policy) = set.hir.policies.get(rule.policy) else { continue };
        if rule.phase != decision.phase || !policy.events.contains(&decision.event) {
            continue;
        }
        let filter = policy.filter.map(|filter| tracer.trace(filter));
        let truth = |expr| tracer.walker().truth(expr, &tracer.world());
        let outcome = match policy.filter.map_or(Some(true), truth) {
            Some(true) => truth(rule.when),
            other => other,
        };
        let condition = tracer.trace(rule.when);
        rules.push(RuleTrace { rule: id, name: rule.full_name.clone(), outcome, filter, condition });
    }
    Some(LookTrace {
        event: set.hir.schema.events.get(decision.event).map(|e| e.name.clone()).unwrap_or_default(),
        at: decision.at,
        phase: decision.phase,
        rules,
        resolution: resolution(set, decision, sheet),
        verdict: decision.verdict.verb,
        nearest: tracer.nearest(decision, sheet),
    })
}

/// What happened, step by step.
fn resolution(set: &RuleSet, decision: &EventDecision, sheet: &Sheet) -> Vec<Resolution> {
    let hir = &set.hir;
    let name = |rule: RuleId| hir.rules.get(rule).map_or("?", |rule| rule.full_name.as_str());
    let mut steps = Vec::new();
    let mut say = |stage, text: String| steps.push(Resolution { stage, text });
    for hit in &decision.caps {
        let what = match hir.caps.get(hit.cap).map(|cap| (&cap.package, &cap.kind)) {
            Some((package, CapKind::Actions { key, .. })) => {
                format!("a cap of {package} on actions by {}", key.text)
            }
            Some((package, CapKind::Share { population, .. })) => {
                format!("a cap of {package} on a share of {}", population.text)
            }
            None => "a cap".to_owned(),
        };
        say(Stage::Caps, format!("{what} lowers {} to {}", hit.from.word(), hit.to.word()));
    }
    for standing in &sheet.standing {
        say(Stage::Caps, standing.clone());
    }
    for rule in &decision.exemptions {
        let from =
            hir.rules.get(*rule).into_iter().flat_map(|rule| &rule.then).filter_map(|action| match action {
                Action::Exempt(package) => Some(package.as_str()),
                _ => None,
            });
        say(
            Stage::Exemptions,
            format!("{} exempts from {}", name(*rule), from.collect::<Vec<_>>().join(", ")),
        );
    }
    for hit in &decision.entries {
        let fate = match hit.fate {
            Fate::Applied if hit.shadow => "would apply",
            Fate::Applied => "applies",
            Fate::Within => "lets it pass: it is within the rate",
            Fate::Spared => "spares it",
            Fate::Lifted => "is lifted",
        };
        say(
            Stage::Entries,
            format!("{} on this {}, put by {}, {fate}", hit.verb.word(), hit.key, name(hit.rule)),
        );
    }
    for found in &decision.matches {
        let action = found.action.map_or("no verdict", Verb::word);
        let how = match (found.unknown, found.acting) {
            (_, crate::Acting::Lifted) => "fired, and is lifted",
            (true, _) => "is unknown, and says what then",
            (false, crate::Acting::Shadow) => "fired in shadow",
            (false, crate::Acting::Live) => "fired",
        };
        say(Stage::Rules, format!("{} {how} ({action}): {}", name(found.rule), found.because));
    }
    for rule in decision.unknown.iter().filter(|rule| !decision.matches.iter().any(|m| m.rule == **rule)) {
        say(Stage::Rules, format!("{} is unknown", name(*rule)));
    }
    for points in &sheet.points {
        let policy = hir.policies.get(points.policy);
        let policy = policy.map_or("?".to_owned(), |policy| format!("{}.{}", policy.package, policy.name));
        let (live, shadow) = (points.live.clamp(0, 100), points.shadow.clamp(0, 100));
        say(Stage::Scores, format!("{policy} scores {live}, in shadow {shadow}"));
    }
    let whence = match decision.verdict.source {
        Source::Nothing => "nothing stands against it".to_owned(),
        Source::Rule(rule) => format!("by {}", name(rule)),
        Source::Unknown(rule) => format!("because {} is unknown", name(rule)),
        Source::Entry(rule) => format!("by an entry of {}", name(rule)),
        Source::Score(policy) => {
            let policy = hir.policies.get(policy);
            policy.map_or("by a score".to_owned(), |p| format!("by the score of {}.{}", p.package, p.name))
        }
    };
    say(Stage::Verdict, format!("{}: {whence}", decision.verdict.verb.word()));
    steps
}

/// Traces over recorded readings.
struct Tracer<'a> {
    set: &'a RuleSet,
    data: &'a Data,
    look: &'a Look,
}

impl<'a> Tracer<'a> {
    fn world(&self) -> Recorded<'a> {
        Recorded { set: self.set, look: self.look }
    }

    fn walker(&self) -> Walker<'a> {
        Walker::new(&self.set.hir, self.data)
    }

    fn trace(&self, id: ExprId) -> Trace {
        self.trace_to(id, 32)
    }

    fn trace_to(&self, id: ExprId, depth: usize) -> Trace {
        let hir = &self.set.hir;
        let node = hir.exprs.get(id);
        let world = self.world();
        let value = self.walker().value(id, &world).map(std::borrow::Cow::into_owned);
        let ty = node.map_or(Type::Error, |node| node.ty.clone());
        let kind = node.map(|node| &node.kind);
        // Constants explain themselves.
        let plain = |id: &ExprId| hir.exprs.get(*id).is_some_and(|e| matches!(e.kind, ExprKind::Const(_)));
        let mut inner: Vec<ExprId> = kind.map(children).unwrap_or_default();
        if let Some(ExprKind::Call(call)) = kind {
            inner.extend(hir.calls.get(*call).into_iter().flat_map(|call| call.inputs.iter().copied()));
        }
        let operands = match depth.checked_sub(1) {
            Some(depth) => inner.iter().filter(|id| !plain(id)).map(|id| self.trace_to(*id, depth)).collect(),
            None => Vec::new(),
        };
        let personal = !self.set.reveal && privacy::is_personal(hir, id);
        let sensed = match kind {
            Some(ExprKind::Signal(signal) | ExprKind::Absent(signal)) => {
                self.look.captured.signals.iter().find(|(known, _)| known == signal).map(|(_, sensed)| sensed)
            }
            _ => None,
        };
        let interval = sensed.and_then(|sensed| match sensed.reading {
            Some(crate::state::Reading::Known { lo, hi, exact: false, .. }) if !personal => {
                Some((lo.to_f64(), hi.to_f64()))
            }
            _ => None,
        });
        let printed = match &value {
            None => NOT_KNOWN.to_owned(),
            Some(value) => privacy::shown(&self.set.hasher, value, &ty, personal),
        };
        let why =
            if value.is_some() { None } else { self.why(kind, sensed.and_then(|sensed| sensed.why.clone())) };
        Trace {
            text: print::expr(hir, id),
            at: node.map_or_else(FileSpan::default, |node| node.at),
            unknown: value.is_none(),
            value: printed,
            why,
            interval,
            operands,
        }
    }

    /// Why an expression is unknown, where it is not because of an operand.
    fn why(&self, kind: Option<&ExprKind>, sensed: Option<crate::Why>) -> Option<String> {
        let hir = &self.set.hir;
        match kind? {
            ExprKind::Signal(_) | ExprKind::Absent(_) => sensed.map(|why| why.to_string()),
            ExprKind::Field(field) => {
                let has =
                    hir.schema.events.get(self.look.record.event()).is_some_and(|e| e.slot(*field).is_some());
                Some(if has { "it is missing" } else { "the event has no such field" }.to_owned())
            }
            ExprKind::Fingerprint(_) => Some("a part of it is missing".to_owned()),
            ExprKind::InCohort(cohort) | ExprKind::CohortValue(cohort, _) => {
                let cohort_info = hir.cohorts.get(*cohort)?;
                let unknown = self.world().in_cohort(*cohort).is_none();
                Some(match (cohort_info.unmapped, unknown) {
                    (true, _) => "nothing supplies its event".to_owned(),
                    (_, true) => "none of its dimensions is known".to_owned(),
                    _ => "the event is in no slice with a surplus".to_owned(),
                })
            }
            ExprKind::Holds(sequence)
            | ExprKind::Captured { sequence, .. }
            | ExprKind::Age { sequence, .. } => {
                let unmapped = hir.sequences.get(*sequence)?.unmapped.is_some();
                Some(match (unmapped, self.world().holds(*sequence)) {
                    (true, _) => "nothing supplies an event of it".to_owned(),
                    (_, None) => "its key is missing".to_owned(),
                    (_, Some(false)) => "the sequence does not hold".to_owned(),
                    (_, Some(true)) => "the step had no such field".to_owned(),
                })
            }
            ExprKind::Call(_) => Some("the model has not answered".to_owned()),
            ExprKind::Tagged(key, _) => Some(format!("{} is missing", key.text)),
            ExprKind::InList(_, list) if self.data.list(*list).is_none() => {
                Some("the list is not loaded".to_owned())
            }
            ExprKind::Lookup(table, _) => Some(match self.data.table(*table) {
                None => "the table is not loaded".to_owned(),
                Some(_) => "the table has no such key, or it is unknown".to_owned(),
            }),
            ExprKind::ScheduleActive(schedule) if self.data.schedule(*schedule).is_none() => {
                Some("the schedule is not loaded".to_owned())
            }
            _ => None,
        }
    }

    /// Kleene's logic over a condition with the truth of one of its parts replaced.
    fn truth_with(&self, id: ExprId, replaced: ExprId, truth: bool) -> Option<bool> {
        if id == replaced {
            return Some(truth);
        }
        match &self.set.hir.exprs.get(id)?.kind {
            ExprKind::And(operands) => {
                let each: Vec<_> = operands.iter().map(|id| self.truth_with(*id, replaced, truth)).collect();
                if each.contains(&Some(false)) {
                    Some(false)
                } else {
                    each.contains(&None).then_some(()).map_or(Some(true), |()| None)
                }
            }
            ExprKind::Or(operands) => {
                let each: Vec<_> = operands.iter().map(|id| self.truth_with(*id, replaced, truth)).collect();
                if each.contains(&Some(true)) {
                    Some(true)
                } else {
                    each.contains(&None).then_some(()).map_or(Some(false), |()| None)
                }
            }
            ExprKind::Not(operand) => self.truth_with(*operand, replaced, truth).map(|truth| !truth),
            ExprKind::Named(_, operand) => self.truth_with(*operand, replaced, truth),
            _ => self.walker().truth(id, &self.world()),
        }
    }

    /// The conditions that a rule's condition is made of by `and`, `or` and `not`.
    fn leaves(&self, root: ExprId) -> Vec<ExprId> {
        let mut leaves = Vec::new();
        let mut open = vec![root];
        while let Some(id) = open.pop() {
            match self.set.hir.exprs.get(id).map(|node| &node.kind) {
                Some(ExprKind::And(operands) | ExprKind::Or(operands)) => open.extend(operands.iter().rev()),
                Some(ExprKind::Not(operand)) => open.push(*operand),
                Some(ExprKind::Named(_, operand)) => open.push(*operand),
                Some(_) if !leaves.contains(&id) => leaves.push(id),
                _ => {}
            }
        }
        leaves
    }

    /// The smallest change of one condition that would have changed the verdict. What the resolution alone says of a
    /// change comes first, nearest first; each is then run on the whole look, and the first that indeed gives another
    /// verdict is the one.
    fn nearest(&self, decision: &EventDecision, sheet: &Sheet) -> Option<Counterfactual> {
        if decision.phase != Phase::Request {
            return None;
        }
        let hir = &self.set.hir;
        let mut found: Vec<(f64, String, RuleId, ExprId, bool)> = Vec::new();
        for (id, rule) in hir.rules.iter() {
            if rule.exempts || !sheet.live.contains(&id) || sheet.exempted.contains(&self.set.package_of(id))
            {
                continue;
            }
            let was = self.walker().truth(rule.when, &self.world());
            for leaf in self.leaves(rule.when) {
                let known = self.walker().truth(leaf, &self.world());
                for truth in [true, false].into_iter().filter(|truth| known != Some(*truth)) {
                    let would = self.truth_with(rule.when, leaf, truth);
                    if would != was && self.resolve_with(sheet, id, would) != decision.verdict.verb {
                        let (distance, change) = self.distance(leaf, known, truth);
                        found.push((distance, change, id, leaf, truth));
                    }
                }
            }
        }
        // Of equals the first of the rule set.
        found.sort_by(|a, b| a.0.total_cmp(&b.0));
        found.into_iter().take(TRIED).find_map(|(distance, change, id, leaf, truth)| {
            let rule = hir.rules.get(id)?;
            let verdict = verdict_if(self.set, decision, sheet, leaf, truth)?;
            (verdict != decision.verdict.verb).then(|| Counterfactual {
                rule: id,
                name: rule.full_name.clone(),
                condition: print::expr(hir, leaf),
                at: hir.exprs.get(leaf).map_or(rule.at, |node| node.at),
                change,
                verdict,
                distance,
            })
        })
    }

    /// The verdict, had a rule's condition been `outcome`.
    fn resolve_with(&self, sheet: &Sheet, id: RuleId, outcome: Option<bool>) -> Verb {
        let mut sheet = sheet.clone();
        let Some(rule) = self.set.hir.rules.get(id) else { return Verb::Pass };
        sheet.candidates.retain(|c| {
            !matches!(c.ruling.source, Source::Score(_))
                && c.ruling.source != Source::Rule(id)
                && c.ruling.source != Source::Unknown(id)
        });
        // Take back its points, whether of firing or of being unknown, then give those of the other outcome.
        let score = |actions: &[Action]| {
            let points =
                actions.iter().map(|action| if let Action::Score(points) = action { *points } else { 0 });
            points.fold(0_i32, i32::saturating_add)
        };
        let before = match self.walker().truth(rule.when, &self.world()) {
            Some(true) => score(&rule.then),
            Some(false) => 0,
            None => score(&rule.if_unknown),
        };
        sheet.score(rule.policy, before.saturating_neg(), true);
        let (actions, unknown) = match outcome {
            Some(true) => (rule.then.as_slice(), false),
            Some(false) => (&[][..], false),
            None => (rule.if_unknown.as_slice(), true),
        };
        sheet.score(rule.policy, score(actions), true);
        let source = if unknown { Source::Unknown(id) } else { Source::Rule(id) };
        let package = self.set.package_of(id);
        for (place, action) in actions.iter().enumerate() {
            let spared = sheet.spared.contains(&(id, place as u16, unknown));
            let (ruling, key): (_, Option<Key>) = match action {
                // A fresh bucket lets the event pass.
                Action::Verdict(verdict) if verdict.verb == Verb::Throttle && verdict.target.is_some() => {
                    continue;
                }
                Action::Verdict(verdict) => {
                    if spared || verdict.on.is_some_and(|on| on != sheet.event) {
                        continue;
                    }
                    (ruling(verdict, source), verdict.target.clone())
                }
                Action::Hold { .. } => (crate::Ruling::plain(Verb::Hold, source), None),
                _ => continue,
            };
            sheet.candidates.push(Candidate { ruling, package, live: true, key });
        }
        let scored = scores(self.set, self.data, &sheet, &self.world());
        sheet.candidates.extend(scored.candidates);
        let exceeded = sheet.exceeded.clone();
        bounded(self.set, &sheet, &sheet.candidates, |cap| exceeded.get(cap) == Some(&true)).verdict.verb
    }

    /// How far a condition is from `truth`, and what would have to be.
    fn distance(&self, leaf: ExprId, known: Option<bool>, truth: bool) -> (f64, String) {
        let hir = &self.set.hir;
        let text = print::expr(hir, leaf);
        let world = self.world();
        let walker = self.walker();
        if let Some(ExprKind::Compare(op, left, right)) = hir.exprs.get(leaf).map(|node| &node.kind)
            && *op != CompareOp::Eq
            && *op != CompareOp::Ne
            // How near a personal number is would tell it.
            && !privacy::is_personal(hir, *left)
            && !privacy::is_personal(hir, *right)
            && let (Some(a), Some(b)) = (walker.value(*left, &world), walker.value(*right, &world))
            && let (Some(x), Some(y)) = (magnitude(&a), magnitude(&b))
            && arith::order(&a, &b).is_some()
        {
            let gap = (x - y).abs() / x.abs().max(y.abs()).max(f64::MIN_POSITIVE);
            let shown = |id: ExprId, value: &Value| {
                hir.exprs.get(id).map_or_else(String::new, |e| show(value, &e.ty))
            };
            let sign = match (op, truth) {
                (op, true) => op.sign(),
                (CompareOp::Lt, false) => ">=",
                (CompareOp::Le, false) => ">",
                (CompareOp::Gt, false) => "<=",
                (_, false) => "<",
            };
            let change = format!(
                "{} is {}; it would have to be {sign} {}",
                print::expr(hir, *left),
                shown(*left, &a),
                shown(*right, &b)
            );
            return (gap, change);
        }
        let is = known.map_or("not known", |known| if known { "true" } else { "false" });
        (1.0, format!("`{text}` is {is}; it would have to be {truth}"))
    }
}

/// The size of a number, for distances.
fn magnitude(value: &Value) -> Option<f64> {
    match value {
        Value::Int(n) | Value::Duration(n) | Value::Time(n) | Value::Money(n, _) => Some(*n as f64),
        Value::Float(x) => Some(*x),
        _ => None,
    }
}
