//! Every aggregate through the language against the oracle: a policy with one signal of each, a stream, and what is read at
//! every event. `WEIR_CASES` says how many streams (default 80), `WEIR_SEED` where to begin.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stderr,
    reason = "a test stops at the first surprise"
)]

#[path = "signals/site.rs"]
mod site;
#[path = "signals/witness.rs"]
mod witness;

use std::collections::BTreeMap;

use site::{Plan, Site};
use weir_compiler::evaluate::Tier;
use weir_generate::Choices;
use weir_generate::choice::bytes;
use weir_oracle::Kind;
use witness::Witness;

const HOUR: i64 = 3_600_000;

/// What comes, and when.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Move {
    /// An observation.
    Observe(Observation),
    /// A reading at an event that is not observed.
    Probe { at: i64, key: usize },
    /// What an `elapsed` begins with.
    Begin { at: i64, key: usize },
    /// The response of the n-th request that is still open.
    Answer { at: i64, nth: usize },
}

/// An observation; what is missing is `None`.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Observation {
    pub(crate) at: i64,
    pub(crate) key: usize,
    pub(crate) n: Option<i64>,
    pub(crate) x: Option<f64>,
    pub(crate) took: Option<i64>,
    pub(crate) amount: Option<(i64, usize)>,
    pub(crate) word: Option<usize>,
    pub(crate) hit: Option<bool>,
    /// Of the three dimensions of a cohort.
    pub(crate) slice: [Option<usize>; 3],
    /// The number of the move.
    pub(crate) i: i64,
}

fn plan(c: &mut Choices<'_>) -> Plan {
    let lengths =
        [1, 2, 6, 7, 8, 10, 20, 1_000, 7_000, 10_000, 60_000, 61_234, HOUR, 24 * HOUR, 90 * 24 * HOUR];
    let length = *c.pick(&lengths);
    Plan {
        horizon: length * *c.pick(&[1, 20, 3]),
        patience: *c.pick(&[length, length * 2, 1]),
        kind: *c.pick(&[Kind::Sliding, Kind::Sliding, Kind::Exact, Kind::Economy, Kind::Tumbling]),
        length,
        before: c.chance(30),
        lift: *c.pick(&[1, 2, 3]),
        crowd: c.between(1, 6) as i64,
        least: if c.chance(30) { c.between(1, 4) as u64 } else { 0 },
        floor: c.chance(50).then(|| c.between(1, 9) as i64),
        capacity: c.between(1, 4) as i64,
        leak: *c.pick(&[(1, 1_000), (2, 1_000), (6, 60_000), (100, HOUR), (3, 24 * HOUR)]),
    }
}

fn stream(c: &mut Choices<'_>, plan: &Plan, in_order: bool) -> Vec<Move> {
    let lane = match plan.kind {
        Kind::Sliding | Kind::Exact => (plan.length + 6) / 7,
        _ => plan.length,
    };
    let mut now: i64 = *c.pick(&[0, -50, 1_767_571_200_000, 1_700_000_000_123, -1_000_000_000]);
    let wide = c.chance(25);
    let mut moves = Vec::new();
    for i in 0..c.between(5, 90) as i64 {
        let r = i64::from(c.byte()) << 8 | i64::from(c.byte());
        let next = lane - now.rem_euclid(lane);
        now += match c.below(24) {
            0..=7 => 0,
            8 | 9 => 1,
            10 => lane,
            11 => (lane - 1).max(0),
            12 => lane + 1,
            13 => next,
            14 => next - 1,
            15 => plan.length,
            16 => plan.length - 1,
            17 => plan.length + 1,
            18 => r % (2 * plan.length),
            19 if wide => HOUR,
            20 if wide => 168 * HOUR - r % 2,
            21 if wide => *c.pick(&[2 * 168 * HOUR, 24 * HOUR, 53 * 168 * HOUR]),
            22 => 7 * lane + r % 3 - 1,
            _ => r % (lane + 1),
        };
        let late =
            if in_order || c.chance(75) { 0 } else { r % (*c.pick(&[lane, plan.length, 9 * lane]) + 1) };
        let (at, key) = (now - late, usize::from(c.chance(25)));
        moves.push(match c.below(10) {
            0 | 1 => Move::Probe { at, key },
            2 => Move::Begin { at, key },
            3 => Move::Answer { at: now, nth: c.below(8) },
            _ => {
                let big = c.chance(4);
                let mut some = |percent| c.chance(percent);
                let present = [some(85), some(85), some(80), some(80), some(90), some(85)];
                let n =
                    if big { *c.pick(&[i64::MAX, i64::MIN, i64::MAX / 2]) } else { c.below(12) as i64 - 2 };
                let x = if big {
                    *c.pick(&[9.3e18, -9.3e18, f64::MAX, -0.0, 5e-324, 1e300])
                } else {
                    c.below(40) as f64 * 0.3 - 4.0
                };
                Move::Observe(Observation {
                    at,
                    key,
                    n: present[0].then_some(n),
                    x: present[1].then_some(x),
                    took: present[2].then(|| c.below(5_000) as i64 - 100),
                    amount: present[3].then(|| (c.below(900) as i64 - 200, usize::from(c.chance(12)))),
                    word: present[4].then(|| c.below(9)),
                    slice: [80, 70, 60].map(|percent| c.chance(percent).then(|| usize::from(c.chance(25)))),
                    hit: present[5].then(|| c.chance(50)),
                    i,
                })
            }
        });
    }
    moves
}

