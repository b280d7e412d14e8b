//! Tests: events on a virtual clock, what is given, and what is expected.
//!
//! Values are constants, variables of `repeat`, arithmetic, `case` and strings with holes; numbers take the
//! field's type. `id` and `at` are stamped by the clock; every other field that is not optional must be given.
//! `expect rule NAME` names a rule of the package's own policies or of those it imports.

use std::rc::Rc;

use smol_str::{SmolStr, format_smolstr};
use weir_dsl::ast::{self, Expect as Asked, Given, MemberKind, MoveKind as Form};
use weir_dsl::{Applicability, Code, Diagnostic};

use super::Checker;
use super::name::{Place, PlaceKind};
use crate::env::{Entity, PolicySource};
use crate::hir::{Expect, ExprKind, Move, MoveKind, Test};
use crate::ids::*;
use crate::shared::SharedVec;
use crate::suggest;
use crate::types::Type;

/// The most events that one test may send.
pub const EVENTS_LIMIT: u64 = 1_000_000;
/// How deep `repeat` may nest.
const NESTING_LIMIT: usize = 8;
/// Envelope fields that the clock stamps.
const STAMPED: [&str; 2] = ["id", "at"];

impl<'a> Checker<'a> {
    /// Checks a test.
    pub(super) fn test(&mut self, item: &'a ast::Item, test: &'a ast::Test) -> Test {
        self.place = Place::new(PlaceKind::Test, &[]);
        let mut sent = 0;
        let moves = self.moves(&test.moves, 1, &mut sent);
        if sent > EVENTS_LIMIT {
            let title = format!("a test of {sent} events; at most {EVENTS_LIMIT}");
            self.fault(Code::BAD_TEST, test.name.span, title, "repeat less");
        }
        if !expects(&test.moves, 0) {
            let diagnostic = Diagnostic::new(
                Code::TEST_WITHOUT_EXPECTATION,
                self.at(test.name.span),
                "a test that expects nothing",
            )
            .help("add `expect no action`, or what should happen");
            self.report(diagnostic);
        }
        self.check_numbers(&test.moves, sent);
        Test {
            name: test.name.value.clone(),
            package: self.scope.package.into(),
            exprs: SharedVec::default(),
            moves,
            at: self.at(item.span),
        }
    }

    fn moves(&mut self, moves: &'a [ast::Move], rounds: u64, sent: &mut u64) -> Vec<Move> {
        let mut lowered = Vec::with_capacity(moves.len());
        for step in moves {
            let kind = match &step.kind {
                Form::Given(given) => self.given(given),
                Form::Unmapped(event) => self.event(event).map(MoveKind::Unmapped),
                Form::Repeat { times, variable, every, body } => {
                    self.repeat(*times, variable, every.as_ref(), body, rounds, sent, step.span)
                }
                Form::Wait(literal) => self.milliseconds(literal).map(MoveKind::Wait),
                Form::Release(case, verb) => {
                    self.numbered(*case, step.span).map(|case| MoveKind::Release(case, *verb))
                }
                Form::Emit { event, fields } => {
                    *sent = sent.saturating_add(rounds);
                    self.emit(event, fields)
                }
                Form::Expect(expect) => self.expect(expect).map(MoveKind::Expect),
            };
            if let Some(kind) = kind {
                lowered.push(Move { kind, at: self.at(step.span) });
            }
        }
        lowered
    }

    #[expect(clippy::too_many_arguments, reason = "the parts of one clause")]
    fn repeat(
        &mut self,
        times: u64,
        variable: &ast::Name,
        every: Option<&ast::Literal>,
        body: &'a [ast::Move],
        rounds: u64,
        sent: &mut u64,
        span: weir_dsl::Span,
    ) -> Option<MoveKind> {
        let depth = self.place.locals.len();
        if depth >= NESTING_LIMIT {
            self.fault(Code::BAD_TEST, span, "`repeat` nested too deeply", "");
            return None;
        }
        if times == 0 {
            self.fault(Code::BAD_TEST, span, "repeated not even once", "events count from 1");
        }
        let every = match every {
            Some(literal) => self.milliseconds(literal)?,
            None => 0,
        };
        if self.place.locals.iter().any(|(name, _)| *name == variable.text) {
            let title = format!("`{}` is already a variable", variable.text);
            self.fault(Code::DUPLICATE_NAME, variable.span, title, "choose another name");
        }
        let position = u16::try_from(depth).unwrap_or(u16::MAX);
        let value = self.push(ExprKind::Variable(position), Type::Int, variable.span);
        let mut locals: Vec<(SmolStr, ExprId)> = self.place.locals.to_vec();
        locals.push((variable.text.clone(), value));
        let place = Place { kind: PlaceKind::Test, events: Rc::from([]), locals: locals.into() };
        let body = self.at_place(place, |checker| checker.moves(body, rounds.saturating_mul(times), sent));
        Some(MoveKind::Repeat { times, every, body })
    }

