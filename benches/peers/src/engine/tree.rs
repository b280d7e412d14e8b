//! A baseline: every rule by itself, as a tree of prepared tests. What a careful person would write in an afternoon.

use std::collections::HashSet;
use std::hash::BuildHasherDefault;
use std::net::IpAddr;

use memchr::memmem::Finder;
use regex::Regex;
use rustc_hash::FxHasher;

use super::{Compiled, Engine, Matcher};
use crate::event::{Event, Field, Kind, Value};
use crate::workload::{Constant, Expr, Order, Ranges, Set, Test};

/// The engine.
pub struct Tree;

/// A set that is asked once: looked through while short, hashed beyond.
pub type Hashed<T> = HashSet<T, BuildHasherDefault<FxHasher>>;

/// The longest set of texts that is looked through.
const SHORT: usize = 4;

struct Rules<'w> {
    lists: Vec<Ranges>,
    rules: Vec<Node<'w>>,
}

enum Node<'w> {
    And(Box<[Node<'w>]>),
    Or(Box<[Node<'w>]>),
    Not(Box<Node<'w>>),
    Text(Field, &'w str, bool),
    Texts(Field, Box<[&'w str]>),
    TextSet(Field, Hashed<&'w str>),
    Int(Field, i64, bool),
    Ints(Field, Box<[i64]>),
    Order(Field, Order, f64),
    IntOrder(Field, Order, i64),
    Contains(Field, Finder<'w>),
    StartsWith(Field, &'w str),
    EndsWith(Field, &'w str),
    Matches(Field, Box<Regex>),
    InList(Field, usize),
    Truth(Field),
}

impl Engine for Tree {
    fn name(&self) -> &'static str {
        "tree"
    }

    fn package(&self) -> Option<&'static str> {
        None
    }

    fn compile<'w>(&self, set: Set<'w>) -> Result<Compiled<'w>, String> {
        let rules = set.rules.iter().map(|rule| node(&rule.expr)).collect::<Result<_, _>>()?;
        let lists = set.lists.iter().map(Ranges::of).collect();
        Ok(Compiled { matcher: Box::new(Rules { lists, rules }), left_out: Vec::new() })
    }
}

impl Matcher for Rules<'_> {
    fn run(&mut self, events: &[Event<'_>], counts: &mut [u32]) -> Result<(), String> {
        for event in events {
            for (rule, count) in self.rules.iter().zip(&mut *counts) {
                *count += u32::from(self.holds(rule, event));
            }
        }
        Ok(())
    }
}

impl Rules<'_> {
    fn holds(&self, node: &Node<'_>, event: &Event<'_>) -> bool {
        match node {
            Node::And(args) => args.iter().all(|arg| self.holds(arg, event)),
            Node::Or(args) => args.iter().any(|arg| self.holds(arg, event)),
            Node::Not(arg) => !self.holds(arg, event),
            Node::Text(field, own, equal) => (event.text(*field) == *own) == *equal,
            Node::Texts(field, own) => own.contains(&event.text(*field)),
            Node::TextSet(field, own) => own.contains(event.text(*field)),
            Node::Int(field, own, equal) => (int(event, *field) == *own) == *equal,
            Node::Ints(field, own) => own.binary_search(&int(event, *field)).is_ok(),
            Node::Order(field, order, own) => order.holds(float(event, *field), *own),
            Node::IntOrder(field, order, own) => order.holds(int(event, *field), *own),
            Node::Contains(field, own) => own.find(event.text(*field).as_bytes()).is_some(),
            Node::StartsWith(field, own) => event.text(*field).starts_with(own),
            Node::EndsWith(field, own) => event.text(*field).ends_with(own),
            Node::Matches(field, own) => own.is_match(event.text(*field)),
            Node::InList(field, list) => match (event.get(*field), self.lists.get(*list)) {
                (Value::Ip(ip), Some(list)) => list.contains(ip),
                _ => false,
            },
            Node::Truth(field) => event.get(*field) == Value::Truth(true),
        }
    }
}

/// The value of a number without fractions; zero for another field.
#[inline]
pub fn int(event: &Event<'_>, field: Field) -> i64 {
    match event.get(field) {
        Value::Int(value) => value,
        _ => 0,
    }
}

/// The value of a number; zero for another field.
#[inline]
pub fn float(event: &Event<'_>, field: Field) -> f64 {
    match event.get(field) {
        Value::Float(value) => value,
        _ => 0.0,
    }
}

/// The address; unspecified for another field.
#[inline]
pub fn ip(event: &Event<'_>, field: Field) -> IpAddr {
    match event.get(field) {
        Value::Ip(value) => value,
        _ => IpAddr::V4(std::net::Ipv4Addr::UNSPECIFIED),
    }
}

fn node(expr: &Expr) -> Result<Node<'_>, String> {
    Ok(match expr {
        Expr::And(args) => Node::And(args.iter().map(node).collect::<Result<_, _>>()?),
        Expr::Or(args) => Node::Or(args.iter().map(node).collect::<Result<_, _>>()?),
        Expr::Not(arg) => Node::Not(Box::new(node(arg)?)),
        Expr::Test(field, test) => self::test(*field, test)?,
    })
}

fn test(field: Field, test: &Test) -> Result<Node<'_>, String> {
    Ok(match test {
        Test::Eq(Constant::Text(own)) => Node::Text(field, own, true),
        Test::Ne(Constant::Text(own)) => Node::Text(field, own, false),
        Test::Eq(Constant::Int(own)) => Node::Int(field, *own, true),
        Test::Ne(Constant::Int(own)) => Node::Int(field, *own, false),
        Test::Compare(order, Constant::Int(own)) => Node::IntOrder(field, *order, *own),
        Test::Compare(order, Constant::Float(own)) => Node::Order(field, *order, *own),
        Test::In(members) if field.kind() == Kind::Text => {
            let texts: Vec<&str> = members.iter().filter_map(text).collect();
            if texts.len() <= SHORT {
                Node::Texts(field, texts.into())
            } else {
                Node::TextSet(field, texts.into_iter().collect())
            }
        }
        Test::In(members) if field.kind() == Kind::Int => {
            let mut ints: Vec<i64> = members.iter().filter_map(self::number).collect();
            ints.sort_unstable();
            Node::Ints(field, ints.into())
        }
        Test::Contains(own) => Node::Contains(field, Finder::new(own)),
        Test::StartsWith(own) => Node::StartsWith(field, own),
        Test::EndsWith(own) => Node::EndsWith(field, own),
        Test::Matches(own) => {
            Node::Matches(field, Box::new(Regex::new(own).map_err(|error| error.to_string())?))
        }
        Test::InList(list) => Node::InList(field, *list),
        Test::IsTrue => Node::Truth(field),
        _ => return Err(format!("no such test of `{}`", field.name())),
    })
}

/// A constant's text, if it is one.
pub fn text(constant: &Constant) -> Option<&str> {
    match constant {
        Constant::Text(text) => Some(text),
        _ => None,
    }
}

/// A constant's number without fractions, if it is one.
pub fn number(constant: &Constant) -> Option<i64> {
    match constant {
        Constant::Int(int) => Some(*int),
        _ => None,
    }
}
