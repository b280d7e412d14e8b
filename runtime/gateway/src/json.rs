//! JSON lines read without making a tree of them: the members that somebody wants, borrowed from the line.
//!
//! ```text
//!  {"ts":1760000000000,"method":"GET","path":"/a",…}
//!
//!  "ts": ── after it ──▶ ,"method": ──▶ ,"path": ──▶ …    a tree of names: whoever writes a line writes the next one alike, so
//!                             └── or ──▶ ,"host": ──▶ …   nearly every name is one compare, and no name occurs twice on a way
//! ```
//!
//! What is read here is what [`crate::value`] reads, no more and no less, and fails for the same reasons: a line that
//! has anything unusual in it (an escape, a byte that is not printable ASCII, a number too long to be read at once,
//! any error) is left to it. A [`Decoder`] remembers names, never values, and a bounded number of them.

use std::borrow::Cow;

use smol_str::SmolStr;

use crate::quotes::Quotes;
use crate::reject::RejectReason;
use crate::value::{self, Fields, MAX_DEPTH, MAX_VALUES, Value};

/// Names remembered at most, over all ways, and the longest one.
const NODES: usize = 1_024;
const LONGEST: usize = 64;
/// Names looked at for the next member before it is looked up.
const BRANCHES: usize = 8;

/// A member's value, its text borrowed from the line where that says it as it is.
#[derive(Clone, PartialEq, Debug)]
pub enum Raw<'l> {
    /// `null`.
    Null,
    /// `true` or `false`.
    Bool(bool),
    /// As [`Value::Int`].
    Int(i64),
    /// As [`Value::Float`].
    Float(f64),
    /// As [`Value::Text`].
    Text(Cow<'l, str>),
    /// An array or an object.
    Nested(Value),
}

impl From<Raw<'_>> for Value {
    fn from(raw: Raw<'_>) -> Self {
        match raw {
            Raw::Null => Self::Null,
            Raw::Bool(truth) => Self::Bool(truth),
            Raw::Int(int) => Self::Int(int),
            Raw::Float(float) => Self::Float(float),
            Raw::Text(text) => Self::Text(SmolStr::new(text)),
            Raw::Nested(value) => value,
        }
    }
}

impl From<Value> for Raw<'_> {
    fn from(value: Value) -> Self {
        match value {
            Value::Null => Self::Null,
            Value::Bool(truth) => Self::Bool(truth),
            Value::Int(int) => Self::Int(int),
            Value::Float(float) => Self::Float(float),
            Value::Text(text) => Self::Text(Cow::Owned(text.into())),
            value => Self::Nested(value),
        }
    }
}

/// A name that may come next on a way.
#[derive(Clone, Debug)]
struct Node {
    /// `"name":`, as it is written; after another member with the comma before it.
    text: Box<[u8]>,
    /// The same as a number, and which of its bits count: most names are compared in one go.
    word: u128,
    mask: u128,
    /// Of the name.
    length: usize,
    wanted: Option<u16>,
    /// The name before it; 0 is the beginning.
    parent: u32,
    /// The first name seen after it, and the next one seen in its own place; 0 is none.
    next: u32,
    other: u32,
}

impl Node {
    fn new(text: &[u8], wanted: Option<u16>, parent: u32) -> Self {
        let mut bytes = [0; 16];
        bytes.iter_mut().zip(text).for_each(|(to, byte)| *to = *byte);
        // A longer name is compared whole.
        let mask = match text.len() {
            length @ 0..=16 => u128::MAX.checked_shr(128 - 8 * length as u32).unwrap_or(0),
            _ => 0,
        };
        let start = text.iter().position(|byte| *byte == b'"').map_or(text.len(), |quote| quote + 1);
        Self {
            text: text.into(),
            word: u128::from_le_bytes(bytes),
            mask,
            length: text.len().saturating_sub(start + 2),
            wanted,
            parent,
            next: 0,
            other: 0,
        }
    }

