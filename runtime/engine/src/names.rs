//! What state calls things: hashes of names and canonical texts, never positions.
//!
//! State outlives a rule set: it is carried over a hot swap and written to snapshots that another build of another
//! rule set may read. A rule, a tag or a state therefore has a [`NameHash`] there, made of its full name or of the
//! canonical text of what it keeps; what has the same name afterwards is the same thing, whatever its position.

use std::collections::HashMap;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use siphasher::sip::SipHasher13;
use weir_compiler::canonical;
use weir_compiler::hir::{Action, CapKind, Hir, Named, To, Verdict};
use weir_compiler::ids::*;

/// The hash of a name: SipHash-1-3 of 64 bits under a public key, the kind of thing first.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct NameHash(pub u64);

impl NameHash {
    /// The hash of a name of a kind: `of("rule", "shop.bots.fast")`.
    pub fn of(kind: &str, name: &str) -> Self {
        let mut bytes = Vec::with_capacity(kind.len() + name.len() + 1);
        bytes.extend_from_slice(kind.as_bytes());
        bytes.push(0);
        bytes.extend_from_slice(name.as_bytes());
        Self(SipHasher13::new_with_key(b"weir name hashes").hash(&bytes))
    }
}

impl std::fmt::Display for NameHash {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{:016x}", self.0)
    }
}

/// What made an entry of an enforcement table: an action of a rule.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub(crate) struct Origin {
    pub(crate) rule: NameHash,
    /// The action, by what it does; whom it spares is left to the rule as it is now.
    pub(crate) action: NameHash,
}

/// Where the action of an origin stands in the present rule set.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Place {
    pub(crate) rule: RuleId,
    pub(crate) action: u16,
    /// Among the actions taken when the rule is unknown.
    pub(crate) unknown: bool,
}

/// The origins of a rule's actions, by which action it is and whether it is taken when the rule is unknown.
type Origins = Arc<[(u16, bool, Origin)]>;

/// The names of everything that state speaks of.
#[derive(Clone, Debug, Default)]
pub(crate) struct Names {
    pub(crate) rules: IdVec<RuleId, NameHash>,
    pub(crate) tags: IdVec<TagId, NameHash>,
    pub(crate) states: IdVec<StateId, NameHash>,
    pub(crate) sequences: IdVec<SequenceId, NameHash>,
    pub(crate) cohorts: IdVec<CohortId, NameHash>,
    pub(crate) facts: IdVec<FactId, NameHash>,
    pub(crate) decoys: IdVec<DecoyId, NameHash>,
    pub(crate) signals: IdVec<SignalId, NameHash>,
    /// By position.
    pub(crate) caps: Vec<NameHash>,
    /// Rules by their names; the first of several.
    by_name: Arc<HashMap<NameHash, RuleId>>,
    origins: HashMap<Origin, Place>,
    places: IdVec<RuleId, Origins>,
}

impl Names {
    /// The names of a rule set. `counted` says of a state that its records count events beside what it measures, and
    /// `captures` which fields a sequence's steps keep: both are part of what their records are.
    pub(crate) fn new(
        hir: &Hir,
        counted: impl Fn(StateId) -> bool,
        captures: &IdVec<SequenceId, Vec<Vec<FieldId>>>,
    ) -> Self {
        let full = |named: &Named| format!("{}.{}", named.package, named.name);
        let field = |id: &FieldId| hir.schema.fields.get(*id).map_or("?", |field| field.name.as_str());
        let sequence = |id: SequenceId| {
            let kept = captures.get(id).into_iter().flatten();
            let kept: Vec<String> =
                kept.map(|step| step.iter().map(field).collect::<Vec<_>>().join(",")).collect();
            NameHash::of("sequence", &format!("{} keeps {}", canonical::sequence(hir, id), kept.join(";")))
        };
        let declared = &hir.declarations;
        let mut names = Self {
            rules: hir.rules.values().map(|rule| NameHash::of("rule", &rule.full_name)).collect(),
            tags: declared.tags.values().map(|tag| NameHash::of("tag", &full(tag))).collect(),
            states: hir.states.ids().map(|id| state(hir, id, counted(id))).collect(),
            sequences: hir.sequences.ids().map(sequence).collect(),
            cohorts: hir
                .cohorts
                .ids()
                .map(|id| NameHash::of("cohort", &canonical::cohort(hir, id)))
                .collect(),
            facts: hir.facts.values().map(|fact| NameHash::of("fact", &canonical::fact(hir, fact))).collect(),
            decoys: declared
                .decoys
                .values()
                .map(|decoy| NameHash::of("decoy", &full(&decoy.named)))
                .collect(),
            signals: hir.signals.ids().map(|id| signal(hir, id)).collect(),
            caps: hir.caps.iter().map(|cap| NameHash::of("cap", &cap_text(hir, cap))).collect(),
            by_name: Arc::default(),
            origins: HashMap::new(),
            places: hir.rules.values().map(|_| Arc::from([])).collect(),
        };
        names.by_name = names.rules_by_name();
        for id in hir.rules.ids() {
            names.add_rule(hir, id);
        }
        names
    }

