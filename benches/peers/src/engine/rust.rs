//! The ceiling of walking rules one by one: each rule as a Rust function that `rustc` has compiled.
//!
//! Nothing is interpreted and nothing is shared between rules, but patterns and lists are made ready beforehand. Only the rules
//! that `generated.rs` was written from can be had: `--generate --rules N` writes it anew, and a build follows.

use std::collections::BTreeMap;
use std::fmt::Write;

use memchr::memmem::Finder;
use regex::Regex;

use super::tree::Hashed;
use super::{Compiled, Engine, Matcher};
use crate::event::Event;
use crate::workload::{Constant, Expr, Ranges, Set, Test};

#[rustfmt::skip]
mod generated;

/// The engine.
pub struct Rust;

/// What the functions ask that can be made ready.
pub struct Prepared {
    lists: Vec<Ranges>,
    regexes: Vec<Regex>,
    finders: Vec<Finder<'static>>,
    sets: Vec<Hashed<&'static str>>,
    run: fn(&[Event<'_>], &Self, &mut [u32]),
}

/// The longest set of texts that is compared one by one.
const SHORT: usize = 4;

impl Engine for Rust {
    fn name(&self) -> &'static str {
        "rust"
    }

    fn package(&self) -> Option<&'static str> {
        None
    }

    fn compile<'w>(&self, set: Set<'w>) -> Result<Compiled<'w>, String> {
        let other = || "it was generated from other rules; --generate writes it anew".to_owned();
        let run = generated::RUNS.iter().find(|(size, _)| *size == set.rules.len()).map(|(_, run)| *run);
        let same = set.rules.iter().zip(generated::KEYS).all(|(rule, key)| self::key(&rule.expr) == *key);
        let lists = set.lists.iter().map(|list| list.name.as_str()).eq(generated::LISTS.iter().copied());
        let run = run.filter(|_| same && lists).ok_or_else(other)?;
        let regexes =
            generated::REGEXES.iter().map(|regex| Regex::new(regex).map_err(|error| error.to_string()));
        let prepared = Prepared {
            lists: set.lists.iter().map(Ranges::of).collect(),
            regexes: regexes.collect::<Result<_, _>>()?,
            finders: generated::LITERALS.iter().map(|literal| Finder::new(*literal)).collect(),
            sets: generated::SETS.iter().map(|members| members.iter().copied().collect()).collect(),
            run,
        };
        Ok(Compiled { matcher: Box::new(prepared), left_out: Vec::new() })
    }
}

impl Matcher for Prepared {
    fn run(&mut self, events: &[Event<'_>], counts: &mut [u32]) -> Result<(), String> {
        (self.run)(events, self, counts);
        Ok(())
    }
}

/// The text of `generated.rs` for the first 10, 100, … rules of a set.
pub fn generate(set: Set<'_>) -> Result<String, String> {
    let mut writer = Writer::default();
    let mut functions = String::new();
    for (at, rule) in set.rules.iter().enumerate() {
        let body = writer.expr(&rule.expr);
        _ = writeln!(functions, "fn r{at}(e: &Event<'_>, p: &Prepared) -> bool {{\n    {body}\n}}\n");
    }
    let sizes: Vec<usize> =
        [10, 100, 1_000, set.rules.len()].into_iter().filter(|size| *size <= set.rules.len()).collect();
    let sizes: std::collections::BTreeSet<usize> = sizes.into_iter().collect();
    let mut text = String::from(
        "//! Written by `--generate`; not to be changed by hand.\n\n#![allow(unused_parens, unused_variables, clippy::all)]\n\n\
         use super::Prepared;\nuse crate::event::Event;\n\n/// The way to run a set.\ntype Run = fn(&[Event<'_>], &Prepared, &mut [u32]);\n\n",
    );
    let keys: Vec<u64> = set.rules.iter().map(|rule| key(&rule.expr)).collect();
    let lists: Vec<&str> = set.lists.iter().map(|list| list.name.as_str()).collect();
    let runs: Vec<String> = sizes.iter().map(|size| format!("({size}, run_{size})")).collect();
    _ = writeln!(text, "pub static KEYS: &[u64] = &{keys:?};\npub static LISTS: &[&str] = &{lists:?};");
    _ = writeln!(text, "pub static REGEXES: &[&str] = &{:?};", writer.regexes.in_order());
    _ = writeln!(text, "pub static LITERALS: &[&str] = &{:?};", writer.literals.in_order());
    let members = writer.sets.in_order().into_iter().map(|members| format!("&{members}"));
    _ = writeln!(text, "pub static SETS: &[&[&str]] = &[{}];", members.collect::<Vec<_>>().join(", "));
    _ = writeln!(text, "pub static RUNS: &[(usize, Run)] = &[{}];\n", runs.join(", "));
    for size in sizes {
        _ = writeln!(text, "fn run_{size}(events: &[Event<'_>], p: &Prepared, counts: &mut [u32]) {{");
        _ = writeln!(text, "    let Ok(counts) = <&mut [u32; {size}]>::try_from(counts) else {{ return }};");
        _ = writeln!(text, "    for e in events {{");
        for at in 0..size {
            _ = writeln!(text, "        counts[{at}] += u32::from(r{at}(e, p));");
        }
        text.push_str("    }\n}\n\n");
    }
    Ok(text + functions.trim_end() + "\n")
}

/// Equal for equal conditions, and unlikely to be for others: 64-bit FNV-1a of its text.
fn key(expr: &Expr) -> u64 {
    let text = format!("{expr:?}");
    text.bytes()
        .fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x100_0000_01b3))
}

