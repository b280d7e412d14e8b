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
use crate::find::find;
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
        // Once for all fields: what is cut out of a text is text.
        let mut scan = Scan(std::str::from_utf8(line).ok()?);
        let ip = IpAddr::V4(v4(scan.until(b' ')?.as_bytes())?);
        let user = match scan.0.strip_prefix("- - [") {
            Some(rest) => {
                scan.0 = rest;
                None
            }
            None => user(scan.until(b'[')?),
        };
        let (time, rest) = scan.0.split_at_checked(CLF_LEN)?;
        let ts_ms = time::clf(time.as_bytes()).ok()?;
        scan.0 = rest.strip_prefix("] \"")?;
        let request = scan.closed()?;
        let (status, bytes) = scan.answer()?;
        let mut found = Self {
            ts_ms,
            ip,
            user,
            method: None,
            path: None,
            query: None,
            protocol: None,
            malformed_request: None,
            status,
            bytes,
            referrer: None,
            user_agent: None,
        };
        match request_line(request) {
            Some((method, target, protocol)) => {
                (found.method, found.protocol) = (Some(method), protocol);
                let query = find(b'?', target.as_bytes()).and_then(|at| target.split_at_checked(at));
                let (path, query) = query.map_or((target, None), |(path, query)| (path, query.get(1..)));
                (found.path, found.query) = (Some(path), query);
            }
            None if request.is_empty() || request == "-" => {}
            None => found.malformed_request = Some(request),
        }
        found.referrer = scan.header()?;
        found.user_agent = scan.header()?;
        scan.0.is_empty().then_some(found)
    }

    /// Writes what the line says into an exchange that says nothing yet.
    pub(crate) fn fill(self, exchange: &mut HttpExchange) {
        let usual = |word: &str| known(word.as_bytes()).unwrap_or_else(|| SmolStr::new(word));
        exchange.ts_ms = self.ts_ms;
        exchange.ip = Some(self.ip);
        exchange.user = self.user.map(SmolStr::new);
        exchange.method = self.method.map(usual);
        exchange.path = self.path.map(SmolStr::new);
        exchange.query = self.query.map(SmolStr::new);
        exchange.protocol = self.protocol.map(usual);
        exchange.malformed_request = self.malformed_request.map(SmolStr::new);
        exchange.status = self.status;
        exchange.bytes = self.bytes;
        exchange.referrer = self.referrer.map(SmolStr::new);
        exchange.user_agent = self.user_agent.map(SmolStr::new);
    }
}

impl From<UsualLine<'_>> for HttpExchange {
    fn from(line: UsualLine<'_>) -> Self {
        let mut exchange = Self::default();
        line.fill(&mut exchange);
        exchange
    }
}

/// What is left of a line.
struct Scan<'l>(&'l str);

impl<'l> Scan<'l> {
    /// What comes before a byte, which is passed.
    #[inline]
    fn until(&mut self, byte: u8) -> Option<&'l str> {
        let (text, rest) = self.0.split_at_checked(find(byte, self.0.as_bytes())?)?;
        self.0 = rest.get(1..)?;
        Some(text)
    }

    /// A field that the next quote ends, where a space or nothing follows it.
    #[inline]
    fn closed(&mut self) -> Option<&'l str> {
        let field = self.until(b'"')?;
        matches!(self.0.as_bytes().first(), None | Some(b' ')).then_some(field)
    }

    /// The next quoted header, where the line has one: `-` says that the client sent none.
    #[inline]
    fn header(&mut self) -> Option<Option<&'l str>> {
        if self.0.is_empty() {
            return Some(None);
        }
        self.0 = self.0.strip_prefix(" \"")?;
        let header = self.closed()?;
        Some(Some(if header == "-" { "" } else { header }))
    }

    /// The status and the bytes sent.
    #[inline]
    fn answer(&mut self) -> Option<(Option<u16>, Option<u64>)> {
        let rest = self.0.as_bytes();
        // ` 200 5316 `, or the end behind it.
        if let [b' ', hundreds @ b'1'..=b'9', tens @ b'0'..=b'9', ones @ b'0'..=b'9', b' ', size @ ..] = rest
        {
            let (mut bytes, mut digits) = (0_u64, 0);
            while let Some(digit @ b'0'..=b'9') = size.get(digits) {
                bytes = bytes.wrapping_mul(10).wrapping_add(u64::from(digit - b'0'));
                digits += 1;
            }
            // As many always fit.
            if (1..=19).contains(&digits) && matches!(size.get(digits), None | Some(b' ')) {
                let status =
                    [hundreds, tens, ones].iter().fold(0, |sum, digit| sum * 10 + u16::from(**digit - b'0'));
                self.0 = self.0.get(5 + digits..)?;
                return Some((Some(status), Some(bytes)));
            }
        }
        if !starts_with_status(rest) {
            return None;
        }
        let (status, rest) = word(rest);
        let (size, rest) = word(rest);
        let answer = (read_status(status).ok()?, read_size(size).ok()?);
        self.0 = self.0.get(self.0.len().checked_sub(rest.len())?..)?;
        Some(answer)
    }
}

/// The method, the target and the protocol of a well-formed request line.
#[inline]
fn request_line(request: &str) -> Option<(&str, &str, Option<&str>)> {
    // Nearly all are of this form, and spaces at the ends of the target alone need more care.
    let method = match request.as_bytes() {
        [b'G', b'E', b'T', b' ', ..] => 3,
        [b'P', b'O', b'S', b'T', b' ', ..] | [b'H', b'E', b'A', b'D', b' ', ..] => 4,
        _ => 0,
    };
    let before = request.len().saturating_sub(9);
    if let (Some(method), Some(target), Some(" HTTP/1.1" | " HTTP/1.0" | " HTTP/2.0")) =
        (request.get(..method), request.get(method + 1..before), request.get(before..))
        && !method.is_empty()
        && let [first, .., last] | [first @ last] = target.as_bytes()
        && *first != b' '
        && *last != b' '
    {
        return Some((method, target, request.get(before + 1..)));
    }
    let line = request::split(request.as_bytes())?;
    let protocol = line.protocol.and_then(|protocol| std::str::from_utf8(protocol).ok());
    Some((std::str::from_utf8(line.method).ok()?, std::str::from_utf8(line.target).ok()?, protocol))
}

/// The user's name, in what stands between the address and the time.
fn user(between: &str) -> Option<&str> {
    client::user(between.as_bytes()).and_then(|user| std::str::from_utf8(user).ok())
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
