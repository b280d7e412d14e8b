//! A baseline: an index of predicates shared by all rules, interpreted.
//!
//! ```text
//!  field ──one look-up──▶ bits of the predicates that are true ──watched by──▶ rules whose rest is then tried
//! ```
//!
//! Equal predicates are one bit. Each field sets its bits in one step: a hashed look-up for equality and sets, a binary search
//! among thresholds and ranges of addresses, one automaton for literals; regular expressions are tried when a rule needs them, once
//! an event. A rule is tried when the bit that is true least often among those it cannot do without is true; which one that is,
//! is found out on the first events.

use std::collections::{BTreeMap, HashMap};
use std::hash::BuildHasherDefault;
use std::net::IpAddr;

use aho_corasick::{AhoCorasick, AhoCorasickKind, Anchored, Input};
use regex::Regex;
use rustc_hash::FxHasher;

use super::tree::{float, int, ip, number, text};
use super::{Compiled, Engine, Matcher};
use crate::event::{Event, Field, Kind};
use crate::workload::{Constant, Expr, Order, Ranges, Set, Test};

/// The engine.
pub struct Index;

/// Bits to set: words with masks.
type Bits = Box<[(usize, u64)]>;
type Map<K> = HashMap<K, Bits, BuildHasherDefault<FxHasher>>;

/// On how many events it is counted how often predicates are true.
const SAMPLE: u32 = 512;

struct Rules<'w> {
    fields: Vec<Steps<'w>>,
    /// Regular expressions, by predicate.
    regexes: Vec<Option<(Field, Regex)>>,
    rules: Vec<Node>,
    /// The predicates that are true of the event at hand, and the regular expressions that were tried.
    bits: Vec<u64>,
    tried: Vec<u64>,
    /// How often predicates were true, while that is counted.
    hits: Vec<u32>,
    sampled: u32,
    /// Rules to try when a predicate is true, and those to try always.
    watched: Vec<Vec<u32>>,
    always: Vec<u32>,
    /// Predicates that a rule watches, as bits.
    watching: Vec<u64>,
    /// At which event a rule was tried last.
    stamps: Vec<u32>,
    stamp: u32,
}

/// What a field does to the bits.
struct Steps<'w> {
    field: Field,
    texts: Map<&'w str>,
    ints: Map<i64>,
    /// Numbers: bits below, at and above each of the thresholds, in turn.
    thresholds: Vec<f64>,
    cells: Vec<Bits>,
    truth: Bits,
    /// Where ranges begin and end, and the lists that hold what is between.
    borders: Vec<u32>,
    between: Vec<Bits>,
    literals: Option<AhoCorasick>,
    /// By literal: bits if it is anywhere, at the start, at the end.
    found: Vec<[Bits; 3]>,
}

enum Node {
    And(Vec<Node>),
    Or(Vec<Node>),
    Not(Box<Node>),
    Bit(usize),
    Regex(usize),
}

impl Engine for Index {
    fn name(&self) -> &'static str {
        "index"
    }

    fn package(&self) -> Option<&'static str> {
        None
    }

    fn compile<'w>(&self, set: Set<'w>) -> Result<Compiled<'w>, String> {
        let mut tests: BTreeMap<String, (Field, &Test)> = BTreeMap::new();
        for rule in set.rules {
            rule.expr.tests(&mut |field, test| _ = tests.insert(key(field, test), (field, test)));
        }
        // In the order of their names, so that those of a field are neighbours.
        let numbers: HashMap<&str, usize> =
            tests.keys().enumerate().map(|(at, key)| (key.as_str(), at)).collect();
        let words = tests.len().div_ceil(64);
        let mut regexes = Vec::new();
        for (field, test) in tests.values() {
            regexes.push(match test {
                Test::Matches(regex) => Some((*field, Regex::new(regex).map_err(|error| error.to_string())?)),
                _ => None,
            });
        }
        let fields = set.fields().into_iter().map(|field| {
            let own = tests
                .values()
                .enumerate()
                .filter(|(_, (of, _))| *of == field)
                .map(|(at, (_, test))| (at, *test));
            Steps::of(field, &own.collect::<Vec<_>>(), set)
        });
        let rules = set.rules.iter().map(|rule| node(&rule.expr, &numbers)).collect();
        let mut rules = Rules {
            fields: fields.collect::<Result<_, _>>()?,
            regexes,
            rules,
            bits: vec![0; words],
            tried: vec![0; words],
            hits: vec![0; tests.len()],
            sampled: 0,
            watched: Vec::new(),
            always: Vec::new(),
            watching: vec![0; words],
            stamps: vec![0; set.rules.len()],
            stamp: 0,
        };
        rules.watch();
        Ok(Compiled { matcher: Box::new(rules), left_out: Vec::new() })
    }
}