/// How often each signal was read and known: a test that reads nothing shows nothing.
type Seen = BTreeMap<String, (usize, usize)>;

fn check(seed: u64, seen: &mut Seen) {
    let bytes = bytes(seed, 4_096);
    let c = &mut Choices::new(&bytes);
    let plan = plan(c);
    let in_order = c.chance(60);
    let moves = stream(c, &plan, in_order);
    // Every tier in turn.
    let tier = Tier::ALL[seed as usize % Tier::ALL.len()];
    let mut site = Site::new(&plan, tier);
    let mut witness = Witness::new(&plan);
    for (nth, next) in moves.iter().enumerate() {
        // An explanation costs as much as twenty decisions, so not every one is asked for.
        let told = site.make(next, nth % 4 == 3);
        let expected = witness.make(next, told.as_ref().and_then(|told| told.answered), in_order);
        let Some(told) = told else { continue };
        let context = |what: &str, one: &dyn std::fmt::Debug, other: &dyn std::fmt::Debug| {
            let past: Vec<String> = moves[..=nth].iter().map(|next| format!("  {next:?}")).collect();
            panic!(
                "seed {seed}, move {nth}, `{what}`: the engine says {one:?}, the page {other:?}\n{plan:?}\n{}\n{}",
                site::policy(&plan),
                past.join("\n")
            )
        };
        for (name, page) in &expected.signals {
            let Some(read) = told.signals.get(*name) else {
                context(name, &"nothing", page);
                continue;
            };
            let count = seen.entry((*name).to_owned()).or_default();
            count.0 += 1;
            count.1 += usize::from(read.value.is_some());
            if !page.matches(read) {
                context(name, read, page);
            }
            if let Some(truth) = page.truth
                && read.explained
                && let Some((lo, hi)) = read.interval.or(read.number().map(|value| (value, value)))
                && !page.estimated
            {
                let slack = 1e-6 * truth.abs().max(1.0);
                if !(lo - slack <= truth && truth <= hi + slack) {
                    context(&format!("the interval of {name}"), read, &truth);
                }
            }
        }
        let crowds = |rule: &&String| expected.warming || !rule.starts_with("crowd");
        let fired: Vec<&String> = told
            .fired
            .iter()
            .filter(crowds)
            .filter(|rule| in_order || *rule == "fresh" || rule.starts_with("crowd"))
            .collect();
        if fired != expected.fired.iter().collect::<Vec<_>>() {
            context("rules", &fired, &expected.fired);
        }
        for rule in &expected.fired {
            seen.entry(rule.split(' ').next().unwrap_or_default().to_owned()).or_default().0 += 1;
        }
    }
}

#[test]
fn readings_are_those_of_the_page() {
    let number = |name: &str, otherwise: u64| {
        std::env::var(name).ok().map_or(otherwise, |value| value.parse().expect("a number"))
    };
    let (first, count) = (number("WEIR_SEED", 0), number("WEIR_CASES", 80));
    let mut seen = Seen::new();
    for seed in first..first + count {
        check(seed, &mut seen);
    }
    for rule in ["crowd", "fresh", "pair", "q", "silent"] {
        seen.entry(rule.to_owned()).or_default();
    }
    let rare: Vec<_> = seen.iter().filter(|(_, (read, _))| *read < 10).collect();
    eprintln!("{seen:?}");
    assert!(count < 80 || rare.is_empty(), "hardly seen: {rare:?}");
}