    /// What follows the name, where `rest` begins with it.
    #[inline]
    fn strip<'l>(&self, rest: &'l [u8]) -> Option<&'l [u8]> {
        match rest.first_chunk::<16>() {
            Some(bytes) if self.mask != 0 => {
                let same = u128::from_le_bytes(*bytes) & self.mask == self.word;
                if same { rest.get(self.text.len()..) } else { None }
            }
            _ => rest.strip_prefix(&*self.text),
        }
    }

    fn name(&self) -> &[u8] {
        let end = self.text.len().saturating_sub(2);
        self.text.get(end - self.length..end).unwrap_or_default()
    }
}

/// Reads lines of one JSON object, and of each the members of some names.
///
/// ```
/// use weir_gateway::{Decoder, Raw};
///
/// let mut decoder = Decoder::new(["path", "status"]);
/// let mut members = Vec::new();
/// decoder.decode(br#"{"method":"GET","status":200,"path":"/a"}"#, &mut members)?;
/// assert_eq!(members, [(1, Raw::Int(200)), (0, Raw::Text("/a".into()))]);
/// # Ok::<(), weir_gateway::RejectReason>(())
/// ```
#[derive(Clone, Debug)]
pub struct Decoder {
    /// Names by their position, sorted for the search.
    wanted: Vec<(Box<str>, u16)>,
    nodes: Vec<Node>,
    /// Those of the line at hand.
    quotes: Quotes,
}