    fn emit(&mut self, name: &ast::Name, fields: &[ast::Assignment]) -> Option<MoveKind> {
        let event = self.event(name)?;
        let schema = std::sync::Arc::clone(&self.hir.schema);
        let declared = schema.events.get(event)?;
        let mut filled: Vec<(FieldId, ExprId)> = Vec::with_capacity(fields.len());
        for assignment in fields {
            let Some(field) = schema.field(event, &assignment.name.text) else {
                self.no_field(event, &assignment.name);
                continue;
            };
            if assignment.name.text == "at" {
                self.fault(
                    Code::BAD_TEST,
                    assignment.name.span,
                    "the clock moves by `wait` and `every` alone",
                    "",
                );
                continue;
            }
            if filled.iter().any(|(known, _)| *known == field) {
                let title = format!("`{}` is given twice", assignment.name.text);
                self.fault(Code::DUPLICATE_NAME, assignment.name.span, title, "");
                continue;
            }
            let ty = self.field_type(field);
            filled.push((field, self.expr_of(&assignment.value, &ty)));
        }
        let missing: Vec<SmolStr> = declared
            .slots
            .iter()
            .filter(|slot| !slot.optional && !filled.iter().any(|(field, _)| *field == slot.field))
            .map(|slot| self.field_name(slot.field))
            .filter(|name| !STAMPED.contains(&name.as_str()))
            .filter(|name| !fields.iter().any(|assignment| assignment.name.text == *name))
            .collect();
        if !missing.is_empty() {
            let list = missing.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ");
            let title = format!("{list} of `{}` cannot be missing", name.text);
            let diagnostic = Diagnostic::new(Code::BAD_TEST, self.at(name.span), title)
                .also(declared.at, "declared here")
                .help(format!(
                    "give a value, or make the field optional: `{}: T?`",
                    missing.first().map_or("x", |name| name.as_str())
                ));
            self.report(diagnostic);
        }
        Some(MoveKind::Emit(event, filled))
    }

    fn given(&mut self, given: &'a Given) -> Option<MoveKind> {
        match given {
            Given::Contains(name, value) => {
                let result = self.env.list(self.scope, name);
                let list = self.found(name, result)?;
                let member = match self.hir.declarations.lists.get(list)?.member.clone() {
                    // A pattern is given as its text.
                    Type::Pattern => Type::Text,
                    member => member,
                };
                Some(MoveKind::ListContains(list, self.expr_of(value, &member)))
            }
            Given::Answer(name, value) => {
                let result = self.env.model(self.scope, name);
                let model = self.found(name, result)?;
                let output = self.hir.declarations.models.get(model)?.output.clone();
                Some(MoveKind::ModelAnswers(model, self.expr_of(value, &output)))
            }
            Given::Entry(name, key, value) => {
                let result = self.env.table(self.scope, name);
                let table = self.found(name, result)?;
                let (of, to) = self
                    .hir
                    .declarations
                    .tables
                    .get(table)
                    .map(|table| (table.key.clone(), table.value.clone()))?;
                let key = self.expr_of(key, &of);
                Some(MoveKind::TableEntry(table, key, self.expr_of(value, &to)))
            }
            Given::Late(name) => {
                let result = self.env.model(self.scope, name);
                Some(MoveKind::ModelLate(self.found(name, result)?))
            }
            Given::Active(name) => {
                let result = self.env.schedule(self.scope, name);
                Some(MoveKind::ScheduleActive(self.found(name, result)?))
            }
            Given::Usual(name, value) => {
                let full = self.baseline(name)?;
                let id = self.expr(value, Some(&Type::Float));
                let ty = self.ty(id);
                if !matches!(
                    ty,
                    Type::Int | Type::Float | Type::Probability | Type::Rate | Type::Duration | Type::Error
                ) {
                    let title = format!("a usual level is a number, and this is {ty}");
                    self.fault(Code::TYPE_MISMATCH, value.span, title, "");
                }
                Some(MoveKind::Usual(full, id))
            }
        }
    }

    /// Policies that the tests of this package run.
    fn tested(&self) -> Vec<(SmolStr, &'a PolicySource)> {
        let env = self.env;
        let Some(package) = env.packages.get(self.scope.package) else { return Vec::new() };
        let own = package.own.values().map(|declared| &declared.entity);
        let imported = package.imports.values().filter_map(|import| import.entity.as_ref());
        own.chain(imported)
            .filter_map(|entity| match entity {
                Entity::Policy(full) => {
                    env.policies.get_key_value(full).map(|(full, source)| (full.clone(), source))
                }
                _ => None,
            })
            .collect()
    }

    /// The signal or cohort of a name, in full.
    fn baseline(&mut self, name: &ast::Name) -> Option<SmolStr> {
        let mut found: Vec<SmolStr> = Vec::new();
        let mut names: Vec<SmolStr> = Vec::new();
        for (full, source) in self.tested() {
            for member in source.syntax().into_iter().flat_map(|(_, policy)| &policy.members) {
                for declared in baselines(&member.kind) {
                    let whole = format_smolstr!("{full}.{declared}");
                    if *declared == name.text || whole == name.text {
                        found.push(whole.clone());
                    }
                    names.push(declared.clone());
                }
            }
        }
        self.one_of("signal or cohort", name, found, &names)
    }

