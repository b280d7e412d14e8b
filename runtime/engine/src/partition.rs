//! Virtual partitions: the records of state, by a part of their key's hash.
//!
//! A key's hash says to which of up to 256 partitions its records fall, and a partition owns everything that
//! happens to them: the tables, the order in which records are evicted, and the shadows that remember what left. So the
//! partitions of a batch can be worked through in any order and by any number of threads, and each ends up with the same bytes.
//! A table too small to be cut into 256 has fewer parts.

use serde::{Deserialize, Serialize};
use weir_compiler::ids::{Id, StateId};
use weir_compiler::types::Type;

use crate::cell::{self, Cell, Form, FormKind, Sample};
use crate::keyhash::KeyHash;
use crate::ruleset::StatePlan;
use crate::sense::{Ask, Sensed, Why};
use crate::state;
use crate::state::{Count, Number, Reading};
use crate::table::{Bounded, Evicted, Shadow};

/// How many partitions there are.
pub(crate) const PARTITIONS: usize = 256;
/// The fewest keys that a part of a table is worth having for.
const SMALLEST: usize = 16;

/// Into how many parts a table of `capacity` keys is cut: a power of two.
pub(crate) fn parts(capacity: usize) -> usize {
    let most = (capacity / SMALLEST).clamp(1, PARTITIONS);
    // The largest power of two that is not above it.
    1 << most.ilog2()
}

/// The partition of a key in a table of so many parts: from the top of the hash, which tables do not look at.
pub(crate) fn place(key: KeyHash, parts: usize) -> usize {
    (key.0 >> 120) as usize & (parts - 1)
}

/// A partition.
#[derive(Debug, Default)]
pub(crate) struct Partition {
    /// By state; made at the first record.
    tables: Vec<Option<Box<StateTable>>>,
}

/// The records of one state in one partition.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct StateTable {
    records: Bounded<Record>,
    shadow: Shadow,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
struct Record {
    cell: Cell,
    /// How many events, where the aggregate does not count them and a signal asks.
    events: Option<Box<Count>>,
    /// The shadow held something of this key when the record was made.
    seeded: bool,
}

impl Partition {
    /// Adds what an event brings to the record of a key.
    pub(crate) fn add(&mut self, plan: &StatePlan, state: StateId, key: KeyHash, at: i64, sample: Sample) {
        let table = self.place(state).get_or_insert_with(|| Box::new(StateTable::new(plan)));
        table.add(plan, key, at, sample);
    }

    /// Where the table of a state stands.
    fn place(&mut self, state: StateId) -> &mut Option<Box<StateTable>> {
        if self.tables.len() <= state.index() {
            self.tables.resize_with(state.index() + 1, || None);
        }
        // INVARIANT: there is one now.
        #[expect(clippy::indexing_slicing, reason = "resized above")]
        &mut self.tables[state.index()]
    }

    fn table(&self, state: StateId) -> Option<&StateTable> {
        self.tables.get(state.index())?.as_deref()
    }

    /// What the state says about a key.
    pub(crate) fn read(&self, plan: &StatePlan, state: StateId, key: KeyHash, ask: &Ask<'_>) -> Sensed {
        let table = self.table(state);
        let record = table.and_then(|table| table.records.get(key));
        let sensed = read(plan, record, ask);
        let Some(table) = table.filter(|table| !table.shadow.is_empty()) else { return sensed };
        if record.is_some_and(|record| !record.seeded) {
            return sensed;
        }
        let mass = table.shadow.estimate(key, ask.at);
        if mass > 0.0 { with_evicted(&plan.form, sensed, mass, ask.ty) } else { sensed }
    }

    /// The level that a baseline of the state learns.
    pub(crate) fn level(
        &self,
        plan: &StatePlan,
        state: StateId,
        key: KeyHash,
        ask: &Ask<'_>,
    ) -> Option<Sample> {
        let record = self.table(state)?.records.get(key)?;
        let level = record.cell.read(&plan.form, ask).reading?.value()?;
        Some(Sample::Number(level, ask.currency))
    }

    /// An exchange of the key ends.
    pub(crate) fn end(&mut self, state: StateId, key: KeyHash, id: u64) {
        let table = self.tables.get_mut(state.index()).and_then(Option::as_mut);
        if let Some(record) = table.and_then(|table| table.records.get_mut(key)) {
            record.cell.end(id);
        }
    }

    /// Takes over the tables of a partition of another rule set: `from` says by state where each stands there. The rest stays.
    pub(crate) fn adopt(&mut self, other: &mut Self, from: &[Option<usize>]) {
        if other.tables.iter().any(Option::is_some) {
            let table = |at: &Option<usize>| other.tables.get_mut((*at)?)?.take();
            self.tables = from.iter().map(table).collect();
        }
    }

    /// Records evicted and held.
    pub(crate) fn tally(&self) -> (u64, u64) {
        let tables = self.tables.iter().flatten();
        tables.fold((0, 0), |(evicted, held), table| {
            (evicted + table.records.evictions(), held + table.records.len() as u64)
        })
    }
}

/// The tables of one state, by partition, as they are carried to another rule set and written to snapshots.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct StateImage {
    parts: u16,
    tables: Vec<(u16, Box<StateTable>)>,
}

/// Takes out the tables of a state whose keys fall into so many partitions.
pub(crate) fn take(partitions: &mut [Partition], parts: usize, state: StateId) -> StateImage {
    let tables = partitions.iter_mut().zip(0..).filter_map(|(partition, at)| {
        let table = partition.tables.get_mut(state.index())?.take()?;
        Some((at, table))
    });
    StateImage { parts: parts as u16, tables: tables.collect() }
}

