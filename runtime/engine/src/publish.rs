//! From the thread that makes versions to one that decides: the hand-over, and the version before for the way back.
//!
//! ```text
//!  Rollout::publish ──offer──▶ [ at most one ] ──take, between two inputs──▶ Engine::swap
//!         collect ◀─────────── [ left over   ] ◀──leave───────────────────── Retired
//! ```
//!
//! The thread that decides needs what is handed over as its own, fresh tables and all, so this is a place for one thing and
//! not a pointer that both read. It never waits there: it looks at a flag, and where the other thread is at the place at that
//! very moment it comes back before the next input. It frees nothing either; what is left over goes back.

use std::sync::Arc;

#[cfg(test)]
use loom::sync::{Mutex, atomic};
#[cfg(not(test))]
use std::sync::{Mutex, atomic};

use std::sync::PoisonError;

use atomic::{AtomicBool, Ordering};

use crate::engine::Engine;
use crate::image::Carried;
use crate::version::{Replacement, Retired, Version};

/// What two threads share.
#[derive(Debug)]
struct Place<T, R> {
    /// Something is offered. Set and cleared under the lock of `offered`.
    is_offered: AtomicBool,
    offered: Mutex<Option<T>>,
    left: Mutex<Vec<R>>,
}

/// The side that makes.
#[derive(Debug)]
struct Offers<T, R> {
    place: Arc<Place<T, R>>,
}

/// The side that decides.
#[derive(Debug)]
struct Takes<T, R> {
    place: Arc<Place<T, R>>,
    /// Left over, and not yet handed back because the other side was at the place.
    left: Vec<R>,
}

fn between<T, R>() -> (Offers<T, R>, Takes<T, R>) {
    let place = Arc::new(Place {
        is_offered: AtomicBool::new(false),
        offered: Mutex::new(None),
        left: Mutex::new(Vec::new()),
    });
    (Offers { place: Arc::clone(&place) }, Takes { place, left: Vec::new() })
}

impl<T, R> Offers<T, R> {
    /// Puts something in place; answers what had not been taken.
    fn offer(&self, item: T) -> Option<T> {
        let mut offered = self.place.offered.lock().unwrap_or_else(PoisonError::into_inner);
        let former = offered.replace(item);
        self.place.is_offered.store(true, Ordering::Release);
        former
    }

    /// Takes back what has not been taken.
    fn withdraw(&self) -> Option<T> {
        let mut offered = self.place.offered.lock().unwrap_or_else(PoisonError::into_inner);
        self.place.is_offered.store(false, Ordering::Relaxed);
        offered.take()
    }

