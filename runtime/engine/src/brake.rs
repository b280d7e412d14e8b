//! The brake: a test, valid at any time, of whether a rule harms more known-good actors than its budget allows.
//!
//! # The test
//!
//! A budget `harm at most h of known-good sessions` is the null hypothesis that each known-good actor whom the rule may
//! touch on a day is stopped by it with a chance of at most `h`, whatever happened before. Against it the brake bets
//! (Waudby-Smith and Ramdas, *Estimating means of bounded random variables by betting*, JRSS-B 2024; Shafer, *Testing by
//! betting*, JRSS-A 2021). Let X be 1 for an actor that was stopped on that day at least once, otherwise 0. For a bet
//! λ in (0, 1/h) the wealth
//!
//! ```text
//! W(λ) = Π (1 + λ (X − h)) = (1 − λ h)^(n − k) · (1 + λ (1 − h))^k        n actors seen, k of them stopped
//! ```
//!
//! never grows in expectation while the rule keeps its budget, and neither does the mean of W over a fixed grid of bets:
//! the *e-value*. By Ville's inequality (1939) the chance that it ever reaches 1/α is at most α. The brake suspends the
//! rule when it does, with α = 1e-4 a rule and day: a rule that keeps exactly to its budget is suspended in a year with a
//! chance of at most 365 α = 3.7 %.
//!
//! # Why looking before the day is over is allowed
//!
//! X is known only in the end: who has not been stopped may be yet. Order the actors by when they were first seen, and
//! let X be their final values; the wealth over those is what Ville's inequality speaks of. What the brake computes
//! at any moment is the same product with those X that will still change at 0. Each factor grows with X, so the computed
//! wealth is never above that of the final values of the same actors, and can reach 1/α only if that does.
//!
//! # Why sampling is allowed
//!
//! Past [`crate::Limits::braked`] actors the brake keeps those whose keyed hash begins with a zero bit, past it again
//! those with two, and so on. Leaving an actor out is a bet of λ = 0 on them, made before anything is known of them but
//! a hash that has nothing to do with harm, so the product stays a fair game. Who is dropped stays counted as they
//! stand: again never above their final value.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::keyhash::KeyHash;
use crate::names::NameHash;

/// The chance that a rule within its budget is suspended on a day.
pub const ALPHA: f64 = 1e-4;

/// Bets are λ = 2^-1 / h … 2^-BETS / h: from rules that harm everybody to those at twice a budget of 0.05 %.
const BETS: i32 = 12;

/// An epoch: a UTC day, in ms.
const DAY: i64 = 86_400_000;

/// The natural logarithm of the e-value against a budget when `harmed` of `seen` known-good actors were stopped.
///
/// A budget of 0 is exceeded by the first; one of 1 or more never is.
pub fn log_evidence(seen: u64, harmed: u64, budget: f64) -> f64 {
    if budget <= 0.0 {
        return if harmed > 0 { f64::INFINITY } else { 0.0 };
    }
    if budget >= 1.0 || budget.is_nan() {
        return 0.0;
    }
    let (clean, harmed) = (seen.saturating_sub(harmed) as f64, harmed as f64);
    let logs: Vec<f64> = (1..=BETS)
        .map(|bet| {
            // λ h
            let stake = libm::ldexp(1.0, -bet);
            clean * libm::log1p(-stake) + harmed * libm::log1p(stake * (1.0 - budget) / budget)
        })
        .collect();
    let top = logs.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let sum: f64 = logs.iter().map(|log| libm::exp(log - top)).sum();
    top + libm::log(sum / f64::from(BETS))
}

/// What one rule did to known-good actors on one day.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
struct Trial {
    /// What the rule said.
    version: NameHash,
    /// Days since 1970.
    day: i64,
    /// Actors seen and stopped, those included that were dropped since.
    seen: u64,
    harmed: u64,
    /// Only actors whose hash begins with so many zero bits are looked at.
    level: u32,
    /// Whether each was stopped.
    actors: BTreeMap<u64, bool>,
}

impl Trial {
    /// Notes an actor; true when that is one more who was harmed.
    fn note(&mut self, actor: u64, harmed: bool, room: usize) -> bool {
        if actor.leading_zeros() < self.level {
            return false;
        }
        let more = match self.actors.get_mut(&actor) {
            Some(known) => harmed && !std::mem::replace(known, *known || harmed),
            None => {
                self.seen = self.seen.saturating_add(1);
                self.actors.insert(actor, harmed);
                harmed
            }
        };
        self.harmed = self.harmed.saturating_add(u64::from(more));
        while self.actors.len() > room.max(1) && self.level < u64::BITS {
            self.level += 1;
            let level = self.level;
            self.actors.retain(|actor, _| actor.leading_zeros() >= level);
        }
        more
    }
}

