//! The readers of journals and of decision records on mutated seeds, for `WEIR_FUZZ_SECONDS` (default 2) seconds each, on
//! stable Rust. `WEIR_FUZZ_SEED` repeats a run; a failure prints the seed and the input.
#![allow(
    dead_code,
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stderr,
    reason = "a test stops at the first surprise"
)]

#[path = "../../engine/tests/common/mod.rs"]
mod common;

use std::time::{Duration, Instant, SystemTime};

use common::Site;
use weir_engine::evidence::{self, Compiled, Evidence, File, Rules};
use weir_engine::wire::{Bytes, Decoder, Dictionary, put_input};
use weir_engine::{Input, Options, Secret};
use weir_journal::{Mode, Segment, Writer, segments};

const POLICY: &str = "package t
list vips: set<id<user>> = [\"mallory\"]
tag odd
event sale { amount: money? note: string? personal kind: enum { card, cash }? tags: set<string>? status: int? response }
policy p {
  on sale
  mode enforce
  signal tries = count of sale per user over 10m
  signal spent = sum of amount of sale per user over 10m
  sequence twice per user within 10m { first sale as start then sale as end }
  rule often { when tries > 1 and not (user in vips) then block user for 5m because \"{user}: {tries}, {spent}\" }
  rule noted { when note contains \"bad\" then score +60, tag user odd for 1h because \"{note}\" }
  rule again { when twice and user is tagged odd then challenge because \"again after {twice.start.age}\" }
  rule cash { mode canary 50% per user when kind == cash then throttle user to 1/s for 1m because \"cash\" }
}";

fn site() -> Site {
    Site::with(POLICY, Options { record: true, ..Options::default() })
}

fn inputs(site: &Site) -> Vec<Input> {
    let sale = |fields: &[(&str, &str)]| site.record("sale", fields).0;
    let full =
        [("user", "mallory"), ("amount", "USD 5"), ("note", "bad"), ("kind", "cash"), ("ip", "192.0.2.1")];
    let (_, late) = site.record("sale", &[("status", "404")]);
    vec![
        Input::Request { at: site.now, events: vec![sale(&full), sale(&full[..2])] },
        Input::Response {
            request: weir_engine::Seq(0),
            at: site.now,
            fields: vec![late],
            events: vec![sale(&full)],
        },
        Input::Tick { at: i64::MAX },
        Input::Command { at: 0, command: weir_engine::Command::Panic { off: true } },
        Input::Request { at: site.now + 5, events: vec![sale(&full)] },
    ]
}

#[test]
fn journal_segments() {
    let site = site();
    let dir = std::env::temp_dir().join(format!("weir-fuzz-journal-{}", std::process::id()));
    let _ = std::fs::remove_dir_all(&dir);
    let hir = site.engine.hir();
    let mut writer = Writer::open(&dir, Secret::PUBLIC, Mode::Sync, "t", hir, [0; 32]).unwrap();
    for input in inputs(&site) {
        writer.input(hir, &input).unwrap();
        writer.commit().unwrap();
    }
    writer.finish().unwrap();
    let seeds = vec![std::fs::read(segments(&dir).unwrap().remove(0)).unwrap()];
    let _ = std::fs::remove_dir_all(&dir);
    run("journal segments", &seeds, &|bytes| {
        if let Ok(segment) = Segment::open(bytes, Secret::PUBLIC) {
            segment.entries(hir).for_each(drop);
            segment.entries(&segment.head.stand_in()).for_each(drop);
        }
    });
}

#[test]
fn journal_entries() {
    let site = site();
    let hir = site.engine.hir();
    let seeds: Vec<Vec<u8>> = inputs(&site)
        .iter()
        .map(|input| {
            let mut bytes = Vec::new();
            put_input(&mut bytes, &hir.schema, input);
            bytes
        })
        .collect();
    let mut dictionary = Vec::new();
    Dictionary::of(hir).write(&mut dictionary);
    let seeds: Vec<Vec<u8>> = seeds.into_iter().chain([dictionary]).collect();
    run("journal entries", &seeds, &|bytes| {
        let mut decoder = Decoder::new(Dictionary::of(hir), hir);
        let mut left = Bytes::new(bytes);
        while decoder.input(&mut left).is_ok() && !left.is_empty() {}
        let _ = decoder.outcomes(&mut Bytes::new(bytes));
        let _ = Dictionary::read(&mut Bytes::new(bytes));
    });
}

/// Each decision's record.
fn evidence() -> (Compiled, Vec<Evidence>) {
    let mut site = site();
    let mut found = Vec::new();
    for input in inputs(&site).into_iter().filter(|input| !matches!(input, Input::Tick { .. })) {
        let decision = site.decided(input);
        found.push(site.engine.evidence(&decision).unwrap());
    }
    (Compiled::new(site.engine.hir().clone()), found)
}

#[test]
fn record_inputs() {
    let (compiled, evidence) = evidence();
    let seeds: Vec<Vec<u8>> = evidence.iter().map(|one| one.inputs().to_vec()).collect();
    run("record inputs", &seeds, &|bytes| {
        let evidence = Evidence::new(0, bytes.to_vec(), Vec::new());
        if let Ok(made) = compiled.reexecute(&evidence) {
            let _ = compiled.explain(&made);
        }
    });
}

#[test]
fn record_files() {
    let (_, evidence) = evidence();
    let mut file = Vec::new();
    let hash = evidence::begin(&mut file, &Rules::default());
    evidence.iter().for_each(|one| evidence::add(&mut file, hash, one));
    let seeds = vec![file];
    run("record files", &seeds, &|bytes| {
        if let Ok(file) = File::open(bytes) {
            (0..file.len()).for_each(|nth| drop(file.reexecute(nth)));
        }
    });
}

fn run(name: &str, seeds: &[Vec<u8>], target: &dyn Fn(&[u8])) {
    let seconds = number("WEIR_FUZZ_SECONDS").unwrap_or(2);
    let seed = number("WEIR_FUZZ_SEED").unwrap_or_else(|| {
        let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap();
        since.as_nanos() as u64
    });
    let mut random = Random(seed);
    let end = Instant::now() + Duration::from_secs(seconds);
    let mut runs = 0_u64;
    seeds.iter().for_each(|input| guarded(name, seed, target, input));
    while Instant::now() < end {
        let mut input = seeds[random.below(seeds.len())].clone();
        for _ in 0..=random.below(6) {
            mutate(&mut input, seeds, &mut random);
        }
        guarded(name, seed, target, &input);
        runs += 1;
    }
    eprintln!("{name}: {runs} inputs in {seconds} s, seed {seed}");
}

/// Runs the target; if it fails, says on what.
fn guarded(name: &str, seed: u64, target: &dyn Fn(&[u8]), input: &[u8]) {
    let outcome = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| target(input)));
    if let Err(failure) = outcome {
        eprintln!("{name} fails with seed {seed} on: \"{}\"", input.escape_ascii());
        std::panic::resume_unwind(failure);
    }
}

fn number(variable: &str) -> Option<u64> {
    std::env::var(variable).ok()?.parse().ok()
}

fn mutate(input: &mut Vec<u8>, seeds: &[Vec<u8>], random: &mut Random) {
    let at = random.below(input.len() + 1);
    let end = (at + random.below(24)).min(input.len());
    match random.below(8) {
        0 if at < end => input[at] ^= 1 << random.below(8),
        1 if at < end => input[at] = random.next() as u8,
        2 => input.insert(at, random.next() as u8),
        3 => drop(input.drain(at..end)),
        // Long numbers: lengths, counts and sums that do not fit.
        4 => drop(input.splice(at..at, [0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01])),
        5 => {
            let copy = input[at..end].repeat(random.below(40));
            drop(input.splice(at..at, copy));
        }
        6 => {
            let other = &seeds[random.below(seeds.len())];
            let from = random.below(other.len() + 1);
            input.truncate(at);
            input.extend_from_slice(&other[from..]);
        }
        _ => input.truncate(at),
    }
    input.truncate(1 << 16);
}

/// SplitMix64 (Steele, Lea and Flood 2014): small, and the same on every machine.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    fn below(&mut self, bound: usize) -> usize {
        (self.next() % bound.max(1) as u64) as usize
    }
}
