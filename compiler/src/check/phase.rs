//! When a value is known.
//!
//! A value is known at the response when it reads a response field of the event at hand, or state that is
//! updated at the response and read with the event at hand counted. On an event that is not of the state's own
//! population, nothing of that event is counted, so the reading is known at the request.
//!
//! `http.response` begins at the response: everything about it is known then and not before.

use std::collections::HashSet;

use super::Checker;
use super::walk::{each_child, each_key_field};
use crate::hir::{ExprKind, Key, Phase};
use crate::ids::*;

/// The event that begins at the response.
const RESPONSE_EVENT: &str = "http.response";

impl Checker<'_> {
    /// When the event at hand itself begins.
    pub(super) fn event_phase(&self, events: &[EventId]) -> Phase {
        let begins_late = events.iter().any(|event| self.event_name(*event) == RESPONSE_EVENT);
        if begins_late { Phase::Response } else { Phase::Request }
    }

    /// When a field of the event at hand is known.
    pub(super) fn field_phase(&self, field: FieldId, events: &[EventId]) -> Phase {
        let late = events.iter().any(|event| {
            let event = self.hir.schema.events.get(*event);
            event.and_then(|event| event.slot_info(field)).is_some_and(|slot| slot.response)
        });
        if late { Phase::Response } else { self.event_phase(events) }
    }

    /// When a key of the event at hand is known.
    pub(super) fn key_phase(&self, key: &Key, events: &[EventId]) -> Phase {
        let mut phase = self.event_phase(events);
        each_key_field(&self.hir, key, |field| phase = phase.max(self.field_phase(field, events)));
        phase
    }

    /// When an expression over the events at hand is known.
    pub(super) fn phase(&self, expr: ExprId, events: &[EventId]) -> Phase {
        let mut phase = self.event_phase(events);
        let mut seen = HashSet::new();
        let mut rest = vec![expr];
        while let Some(expr) = rest.pop() {
            if !seen.insert(expr) {
                continue;
            }
            let Some(kind) = self.kind(expr) else { continue };
            phase = phase.max(self.node_phase(kind, events));
            each_child(&self.hir, kind, |child| rest.push(child));
        }
        phase
    }

    fn node_phase(&self, kind: &ExprKind, events: &[EventId]) -> Phase {
        match kind {
            ExprKind::Field(field) => self.field_phase(*field, events),
            ExprKind::Fingerprint(shape) => {
                let parts =
                    self.hir.declarations.fingerprints.get(*shape).map(|shape| shape.parts.as_slice());
                let phases = parts.unwrap_or_default().iter().map(|field| self.field_phase(*field, events));
                phases.max().unwrap_or(Phase::Request)
            }
            ExprKind::Signal(signal) | ExprKind::Absent(signal) => self.signal_phase(*signal, events),
            ExprKind::InCohort(cohort) | ExprKind::CohortValue(cohort, _) => {
                match self.hir.cohorts.get(*cohort) {
                    Some(cohort) if events.contains(&cohort.event) => cohort.phase,
                    _ => Phase::Request,
                }
            }
            ExprKind::Holds(sequence)
            | ExprKind::Captured { sequence, .. }
            | ExprKind::Age { sequence, .. } => {
                self.hir.sequences.get(*sequence).map_or(Phase::Request, |sequence| sequence.phase)
            }
            ExprKind::Tagged(key, _) => self.key_phase(key, events),
            _ => Phase::Request,
        }
    }

    /// When a reading at one of `events` is known.
    fn signal_phase(&self, signal: SignalId, events: &[EventId]) -> Phase {
        let Some(signal) = self.hir.signals.get(signal) else { return Phase::Request };
        let Some(state) = self.hir.states.get(signal.state) else { return Phase::Request };
        let key = state.key.as_ref().map_or(Phase::Request, |key| self.key_phase(key, events));
        let own = if events.contains(&state.event) { signal.phase } else { Phase::Request };
        key.max(own)
    }
}
