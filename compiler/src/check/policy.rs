//! A policy and the names it declares.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::rc::Rc;

use smol_str::{SmolStr, format_smolstr};
use weir_dsl::ast::{self, CompareOp, MemberKind, Verb};
use weir_dsl::{Code, Diagnostic, Span};

use super::key::KeyUse;
use super::name::{Place, PlaceKind};
use super::signal::Population;
use super::{Checker, Progress};
use crate::env::resolve_type;
use crate::hir::{Decide, ExprKind, Harm, Mode, Param, Policy};
use crate::ids::*;
use crate::lint;
use crate::types::Type;
use crate::value::Value;

/// A name that a policy declares.
#[derive(Clone, Copy, Debug)]
pub(super) enum Local<'a> {
    Param(ParamId),
    Signal(SignalSource<'a>),
    Cohort(&'a ast::Cohort),
    Sequence(&'a ast::Sequence),
}

/// Where a signal is written.
#[derive(Clone, Copy, Debug)]
pub(super) enum SignalSource<'a> {
    Aggregate(&'a ast::Aggregate),
    Usual(&'a ast::Usual),
    Expr(&'a ast::Expr),
    Watched(&'a ast::Watch, &'a ast::Watched),
}

impl Local<'_> {
    /// What to call it, with an article.
    pub(super) const fn kind(&self) -> &'static str {
        match self {
            Self::Param(_) => "a parameter",
            Self::Signal(_) => "a signal",
            Self::Cohort(_) => "a cohort",
            Self::Sequence(_) => "a sequence",
        }
    }
}

/// An expression signal at the events it is read at, in a filter or not.
type NamedAt = (SmolStr, Rc<[EventId]>, bool);

/// What a policy declares, and how far it has been lowered.
#[derive(Debug, Default)]
pub(super) struct Members<'a> {
    names: BTreeMap<SmolStr, (Local<'a>, Span)>,
    /// Names whose declaration has a fault that has been reported.
    faulty: BTreeSet<SmolStr>,
    /// Names that something reads.
    read: BTreeSet<SmolStr>,
    /// Names that have been reported to need themselves.
    pub(super) recursive: BTreeSet<SmolStr>,
    pub(super) signals: HashMap<SmolStr, Progress<SignalId>>,
    pub(super) named: HashMap<NamedAt, Progress<ExprId>>,
    pub(super) cohorts: HashMap<SmolStr, Progress<CohortId>>,
    pub(super) sequences: HashMap<SmolStr, Progress<SequenceId>>,
    /// Populations of watches, by where they stand.
    pub(super) populations: HashMap<u32, Option<Population>>,
    /// The event at which an `elapsed` is read.
    ends: HashMap<SignalId, EventId>,
}

impl<'a> Members<'a> {
    pub(super) fn find(&self, name: &str) -> Option<Local<'a>> {
        self.names.get(name).map(|(local, _)| *local)
    }

    pub(super) fn is_faulty(&self, name: &str) -> bool {
        self.faulty.contains(name)
    }

    /// Where a name is declared.
    pub(super) fn declared(&self, name: &str) -> Option<Span> {
        self.names.get(name).map(|(_, span)| *span)
    }

    pub(super) fn names(&self) -> impl Iterator<Item = &SmolStr> {
        self.names.keys()
    }

    pub(super) fn is_cohort(&self, name: &str) -> bool {
        matches!(self.find(name), Some(Local::Cohort(_)))
    }

    pub(super) fn is_sequence(&self, name: &str) -> bool {
        matches!(self.find(name), Some(Local::Sequence(_)))
    }

    pub(super) fn param(&self, name: &str) -> Option<ParamId> {
        match self.find(name) {
            Some(Local::Param(param)) => Some(param),
            _ => None,
        }
    }

    pub(super) fn params(&self) -> impl Iterator<Item = &str> {
        self.names
            .iter()
            .filter(|(_, (local, _))| matches!(local, Local::Param(_)))
            .map(|(name, _)| name.as_str())
    }

    pub(super) fn signal_names(&self) -> impl Iterator<Item = &SmolStr> {
        self.names.iter().filter(|(_, (local, _))| matches!(local, Local::Signal(_))).map(|(name, _)| name)
    }

    /// Notes that something reads a name.
    pub(super) fn note_read(&mut self, name: &str) {
        if !self.read.contains(name) {
            self.read.insert(name.into());
        }
    }

    pub(super) fn note_elapsed(&mut self, signal: SignalId, end: EventId) {
        self.ends.insert(signal, end);
    }

    pub(super) fn elapsed_to(&self, signal: SignalId) -> Option<EventId> {
        self.ends.get(&signal).copied()
    }
}

/// Clauses that a policy has once.
#[derive(Default)]
struct Once<'a> {
    on: Option<(&'a [ast::Name], Option<&'a ast::Expr>, Span)>,
    tags: Option<&'a [ast::Text]>,
    mode: Option<&'a ast::Mode>,
    harm: Option<&'a ast::Harm>,
    decide: Option<&'a ast::Decide>,
}