/// Puts in the tables that an equal state has had, here or in another rule set, and takes on the bounds of the plan.
pub(crate) fn put(partitions: &mut [Partition], plan: &StatePlan, state: StateId, image: StateImage) {
    if usize::from(image.parts) == plan.parts {
        for (at, mut table) in image.tables {
            if let Some(partition) = partitions.get_mut(usize::from(at)) {
                table.fit(plan);
                *partition.place(state) = Some(table);
            }
        }
        return;
    }
    // Cut into another number of parts: every key finds its new one, in the order of its last update.
    let mut records = Vec::new();
    let (mut lost, mut latest, mut evictions) = (0.0, i64::MIN, 0);
    for (_, table) in image.tables {
        let (most, at) = table.shadow.most();
        (lost, latest) = (f64::max(lost, most), latest.max(at));
        evictions += table.records.evictions();
        records.extend(table.records.into_records());
    }
    records.sort_by_key(|record| (record.at, record.key));
    for record in records {
        if let Some(partition) = partitions.get_mut(place(record.key, plan.parts)) {
            let table = partition.place(state).get_or_insert_with(|| Box::new(StateTable::new(plan)));
            table.adopt(plan, record);
        }
    }
    if evictions > 0 {
        // Whom the shadows spoke of is not known any more: it may be anybody.
        for partition in partitions.iter_mut().take(plan.parts) {
            let table = partition.place(state).get_or_insert_with(|| Box::new(StateTable::new(plan)));
            table.shadow.spread(lost, latest);
            table.records.count_evicted(std::mem::take(&mut evictions));
        }
    }
}

impl StateTable {
    fn new(plan: &StatePlan) -> Self {
        let capacity = plan.capacity / plan.parts;
        Self {
            records: Bounded::new(capacity, plan.form.retention),
            shadow: Shadow::new(capacity, plan.form.retention),
        }
    }

    fn add(&mut self, plan: &StatePlan, key: KeyHash, at: i64, sample: Sample) {
        let form = &plan.form;
        let shadowed = !self.shadow.is_empty() && self.records.get(key).is_none();
        let seeded = shadowed && self.shadow.estimate(key, at) > 0.0;
        let make = || Record {
            cell: plan.blank.clone(),
            events: plan.counts.then(|| Box::new(Count::new(&form.window))),
            seeded,
        };
        let shadow = &mut self.shadow;
        let record = self.records.entry(key, at, make, |evicted| {
            shadow.add(evicted.key, evicted.item.cell.mass(form, evicted.at), evicted.at);
        });
        if let Some(record) = record {
            record.cell.add(form, at, sample);
            if let Some(events) = &mut record.events {
                events.add(&form.window, at);
            }
        }
    }

    /// Takes in a record from elsewhere.
    fn adopt(&mut self, plan: &StatePlan, record: Evicted<Record>) {
        let (form, shadow) = (&plan.form, &mut self.shadow);
        self.records.entry(
            record.key,
            record.at,
            || record.item,
            |evicted| {
                shadow.add(evicted.key, evicted.item.cell.mass(form, evicted.at), evicted.at);
            },
        );
    }

    /// Takes on the bounds of a plan; what does not fit leaves.
    fn fit(&mut self, plan: &StatePlan) {
        let (form, capacity) = (&plan.form, plan.capacity / plan.parts);
        let shadow = &mut self.shadow;
        shadow.fit(capacity, form.retention);
        self.records.fit(capacity, form.retention, |evicted| {
            shadow.add(evicted.key, evicted.item.cell.mass(form, evicted.at), evicted.at);
        });
    }
}

/// What a record says, or that of a key without one.
fn read(plan: &StatePlan, record: Option<&Record>, ask: &Ask<'_>) -> Sensed {
    let form = &plan.form;
    if plan.counts
        && let Some(need) = ask.least.and_then(|least| u64::try_from(least).ok())
    {
        let events = record.and_then(|record| record.events.as_ref());
        let have = events.and_then(|events| events.read(&form.window, ask.at).value());
        let have = have.map_or(0, |have| have.to_f64() as u64);
        if have < need {
            return Sensed::unknown(Why::State(state::Why::TooFew { have, need }));
        }
    }
    record.map_or(&plan.blank, |record| &record.cell).read(form, ask)
}

/// A baseline whose level a test has given.
pub(crate) fn given(plan: &StatePlan, level: f64, ask: &Ask<'_>) -> Option<Sensed> {
    match &plan.form.kind {
        FormKind::Usual(form) => Some(cell::given(level, form, ask.ty)),
        _ => None,
    }
}

/// A reading of a key that has lost a record: estimated where mass can be added, otherwise unknown.
fn with_evicted(form: &Form, sensed: Sensed, mass: f64, ty: &Type) -> Sensed {
    let evicted = || Sensed::unknown(Why::State(state::Why::Evicted));
    if !form.additive() {
        return evicted();
    }
    let mass = match (form.kind, sensed.reading) {
        (FormKind::Rate, _) => Number::Float(mass * 1_000.0 / form.window.length() as f64),
        (_, Some(Reading::Known { value: Number::Float(_), .. })) => Number::Float(mass),
        // Shadows only ever say too much, so does the ceiling.
        _ => Number::Int(mass.ceil() as i64),
    };
    match sensed.reading {
        Some(reading) => Sensed::of(reading.with_evicted(mass), ty, None),
        None => evicted(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn small_tables_have_fewer_parts() {
        assert_eq!((parts(1), parts(31), parts(32), parts(100), parts(4_096)), (1, 1, 2, 4, 256));
        assert_eq!((parts(1_000_000), parts(usize::MAX)), (PARTITIONS, PARTITIONS));
        assert_eq!(place(KeyHash(u128::MAX), 256), 255);
        assert_eq!(place(KeyHash(5 << 120), 4), 1);
    }
}
