//! Sequences: ordered events per key, with absence.
//!
//! A policy reads a sequence at its last step, so that step's event is among those the policy is on. With
//! terminal absence (`then no`) it holds at a deadline, and the captured fields of the last step stand for the
//! event.

use std::rc::Rc;

use smol_str::SmolStr;
use weir_dsl::ast::{self, StepKind};
use weir_dsl::{Code, Diagnostic, Span};

use super::key::KeyUse;
use super::name::{FieldSearch, Place, PlaceKind};
use super::policy::Local;
use super::{Checker, Progress};
use crate::hir::{Key, Phase, Sequence, Step, ThenNo, Without};
use crate::ids::*;
use crate::suggest;

/// The most steps of a sequence, excluded events included.
pub const STEPS_LIMIT: usize = 16;
/// The most fields kept of a step.
pub const CAPTURES_LIMIT: usize = 32;

impl<'a> Checker<'a> {
    /// The sequence of a name, where the event at hand can complete it.
    pub(super) fn sequence_here(&mut self, name: &str, span: Span) -> Option<SequenceId> {
        self.members.note_read(name);
        if self.place.kind != PlaceKind::Rule {
            self.fault(Code::WRONG_KIND, span, "only a rule can ask for a sequence", "");
            return None;
        }
        let id = self.sequence(name)?;
        let last = self.hir.sequences.get(id)?.steps.last()?.event;
        if !self.place.events.contains(&last) {
            let event = self.event_name(last);
            let title = format!("sequence `{name}` ends with `{event}`, which is not the event at hand");
            self.fault(Code::BAD_SEQUENCE, span, title, &format!("write a policy on `{event}`"));
            return None;
        }
        Some(id)
    }

    /// Lowers a sequence, once.
    pub(super) fn sequence(&mut self, name: &str) -> Option<SequenceId> {
        let Some(Local::Sequence(sequence)) = self.members.find(name) else { return None };
        if let Some(Progress::Done(id)) = self.members.sequences.get(name) {
            return *id;
        }
        let id = self.lower_sequence(sequence);
        self.members.sequences.insert(name.into(), Progress::Done(id));
        id
    }

    fn lower_sequence(&mut self, sequence: &'a ast::Sequence) -> Option<SequenceId> {
        let horizon = self.window(&sequence.within);
        let shape = self.has_shape(sequence);
        let first = sequence.steps.first()?;
        let event = self.event(&first.event);
        let key = event.and_then(|event| {
            let place = Place::new(PlaceKind::Filter, &[event]);
            self.at_place(place, |checker| checker.key(&sequence.per, KeyUse::State))
        });
        let mut steps: Vec<Step> = Vec::new();
        let mut then_no = None;
        let mut excluded = Vec::new();
        let mut sound = shape;
        for step in &sequence.steps {
            let Some((event, filter, phase)) = self.step_event(step, key.as_ref(), sequence) else {
                sound = false;
                continue;
            };
            match &step.kind {
                StepKind::First(name) | StepKind::Then(name) => {
                    if let Some(known) = steps.iter().find(|known| known.name == name.text) {
                        let title = format!("two steps are called `{}`", known.name);
                        self.fault(Code::DUPLICATE_NAME, name.span, title, "");
                        sound = false;
                    }
                    steps.push(Step { name: name.text.clone(), event, filter, captures: Vec::new(), phase });
                }
                StepKind::ThenNo(within) => match self.window(within) {
                    Some(within) => then_no = Some(ThenNo { event, filter, within, phase }),
                    None => sound = false,
                },
                StepKind::Without { after, before } => excluded.push((event, filter, phase, after, before)),
            }
        }
        let mut without = Vec::new();
        for (event, filter, phase, after, before) in excluded {
            let (start, end) = (self.position(&steps, after), self.position(&steps, before));
            match (start, end) {
                (Some(after), Some(before)) if after < before => {
                    without.push(Without { event, filter, after, before, phase });
                }
                (Some(_), Some(_)) => {
                    let title = format!("`{}` does not come before `{}`", after.text, before.text);
                    self.fault(
                        Code::BAD_SEQUENCE,
                        after.span.to(before.span),
                        title,
                        "name the earlier step first",
                    );
                    sound = false;
                }
                _ => sound = false,
            }
        }
        let last = steps.last()?.phase;
        let phase = if then_no.is_some() { Phase::Timer } else { last };
        let at = self.at(sequence.name.span);
        let (key, horizon) = (key?, horizon?);
        if !sound {
            return None;
        }
        let name = sequence.name.text.clone();
        Some(self.hir.sequences.push(Sequence {
            name,
            key,
            horizon,
            steps,
            without,
            then_no,
            phase,
            at,
            unmapped: None,
        }))
    }