    /// The same for a rule set with the same state, or more behind it, and as many rules, of which some have changed.
    pub(crate) fn again(&self, hir: &Hir, changed: &[RuleId], counted: impl Fn(StateId) -> bool) -> Self {
        let mut names = self.clone();
        for id in hir.states.ids().skip(names.states.len()) {
            names.states.push(state(hir, id, counted(id)));
        }
        for id in hir.signals.ids().skip(names.signals.len()) {
            names.signals.push(signal(hir, id));
        }
        for id in changed {
            let Some(rule) = hir.rules.get(*id) else { continue };
            let before = names.places.get(*id).map(Arc::clone);
            for (_, _, origin) in before.iter().flat_map(|origins| origins.iter()) {
                names.origins.remove(origin);
            }
            if let Some(name) = names.rules.get_mut(*id) {
                *name = NameHash::of("rule", &rule.full_name);
            }
        }
        if names.rules != self.rules {
            names.by_name = names.rules_by_name();
        }
        changed.iter().for_each(|id| names.add_rule(hir, *id));
        names
    }

    fn rules_by_name(&self) -> Arc<HashMap<NameHash, RuleId>> {
        Arc::new(self.rules.iter().rev().map(|(id, name)| (*name, id)).collect())
    }

    /// The rule of a full name.
    pub(crate) fn rule(&self, name: &str) -> Option<RuleId> {
        self.by_name.get(&NameHash::of("rule", name)).copied()
    }

    /// Adds the origins of a rule.
    fn add_rule(&mut self, hir: &Hir, id: RuleId) {
        let (Some(rule), Some(name)) = (hir.rules.get(id), self.rules.get(id).copied()) else { return };
        let mut origins = Vec::new();
        for (actions, unknown) in [(&rule.then, false), (&rule.if_unknown, true)] {
            for (at, action) in actions.iter().enumerate() {
                let Action::Verdict(verdict) = action else { continue };
                let text = verdict_text(hir, verdict, unknown);
                let mut origin = Origin { rule: name, action: NameHash::of("action", &text) };
                // Two actions that do the same are told apart by their order.
                for again in 1..=actions.len() {
                    if !self.origins.contains_key(&origin) {
                        break;
                    }
                    origin.action = NameHash::of("action", &format!("{text} again {again}"));
                }
                let place = Place { rule: id, action: at as u16, unknown };
                self.origins.insert(origin, place);
                origins.push((place.action, unknown, origin));
            }
        }
        if let Some(places) = self.places.get_mut(id) {
            *places = origins.into();
        }
    }

    /// Where an origin's action stands now; nothing when the rule set has it no more.
    pub(crate) fn place(&self, origin: Origin) -> Option<Place> {
        self.origins.get(&origin).copied()
    }

    /// The origin of an action.
    pub(crate) fn origin(&self, rule: RuleId, action: u16, unknown: bool) -> Option<Origin> {
        let mut origins = self.places.get(rule)?.iter();
        origins.find(|(at, when, _)| (*at, *when) == (action, unknown)).map(|(_, _, origin)| *origin)
    }

    pub(crate) fn tag(&self, tag: TagId) -> Option<NameHash> {
        self.tags.get(tag).copied()
    }
}

/// The name of a state, whose records may count events beside what it measures.
fn state(hir: &Hir, id: StateId, counted: bool) -> NameHash {
    let text = hir.states.get(id).map_or("?", |state| &*state.identity);
    NameHash::of(if counted { "counted state" } else { "state" }, text)
}

fn signal(hir: &Hir, id: SignalId) -> NameHash {
    NameHash::of("signal", &canonical::linked_signal(hir, id))
}

/// The text of a verdict on a key, without the sparing.
pub(crate) fn verdict_text(hir: &Hir, verdict: &Verdict, unknown: bool) -> String {
    let Verdict { verb, target, on, status, decoy, to, by, duration, renewing, sparing: _ } = verdict;
    let key = target.as_ref().map_or("", |key| key.text.as_str());
    let on = on.and_then(|on| hir.schema.events.get(on)).map_or("", |event| event.name.as_str());
    let decoy = decoy.and_then(|decoy| hir.declarations.decoys.get(decoy)).map(|decoy| &decoy.named.name);
    let to = match to {
        Some(To::Rate(rate)) => format!("{}/{}", rate.count, rate.per),
        Some(To::Usual) => "usual".to_owned(),
        Some(To::Place(place)) => place.to_string(),
        None => String::new(),
    };
    let (by, lasting) = (by.map(|by| by.ms), duration.map(|duration| duration.ms));
    format!(
        "{} {key} on {on} {status:?} {decoy:?} to {to} by {by:?} for {lasting:?} {renewing} {unknown}",
        verb.word()
    )
}

fn cap_text(hir: &Hir, cap: &weir_compiler::hir::Cap) -> String {
    let package = &cap.package;
    match &cap.kind {
        CapKind::Actions { key, at, filter } => {
            let when = filter.map_or_else(String::new, |filter| canonical::expr(hir, filter));
            format!("{package} actions by {} at {} where {when}", key.text, at.word())
        }
        CapKind::Share { verb, event, share, population, over, least, otherwise } => {
            let event = hir.schema.events.get(*event).map_or("?", |event| event.name.as_str());
            format!(
                "{package} {} on {event} at {share:?} of {} over {} at least {least} else {}",
                verb.word(),
                population.text,
                over.ms,
                otherwise.word()
            )
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kinds_keep_equal_names_apart() {
        assert_ne!(NameHash::of("rule", "a.b"), NameHash::of("tag", "a.b"));
        assert_ne!(NameHash::of("rule", "a.b"), NameHash::of("rule", "a.c"));
        // A released hash never changes: snapshots are full of them.
        assert_eq!(NameHash::of("rule", "shop.bots.fast").to_string(), "43f7cad76f399263");
    }
}
