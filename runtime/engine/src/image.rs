//! Everything an engine remembers, by name: what a snapshot writes. (What a hot swap carries over goes by [`crate::moves`].)
//!
//! ```text
//!  engine ──take──▶ Image ──postcard──▶ snapshot ──▶ another process, another day
//!     ▲                └──give──┐                                  │
//!     └─────────────────────────┴── with the same rule set, or another
//! ```
//!
//! Nothing in an image is a position: states, sequences, cohorts, facts and the like are called by the hash of what they
//! keep, rules and tags by that of their full names, fields and events by their names. What the receiving rule
//! set does not know by that name is dropped; what it knows and the image has not begins empty.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use smol_str::SmolStr;
use weir_compiler::ids::*;
use weir_compiler::schema::Schema;
use weir_compiler::value::Value;

use crate::cohort::{CohortImage, Surplus};
use crate::enforcement::EnforcementImage;
use crate::exchange::{Exchange, Waiting};
use crate::facts::Facts;
use crate::input::Seq;
use crate::keyhash::KeyHash;
use crate::limits::Options;
use crate::names::NameHash;
use crate::partition::{self, StateImage};
use crate::record::Record;
use crate::recording::Captured;
use crate::ruleset::{PackageId, RuleSet};
use crate::sense::Sensed;
use crate::sequence::{Held, Track};
use crate::shares::ShareImage;
use crate::state::Gcra;
use crate::store::Store;
use crate::table::{Bounded, Shadow};
use crate::tags::Tags;
use crate::timers::Timer;

/// What an engine remembers.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Image {
    states: BTreeMap<NameHash, (Option<i64>, StateImage)>,
    sequences: BTreeMap<NameHash, (Bounded<Track>, Shadow)>,
    cohorts: BTreeMap<NameHash, CohortImage>,
    facts: BTreeMap<NameHash, Facts>,
    tags: Tags,
    live: EnforcementImage,
    shadow: EnforcementImage,
    decoys: BTreeMap<NameHash, Gcra>,
    shares: BTreeMap<NameHash, ShareImage>,
    /// Deadline, sequence, key, and which of the key's waiting matches.
    timers: Vec<(i64, NameHash, KeyHash, u32)>,
    timers_dropped: u64,
    exchanges: Vec<ExchangeImage>,
    exchanges_dropped: u64,
}

/// A request in flight.
#[derive(Debug, Serialize, Deserialize)]
struct ExchangeImage {
    seq: u64,
    at: i64,
    exempted: Vec<SmolStr>,
    events: Vec<WaitingImage>,
}

/// An event of it, with the readings that its response will need.
#[derive(Debug, Serialize, Deserialize)]
struct WaitingImage {
    nth: u32,
    event: SmolStr,
    /// Name, type as text, value.
    fields: Vec<(SmolStr, String, Value)>,
    signals: Vec<(NameHash, Sensed)>,
    cohorts: Vec<(NameHash, Option<Option<Surplus>>, Option<Value>)>,
    sequences: Vec<(NameHash, Option<Option<Held>>)>,
}

/// What became of state when it changed hands.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Carried {
    /// States, sequences, cohorts and facts that went on.
    pub kept: usize,
    /// Those that begin empty and are warming.
    pub fresh: usize,
    /// Those that nothing asks for any more.
    pub dropped: usize,
}

/// The name of each of many, with what belongs to it; what has no name is left out.
fn named<I: Id, T>(names: &IdVec<I, NameHash>, items: impl Iterator<Item = (I, T)>) -> BTreeMap<NameHash, T> {
    items.filter_map(|(id, item)| Some((*names.get(id)?, item))).collect()
}

