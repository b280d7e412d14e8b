//! Builders of tests.

use crate::ast::{Expect, Given, ItemKind, Literal, Move, MoveKind, Name, Test};
use crate::parse::build::{Build, Node, Rule};
use crate::parse::expression::{self, expr};
use crate::parse::item;

pub(crate) fn test(build: &mut Build<'_>, pair: Node<'_>) -> Option<ItemKind> {
    let mut name = None;
    let mut moves = Vec::new();
    for part in pair.into_inner() {
        match part.as_rule() {
            Rule::string => name = Some(build.quoted(&part)),
            Rule::move_ => moves.push(move_(build, part)?),
            _ => {}
        }
    }
    Some(ItemKind::Test(Test { name: name?, moves }))
}

/// A move. `repeat` nests as deep as brackets may.
pub(crate) fn move_(build: &mut Build<'_>, pair: Node<'_>) -> Option<Move> {
    let span = build.tight(&pair);
    let inner = pair.into_inner().next()?;
    let kind = match inner.as_rule() {
        Rule::given => MoveKind::Given(given(build, inner)?),
        Rule::unmapped => MoveKind::Unmapped(item::names(build, inner, Rule::name).pop()?),
        Rule::wait => {
            let duration = inner.into_inner().find(|part| part.as_rule() == Rule::duration)?;
            MoveKind::Wait(build.literal(&duration)?)
        }
        Rule::repeat => repeat(build, inner)?,
        Rule::release => {
            let (mut case, mut verb) = (None, None);
            for part in inner.into_inner() {
                match part.as_rule() {
                    Rule::int => case = Some(build.integer(&part)?),
                    Rule::verb => verb = build.verb(&part),
                    _ => {}
                }
            }
            MoveKind::Release(case?, verb?)
        }
        Rule::emit => {
            let mut event = None;
            let mut fields = Vec::new();
            for part in inner.into_inner() {
                match part.as_rule() {
                    Rule::name => event = Some(build.name(&part)),
                    Rule::assignment => fields.push(item::assignment(build, part)?),
                    _ => {}
                }
            }
            MoveKind::Emit { event: event?, fields }
        }
        _ => MoveKind::Expect(expect(build, inner)?),
    };
    Some(Move { kind, span })
}

fn given(build: &mut Build<'_>, pair: Node<'_>) -> Option<Given> {
    let mut name = None;
    for part in pair.into_inner() {
        match part.as_rule() {
            Rule::name => name = Some(build.name(&part)),
            Rule::given_usual => {
                let (mut signal, mut value) = (None, None);
                for part in part.into_inner() {
                    match part.as_rule() {
                        Rule::ident => signal = Some(build.name(&part)),
                        Rule::amount => value = Some(expr(build, part)?),
                        _ => {}
                    }
                }
                return Some(Given::Usual(signal?, value?));
            }
            Rule::given_entry => {
                let (mut key, mut value) = (None, None);
                for part in part.into_inner() {
                    match part.as_rule() {
                        Rule::index => {
                            let inner = part.into_inner().find(|part| part.as_rule() == Rule::expr)?;
                            key = Some(expr(build, inner)?);
                        }
                        Rule::amount => value = Some(expr(build, part)?),
                        _ => {}
                    }
                }
                return Some(Given::Entry(name?, key?, value?));
            }
            Rule::given_value => {
                let name = name?;
                let mut contains = false;
                for part in part.into_inner() {
                    match part.as_rule() {
                        Rule::kw_contains => contains = true,
                        Rule::kw_late => return Some(Given::Late(name)),
                        Rule::kw_active => return Some(Given::Active(name)),
                        Rule::amount => {
                            let value = expr(build, part)?;
                            return Some(if contains {
                                Given::Contains(name, value)
                            } else {
                                Given::Answer(name, value)
                            });
                        }
                        _ => {}
                    }
                }
                return None;
            }
            _ => {}
        }
    }
    None
}

fn repeat(build: &mut Build<'_>, pair: Node<'_>) -> Option<MoveKind> {
    let mut head = None;
    let mut body = Vec::new();
    for part in pair.into_inner() {
        match part.as_rule() {
            Rule::repeat_head => head = Some(repeat_head(build, part)?),
            Rule::move_ => body.push(move_(build, part)?),
            _ => {}
        }
    }
    let (times, variable, every) = head?;
    Some(MoveKind::Repeat { times, variable, every, body })
}

/// Times, variable and step of a `repeat`.
pub(crate) fn repeat_head(build: &mut Build<'_>, pair: Node<'_>) -> Option<(u64, Name, Option<Literal>)> {
    let (mut times, mut variable, mut every) = (None, None, None);
    for part in pair.into_inner() {
        match part.as_rule() {
            Rule::int => times = Some(build.integer(&part)?),
            Rule::ident => variable = Some(build.name(&part)),
            Rule::duration => every = Some(build.literal(&part)?),
            _ => {}
        }
    }
    Some((times?, variable?, every))
}

fn expect(build: &mut Build<'_>, pair: Node<'_>) -> Option<Expect> {
    let inner = pair.into_inner().nth(1)?;
    let rule = inner.as_rule();
    let (mut name, mut verb, mut op, mut number, mut at) = (None, None, None, None, None);
    let (mut negated, mut unknown, mut minus) = (false, false, false);
    for part in inner.into_inner() {
        match part.as_rule() {
            Rule::name => name = Some(build.name(&part)),
            Rule::verb => verb = build.verb(&part),
            Rule::compare => op = expression::compare_op(part.as_str()),
            Rule::int => number = Some(build.integer(&part)?),
            Rule::minus => minus = true,
            Rule::kw_not => negated = true,
            Rule::kw_unknown => unknown = true,
            Rule::at_event => {
                let int = part.into_inner().find(|part| part.as_rule() == Rule::int)?;
                at = Some(build.integer(&int)?);
            }
            _ => {}
        }
    }
    Some(match rule {
        Rule::quiet => Expect::NoAction,
        Rule::fired if negated => Expect::NotFired(name?, at),
        Rule::fired if unknown => Expect::Unknown(name?, at),
        Rule::fired => Expect::Fired(name?, at),
        Rule::acted => Expect::Action(verb?, at),
        Rule::scored => {
            let points = i64::try_from(number?).ok()?;
            Expect::Score(op?, if minus { -points } else { points }, at)
        }
        Rule::ended => Expect::Case(number?, verb),
        _ => Expect::StoppedFrom(number?),
    })
}