/// Things that functions name by number.
#[derive(Default)]
struct Named(BTreeMap<String, usize>);

impl Named {
    fn number(&mut self, name: &str) -> usize {
        let next = self.0.len();
        *self.0.entry(name.to_owned()).or_insert(next)
    }

    fn in_order(&self) -> Vec<&str> {
        let mut names: Vec<(usize, &str)> =
            self.0.iter().map(|(name, number)| (*number, name.as_str())).collect();
        names.sort_unstable();
        names.into_iter().map(|(_, name)| name).collect()
    }
}

#[derive(Default)]
struct Writer {
    regexes: Named,
    literals: Named,
    sets: Named,
}

impl Writer {
    fn expr(&mut self, expr: &Expr) -> String {
        match expr {
            Expr::And(args) => args.iter().map(|arg| self.expr(arg)).collect::<Vec<_>>().join(" && "),
            Expr::Or(args) => {
                format!("({})", args.iter().map(|arg| self.expr(arg)).collect::<Vec<_>>().join(" || "))
            }
            Expr::Not(arg) => format!("!({})", self.expr(arg)),
            Expr::Test(field, test) => self.test(field.name(), test),
        }
    }

    fn test(&mut self, field: &str, test: &Test) -> String {
        match test {
            Test::Eq(own) => format!("e.{field} == {}", constant(own)),
            Test::Ne(own) => format!("e.{field} != {}", constant(own)),
            Test::In(members) => {
                let constants: Vec<String> = members.iter().map(constant).collect();
                if matches!(members.first(), Some(Constant::Text(_))) && members.len() > SHORT {
                    let set = self.sets.number(&format!("[{}]", constants.join(", ")));
                    return format!("p.sets[{set}].contains(e.{field})");
                }
                format!("matches!(e.{field}, {})", constants.join(" | "))
            }
            Test::Compare(order, own) => format!("e.{field} {} {}", order.sign(), constant(own)),
            Test::Contains(own) => {
                format!("p.finders[{}].find(e.{field}.as_bytes()).is_some()", self.literals.number(own))
            }
            Test::StartsWith(own) => format!("e.{field}.starts_with({own:?})"),
            Test::EndsWith(own) => format!("e.{field}.ends_with({own:?})"),
            Test::Matches(own) => format!("p.regexes[{}].is_match(e.{field})", self.regexes.number(own)),
            Test::InList(list) => format!("p.lists[{list}].contains(e.{field})"),
            Test::IsTrue => format!("e.{field}"),
        }
    }
}

fn constant(of: &Constant) -> String {
    match of {
        Constant::Text(own) => format!("{own:?}"),
        Constant::Int(own) => own.to_string(),
        Constant::Float(own) => format!("{own:?}"),
        Constant::Truth(own) => own.to_string(),
    }
}
