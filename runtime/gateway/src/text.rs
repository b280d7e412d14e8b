//! Field text in one canonical spelling, whatever server wrote the line.
//!
//! nginx writes a quote as `\x22`, Apache as `\"`; a raw byte `0x16` is `\x16` in both, and some servers
//! write such bytes as they are. Rules must see one spelling, so a field is first unescaped to the bytes
//! the client sent and then spelled as text:
//!
//! - valid UTF-8 stays as it is;
//! - control characters (C0, DEL, C1) and bytes that are not UTF-8 become `\xNN`, upper-case, one per byte.
//!
//! The spelling is never lossy about *which* byte was there, is always valid UTF-8, and never holds a
//! character that could drive a terminal. It does not tell a control byte from the four characters `\x16`.

use std::fmt::Write as _;

use smol_str::SmolStr;

/// Undoes a server's escapes (`\"`, `\\`, `\xNN`, `\n` and kin) and spells the result canonically.
/// An unknown escape keeps its backslash. Cost: one pass when nothing needs doing.
pub(crate) fn unescaped(raw: &[u8]) -> SmolStr {
    match clean(raw) {
        Some(text) => SmolStr::new(text),
        None if raw.contains(&b'\\') => SmolStr::from(spelled(&unescape(raw))),
        None => SmolStr::from(spelled(raw)),
    }
}

/// Spells bytes that carry no escapes canonically; a backslash is just a backslash.
pub(crate) fn literal(raw: &[u8]) -> SmolStr {
    match std::str::from_utf8(raw) {
        Ok(text) if !text.chars().any(char::is_control) => SmolStr::new(text),
        _ => SmolStr::from(spelled(raw)),
    }
}

/// The field as it stands, when it is printable ASCII without a backslash: nearly always.
fn clean(raw: &[u8]) -> Option<&str> {
    if is_plain(raw) { std::str::from_utf8(raw).ok() } else { None }
}

/// Whether bytes are printable ASCII without a backslash.
pub(crate) fn is_plain(raw: &[u8]) -> bool {
    // A fold without an early exit is what the compiler turns into vector code; fields and lines are short.
    raw.iter().fold(true, |ok, &b| ok & (0x20..0x7f).contains(&b) & (b != b'\\'))
}

/// The bytes a quoted log field stands for.
fn unescape(raw: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(raw.len());
    let mut rest = raw;
    while let Some((&byte, tail)) = rest.split_first() {
        rest = tail;
        if byte != b'\\' {
            out.push(byte);
            continue;
        }
        match *tail {
            [b'x', high, low, ..] if hex(high).is_some() && hex(low).is_some() => {
                out.push(hex(high).unwrap_or(0) << 4 | hex(low).unwrap_or(0));
                rest = tail.get(3..).unwrap_or_default();
            }
            [escaped, ..] => match simple_escape(escaped) {
                Some(byte) => {
                    out.push(byte);
                    rest = tail.get(1..).unwrap_or_default();
                }
                None => out.push(b'\\'),
            },
            [] => out.push(b'\\'),
        }
    }
    out
}

/// The byte a one-character escape of Apache's `ap_escape_logitem` stands for.
fn simple_escape(letter: u8) -> Option<u8> {
    Some(match letter {
        b'"' | b'\\' => letter,
        b'b' => 0x08,
        b'f' => 0x0c,
        b'n' => b'\n',
        b'r' => b'\r',
        b't' => b'\t',
        b'v' => 0x0b,
        _ => return None,
    })
}

/// The value of one hexadecimal digit.
pub(crate) fn hex(digit: u8) -> Option<u8> {
    match digit {
        b'0'..=b'9' => Some(digit - b'0'),
        b'a'..=b'f' => Some(digit - b'a' + 10),
        b'A'..=b'F' => Some(digit - b'A' + 10),
        _ => None,
    }
}

/// Spells arbitrary bytes as text by the module's rule.
pub(crate) fn spelled(bytes: &[u8]) -> String {
    let mut out = String::with_capacity(bytes.len() + 8);
    for chunk in bytes.utf8_chunks() {
        for c in chunk.valid().chars() {
            if c.is_control() {
                let mut utf8 = [0; 4];
                spell_bytes(&mut out, c.encode_utf8(&mut utf8).as_bytes());
            } else {
                out.push(c);
            }
        }
        spell_bytes(&mut out, chunk.invalid());
    }
    out
}

fn spell_bytes(out: &mut String, bytes: &[u8]) {
    for byte in bytes {
        let _ = write!(out, "\\x{byte:02X}"); // writing to a String cannot fail
    }
}

/// Writes text as the content of a quoted log field, so that [`unescaped`] gives it back.
pub(crate) fn write_escaped(out: &mut String, text: &str) {
    for c in text.chars() {
        if matches!(c, '"' | '\\') {
            out.push('\\');
        }
        out.push(c);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn servers_agree_on_one_spelling() {
        // What nginx, Apache and a server that does not escape write for the same bytes.
        for raw in [&b"a\\x22b\\x5Cc\\x16\\xC3\\xA9\\xFF"[..], b"a\\\"b\\\\c\\x16\xC3\xA9\xFF"] {
            assert_eq!(unescaped(raw), "a\"b\\c\\x16\u{e9}\\xFF");
        }
        assert_eq!(literal(b"a\"b\\c\x16\xC3\xA9\xFF"), "a\"b\\c\\x16\u{e9}\\xFF");
    }

    #[test]
    fn odd_escapes_keep_their_backslash() {
        for raw in ["\\q", "\\", "\\x", "\\x1", "\\xzz", "x\\"] {
            assert_eq!(unescaped(raw.as_bytes()), raw);
        }
        assert_eq!(unescaped(b"\\n\\t\\v"), "\\x0A\\x09\\x0B");
    }

    proptest::proptest! {
        #[test]
        fn every_byte_string_is_spelled_without_controls(raw: Vec<u8>) {
            for text in [unescaped(&raw), literal(&raw)] {
                proptest::prop_assert!(!text.chars().any(char::is_control));
            }
        }

        #[test]
        fn escaping_is_undone(text in "[^\\p{Cc}]{0,40}") {
            let mut written = String::new();
            write_escaped(&mut written, &text);
            proptest::prop_assert_eq!(unescaped(written.as_bytes()), SmolStr::new(text));
        }
    }
}