impl Decoder {
    /// For members of these names, of which each is told by its position here; of equal ones the first counts, and those past
    /// 65,535 are not read.
    pub fn new<'a>(names: impl IntoIterator<Item = &'a str>) -> Self {
        let mut wanted: Vec<(Box<str>, u16)> =
            names.into_iter().zip(0..=u16::MAX).map(|(name, at)| (name.into(), at)).collect();
        wanted.sort();
        wanted.dedup_by(|later, kept| later.0 == kept.0);
        Self { wanted, nodes: vec![Node::new(&[], None, 0)], quotes: Quotes::default() }
    }

    /// Reads a line: `members` gets those that are wanted, in the order in which they are written, each with its name's
    /// position. The others are checked and passed over.
    ///
    /// Cost: some three instructions a byte; an allocation for a nested member alone.
    ///
    /// # Errors
    /// `NotJson`, `NotObject`, `TooDeep`, `TooManyValues` or `DuplicateField`; `members` is then empty.
    pub fn decode<'l>(
        &mut self,
        line: &'l [u8],
        members: &mut Vec<(u16, Raw<'l>)>,
    ) -> Result<(), RejectReason> {
        members.clear();
        let read = self.quick(line, |scan, _, wanted| {
            match wanted {
                // Most are texts, and reading one is less than asking what else it could be.
                Some(at) if let [b'"', rest @ ..] = scan.rest => {
                    scan.left = scan.left.checked_sub(1)?;
                    scan.rest = rest;
                    members.push((at, Raw::Text(Cow::Borrowed(scan.str()?))));
                }
                Some(at) => members.push((at, scan.value(1)?)),
                None => scan.pass(1)?,
            }
            Some(())
        });
        if read.is_some() {
            return Ok(());
        }
        members.clear();
        for (name, value) in value::parse_object(line)?.into_members() {
            if let Some(at) = self.find(name.as_bytes()) {
                members.push((at, value.into()));
            }
        }
        Ok(())
    }

    /// All members of a plain line that is as it should be, no name twice, in the order in which they are written; nothing of any
    /// other line, and `members` is then what it likes.
    pub(crate) fn all<'l>(&mut self, line: &'l [u8], members: &mut Vec<(&'l str, Raw<'l>)>) -> Option<()> {
        self.quick(line, |scan, name, _| {
            members.push((name.of(scan.line)?, scan.value(1)?));
            Some(())
        })
    }

    fn find(&self, name: &[u8]) -> Option<u16> {
        let place = self.wanted.binary_search_by(|(known, _)| known.as_bytes().cmp(name)).ok()?;
        self.wanted.get(place).map(|(_, at)| *at)
    }

    /// Reads a plain line that is as it should be, and nothing of any other. `member` gets what
    /// begins with each value, the place of its name and whether it is wanted, and has to pass the value.
    #[inline]
    fn quick<'l>(
        &mut self,
        line: &'l [u8],
        member: impl FnMut(&mut Scan<'l, '_>, Name, Option<u16>) -> Option<()>,
    ) -> Option<()> {
        let mut quotes = std::mem::take(&mut self.quotes);
        let read = if quotes.mark(line) { self.walk(line, &quotes, member) } else { None };
        self.quotes = quotes;
        read
    }

    fn walk<'l>(
        &mut self,
        line: &'l [u8],
        quotes: &Quotes,
        mut member: impl FnMut(&mut Scan<'l, '_>, Name, Option<u16>) -> Option<()>,
    ) -> Option<()> {
        let whole = std::str::from_utf8(line).ok()?;
        let mut scan = Scan { rest: line, line: whole, quotes, left: MAX_VALUES.checked_sub(1)? };
        scan.spaces();
        scan.take(b'{')?;
        scan.spaces();
        if scan.rest.first() == Some(&b'}') {
            scan.take(b'}')?;
            return scan.end();
        }
        // On a way as long as it is known; beside it every name is kept, to see that none occurs twice.
        let mut way = Some(0);
        let mut beside: Vec<&'l [u8]> = Vec::new();
        let mut before = scan.rest;
        loop {
            let (wanted, length) = match way.and_then(|from| self.follow(from, before)) {
                Some((at, node, rest)) => {
                    way = Some(at);
                    scan.rest = rest;
                    (node.wanted, node.length)
                }
                None => {
                    if way != Some(0) && !scan.more(b'}')? {
                        break;
                    }
                    let from = way;
                    let (name, wanted, grown) = self.look_up(&mut scan, from, before)?;
                    way = grown;
                    if let (Some(from), None) = (from, way) {
                        self.on_way_names(from, line, &mut beside);
                    }
                    if way.is_none() {
                        beside.push(name);
                    }
                    (wanted, name.len())
                }
            };
            let name = Name { length, behind: scan.rest.len() };
            scan.spaces();
            member(&mut scan, name, wanted)?;
            before = scan.rest;
        }
        if way.is_none() {
            beside.sort_unstable();
            if beside.windows(2).any(|pair| matches!(pair, [a, b] if a == b)) {
                return None;
            }
        }
        scan.end()
    }

    /// The name that comes next, if it is a known one: its node, whether it is wanted, and what follows it.
    #[inline]
    fn follow<'l>(&self, from: u32, rest: &'l [u8]) -> Option<(u32, &Node, &'l [u8])> {
        let mut at = self.nodes.get(from as usize)?.next;
        while at != 0 {
            let node = self.nodes.get(at as usize)?;
            if let Some(rest) = node.strip(rest) {
                return Some((at, node, rest));
            }
            at = node.other;
        }
        None
    }

    /// A name that is not known here, whether it is wanted, and its node where it is remembered from now on. `before` is what
    /// the member begins with, its comma if it has one. Nothing when the name is on the way already: it occurs twice.
    #[cold]
    fn look_up<'l>(
        &mut self,
        scan: &mut Scan<'l, '_>,
        from: Option<u32>,
        before: &'l [u8],
    ) -> Option<(&'l [u8], Option<u16>, Option<u32>)> {
        scan.take(b'"')?;
        let name = scan.text()?;
        scan.spaces();
        scan.take(b':')?;
        let wanted = self.find(name);
        let Some(from) = from else { return Some((name, wanted, None)) };
        if self.on_way(from, |known| known == name) {
            return None;
        }
        let text = before.get(..before.len().checked_sub(scan.rest.len())?)?;
        // Hardly anybody puts a space before a colon.
        let grown = if text.ends_with(b"\":") { self.grow(from, text, wanted) } else { None };
        Some((name, wanted, grown))
    }

    /// Whether one of the names up to a node is such.
    fn on_way(&self, node: u32, mut is: impl FnMut(&[u8]) -> bool) -> bool {
        let mut at = node;
        while at != 0 {
            let Some(node) = self.nodes.get(at as usize) else { break };
            if is(node.name()) {
                return true;
            }
            at = node.parent;
        }
        false
    }

    /// The names up to a node, as they stand in the line.
    fn on_way_names<'l>(&self, node: u32, line: &'l [u8], names: &mut Vec<&'l [u8]>) {
        self.on_way(node, |name| {
            // They have just been compared with the line, each in its place: the first is found in it.
            let place = memchr::memmem::find(line, name);
            names.extend(place.and_then(|at| line.get(at..at + name.len())));
            false
        });
    }

    /// Remembers a name after a node; nothing when there is no room.
    fn grow(&mut self, from: u32, text: &[u8], wanted: Option<u16>) -> Option<u32> {
        if self.nodes.len() >= NODES || text.len() > LONGEST {
            return None;
        }
        let new = self.nodes.len() as u32;
        let first = self.nodes.get(from as usize)?.next;
        let mut last = first;
        for _ in 0..BRANCHES {
            match self.nodes.get(last as usize)?.other {
                0 => break,
                other => last = other,
            }
        }
        let place =
            if first == 0 { self.nodes.get_mut(from as usize) } else { self.nodes.get_mut(last as usize) };
        let place = place.map(|node| if first == 0 { &mut node.next } else { &mut node.other })?;
        if *place != 0 {
            return None;
        }
        *place = new;
        self.nodes.push(Node::new(text, wanted, from));
        Some(new)
    }
}

