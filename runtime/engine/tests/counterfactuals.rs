//! What an explanation says would have changed the verdict, does change it: the stream is run again with that change.
#![allow(
    dead_code,
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test stops at the first surprise"
)]

mod common;

use std::collections::BTreeMap;

use common::Site;
use proptest::prelude::*;
use weir_compiler::hir::Verb;
use weir_engine::Decision;

// The same condition stands in several rules, and in a filter; scores add up; an entry may stop the event already.
const POLICY: &str = "package t
event probe { n: int? m: int? kind: enum { plain, odd }? }
cap actions by session at challenge
  because \"odd ones are many\"
policy first {
  on probe
  mode enforce
  rule high { when n >= 5 then challenge because \"{n}\" }
  rule higher { when n >= 5 and m > 3 then block because \"{n}\" }
  rule low { when n < 2 or m == 7 then score +40 because \"{m}\" }
  rule lower { when m <= 1 then score +30 because \"{m}\" }
  rule kept { when n > 8 then block session for 10m because \"{n}\" }
  rule quiet { mode shadow when n > 0 then block because \"{n}\" }
}
policy second {
  on probe where m < 6
  mode enforce
  rule even { when n >= 5 then score +35 because \"{n}\" }
  rule odd { when kind == odd then log because \"odd\" if unknown then challenge }
}";

type Probe = BTreeMap<&'static str, String>;

fn probes() -> impl Strategy<Value = Vec<Probe>> {
    let probe =
        (prop::option::of(0_i64..11), prop::option::of(0_i64..9), prop::option::of(any::<bool>()), 0_u8..3)
            .prop_map(|(n, m, kind, session)| {
                let mut probe = Probe::new();
                probe.extend(n.map(|n| ("n", n.to_string())));
                probe.extend(m.map(|m| ("m", m.to_string())));
                probe.extend(kind.map(|odd| ("kind", if odd { "odd" } else { "plain" }.to_owned())));
                probe.insert("session", format!("s-{session}"));
                probe
            });
    prop::collection::vec(probe, 1..7)
}

/// The decision on the last of them.
fn last(probes: &[Probe]) -> (Site, Decision) {
    let mut site = Site::new(POLICY);
    let mut decision = None;
    for probe in probes {
        site.now += 1_000;
        let fields: Vec<(&str, &str)> = probe.iter().map(|(name, text)| (*name, text.as_str())).collect();
        decision = Some(site.ask("probe", &fields));
    }
    (site, decision.unwrap())
}

/// The field and the value that a change asks for: `n is 4; it would have to be >= 5`.
fn asked(change: &str) -> Option<(&'static str, i64)> {
    let (is, would) = change.split_once("; it would have to be ")?;
    let name = ["n", "m"].into_iter().find(|name| is.starts_with(&format!("{name} is ")))?;
    let (sign, bound) = would.split_once(' ')?;
    let bound: i64 = bound.parse().ok()?;
    let value = match sign {
        ">=" | "<=" => bound,
        ">" => bound + 1,
        "<" => bound - 1,
        _ => return None,
    };
    Some((name, value))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]
    /// + counterfactual: with the change the verdict is the one said
    #[test]
    fn the_nearest_change_gives_the_verdict_that_is_said(probes in probes()) {
        let (site, decision) = last(&probes);
        let explanation = site.engine.explain(&decision);
        if let Some(nearest) = explanation.looks.last().and_then(|look| look.nearest.clone()) {
            prop_assert_ne!(nearest.verdict, decision.verdict.verb);
            let mut changed = probes.clone();
            let probe = changed.last_mut().unwrap();
            let known = match asked(&nearest.change) {
                Some((name, value)) => { probe.insert(name, value.to_string()); true }
                None => match (nearest.condition.as_str(), nearest.change.ends_with("be true")) {
                    ("kind == odd", true) => { probe.insert("kind", "odd".to_owned()); true }
                    ("kind == odd", false) => { probe.insert("kind", "plain".to_owned()); true }
                    ("m == 7", true) => { probe.insert("m", "7".to_owned()); true }
                    _ => false,
                },
            };
            // Of a value that was missing the explanation says the condition, not which value.
            if known {
                let (_, again) = last(&changed);
                prop_assert_eq!(again.verdict.verb, nearest.verdict, "{:?}: {}", probes, nearest.change);
            }
        }
    }
}

/// - counterfactual: what one rule alone would give is not said where another has the same condition
#[test]
fn a_change_that_two_rules_share_is_run_for_both() {
    // Of `high` alone the resolution would say pass; `even` of the other policy has the same condition.
    let probe =
        |n: i64| Probe::from([("n", n.to_string()), ("m", "5".to_owned()), ("kind", "plain".to_owned())]);
    let (site, decision) = last(&[probe(4)]);
    assert_eq!(decision.verdict.verb, Verb::Pass);
    let nearest = site.engine.explain(&decision).looks[0].nearest.clone().unwrap();
    assert_eq!((nearest.change.as_str(), nearest.verdict), ("n is 4; it would have to be >= 5", Verb::Block));
    assert_eq!(last(&[probe(5)]).1.verdict.verb, Verb::Block);
}

#[test]
fn counterfactuals_are_the_same_on_the_walker() {
    common::run_on_the_walker("counterfactuals_are_the_same_on_the_walker");
}
