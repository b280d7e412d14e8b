//! What has been read for the event at hand: each thing once, however many rules ask.
//!
//! The places are reused from event to event; a generation number tells what is of this one, so that a new event
//! costs no clearing.

use std::cell::{Cell, RefCell};
use std::net::IpAddr;
use std::sync::Arc;

use smol_str::SmolStr;
use weir_compiler::ids::{CohortId, Id, SequenceId, SignalId, StateId};
use weir_compiler::ir;

use crate::cohort::{InSurplus, SliceKey};
use crate::keyhash::KeyHash;
use crate::keys::KeyId;
use crate::ruleset::FilterId;
use crate::sense::Sensed;
use crate::sequence::Held;

/// Places for one kind of reading.
#[derive(Debug)]
struct Memo<T> {
    places: RefCell<Vec<(u32, Option<T>)>>,
}

impl<T: Clone> Memo<T> {
    fn new(count: usize) -> Self {
        Self { places: RefCell::new(std::iter::repeat_with(|| (0, None)).take(count).collect()) }
    }

    /// Looks without cloning.
    fn with<R>(&self, generation: u32, at: usize, look: impl FnOnce(&T) -> R) -> Option<R> {
        match self.places.borrow().get(at) {
            Some((known, Some(item))) if *known == generation => Some(look(item)),
            _ => None,
        }
    }

    fn get(&self, generation: u32, at: usize) -> Option<T> {
        self.with(generation, at, T::clone)
    }

    fn put(&self, generation: u32, at: usize, item: T) {
        if let Some(place) = self.places.borrow_mut().get_mut(at) {
            *place = (generation, Some(item));
        }
    }

    fn clear(&self) {
        self.places.borrow_mut().iter_mut().for_each(|place| *place = (0, None));
    }
}

/// The same for what is copied: nothing is borrowed to look.
#[derive(Debug)]
struct Copies<T: Copy> {
    places: Box<[Cell<(u32, T)>]>,
}

impl<T: Copy + Default> Copies<T> {
    fn new(count: usize) -> Self {
        Self { places: vec![(0, T::default()); count].into_iter().map(Cell::new).collect() }
    }

    #[inline]
    fn get(&self, generation: u32, at: usize) -> Option<T> {
        let (known, item) = self.places.get(at)?.get();
        (known == generation).then_some(item)
    }

    #[inline]
    fn put(&self, generation: u32, at: usize, item: T) {
        if let Some(place) = self.places.get(at) {
            place.set((generation, item));
        }
    }

    fn clear(&self) {
        self.places.iter().for_each(|place| place.set((0, T::default())));
    }
}

/// The readings of the event at hand.
#[derive(Debug)]
pub(crate) struct Readings {
    generation: Cell<u32>,
    signals: Memo<Sensed>,
    keys: Copies<Option<KeyHash>>,
    slices: Memo<Arc<[SliceKey]>>,
    surplus: Memo<InSurplus>,
    held: Memo<Option<Arc<Held>>>,
    filters: Copies<Option<bool>>,
    counted: Copies<()>,
    /// The generation whose early states have been brought up to date ahead of their turn.
    prepared: Cell<u32>,
    /// What conditions share.
    pub(crate) shared: ir::Memo,
    /// Scratch space for the bytes of a key.
    pub(crate) bytes: RefCell<Vec<u8>>,
    /// By key, the bytes that were hashed last, and their hash: the events of a request have one client, and often the request
    /// before has the same.
    last: RefCell<Vec<(Vec<u8>, KeyHash)>>,
    clients: RefCell<Vec<Option<Client>>>,
}

/// A client with its pseudonym. Clients come back within seconds, and telling whether one has costs a tenth of the keyed hash.
#[derive(Debug)]
struct Client {
    ip: IpAddr,
    agent: SmolStr,
    name: SmolStr,
}

/// Clients that are remembered, each in the one place that its address tells.
const CLIENTS: usize = 256;

/// The longest bytes of a key, and the longest user agent, that are remembered.
const REMEMBERED: usize = 256;

/// How many of each there are.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Sizes {
    pub(crate) signals: usize,
    pub(crate) keys: usize,
    pub(crate) cohorts: usize,
    pub(crate) sequences: usize,
    pub(crate) filters: usize,
    pub(crate) states: usize,
    pub(crate) shared: usize,
}