/// Reads the tree of a plain line that is as it should be; nothing of any other.
pub(crate) fn object(line: &[u8]) -> Option<Fields> {
    let mut quotes = Quotes::default();
    if !quotes.mark(line) {
        return None;
    }
    let whole = std::str::from_utf8(line).ok()?;
    let mut scan = Scan { rest: line, line: whole, quotes: &quotes, left: MAX_VALUES };
    scan.spaces();
    let Value::Object(fields) = Value::from(scan.value(0)?) else { return None };
    scan.end()?;
    Some(fields)
}

/// Where the name of a member stands.
struct Name {
    length: usize,
    /// How much of the line follows its colon.
    behind: usize,
}

impl Name {
    fn of<'l>(&self, line: &'l str) -> Option<&'l str> {
        let head = line.get(..line.len().checked_sub(self.behind)?)?;
        let head = head.strip_suffix(':')?.trim_end_matches(' ').strip_suffix('"')?;
        head.get(head.len().checked_sub(self.length)?..)
    }
}

/// What is left of a line of printable ASCII without a backslash: its only white space is the space, and a text ends at the
/// next quote.
struct Scan<'l, 'q> {
    rest: &'l [u8],
    /// The whole line.
    line: &'l str,
    quotes: &'q Quotes,
    /// Values that may still come.
    left: usize,
}

