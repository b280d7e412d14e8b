//! Parsed JSON as a small owned tree, with limits on depth and on the number of values.
//!
//! `serde_json` does the parsing where a line is not of the plainest kind (`json.rs` reads those); this module only decides what is kept. Three things differ from
//! `serde_json::Value`: the limits hold *while* parsing, so a hostile line cannot make a large tree first; an
//! object refuses a name that occurs twice; and lines with nginx's default escape (`\x22`, which is not JSON)
//! or with bytes that are not UTF-8 are mended and read, because real logs hold them.

use std::fmt;
use std::io::Write as _;

use serde::de::{DeserializeSeed, MapAccess, SeqAccess, Visitor};
use serde::ser::SerializeMap;
use serde::{Serialize, Serializer};
use smol_str::SmolStr;

use crate::json;
use crate::reject::RejectReason;
use crate::text::hex;

/// Deepest nesting accepted; the outermost object is at depth 1.
pub const MAX_DEPTH: usize = 32;
/// Most values (of any kind, nested ones included) accepted in one line.
pub const MAX_VALUES: usize = 4096;

/// A JSON value. Integers outside `i64` become the nearest `Float`.
#[derive(Clone, PartialEq, Debug, Serialize)]
#[serde(untagged)]
pub enum Value {
    /// `null`.
    Null,
    /// `true` or `false`.
    Bool(bool),
    /// A number written without fraction or exponent that fits 64 signed bits.
    Int(i64),
    /// Any other number; always finite.
    Float(f64),
    /// A string, as written but for bytes that were not UTF-8, which are spelled `\xNN`.
    Text(SmolStr),
    /// An array.
    List(Vec<Value>),
    /// An object.
    Object(Fields),
}

impl Value {
    /// The string, if it is one.
    pub fn as_text(&self) -> Option<&str> {
        if let Value::Text(text) = self { Some(text) } else { None }
    }

    /// The object, if it is one.
    pub fn as_object(&self) -> Option<&Fields> {
        if let Value::Object(fields) = self { Some(fields) } else { None }
    }

    /// Bytes on the heap, about.
    pub(crate) fn heap_bytes(&self) -> usize {
        match self {
            Value::Null | Value::Bool(_) | Value::Int(_) | Value::Float(_) => 0,
            Value::Text(text) => text_heap_bytes(text),
            Value::List(items) => items.iter().map(|v| size_of::<Value>() + v.heap_bytes()).sum(),
            Value::Object(fields) => fields.heap_bytes(),
        }
    }
}

/// Bytes a string holds on the heap; short ones are stored in place.
pub(crate) fn text_heap_bytes(text: &SmolStr) -> usize {
    if text.is_heap_allocated() { text.len() + 16 } else { 0 }
}

/// The members of an object, in the order written, each name once.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct Fields {
    members: Vec<(SmolStr, Value)>,
}

impl Fields {
    /// The value of a name. Linear: objects in logs are small, and most readers walk all members once.
    pub fn find(&self, name: &str) -> Option<&Value> {
        self.members.iter().find(|(n, _)| n == name).map(|(_, v)| v)
    }

    /// Names and values in the order written.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &Value)> {
        self.members.iter().map(|(n, v)| (n.as_str(), v))
    }

    /// How many members there are.
    pub fn len(&self) -> usize {
        self.members.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.members.is_empty()
    }

    /// Takes the value of a name out.
    pub fn take(&mut self, name: &str) -> Option<Value> {
        let at = self.members.iter().position(|(n, _)| n == name)?;
        Some(self.members.remove(at).1)
    }

    /// Takes the members out.
    pub(crate) fn into_members(self) -> Vec<(SmolStr, Value)> {
        self.members
    }

    /// Makes an object of members, unless a name occurs twice. Cost: `n log n` compares of names.
    pub(crate) fn from_members(members: Vec<(SmolStr, Value)>) -> Result<Self, RejectReason> {
        let mut names: Vec<&str> = members.iter().map(|(n, _)| n.as_str()).collect();
        names.sort_unstable();
        if names.windows(2).any(|pair| matches!(pair, [a, b] if a == b)) {
            return Err(RejectReason::DuplicateField);
        }
        Ok(Fields { members })
    }

    /// Makes an object of members of which no two have one name.
    pub(crate) fn of_different(members: Vec<(SmolStr, Value)>) -> Self {
        Fields { members }
    }

    /// Bytes on the heap, about.
    pub(crate) fn heap_bytes(&self) -> usize {
        let member = size_of::<(SmolStr, Value)>();
        self.members.iter().map(|(n, v)| member + text_heap_bytes(n) + v.heap_bytes()).sum()
    }
}

impl Serialize for Fields {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(self.len()))?;
        for (name, value) in self.iter() {
            map.serialize_entry(name, value)?;
        }
        map.end()
    }
}