    /// What the other side has left over.
    fn collect(&self) -> Vec<R> {
        std::mem::take(&mut *self.place.left.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl<T, R> Takes<T, R> {
    /// What is offered, if anything is. A load of a flag where nothing is; it never waits.
    fn take(&mut self) -> Option<T> {
        self.hand_back();
        if !self.place.is_offered.load(Ordering::Acquire) {
            return None;
        }
        let mut offered = self.place.offered.try_lock().ok()?;
        self.place.is_offered.store(false, Ordering::Relaxed);
        offered.take()
    }

    /// Hands back what is left over, now or the next time.
    fn leave(&mut self, left: R) {
        self.left.push(left);
        self.hand_back();
    }

    fn hand_back(&mut self) {
        if !self.left.is_empty()
            && let Ok(mut left) = self.place.left.try_lock()
        {
            left.append(&mut self.left);
        }
    }
}

/// Where an engine's thread gets its versions from, each with what its publisher has put beside it.
#[derive(Debug)]
pub struct Updates<X> {
    takes: Takes<(Replacement, X), Retired>,
}

impl<X> Updates<X> {
    /// Changes to the version that has been published since, if one has; to be called between two inputs. Without one
    /// it costs a look at a flag.
    pub fn apply(&mut self, engine: &mut Engine) -> Option<(Carried, X)> {
        let (replacement, with) = self.takes.take()?;
        let (carried, retired) = engine.swap(replacement);
        self.takes.leave(retired);
        Some((carried, with))
    }
}

/// The versions of one engine, as seen by the thread that makes them: the one that runs, the one before it, one on its way.
/// With each goes what the engine's thread needs to know beside it.
#[derive(Debug)]
pub struct Rollout<X> {
    offers: Offers<(Replacement, X), Retired>,
    running: (Version, X),
    previous: Option<(Version, X)>,
    /// Offered, and perhaps taken by now.
    offered: Option<(Version, X)>,
}

impl<X: Clone> Rollout<X> {
    /// For an engine that runs `running`, and what its thread asks.
    pub fn new(running: Version, with: X) -> (Self, Updates<X>) {
        let (offers, takes) = between();
        (Self { offers, running: (running, with), previous: None, offered: None }, Updates { takes })
    }

    /// The version that was published last, taken or not.
    pub fn latest(&self) -> &Version {
        &self.offered.as_ref().unwrap_or(&self.running).0
    }

    /// What went beside the version that was published last.
    pub fn beside(&self) -> &X {
        &self.offered.as_ref().unwrap_or(&self.running).1
    }

    /// Makes a version ready and hands it over. One that is still on its way is never run: this one takes its place.
    /// Frees what earlier changes have left over. False when it was made under other options than the one that runs.
    ///
    /// Cost: linear in both rule sets; none of it on the engine's thread.
    pub fn publish(&mut self, next: Version, with: X) -> bool {
        self.settle();
        let Some(replacement) = Replacement::new(next.clone(), &self.running.0) else { return false };
        self.offered = Some((next, with.clone()));
        // There is nothing in its place.
        drop(self.offers.offer((replacement, with)));
        true
    }

    /// Plans the conditions of the version that was published last [together](Version::is_screened), and hands it over again if that
    /// has not been done; beside it goes what `with` makes of what went before, told whether it had been taken by then. False when there
    /// is nothing to do. Cost: linear in the rule set; none of it on the engine's thread.
    pub fn screen(&mut self, with: impl FnOnce(X, bool) -> X) -> bool {
        if self.latest().is_screened() {
            return false;
        }
        let (screened, beside) = (self.latest().screened(), self.beside().clone());
        let is_taken = self.settle().is_none();
        let with = with(beside, is_taken);
        self.publish(screened, with)
    }

    /// Puts back the version before the one that runs, with what `with` makes of what went beside it; or withdraws one that is
    /// still on its way. Called again, it puts back the one that it put back from. False when there is none.
    pub fn roll_back(&mut self, with: impl FnOnce(X) -> X) -> bool {
        // One that is no more than the one that runs with its conditions planned together is not what was asked for.
        if self.settle().is_some_and(|withdrawn| !withdrawn.is_set_of(&self.running.0)) {
            return true;
        }
        let Some((previous, beside)) = self.previous.clone() else { return false };
        self.publish(previous, with(beside))
    }

    /// Finds out what runs, and makes sure that it goes on until the next offer: what was on its way, if anything was.
    fn settle(&mut self) -> Option<Version> {
        let withdrawn = self.offers.withdraw();
        let offered = self.offered.take();
        self.collect();
        if withdrawn.is_some() {
            return offered.map(|(version, _)| version);
        }
        if let Some(offered) = offered {
            let before = std::mem::replace(&mut self.running, offered);
            if !before.0.is_set_of(&self.running.0) {
                self.previous = Some(before);
            }
        }
        None
    }

    /// Frees what earlier changes have left over; the version before the one that runs is kept.
    pub fn collect(&mut self) {
        drop(self.offers.collect());
    }
}

/// Every way in which the two threads can meet, as far as loom finds them.
#[cfg(test)]
mod tests {
    use loom::sync::atomic::AtomicUsize;
    use loom::thread;

    use super::*;

    /// A rule set: it knows whether it is used, and where it may be freed.
    struct Set {
        number: usize,
        used: bool,
        maker: thread::ThreadId,
        freed: Arc<AtomicUsize>,
    }

    impl Drop for Set {
        fn drop(&mut self) {
            assert!(!self.used, "freed while it is used");
            assert_eq!(thread::current().id(), self.maker, "freed by the thread that decides");
            self.freed.fetch_add(1, Ordering::Relaxed);
        }
    }

    const EVENTS: usize = 3;
    const SETS: usize = 3;

    /// What the deciding thread does with events and sets: as [`Updates::apply`] between two inputs.
    fn decide(takes: &mut Takes<Box<Set>, Box<Set>>, mut set: Box<Set>) -> (Vec<(usize, usize)>, Box<Set>) {
        let mut decided = Vec::new();
        for event in 0..EVENTS {
            if let Some(mut next) = takes.take() {
                assert!(next.number > set.number, "never back to an earlier one");
                next.used = true;
                set.used = false;
                takes.leave(std::mem::replace(&mut set, next));
            }
            decided.push((event, set.number));
        }
        set.used = false;
        (decided, set)
    }

    /// No event is lost or decided twice, none waits for the maker; every set is freed once, by the thread that makes them, and
    /// none while it is used.
    #[test]
    fn sets_change_hands() {
        loom::model(|| {
            let freed = Arc::new(AtomicUsize::new(0));
            let maker = thread::current().id();
            let make = |number| Box::new(Set { number, used: false, maker, freed: Arc::clone(&freed) });
            let (offers, mut takes) = between();
            let mut first = make(0);
            first.used = true;
            let decider = thread::spawn(move || {
                let (decided, set) = decide(&mut takes, first);
                (decided, set, takes)
            });
            for number in 1..SETS {
                drop(offers.withdraw());
                drop(offers.collect());
                assert!(offers.offer(make(number)).is_none());
            }
            let (decided, set, mut takes) = decider.join().unwrap();
            assert_eq!(decided.iter().map(|(event, _)| *event).collect::<Vec<_>>(), [0, 1, 2]);
            assert!(decided.is_sorted_by_key(|(_, number)| *number));
            // The last one is there if it has not been taken.
            assert_eq!(takes.take().is_some(), set.number != SETS - 1);
            drop(set);
            takes.hand_back();
            drop((offers.withdraw(), offers.collect(), takes, offers));
            assert_eq!(freed.load(Ordering::Relaxed), SETS);
        });
    }
}