impl<'l> Scan<'l, '_> {
    #[inline]
    fn take(&mut self, wanted: u8) -> Option<()> {
        let (first, rest) = self.rest.split_first()?;
        self.rest = rest;
        (*first == wanted).then_some(())
    }

    #[inline]
    fn spaces(&mut self) {
        while let [b' ', rest @ ..] = self.rest {
            self.rest = rest;
        }
    }

    fn word(&mut self, word: &[u8]) -> Option<()> {
        self.rest = self.rest.strip_prefix(word)?;
        Some(())
    }

    /// Nothing but spaces follows.
    fn end(&mut self) -> Option<()> {
        self.spaces();
        self.rest.is_empty().then_some(())
    }

    /// Where the text after an opening quote begins and ends; past the closing one.
    #[inline]
    fn span(&mut self) -> Option<(usize, usize)> {
        let start = self.line.len().checked_sub(self.rest.len())?;
        let end = self.quotes.next(start)?;
        self.rest = self.rest.get(end - start + 1..)?;
        Some((start, end))
    }

    #[inline]
    fn text(&mut self) -> Option<&'l [u8]> {
        let (start, end) = self.span()?;
        self.line.as_bytes().get(start..end)
    }

    /// The same as text.
    #[inline]
    fn str(&mut self) -> Option<&'l str> {
        let (start, end) = self.span()?;
        self.line.get(start..end)
    }

    /// A comma with what follows it, or the end that `last` says; nothing where neither stands.
    #[inline]
    fn more(&mut self, last: u8) -> Option<bool> {
        self.spaces();
        let (first, rest) = self.rest.split_first()?;
        self.rest = rest;
        if *first == b',' {
            self.spaces();
            return Some(true);
        }
        (*first == last).then_some(false)
    }

    /// A value, `depth` objects and arrays around it.
    fn value(&mut self, depth: usize) -> Option<Raw<'l>> {
        self.left = self.left.checked_sub(1)?;
        Some(match *self.rest.first()? {
            b'"' => {
                self.take(b'"')?;
                Raw::Text(Cow::Borrowed(self.str()?))
            }
            b'-' | b'0'..=b'9' => self.number()?,
            b'{' => Raw::Nested(Value::Object(self.members(depth)?)),
            b'[' => Raw::Nested(Value::List(self.items(depth)?)),
            b't' => self.word(b"true").map(|()| Raw::Bool(true))?,
            b'f' => self.word(b"false").map(|()| Raw::Bool(false))?,
            b'n' => self.word(b"null").map(|()| Raw::Null)?,
            _ => return None,
        })
    }

    /// Passes over a value.
    #[inline]
    fn pass(&mut self, depth: usize) -> Option<()> {
        if let [b'"', rest @ ..] = self.rest {
            self.left = self.left.checked_sub(1)?;
            self.rest = rest;
            return self.span().map(|_| ());
        }
        self.value(depth).map(|_| ())
    }

    fn members(&mut self, depth: usize) -> Option<Fields> {
        self.take(b'{')?;
        if depth >= MAX_DEPTH {
            return None;
        }
        let mut members = Vec::new();
        self.spaces();
        if self.rest.first() == Some(&b'}') {
            self.take(b'}')?;
            return Some(Fields::default());
        }
        loop {
            self.take(b'"')?;
            let name = SmolStr::new(self.str()?);
            self.spaces();
            self.take(b':')?;
            self.spaces();
            members.push((name, self.value(depth + 1)?.into()));
            if !self.more(b'}')? {
                return Fields::from_members(members).ok();
            }
        }
    }

    fn items(&mut self, depth: usize) -> Option<Vec<Value>> {
        self.take(b'[')?;
        if depth >= MAX_DEPTH {
            return None;
        }
        let mut items = Vec::new();
        self.spaces();
        if self.rest.first() == Some(&b']') {
            self.take(b']')?;
            return Some(items);
        }
        loop {
            items.push(self.value(depth + 1)?.into());
            if !self.more(b']')? {
                return Some(items);
            }
        }
    }

    /// A number; one of more than 18 digits is left to others.
    fn number(&mut self) -> Option<Raw<'l>> {
        let all = self.rest;
        let negative = all.first() == Some(&b'-');
        if negative {
            self.take(b'-')?;
        }
        let leading = self.rest.first() == Some(&b'0');
        let (whole, digits) = self.digits();
        if digits == 0 || digits > 18 || (digits > 1 && leading) {
            return None;
        }
        if !matches!(self.rest.first(), Some(b'.' | b'e' | b'E')) {
            // Minus zero is no integer.
            return Some(match (negative, whole) {
                (true, 0) => Raw::Float(-0.0),
                (true, whole) => Raw::Int(-whole),
                (false, whole) => Raw::Int(whole),
            });
        }
        let mut exact = None;
        if let [b'.', rest @ ..] = self.rest {
            self.rest = rest;
            let (part, places) = self.digits();
            if places == 0 {
                return None;
            }
            exact = exactly(whole, digits, part, places);
        }
        if let [b'e' | b'E', b'+' | b'-', rest @ ..] | [b'e' | b'E', rest @ ..] = self.rest {
            self.rest = rest;
            exact = None;
            if self.digits().1 == 0 {
                return None;
            }
        }
        if let Some(exact) = exact {
            return Some(Raw::Float(if negative { -exact } else { exact }));
        }
        let text = all.get(..all.len().checked_sub(self.rest.len())?)?;
        let float: f64 = std::str::from_utf8(text).ok()?.parse().ok()?;
        float.is_finite().then_some(Raw::Float(float))
    }

    /// Digits, their value where they are few enough to have one, and how many they are. Eight at a time, without a loop whose
    /// length would have to be guessed.
    #[inline]
    fn digits(&mut self) -> (i64, usize) {
        let (mut value, mut count) = (0_i64, 0);
        while let Some(group) = self.rest.first_chunk::<8>() {
            let group = u64::from_le_bytes(*group);
            let digits = leading_digits(group);
            if digits == 0 {
                return (value, count);
            }
            let read = number_of(group, digits);
            count += digits;
            self.rest = self.rest.get(digits..).unwrap_or_default();
            if digits < 8 {
                let power = POWERS.get(digits).copied().unwrap_or_default();
                return (value.wrapping_mul(power).wrapping_add(read), count);
            }
            value = value.wrapping_mul(100_000_000).wrapping_add(read);
        }
        while let [digit @ b'0'..=b'9', rest @ ..] = self.rest {
            value = value.wrapping_mul(10).wrapping_add(i64::from(digit - b'0'));
            self.rest = rest;
            count += 1;
        }
        (value, count)
    }
}

