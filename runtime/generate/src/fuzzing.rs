//! The engine's fuzz target as a plain function: any driver may call it, and a panic is a finding.

use std::net::IpAddr;
use std::sync::Arc;

use weir_compiler::convert;
use weir_compiler::evaluate::Tier;
use weir_compiler::ids::{EventId, FieldId};
use weir_compiler::value::{Country, Currency, Value};
use weir_engine::{Engine, Input, Limits, Options, Outcome, Seq, Step};

use crate::play::{decided, everything};
use crate::stream::{Move, START};
use crate::{Choices, Play, Set, policy, stream};

/// As little as an engine can be told to hold.
const TINY: usize = 4;

/// Runs the rule set and the inputs of some bytes on every tier: first a stream of the schema's own types, then records,
/// responses, answers of models and snapshots that nobody should send.
///
/// # Panics
/// When an engine panics, holds more than its limits, refuses what it has written itself, or when two tiers differ.
pub fn fuzz_engine(bytes: &[u8]) {
    let (policy, rest) = bytes.split_at(bytes.len() / 2);
    let set = Set::check(policy::write(&mut Choices::new(policy)));
    let c = &mut Choices::new(rest);
    let options = options(c);
    let tiny = options.limits.keys == TINY;
    let mut plays: Vec<Play> =
        Tier::ALL.iter().map(|tier| Play::new(&set, Options { tier: *tier, ..options.clone() })).collect();
    let feed = stream::feed(&mut Choices::new(rest.get(..rest.len() / 2).unwrap_or_default()), &set);
    for (nth, next) in feed.moves.iter().take(40).enumerate() {
        together(&mut plays, (nth, tiny), |play| play.input(next), Some(next));
    }
    for nth in 0..40 {
        if c.is_over() {
            break;
        }
        let input = hostile(c, &plays[0].engine);
        together(&mut plays, (nth, tiny), |_| Some(input.clone()), None);
        if nth % 16 == 7 {
            reborn(c, &set, &options, &mut plays);
        }
    }
}

/// Sometimes everything has room, sometimes nothing.
fn options(c: &mut Choices<'_>) -> Options {
    let tiny = Limits {
        state_bytes: 0,
        keys: TINY,
        tagged: TINY,
        entries: TINY,
        exchanges: TINY,
        timers: TINY,
        actors: TINY,
        braked: TINY,
        cases: TINY,
        remembered: TINY,
        labelled: TINY,
        switches: TINY,
    };
    Options {
        record: c.chance(50),
        observe: c.chance(20),
        as_enforced: c.chance(30),
        without_prefixes: c.chance(10),
        reveal: c.chance(20),
        lateness: *c.pick(&[0, 0, 1_000, 60_000, i64::MAX, -1]),
        limits: if c.chance(40) { tiny } else { Limits::default() },
        ..Options::default()
    }
}

/// Gives every engine the same input, and asks for the same decision.
fn together(
    plays: &mut [Play],
    (nth, tiny): (usize, bool),
    input: impl Fn(&mut Play) -> Option<Input>,
    next: Option<&Move>,
) {
    let mut told: Option<String> = None;
    for play in plays {
        let Some(input) = input(play) else { continue };
        let step = play.engine.begin(input);
        let decision = match step {
            Step::Decided(decision) => decision,
            // Fewer answers than questions: the rest have failed.
            Step::Pending(pending) if nth % 5 == 4 => {
                play.engine.resume(pending, &[Outcome::Answer(Value::text("no number"))])
            }
            pending => play.settle(pending),
        };
        if let Some(next) = next {
            play.note(next, &decision);
        }
        if tiny {
            bounded(&play.engine);
        }
        let print = if nth.is_multiple_of(8) { everything } else { decided };
        let this = print(&play.engine, &decision);
        match &told {
            None => told = Some(this),
            Some(other) => assert_eq!(*other, this, "two tiers differ"),
        }
    }
}

fn bounded(engine: &Engine) {
    let hir = engine.hir();
    let tables = hir.states.len() + hir.sequences.len() + hir.cohorts.len() + hir.facts.len();
    let held = engine.tallies().held;
    assert!(held <= (tables * 16 + 128) as u64, "{held} held in {tables} tables");
}

/// Writes what is remembered, damages it, and goes on from what was written.
fn reborn(c: &mut Choices<'_>, set: &Set, options: &Options, plays: &mut [Play]) {
    let mut written: Option<Vec<u8>> = None;
    for (play, tier) in plays.iter_mut().zip(Tier::ALL) {
        let bytes = play.engine.snapshot();
        if let Some(written) = &written {
            assert!(*written == bytes, "two tiers remember different things");
        }
        let mut fresh = Engine::new(set.hir.clone(), set.data.clone(), Options { tier, ..options.clone() });
        let mut damaged = bytes.clone();
        let at = c.below(65_536) % damaged.len().max(1);
        match c.below(3) {
            0 => damaged.truncate(at),
            1 => damaged.push(c.byte()),
            _ => {
                if let Some(byte) = damaged.get_mut(at) {
                    *byte ^= 1 << c.below(8);
                }
            }
        }
        assert!(fresh.restore(&damaged).is_err(), "a damaged snapshot is taken");
        fresh.restore(&bytes).expect("an engine reads what it has written");
        assert!(fresh.snapshot() == bytes, "what is written again differs");
        play.engine = fresh;
        written = Some(bytes);
    }
}