impl Matcher for Rules<'_> {
    fn run(&mut self, events: &[Event<'_>], counts: &mut [u32]) -> Result<(), String> {
        for event in events {
            self.bits.fill(0);
            self.tried.fill(0);
            for steps in &self.fields {
                steps.take(event, &mut self.bits);
            }
            if self.sampled < SAMPLE {
                self.sample(event);
            }
            self.stamp = self.stamp.wrapping_add(1);
            for word in 0..self.bits.len() {
                let mut left = self.bits[word] & self.watching[word];
                while left != 0 {
                    let predicate = word * 64 + left.trailing_zeros() as usize;
                    left &= left - 1;
                    for at in 0..self.watched[predicate].len() {
                        let rule = self.watched[predicate][at] as usize;
                        if self.stamps[rule] != self.stamp {
                            self.stamps[rule] = self.stamp;
                            counts[rule] += u32::from(holds(
                                &self.rules[rule],
                                event,
                                &self.regexes,
                                &mut self.bits,
                                &mut self.tried,
                            ));
                        }
                    }
                }
            }
            for rule in &self.always {
                let rule = *rule as usize;
                counts[rule] += u32::from(holds(
                    &self.rules[rule],
                    event,
                    &self.regexes,
                    &mut self.bits,
                    &mut self.tried,
                ));
            }
        }
        Ok(())
    }
}

impl Rules<'_> {
    fn sample(&mut self, event: &Event<'_>) {
        for (predicate, hits) in self.hits.iter_mut().enumerate() {
            let truth = match &self.regexes[predicate] {
                Some((field, regex)) => regex.is_match(event.text(*field)),
                None => self.bits[predicate / 64] >> (predicate % 64) & 1 == 1,
            };
            *hits += u32::from(truth);
        }
        self.sampled += 1;
        if self.sampled == SAMPLE {
            self.watch();
        }
    }

    /// Chooses what each rule watches.
    fn watch(&mut self) {
        self.watched = vec![Vec::new(); self.hits.len()];
        self.always.clear();
        self.watching.fill(0);
        let mut rules = std::mem::take(&mut self.rules);
        for (at, rule) in rules.iter_mut().enumerate() {
            self.sort(rule);
            match self.needed(rule) {
                Some((_, predicates)) => {
                    for predicate in predicates {
                        self.watched[predicate].push(at as u32);
                        self.watching[predicate / 64] |= 1 << (predicate % 64);
                    }
                }
                None => self.always.push(at as u32),
            }
        }
        self.rules = rules;
    }

    /// Bits of which one must be true, and how often that is.
    fn needed(&self, node: &Node) -> Option<(u32, Vec<usize>)> {
        match node {
            Node::Bit(predicate) => Some((self.hits[*predicate], vec![*predicate])),
            Node::And(args) => args.iter().filter_map(|arg| self.needed(arg)).min_by_key(|(hits, _)| *hits),
            Node::Or(args) => args.iter().try_fold((0, Vec::new()), |(hits, mut all), arg| {
                let (more, predicates) = self.needed(arg)?;
                all.extend(predicates);
                Some((hits + more, all))
            }),
            Node::Not(_) | Node::Regex(_) => None,
        }
    }

    /// Puts what decides soonest first: what is rare of an `and`, what is cheap of both.
    fn sort(&self, node: &mut Node) {
        match node {
            Node::And(args) | Node::Or(args) => {
                args.iter_mut().for_each(|arg| self.sort(arg));
                args.sort_by_key(|arg| match arg {
                    Node::Bit(predicate) => (0, self.hits[*predicate]),
                    Node::Not(arg) if matches!(**arg, Node::Bit(_)) => (0, SAMPLE),
                    arg => (1 + u32::from(asks_regex(arg)), 0),
                });
            }
            Node::Not(arg) => self.sort(arg),
            Node::Bit(_) | Node::Regex(_) => (),
        }
    }
}