impl<'a> Checker<'a> {
    /// Lowers a policy into the fragment.
    pub(super) fn policy(&mut self, item: &'a ast::Item, policy: &'a ast::Policy) {
        let once = self.once(policy);
        self.declare(policy);
        let Some((names, filter, on)) = once.on else {
            self.fault(
                Code::SYNTAX,
                policy.name.span,
                "a policy without events",
                "say which events it judges: `on login`",
            );
            return;
        };
        let events = self.judged(names);
        if events.is_empty() {
            return;
        }
        self.place = Place::new(PlaceKind::Rule, &events);
        let filter = filter.map(|filter| self.condition(filter));
        let mode = once.mode.map_or(Mode::Shadow, |mode| self.mode(mode));
        let harm = once.harm.and_then(|harm| self.harm(harm));
        let decide = self.thresholds(once.decide);
        let id = self.hir.policies.push(Policy {
            package: self.scope.package.into(),
            name: policy.name.text.clone(),
            events: events.clone(),
            filter,
            tags: once.tags.unwrap_or_default().iter().map(|tag| tag.value.clone()).collect(),
            mode,
            harm,
            decide,
            at: self.at(policy.name.span),
            doc: item.doc.clone().unwrap_or_default(),
            rules: Vec::new(),
        });
        let mut rules: HashSet<&str> = HashSet::new();
        for member in &policy.members {
            if let MemberKind::Rule(rule) = &member.kind {
                if !rules.insert(&rule.name.text) {
                    let title = format!("two rules are called `{}`", rule.name.text);
                    self.fault(
                        Code::DUPLICATE_NAME,
                        rule.name.span,
                        title,
                        "tests and budgets name rules: give each its own name",
                    );
                }
                self.rule(id, member, rule);
            }
        }
        if rules.is_empty() {
            let at = self.at(policy.name.span);
            let title = format!("policy `{}` has no rule", policy.name.text);
            self.report(Diagnostic::new(Code::UNUSED_DECLARATION, at, title).help("add a `rule`"));
        }
        self.check_unread(on);
        if self.is_whole() {
            let mut warnings = lint::policy(&self.hir);
            let file = self.scope.file;
            // Arms of functions are linted where those are declared.
            warnings
                .retain(|found| found.code != Code::UNREACHABLE || super::is_inside(found, file, item.span));
            self.diagnostics.append(&mut warnings);
        }
    }

