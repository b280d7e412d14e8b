//! Truth: what became known of a decision later.
//!
//! A decision has a printable [`DecisionId`]. The events `label` and `chargeback` name it; here, for as long as
//! the decision is remembered, they tell who was good: its session and its device count as known-good from then on, until
//! somebody calls the same decision, or another of theirs, fraud. Months later the ledger joins them (`weir rules stats`).

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::fmt;

use serde::{Deserialize, Serialize};
use weir_compiler::hir::Hir;
use weir_compiler::ids::*;
use weir_compiler::types::Type;
use weir_compiler::value::Value;

use crate::engine::Engine;
use crate::input::Seq;
use crate::keyhash::{KeyHash, KeyHasher};
use crate::record::Record;
use crate::ruleset::RuleSet;

/// How long a good label counts, in ms: 90 days.
const GOOD_FOR: i64 = 90 * 86_400_000;

/// The name of a decision for people and other systems: its number and a keyed hash of it, `4711-8c1f9a03d2e45b67`.
///
/// The hash is over the tenant under the deployment's secret, so that an id of another tenant, or one made up, is
/// recognised as no decision of this engine.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct DecisionId {
    /// The request's number.
    pub seq: Seq,
    /// The keyed hash.
    pub check: u64,
}

impl fmt::Display for DecisionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{:016x}", self.seq.0, self.check)
    }
}

impl std::str::FromStr for DecisionId {
    type Err = NotADecision;

    fn from_str(text: &str) -> Result<Self, NotADecision> {
        let (seq, check) = text.split_once('-').ok_or(NotADecision)?;
        let digits = check.len() == 16 && check.bytes().all(|b| b.is_ascii_hexdigit());
        if !digits || seq.is_empty() || seq.len() > 20 || !seq.bytes().all(|b| b.is_ascii_digit()) {
            return Err(NotADecision);
        }
        let seq = seq.parse().map_err(|_| NotADecision)?;
        Ok(Self { seq: Seq(seq), check: u64::from_str_radix(check, 16).map_err(|_| NotADecision)? })
    }
}

/// A text that is no decision's id.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a decision's id: a number, `-` and 16 hexadecimal digits")]
pub struct NotADecision;

/// What is said of a decision.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Said {
    /// It was fraud.
    Fraud,
    /// It was somebody good.
    Good,
    /// Nobody can tell.
    Unsure,
    /// The bank has taken the money back.
    Chargeback,
}

/// A decision that somebody has said something of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Told {
    /// Which.
    pub decision: DecisionId,
    /// What.
    pub said: Said,
}

/// Where the events of truth have their parts.
#[derive(Debug, Default)]
pub(crate) struct TruthPlan {
    /// `label`: the event, the decision, the verdict and what its variants mean.
    label: Option<(EventId, FieldId, FieldId, Vec<Said>)>,
    chargeback: Option<(EventId, FieldId)>,
    /// The domain of ids.
    domain: u64,
}

impl TruthPlan {
    pub(crate) fn new(hir: &Hir, hasher: &KeyHasher) -> Self {
        let schema = &hir.schema;
        let label = || {
            let event = schema.event("label")?;
            let (decision, verdict) = (schema.field(event, "decision")?, schema.field(event, "verdict")?);
            let Type::Enum(variants) = &schema.fields.get(verdict)?.ty else { return None };
            let said = variants.iter().map(|variant| match variant.as_str() {
                "fraud" => Said::Fraud,
                "good" => Said::Good,
                _ => Said::Unsure,
            });
            Some((event, decision, verdict, said.collect()))
        };
        let chargeback = || {
            let event = schema.event("chargeback")?;
            Some((event, schema.field(event, "decision")?))
        };
        Self { label: label(), chargeback: chargeback(), domain: hasher.domain("decision") }
    }

    /// The fields it reads.
    pub(crate) fn fields(&self) -> impl Iterator<Item = FieldId> {
        let label = self.label.iter().flat_map(|(_, decision, verdict, _)| [*decision, *verdict]);
        label.chain(self.chargeback.iter().map(|(_, decision)| *decision))
    }

    /// What a record says of a decision, if it is of truth.
    fn read(&self, hir: &Hir, record: &Record) -> Option<Told> {
        let schema = &hir.schema;
        let decision = |field| match record.get(schema, field) {
            Some(Value::Text(text)) => text.parse().ok(),
            _ => None,
        };
        match (&self.label, &self.chargeback) {
            (Some((event, id, verdict, said)), _) if record.event() == *event => {
                let Value::Variant(variant) = record.get(schema, *verdict)? else { return None };
                let said = said.get(usize::from(*variant)).copied().unwrap_or(Said::Unsure);
                Some(Told { decision: decision(*id)?, said })
            }
            (_, Some((event, id))) if record.event() == *event => {
                Some(Told { decision: decision(*id)?, said: Said::Chargeback })
            }
            _ => None,
        }
    }
}

/// A decision that may be spoken of.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Recent {
    seq: Seq,
    /// Session and device.
    keys: [Option<KeyHash>; 2],
}

/// What is remembered of decisions, and who was said to be good.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Truth {
    /// In order of their numbers.
    recent: VecDeque<Recent>,
    good: BTreeMap<KeyHash, i64>,
    order: BTreeSet<(i64, KeyHash)>,
    /// Labels that found their decision, and those that did not.
    joined: u64,
    unmatched: u64,
}

