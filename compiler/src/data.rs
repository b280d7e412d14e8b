//! Contents of lists, tables and schedules: read from text once, looked up at every event.
//!
//! Reading files is the caller's work; this module turns their text into sets that answer in constant time,
//! and says what is wrong with which line. A list that was never loaded makes what asks it unknown.

use std::collections::{HashMap, HashSet};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::sync::Arc;

use ipnet::IpNet;
use regex::RegexSet;

use crate::convert;
use crate::ids::{Id, ListId, ScheduleId, TableId};
use crate::types::Type;
use crate::value::Value;

/// The most values a list or table may hold.
pub const MAX_VALUES: usize = 10_000_000;
/// The most patterns a list of patterns may hold.
pub const MAX_PATTERNS: usize = 10_000;

/// What has been loaded, by declaration.
#[derive(Clone, Debug, Default)]
pub struct Data {
    lists: Vec<Option<Arc<ListData>>>,
    tables: Vec<Option<Arc<TableData>>>,
    schedules: Vec<Option<Arc<ScheduleData>>>,
}

fn put<T>(items: &mut Vec<Option<T>>, at: usize, item: T) {
    if items.len() <= at {
        items.resize_with(at + 1, || None);
    }
    if let Some(place) = items.get_mut(at) {
        *place = Some(item);
    }
}

impl Data {
    /// Whether it has the lists of another. Cost: that of comparing those that are not shared.
    pub fn has_lists_of(&self, other: &Self) -> bool {
        let same = |one: &Option<Arc<ListData>>, two: &Option<Arc<ListData>>| match (one, two) {
            (Some(one), Some(two)) => Arc::ptr_eq(one, two) || one == two,
            (one, two) => one.is_none() && two.is_none(),
        };
        self.lists.len() == other.lists.len()
            && self.lists.iter().zip(&other.lists).all(|(one, two)| same(one, two))
    }

    /// The list's contents, unless not loaded.
    pub fn list(&self, id: ListId) -> Option<&Arc<ListData>> {
        self.lists.get(id.index())?.as_ref()
    }

    /// The table's contents, unless not loaded.
    pub fn table(&self, id: TableId) -> Option<&Arc<TableData>> {
        self.tables.get(id.index())?.as_ref()
    }

    /// The schedule's contents, unless not loaded.
    pub fn schedule(&self, id: ScheduleId) -> Option<&Arc<ScheduleData>> {
        self.schedules.get(id.index())?.as_ref()
    }

    /// Loads a list.
    pub fn set_list(&mut self, id: ListId, list: Arc<ListData>) {
        put(&mut self.lists, id.index(), list);
    }

    /// Loads a table.
    pub fn set_table(&mut self, id: TableId, table: Arc<TableData>) {
        put(&mut self.tables, id.index(), table);
    }

    /// Loads a schedule.
    pub fn set_schedule(&mut self, id: ScheduleId, schedule: Arc<ScheduleData>) {
        put(&mut self.schedules, id.index(), schedule);
    }
}

/// A line that could not be used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BadLine {
    /// From 1.
    pub line: usize,
    /// What is wrong with it.
    pub reason: String,
}

/// The members of a list.
#[derive(Clone, Debug)]
pub enum ListData {
    /// Text, identifiers and fingerprints.
    Texts(HashSet<Arc<str>>),
    /// Address ranges.
    Ranges(Ranges),
    /// Globs.
    Patterns(RegexSet),
    /// Everything else, by canonical bytes.
    Values(HashSet<Box<[u8]>>),
}

impl PartialEq for ListData {
    fn eq(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Texts(one), Self::Texts(two)) => one == two,
            (Self::Ranges(one), Self::Ranges(two)) => one == two,
            (Self::Patterns(one), Self::Patterns(two)) => one.patterns() == two.patterns(),
            (Self::Values(one), Self::Values(two)) => one == two,
            _ => false,
        }
    }
}

impl ListData {
    /// An empty list of members of type `member`.
    pub fn empty(member: &Type) -> Self {
        match member {
            Type::Text | Type::Id(_) | Type::Fingerprint => Self::Texts(HashSet::new()),
            Type::Cidr => Self::Ranges(Ranges::default()),
            Type::Pattern => Self::Patterns(RegexSet::empty()),
            _ => Self::Values(HashSet::new()),
        }
    }