impl Readings {
    pub(crate) fn new(sizes: Sizes) -> Self {
        Self {
            generation: Cell::new(1),
            signals: Memo::new(sizes.signals),
            keys: Copies::new(sizes.keys),
            slices: Memo::new(sizes.cohorts),
            surplus: Memo::new(sizes.cohorts),
            held: Memo::new(sizes.sequences),
            filters: Copies::new(sizes.filters),
            counted: Copies::new(sizes.states),
            prepared: Cell::new(0),
            shared: ir::Memo::new(sizes.shared),
            bytes: RefCell::new(Vec::with_capacity(256)),
            last: RefCell::new(vec![(Vec::new(), KeyHash::SITE); sizes.keys]),
            clients: RefCell::new(Vec::new()),
        }
    }

    /// The pseudonym of a client, by `name` unless it is remembered.
    pub(crate) fn client(
        &self,
        ip: IpAddr,
        agent: &str,
        name: impl FnOnce(&mut Vec<u8>) -> SmolStr,
    ) -> SmolStr {
        let mut clients = self.clients.borrow_mut();
        if clients.is_empty() {
            clients.resize_with(CLIENTS, || None);
        }
        let bits = match ip {
            IpAddr::V4(ip) => ip.to_bits(),
            IpAddr::V6(ip) => (ip.to_bits() ^ ip.to_bits() >> 64) as u32,
        };
        // The golden ratio of 32 bits, of which the top eight tell the place: neighbours go to different ones.
        let place = bits.wrapping_add(agent.len() as u32).wrapping_mul(0x9e37_79b9) >> 24;
        match clients.get_mut(place as usize) {
            Some(Some(known)) if known.ip == ip && known.agent == agent => known.name.clone(),
            place => {
                let name = name(&mut self.bytes.borrow_mut());
                // What a client sends is as long as it likes, and what is remembered is bounded.
                if let Some(place) = place
                    && agent.len() <= REMEMBERED
                {
                    *place = Some(Client { ip, agent: agent.into(), name: name.clone() });
                }
                name
            }
        }
    }

    /// The hash of a key's bytes, by `hash` unless they are those of the last time. Bytes begin with their domain, and so are
    /// never empty; two engines have different readings, so the secret is one.
    pub(crate) fn hash_of(&self, id: KeyId, bytes: &[u8], hash: impl FnOnce(&[u8]) -> KeyHash) -> KeyHash {
        let mut last = self.last.borrow_mut();
        let Some((known, of)) = last.get_mut(id.index()) else { return hash(bytes) };
        if known != bytes {
            *of = hash(bytes);
            known.clear();
            if bytes.len() <= REMEMBERED {
                known.extend_from_slice(bytes);
            }
        }
        *of
    }

    /// Forgets everything: another event, or another phase of one.
    pub(crate) fn begin(&self) {
        let next = self.generation.get().wrapping_add(1);
        if next == 0 {
            // Once in four billion events: what is left of the last round must not look new.
            self.signals.clear();
            self.keys.clear();
            self.slices.clear();
            self.surplus.clear();
            self.held.clear();
            self.filters.clear();
            self.counted.clear();
        }
        self.generation.set(next.max(1));
        self.shared.begin();
    }

    /// Forgets the same, for maps to remember what several of them ask.
    pub(crate) fn begin_maps(&self) -> &ir::Memo {
        self.begin();
        &self.shared
    }

    pub(crate) fn with_signal<R>(&self, id: SignalId, look: impl FnOnce(&Sensed) -> R) -> Option<R> {
        self.signals.with(self.generation.get(), id.index(), look)
    }

    pub(crate) fn put_signal(&self, id: SignalId, sensed: Sensed) {
        self.signals.put(self.generation.get(), id.index(), sensed);
    }

    #[inline]
    pub(crate) fn key(&self, id: KeyId) -> Option<Option<KeyHash>> {
        self.keys.get(self.generation.get(), id.index())
    }

    pub(crate) fn put_key(&self, id: KeyId, hash: Option<KeyHash>) {
        self.keys.put(self.generation.get(), id.index(), hash);
    }

    pub(crate) fn slices(&self, id: CohortId) -> Option<Arc<[SliceKey]>> {
        self.slices.get(self.generation.get(), id.index())
    }

    pub(crate) fn put_slices(&self, id: CohortId, slices: Arc<[SliceKey]>) {
        self.slices.put(self.generation.get(), id.index(), slices);
    }

    pub(crate) fn surplus(&self, id: CohortId) -> Option<InSurplus> {
        self.surplus.get(self.generation.get(), id.index())
    }

    pub(crate) fn put_surplus(&self, id: CohortId, surplus: InSurplus) {
        self.surplus.put(self.generation.get(), id.index(), surplus);
    }

