//! What engines that let their host add functions are lent: patterns and lists that were made ready beforehand.
//!
//! Languages whose own `matches` compiles its pattern at every call, or that have no ranges of addresses, would otherwise be
//! measured at what nobody would run.

use std::collections::HashMap;
use std::net::IpAddr;

use regex::Regex;

use crate::workload::{Expr, Ranges, Set, Test};

/// Patterns and lists, by number.
#[derive(Default)]
pub struct Host {
    regexes: Vec<Regex>,
    numbers: HashMap<String, usize>,
    lists: Vec<Ranges>,
}

impl Host {
    /// What a set of rules asks.
    pub fn of(set: Set<'_>) -> Result<Self, String> {
        let mut host = Self { lists: set.lists.iter().map(Ranges::of).collect(), ..Self::default() };
        for rule in set.rules {
            host.add(&rule.expr)?;
        }
        Ok(host)
    }

    fn add(&mut self, expr: &Expr) -> Result<(), String> {
        let mut patterns = Vec::new();
        expr.tests(&mut |_, test| {
            if let Test::Matches(pattern) = test {
                patterns.push(pattern);
            }
        });
        for pattern in patterns {
            if !self.numbers.contains_key(pattern) {
                self.numbers.insert(pattern.clone(), self.regexes.len());
                self.regexes.push(Regex::new(pattern).map_err(|error| error.to_string())?);
            }
        }
        Ok(())
    }

    /// The number of a pattern.
    pub fn number(&self, pattern: &str) -> usize {
        self.numbers.get(pattern).copied().unwrap_or(usize::MAX)
    }

    /// Whether a pattern is found in a text.
    pub fn matches(&self, pattern: i64, text: &str) -> bool {
        usize::try_from(pattern)
            .ok()
            .and_then(|at| self.regexes.get(at))
            .is_some_and(|regex| regex.is_match(text))
    }

    /// Whether an address, as a [`number`], is in a list.
    pub fn in_list(&self, list: i64, ip: i64) -> bool {
        let list = usize::try_from(list).ok().and_then(|at| self.lists.get(at));
        u32::try_from(ip).is_ok_and(|ip| list.is_some_and(|list| list.contains(IpAddr::V4(ip.into()))))
    }
}

/// An address of the fourth version as a number; one of the sixth is in no list here.
pub fn number(ip: IpAddr) -> i64 {
    match ip {
        IpAddr::V4(ip) => i64::from(ip.to_bits()),
        IpAddr::V6(_) => -1,
    }
}
