//! The request line: `GET /path?query HTTP/1.1`.

use smol_str::SmolStr;

use crate::exchange::HttpExchange;

/// How the bytes of a field become text: with a server's escapes undone, or as they are.
pub(crate) type Spelling = fn(&[u8]) -> SmolStr;

/// Longest method taken for one; the registered ones have at most 17 letters.
const MAX_METHOD: usize = 32;

/// Splits a request line into the exchange's fields, or keeps it as `malformed_request`.
///
/// A line is well formed when a method (letters, `-` and `_`) is followed by a target and a protocol such as
/// `HTTP/1.1`, or, as HTTP/0.9 had it, by a target that starts with `/` alone. Spaces inside the target are
/// kept: attack tools send them, and servers log them.
pub(crate) fn read_into(exchange: &mut HttpExchange, raw: &[u8], spell: Spelling) {
    let Some(line) = split(raw) else {
        if !raw.is_empty() && raw != b"-" {
            exchange.malformed_request = Some(spell(raw));
        }
        return;
    };
    exchange.method = Some(known(line.method).unwrap_or_else(|| spell(line.method)));
    exchange.protocol = line.protocol.map(|protocol| known(protocol).unwrap_or_else(|| spell(protocol)));
    read_target(exchange, line.target, spell);
}

/// The words nearly every request line holds, without a scan and a copy: some 30 ns of 300 a line.
pub(crate) fn known(word: &[u8]) -> Option<SmolStr> {
    Some(SmolStr::new_static(match word {
        b"GET" => "GET",
        b"POST" => "POST",
        b"HEAD" => "HEAD",
        b"HTTP/1.0" => "HTTP/1.0",
        b"HTTP/1.1" => "HTTP/1.1",
        b"HTTP/2.0" => "HTTP/2.0",
        b"HTTP/3.0" => "HTTP/3.0",
        _ => return None,
    }))
}

/// Splits a target at its first `?`.
pub(crate) fn read_target(exchange: &mut HttpExchange, target: &[u8], spell: Spelling) {
    let (path, query) = split_target(target);
    exchange.path = Some(spell(path));
    exchange.query = query.map(spell);
}

/// What is before the first `?`, and what is after it.
pub(crate) fn split_target(target: &[u8]) -> (&[u8], Option<&[u8]>) {
    match memchr::memchr(b'?', target).and_then(|at| target.split_at_checked(at)) {
        Some((path, query)) => (path, Some(query.get(1..).unwrap_or_default())),
        None => (target, None),
    }
}

/// The parts of a well-formed request line.
pub(crate) struct RequestLine<'a> {
    pub(crate) method: &'a [u8],
    pub(crate) target: &'a [u8],
    pub(crate) protocol: Option<&'a [u8]>,
}

pub(crate) fn split(raw: &[u8]) -> Option<RequestLine<'_>> {
    let (method, rest) = raw.split_at_checked(memchr::memchr(b' ', raw)?)?;
    if !is_method(method) {
        return None;
    }
    let rest = rest.trim_ascii();
    let protocol = memchr::memrchr(b' ', rest).and_then(|at| rest.get(at + 1..)).filter(|p| is_protocol(p));
    let target = match protocol {
        Some(protocol) => rest.strip_suffix(protocol)?.trim_ascii_end(),
        None if rest.starts_with(b"/") => rest,
        None => return None,
    };
    (!target.is_empty()).then_some(RequestLine { method, target, protocol })
}

fn is_method(word: &[u8]) -> bool {
    word.len() <= MAX_METHOD
        && word.first().is_some_and(u8::is_ascii_alphabetic)
        && word.iter().all(|b| b.is_ascii_alphabetic() || matches!(b, b'-' | b'_'))
}

/// `HTTP/1.1`, `HTTP/2`, and what scanners send to web servers: `RTSP/1.0`, `SIP/2.0`.
fn is_protocol(word: &[u8]) -> bool {
    let Some((name, version)) = memchr::memchr(b'/', word).and_then(|at| word.split_at_checked(at)) else {
        return false;
    };
    (1..=8).contains(&name.len())
        && name.iter().all(u8::is_ascii_alphabetic)
        && match *version {
            [b'/', major] => major.is_ascii_digit(),
            [b'/', major, b'.', minor] => major.is_ascii_digit() && minor.is_ascii_digit(),
            _ => false,
        }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Method, path, query, protocol; or the malformed line.
    fn read(raw: &str) -> Result<[Option<String>; 4], Option<String>> {
        let mut e = HttpExchange::default();
        read_into(&mut e, raw.as_bytes(), crate::text::unescaped);
        if e.method.is_none() {
            return Err(e.malformed_request.map(String::from));
        }
        Ok([e.method, e.path, e.query, e.protocol].map(|t| t.map(String::from)))
    }

    #[test]
    fn well_formed() {
        for (raw, want) in [
            ("GET / HTTP/1.1", ["GET", "/", "-", "HTTP/1.1"]),
            ("GET /a?b?c HTTP/2", ["GET", "/a", "b?c", "HTTP/2"]),
            ("GET /? HTTP/2.0", ["GET", "/", "", "HTTP/2.0"]),
            ("GET /a b?c d HTTP/1.0", ["GET", "/a b", "c d", "HTTP/1.0"]),
            ("GET  /  HTTP/1.0", ["GET", "/", "-", "HTTP/1.0"]),
            ("GET /old", ["GET", "/old", "-", "-"]),
            ("CONNECT foo.com:25 HTTP/1.1", ["CONNECT", "foo.com:25", "-", "HTTP/1.1"]),
            ("GET http://x/y?z HTTP/1.1", ["GET", "http://x/y", "z", "HTTP/1.1"]),
            ("OPTIONS * HTTP/1.0", ["OPTIONS", "*", "-", "HTTP/1.0"]),
            ("OPTIONS sip:nm SIP/2.0", ["OPTIONS", "sip:nm", "-", "SIP/2.0"]),
            ("VERSION-CONTROL /x HTTP/1.1", ["VERSION-CONTROL", "/x", "-", "HTTP/1.1"]),
            ("GET /\\x22\\\" HTTP/1.1", ["GET", "/\"\"", "-", "HTTP/1.1"]),
        ] {
            let want = want.map(|t| (t != "-").then(|| t.to_owned()));
            assert_eq!(read(raw), Ok(want), "{raw}");
        }
    }

    #[test]
    fn malformed() {
        for raw in
            ["GET", "HELP", "\\x16\\x03", "GET HTTP/1.1", "lv|'|'|x HTTP/1.1", "USER test", " / HTTP/1.1"]
        {
            let kept = raw.to_owned();
            assert_eq!(read(raw), Err(Some(kept)), "{raw}");
        }
        assert_eq!(read("-"), Err(None));
        assert_eq!(read(""), Err(None));
    }
}
