//! Cohorts: slices of traffic in surplus.
//!
//! `lift at least n` and `at least n` must be said; without `floor n` a slice whose baseline is warming is unknown.

use weir_dsl::{Code, Span, ast};

use super::key::KeyUse;
use super::name::{Place, PlaceKind};
use super::policy::Local;
use super::{Checker, Progress};
use crate::hir::{Cohort, Phase, Window};
use crate::ids::*;

/// The most dimensions: every event counts in up to two to their power slices.
pub const DIMENSIONS_LIMIT: usize = 8;

impl<'a> Checker<'a> {
    /// The cohort of a name, where it can be asked about the event at hand.
    pub(super) fn cohort_here(&mut self, name: &str, span: Span) -> Option<CohortId> {
        self.members.note_read(name);
        if self.place.kind != PlaceKind::Rule {
            self.fault(Code::WRONG_KIND, span, "only a rule can ask for a cohort", "");
            return None;
        }
        let id = self.cohort(name)?;
        let event = self.hir.cohorts.get(id)?.event;
        if !self.place.events.contains(&event) {
            let event = self.event_name(event);
            let title = format!("cohort `{name}` is of `{event}`, which is not the event at hand");
            self.fault(Code::BAD_KEY, span, title, &format!("write a policy on `{event}`"));
            return None;
        }
        Some(id)
    }

    /// Lowers a cohort, once.
    pub(super) fn cohort(&mut self, name: &str) -> Option<CohortId> {
        let Some(Local::Cohort(cohort)) = self.members.find(name) else { return None };
        if let Some(Progress::Done(id)) = self.members.cohorts.get(name) {
            return *id;
        }
        let id = self.lower_cohort(cohort);
        self.members.cohorts.insert(name.into(), Progress::Done(id));
        id
    }

    fn lower_cohort(&mut self, cohort: &'a ast::Cohort) -> Option<CohortId> {
        let lift = match &cohort.lift {
            Some(literal) => self.number(literal, "a lift"),
            None => self.unbounded(cohort, "lift at least 8"),
        };
        let least = match &cohort.least {
            Some(literal) => self.least(Some(literal)),
            None => self.unbounded(cohort, "at least 500"),
        };
        let floor = cohort.floor.as_ref().map(|literal| self.number(literal, "a floor"));
        let bounds = [(lift, 1.0, &cohort.lift), (floor.flatten(), f64::MIN_POSITIVE, &cohort.floor)];
        for (number, least, literal) in bounds {
            if let (Some(number), Some(literal)) = (number, literal)
                && number < least
            {
                let title =
                    if least == 1.0 { "a lift below 1 is no surplus" } else { "a floor is above zero" };
                self.fault(Code::OUT_OF_RANGE, literal.span, title, "");
            }
        }
        let Some(over) = &cohort.population.over else {
            self.fault(Code::UNBOUNDED, cohort.name.span, "how far back is not said", "write `over 5m`");
            return None;
        };
        let window = self.window(&over.window).map(|span| Window { span, kind: over.kind });
        let event = self.event(&cohort.population.event)?;
        let (filter, key) = self.at_place(Place::new(PlaceKind::Filter, &[event]), |checker| {
            let filter = cohort.population.filter.as_ref().map(|filter| checker.condition(filter));
            (filter, checker.key(&cohort.by, KeyUse::State))
        });
        if cohort.by.parts.len() > DIMENSIONS_LIMIT {
            let title = format!("{} dimensions; at most {DIMENSIONS_LIMIT}", cohort.by.parts.len());
            self.fault(
                Code::UNBOUNDED,
                cohort.by.span,
                title,
                "every event counts in a slice for each set of them",
            );
            return None;
        }
        let (key, window) = (key?, window?);
        let by_filter = filter.map_or(Phase::Request, |filter| self.phase(filter, &[event]));
        let phase = by_filter.max(self.key_phase(&key, &[event]));
        let dimensions = cohort.by.parts.iter().map(|part| part.text.clone()).collect();
        let at = self.at(cohort.name.span);
        Some(self.hir.cohorts.push(Cohort {
            name: cohort.name.text.clone(),
            event,
            filter,
            by: key.parts,
            dimensions,
            window,
            floor: match floor {
                Some(floor) => Some(floor?),
                None => None,
            },
            lift: lift?,
            least: least?,
            phase,
            at,
            unmapped: false,
        }))
    }

    fn unbounded<T>(&mut self, cohort: &ast::Cohort, bound: &str) -> Option<T> {
        let title = format!("cohort `{}` says nothing of when it is in surplus", cohort.name.text);
        self.fault(Code::UNBOUNDED, cohort.name.span, title, &format!("add `{bound}`"));
        None
    }
}