    /// Reads one member a line. `#` begins a comment line; blank lines are skipped; of several columns
    /// separated by commas the first counts unless quoted. Lines that are no `member` are returned.
    pub fn parse(text: &str, member: &Type) -> (Self, Vec<BadLine>) {
        let mut bad = Vec::new();
        if *member == Type::Pattern {
            return Self::parse_patterns(text);
        }
        let mut list = Self::empty(member);
        for (line, fields) in rows(text) {
            let Some(first) = fields.first() else { continue };
            match convert::from_text(first, member) {
                Some(value) if list.len() < MAX_VALUES => list.insert(&value),
                Some(_) => {
                    bad.push(BadLine { line, reason: format!("more than {MAX_VALUES} members") });
                    break;
                }
                None => {
                    bad.push(BadLine { line, reason: format!("`{}` is not of type {member}", clip(first)) })
                }
            }
        }
        (list, bad)
    }

    fn parse_patterns(text: &str) -> (Self, Vec<BadLine>) {
        let mut bad = Vec::new();
        let mut patterns = Vec::new();
        for (line, fields) in rows(text) {
            let Some(first) = fields.first() else { continue };
            if patterns.len() >= MAX_PATTERNS {
                bad.push(BadLine { line, reason: format!("more than {MAX_PATTERNS} patterns") });
                break;
            }
            patterns.push(glob_to_regex(first));
        }
        match RegexSet::new(&patterns) {
            Ok(set) => (Self::Patterns(set), bad),
            Err(error) => {
                bad.push(BadLine { line: 0, reason: error.to_string() });
                (Self::empty(&Type::Pattern), bad)
            }
        }
    }

    /// Adds a member of the list's own type; anything else is ignored. Patterns cannot be added one by one.
    pub fn insert(&mut self, value: &Value) {
        match (self, value) {
            (Self::Texts(texts), Value::Text(text)) => {
                texts.insert(text.as_str().into());
            }
            (Self::Ranges(ranges), Value::Cidr(range)) => ranges.insert(*range),
            (Self::Ranges(ranges), Value::Ip(ip)) => ranges.insert(IpNet::from(*ip)),
            (Self::Patterns(set), Value::Text(glob)) => {
                let mut patterns = set.patterns().to_vec();
                patterns.push(glob_to_regex(glob));
                if let Ok(larger) = RegexSet::new(&patterns) {
                    *set = larger;
                }
            }
            (Self::Values(values), value) => {
                values.insert(canonical(value));
            }
            _ => {}
        }
    }

    /// Whether `value` is a member: of ranges, an address inside one or a range inside one; of patterns, text
    /// that one matches. Constant time, but for patterns, which are linear in the text.
    pub fn contains(&self, value: &Value) -> bool {
        match (self, value) {
            (Self::Texts(texts), Value::Text(text)) => texts.contains(&**text),
            (Self::Ranges(ranges), Value::Ip(ip)) => ranges.contains(*ip),
            (Self::Ranges(ranges), Value::Cidr(range)) => ranges.covers(range),
            (Self::Patterns(set), Value::Text(text)) => set.is_match(text),
            (Self::Values(values), value) => values.contains(&canonical(value)),
            _ => false,
        }
    }

    /// Its members, where they are integers or stand for one: networks' numbers, countries and the like.
    pub fn ints(&self) -> Vec<i64> {
        let Self::Values(values) = self else { return Vec::new() };
        values.iter().filter_map(|value| Value::integer_of_canonical(value)).collect()
    }

    /// How many members.
    pub fn len(&self) -> usize {
        match self {
            Self::Texts(texts) => texts.len(),
            Self::Ranges(ranges) => ranges.len,
            Self::Patterns(set) => set.len(),
            Self::Values(values) => values.len(),
        }
    }

    /// True without members.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

/// Address ranges, by prefix length: a look-up asks each length that occurs.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Ranges {
    v4: Vec<(u8, HashSet<u32>)>,
    v6: Vec<(u8, HashSet<u128>)>,
    len: usize,
}

impl Ranges {
    fn insert(&mut self, range: IpNet) {
        let fresh = match range {
            IpNet::V4(range) => bucket(&mut self.v4, range.prefix_len()).insert(range.network().to_bits()),
            IpNet::V6(range) => bucket(&mut self.v6, range.prefix_len()).insert(range.network().to_bits()),
        };
        self.len += usize::from(fresh);
    }