    pub(crate) fn held(&self, id: SequenceId) -> Option<Option<Arc<Held>>> {
        self.held.get(self.generation.get(), id.index())
    }

    pub(crate) fn put_held(&self, id: SequenceId, held: Option<Arc<Held>>) {
        self.held.put(self.generation.get(), id.index(), held);
    }

    /// Whether a condition was true before the event counted.
    pub(crate) fn is_true(&self, filter: Option<FilterId>) -> bool {
        match filter {
            None => true,
            Some(filter) => self.filters.get(self.generation.get(), filter.0).flatten() == Some(true),
        }
    }

    pub(crate) fn put_filter(&self, filter: FilterId, truth: Option<bool>) {
        self.filters.put(self.generation.get(), filter.0, truth);
    }

    /// All keys that have been made.
    pub(crate) fn known_keys(&self) -> Vec<(KeyId, Option<KeyHash>)> {
        let generation = self.generation.get();
        let places = self.keys.places.iter().map(Cell::get).zip(0..);
        places.filter(|((of, _), _)| *of == generation).map(|((_, hash), at)| (KeyId(at), hash)).collect()
    }

    /// Early states have been brought up to date for the event at hand.
    pub(crate) fn set_prepared(&self) {
        self.prepared.set(self.generation.get());
    }

    pub(crate) fn is_prepared(&self) -> bool {
        self.prepared.get() == self.generation.get()
    }

    /// Whether a condition has been evaluated.
    pub(crate) fn knows_filter(&self, filter: FilterId) -> bool {
        self.filters.get(self.generation.get(), filter.0).is_some()
    }

    /// The event at hand has been counted by the state.
    pub(crate) fn put_counted(&self, state: StateId) {
        self.counted.put(self.generation.get(), state.index(), ());
    }

    pub(crate) fn is_counted(&self, state: StateId) -> bool {
        self.counted.get(self.generation.get(), state.index()).is_some()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn readings() -> Readings {
        Readings::new(Sizes {
            signals: 1,
            keys: 2,
            cohorts: 0,
            sequences: 0,
            filters: 1,
            states: 1,
            shared: 0,
        })
    }

    #[test]
    fn a_hash_is_remembered_for_its_own_key_and_bytes() {
        let readings = readings();
        let hash =
            |key: u32, bytes: &[u8], as_if: u128| readings.hash_of(KeyId(key), bytes, |_| KeyHash(as_if));
        assert_eq!(hash(0, b"domain a", 1), KeyHash(1));
        assert_eq!(hash(0, b"domain a", 2), KeyHash(1));
        assert_eq!(hash(1, b"domain a", 3), KeyHash(3));
        assert_eq!(hash(0, b"domain b", 4), KeyHash(4));
        assert_eq!(hash(0, b"domain a", 5), KeyHash(5));
        // What is too long is hashed each time.
        let long = [7; REMEMBERED + 1];
        assert_eq!((hash(0, &long, 6), hash(0, &long, 8)), (KeyHash(6), KeyHash(8)));
        assert_eq!(hash(9, b"domain", 9), KeyHash(9));
    }

    #[test]
    fn a_client_is_its_address_and_its_agent() {
        let readings = readings();
        let name = |ip: &str, agent: &str, as_if: &'static str| {
            readings.client(ip.parse().unwrap(), agent, |_| as_if.into())
        };
        assert_eq!(name("192.0.2.1", "curl/8", "a"), "a");
        assert_eq!(name("192.0.2.1", "curl/8", "b"), "a");
        assert_eq!(name("192.0.2.1", "curl/9", "c"), "c");
        assert_eq!(name("192.0.2.2", "curl/8", "d"), "d");
        assert_eq!(name("2001:db8::1", "curl/8", "e"), "e");
        let long = "x".repeat(REMEMBERED + 1);
        assert_eq!((name("192.0.2.1", &long, "f"), name("192.0.2.1", &long, "g")), ("f".into(), "g".into()));
    }

    #[test]
    fn readings_are_of_one_event() {
        let readings = readings();
        readings.put_key(KeyId(1), None);
        readings.put_filter(FilterId(0), Some(true));
        assert_eq!((readings.key(KeyId(1)), readings.is_true(Some(FilterId(0)))), (Some(None), true));
        assert_eq!(readings.known_keys(), [(KeyId(1), None)]);
        readings.generation.set(u32::MAX);
        readings.begin();
        assert_eq!((readings.key(KeyId(1)), readings.is_true(Some(FilterId(0)))), (None, false));
        assert!(readings.known_keys().is_empty());
    }
}
