//! A decision as one line of JSON: the verdict with all that carrying it out needs, and what else is to be done.
//!
//! Fields are added, never renamed or given another meaning.

use serde::Serialize;
use serde_json::{Map, Value, json};
use weir_compiler::civil;
use weir_compiler::hir::Aside;
use weir_engine::{Decision, EffectKind, Engine, EventDecision, Ruling};

use crate::replay::Decided;
use crate::replay::line::Line;

/// A decision.
#[derive(Debug, Serialize)]
pub(crate) struct Answer {
    /// The request must not go on: challenged or more, or over a rate.
    stopped: bool,
    #[serde(flatten)]
    line: Line,
    /// What the verdict needs to be carried out: `status`, `decoy`, `to`, `by_ms`, `hold`.
    #[serde(skip_serializing_if = "Map::is_empty")]
    with: Map<String, Value>,
    /// `panic off` is in force: nothing acts.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    panic: bool,
    /// What else is to be done: entries, tags, alerts, sessions to end …
    #[serde(skip_serializing_if = "Vec::is_empty")]
    effects: Vec<Value>,
}

impl Answer {
    /// Of a line that was decided.
    pub(crate) fn new(engine: &Engine, seq: u64, decided: &Decided, reveal: bool) -> Self {
        let Decided { request, response, .. } = decided;
        let events = request.events.iter().chain(response.iter().flat_map(|response| &response.events));
        Self {
            stopped: request.stopped,
            line: Line::new(engine, seq, decided, reveal),
            with: details(engine, &request.verdict),
            panic: request.panic,
            effects: events.flat_map(|event| effects(engine, event)).collect(),
        }
    }

    /// Of terminal absences that a decision found due.
    pub(crate) fn deadlines<'a>(
        engine: &'a Engine,
        seq: u64,
        decision: &'a Decision,
    ) -> impl Iterator<Item = Self> + 'a {
        let due = decision.deadlines.iter().filter(|look| !look.matches.is_empty());
        due.map(move |look| Self {
            stopped: false,
            line: Line::of_deadline(engine, seq, look),
            with: Map::new(),
            panic: decision.panic,
            effects: effects(engine, look),
        })
    }
}

fn details(engine: &Engine, verdict: &Ruling) -> Map<String, Value> {
    let declared = &engine.hir().declarations;
    let mut with = Map::new();
    let mut add = |name: &str, value: Option<Value>| {
        with.extend(value.map(|value| (name.to_owned(), value)));
    };
    add("status", verdict.status.map(Value::from));
    let decoy = verdict.decoy.and_then(|id| declared.decoys.get(id));
    add("decoy", decoy.map(|decoy| decoy.named.name.as_str().into()));
    add("to", verdict.place.as_ref().map(|place| place.as_str().into()));
    add("by_ms", verdict.by.map(Value::from));
    add(
        "hold",
        verdict.hold.map(|(queue, within, otherwise, status)| {
            let queue = declared.queues.get(queue).map(|queue| queue.name.clone());
            json!({ "queue": queue, "within_ms": within, "else": otherwise.word(), "else_status": status })
        }),
    );
    with
}

fn effects(engine: &Engine, event: &EventDecision) -> Vec<Value> {
    let hir = engine.hir();
    let declared = &hir.declarations;
    let queue = |id| declared.queues.get(id).map(|queue| queue.name.clone());
    let what = |kind: &EffectKind| match kind {
        EffectKind::Entry { key, verb, until, fresh, shadow } => json!({
            "kind": "entry", "key": key.to_string(), "verb": verb.word(), "until": civil::format(*until),
            "fresh": fresh, "shadow": shadow,
        }),
        EffectKind::Tagged { key, tag, until } => json!({
            "kind": "tag", "key": key.to_string(), "tag": declared.tags.get(*tag).map(|tag| tag.name.clone()),
            "until": civil::format(*until),
        }),
        EffectKind::Told(aside, to) => {
            let kind = match aside {
                Aside::Alert => "alert",
                Aside::Notify => "notify",
                Aside::Ticket => "ticket",
            };
            json!({ "kind": kind, "to": queue(*to) })
        }
        EffectKind::Revoked(key) => json!({ "kind": "revoke", "key": key.to_string() }),
        EffectKind::PasswordLocked(key) => json!({ "kind": "lock-password", "key": key.to_string() }),
        EffectKind::Activated(target, until) => {
            json!({ "kind": "activate", "target": target, "until": civil::format(*until) })
        }
        EffectKind::Masked(field) => {
            json!({ "kind": "mask", "field": hir.schema.fields.get(*field).map(|field| field.name.clone()) })
        }
        EffectKind::Held { case, queue: id, until } => {
            json!({ "kind": "held", "case": case, "queue": queue(*id), "until": civil::format(*until) })
        }
        EffectKind::QueueFull(id) => json!({ "kind": "queue-full", "queue": queue(*id) }),
        EffectKind::Suspended { why, .. } => json!({ "kind": "suspended", "why": why }),
    };
    let tell = |effect: &weir_engine::Effect| {
        let mut value = what(&effect.kind);
        if let (Some(object), Some(rule)) = (value.as_object_mut(), hir.rules.get(effect.rule)) {
            object.insert("rule".to_owned(), rule.full_name.as_str().into());
        }
        value
    };
    event.effects.iter().map(tell).collect()
}