fn asks_regex(node: &Node) -> bool {
    match node {
        Node::And(args) | Node::Or(args) => args.iter().any(asks_regex),
        Node::Not(arg) => asks_regex(arg),
        Node::Bit(_) => false,
        Node::Regex(_) => true,
    }
}

fn holds(
    node: &Node,
    event: &Event<'_>,
    regexes: &[Option<(Field, Regex)>],
    bits: &mut [u64],
    tried: &mut [u64],
) -> bool {
    match node {
        Node::And(args) => args.iter().all(|arg| holds(arg, event, regexes, bits, tried)),
        Node::Or(args) => args.iter().any(|arg| holds(arg, event, regexes, bits, tried)),
        Node::Not(arg) => !holds(arg, event, regexes, bits, tried),
        Node::Bit(predicate) => bits[predicate / 64] >> (predicate % 64) & 1 == 1,
        Node::Regex(predicate) => {
            let (word, mask) = (predicate / 64, 1 << (predicate % 64));
            if tried[word] & mask == 0 {
                tried[word] |= mask;
                if let Some((field, regex)) = &regexes[*predicate]
                    && regex.is_match(event.text(*field))
                {
                    bits[word] |= mask;
                }
            }
            bits[word] & mask != 0
        }
    }
}

impl<'w> Steps<'w> {
    fn of(field: Field, tests: &[(usize, &'w Test)], set: Set<'w>) -> Result<Self, String> {
        let mut texts: BTreeMap<&str, Vec<usize>> = BTreeMap::new();
        let mut ints: BTreeMap<i64, Vec<usize>> = BTreeMap::new();
        let mut literals: BTreeMap<&str, [Vec<usize>; 3]> = BTreeMap::new();
        let mut orders: Vec<(Order, f64, usize)> = Vec::new();
        let mut lists: Vec<(Ranges, usize)> = Vec::new();
        let mut truth = Vec::new();
        for (at, test) in tests {
            match test {
                Test::Eq(own) | Test::Ne(own) => {
                    text(own).map(|own| texts.entry(own).or_default().push(*at));
                    number(own).map(|own| ints.entry(own).or_default().push(*at));
                }
                Test::In(members) => {
                    for own in members {
                        text(own).map(|own| texts.entry(own).or_default().push(*at));
                        number(own).map(|own| ints.entry(own).or_default().push(*at));
                    }
                }
                Test::Compare(order, Constant::Int(own)) => orders.push((*order, *own as f64, *at)),
                Test::Compare(order, Constant::Float(own)) => orders.push((*order, *own, *at)),
                Test::Compare(..) => return Err(format!("no such test of `{}`", field.name())),
                Test::Contains(own) => literals.entry(own).or_default()[0].push(*at),
                Test::StartsWith(own) => literals.entry(own).or_default()[1].push(*at),
                Test::EndsWith(own) => literals.entry(own).or_default()[2].push(*at),
                Test::InList(list) => lists.extend(set.lists.get(*list).map(|list| (Ranges::of(list), *at))),
                Test::IsTrue => truth.push(*at),
                Test::Matches(_) => (),
            }
        }
        let mut thresholds: Vec<f64> = orders.iter().map(|(_, own, _)| *own).collect();
        thresholds.sort_by(f64::total_cmp);
        thresholds.dedup();
        // A value of each cell: below the first threshold, at it, between it and the next, and so on.
        let values = thresholds.iter().enumerate().flat_map(|(at, own)| {
            let below = at
                .checked_sub(1)
                .and_then(|at| thresholds.get(at))
                .map_or(own - 1.0, |last| (last + own) / 2.0);
            [below, *own]
        });
        let values = values.chain(thresholds.last().map(|last| last + 1.0));
        let cells = values.map(|value| {
            bits(orders.iter().filter(|(order, own, _)| order.holds(value, *own)).map(|(.., at)| *at))
        });
        let cells = cells.collect();
        let mut borders: Vec<u32> = Vec::new();
        for (list, _) in &lists {
            borders.extend(
                list.v4().iter().flat_map(|(first, last)| [Some(*first), last.checked_add(1)]).flatten(),
            );
        }
        borders.sort_unstable();
        borders.dedup();
        let between = borders.iter().map(|first| {
            let ip = IpAddr::V4((*first).into());
            bits(lists.iter().filter(|(list, _)| list.contains(ip)).map(|(_, at)| *at))
        });
        let between = between.collect();
        let automaton = || {
            AhoCorasick::builder()
                .kind(Some(AhoCorasickKind::DFA))
                .build(literals.keys())
                .map_err(|error| error.to_string())
        };
        Ok(Self {
            field,
            texts: texts.into_iter().map(|(own, at)| (own, bits(at))).collect(),
            ints: ints.into_iter().map(|(own, at)| (own, bits(at))).collect(),
            thresholds,
            cells,
            truth: bits(truth),
            borders,
            between,
            literals: if literals.is_empty() { None } else { Some(automaton()?) },
            found: literals.into_values().map(|found| found.map(bits)).collect(),
        })
    }

    fn take(&self, event: &Event<'_>, all: &mut [u64]) {
        let mut set = |bits: &Bits| bits.iter().for_each(|(word, mask)| all[*word] |= mask);
        match self.field.kind() {
            Kind::Text => {
                let text = event.text(self.field);
                if !self.texts.is_empty()
                    && let Some(bits) = self.texts.get(text)
                {
                    set(bits);
                }
                if let Some(literals) = &self.literals {
                    for hit in literals.find_overlapping_iter(Input::new(text).anchored(Anchored::No)) {
                        let [inside, first, last] = &self.found[hit.pattern().as_usize()];
                        set(inside);
                        if hit.start() == 0 {
                            set(first);
                        }
                        if hit.end() == text.len() {
                            set(last);
                        }
                    }
                }
            }
            Kind::Int => {
                let value = int(event, self.field);
                if !self.ints.is_empty()
                    && let Some(bits) = self.ints.get(&value)
                {
                    set(bits);
                }
                self.cell(value as f64).map(set);
            }
            Kind::Float => _ = self.cell(float(event, self.field)).map(set),
            Kind::Truth => {
                if event.get(self.field) == crate::event::Value::Truth(true) {
                    set(&self.truth);
                }
            }
            Kind::Ip => {
                if let IpAddr::V4(ip) = ip(event, self.field) {
                    let after = self.borders.partition_point(|first| *first <= ip.to_bits());
                    after.checked_sub(1).and_then(|at| self.between.get(at)).map(set);
                }
            }
        }
    }

    fn cell(&self, value: f64) -> Option<&Bits> {
        let below = self.thresholds.partition_point(|own| *own < value);
        let at = self.thresholds.get(below).is_some_and(|own| *own == value);
        self.cells.get(below * 2 + usize::from(at))
    }
}

fn key(field: Field, test: &Test) -> String {
    match test {
        Test::Ne(own) => format!("{field:?} {:?}", Test::Eq(own.clone())),
        test => format!("{field:?} {test:?}"),
    }
}

fn node(expr: &Expr, numbers: &HashMap<&str, usize>) -> Node {
    match expr {
        Expr::And(args) => Node::And(args.iter().map(|arg| node(arg, numbers)).collect()),
        Expr::Or(args) => Node::Or(args.iter().map(|arg| node(arg, numbers)).collect()),
        Expr::Not(arg) => Node::Not(Box::new(node(arg, numbers))),
        Expr::Test(field, test) => {
            let predicate = numbers.get(key(*field, test).as_str()).copied().unwrap_or(0);
            match test {
                Test::Matches(_) => Node::Regex(predicate),
                Test::Ne(_) => Node::Not(Box::new(Node::Bit(predicate))),
                _ => Node::Bit(predicate),
            }
        }
    }
}

fn bits(predicates: impl IntoIterator<Item = usize>) -> Bits {
    let mut words: BTreeMap<usize, u64> = BTreeMap::new();
    for predicate in predicates {
        *words.entry(predicate / 64).or_default() |= 1 << (predicate % 64);
    }
    words.into_iter().collect()
}
