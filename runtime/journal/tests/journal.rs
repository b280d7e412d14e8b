//! A journal brings an engine to the same decisions; what is cut or changed in it is never taken for what was written.
#![allow(
    dead_code,
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test stops at the first surprise"
)]

#[path = "../../engine/tests/common/mod.rs"]
mod common;

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicUsize, Ordering};

use common::Site;
use proptest::prelude::*;
use weir_compiler::value::Value;
use weir_engine::{Command, Decision, Input, Options, Outcome, Secret, Seq, Step};
use weir_journal::{Contents, End, Entry, Error, Mode, Segment, Writer, segments};

const POLICY: &str = "package t
tag odd
event sale { amount: money? note: string? personal status: int? response }
model risk(amount: float) -> probability from \"models/risk.onnx\" within 2ms
policy p {
  on sale
  mode enforce
  signal tries = count of sale per user over 10m
  rule often { when tries > 2 then challenge because \"{user}: {tries}\" }
  rule risky { when risk(0.5) >= 90% then block user for 5m because \"risky\" }
  rule noted { when note contains \"bad\" then score +60 because \"{note}\" }
  rule failed { when status >= 400 then tag user odd for 1h because \"{status}\" }
}";

const SECRET: Secret = Secret::new(*b"a tests' secret.");

fn site() -> Site {
    Site::with(POLICY, Options { record: true, secret: SECRET, ..Options::default() })
}

/// A folder of its own, removed at the end.
struct Folder(PathBuf);

impl Folder {
    fn new() -> Self {
        static NEXT: AtomicUsize = AtomicUsize::new(0);
        let next = NEXT.fetch_add(1, Ordering::Relaxed);
        let path = std::env::temp_dir().join(format!("weir-journal-{}-{next}", std::process::id()));
        let _ = std::fs::remove_dir_all(&path);
        Self(path)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

fn writer(folder: &Folder, site: &Site, mode: Mode) -> Writer {
    Writer::open(&folder.0, SECRET, mode, "shop", site.engine.hir(), [7; 32]).unwrap()
}

type Move = (u8, &'static str, &'static str, u8);

fn moves() -> impl Strategy<Value = Vec<Move>> {
    let user = prop::sample::select(vec!["alice@example.org", "bob@example.org", ""]);
    let note = prop::sample::select(vec!["bad news of alice", "good", ""]);
    prop::collection::vec((0_u8..9, user, note, any::<u8>()), 1..30)
}

/// The engine is given moves, and a journal all that it is given; its decisions.
fn run(site: &mut Site, moves: &[Move], writer: &mut Writer) -> Vec<Vec<u8>> {
    let mut decided = Vec::new();
    let mut last = Seq(0);
    for (kind, user, note, wait) in moves {
        site.now += i64::from(*wait) * 1_000;
        let fields: Vec<(&str, &str)> =
            [("user", *user), ("note", *note)].into_iter().filter(|(_, text)| !text.is_empty()).collect();
        let input = match kind {
            0 => Input::Tick { at: site.now },
            1 => Input::Command { at: site.now, command: Command::Panic { off: wait % 2 == 0 } },
            2 | 3 => {
                let (_, late) = site.record("sale", &[("status", if *kind == 2 { "200" } else { "404" })]);
                Input::Response { request: last, at: site.now, fields: vec![late], events: Vec::new() }
            }
            _ => Input::Request { at: site.now, events: vec![site.record("sale", &fields).0] },
        };
        writer.input(site.engine.hir(), &input).unwrap();
        let decision = match site.engine.begin(input) {
            Step::Decided(decision) => decision,
            Step::Pending(pending) => {
                let answer = [Outcome::Answer(Value::Float(f64::from(*wait) / 255.0)), Outcome::Late];
                let outcomes = [answer[usize::from(wait % 3 == 0)].clone()];
                writer.outcomes(site.engine.hir(), pending.seq(), &pending.calls, &outcomes).unwrap();
                site.engine.resume(pending, &outcomes)
            }
        };
        last = decision.seq;
        writer.commit().unwrap();
        decided.push(site.engine.decision_bytes(&decision));
    }
    decided
}

/// What a fresh engine decides from the journal alone.
fn replay(folder: &Folder) -> Vec<Vec<u8>> {
    let mut site = site();
    let mut decided = Vec::new();
    let mut outcomes: HashMap<Seq, Vec<Outcome>> = HashMap::new();
    let mut inputs = Vec::new();
    for path in segments(&folder.0).unwrap() {
        let segment = Segment::read(&path, SECRET).unwrap();
        assert_eq!((segment.end.clone(), segment.head.rules), (End::Whole, [7; 32]));
        for entry in segment.entries(site.engine.hir()) {
            match entry.unwrap() {
                Entry::Input(input) => inputs.push(input),
                Entry::Outcomes { seq, outcomes: known } => _ = outcomes.insert(seq, known),
                Entry::Loaded { .. } => {}
            }
        }
    }
    for input in inputs {
        let decision: Decision = match site.engine.begin(input) {
            Step::Decided(decision) => decision,
            Step::Pending(pending) => {
                let known = outcomes.remove(&pending.seq()).unwrap();
                site.engine.resume(pending, &known)
            }
        };
        decided.push(site.engine.decision_bytes(&decision));
    }
    decided
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]
    /// + journal: a fresh engine decides the same from it
    #[test]
    fn a_journal_brings_a_fresh_engine_to_the_same_decisions(moves in moves(), cut in 0_usize..30, sync: bool) {
        let folder = Folder::new();
        let mut site = site();
        let mode = if sync { Mode::Sync } else { Mode::Async };
        let (first, second) = moves.split_at(cut.min(moves.len()));
        let mut journal = writer(&folder, &site, mode);
        let mut decided = run(&mut site, first, &mut journal);
        journal.finish().unwrap();
        // It goes on in another segment.
        let mut journal = writer(&folder, &site, mode);
        journal.loaded(site.engine.hir(), Contents::List, "t.vips", [1; 32]).unwrap();
        decided.extend(run(&mut site, second, &mut journal));
        journal.finish().unwrap();
        // A response after the cut is of the request before it in `run` alone: both engines were given the same.
        prop_assert_eq!(replay(&folder), decided);
        for path in segments(&folder.0).unwrap() {
            let bytes = std::fs::read(path).unwrap();
            for clear in ["alice", "bob@", "news"] {
                prop_assert!(!bytes.windows(clear.len()).any(|window| window == clear.as_bytes()));
            }
        }
    }
}

/// The bytes of a journal of several blocks, and how many entries they hold.
fn sample() -> &'static (Site, Vec<u8>, usize) {
    // The engine is only asked for its schema; it stays on its thread.
    static SAMPLE: OnceLock<(Vec<u8>, usize)> = OnceLock::new();
    thread_local!(static SITE: &'static (Site, Vec<u8>, usize) = {
        let (bytes, count) = SAMPLE.get_or_init(|| {
            let folder = Folder::new();
            let mut site = site();
            let mut journal = writer(&folder, &site, Mode::Sync);
            let moves: Vec<Move> = (0..12).map(|n| (4, "alice@example.org", "good", n)).collect();
            run(&mut site, &moves, &mut journal);
            journal.finish().unwrap();
            let path = segments(&folder.0).unwrap().remove(0);
            let bytes = std::fs::read(path).unwrap();
            let count = Segment::open(&bytes, SECRET).unwrap().entries(site.engine.hir()).count();
            (bytes, count)
        });
        Box::leak(Box::new((site(), bytes.clone(), *count)))
    });
    SITE.with(|site| *site)
}

fn entries(site: &Site, segment: &Segment) -> Vec<String> {
    segment.entries(site.engine.hir()).map(|entry| format!("{:?}", entry.unwrap())).collect()
}

#[test]
fn what_is_cut_off_leaves_what_was_before() {
    let (site, bytes, count) = sample();
    let whole = entries(site, &Segment::open(bytes, SECRET).unwrap());
    assert_eq!(whole.len(), *count);
    let mut seen = Vec::new();
    for at in (0..bytes.len()).step_by(3) {
        match Segment::open(&bytes[..at], SECRET) {
            Ok(segment) => {
                let found = entries(site, &segment);
                assert_eq!(found, whole[..found.len()]);
                seen.push(found.len());
            }
            Err(error) => assert!(matches!(error, Error::Bytes(_)), "{at}: {error}"),
        }
    }
    assert!(seen.contains(&0) && seen.contains(&(*count - 2)), "{seen:?}");
}

/// - journal: a changed byte is not taken for what was written
#[test]
fn no_changed_byte_is_taken_for_what_was_written() {
    let (site, bytes, _) = sample();
    let whole = entries(site, &Segment::open(bytes, SECRET).unwrap());
    for at in (0..bytes.len()).step_by(7) {
        let mut bytes = bytes.clone();
        bytes[at] ^= 1 << (at % 8);
        if let Ok(segment) = Segment::open(&bytes, SECRET) {
            assert!(matches!(segment.end, End::Torn { .. }), "byte {at}");
            let found = entries(site, &segment);
            assert_eq!(found, whole[..found.len()], "byte {at}");
        }
    }
}

#[test]
fn another_secret_is_named_as_such() {
    let (_, bytes, _) = sample();
    let other = Secret::new([9; 16]);
    assert!(matches!(Segment::open(bytes, other), Err(Error::Secret)));
    assert!(matches!(Segment::open(b"127.0.0.1 - -", SECRET), Err(Error::Bytes(_))));
}

#[test]
fn equal_entries_are_sealed_otherwise_in_every_segment() {
    let bytes = || {
        let folder = Folder::new();
        let mut site = site();
        let mut journal = writer(&folder, &site, Mode::Sync);
        run(&mut site, &[(4, "alice@example.org", "good", 1)], &mut journal);
        journal.finish().unwrap();
        std::fs::read(segments(&folder.0).unwrap().remove(0)).unwrap()
    };
    let (one, two) = (bytes(), bytes());
    assert_eq!(one.len(), two.len());
    let same = one.iter().rev().zip(two.iter().rev()).take(60).filter(|(a, b)| a == b).count();
    assert!(same < 20, "{same} of 60 bytes are the same");
}
