//! Rule sets made ready beside the stream, and the change from one to another between two inputs.
//!
//! ```text
//!  beside the stream                              the thread that decides
//!  Version::next(hir, data)    ──▶ version
//!  Replacement::new(version, running) ──▶ ready ──▶ Engine::swap: moves tables ──┐
//!            version as it ran, memory to free ◀────────── Retired ◀────────────┘
//! ```
//!
//! Everything whose cost grows with the rule set is done before: lowering, plans, fresh tables, and where what is remembered
//! goes. The change itself moves tables from place to place; what is left over is handed back, to be freed where nobody waits.

use std::sync::{Arc, Weak};

use weir_compiler::data::Data;
use weir_compiler::hir::Hir;

use crate::control::Bound;
use crate::engine::{Engine, sizes};
use crate::image::Carried;
use crate::limits::Options;
use crate::moves::Moves;
use crate::readings::Readings;
use crate::ruleset::RuleSet;
use crate::screen::{Screening, Screens};
use crate::store::Store;

/// A rule set made ready to run, with what is loaded for it. A copy shares everything; several engines, on threads of
/// their own, may run one version.
#[derive(Clone, Debug)]
pub struct Version {
    // A tier that takes longer to make than rules may wait for belongs into the rule set behind a `OnceLock`, filled beside the
    // stream while the bytecode runs: the places of what is remembered do not depend on it.
    pub(crate) set: Arc<RuleSet>,
    pub(crate) data: Arc<Data>,
    pub(crate) screens: Arc<Screens>,
    pub(crate) options: Arc<Options>,
}

impl Version {
    /// Makes a linked rule set ready. Cost: linear in it.
    pub fn new(hir: Hir, data: Data, options: Options) -> Self {
        Self::ready(hir, data, Arc::new(options))
    }

    /// Makes another rule set ready, to be run under the same options. Cost: where it shares with this one all that an edit of some
    /// rules leaves alone, as linking an analysis session again does, linear in what has changed; otherwise in the rule set. Such an
    /// edit is [screened](Version::is_screened) by the plans of this version.
    #[must_use]
    pub fn next(&self, hir: Hir, data: Data) -> Self {
        let set = self.set.next(hir, &self.options);
        let is_alike = self.data.has_lists_of(&data);
        let again = is_alike.then(|| self.screens.again(&self.set, &set)).flatten();
        let screens = again.unwrap_or_else(|| Screens::new(&set, self.options.tier));
        let options = Arc::clone(&self.options);
        Self { set: Arc::new(set), data: Arc::new(data), screens: Arc::new(screens), options }
    }

    fn ready(hir: Hir, data: Data, options: Arc<Options>) -> Self {
        let set = RuleSet::new(hir, &options);
        let screens = Arc::new(Screens::new(&set, options.tier));
        Self { set: Arc::new(set), data: Arc::new(data), screens, options }
    }

    /// Whether the conditions of its rules are planned together, or will be when first looked at; otherwise those that differ from the
    /// version before are evaluated one by one, which changes no decision.
    pub fn is_screened(&self) -> bool {
        self.screens.is_own()
    }

    /// The same rule set with all of its conditions planned together. Cost: linear in it.
    #[must_use]
    pub fn screened(&self) -> Self {
        let screens = Screens::new(&self.set, self.options.tier);
        screens.warm(&self.set, &self.data);
        Self { screens: Arc::new(screens), ..self.clone() }
    }

    /// The rule set.
    pub fn hir(&self) -> &Hir {
        &self.set.hir
    }

    /// What is loaded for it.
    pub fn data(&self) -> &Data {
        &self.data
    }

    /// Whether it is the very rule set of another version, whatever is loaded.
    pub fn is_set_of(&self, other: &Version) -> bool {
        Arc::ptr_eq(&self.set, &other.set)
    }

    /// Whether nothing else holds it: neither an engine nor a decision that waits for a model.
    pub fn is_alone(&self) -> bool {
        Arc::strong_count(&self.set) == 1
    }
}

