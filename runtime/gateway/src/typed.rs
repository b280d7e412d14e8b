//! Typed NDJSON: one application event a line.
//!
//! ```text
//! {"event":"login","ts":1455944445000,"user":"ann","ok":false}
//! {"event":"login","ts":"2016-02-20T05:00:45Z","fields":{"user":"ann","ok":false}}
//! ```
//!
//! `event` and `ts` (integer milliseconds since 1970, or RFC 3339 with an offset) are read; members under an
//! object called `fields` are lifted beside the others; nothing else is interpreted.

use smol_str::SmolStr;

use crate::exchange::TypedEvent;
use crate::json::{Decoder, Raw};
use crate::reject::RejectReason;
use crate::time::{self, EARLIEST_MS};
use crate::value::{self, Fields, Value};

/// Longest event name accepted, in bytes.
const MAX_NAME: usize = 128;

/// Parses one line.
///
/// # Errors
/// The reason the line is not a typed event.
pub(crate) fn parse(line: &[u8]) -> Result<TypedEvent, RejectReason> {
    let object = value::parse_object(line)?;
    let mut event = None;
    let mut ts_ms = None;
    let mut members = Vec::with_capacity(object.len());
    for (name, value) in object.into_members() {
        match (name.as_str(), value) {
            ("event", Value::Text(text)) if is_name(&text) => event = Some(text),
            ("event", _) => return Err(RejectReason::NoEvent),
            ("ts", value) => ts_ms = Some(instant(&value)?),
            ("fields", Value::Object(inner)) => members.extend(inner.into_members()),
            (_, value) => members.push((name, value)),
        }
    }
    let event: SmolStr = event.ok_or(RejectReason::NoEvent)?;
    let ts_ms = ts_ms.ok_or(RejectReason::NoTime)?;
    Ok(TypedEvent { ts_ms, event, fields: Fields::from_members(members)? })
}

/// The same, where names are remembered from line to line: what is not of the usual kind is read by [`parse`].
pub(crate) fn parse_with(decoder: &mut Decoder, line: &[u8]) -> Result<TypedEvent, RejectReason> {
    let mut found = Vec::with_capacity(16);
    if decoder.all(line, &mut found).is_none() {
        return parse(line);
    }
    let (mut event, mut ts_ms, mut is_lifted) = (None, None, false);
    let mut members = Vec::with_capacity(found.len());
    for (name, value) in found {
        match (name, value) {
            ("event", Raw::Text(text)) if is_name(&text) => event = Some(SmolStr::new(text)),
            ("event", _) => return Err(RejectReason::NoEvent),
            ("ts", value) => ts_ms = Some(instant(&value.into())?),
            ("fields", Raw::Nested(Value::Object(inner))) => {
                is_lifted = true;
                members.extend(inner.into_members());
            }
            (name, value) => members.push((SmolStr::new(name), value.into())),
        }
    }
    let event = event.ok_or(RejectReason::NoEvent)?;
    let ts_ms = ts_ms.ok_or(RejectReason::NoTime)?;
    // Of the members of one object none is there twice.
    let fields = if is_lifted { Fields::from_members(members)? } else { Fields::of_different(members) };
    Ok(TypedEvent { ts_ms, event, fields })
}

/// Streams made by hand or by a simulator often count from 0: times up to a week after 1970 are taken as they are. What
/// lies between that and 1990 would be seconds where milliseconds belong.
const SYNTHETIC_MS: i64 = EARLIEST_MS / 1_000;

fn is_name(text: &str) -> bool {
    (1..=MAX_NAME).contains(&text.len()) && !text.chars().any(char::is_control)
}

fn instant(value: &Value) -> Result<i64, RejectReason> {
    match value {
        Value::Int(ms) if (0..SYNTHETIC_MS).contains(ms) => Ok(*ms),
        Value::Int(ms) => time::accepted(*ms),
        Value::Text(text) => time::rfc3339(text),
        _ => return Err(RejectReason::BadTime),
    }
    .map_err(|_| RejectReason::BadTime)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn flat_and_nested_are_the_same_event() {
        let flat = parse(br#"{"event":"login","ts":1455944445000,"user":"ann","n":1}"#).unwrap();
        let nested =
            parse(br#"{"ts":"2016-02-20T00:00:45-05:00","event":"login","fields":{"user":"ann","n":1}}"#)
                .unwrap();
        assert_eq!(flat, nested);
        assert_eq!(flat.fields.find("user").and_then(Value::as_text), Some("ann"));
    }

    #[test]
    fn a_clock_that_counts_from_zero_is_taken() {
        for (ts, want) in [(0, Ok(0)), (86_400_000, Ok(86_400_000)), (-1, Err(RejectReason::BadTime))] {
            let line = format!(r#"{{"event":"login","ts":{ts}}}"#);
            assert_eq!(parse(line.as_bytes()).map(|event| event.ts_ms), want, "{ts}");
        }
    }

    #[test]
    fn refusals() {
        for (line, reason) in [
            (r#"{"ts":1455944445000}"#, RejectReason::NoEvent),
            (r#"{"event":"","ts":1455944445000}"#, RejectReason::NoEvent),
            (r#"{"event":7,"ts":1455944445000}"#, RejectReason::NoEvent),
            (r#"{"event":"login"}"#, RejectReason::NoTime),
            // Seconds where milliseconds belong.
            (r#"{"event":"login","ts":1455944445}"#, RejectReason::BadTime),
            (r#"{"event":"login","ts":1455944445000.5}"#, RejectReason::BadTime),
            (r#"{"event":"login","ts":"yesterday"}"#, RejectReason::BadTime),
            (r#"{"event":"login","ts":1455944445000,"a":1,"fields":{"a":2}}"#, RejectReason::DuplicateField),
        ] {
            assert_eq!(parse(line.as_bytes()), Err(reason), "{line}");
        }
    }
}
