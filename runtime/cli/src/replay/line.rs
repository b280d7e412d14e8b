//! One input line's decision, as it is written out: one JSON object a line.
//!
//! The form is versioned by the command line's `--json` rule: fields are added, never renamed or given another
//! meaning.

use serde::Serialize;
use smol_str::SmolStr;
use weir_compiler::civil;
use weir_compiler::hir::{Action, Aside, Hir, Rule, Verb};
use weir_compiler::ids::RuleId;
use weir_compiler::schema::Schema;
use weir_compiler::show;
use weir_compiler::value::Value;
use weir_engine::{Acting, Decision, Engine, EntryHit, EventDecision, Fate, Record};

use crate::replay::Decided;

/// Envelope fields that name somebody or something; those that are known go into `keys`.
const KEYS: [&str; 14] = [
    "ip",
    "asn",
    "country",
    "session",
    "user",
    "device",
    "token",
    "shape",
    "ja4",
    "user_agent",
    "agent.operator",
    "agent.claimed",
    "campaign",
    "channel",
];

/// Those of which a summary counts the values.
pub(crate) const COUNTED: [&str; 5] = ["ip", "user_agent", "session", "user", "asn"];

/// What would have happened to one line.
#[derive(Debug, Serialize)]
pub struct Line {
    /// 0-based input line.
    pub seq: u64,
    /// The decision's id, by which a response, a label or a chargeback names it; a deadline has none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    /// RFC 3339, UTC.
    pub ts: String,
    /// The events made of it, in order.
    pub events: Vec<SmolStr>,
    /// The strongest verdict over its events.
    pub verdict: Verb,
    /// The same, had every rule been enforced.
    pub shadow: Verb,
    /// The highest score over its events.
    pub score: i32,
    /// The same, had every rule been enforced.
    pub shadow_score: i32,
    /// Rules that fired, and entries that earlier firings put on a key of this line.
    pub matches: Vec<Match>,
    /// Who it was; personal values as keyed hashes unless revealed.
    pub keys: serde_json::Map<String, serde_json::Value>,
}

/// A rule that fired, or that is unknown and says what then, or whose entry was met.
#[derive(Debug, Serialize)]
pub struct Match {
    /// Its full name.
    pub rule: SmolStr,
    /// `shadow`, `canary` or `enforce`.
    pub mode: &'static str,
    /// Its strongest verdict, or what else it does.
    pub action: String,
    /// Why.
    pub because: String,
    /// `request` or `response`: when it was known. `entry`: put on a key by an earlier firing.
    pub phase: &'static str,
    /// It did not fire: it is unknown and says what then.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub unknown: bool,
    /// An exemption lifted it.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub lifted: bool,
    /// The same rule, in the linked rule set.
    #[serde(skip)]
    pub id: RuleId,
}

impl Line {
    /// From the decision at the request, and the one at the response if there was one. `reveal`: personal values in
    /// clear.
    pub fn new(engine: &Engine, seq: u64, decided: &Decided, reveal: bool) -> Self {
        let Decided { events, request, response } = decided;
        let events: Vec<&Record> = events.iter().collect();
        let hide = |value: &Value| engine.pseudonym(std::slice::from_ref(value));
        let line =
            Self::of(engine.hir(), seq, &events, request, response.as_ref(), (!reveal).then_some(&hide));
        Self { id: Some(engine.decision_id(request.seq).to_string()), ..line }
    }

    /// As much of it as a [summary](super::summary) counts: what matched, and who it was where somebody was stopped or would have
    /// been. A tenth of the cost.
    pub(crate) fn counted(engine: &Engine, seq: u64, decided: &Decided, reveal: bool) -> Self {
        let Decided { events, request, response } = decided;
        let mut line = Self::bare(seq, request);
        let hir = engine.hir();
        for event in &request.events {
            line.add(hir, event, "request", false);
        }
        for event in response.iter().flat_map(|response| &response.events) {
            line.add(hir, event, "response", false);
        }
        if line.names_somebody() {
            let events: Vec<&Record> = events.iter().collect();
            let hide = |value: &Value| engine.pseudonym(std::slice::from_ref(value));
            line.keys = keys(&hir.schema, &events, &COUNTED, (!reveal).then_some(&hide));
        }
        line
    }

    /// Somebody was stopped, or would have been.
    pub(crate) fn names_somebody(&self) -> bool {
        stops_or_would(self.verdict, self.shadow)
    }

    fn bare(seq: u64, request: &Decision) -> Self {
        Self {
            seq,
            id: None,
            ts: String::new(),
            events: Vec::new(),
            verdict: request.verdict.verb,
            shadow: request.shadow.max(request.verdict.verb),
            score: request.score,
            shadow_score: request.shadow_score,
            matches: Vec::new(),
            keys: serde_json::Map::new(),
        }
    }

    /// The same of a rule set's decisions over `events`; `hide` says what stands for a personal value.
    pub(crate) fn of(
        hir: &Hir,
        seq: u64,
        events: &[&Record],
        request: &Decision,
        response: Option<&Decision>,
        hide: Option<&dyn Fn(&Value) -> String>,
    ) -> Self {
        let name = |event| hir.schema.events.get(event).map(|event| event.name.clone()).unwrap_or_default();
        let mut line = Self {
            ts: civil::format(request.at),
            events: request.events.iter().map(|event| name(event.event)).collect(),
            keys: keys(&hir.schema, events, &KEYS, hide),
            ..Self::bare(seq, request)
        };
        for event in &request.events {
            line.add(hir, event, "request", true);
        }
        for event in response.into_iter().flat_map(|response| &response.events) {
            let event_name = name(event.event);
            if !line.events.contains(&event_name) {
                line.events.push(event_name);
            }
            line.add(hir, event, "response", true);
        }
        line
    }