/// Parses one line holding one JSON object.
///
/// # Errors
/// `NotJson`, `NotObject`, `TooDeep`, `TooManyValues` or `DuplicateField`.
pub(crate) fn parse_object(line: &[u8]) -> Result<Fields, RejectReason> {
    match json::object(line) {
        Some(fields) => Ok(fields),
        None => parse_carefully(line),
    }
}

/// The same of any line, and why it is none: what [`json`] reads it reads too, and alike.
pub(crate) fn parse_carefully(line: &[u8]) -> Result<Fields, RejectReason> {
    let value = match parse(line) {
        Err(RejectReason::NotJson) => parse(&mended(line).ok_or(RejectReason::NotJson)?)?,
        parsed => parsed?,
    };
    match value {
        Value::Object(fields) => Ok(fields),
        _ => Err(RejectReason::NotObject),
    }
}

fn parse(line: &[u8]) -> Result<Value, RejectReason> {
    let mut budget = Budget { values_left: MAX_VALUES, trouble: None };
    let mut json = serde_json::Deserializer::from_slice(line);
    let value = Node { budget: &mut budget, depth_left: MAX_DEPTH }.deserialize(&mut json);
    match value.and_then(|v| json.end().map(|()| v)) {
        Ok(value) => Ok(value),
        Err(_) => Err(budget.trouble.unwrap_or(RejectReason::NotJson)),
    }
}

/// A copy with nginx's `\xNN` turned into the byte it stands for (spelled the way JSON wants it) and bytes that
/// are not UTF-8 spelled `\xNN`; `None` when there is nothing to mend.
fn mended(line: &[u8]) -> Option<Vec<u8>> {
    if memchr::memmem::find(line, b"\\x").is_none() && std::str::from_utf8(line).is_ok() {
        return None;
    }
    let mut bytes = Vec::with_capacity(line.len() + 16);
    let mut rest = line;
    while let Some((&byte, tail)) = rest.split_first() {
        rest = tail;
        match (byte, tail) {
            (b'\\', &[b'x', high, low, ..]) if hex(high).is_some() && hex(low).is_some() => {
                let value = hex(high).unwrap_or(0) << 4 | hex(low).unwrap_or(0);
                match value {
                    b'"' | b'\\' => bytes.extend([b'\\', value]),
                    0..0x20 => {
                        let _ = write!(bytes, "\\u{value:04x}"); // writing to a Vec cannot fail
                    }
                    _ => bytes.push(value),
                }
                rest = tail.get(3..).unwrap_or_default();
            }
            // An escaped backslash is a pair: its second half starts no escape.
            (b'\\', &[next, ..]) => {
                bytes.extend([byte, next]);
                rest = tail.get(1..).unwrap_or_default();
            }
            _ => bytes.push(byte),
        }
    }
    let mut text = Vec::with_capacity(bytes.len() + 16);
    for chunk in bytes.utf8_chunks() {
        text.extend_from_slice(chunk.valid().as_bytes());
        for byte in chunk.invalid() {
            let _ = write!(text, "\\\\x{byte:02X}"); // nor here
        }
    }
    Some(text)
}

/// What one line may still use, and which limit it broke.
struct Budget {
    values_left: usize,
    trouble: Option<RejectReason>,
}

/// One value about to be parsed.
struct Node<'a> {
    budget: &'a mut Budget,
    depth_left: usize,
}

impl Node<'_> {
    fn refuse<E: serde::de::Error>(&mut self, reason: RejectReason) -> E {
        self.budget.trouble = Some(reason);
        E::custom(reason)
    }

    /// The budget for a child, or an error when nesting is at its limit.
    fn descend<E: serde::de::Error>(&mut self) -> Result<usize, E> {
        match self.depth_left.checked_sub(1) {
            Some(left) => Ok(left),
            None => Err(self.refuse(RejectReason::TooDeep)),
        }
    }
}

impl<'de> DeserializeSeed<'de> for Node<'_> {
    type Value = Value;

    fn deserialize<D: serde::Deserializer<'de>>(mut self, deserializer: D) -> Result<Value, D::Error> {
        match self.budget.values_left.checked_sub(1) {
            Some(left) => self.budget.values_left = left,
            None => return Err(self.refuse(RejectReason::TooManyValues)),
        }
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Node<'_> {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(Value::Bool(value))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(Value::Int(value))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        Ok(i64::try_from(value).map_or(Value::Float(value as f64), Value::Int))
    }

    fn visit_f64<E: serde::de::Error>(self, value: f64) -> Result<Value, E> {
        if value.is_finite() { Ok(Value::Float(value)) } else { Err(E::custom("number out of range")) }
    }

    fn visit_str<E>(self, value: &str) -> Result<Value, E> {
        Ok(Value::Text(SmolStr::new(value)))
    }

    fn visit_seq<A: SeqAccess<'de>>(mut self, mut seq: A) -> Result<Value, A::Error> {
        let depth_left = self.descend()?;
        let mut items = Vec::new();
        while let Some(item) = seq.next_element_seed(Node { budget: self.budget, depth_left })? {
            items.push(item);
        }
        Ok(Value::List(items))
    }

    fn visit_map<A: MapAccess<'de>>(mut self, mut map: A) -> Result<Value, A::Error> {
        let depth_left = self.descend()?;
        let mut members = Vec::new();
        while let Some(name) = map.next_key_seed(Name)? {
            members.push((name, map.next_value_seed(Node { budget: self.budget, depth_left })?));
        }
        Fields::from_members(members).map(Value::Object).map_err(|reason| self.refuse(reason))
    }
}