/// A rule that the brake has stopped.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Suspension {
    /// When, in ms UTC.
    pub at: i64,
    /// Known-good actors whom the rule might have touched on that day, of those the brake looked at.
    pub seen: u64,
    /// Those it stopped.
    pub harmed: u64,
    /// The natural logarithm of the e-value; infinite for a budget of 0.
    #[serde(with = "bits")]
    pub log_evidence: f64,
    /// The budget, 0 to 1.
    pub budget: f64,
    /// What the rule said: another text of the rule is not suspended.
    pub version: NameHash,
}

impl Suspension {
    /// Why, for people; `population` is what the budget counts.
    pub fn words(&self, population: &str) -> String {
        let evidence = if self.log_evidence.is_finite() {
            format!("evidence {:.0} to 1 against keeping it", libm::exp(self.log_evidence.min(34.0)))
        } else {
            "a budget of nobody".to_owned()
        };
        format!(
            "it stopped {} of {} known-good {population} in a day, and may stop {}% ({evidence})",
            self.harmed,
            self.seen,
            self.budget * 100.0,
        )
    }
}

/// A float as its bits: infinities survive every format.
mod bits {
    use serde::{Deserialize, Deserializer, Serializer};

    pub(super) fn serialize<S: Serializer>(value: &f64, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_u64(value.to_bits())
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<f64, D::Error> {
        u64::deserialize(from).map(f64::from_bits)
    }
}

/// What is told of one rule at one event.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Touch {
    pub(crate) rule: NameHash,
    /// What the rule says.
    pub(crate) version: NameHash,
    pub(crate) budget: f64,
    pub(crate) actor: KeyHash,
    pub(crate) harmed: bool,
}

/// The brakes of all rules with a budget.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Brakes {
    trials: BTreeMap<NameHash, Trial>,
    suspended: BTreeMap<NameHash, Suspension>,
}

impl Brakes {
    /// Notes what a rule did to a known-good actor at `at`; answers the suspension when that was too much.
    /// `room` bounds the actors kept.
    pub(crate) fn note(&mut self, touch: &Touch, at: i64, room: usize) -> Option<&Suspension> {
        let day = at.div_euclid(DAY);
        // Rules that are no more leave no trial behind.
        if !self.trials.contains_key(&touch.rule) {
            self.trials.retain(|_, trial| trial.day >= day);
        }
        let trial = self.trials.entry(touch.rule).or_default();
        if trial.version != touch.version || trial.day < day {
            *trial = Trial { version: touch.version, day, ..Trial::default() };
        }
        // What comes late belongs to a day that is over.
        if trial.day > day || !trial.note((touch.actor.0 >> 64) as u64, touch.harmed, room) {
            return None;
        }
        let (seen, harmed) = (trial.seen, trial.harmed);
        let log_evidence = log_evidence(seen, harmed, touch.budget);
        if log_evidence < -libm::log(ALPHA) || self.is_suspended(touch.rule, touch.version) {
            return None;
        }
        let suspension =
            Suspension { at, seen, harmed, log_evidence, budget: touch.budget, version: touch.version };
        self.suspended.insert(touch.rule, suspension);
        self.suspended.get(&touch.rule)
    }

    /// Why a rule that says `version` is suspended, if it is.
    pub(crate) fn suspension(&self, rule: NameHash, version: NameHash) -> Option<&Suspension> {
        self.suspended.get(&rule).filter(|found| found.version == version)
    }

    /// Whether some version of a rule is suspended.
    pub(crate) fn has_suspended(&self, rule: NameHash) -> bool {
        self.suspended.contains_key(&rule)
    }

    pub(crate) fn is_suspended(&self, rule: NameHash, version: NameHash) -> bool {
        self.suspension(rule, version).is_some()
    }

    /// Whether nothing is suspended.
    pub(crate) fn is_quiet(&self) -> bool {
        self.suspended.is_empty()
    }