    /// From a terminal absence that has come due.
    pub(crate) fn of_deadline(engine: &Engine, seq: u64, look: &EventDecision) -> Self {
        let hir = engine.hir();
        let event = hir.schema.events.get(look.event).map(|event| event.name.clone());
        let mut line = Self {
            seq,
            id: None,
            ts: civil::format(look.at),
            events: event.into_iter().collect(),
            verdict: Verb::Pass,
            shadow: Verb::Pass,
            score: 0,
            shadow_score: 0,
            matches: Vec::new(),
            keys: serde_json::Map::new(),
        };
        line.add(hir, look, "deadline", true);
        line
    }

    /// Adds what an event met; with `texts`, in words.
    fn add(&mut self, hir: &Hir, event: &EventDecision, phase: &'static str, texts: bool) {
        let action = |rule: &Rule, verb, unknown| {
            if texts { action(rule, verb, unknown) } else { String::new() }
        };
        for id in &event.exemptions {
            if let Some(rule) = hir.rules.get(*id) {
                self.matches.push(Match {
                    rule: rule.full_name.clone(),
                    mode: rule.mode.word(),
                    action: action(rule, None, false),
                    because: String::new(),
                    phase,
                    unknown: false,
                    lifted: false,
                    id: *id,
                });
            }
        }
        for found in &event.matches {
            let Some(rule) = hir.rules.get(found.rule) else { continue };
            if event.exemptions.contains(&found.rule) {
                // Told above without a reason: the match has it.
                if texts && let Some(told) = self.matches.iter_mut().find(|told| told.id == found.rule) {
                    told.because.clone_from(&found.because);
                }
                continue;
            }
            self.matches.push(Match {
                rule: rule.full_name.clone(),
                mode: mode(rule, found.acting),
                action: action(rule, found.action, found.unknown),
                because: if texts { found.because.clone() } else { String::new() },
                phase,
                unknown: found.unknown,
                lifted: found.acting == Acting::Lifted,
                id: found.rule,
            });
        }
        for hit in &event.entries {
            let Some(rule) = hir.rules.get(hit.rule) else { continue };
            if !matches!(hit.fate, Fate::Applied | Fate::Lifted) {
                continue;
            }
            self.matches.push(Match {
                rule: rule.full_name.clone(),
                mode: if hit.shadow { "shadow" } else { rule.mode.word() },
                action: if texts { hit.verb.word().to_owned() } else { String::new() },
                because: if texts { entered(hit) } else { String::new() },
                phase: "entry",
                unknown: false,
                lifted: hit.fate == Fate::Lifted,
                id: hit.rule,
            });
        }
    }
}

/// Why an entry was met.
fn entered(hit: &EntryHit) -> String {
    format!("this {} is under {} until {}", hit.key, hit.verb.word(), civil::format(hit.until))
}

/// Whether a verdict, or what shadow rules would have made of it, is more than a note.
pub(crate) fn stops_or_would(verdict: Verb, shadow: Verb) -> bool {
    verdict > Verb::Log || shadow > Verb::Log
}

fn mode(rule: &Rule, acting: Acting) -> &'static str {
    match (acting, rule.mode.word()) {
        // Outside its canary a rule only watches.
        (Acting::Shadow, _) => "shadow",
        (_, word) => word,
    }
}

/// What a rule does: its strongest verdict, else everything else in its list.
fn action(rule: &Rule, verb: Option<Verb>, unknown: bool) -> String {
    if let Some(verb) = verb {
        return verb.word().to_owned();
    }
    let actions = if unknown { &rule.if_unknown } else { &rule.then };
    let words: Vec<String> = actions
        .iter()
        .map(|action| match action {
            Action::Score(points) => format!("score {points:+}"),
            Action::Exempt(package) => format!("exempt from {package}"),
            Action::Verdict(verdict) => verdict.verb.word().to_owned(),
            Action::Hold { .. } => "hold".to_owned(),
            Action::Tag { .. } => "tag".to_owned(),
            Action::Aside(Aside::Alert, _) => "alert".to_owned(),
            Action::Aside(Aside::Notify, _) => "notify".to_owned(),
            Action::Aside(Aside::Ticket, _) => "ticket".to_owned(),
            Action::Revoke(_) => "revoke".to_owned(),
            Action::LockPassword(_) => "lock password".to_owned(),
            Action::Activate { target, .. } => format!("activate {target}"),
            Action::Mask(_) => "mask".to_owned(),
        })
        .collect();
    words.join(", ")
}

fn keys(
    schema: &Schema,
    events: &[&Record],
    names: &[&str],
    hide: Option<&dyn Fn(&Value) -> String>,
) -> serde_json::Map<String, serde_json::Value> {
    let mut keys = serde_json::Map::new();
    for name in names.iter().copied() {
        let Some(id) = schema.envelope_field(name) else { continue };
        let Some(field) = schema.fields.get(id) else { continue };
        // A derived event may know more of its envelope than the request it is made of.
        let Some(value) = events.iter().rev().find_map(|record| record.get(schema, id)) else { continue };
        let shown = match hide.filter(|_| field.personal) {
            Some(hide) => hide(value),
            None => show::show(value, &field.ty),
        };
        keys.insert(name.to_owned(), shown.into());
    }
    keys
}
