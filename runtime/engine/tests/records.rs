//! Files of decision records: self-contained, without personal values, and refused when a byte is another.
#![allow(
    dead_code,
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test stops at the first surprise"
)]

mod common;

use std::sync::{Arc, OnceLock};

use common::Site;
use proptest::prelude::*;
use weir_compiler::analysis::{Analysis, Selection};
use weir_engine::evidence::{self, Error, Evidence, File, Rules};
use weir_engine::{Command, Decision, Input, Options, Secret};

const POLICY: &str = "package t
list vips: set<id<user>> = [\"mallory@example.org\"]
tag seen-before
queue desk
event sale { amount: money? note: string? personal born: int? personal status: int? response }
cap block on sale at 50% of users over 10m, at least 3, else challenge
  because \"too many\"
policy p {
  on sale
  mode enforce
  signal tries = count of sale per user over 10m
  signal last_note = last of note of sale per user over 1h
  sequence twice per user within 10m {
    first sale as start
    then sale as end where amount > EUR 10
  }
  rule listed { when user in vips then block session for 5m because \"{user} is listed after {tries}\" }
  rule young { when born > 2010 then challenge because \"born {born}\" }
  rule long { when length(note) > 10 and not (note contains \"fine\") then score +30 because \"{note}\" }
  rule again { when twice then score +40, tag user seen-before for 1h because \"again, {last_note}\" }
  rule large { when amount > USD 40 then hold sale for desk within 2m else block with status 402 because \"large\" }
  rule tagged { when user is tagged seen-before then log because \"seen\" }
  rule some { mode canary 50% per user when tries > 1 then throttle user to 1/s for 10m because \"{tries}\" }
  rule quiet { mode shadow when tries > 2 then block user for 5m because \"{tries}\" }
}";

/// A file of the test's policy, and the engine that it runs on.
fn rules(text: &str) -> Rules {
    let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../stdlib-rules/std");
    let mut rules = Rules::default();
    for name in ["events.weir", "shared.weir"] {
        let text = std::fs::read_to_string(root.join(name)).unwrap();
        rules.files.push((name.into(), text.into()));
    }
    rules.files.push(("t.weir".into(), text.into()));
    rules.manifest = Some(("weir.toml".into(), "edition = \"2026\"\n[exempt]\n\"t\" = [\"t\"]\n".into()));
    let mut analysis = Analysis::new();
    for (name, text) in &rules.files {
        analysis.set_file(name, Arc::clone(text));
    }
    let (name, text) = rules.manifest.clone().unwrap();
    analysis.set_manifest(&name, &text);
    let Selection { policies, caps, derives, tunes } = analysis.found().everything();
    rules.selection = Selection { policies, caps, derives, tunes };
    rules
}

fn site() -> Site {
    let options = Options { record: true, secret: Secret::new(*b"not the public 1"), ..Options::default() };
    Site::with(POLICY, options)
}

type Sale = (&'static str, &'static str, &'static str, &'static str, u8);

fn sales() -> impl Strategy<Value = Vec<Sale>> {
    let user = prop::sample::select(vec!["mallory@example.org", "alice@example.org", "bob@example.org", ""]);
    let note = prop::sample::select(vec!["", "fine, thanks a lot", "a very long note", "brief"]);
    let amount = prop::sample::select(vec!["", "EUR 5", "EUR 50", "USD 50"]);
    let born = prop::sample::select(vec!["", "1987", "2015"]);
    prop::collection::vec((user, note, amount, born, any::<u8>()), 1..24)
}

fn fields(sale: &Sale) -> Vec<(&'static str, &'static str)> {
    let (user, note, amount, born, _) = *sale;
    let all = [
        ("user", user),
        ("note", note),
        ("amount", amount),
        ("born", born),
        ("session", "s-1"),
        ("status", "200"),
    ];
    all.into_iter().filter(|(_, text)| !text.is_empty()).collect()
}

/// Runs sales; every decision, with its record.
fn run(site: &mut Site, sales: &[Sale]) -> Vec<(Decision, Evidence)> {
    let mut decided = Vec::new();
    for sale in sales {
        site.now += i64::from(sale.4) * 1_000;
        if sale.4 % 16 == 3 {
            site.engine.switch("t.p.young", sale.4 % 32 == 3);
        }
        if sale.4 % 16 == 5 {
            let command = Command::Panic { off: sale.4 % 32 == 5 };
            let decision = site.decided(Input::Command { at: site.now, command });
            let evidence = site.engine.evidence(&decision).unwrap();
            decided.push((decision, evidence));
        }
        let (request, response) = site.both("sale", &fields(sale));
        for decision in std::iter::once(request).chain(response) {
            let evidence = site.engine.evidence(&decision).unwrap();
            decided.push((decision, evidence));
        }
    }
    decided
}

fn file_of<'e>(evidence: impl Iterator<Item = &'e Evidence>) -> Vec<u8> {
    let mut out = Vec::new();
    let hash = evidence::begin(&mut out, &rules(POLICY));
    evidence.for_each(|evidence| evidence::add(&mut out, hash, evidence));
    out
}

/// The file is opened once: compiling is what costs.
fn open(evidence: &[(Decision, Evidence)]) -> File {
    File::open(&file_of(evidence.iter().map(|(_, evidence)| evidence))).unwrap()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]
    /// + record, re-execution: the same decision and explanation from the record alone
    #[test]
    fn a_record_makes_the_decision_again_without_secret_state_or_list(sales in sales()) {
        let mut site = site();
        let decided = run(&mut site, &sales);
        let file = open(&decided);
        prop_assert_eq!(file.len(), decided.len());
        for (nth, (decision, _)) in decided.iter().enumerate() {
            let made = file.reexecute(nth).unwrap();
            prop_assert!(made.identical, "{:#?}\n{:#?}", decision, made.decision);
            prop_assert_eq!(&made.outcome, &site.engine.decision_bytes(decision));
            let (was, is) = (site.engine.explain(decision), file.explain(nth, &made).unwrap());
            // The record has the policy as another file of its session.
            let was = format!("{was:?}").replace("FileId(3)", "FileId(2)");
            prop_assert_eq!(was, format!("{is:?}"));
        }
    }

    /// + personal: conditions on personal fields are made again
    /// - personal: no personal value is in a record
    #[test]
    fn no_personal_value_is_in_a_record(sales in sales()) {
        let mut site = site();
        for (_, evidence) in run(&mut site, &sales) {
            let mut bytes = Vec::new();
            let hash = evidence::begin(&mut bytes, &Rules::default());
            let from = bytes.len();
            evidence::add(&mut bytes, hash, &evidence);
            let text = String::from_utf8_lossy(&bytes[from..]).into_owned();
            for personal in ["mallory", "alice", "bob@", "thanks", "very long note", "brief"] {
                prop_assert!(!text.contains(personal), "{personal}");
            }
            // Four digits may stand in the middle of a hash.
            let mut words = text.split(|c: char| !c.is_ascii_alphanumeric());
            prop_assert!(words.all(|word| word != "1987"));
        }
    }
}

fn sample() -> &'static (Vec<u8>, usize) {
    static SAMPLE: OnceLock<(Vec<u8>, usize)> = OnceLock::new();
    SAMPLE.get_or_init(|| {
        let mut site = site();
        let sale = ("mallory@example.org", "a very long note", "EUR 50", "2015", 1);
        let decided = run(&mut site, &[sale, sale, sale]);
        let start = file_of(std::iter::empty()).len();
        (file_of(decided.iter().map(|(_, evidence)| evidence)), start)
    })
}

/// - record: one with another byte is refused
#[test]
fn every_flipped_byte_is_refused() {
    let (bytes, start) = sample();
    assert!(File::open(bytes).unwrap().len() >= 3);
    // Every byte of the decisions, and every seventh of the rule set: each opening compiles.
    for at in (0..*start).step_by(997).chain((*start..bytes.len()).step_by(41)).chain(0..9) {
        let mut bytes = bytes.clone();
        bytes[at] ^= 1 << (at % 8);
        assert!(File::open(&bytes).is_err(), "byte {at}");
    }
}

#[test]
fn a_cut_file_is_refused_or_ends_with_a_whole_decision() {
    let (bytes, start) = sample();
    for at in (*start + 1..bytes.len()).step_by(97) {
        if let Ok(file) = File::open(&bytes[..at]) {
            assert!((0..file.len()).all(|nth| file.reexecute(nth).unwrap().identical));
        }
    }
}

#[test]
fn what_is_no_record_is_called_so() {
    assert_eq!(File::open(b"").unwrap_err(), Error::Magic);
    assert_eq!(File::open(b"\x1f\x8b\x08\x00 a packed log").unwrap_err(), Error::Magic);
    assert_eq!(File::open(b"weir rec\x09").unwrap_err(), Error::Version(9));
    assert_eq!(File::open(b"weir rec\x01").unwrap().len(), 0);
}

/// - re-execution: an engine that shows personal values, or keeps no readings, makes no record
#[test]
fn an_engine_that_reveals_makes_no_record() {
    let mut site = Site::with(POLICY, Options { record: true, reveal: true, ..Options::default() });
    let decision = site.ask("sale", &[("user", "alice@example.org")]);
    assert_eq!(site.engine.evidence(&decision), None);
    let mut site = Site::with(POLICY, Options::default());
    let decision = site.ask("sale", &[("user", "alice@example.org")]);
    assert_eq!(site.engine.evidence(&decision), None);
}

#[test]
fn clear_text_is_given_out_for_sealing_alone() {
    let mut site = site();
    let decision = site.ask("sale", &[("user", "alice@example.org"), ("born", "1987"), ("amount", "EUR 5")]);
    let clear = evidence::personal(&site.engine.personal(&decision)).unwrap();
    let has = |name: &str, value: &str| clear[0].iter().any(|(n, v)| n == name && v == value);
    assert!(has("user", "alice@example.org") && has("born", "1987"));
    assert!(!clear[0].iter().any(|(name, _)| name == "amount"));
}

#[test]
fn records_make_the_same_on_the_walker() {
    common::run_on_the_walker("records_make_the_same_on_the_walker");
}