const POWERS: [i64; 8] = [1, 10, 100, 1_000, 10_000, 100_000, 1_000_000, 10_000_000];

/// How many of eight bytes, from the first one on, are digits.
#[inline]
fn leading_digits(group: u64) -> usize {
    const HIGH: u64 = u64::from_le_bytes([0x80; 8]);
    // In plain ASCII: below `0` the first difference sets the high bit, above `9` the sum does, and neither carries.
    let below = (group | HIGH) - u64::from_le_bytes([b'0'; 8]);
    let above = group + u64::from_le_bytes([0x80 - b'9' - 1; 8]);
    (((!below | above) & HIGH).trailing_zeros() / 8) as usize
}

/// The number that the first so many of eight bytes, one at least, are.
#[inline]
fn number_of(group: u64, digits: usize) -> i64 {
    // The digits go to the end, behind zeros; then neighbours are added up in pairs, fours and eights.
    let group = group.wrapping_sub(u64::from_le_bytes([b'0'; 8])) << (64 - 8 * digits as u32);
    let pairs = group.wrapping_mul(10).wrapping_add(group >> 8) & 0x00ff_00ff_00ff_00ff;
    let fours = pairs.wrapping_mul(100).wrapping_add(pairs >> 16) & 0x0000_ffff_0000_ffff;
    (fours.wrapping_mul(10_000).wrapping_add(fours >> 32) & 0xffff_ffff) as i64
}