    /// The ranges, in no order.
    pub fn networks(&self) -> impl Iterator<Item = IpNet> + '_ {
        let v4 = self.v4.iter().flat_map(|(length, set)| {
            set.iter().filter_map(|bits| IpNet::new(Ipv4Addr::from_bits(*bits).into(), *length).ok())
        });
        let v6 = self.v6.iter().flat_map(|(length, set)| {
            set.iter().filter_map(|bits| IpNet::new(Ipv6Addr::from_bits(*bits).into(), *length).ok())
        });
        v4.chain(v6)
    }

    /// Whether a range holds the address.
    pub fn contains(&self, ip: IpAddr) -> bool {
        self.covers(&IpNet::from(ip))
    }

    /// Whether a range holds all of `range`.
    pub fn covers(&self, range: &IpNet) -> bool {
        let wider = |length: u8| length <= range.prefix_len();
        match range.network() {
            IpAddr::V4(ip) => {
                self.v4.iter().any(|(length, set)| wider(*length) && set.contains(&prefix4(ip, *length)))
            }
            IpAddr::V6(ip) => {
                self.v6.iter().any(|(length, set)| wider(*length) && set.contains(&prefix6(ip, *length)))
            }
        }
    }
}

fn bucket<T>(lengths: &mut Vec<(u8, HashSet<T>)>, length: u8) -> &mut HashSet<T> {
    let at = match lengths.binary_search_by_key(&length, |(length, _)| *length) {
        Ok(at) => at,
        Err(at) => {
            lengths.insert(at, (length, HashSet::new()));
            at
        }
    };
    #[expect(clippy::indexing_slicing, reason = "found or inserted above")]
    &mut lengths[at].1
}

/// The first `length` bits of an address, the rest zero.
pub fn prefix4(ip: Ipv4Addr, length: u8) -> u32 {
    let kept = u32::MAX.checked_shl(32_u32.saturating_sub(u32::from(length))).unwrap_or(0);
    ip.to_bits() & kept
}

/// The first `length` bits of an address, the rest zero.
pub fn prefix6(ip: Ipv6Addr, length: u8) -> u128 {
    let kept = u128::MAX.checked_shl(128_u32.saturating_sub(u32::from(length))).unwrap_or(0);
    ip.to_bits() & kept
}

/// The entries of a table.
#[derive(Clone, Debug, Default)]
pub struct TableData {
    entries: HashMap<Box<[u8]>, Value>,
}

impl TableData {
    /// Reads `key,value` lines, as [`ListData::parse`] reads members. The last of two equal keys counts.
    pub fn parse(text: &str, key: &Type, value: &Type) -> (Self, Vec<BadLine>) {
        let mut table = Self::default();
        let mut bad = Vec::new();
        for (line, fields) in rows(text) {
            let [first, second, ..] = fields.as_slice() else {
                bad.push(BadLine {
                    line,
                    reason: "a key and a value, separated by a comma, are needed".into(),
                });
                continue;
            };
            match (convert::from_text(first, key), convert::from_text(second, value)) {
                (Some(key), Some(value)) if table.entries.len() < MAX_VALUES => table.insert(&key, value),
                (Some(_), Some(_)) => {
                    bad.push(BadLine { line, reason: format!("more than {MAX_VALUES} entries") });
                    break;
                }
                (None, _) => {
                    bad.push(BadLine { line, reason: format!("`{}` is not of type {key}", clip(first)) })
                }
                (_, None) => {
                    bad.push(BadLine { line, reason: format!("`{}` is not of type {value}", clip(second)) });
                }
            }
        }
        (table, bad)
    }

    /// Adds an entry.
    pub fn insert(&mut self, key: &Value, value: Value) {
        self.entries.insert(canonical(key), value);
    }

    /// The value of a key. Constant time.
    pub fn get(&self, key: &Value) -> Option<&Value> {
        self.entries.get(&canonical(key))
    }

    /// How many entries.
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// True without entries.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }
}

/// When a schedule is active: half-open intervals, sorted, not overlapping.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ScheduleData {
    intervals: Vec<(i64, i64)>,
}

impl ScheduleData {
    /// From intervals `[start, end)` in milliseconds UTC, in any order.
    pub fn new(mut intervals: Vec<(i64, i64)>) -> Self {
        intervals.retain(|(start, end)| start < end);
        intervals.sort_unstable();
        let mut merged: Vec<(i64, i64)> = Vec::with_capacity(intervals.len());
        for (start, end) in intervals {
            match merged.last_mut() {
                Some((_, last)) if start <= *last => *last = end.max(*last),
                _ => merged.push((start, end)),
            }
        }
        Self { intervals: merged }
    }

    /// Active at every time.
    pub fn always() -> Self {
        Self { intervals: vec![(i64::MIN, i64::MAX)] }
    }

    /// Whether it is active at `at`. Logarithmic.
    pub fn is_active(&self, at: i64) -> bool {
        let after = self.intervals.partition_point(|(start, _)| *start <= at);
        after.checked_sub(1).and_then(|last| self.intervals.get(last)).is_some_and(|(_, end)| at < *end)
    }
}

