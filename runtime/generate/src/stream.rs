//! Inputs for a rule set: few keys, and times and values where something changes.

use std::net::IpAddr;
use std::sync::Arc;

use weir_compiler::hir::Verb;
use weir_compiler::value::{Country, Currency, Value};
use weir_engine::Command;

use crate::schema::{ENUMS, Ty};
use crate::{Choices, Set};

/// Monday, 5 January 2026.
pub const START: i64 = 1_767_571_200_000;

/// The most moves of a stream.
pub const MOST: usize = 60;

/// An event by names, so that any wording of a rule set takes it.
#[derive(Clone, Debug)]
pub struct Occurrence {
    /// The event.
    pub event: &'static str,
    /// What is known with the request.
    pub fields: Vec<(&'static str, Value)>,
    /// What is known with the response.
    pub response: Vec<(&'static str, Value)>,
}

/// An input.
#[derive(Clone, Debug)]
pub enum Move {
    /// A request.
    Request {
        /// When.
        at: i64,
        /// Its events, of which there may be none.
        events: Vec<Occurrence>,
    },
    /// The response of a request that waits for one.
    Response {
        /// When.
        at: i64,
        /// Which, counted from the oldest.
        nth: usize,
    },
    /// A response to a request that nobody made, or that has been answered.
    Stray {
        /// When.
        at: i64,
    },
    /// An operator says something.
    Command {
        /// When.
        at: i64,
        /// What.
        command: Command,
    },
    /// A tick.
    Tick {
        /// When.
        at: i64,
    },
}

/// A stream.
#[derive(Clone, Debug, Default)]
pub struct Feed {
    /// The inputs, in order.
    pub moves: Vec<Move>,
    /// How late they may be, in ms.
    pub lateness: i64,
}

/// A stream for a rule set.
pub fn feed(c: &mut Choices<'_>, set: &Set) -> Feed {
    let lateness = *c.pick(&[0, 0, 1_000, 60_000]);
    let mut now = *c.pick(&[START, START, START - 1, START + 86_399_999, 0, -1_000_000_007]);
    let mut moves = Vec::new();
    let mut waiting = 0_usize;
    let focus = if set.windows.is_empty() { 10_000 } else { *c.pick(&set.windows) };
    while moves.len() < MOST && (!c.is_over() || moves.len() < 4) {
        now = now.saturating_add(step(c, set, focus, now));
        let at = match c.chance(15) {
            true => now - c.between(0, 65_535) as i64 % (lateness + 1),
            false => now,
        };
        let kind = c.below(20);
        let next = match kind {
            0 => Move::Tick { at: now },
            1 if c.chance(50) => Move::Stray { at: now },
            1 => Move::Command { at: now, command: command(c, set) },
            2..6 if waiting > 0 => {
                waiting -= 1;
                let nth = if c.chance(70) { waiting } else { c.below(waiting + 1) };
                Move::Response { at: now, nth }
            }
            _ => {
                let count = *c.pick(&[1, 1, 1, 1, 1, 1, 2, 3, 0]);
                let events = (0..count).map(|_| occurrence(c, set)).collect();
                let answered = c.chance(60);
                moves.push(Move::Request { at, events });
                if !answered {
                    waiting += 1;
                    continue;
                }
                // `usize::MAX` is the youngest.
                Move::Response { at: now, nth: usize::MAX }
            }
        };
        moves.push(next);
    }
    moves.push(Move::Tick { at: now.saturating_add(focus).saturating_add(lateness + 1) });
    moves.push(Move::Tick { at: now.saturating_add(200 * 86_400_000) });
    Feed { moves, lateness }
}

/// A command about what there is, mostly.
fn command(c: &mut Choices<'_>, set: &Set) -> Command {
    let rules: Vec<_> = set.hir.rules.values().map(|rule| rule.full_name.clone()).collect();
    match c.below(6) {
        0 => Command::Panic { off: c.chance(40) },
        1 => Command::Resume { rule: c.pick(&rules).clone() },
        2 | 3 => {
            let verdict = *c.pick(&[Verb::Pass, Verb::Block, Verb::Challenge]);
            Command::Release { case: c.below(6) as u64, verdict }
        }
        4 => Command::Switch { name: (*c.pick(&["gen", "gen.nobody"])).into(), off: c.chance(30) },
        _ => Command::Switch { name: c.pick(&rules).clone(), off: c.chance(60) },
    }
}

/// How far time moves: to where lanes and windows end, a millisecond before and after, and not at all.
fn step(c: &mut Choices<'_>, set: &Set, focus: i64, now: i64) -> i64 {
    let other = if set.windows.is_empty() { focus } else { *c.pick(&set.windows) };
    let length = if c.chance(80) { focus } else { other };
    let lane = (length + 6) / 7;
    let next = lane - now.rem_euclid(lane);
    match c.below(20) {
        0..=7 => 0,
        8 | 9 => 1,
        10 => lane,
        11 => next,
        12 => (next - 1).max(0),
        13 => next + 1,
        14 => length,
        15 => (length - 1).max(0),
        16 => length + 1,
        17 => 7 * lane - 1,
        18 => i64::from(c.byte()) * lane / 255,
        _ => (i64::from(c.byte()) + 1) * 997 % (lane + 1),
    }
}

fn occurrence(c: &mut Choices<'_>, set: &Set) -> Occurrence {
    let schema = &set.schema;
    let own = schema.events.len() - 2;
    let event = match c.below(12) {
        0 => schema.events.len() - 1,
        1 => schema.events.len() - 2,
        _ => c.below(own),
    };
    let name = schema.events[event].name;
    let mut made = Occurrence { event: name, fields: Vec::new(), response: Vec::new() };
    for field in schema.fields(event) {
        if field.name == "result" {
            made.fields.push(("outcome", Value::Variant(u16::from(c.chance(30)))));
            continue;
        }
        // Keys are mostly there.
        let present = if matches!(field.ty, Ty::Id("session" | "user")) { 90 } else { 70 };
        if field.name == "at" || !c.chance(present) && field.optional {
            continue;
        }
        let value = value(c, field.ty, field.name);
        if field.response {
            made.response.push((field.name, value))
        } else {
            made.fields.push((field.name, value))
        }
    }
    made
}

/// A value of a type: of few, or at an end of its range.
pub fn value(c: &mut Choices<'_>, ty: Ty, name: &str) -> Value {
    let text = |c: &mut Choices<'_>, items: &[&str]| Value::text(c.pick::<&str>(items));
    let extreme = c.chance(8);
    match ty {
        Ty::Int if extreme => Value::Int(*c.pick(&[
            i64::MAX,
            i64::MIN,
            i64::MAX - 1,
            i64::MIN + 1,
            1 << 53,
            (1 << 53) + 1,
            u32::MAX.into(),
        ])),
        Ty::Int => Value::Int(*c.pick(&[0, 1, 2, 3, 4, 5, 6, 9, 10, 11, 63, 64, 65, -1, -7, 100])),
        Ty::Float if extreme => Value::Float(*c.pick(&[
            f64::MAX,
            f64::MIN,
            f64::MIN_POSITIVE,
            5e-324,
            -0.0,
            f64::EPSILON,
            9.3e18,
            -9.3e18,
            1e300,
            1e-300,
        ])),
        Ty::Float => {
            Value::Float(*c.pick(&[0.0, 0.5, 1.0, 0.1, -0.1, 2.5, 1.0 / 3.0, -3.75, 64.0, 1e9, 1.000_000_1]))
        }
        Ty::Bool => Value::Bool(c.chance(50)),
        Ty::Text if extreme => match c.below(4) {
            0 => Value::text(&"x".repeat(200)),
            1 => Value::text("e\u{301}\u{200d}\u{202e}\0"),
            2 => Value::text("\u{130}\u{1f600}\u{10ffff}"),
            _ => Value::text("STRASSE stra\u{df}e"),
        },
        Ty::Text if name == "user_agent" => text(c, &["abc", "ABC", "curl/8", ""]),
        Ty::Text => text(
            c,
            &[
                "a",
                "abc",
                "ABC",
                "",
                "u1",
                "/x/y.env",
                "/x/b",
                "https://Host.Example:8443/a",
                "stra\u{df}e",
                "b",
            ],
        ),
        Ty::Ip => {
            let of = *c.pick(&[
                "192.0.2.1",
                "192.0.2.2",
                "192.0.2.129",
                "198.51.100.7",
                "2001:db8::1",
                "2001:db8:0:1::1",
                "::1",
            ]);
            Value::Ip(of.parse::<IpAddr>().unwrap())
        }
        Ty::Asn => Value::Asn(*c.pick(&[64_500, 64_501, 0, u32::MAX])),
        Ty::Country => Value::Country(Country(**c.pick(&[b"DE", b"FR", b"JP"]))),
        Ty::Duration if extreme => Value::Duration(*c.pick(&[i64::MAX, i64::MIN, -1])),
        Ty::Duration => Value::Duration(*c.pick(&[0, 1, 250, 999, 1_000, 1_001, 5_000, 600_000, -5])),
        Ty::Time if extreme => Value::Time(*c.pick(&[i64::MAX, i64::MIN, 0, -1])),
        Ty::Time => Value::Time(START + *c.pick(&[0, 1, 999, 60_000, 86_400_000, -1])),
        Ty::Money => {
            let currency = Currency(**c.pick(&[b"USD", b"USD", b"USD", b"EUR", b"JPY", b"KWD", b"CLF"]));
            let minor = match extreme {
                true => *c.pick(&[i64::MAX, i64::MIN, i64::MAX - 1]),
                false => *c.pick(&[0, 1, 499, 500, 501, -300, 150, 99]),
            };
            Value::Money(minor, currency)
        }
        Ty::Rate => Value::Float(*c.pick(&[0.0, 1.0, 20.0, 0.1, 0.25, 1e9])),
        Ty::Probability => {
            Value::Float(*c.pick(&[0.0, 1.0, 0.5, 0.333, 0.9, 0.001, 0.899_999_999_999_999_9]))
        }
        Ty::Id("session") => text(c, &["s1", "s1", "s2", "s3"]),
        Ty::Id("user") => text(c, &["u1", "u1", "u2"]),
        Ty::Id(_) => text(c, &["u1", "u2", "s1", ""]),
        Ty::Print => text(c, &["u1", "f1", "f2"]),
        // Now and then a variant that nobody declared.
        Ty::Enum(_) if extreme => Value::Variant(u16::MAX),
        Ty::Enum(which) => Value::Variant(c.below(ENUMS[which].len()) as u16),
        Ty::TextSet => {
            let count = c.below(4);
            Value::List((0..count).map(|_| value(c, Ty::Text, name)).collect())
        }
        Ty::IntList => {
            let count = c.below(4);
            Value::List((0..count).map(|_| value(c, Ty::Int, name)).collect())
        }
        Ty::IntMap => {
            let count = c.below(3);
            Value::Map((0..count).map(|at| (Arc::from(format!("k{at}")), value(c, Ty::Int, name))).collect())
        }
    }
}