    /// Takes the clauses that stand once, and reports those that stand twice.
    fn once(&mut self, policy: &'a ast::Policy) -> Once<'a> {
        let mut once = Once::default();
        for member in &policy.members {
            let twice = match &member.kind {
                MemberKind::On { events, filter } => {
                    once.on.replace((events, filter.as_ref(), member.span)).map(|_| "on")
                }
                MemberKind::Tags(tags) => once.tags.replace(tags).map(|_| "tags"),
                MemberKind::Mode(mode) => once.mode.replace(mode).map(|_| "mode"),
                MemberKind::Harm(harm) => once.harm.replace(harm).map(|_| "harm"),
                MemberKind::Decide(decide) => once.decide.replace(decide).map(|_| "decide"),
                MemberKind::Requires(event) => {
                    self.event(event);
                    None
                }
                _ => None,
            };
            if let Some(word) = twice {
                self.fault(
                    Code::DUPLICATE_NAME,
                    member.span,
                    format!("`{word}` twice in one policy"),
                    "leave one",
                );
            }
        }
        once
    }

    /// Declares parameters, signals, cohorts and sequences; parameters get their values.
    fn declare(&mut self, policy: &'a ast::Policy) {
        for member in &policy.members {
            match &member.kind {
                MemberKind::Param(param) => match self.param(param) {
                    Some(id) => self.declare_name(&param.name, Local::Param(id)),
                    None => {
                        self.members.faulty.insert(param.name.text.clone());
                    }
                },
                MemberKind::Signal(signal) => {
                    let source = match &signal.value {
                        ast::SignalValue::Aggregate(aggregate) => SignalSource::Aggregate(aggregate),
                        ast::SignalValue::Usual(usual) => SignalSource::Usual(usual),
                        ast::SignalValue::Expr(expr) => SignalSource::Expr(expr),
                    };
                    self.declare_name(&signal.name, Local::Signal(source));
                }
                MemberKind::Watch(watch) => {
                    for watched in &watch.signals {
                        self.declare_name(
                            &watched.name,
                            Local::Signal(SignalSource::Watched(watch, watched)),
                        );
                    }
                }
                MemberKind::Cohort(cohort) => self.declare_name(&cohort.name, Local::Cohort(cohort)),
                MemberKind::Sequence(sequence) => {
                    self.declare_name(&sequence.name, Local::Sequence(sequence))
                }
                _ => {}
            }
        }
    }

    fn declare_name(&mut self, name: &'a ast::Name, local: Local<'a>) {
        if matches!(name.text.as_str(), "now" | "score" | "event") {
            let title = format!("`{}` already means something", name.text);
            self.fault(Code::DUPLICATE_NAME, name.span, title, "choose another name");
            return;
        }
        if let Some(first) = self.members.declared(&name.text) {
            let title = format!("`{}` is declared twice in this policy", name.text);
            let diagnostic = Diagnostic::new(Code::DUPLICATE_NAME, self.at(name.span), title)
                .also(self.at(first), "first here");
            self.report(diagnostic);
            return;
        }
        self.members.names.insert(name.text.clone(), (local, name.span));
    }

    fn param(&mut self, param: &ast::Param) -> Option<ParamId> {
        let resolved = resolve_type(&param.ty, self.scope.file, &mut self.diagnostics);
        let ty = resolved.ty;
        if resolved.optional || matches!(ty, Type::Set(_) | Type::List(_) | Type::Map(..)) {
            self.fault(Code::TYPE_MISMATCH, param.ty.span, "a parameter is one value, and always there", "");
            return None;
        }
        let value = self.constant_of(&param.default.kind, param.default.span, &ty);
        let range = param.range.as_ref().map(|(low, high)| {
            let low = self.constant_of(&low.kind, low.span, &ty);
            let high = self.constant_of(&high.kind, high.span, &ty);
            low.zip(high)
        });
        let range = match range {
            Some(Some((low, high))) => {
                let value = value.as_ref()?;
                self.check_range(param, &ty, value, &low, &high)?;
                Some((low, high))
            }
            Some(None) => return None,
            None => None,
        };
        let at = self.at(param.name.span);
        Some(self.hir.params.push(Param { name: param.name.text.clone(), ty, value: value?, range, at }))
    }

    fn check_range(
        &mut self,
        param: &ast::Param,
        ty: &Type,
        value: &Value,
        low: &Value,
        high: &Value,
    ) -> Option<()> {
        let span = param.range.as_ref().map_or(param.default.span, |(low, high)| low.span.to(high.span));
        if !ty.is_ordered() {
            self.fault(Code::TYPE_MISMATCH, span, format!("{ty} has no order, so it has no range"), "");
            return None;
        }
        match (order(low, high), order(low, value), order(value, high)) {
            (Some(bounds), Some(above), Some(below)) => {
                if bounds.is_gt() {
                    self.fault(
                        Code::OUT_OF_RANGE,
                        span,
                        "a range that holds nothing",
                        "write the smaller value first",
                    );
                    return None;
                }
                if above.is_gt() || below.is_gt() {
                    let title = format!("the default of `{}` lies outside its range", param.name.text);
                    self.fault(Code::OUT_OF_RANGE, param.default.span, title, "");
                    return None;
                }
                Some(())
            }
            _ => {
                self.fault(Code::TYPE_MISMATCH, span, "a range in several currencies", "use one currency");
                None
            }
        }
    }

    /// The events of `on`, each once.
    fn judged(&mut self, names: &[ast::Name]) -> Vec<EventId> {
        let mut events = Vec::with_capacity(names.len());
        for name in names {
            match self.event(name) {
                Some(event) if events.contains(&event) => {
                    self.fault(Code::DUPLICATE_NAME, name.span, format!("`{}` twice", name.text), "");
                }
                Some(event) => events.push(event),
                None => {}
            }
        }
        events
    }

    /// Lowers a mode; a canary's key is of the events at hand.
    pub(super) fn mode(&mut self, mode: &ast::Mode) -> Mode {
        match mode {
            ast::Mode::Shadow => Mode::Shadow,
            ast::Mode::Enforce => Mode::Enforce,
            ast::Mode::Canary { share, per } => {
                let share = self.share(share);
                match (share, self.key(per, KeyUse::State)) {
                    (Some(share), Some(per)) => Mode::Canary { share, per },
                    // Reported; what acts least is safest.
                    _ => Mode::Shadow,
                }
            }
        }
    }

    /// A share written in percent.
    pub(super) fn share(&mut self, literal: &ast::Literal) -> Option<f64> {
        match self.constant_of(&literal.kind, literal.span, &Type::Probability) {
            Some(Value::Float(share)) => Some(share),
            _ => None,
        }
    }

    pub(super) fn harm(&mut self, harm: &ast::Harm) -> Option<Harm> {
        let share = self.share(&harm.share);
        if !matches!(harm.population.text.as_str(), "sessions" | "users" | "devices") {
            let title =
                format!("harm is counted in sessions, users or devices, not `{}`", harm.population.text);
            self.fault(Code::BAD_ARGUMENTS, harm.population.span, title, "write `of known-good sessions`");
            return None;
        }
        // Also what a rule does to events it does not judge is counted, so every event must have the field.
        let field = harm.population.text.trim_end_matches('s');
        if self.hir.schema.envelope_field(field).is_none() {
            let title = format!("the envelope has no `{field}` to count harm by");
            self.fault(
                Code::BAD_ARGUMENTS,
                harm.population.span,
                title,
                "count harm by a field that every event has",
            );
            return None;
        }
        Some(Harm { share: share?, population: harm.population.text.clone() })
    }

    /// The thresholds of a policy: its own, the package's, or the standard ones.
    fn thresholds(&mut self, own: Option<&'a ast::Decide>) -> Decide {
        if let Some(own) = own {
            return self.decide(own);
        }
        let env = self.env;
        let package = env.packages.get(self.scope.package).and_then(|package| package.decide.as_ref());
        if let Some((file, decide)) = package {
            // Its faults are reported where the package is checked.
            let before = std::mem::replace(&mut self.scope.file, *file);
            self.muted += 1;
            let decide = self.decide(decide);
            self.muted -= 1;
            self.scope.file = before;
            return decide;
        }
        let arms = [(Verb::Block, 90), (Verb::Challenge, 60)].map(|(verb, least)| {
            let score = self.push(ExprKind::Score, Type::Int, Span::default());
            let least = self.push(ExprKind::Const(Value::Int(least)), Type::Int, Span::default());
            (verb, self.push(ExprKind::Compare(CompareOp::Ge, score, least), Type::Bool, Span::default()))
        });
        Decide { arms: arms.into(), otherwise: Verb::Pass }
    }

    /// Lowers thresholds.
    pub(super) fn decide(&mut self, decide: &ast::Decide) -> Decide {
        let place = Place { kind: PlaceKind::Decide, ..self.place.clone() };
        let arms = self.at_place(place, |checker| {
            let lower = |(verb, condition): &(Verb, ast::Expr)| {
                if matches!(verb, Verb::Hold | Verb::Redirect | Verb::Deceive | Verb::Throttle | Verb::Delay)
                {
                    let title = format!("`{}` needs to be told more than a score can", verb.word());
                    checker.fault(Code::BAD_ACTION, condition.span, title, "write a rule for it");
                }
                (*verb, checker.condition(condition))
            };
            decide.arms.iter().map(lower).collect()
        });
        let decide = Decide { arms, otherwise: decide.otherwise };
        if self.is_whole() {
            for warning in lint::decide(&self.hir, &decide) {
                self.report(warning);
            }
        }
        decide
    }

    /// Lowers what nothing reads, for its faults alone, and says that nothing reads it.
    fn check_unread(&mut self, on: Span) {
        let unread: Vec<(SmolStr, Local<'a>, Span)> = self
            .members
            .names
            .iter()
            .filter(|(name, _)| !self.members.read.contains(*name))
            .map(|(name, (local, span))| (name.clone(), *local, *span))
            .collect();
        if unread.is_empty() {
            return;
        }
        // State that nothing reads is not kept.
        let (hir, weights, states) = (self.hir.clone(), self.weights.clone(), self.state_weights.clone());
        let mut warnings: Vec<Diagnostic> = Vec::new();
        for (name, local, span) in &unread {
            let (code, what) = match local {
                Local::Param(_) => (Code::UNUSED_DECLARATION, "parameter"),
                Local::Signal(_) => (Code::UNUSED_SIGNAL, "signal"),
                Local::Cohort(_) => (Code::UNUSED_DECLARATION, "cohort"),
                Local::Sequence(_) => (Code::UNUSED_DECLARATION, "sequence"),
            };
            match local {
                Local::Param(_) => {}
                Local::Signal(SignalSource::Expr(expr)) => {
                    self.named_unread(expr, name, on);
                }
                Local::Signal(source) => {
                    self.signal_id(*source, name, *span);
                }
                Local::Cohort(_) => {
                    self.cohort(name);
                }
                Local::Sequence(_) => {
                    self.sequence(name);
                }
            }
            if !self.members.read.contains(name) {
                let title = format!("nothing reads {what} `{name}`");
                let diagnostic = Diagnostic::new(code, self.at(*span), title);
                warnings.push(diagnostic.help("use it in a rule, or leave it out"));
            }
        }
        if self.is_whole() {
            self.diagnostics.append(&mut warnings);
        }
        (self.hir, self.weights, self.state_weights) = (hir, weights, states);
        self.error = None;
    }

    fn named_unread(&mut self, expr: &'a ast::Expr, name: &str, on: Span) {
        let read = self.members.read.contains(name);
        self.signal_name(SignalSource::Expr(expr), name, on);
        if !read {
            self.members.read.remove(name);
        }
    }

    /// `package.policy.rule`.
    pub(super) fn full_name(&self, policy: PolicyId, rule: &str) -> SmolStr {
        let policy = self.hir.policies.get(policy).map_or("?", |policy| policy.name.as_str());
        format_smolstr!("{}.{policy}.{rule}", self.scope.package)
    }
}

/// The order of two constants of one type; nothing for two currencies.
pub(crate) fn order(left: &Value, right: &Value) -> Option<std::cmp::Ordering> {
    match (left, right) {
        (Value::Int(a), Value::Int(b))
        | (Value::Duration(a), Value::Duration(b))
        | (Value::Time(a), Value::Time(b)) => Some(a.cmp(b)),
        (Value::Float(a), Value::Float(b)) => a.partial_cmp(b),
        (Value::Money(a, one), Value::Money(b, other)) if one == other => Some(a.cmp(b)),
        _ => None,
    }
}