/// A glob as an anchored regular expression: `*` stops at `/`, `**` does not, `?` is one character but `/`,
/// everything else stands for itself.
pub fn glob_to_regex(glob: &str) -> String {
    let mut regex = String::with_capacity(glob.len() + 8);
    regex.push_str("^(?s:");
    let mut chars = glob.chars().peekable();
    while let Some(c) = chars.next() {
        match c {
            '*' if chars.peek() == Some(&'*') => {
                while chars.next_if_eq(&'*').is_some() {}
                regex.push_str(".*");
            }
            '*' => regex.push_str("[^/]*"),
            '?' => regex.push_str("[^/]"),
            c => regex.push_str(&regex_syntax::escape(c.encode_utf8(&mut [0; 4]))),
        }
    }
    regex.push_str(")$");
    regex
}

fn canonical(value: &Value) -> Box<[u8]> {
    let mut bytes = Vec::with_capacity(32);
    value.canonical(&mut |part| bytes.extend_from_slice(part));
    bytes.into()
}

fn clip(text: &str) -> String {
    if text.chars().count() <= 40 { text.to_owned() } else { text.chars().take(40).chain(['…']).collect() }
}

/// Lines with something on them, from 1, split at commas outside quotes.
fn rows(text: &str) -> impl Iterator<Item = (usize, Vec<String>)> {
    text.trim_start_matches('\u{feff}')
        .lines()
        .enumerate()
        .map(|(at, line)| (at + 1, line.trim()))
        .filter(|(_, line)| !line.is_empty() && !line.starts_with('#'))
        .map(|(at, line)| (at, columns(line)))
}

fn columns(line: &str) -> Vec<String> {
    let mut columns = Vec::new();
    let mut column = String::new();
    let mut quoted = false;
    let mut chars = line.chars().peekable();
    while let Some(c) = chars.next() {
        match c {
            '"' if quoted && chars.peek() == Some(&'"') => column.extend(chars.next()),
            '"' => quoted = !quoted,
            ',' if !quoted => columns.push(std::mem::take(&mut column).trim().to_owned()),
            c => column.push(c),
        }
    }
    columns.push(column.trim().to_owned());
    columns
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_hold_their_addresses_and_no_others() {
        let (list, bad) = ListData::parse("192.0.2.0/24\n2001:db8::/32\n10.0.0.1\n0.0.0.0/33\n", &Type::Cidr);
        assert_eq!(bad.len(), 1);
        let has = |text: &str| list.contains(&Value::Ip(text.parse().unwrap()));
        assert!(has("192.0.2.0") && has("192.0.2.255") && has("2001:db8:ffff::1") && has("10.0.0.1"));
        assert!(!has("192.0.1.255") && !has("192.0.3.0") && !has("2001:db9::") && !has("10.0.0.2"));
    }

    #[test]
    fn the_widest_range_holds_everything() {
        let (list, bad) = ListData::parse("0.0.0.0/0\n::/0", &Type::Cidr);
        assert!(bad.is_empty());
        assert!(list.contains(&Value::Ip("255.255.255.255".parse().unwrap())));
        assert!(list.contains(&Value::Ip("ffff::".parse().unwrap())));
    }

    #[test]
    fn a_glob_star_stops_at_a_slash() {
        let matches =
            |glob: &str, text: &str| regex::Regex::new(&glob_to_regex(glob)).unwrap().is_match(text);
        assert!(matches("/api/v*/login", "/api/v12/login"));
        assert!(!matches("/api/v*/login", "/api/v1/x/login"));
        assert!(matches("/api/**/login", "/api/v1/x/login"));
        assert!(matches("a?c.d", "abc.d") && !matches("a?c.d", "abcxd") && !matches("a?c", "a/c"));
    }

    #[test]
    fn quotes_keep_commas_and_bad_lines_are_named() {
        let (table, bad) = TableData::parse("# c\n\"a,b\",DE\nx\ny,Germany\n", &Type::Text, &Type::Country);
        assert!(table.get(&Value::text("a,b")).is_some());
        assert_eq!(bad.iter().map(|bad| bad.line).collect::<Vec<_>>(), [3, 4]);
    }

    #[test]
    fn schedules_merge_and_are_half_open() {
        let schedule = ScheduleData::new(vec![(10, 20), (0, 5), (15, 30), (7, 7)]);
        let active: Vec<i64> = (-1..32).filter(|at| schedule.is_active(*at)).collect();
        assert_eq!(active, (0..5).chain(10..30).collect::<Vec<_>>());
    }
}