/// The float of `whole.part`, where both and the power of ten are floats themselves: one division rounds once, as reading does
/// (Clinger, "How to read floating point numbers accurately", 1990).
fn exactly(whole: i64, digits: usize, part: i64, places: usize) -> Option<f64> {
    if digits + places > 15 {
        return None;
    }
    let power = 10_i64.checked_pow(places as u32)?;
    Some((whole.checked_mul(power)?.checked_add(part)?) as f64 / power as f64)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::value::parse_carefully;

    /// What the decoder must say: the members of the tree that are wanted.
    fn expected(names: &[&str], line: &[u8]) -> Result<Vec<(u16, Value)>, RejectReason> {
        let at = |name: &str| names.iter().position(|known| *known == name).map(|at| at as u16);
        let members = parse_carefully(line)?.into_members();
        Ok(members.into_iter().filter_map(|(name, value)| Some((at(&name)?, value))).collect())
    }

    fn found(decoder: &mut Decoder, line: &[u8]) -> Result<Vec<(u16, Value)>, RejectReason> {
        let mut members = Vec::new();
        decoder.decode(line, &mut members)?;
        Ok(members.into_iter().map(|(at, raw)| (at, raw.into())).collect())
    }

    /// Floats are compared by their bits.
    fn same<T: std::fmt::Debug>(one: T, other: T) {
        assert_eq!(format!("{one:?}"), format!("{other:?}"));
    }

    const NAMES: [&str; 4] = ["a", "bb", "ts", "nested"];

    #[test]
    fn hand_picked_lines_are_read_alike() {
        let mut decoder = Decoder::new(NAMES);
        let deep = |depth: usize| format!("{{\"a\":{}1{}}}", "[".repeat(depth), "]".repeat(depth));
        let many = |count: usize| format!("{{\"x\":[{}]}}", vec!["1"; count].join(","));
        let lines = [
            "{}".to_owned(),
            " { } ".into(),
            "".into(),
            "{".into(),
            "{}{}".into(),
            "[1]".into(),
            "3".into(),
            "{\"a\":1}".into(),
            "{\"a\" : 1 , \"bb\" : [ 1 , { } , [ ] ] }".into(),
            "{\"a\":1,}".into(),
            "{\"a\": 1, \"bb\": 2, \"ts\": \"x\"}".into(),
            "{\"a\": 1, \"bb\": 2, \"a\": \"x\"}".into(),
            "{\"a\": 1,  \"bb\" : 2, \"a\": \"x\"}".into(),
            "{,\"a\":1}".into(),
            "{\"a\":1\"bb\":2}".into(),
            "{\"a\":1,\"a\":2}".into(),
            "{\"x\":1,\"a\":3,\"x\":2}".into(),
            "{\"x\" :1,\"a\":3,\"x\":2}".into(),
            "{\"nested\":{\"x\":1,\"x\":2}}".into(),
            "{\"x\":{\"y\":1,\"y\":2}} x".into(),
            "{\"a\":-0,\"bb\":-0.0,\"ts\":0}".into(),
            "{\"a\":01}".into(),
            "{\"a\":1.}".into(),
            "{\"a\":.5}".into(),
            "{\"a\":-}".into(),
            "{\"a\":1e5,\"bb\":1E-5,\"ts\":1.5e+300}".into(),
            "{\"a\":1e999}".into(),
            "{\"x\":1e999}".into(),
            "{\"a\":123456789012345678,\"bb\":1234567890123456789,\"ts\":12345678901234567890}".into(),
            "{\"a\":9223372036854775807,\"bb\":-9223372036854775808,\"ts\":9223372036854775808}".into(),
            "{\"a\":123456789012345678901234567890}".into(),
            "{\"a\":0.14,\"bb\":-0.00000000000014,\"ts\":123456.7890123456}".into(),
            "{\"a\":1234567,\"bb\":12345678,\"ts\":123456789}".into(),
            "{\"a\":0.1,\"bb\":5e-324,\"ts\":2.2250738585072014e-308}".into(),
            "{\"a\":tru}".into(),
            "{\"a\":truex}".into(),
            "{\"a\":null,\"bb\":true,\"ts\":false}".into(),
            "{\"a\":\"\",\"bb\":\"\\u00e9\\n\",\"ts\":\"é\"}".into(),
            "{\"\\u0061\":1,\"a\":2}".into(),
            "{\"a\":\"\\ud800\"}".into(),
            "{\"a\":\"x\ty\"}".into(),
            "{\"a\":\"\\x22\"}".into(),
            "{\t\"a\":\r\n1}".into(),
            "{\"\":1,\"\":2}".into(),
            "{\"\":1,\"a\":2}".into(),
            "{\"a\":\"x}".into(),
            deep(MAX_DEPTH - 1),
            deep(MAX_DEPTH),
            many(MAX_VALUES - 2),
            many(MAX_VALUES - 1),
        ];
        // Twice, so that every way is known the second time.
        for line in lines.iter().chain(&lines) {
            same(found(&mut decoder, line.as_bytes()), expected(&NAMES, line.as_bytes()));
            same(value::parse_object(line.as_bytes()), parse_carefully(line.as_bytes()));
        }
    }

    #[test]
    fn names_are_remembered_up_to_a_bound() {
        let mut decoder = Decoder::new(["n7", "m999"]);
        for at in 0..2_000 {
            let line = format!("{{\"n{at}\":1,\"m{at}\":\"x\",\"{}\":2}}", "y".repeat(at % 100));
            same(found(&mut decoder, line.as_bytes()), expected(&["n7", "m999"], line.as_bytes()));
            let line = format!("{{\"n{at}\":1,\"m{at}\":\"x\",\"n{at}\":2}}");
            assert_eq!(found(&mut decoder, line.as_bytes()), Err(RejectReason::DuplicateField));
        }
        assert!(decoder.nodes.len() <= NODES);
    }

    fn json() -> impl Strategy<Value = String> {
        let text = prop_oneof![8 => "[ -~&&[^\"\\\\]]{0,20}", 1 => "\\PC{0,6}", 1 => Just("\\n".to_owned())];
        let leaf = prop_oneof![
            text.prop_map(|text| format!("\"{text}\"")),
            any::<i64>().prop_map(|int| int.to_string()),
            (0_i64..1_000).prop_map(|int| int.to_string()),
            any::<f64>().prop_map(|float| format!("{float:e}")),
            (-1e6..1e6).prop_map(|float: f64| float.to_string()),
            prop::sample::select(vec!["true", "false", "null", "-0", "1.50"]).prop_map(str::to_owned),
        ];
        leaf.prop_recursive(3, 12, 4, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..4).prop_map(|all| format!("[{}]", all.join(", "))),
                prop::collection::vec((name(), inner), 0..4).prop_map(|all| object_of(&all)),
            ]
        })
    }

    fn name() -> impl Strategy<Value = String> {
        let usual = ["a", "bb", "ts", "nested", "c", "dddd"].map(str::to_owned).to_vec();
        prop_oneof![9 => prop::sample::select(usual), 1 => "[a-z]{0,12}"]
    }

    fn object_of(members: &[(String, String)]) -> String {
        let all: Vec<String> = members.iter().map(|(name, value)| format!("\"{name}\":{value}")).collect();
        format!("{{{}}}", all.join(","))
    }

    proptest! {
        /// Whole objects, and such as have a byte changed, are read alike, whatever has been seen before.
        #[test]
        fn lines_are_read_alike(
            lines in prop::collection::vec(
                (prop::collection::vec((name(), json()), 0..8), any::<prop::sample::Index>(), prop::option::weighted(0.3, any::<u8>())),
                1..8,
            ),
        ) {
            let mut decoder = Decoder::new(NAMES);
            for (members, at, changed) in lines {
                let mut line = object_of(&members).into_bytes();
                if let Some(byte) = changed {
                    let at = at.index(line.len());
                    line[at] = byte;
                }
                same(found(&mut decoder, &line), expected(&NAMES, &line));
                same(value::parse_object(&line), parse_carefully(&line));
            }
        }
    }
}