/// A member's name about to be parsed.
struct Name;

impl<'de> DeserializeSeed<'de> for Name {
    type Value = SmolStr;

    fn deserialize<D: serde::Deserializer<'de>>(self, deserializer: D) -> Result<SmolStr, D::Error> {
        deserializer.deserialize_str(self)
    }
}

impl Visitor<'_> for Name {
    type Value = SmolStr;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a name")
    }

    fn visit_str<E>(self, value: &str) -> Result<SmolStr, E> {
        Ok(SmolStr::new(value))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn nested(depth: usize) -> String {
        format!("{}1{}", "{\"a\":".repeat(depth), "}".repeat(depth))
    }

    #[test]
    fn limits_hold_at_their_edges() {
        assert!(parse_object(nested(MAX_DEPTH).as_bytes()).is_ok());
        assert_eq!(parse_object(nested(MAX_DEPTH + 1).as_bytes()), Err(RejectReason::TooDeep));
        assert_eq!(parse_object(nested(100_000).as_bytes()), Err(RejectReason::TooDeep));
        let list = |n: usize| format!("{{\"a\":[{}]}}", vec!["0"; n].join(","));
        assert!(parse_object(list(MAX_VALUES - 2).as_bytes()).is_ok());
        assert_eq!(parse_object(list(MAX_VALUES - 1).as_bytes()), Err(RejectReason::TooManyValues));
    }

    #[test]
    fn refusals() {
        for (line, reason) in [
            ("", RejectReason::NotJson),
            ("{", RejectReason::NotJson),
            ("{} {}", RejectReason::NotJson),
            ("{\"a\":1e999}", RejectReason::NotJson),
            ("{\"a\":\"\\q\"}", RejectReason::NotJson),
            ("[]", RejectReason::NotObject),
            ("3", RejectReason::NotObject),
            ("{\"a\":1,\"b\":2,\"a\":3}", RejectReason::DuplicateField),
            ("{\"o\":{\"a\":1,\"a\":3}}", RejectReason::DuplicateField),
        ] {
            assert_eq!(parse_object(line.as_bytes()), Err(reason), "{line}");
        }
    }

    #[test]
    fn numbers_keep_their_kind() {
        let fields = parse_object(b"{\"i\":-5,\"f\":5.0,\"u\":18446744073709551615}").unwrap();
        assert_eq!(fields.find("i"), Some(&Value::Int(-5)));
        assert_eq!(fields.find("f"), Some(&Value::Float(5.0)));
        assert_eq!(fields.find("u"), Some(&Value::Float(18_446_744_073_709_551_615.0)));
    }

    #[test]
    fn nginx_default_escape_and_raw_bytes_are_mended() {
        let line = b"{\"ua\":\"a\\x22b\\x5C\\x16\\xC3\\xA9\\xFF\xFE\",\"kept\":\"\\\\x22\"}";
        let fields = parse_object(line).unwrap();
        assert_eq!(fields.find("ua").and_then(Value::as_text), Some("a\"b\\\u{16}\u{e9}\\xFF\\xFE"));
        assert_eq!(fields.find("kept").and_then(Value::as_text), Some("\\x22"));
    }

    proptest::proptest! {
        /// What is kept, printed and parsed again, is the same tree.
        #[test]
        fn round_trip(text in ".{0,40}", int: i64, flag: bool, names in proptest::collection::btree_set("\\PC{0,12}", 0..8)) {
            let members = names.iter().enumerate().map(|(at, name)| {
                let value = match at % 4 {
                    0 => Value::Text(SmolStr::new(&text)),
                    1 => Value::Int(int),
                    2 => Value::List(vec![Value::Bool(flag), Value::Null]),
                    _ => Value::Object(Fields::default()),
                };
                (SmolStr::new(name), value)
            });
            let fields = Fields::from_members(members.collect()).unwrap();
            let printed = serde_json::to_vec(&fields).unwrap();
            proptest::prop_assert_eq!(parse_object(&printed), Ok(fields));
        }
    }
}
