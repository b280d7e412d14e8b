//! The usual combined line, borrowed: an address, a time, a request and what came of it, in printable ASCII.
//!
//! ```text
//! 192.0.2.1 - - [20/Feb/2016:00:00:45 -0500] "GET /a?b HTTP/1.1" 200 187 "-" "Mozilla/5.0 …"
//! ```
//!
//! Nearly every line of nearly every log is one. What is read here is what `combined.rs` reads, no more and no less; a line
//! that has anything unusual in it (an escape, a quote within a field, a host name, an IPv6 address, another column,
//! any error) is left to it.

use std::net::{IpAddr, Ipv4Addr};

use smol_str::SmolStr;

use crate::client;
use crate::combined::{read_size, read_status, starts_with_status, word};
use crate::exchange::HttpExchange;
use crate::json::quote;
use crate::request::{self, known};
use crate::text::is_plain;
use crate::time::{self, CLF_LEN};

/// A combined or common line of the usual kind, its texts borrowed: the fields are those of [`HttpExchange`].
#[derive(Clone, PartialEq, Debug)]
pub struct UsualLine<'l> {
    /// Milliseconds since 1970-01-01T00:00:00Z.
    pub ts_ms: i64,
    /// The client's address.
    pub ip: IpAddr,
    /// The user of HTTP authentication.
    pub user: Option<&'l str>,
    /// The method, as sent.
    pub method: Option<&'l str>,
    /// The target up to the first `?`.
    pub path: Option<&'l str>,
    /// The target after the first `?`.
    pub query: Option<&'l str>,
    /// Such as `HTTP/1.1`.
    pub protocol: Option<&'l str>,
    /// The request line itself, when it was malformed.
    pub malformed_request: Option<&'l str>,
    /// The response's status.
    pub status: Option<u16>,
    /// Bytes sent.
    pub bytes: Option<u64>,
    /// The `Referer` header.
    pub referrer: Option<&'l str>,
    /// The `User-Agent` header.
    pub user_agent: Option<&'l str>,
}

impl<'l> UsualLine<'l> {
    /// Reads a line without its line end; nothing where [`crate::parse_combined`] has to look at it. Cost: no allocation, two
    /// passes over the bytes.
    pub fn read(line: &'l [u8]) -> Option<Self> {
        if !is_plain(line) {
            return None;
        }
        let at = memchr::memchr(b'[', line)?;
        let (head, tail) = line.split_at_checked(at)?;
        let ts_ms = time::clf(tail.get(1..=CLF_LEN)?).ok()?;
        let quoted = tail.get(CLF_LEN + 1..)?.strip_prefix(b"] \"")?;

        let end = memchr::memchr(b' ', head)?;
        let (address, others) = head.split_at_checked(end)?;
        let ip = IpAddr::V4(v4(address)?);
        let user = match others {
            b" - - " => None,
            others => client::user(others).map(text),
        };

        let (request, rest) = closed(quoted)?;
        if !starts_with_status(rest) {
            return None;
        }
        let (status, rest) = word(rest);
        let (size, rest) = word(rest);
        let mut found = Self {
            ts_ms,
            ip,
            user,
            method: None,
            path: None,
            query: None,
            protocol: None,
            malformed_request: None,
            status: read_status(status).ok()?,
            bytes: read_size(size).ok()?,
            referrer: None,
            user_agent: None,
        };
        match request::split(request) {
            Some(line) => {
                found.method = Some(text(line.method));
                found.protocol = line.protocol.map(text);
                let (path, query) = request::split_target(line.target);
                found.path = Some(text(path));
                found.query = query.map(text);
            }
            None if request.is_empty() || request == b"-" => {}
            None => found.malformed_request = Some(text(request)),
        }
        if rest.is_empty() {
            return Some(found);
        }
        let (referrer, rest) = closed(rest.strip_prefix(b" \"")?)?;
        found.referrer = Some(header(referrer));
        if rest.is_empty() {
            return Some(found);
        }
        let (agent, rest) = closed(rest.strip_prefix(b" \"")?)?;
        found.user_agent = Some(header(agent));
        rest.is_empty().then_some(found)
    }
}

impl From<UsualLine<'_>> for HttpExchange {
    fn from(line: UsualLine<'_>) -> Self {
        let usual = |word: &str| known(word.as_bytes()).unwrap_or_else(|| SmolStr::new(word));
        Self {
            ts_ms: line.ts_ms,
            ip: Some(line.ip),
            user: line.user.map(SmolStr::new),
            method: line.method.map(usual),
            path: line.path.map(SmolStr::new),
            query: line.query.map(SmolStr::new),
            protocol: line.protocol.map(usual),
            malformed_request: line.malformed_request.map(SmolStr::new),
            status: line.status,
            bytes: line.bytes,
            referrer: line.referrer.map(SmolStr::new),
            user_agent: line.user_agent.map(SmolStr::new),
            ..Self::default()
        }
    }
}

/// A field that the next quote ends, where a space or nothing follows it.
fn closed(quoted: &[u8]) -> Option<(&[u8], &[u8])> {
    let (field, rest) = quoted.split_at_checked(quote(quoted)?)?;
    let rest = rest.get(1..)?;
    matches!(rest.first(), None | Some(b' ')).then_some((field, rest))
}