impl Image {
    /// Takes everything out of a store, which is as good as new then.
    pub(crate) fn take(set: &RuleSet, store: &mut Store) -> Self {
        let names = &set.names;
        let states = set.states.iter().map(|(id, plan)| {
            let born = store.born.get(id).copied().flatten();
            (id, (born, partition::take(&mut store.partitions, plan.parts, id)))
        });
        let states = named(&names.states, states);
        let tracks = set.hir.sequences.ids().filter_map(|id| {
            let (tracks, lost) = (store.sequences.get_mut(id)?, store.lost_tracks.get_mut(id)?);
            let (no_tracks, none_lost) =
                (Bounded::new(1, tracks.retention()), Shadow::new(1, tracks.retention()));
            Some((id, (std::mem::replace(tracks, no_tracks), std::mem::replace(lost, none_lost))))
        });
        let cohorts = set.hir.cohorts.ids().filter_map(|id| Some((id, store.cohorts.get_mut(id)?.take())));
        let facts = set.hir.facts.ids().filter_map(|id| Some((id, store.facts.get_mut(id)?.take())));
        let decoys = store.decoys.iter().map(|(id, bucket)| (id, bucket.clone()));
        let shares = names.caps.iter().zip(&mut store.shares);
        let sequence = |id| names.sequences.get(id).copied();
        Self {
            states,
            sequences: named(&names.sequences, tracks),
            cohorts: named(&names.cohorts, cohorts),
            facts: named(&names.facts, facts),
            tags: std::mem::replace(&mut store.tags, Tags::new(1)),
            live: store.live.take(),
            shadow: store.shadow.take(),
            decoys: named(&names.decoys, decoys),
            shares: shares.filter_map(|(name, share)| Some((*name, share.as_mut()?.take()))).collect(),
            timers_dropped: store.timers.dropped(),
            timers: store
                .timers
                .take()
                .into_iter()
                .filter_map(|timer| Some((timer.deadline, sequence(timer.sequence)?, timer.key, timer.id)))
                .collect(),
            exchanges_dropped: store.exchanges.dropped(),
            exchanges: store.exchanges.take().into_iter().map(|it| ExchangeImage::of(set, it)).collect(),
        }
    }

    /// Puts everything that the rule set knows into a fresh store. What begins empty is warming from `now` on, if there is a now.
    pub(crate) fn give(
        self,
        set: &RuleSet,
        store: &mut Store,
        options: &Options,
        now: Option<i64>,
    ) -> Carried {
        let names = &set.names;
        let keys = options.limits.keys;
        let mut carried = Carried::default();
        let mut count = |found: bool| if found { carried.kept += 1 } else { carried.fresh += 1 };

        let mut states = self.states;
        for (id, name) in names.states.iter() {
            let (Some(plan), image) = (set.states.get(id), states.remove(name)) else { continue };
            count(image.is_some());
            let born = match image {
                Some((born, image)) => {
                    partition::put(&mut store.partitions, plan, id, image);
                    born
                }
                None => now,
            };
            if let Some(place) = store.born.get_mut(id) {
                *place = born;
            }
        }
        let mut sequences = self.sequences;
        for (id, name) in names.sequences.iter() {
            let image = sequences.remove(name);
            count(image.is_some());
            if let (Some((mut tracks, mut lost)), Some(place), Some(shadow)) =
                (image, store.sequences.get_mut(id), store.lost_tracks.get_mut(id))
            {
                let horizon = place.retention();
                tracks.fit(keys, horizon, |evicted| lost.add(evicted.key, 1.0, evicted.at));
                lost.fit(keys, horizon);
                (*place, *shadow) = (tracks, lost);
            }
        }
        let mut cohorts = self.cohorts;
        for (id, name) in names.cohorts.iter() {
            let image = cohorts.remove(name);
            count(image.is_some());
            if let (Some(image), Some(place)) = (image, store.cohorts.get_mut(id)) {
                place.put(image, keys);
            }
        }
        let mut facts = self.facts;
        for (id, name) in names.facts.iter() {
            let image = facts.remove(name);
            count(image.is_some());
            if let (Some(mut image), Some(place)) = (image, store.facts.get_mut(id)) {
                image.fit(keys);
                *place = image;
            }
        }
        carried.dropped = states.len() + sequences.len() + cohorts.len() + facts.len();

        store.tags = self.tags;
        store.tags.fit(options.limits.tagged);
        store.live.put_all(self.live);
        store.shadow.put_all(self.shadow);
        let mut decoys = self.decoys;
        for (id, name) in names.decoys.iter() {
            if let (Some(image), Some(place)) = (decoys.remove(name), store.decoys.get_mut(id)) {
                *place = image;
            }
        }
        let mut shares = self.shares;
        for (name, place) in names.caps.iter().zip(&mut store.shares) {
            if let (Some(image), Some(place)) = (shares.remove(name), place) {
                place.put(image);
            }
        }
        store.timers.set_dropped(self.timers_dropped);
        for (deadline, name, key, id) in self.timers {
            if let Some((sequence, _)) = names.sequences.iter().find(|(_, known)| **known == name) {
                store.timers.arm(Timer { deadline, sequence, key, id });
            }
        }
        store.exchanges.set_dropped(self.exchanges_dropped);
        for image in self.exchanges {
            if let Some((seq, exchange)) = image.found(set) {
                // Those that do not fit any more have lost their response.
                let _ = store.exchanges.open(seq, exchange);
            }
        }
        carried
    }
}