    /// Lets a rule act again, with a fresh count; false when it is not suspended.
    pub(crate) fn resume(&mut self, rule: NameHash) -> bool {
        self.trials.remove(&rule);
        self.suspended.remove(&rule).is_some()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// SplitMix64: a stream of keys, the same every time.
    struct Stream(u64);

    impl Stream {
        fn next(&mut self) -> u64 {
            self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
            let mut z = self.0;
            z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
            z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
            z ^ (z >> 31)
        }

        fn chance(&mut self) -> f64 {
            (self.next() >> 11) as f64 / (1_u64 << 53) as f64
        }
    }

    /// Runs a day of `actors`, each harmed with a chance; answers how many were seen and harmed when the evidence reached
    /// 1/alpha, if ever. Some harm comes only at a second sight.
    fn day(
        stream: &mut Stream,
        actors: u64,
        budget: f64,
        harm: f64,
        alpha: f64,
        room: usize,
    ) -> Option<(u64, u64)> {
        let mut trial = Trial::default();
        for _ in 0..actors {
            let (actor, harmed, late) = (stream.next(), stream.chance() < harm, stream.chance() < 0.5);
            let mut more = trial.note(actor, harmed && !late, room);
            more |= trial.note(actor, harmed, room);
            if more && log_evidence(trial.seen, trial.harmed, budget) >= -libm::log(alpha) {
                return Some((trial.seen, trial.harmed));
            }
        }
        None
    }

    #[test]
    fn a_rule_at_its_budget_is_suspended_no_more_often_than_alpha() {
        let mut stream = Stream(7);
        for (alpha, budget, room) in [(0.05, 0.01, usize::MAX), (0.05, 0.01, 64), (0.2, 0.05, 200)] {
            let runs = 1_500;
            let stopped = (0..runs)
                .filter(|_| day(&mut stream, 1_500, budget, budget, alpha, room).is_some())
                .count() as f64;
            let expected = alpha * f64::from(runs);
            // Three standard deviations of a binomial above the bound.
            let bound = expected + 3.0 * (expected * (1.0 - alpha)).sqrt();
            assert!(stopped <= bound, "{stopped} of {runs} at alpha {alpha}, room {room}");
        }
    }

    #[test]
    fn a_rule_far_over_its_budget_is_suspended_after_few() {
        let mut stream = Stream(11);
        for (harm, room, most) in [(1.0, 4_096, 3), (0.5, 4_096, 12), (0.05, 4_096, 20), (0.05, 128, 40)] {
            for _ in 0..50 {
                let (_, harmed) = day(&mut stream, 100_000, 0.001, harm, ALPHA, room).unwrap();
                assert!(harmed <= most, "{harmed} harmed at a rate of {harm}, room {room}");
            }
        }
        // Twice the budget is found too, within a day of a larger site.
        assert!(day(&mut stream, 200_000, 0.001, 0.003, ALPHA, 1_000_000).is_some());
    }

    #[test]
    fn a_budget_of_nobody_is_exceeded_by_the_first() {
        assert_eq!(log_evidence(1_000, 0, 0.0), 0.0);
        assert_eq!(log_evidence(1_000, 1, 0.0), f64::INFINITY);
        assert_eq!(log_evidence(10, 10, 1.0), 0.0);
    }

    #[test]
    fn an_actor_counts_once_a_day_and_a_new_day_begins_with_nothing() {
        let mut brakes = Brakes::default();
        let touch = |actor: u128, harmed| Touch {
            rule: NameHash(1),
            version: NameHash(1),
            budget: 0.001,
            actor: KeyHash(actor << 64),
            harmed,
        };
        for _ in 0..100 {
            assert_eq!(brakes.note(&touch(1, true), 5, 100), None);
        }
        assert_eq!(brakes.note(&touch(2, true), DAY, 100), None);
        // Of yesterday.
        assert_eq!(brakes.note(&touch(4, true), DAY - 1, 100), None);
        assert_eq!(brakes.note(&touch(3, false), DAY + 1, 100), None);
        let found = brakes.note(&touch(5, true), DAY + 2, 100).unwrap();
        assert_eq!((found.seen, found.harmed), (3, 2));
        assert!(brakes.is_suspended(NameHash(1), NameHash(1)));
        assert!(!brakes.is_suspended(NameHash(1), NameHash(2)), "another version of the rule");
        assert_eq!(brakes.note(&touch(6, true), DAY + 3, 100), None, "once");
        assert!(brakes.resume(NameHash(1)) && !brakes.resume(NameHash(1)));
        assert_eq!(brakes.note(&touch(7, true), DAY + 4, 100), None, "it begins anew");
    }

    #[test]
    fn brakes_survive_being_written() {
        let mut brakes = Brakes::default();
        let (rule, version, actor) = (NameHash(1), NameHash(2), KeyHash(9 << 64));
        let touch = Touch { rule, version, budget: 0.0, actor, harmed: true };
        assert!(brakes.note(&touch, 5, 100).is_some());
        let text = serde_json::to_string(&brakes).unwrap();
        assert_eq!(serde_json::from_str::<Brakes>(&text).unwrap(), brakes);
    }

    proptest! {
        /// What is computed with harm yet to come is never above what the final values give.
        #[test]
        fn harm_known_later_never_lowers_the_evidence(clean in 0_u64..5_000, harmed in 0_u64..50, budget in 0.0001_f64..0.5) {
            let seen = clean + harmed;
            for known in 0..harmed {
                prop_assert!(log_evidence(seen, known, budget) <= log_evidence(seen, known + 1, budget) + 1e-9);
            }
        }

        #[test]
        fn actors_are_bounded(keys in prop::collection::vec(any::<u64>(), 0..400), room in 1_usize..40) {
            let mut trial = Trial::default();
            for key in &keys {
                trial.note(*key, key % 3 == 0, room);
                prop_assert!(trial.actors.len() <= room);
                prop_assert!(trial.harmed <= trial.seen);
            }
        }
    }
}