    /// The rule of a name, in full.
    fn rule_named(&mut self, name: &ast::Name) -> Option<SmolStr> {
        let mut found: Vec<SmolStr> = Vec::new();
        let mut names: Vec<SmolStr> = Vec::new();
        for (full, source) in self.tested() {
            for member in source.syntax().into_iter().flat_map(|(_, policy)| &policy.members) {
                let MemberKind::Rule(rule) = &member.kind else { continue };
                let whole = format_smolstr!("{full}.{}", rule.name.text);
                // `policy.rule` tells two apart.
                let short = format_smolstr!("{}.{}", source.name, rule.name.text);
                if [&rule.name.text, &whole, &short].contains(&&name.text) {
                    found.push(whole);
                }
                names.push(rule.name.text.clone());
            }
        }
        self.one_of("rule", name, found, &names)
    }

    fn one_of(
        &mut self,
        what: &str,
        name: &ast::Name,
        mut found: Vec<SmolStr>,
        names: &[SmolStr],
    ) -> Option<SmolStr> {
        if found.len() > 1 {
            let title = format!("several policies have a {what} `{}`", name.text);
            let list = found.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(" or ");
            self.fault(Code::AMBIGUOUS_NAME, name.span, title, &format!("write {list}"));
            return None;
        }
        if let Some(found) = found.pop() {
            return Some(found);
        }
        if self.env.is_faulty_import(self.scope.package, &name.text) {
            return None;
        }
        let title = format!("no {what} `{}` in the policies that this package tests", name.text);
        let mut diagnostic = Diagnostic::new(Code::UNKNOWN_NAME, self.at(name.span), title);
        diagnostic = match suggest::nearest(&name.text, names.iter().map(SmolStr::as_str)) {
            Some(near) => diagnostic.help(format!("did you mean `{near}`?")).fix(
                format!("write `{near}`"),
                self.at(name.span),
                near,
                Applicability::Suggested,
            ),
            None => diagnostic.help("a test runs the policies of its own package and those it imports"),
        };
        self.report(diagnostic);
        None
    }

    fn expect(&mut self, expect: &'a Asked) -> Option<Expect> {
        Some(match expect {
            Asked::NoAction => Expect::NoAction,
            Asked::Fired(name, at) => Expect::Fired(self.rule_named(name)?, *at),
            Asked::NotFired(name, at) => Expect::NotFired(self.rule_named(name)?, *at),
            Asked::Unknown(name, at) => Expect::Unknown(self.rule_named(name)?, *at),
            Asked::Action(verb, at) => Expect::Action(*verb, *at),
            Asked::Score(op, score, at) => Expect::Score(*op, *score, *at),
            Asked::StoppedFrom(at) => Expect::StoppedFrom(*at),
            Asked::Case(case, verb) => Expect::Case(*case, *verb),
        })
    }

    /// The number of a case.
    fn numbered(&mut self, case: u64, span: weir_dsl::Span) -> Option<u64> {
        if case == 0 {
            self.fault(Code::BAD_TEST, span, "there is no case 0", "cases count from 1");
            return None;
        }
        Some(case)
    }

    /// Numbers of events must be among those sent.
    fn check_numbers(&mut self, moves: &'a [ast::Move], sent: u64) {
        for step in moves {
            let at = match &step.kind {
                Form::Expect(
                    Asked::Fired(_, at)
                    | Asked::NotFired(_, at)
                    | Asked::Unknown(_, at)
                    | Asked::Action(_, at)
                    | Asked::Score(_, _, at),
                ) => *at,
                Form::Expect(Asked::StoppedFrom(at)) => Some(*at),
                Form::Repeat { body, .. } => {
                    if let Some(inner) = body.iter().find(|inner| matches!(inner.kind, Form::Expect(_))) {
                        let title = "an expectation inside `repeat`";
                        self.fault(
                            Code::BAD_TEST,
                            inner.span,
                            title,
                            "expectations are judged at the end; write it behind",
                        );
                    }
                    None
                }
                _ => None,
            };
            if let Some(at) = at.filter(|at| *at == 0 || *at > sent) {
                let title = format!("there is no event {at}: the test sends {sent}");
                self.fault(Code::BAD_TEST, step.span, title, "events count from 1");
            }
        }
    }
}

/// Names with a baseline that a member declares.
fn baselines(member: &MemberKind) -> Vec<&SmolStr> {
    match member {
        MemberKind::Signal(signal) => match signal.value {
            ast::SignalValue::Expr(_) => Vec::new(),
            _ => vec![&signal.name.text],
        },
        MemberKind::Watch(watch) => watch.signals.iter().map(|watched| &watched.name.text).collect(),
        MemberKind::Cohort(cohort) => vec![&cohort.name.text],
        _ => Vec::new(),
    }
}

/// Whether moves expect something; `repeat` nests as deep as the parser lets it.
fn expects(moves: &[ast::Move], depth: usize) -> bool {
    depth < 256
        && moves.iter().any(|step| match &step.kind {
            Form::Expect(_) => true,
            Form::Repeat { body, .. } => expects(body, depth + 1),
            _ => false,
        })
}