impl ExchangeImage {
    fn of(set: &RuleSet, (seq, exchange): (Seq, Exchange)) -> Self {
        let name = |id: &PackageId| set.packages.get(usize::from(id.0)).cloned();
        Self {
            seq: seq.0,
            at: exchange.at,
            exempted: exchange.exempted.iter().filter_map(name).collect(),
            events: exchange.events.iter().map(|waiting| WaitingImage::of(set, waiting)).collect(),
        }
    }

    /// The exchange in terms of a rule set; nothing when it has none of its events.
    fn found(self, set: &RuleSet) -> Option<(Seq, Exchange)> {
        let package = |name: &SmolStr| {
            set.packages.iter().position(|known| known == name).map(|at| PackageId(at as u16))
        };
        let events: Vec<Waiting> = self.events.into_iter().filter_map(|event| event.found(set)).collect();
        let exempted = self.exempted.iter().filter_map(package).collect();
        (!events.is_empty()).then_some((Seq(self.seq), Exchange { at: self.at, events, exempted }))
    }
}

impl WaitingImage {
    fn of(set: &RuleSet, waiting: &Waiting) -> Self {
        let (names, schema, kept) = (&set.names, &set.hir.schema, &waiting.kept);
        let fields = waiting.record.fields(schema).filter_map(|(slot, value)| {
            let field = schema.fields.get(slot.field)?;
            Some((field.name.clone(), field.ty.to_string(), value?.clone()))
        });
        let signals =
            kept.signals.iter().filter_map(|(id, sensed)| Some((*names.signals.get(*id)?, sensed.clone())));
        let cohorts = kept.cohorts.iter().filter_map(|(id, surplus)| {
            let name = kept.names.iter().find(|(known, _)| known == id).and_then(|(_, name)| name.clone());
            Some((*names.cohorts.get(*id)?, *surplus, name))
        });
        let sequences = kept.sequences.iter().filter_map(|(id, held)| {
            let held = held.as_ref().map(|held| held.as_ref().map(|held| Held::clone(held)));
            Some((*names.sequences.get(*id)?, held))
        });
        Self {
            nth: waiting.nth as u32,
            event: schema
                .events
                .get(waiting.record.event())
                .map(|event| event.name.clone())
                .unwrap_or_default(),
            fields: fields.collect(),
            signals: signals.collect(),
            cohorts: cohorts.collect(),
            sequences: sequences.collect(),
        }
    }

    fn found(self, set: &RuleSet) -> Option<Waiting> {
        let (names, schema) = (&set.names, &set.hir.schema);
        let event = schema.event(&self.event)?;
        let mut record = Record::empty(schema, event);
        for (name, ty, value) in self.fields {
            put(&mut record, schema, &name, &ty, value);
        }
        let mut kept = Captured::default();
        for (name, sensed) in self.signals {
            kept.signals.extend(find(&names.signals, name).map(|id| (id, sensed.clone())));
        }
        for (name, surplus, text) in self.cohorts {
            if let Some(id) = find(&names.cohorts, name) {
                kept.cohorts.push((id, surplus));
                kept.names.push((id, text));
            }
        }
        for (name, held) in self.sequences {
            let held = held.map(|held| held.map(Arc::new));
            kept.sequences.extend(find(&names.sequences, name).map(|id| (id, held.clone())));
        }
        Some(Waiting { nth: self.nth as usize, record, kept })
    }
}

/// A record of one schema in terms of another; nothing when that has no such event.
pub(crate) fn relaid(record: &Record, old: &Schema, new: &Schema) -> Option<Record> {
    let event = new.event(&old.events.get(record.event())?.name)?;
    let mut relaid = Record::empty(new, event);
    for (slot, value) in record.fields(old) {
        if let (Some(field), Some(value)) = (old.fields.get(slot.field), value) {
            put(&mut relaid, new, &field.name, &field.ty.to_string(), value.clone());
        }
    }
    Some(relaid)
}

/// Sets a field by its name. One whose type has changed since is missing: its value may mean another thing now.
fn put(record: &mut Record, schema: &Schema, name: &str, ty: &str, value: Value) {
    let field = schema.field(record.event(), name);
    if let Some(field) = field.filter(|id| schema.fields.get(*id).is_some_and(|f| f.ty.to_string() == ty)) {
        let _ = record.set(schema, field, value);
    }
}

fn find<I: Id>(names: &IdVec<I, NameHash>, name: NameHash) -> Option<I> {
    names.iter().find(|(_, known)| **known == name).map(|(id, _)| id)
}