/// An input that no reader would make.
fn hostile(c: &mut Choices<'_>, engine: &Engine) -> Input {
    let at = match c.below(8) {
        0 => *c.pick(&[i64::MIN, i64::MAX, 0, -1, i64::MIN + 1, i64::MAX - 1]),
        1 => c.word() as i64,
        _ => START + (c.below(65_536) as i64 - 32_768) * *c.pick(&[1, 1_000, 3_600_000]),
    };
    let schema = &engine.hir().schema;
    match c.below(8) {
        0 => Input::Tick { at },
        1 | 2 => {
            let request = Seq(*c.pick(&[0, 1, 2, 3, 4, 5, 10, 40, u64::MAX]));
            let fields = (0..c.below(4)).map(|_| {
                let field =
                    |c: &mut Choices<'_>| (FieldId(c.below(schema.fields.len() + 3) as u32), anything(c, 2));
                (0..c.below(6)).map(|_| field(c)).collect::<Vec<_>>()
            });
            let fields = fields.collect();
            Input::Response { request, at, fields, events: records(c, engine) }
        }
        _ => Input::Request { at, events: records(c, engine) },
    }
}

fn records(c: &mut Choices<'_>, engine: &Engine) -> Vec<weir_engine::Record> {
    let schema = &engine.hir().schema;
    let one = |c: &mut Choices<'_>| {
        let event = EventId(c.below(schema.events.len()) as u32);
        let mut record = engine.record(event);
        for field in schema.fields.ids() {
            let value = match c.below(6) {
                0..2 => continue,
                // What a line of text says, if it says anything.
                2 | 3 => {
                    let text = text(c);
                    match convert::convert(&Value::text(&text), &schema.fields[field].ty) {
                        Some(value) => value,
                        None => continue,
                    }
                }
                4 => match convert::convert(&Value::Int(c.word() as i64), &schema.fields[field].ty) {
                    Some(value) => value,
                    None => anything(c, 2),
                },
                _ => anything(c, 2),
            };
            // The record refuses what is not of its type.
            drop(record.set(field, value));
        }
        record.finish()
    };
    (0..c.below(4)).map(|_| one(c)).collect()
}

fn text(c: &mut Choices<'_>) -> String {
    if c.chance(50) {
        let words = [
            "u1",
            "s1",
            "192.0.2.1",
            "::ffff:192.0.2.1",
            "0",
            "-1",
            "1e308",
            "NaN",
            "inf",
            "USD 5",
            "JPY 5.5",
            "DE",
            "true",
            "10m",
            "2026-01-05T00:00:00Z",
            "9223372036854775808",
            "web",
            "success",
            "0x7f.1",
            "\u{feff}",
            "%zz%41",
            "a@b",
        ];
        return (*c.pick(&words)).to_owned();
    }
    let bytes: Vec<u8> = (0..c.below(24)).map(|_| c.byte()).collect();
    String::from_utf8_lossy(&bytes).into_owned()
}

/// A value of any type, of no field in particular.
fn anything(c: &mut Choices<'_>, depth: usize) -> Value {
    match c.below(16) {
        0 => Value::Int(c.word() as i64),
        1 => Value::Float(f64::from_bits(c.word())),
        2 => Value::Float(*c.pick(&[f64::NAN, f64::INFINITY, f64::NEG_INFINITY, -0.0, 2.0, -1.0])),
        3 => Value::Bool(c.chance(50)),
        4 | 5 => Value::text(&text(c)),
        6 => Value::Ip(IpAddr::from((c.word() as u128 | u128::from(c.word()) << 64).to_be_bytes())),
        7 => Value::Asn(c.word() as u32),
        8 => Value::Country(Country([c.byte(), c.byte()])),
        9 => Value::Duration(c.word() as i64),
        10 => Value::Time(c.word() as i64),
        11 => Value::Money(c.word() as i64, Currency([c.byte(), c.byte(), c.byte()])),
        12 => Value::Variant(c.word() as u16),
        13 if depth > 0 => Value::List((0..c.below(5)).map(|_| anything(c, depth - 1)).collect()),
        14 if depth > 0 => {
            Value::Map((0..c.below(3)).map(|_| (Arc::from(text(c)), anything(c, depth - 1))).collect())
        }
        15 => Value::text(&"\u{1f600}".repeat(c.below(1_000))),
        _ => Value::Int(0),
    }
}
