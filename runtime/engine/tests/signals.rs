//! Every aggregate against oracles written from `docs/reference/signals.md` over the raw list of events.
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "helpers of tests fail by panicking"
)]

#[path = "signals/intervals.rs"]
mod intervals;
#[path = "signals/merging.rs"]
mod merging;
#[path = "signals/moments.rs"]
mod moments;
#[path = "signals/numbers.rs"]
mod numbers;
#[path = "signals/others.rs"]
mod others;
#[path = "signals/trail.rs"]
mod trail;
#[path = "signals/usual.rs"]
mod usual;
#[path = "signals/values.rs"]
mod values;

/// The page's table of bytes is what the code declares.
#[test]
fn bytes_are_as_documented() {
    use weir_engine::state::*;
    let page = include_str!("../../../docs/reference/signals.md");
    let sliding = WindowKind::Sliding;
    let rows = [
        ("`count`", format!("{}", Count::bytes(sliding))),
        ("`rate`", format!("{}", Count::bytes(sliding))),
        ("`share of p`", format!("{}", Share::bytes(sliding))),
        ("`distinct x`", format!("{}", Distinct::bytes(sliding))),
        ("`sum`", format!("{}; float {}", IntSum::bytes(sliding), FloatSum::bytes(sliding))),
        ("`avg`", format!("{}; float {}", IntAverage::bytes(sliding), FloatAverage::bytes(sliding))),
        ("`min` / `max`", format!("{}", Extremes::bytes(sliding))),
        ("`first` / `last`", format!("{}", Ends::bytes(sliding))),
        ("`stddev`", format!("{}", Spread::bytes(sliding))),
        ("`cv of gaps`", format!("{}", Gaps::bytes(sliding))),
        ("`p1`, `p5`, `p50`, `p95`, `p99`", format!("{}", Quantile::bytes(sliding))),
        ("`entropy x`", format!("{}", Entropy::bytes(sliding))),
        ("`top x`", format!("{}", Top::bytes(sliding))),
        ("`sequential x`", format!("{}", Sequential::bytes(sliding))),
        ("`elapsed from A to B`", format!("{}", Latest::bytes())),
        ("`x is new`", format!("{}", Latest::bytes())),
        ("`concurrent`", format!("{}", Concurrent::bytes())),
        ("`usual(s, floor n)`", format!("{}", Usual::bytes())),
        ("`bucket(capacity, leak)`", format!("{}", Bucket::bytes())),
        ("`gcra(rate, burst)`", format!("{}", Gcra::bytes())),
    ];
    let mut wrong = Vec::new();
    for (name, bytes) in rows {
        let row = page.lines().find(|line| line.starts_with(&format!("| {name} |"))).unwrap();
        let documented = row.trim_end_matches('|').rsplit('|').next().unwrap().trim().replace(',', "");
        if documented != bytes {
            wrong.push(format!("{name}: documented {documented}, is {bytes}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
