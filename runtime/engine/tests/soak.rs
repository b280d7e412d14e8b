//! Rule sets changed thousands of times under a stream of events: nothing is lost, decided twice or leaked.
//!
//! ```sh
//! WEIR_SWAPS=100000 cargo test --release -p weir-engine --test soak -- --nocapture
//! ```
#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::print_stderr, reason = "a test")]

mod common;

use std::fs;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;

use common::{Site, data, link};
use weir_engine::{Carried, Decision, Input, Limits, Options, Rollout};

const POLICY: &str = r#"package t
use std.events { login, mfa }
use std.shared { shared-address }

policy p {
  on login
  mode enforce
  signal n = count of login per session over 1m
  signal users = distinct user of login per ip over 5m
  sequence tried per user within 1m {
    first mfa as entry where outcome == failure
    then login as again
  }
  rule many { when n >= 4 then block session for 20s because "{n}" }
  rule crowd { when users >= 6 then tag ip shared-address for 30s, score +30 because "{users}" }
  rule again { when tried and ip is tagged shared-address then challenge because "{tried.entry.age}" }
}
"#;

/// What comes and goes beside it, in shadow: rules alone, or rules with state of their own.
const BESIDE: [&str; 4] = [
    "",
    "policy q { on login mode shadow rule r { when shape == \"b\" then challenge because \"b\" } }\n",
    "policy a { on login mode shadow signal m = count of login per shape over 1h rule r { when m >= 3 then challenge because \"{m}\" } }\n",
    "policy q { on login mode shadow rule r { when shape == \"c\" then challenge because \"c\" } }\npolicy z { on mfa mode shadow signal m = distinct shape of mfa per ip over 1m rule r { when m >= 2 then challenge because \"{m}\" } }\n",
];

/// Room that is full soon, so that what grows afterwards is a leak.
fn options() -> Options {
    let limits = Limits { keys: 4_096, exchanges: 256, remembered: 256, timers: 256, ..Limits::default() };
    Options { limits, ..Options::default() }
}

/// Resident bytes, and mappings of memory.
fn memory() -> (usize, usize) {
    let statm = fs::read_to_string("/proc/self/statm").unwrap();
    let pages: usize = statm.split_whitespace().nth(1).unwrap().parse().unwrap();
    (pages * 4096, fs::read_to_string("/proc/self/maps").unwrap().lines().count())
}

/// The `n`th event: a few hundred people who come again and again.
fn event(site: &Site, n: usize) -> Input {
    let mix = n.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 17;
    let (user, session) = (format!("u{}", mix % 200), format!("s{}", mix % 300));
    let ip = format!("192.0.2.{}", (mix >> 9) % 40);
    let shape = ["a", "b", "c"][mix % 3];
    let keys = [("user", user.as_str()), ("session", &session), ("ip", &ip), ("shape", shape)];
    let name = if (mix >> 5).is_multiple_of(4) { "mfa" } else { "login" };
    Input::Request { at: common::START + n as i64 * 40, events: vec![site.record(name, &keys).0] }
}

/// What the policy that stays has said.
fn said(site: &Site, decision: &Decision) -> String {
    let rules = &site.engine.hir().rules;
    let mut text =
        format!("{:?} {} {:?} {}", decision.seq, decision.at, decision.verdict.verb, decision.stopped);
    for found in decision.looks().flat_map(|look| &look.matches) {
        if rules[found.rule].full_name.starts_with("t.p.") {
            text += &format!(" {} {:?}", rules[found.rule].name, found.because);
        }
    }
    text
}

/// + swap: under load no event is lost, none is decided twice, and memory stays as it is
#[test]
fn changes_under_load_leave_nothing_behind() {
    let swaps: usize = std::env::var("WEIR_SWAPS").ok().map_or(400, |n| n.parse().unwrap());
    let texts = BESIDE.map(|beside| {
        if beside.starts_with("policy a") {
            POLICY.replace("policy p", &format!("{beside}policy p"))
        } else {
            format!("{POLICY}{beside}")
        }
    });
    let hirs = texts.map(|text| link(&text).hir);
    let (mut plain, mut changed) = (Site::with(POLICY, options()), Site::with(POLICY, options()));
    let (mut rollout, mut updates) = Rollout::new(changed.engine.version(), ());
    let (taken, over) = (AtomicUsize::new(0), AtomicBool::new(false));

    let (events, kept, samples) = thread::scope(|scope| {
        scope.spawn(|| {
            for n in 0.. {
                let done = taken.load(Ordering::Acquire);
                if done >= swaps {
                    break;
                }
                if n % 7 == 3 {
                    rollout.roll_back(|()| ());
                } else {
                    let hir = hirs[n % hirs.len()].clone();
                    let loaded = data(&hir);
                    let next = rollout.latest().next(hir, loaded);
                    assert!(rollout.publish(next, ()));
                }
                // Now and then the next one comes before this one has been taken. One that is put back may only have withdrawn
                // what was on its way, and then there is nothing to wait for.
                while n % 16 != 0
                    && n % 7 != 3
                    && taken.load(Ordering::Acquire) <= done
                    && taken.load(Ordering::Acquire) < swaps
                {
                    thread::yield_now();
                }
            }
            rollout.collect();
            over.store(true, Ordering::Release);
        });

        let (mut events, mut kept, mut samples) = (0, Carried::default(), Vec::new());
        let mut next_sample = swaps / 10;
        while !over.load(Ordering::Acquire) {
            if let Some((carried, ())) = updates.apply(&mut changed.engine) {
                kept.kept += carried.kept;
                kept.fresh += carried.fresh;
                kept.dropped += carried.dropped;
                let done = taken.fetch_add(1, Ordering::AcqRel) + 1;
                if done >= next_sample {
                    samples.push((done, events, memory()));
                    next_sample += (swaps / 10).max(1);
                }
            }
            let one = plain.decided(event(&plain, events));
            let other = changed.decided(event(&changed, events));
            assert_eq!(other.seq.0, events as u64, "one decision an event");
            assert_eq!(said(&plain, &one), said(&changed, &other), "event {events}");
            events += 1;
        }
        (events, kept, samples)
    });

    eprintln!(
        "{swaps} changes under {events} events: tables {} kept, {} new, {} dropped",
        kept.kept, kept.fresh, kept.dropped
    );
    for (done, events, (resident, maps)) in &samples {
        eprintln!(
            "{done:>8} changes {events:>10} events {:>8} KiB resident {maps:>4} mappings",
            resident >> 10
        );
    }
    assert!(kept.fresh > 0 && kept.dropped > 0 && kept.kept > swaps);
    // After the first fifth everything has its size.
    let ((_, _, (resident, maps)), (_, _, (last_resident, last_maps))) =
        (samples[1], samples[samples.len() - 1]);
    assert!(last_resident <= resident + resident / 8 + (4 << 20), "{resident} bytes became {last_resident}");
    assert!(last_maps <= maps + 16, "{maps} mappings became {last_maps}");
}

#[test]
fn it_soaks_on_the_walker_too() {
    common::run_on_the_walker("it_soaks_on_the_walker_too");
}
