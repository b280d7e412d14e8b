//! URIs in one spelling, so that equal files have equal names whoever wrote them.

use std::fmt::Write as _;

/// The scheme of the standard library's files: read only, their text is asked of the server.
pub const LIBRARY: &str = "weir-library";

/// The URI with every character escaped that must be and no other. Editors do not agree on `:`, `@` and the like.
pub fn canonical(uri: &str) -> String {
    let Some((scheme, rest)) = uri.split_once(':') else { return uri.to_owned() };
    let mut out = String::with_capacity(uri.len());
    out.push_str(&scheme.to_ascii_lowercase());
    out.push(':');
    for byte in decoded(rest) {
        let plain = byte.is_ascii_alphanumeric() || b"/-._~!$&'()*+,;=:@".contains(&byte);
        if plain {
            out.push(char::from(byte));
        } else {
            let _ = write!(out, "%{byte:02X}");
        }
    }
    out
}

/// The path of a `file:` URI; nothing for any other, or when it is no text.
pub fn path(uri: &str) -> Option<String> {
    let rest = uri.strip_prefix("file:")?;
    let rest = rest
        .strip_prefix("//")
        .map_or(rest, |rest| rest.find('/').map_or("", |at| rest.get(at..).unwrap_or("")));
    String::from_utf8(decoded(rest)).ok()
}

/// The `file:` URI of an absolute path.
pub fn of_path(path: &str) -> String {
    let mut escaped = String::with_capacity(path.len() + 8);
    for byte in path.bytes() {
        // What would read as an escape, a query or a fragment.
        if matches!(byte, b'%' | b'?' | b'#') {
            let _ = write!(escaped, "%{byte:02X}");
        } else if byte.is_ascii() {
            escaped.push(char::from(byte));
        } else {
            let _ = write!(escaped, "%{byte:02X}");
        }
    }
    canonical(&format!("file://{escaped}"))
}

/// The URI of an embedded file of the library, by its path.
pub fn of_library(path: &str) -> String {
    format!("{LIBRARY}:/{path}")
}

/// The path of a file of the library in it.
pub fn library_path(uri: &str) -> Option<&str> {
    uri.strip_prefix(LIBRARY)?.strip_prefix(':').map(|rest| rest.trim_start_matches('/'))
}

fn decoded(text: &str) -> Vec<u8> {
    let bytes = text.as_bytes();
    let mut out = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while let Some(byte) = bytes.get(at) {
        let escape = (*byte == b'%').then(|| text.get(at + 1..at + 3)).flatten();
        match escape.and_then(|digits| u8::from_str_radix(digits, 16).ok()) {
            Some(value) => {
                out.push(value);
                at += 3;
            }
            None => {
                out.push(*byte);
                at += 1;
            }
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spellings_of_one_file_are_one() {
        assert_eq!(canonical("file:///c%3A/a%20b/%40x.weir"), "file:///c:/a%20b/@x.weir");
        assert_eq!(canonical("file:///c:/a b/@x.weir"), "file:///c:/a%20b/@x.weir");
        assert_eq!(canonical(&canonical("file:///100%/é")), canonical("file:///100%/é"));
        assert_eq!(path("file:///a%20b/%C3%A9").as_deref(), Some("/a b/é"));
        assert_eq!(path("file://host/x").as_deref(), Some("/x"));
        assert_eq!(path("untitled:x"), None);
        assert_eq!(path(&of_path("/a?b#c%d")).as_deref(), Some("/a?b#c%d"));
        assert_eq!(library_path(&of_library("std/ato.weir")), Some("std/ato.weir"));
    }
}