impl Truth {
    /// Remembers a decision, past `room` in place of the oldest.
    pub(crate) fn remember(&mut self, seq: Seq, keys: [Option<KeyHash>; 2], room: usize) {
        if keys == [None, None] {
            return;
        }
        match self.recent.back_mut() {
            Some(last) if last.seq == seq => {
                for (known, key) in last.keys.iter_mut().zip(keys) {
                    *known = known.or(key);
                }
                return;
            }
            _ => self.recent.push_back(Recent { seq, keys }),
        }
        while self.recent.len() > room.max(1) {
            self.recent.pop_front();
        }
    }

    /// Whether an actor was said to be good within the last 90 days.
    pub(crate) fn is_good(&self, key: KeyHash, at: i64) -> bool {
        self.good.get(&key).is_some_and(|since| at.saturating_sub(*since) <= GOOD_FOR)
    }

    fn learn(&mut self, seq: Seq, said: Said, at: i64, room: usize) {
        let place = self.recent.binary_search_by_key(&seq, |recent| recent.seq);
        let Some(keys) = place.ok().and_then(|place| self.recent.get(place)).map(|recent| recent.keys) else {
            self.unmatched = self.unmatched.saturating_add(1);
            return;
        };
        self.joined = self.joined.saturating_add(1);
        for key in keys.into_iter().flatten() {
            if said == Said::Unsure {
                continue;
            }
            if let Some(since) = self.good.remove(&key) {
                self.order.remove(&(since, key));
            }
            if said == Said::Good {
                self.good.insert(key, at);
                self.order.insert((at, key));
            }
        }
        while self.good.len() > room.max(1) {
            let Some((_, key)) = self.order.pop_first() else { break };
            self.good.remove(&key);
        }
    }
}

impl Engine {
    /// The id of the decision over a request, and over its response.
    pub fn decision_id(&self, seq: Seq) -> DecisionId {
        let mut bytes = [0; 16];
        let (head, tail) = bytes.split_at_mut(8);
        head.copy_from_slice(&self.set.truth.domain.to_le_bytes());
        tail.copy_from_slice(&seq.0.to_le_bytes());
        DecisionId { seq, check: self.set.hasher.value(&bytes) }
    }

    /// The decision that a `label` or `chargeback` speaks of, and what it says; nothing for other events, and for ids
    /// that are of no decision of this tenant and secret.
    pub fn told(&self, record: &Record) -> Option<Told> {
        let told = self.set.truth.read(&self.set.hir, record)?;
        (self.decision_id(told.decision.seq) == told.decision).then_some(told)
    }

    /// Labels and chargebacks that found their decision among those remembered, and those that did not.
    pub fn labels(&self) -> (u64, u64) {
        (self.control.truth.joined, self.control.truth.unmatched)
    }

    /// Learns from an event of truth.
    pub(crate) fn learn(&mut self, set: &RuleSet, record: &Record, at: i64) {
        let plan = &set.truth;
        let speaks = |event: Option<EventId>| event == Some(record.event());
        if !speaks(plan.label.as_ref().map(|(event, ..)| *event))
            && !speaks(plan.chargeback.map(|(event, _)| event))
        {
            return;
        }
        match self.told(record) {
            Some(told) => {
                self.control.truth.learn(told.decision.seq, told.said, at, self.options.limits.labelled);
            }
            None => self.control.truth.unmatched = self.control.truth.unmatched.saturating_add(1),
        }
    }

    /// Remembers who an event was of, when something came of it.
    pub(crate) fn remember(&mut self, set: &RuleSet, record: &Record, at: i64, seq: Seq) {
        if set.truth.label.is_none() {
            return;
        }
        let view = self.view(record, at, false);
        let keys = [set.harms.session, set.harms.device].map(|key| key.and_then(|key| view.key(key)));
        self.control.truth.remember(seq, keys, self.options.limits.remembered);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_is_read_as_it_is_printed() {
        let id = DecisionId { seq: Seq(4_711), check: 0x0c1f };
        assert_eq!(id.to_string(), "4711-0000000000000c1f");
        assert_eq!(id.to_string().parse(), Ok(id));
        for wrong in
            ["", "-", "4711", "4711-c1f", "-0000000000000c1f", "+1-0000000000000c1f", "é-0000000000000c1f"]
        {
            assert_eq!(wrong.parse::<DecisionId>(), Err(NotADecision), "{wrong}");
        }
    }

    #[test]
    fn good_is_who_was_said_to_be_until_somebody_says_otherwise() {
        let mut truth = Truth::default();
        let (ana, phone) = (KeyHash(1), KeyHash(2));
        truth.remember(Seq(5), [Some(ana), None], 10);
        truth.remember(Seq(5), [None, Some(phone)], 10);
        truth.remember(Seq(9), [Some(ana), None], 10);
        truth.learn(Seq(5), Said::Good, 100, 10);
        assert!(truth.is_good(ana, 100) && truth.is_good(phone, 100 + GOOD_FOR));
        assert!(!truth.is_good(phone, 101 + GOOD_FOR));
        truth.learn(Seq(9), Said::Unsure, 101, 10);
        assert!(truth.is_good(ana, 101));
        truth.learn(Seq(9), Said::Chargeback, 102, 10);
        assert!(!truth.is_good(ana, 102) && truth.is_good(phone, 102));
        truth.learn(Seq(7), Said::Good, 103, 10);
        assert_eq!((truth.joined, truth.unmatched), (3, 1));
    }

    #[test]
    fn memory_is_bounded() {
        let mut truth = Truth::default();
        for seq in 0..100 {
            truth.remember(Seq(seq), [Some(KeyHash(seq.into())), None], 8);
            truth.learn(Seq(seq), Said::Good, seq as i64, 5);
        }
        assert_eq!((truth.recent.len(), truth.good.len(), truth.order.len()), (8, 5, 5));
        assert!(truth.is_good(KeyHash(99), 100) && !truth.is_good(KeyHash(94), 100));
    }
}