/// Printable ASCII is text.
fn text(plain: &[u8]) -> &str {
    std::str::from_utf8(plain).unwrap_or_default()
}

/// A header that the format records: `-` says that the client sent none.
fn header(plain: &[u8]) -> &str {
    if plain == b"-" { "" } else { text(plain) }
}

/// A dotted quad, each part of up to three digits without a zero in front.
fn v4(address: &[u8]) -> Option<Ipv4Addr> {
    let mut octets = [0; 4];
    let mut parts = octets.iter_mut();
    let mut octet = parts.next()?;
    let (mut value, mut digits) = (0_u32, 0);
    for byte in address {
        match byte {
            b'0'..=b'9' => {
                if digits > 0 && value == 0 {
                    return None;
                }
                value = value * 10 + u32::from(byte - b'0');
                digits += 1;
                if digits > 3 {
                    return None;
                }
            }
            b'.' if digits > 0 => {
                *octet = u8::try_from(value).ok()?;
                octet = parts.next()?;
                (value, digits) = (0, 0);
            }
            _ => return None,
        }
    }
    *octet = u8::try_from(value).ok()?;
    (digits > 0 && parts.next().is_none()).then_some(Ipv4Addr::from(octets))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::combined::parse_carefully;

    /// What is read here is read alike there; answers whether it is.
    fn agrees(line: &[u8]) -> bool {
        let read = UsualLine::read(line);
        let usual = read.is_some();
        if let Some(read) = read {
            assert_eq!(Ok(HttpExchange::from(read)), parse_carefully(line), "{}", line.escape_ascii());
        }
        usual
    }

    #[test]
    fn usual_lines_are_read_here() {
        let head = "192.0.2.1 - - [20/Feb/2016:00:00:45 -0500] ";
        for tail in [
            "\"GET / HTTP/1.1\" 200 1",
            "\"GET /a?b?c HTTP/1.1\" 200 - \"-\" \"curl/8\"",
            "\"-\" 408 - \"-\" \"-\"",
            "\"\" 400 0 \"-\" \"-\"",
            "\"HELP\" 400 0 \"-\" \"\"",
            "\"GET  /  HTTP/1.0\" 000 12 \"http://a/\"",
            "\"GET /a b HTTP/2\"  301  5 \"-\"",
        ] {
            assert!(agrees(format!("{head}{tail}").as_bytes()), "{tail}");
        }
        assert!(agrees(b"10.0.0.255 - ann lee [20/Feb/2016:00:00:45 -0500] \"GET / HTTP/1.1\" 200 1"));
        assert!(agrees(b"10.0.0.255 x - [20/Feb/2016:00:00:45 -0500] \"GET / HTTP/1.1\" 200 1"));
    }

    #[test]
    fn unusual_lines_are_left_alone() {
        let line = "192.0.2.1 - - [20/Feb/2016:00:00:45 -0500] \"GET / HTTP/1.1\" 200 1 \"-\" \"x\"";
        for (from, to) in [
            ("192.0.2.1", "192.0.2.01"),
            ("192.0.2.1", "192.0.2.256"),
            ("192.0.2.1", "192.0.2"),
            ("192.0.2.1", "192.0.2.1.1"),
            ("192.0.2.1", "192.0..1"),
            ("192.0.2.1", "2001:db8::1"),
            ("192.0.2.1", "shop.example"),
            ("[20", "[30"),
            ("GET /", "GET /\\x22"),
            ("GET /", "GET /\" x"),
            ("GET /", "GET /é"),
            ("200 1", "200 1x"),
            ("200", "20x"),
            ("\"x\"", "\"x\" \"192.0.2.7\""),
            ("\"x\"", "\"x"),
            ("\"x\"", "\"x\"y\""),
            ("- - [", "- [x] ["),
        ] {
            assert!(!agrees(line.replacen(from, to, 1).as_bytes()), "{from} {to}");
        }
    }

    proptest! {
        #[test]
        fn lines_are_read_alike(
            address in "([0-9]{1,3}\\.){3}[0-9]{1,3}|[0-9a-f.:]{1,12}",
            user in "- -|-  -|- [a-z \"\\-]{0,8}|",
            request in "(GET|POST|[A-Za-z]{0,4}) [ -~]{0,20} HTTP/1\\.[01]|[ -~]{0,20}",
            status in "[0-9]{3}|-|[0-9x]{0,4}",
            size in "[0-9]{0,21}|-",
            tail in "( \"[ -~]{0,12}\"){0,3}| ?|[ -~]{0,6}",
            changed in prop::option::weighted(0.2, (any::<prop::sample::Index>(), any::<u8>())),
        ) {
            let line = format!("{address} {user} [20/Feb/2016:00:00:45 -0500] \"{request}\" {status} {size}{tail}");
            let mut line = line.into_bytes();
            if let Some((at, byte)) = changed {
                let at = at.index(line.len());
                line[at] = byte;
            }
            agrees(&line);
        }
    }
}