/// A version ready to take the place of the one that runs in one engine.
#[derive(Debug)]
pub struct Replacement(Box<Ready>);

/// What changes places with what runs.
#[derive(Debug)]
struct Ready {
    next: Version,
    /// Fresh state.
    store: Store,
    readings: Readings,
    screening: Screening,
    bound: Bound,
    /// The rule set that the moves begin from, not kept alive by them.
    from: Weak<RuleSet>,
    moves: Moves,
}

/// What a change has left over: the version that ran, and state that nothing asks for any more. Dropping it frees memory in
/// proportion to both, so it is dropped on another thread than the one that decides.
#[derive(Debug)]
pub struct Retired(Box<Ready>);

impl Retired {
    /// The version that ran: it can be [put back](Replacement::new).
    pub fn version(&self) -> &Version {
        &self.0.next
    }
}

impl Replacement {
    /// Makes `next` ready to follow `running`, of which it must be a [`Version::next`]: nothing when it was made under other
    /// options. If the engine runs something else by the time of the change, the places of what is remembered
    /// are worked out again then. Cost: linear in both rule sets.
    pub fn new(next: Version, running: &Version) -> Option<Self> {
        if !Arc::ptr_eq(&next.options, &running.options) {
            return None;
        }
        next.screens.warm(&next.set, &next.data);
        if next.options.record {
            // What a record of a decision needs is found when first asked for: now, and not at the first decision.
            next.set.boundaries();
            next.set.conditions();
        }
        Some(Self(Box::new(Ready {
            store: Store::new(&next.set, &next.options),
            readings: Readings::new(sizes(&next.set)),
            screening: Screening::default(),
            bound: Bound::new(&next.set),
            moves: Moves::new(&running.set, &next.set),
            from: Arc::downgrade(&running.set),
            next,
        })))
    }

    /// The version to come.
    pub fn version(&self) -> &Version {
        &self.0.next
    }
}

impl Engine {
    /// The rule set that runs, with what is loaded.
    pub fn version(&self) -> Version {
        Version {
            set: Arc::clone(&self.set),
            data: Arc::clone(&self.data),
            screens: Arc::clone(&self.screens),
            options: Arc::clone(&self.options),
        }
    }

    /// Changes to another rule set, between two inputs. State that both have goes on; what is new begins empty and
    /// warming. Decisions that wait for models are finished by the rules that began them.
    ///
    /// Cost: constant for an edit that changes no state or adds some behind the others, as linking an analysis session again does,
    /// whatever stands over the rules; otherwise linear in the tables, never in their records unless their bounds change.
    pub fn swap(&mut self, replacement: Replacement) -> (Carried, Retired) {
        // Everything changes places with what was: nothing is copied, made or freed.
        let mut ready = replacement.0;
        let Ready { next, store, readings, screening, bound, from, moves } = &mut *ready;
        if !std::ptr::eq(from.as_ptr(), Arc::as_ptr(&self.set)) {
            *moves = Moves::new(&self.set, &next.set);
        }
        let now = Some(self.counters.seen).filter(|seen| *seen > i64::MIN);
        let carried = moves.carry((&self.set, &mut self.store), (&next.set, &mut *store), &self.options, now);
        std::mem::swap(&mut self.store, store);
        std::mem::swap(&mut self.readings, readings);
        std::mem::swap(&mut self.screening, screening);
        self.control.rebind(bound);
        std::mem::swap(&mut self.set, &mut next.set);
        std::mem::swap(&mut self.data, &mut next.data);
        std::mem::swap(&mut self.screens, &mut next.screens);
        (carried, Retired(ready))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Versions are shared by threads; what takes their place, and what is left over, goes from one to another.
    #[test]
    fn they_may_change_threads() {
        fn shared<T: Send + Sync>() {}
        fn sent<T: Send>() {}
        shared::<Version>();
        sent::<Replacement>();
        sent::<Retired>();
        sent::<Engine>();
    }
}