    /// Whether the clauses come in an order that can be matched.
    fn has_shape(&mut self, sequence: &ast::Sequence) -> bool {
        let steps = &sequence.steps;
        if steps.len() > STEPS_LIMIT {
            let title = format!("a sequence of {} steps; at most {STEPS_LIMIT}", steps.len());
            self.fault(Code::BAD_SEQUENCE, sequence.name.span, title, "");
            return false;
        }
        if !matches!(steps.first().map(|step| &step.kind), Some(StepKind::First(_))) {
            self.fault(Code::BAD_SEQUENCE, sequence.name.span, "a sequence begins with `first`", "");
            return false;
        }
        let mut ended: Option<Span> = None;
        for (position, step) in steps.iter().enumerate() {
            let fault = match (&step.kind, ended) {
                (StepKind::First(_), _) if position > 0 => Some("a sequence begins once"),
                (StepKind::Then(_) | StepKind::ThenNo(_), Some(_)) => {
                    Some("nothing comes after the absence that ends it")
                }
                _ => None,
            };
            if let Some(title) = fault {
                self.fault(Code::BAD_SEQUENCE, step.span, title, "");
                return false;
            }
            if let StepKind::ThenNo(_) = step.kind {
                ended = Some(step.span);
            }
        }
        let matched =
            steps.iter().filter(|step| matches!(step.kind, StepKind::First(_) | StepKind::Then(_))).count();
        if matched == 1 && ended.is_none() {
            let title = "a sequence of one event is no sequence";
            self.fault(
                Code::BAD_SEQUENCE,
                sequence.name.span,
                title,
                "add `then …`, or write the condition into the rule",
            );
            return false;
        }
        true
    }

    fn step_event(
        &mut self,
        step: &'a ast::Step,
        key: Option<&Key>,
        sequence: &ast::Sequence,
    ) -> Option<(EventId, Option<ExprId>, Phase)> {
        let event = self.event(&step.event)?;
        let place = Place::new(PlaceKind::Filter, &[event]);
        let filter =
            self.at_place(place, |checker| step.filter.as_ref().map(|filter| checker.condition(filter)));
        let mut phase = self.event_phase(&[event]);
        if let Some(filter) = filter {
            phase = phase.max(self.phase(filter, &[event]));
        }
        if let Some(key) = key {
            let of = format!("sequence `{}`", sequence.name.text);
            if !self.is_readable(key, &of, &[event], step.event.span) {
                return None;
            }
            phase = phase.max(self.key_phase(key, &[event]));
        }
        Some((event, filter, phase))
    }

    fn position(&mut self, steps: &[Step], name: &ast::Name) -> Option<u16> {
        let position = steps.iter().position(|step| step.name == name.text);
        if position.is_none() {
            self.no_step(steps.iter().map(|step| step.name.clone()).collect(), &name.text, name.span);
        }
        position.and_then(|position| u16::try_from(position).ok())
    }

    fn no_step(&mut self, names: Vec<SmolStr>, text: &str, span: Span) {
        let mut diagnostic = Diagnostic::new(Code::UNKNOWN_NAME, self.at(span), format!("no step `{text}`"));
        diagnostic = match suggest::nearest(text, names.iter().map(SmolStr::as_str)) {
            Some(near) => diagnostic.help(format!("did you mean `{near}`?")),
            None => diagnostic.help(format!("the steps are {}", names.join(", "))),
        };
        self.report(diagnostic);
    }

    /// A step of a lowered sequence by name.
    pub(super) fn step(&mut self, sequence: SequenceId, name: &str, span: Span) -> Option<(u16, EventId)> {
        let steps = &self.hir.sequences.get(sequence)?.steps;
        let found = steps.iter().enumerate().find(|(_, step)| step.name == name);
        if let Some((position, step)) = found {
            return u16::try_from(position).ok().map(|position| (position, step.event));
        }
        let names = steps.iter().map(|step| step.name.clone()).collect();
        self.no_step(names, name, span);
        None
    }

    /// Makes a step keep a field, and answers which.
    pub(super) fn capture(
        &mut self,
        sequence: SequenceId,
        step: u16,
        name: &str,
        span: Span,
    ) -> Option<FieldId> {
        let event = self.hir.sequences.get(sequence)?.steps.get(usize::from(step))?.event;
        let FieldSearch::Found(field) = self.field_in(&[event], name) else {
            let names = self.field_names(&[event]);
            let title = format!("`{}` has no field `{name}`", self.event_name(event));
            let mut diagnostic = Diagnostic::new(Code::UNKNOWN_NAME, self.at(span), title);
            if let Some(near) = suggest::nearest(name, names.iter().map(SmolStr::as_str).chain(["age"])) {
                diagnostic = diagnostic.help(format!("did you mean `{near}`?"));
            }
            self.report(diagnostic);
            return None;
        };
        self.keep(sequence, step, field, span).then_some(field)
    }

    /// Makes a step keep a field; false over the bound.
    pub(super) fn keep(&mut self, sequence: SequenceId, step: u16, field: FieldId, span: Span) -> bool {
        let Some(sequence) = self.hir.sequences.get_mut(sequence) else { return false };
        let Some(step) = sequence.steps.get_mut(usize::from(step)) else { return false };
        if step.captures.contains(&field) {
            return true;
        }
        if step.captures.len() >= CAPTURES_LIMIT {
            let title = format!("more than {CAPTURES_LIMIT} fields kept of a step");
            self.fault(Code::UNBOUNDED, span, title, "");
            return false;
        }
        step.captures.push(field);
        true
    }

    /// Makes the last step of a sequence with terminal absence keep everything a rule reads of the event.
    pub(super) fn keep_for_deadline(&mut self, sequence: SequenceId, fields: &Rc<[FieldId]>, span: Span) {
        let Some(last) =
            self.hir.sequences.get(sequence).map(|sequence| sequence.steps.len().saturating_sub(1))
        else {
            return;
        };
        for field in fields.iter() {
            self.keep(sequence, u16::try_from(last).unwrap_or(0), *field, span);
        }
    }
}
