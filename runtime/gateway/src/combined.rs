//! Common and combined access logs, as nginx, Apache, LiteSpeed, Traefik and their kin write them.
//!
//! ```text
//! client ident user [time] "request" status size                                 common
//! client ident user [time] "request" status size "referrer" "user agent" …       combined
//! ```
//!
//! What follows the user agent is ignored, but for a third quoted field that holds addresses: nginx's `main`
//! format puts `X-Forwarded-For` there. What may precede the client is told in `client.rs`.

use smol_str::SmolStr;

use crate::client;
use crate::exchange::HttpExchange;
use crate::reject::RejectReason;
use crate::request;
use crate::text::{unescaped, write_escaped};
use crate::time::{self, CLF_LEN, TimeError};
use crate::usual::UsualLine;

/// Parses one line without its line end. Cost: two passes over the bytes, an allocation per field over 23 bytes.
///
/// # Errors
/// The reason the line is not an access record.
pub fn parse(line: &[u8]) -> Result<HttpExchange, RejectReason> {
    match UsualLine::read(line) {
        Some(line) => Ok(line.into()),
        None => parse_carefully(line),
    }
}

/// The same, where it stays: an exchange is too large to be moved about.
pub(crate) fn parse_boxed(line: &[u8]) -> Result<Box<HttpExchange>, RejectReason> {
    let Some(line) = UsualLine::read(line) else { return parse_carefully(line).map(Box::new) };
    let mut exchange = Box::<HttpExchange>::default();
    line.fill(&mut exchange);
    Ok(exchange)
}

/// The same of any line, and why it is none: what [`UsualLine`] reads it reads too, and alike.
pub(crate) fn parse_carefully(line: &[u8]) -> Result<HttpExchange, RejectReason> {
    let (head, ts_ms, rest) = split_at_time(line)?;
    let mut exchange = HttpExchange { ts_ms, ..HttpExchange::default() };
    client::read_into(&mut exchange, head)?;

    let quoted = rest.trim_ascii_start().strip_prefix(b"\"").ok_or(RejectReason::NoRequest)?;
    let (raw_request, rest) = close_quote(quoted, starts_with_status).map_err(|no| match no {
        // It is closed, but what follows is no status.
        RejectReason::Unterminated if memchr::memchr(b'"', quoted).is_some() => RejectReason::BadStatus,
        no => no,
    })?;
    request::read_into(&mut exchange, raw_request, unescaped);

    let (status, rest) = word(rest);
    exchange.status = read_status(status)?;
    let (size, rest) = word(rest);
    exchange.bytes = read_size(size)?;

    let Some((referrer, rest)) = quoted_field(rest)? else { return Ok(exchange) };
    exchange.referrer = Some(header(referrer));
    let Some((agent, rest)) = quoted_field(rest)? else { return Ok(exchange) };
    exchange.user_agent = Some(header(agent));
    if let Ok(Some((extra, _))) = quoted_field(rest)
        && extra.split(|b| *b == b',').all(|part| client::address(part.trim_ascii()).is_some())
    {
        exchange.forwarded_for = present(extra);
    }
    Ok(exchange)
}

/// Writes an exchange as one combined line (at UTC, without milliseconds or line end) that [`parse`] reads
/// back. Fields the format has no place for (fingerprints, duration) are left out.
pub fn print(exchange: &HttpExchange) -> String {
    let mut out = String::with_capacity(256);
    let or_dash = |text: &Option<SmolStr>| text.clone().unwrap_or_else(|| SmolStr::new_static("-"));
    if let Some(host) = &exchange.host {
        out.push_str(host);
        out.push(' ');
    }
    match &exchange.ip {
        Some(ip) => out.push_str(&ip.to_string()),
        None => out.push_str(&or_dash(&exchange.client_name)),
    }
    out.push_str(" - ");
    write_escaped(&mut out, &or_dash(&exchange.user));
    out.push_str(" [");
    time::write_clf(&mut out, exchange.ts_ms);
    out.push_str("] \"");
    match (&exchange.method, &exchange.malformed_request) {
        (Some(method), _) => {
            write_escaped(&mut out, method);
            out.push(' ');
            write_escaped(&mut out, exchange.path.as_deref().unwrap_or_default());
            if let Some(query) = &exchange.query {
                out.push('?');
                write_escaped(&mut out, query);
            }
            if let Some(protocol) = &exchange.protocol {
                out.push(' ');
                write_escaped(&mut out, protocol);
            }
        }
        (None, Some(line)) => write_escaped(&mut out, line),
        (None, None) => out.push('-'),
    }
    out.push_str("\" ");
    out.push_str(&exchange.status.map_or("-".to_owned(), |s| s.to_string()));
    out.push(' ');
    out.push_str(&exchange.bytes.map_or("-".to_owned(), |b| b.to_string()));
    // What stands behind a field makes it a column of the format; a common line has none of these.
    let columns = [&exchange.referrer, &exchange.user_agent, &exchange.forwarded_for];
    let recorded = columns.iter().rposition(|text| text.is_some()).map_or(0, |last| last + 1);
    for text in columns.into_iter().take(recorded) {
        out.push_str(" \"");
        write_escaped(&mut out, &or_dash(text));
        out.push('"');
    }
    out
}

/// Finds `[20/Feb/2016:00:00:45 -0500] "`: what is before it, the instant, what follows.
///
/// A client chooses its user name, which may hold a time but never a bare quote: so the first time that a quote
/// follows is the server's own, and nobody can move their requests in time or out of sight.
fn split_at_time(line: &[u8]) -> Result<(&[u8], i64, &[u8]), RejectReason> {
    let mut trouble = RejectReason::NoTime;
    for at in memchr::memchr_iter(b'[', line) {
        let Some((head, tail)) = line.split_at_checked(at) else { break };
        let Some((inside, rest)) = tail.get(1..).and_then(|t| t.split_at_checked(CLF_LEN)) else { break };
        let Some(rest) = rest.strip_prefix(b"]") else { continue };
        match time::clf(inside) {
            Ok(ts_ms) if rest.trim_ascii_start().starts_with(b"\"") => return Ok((head, ts_ms, rest)),
            Ok(_) => trouble = RejectReason::NoRequest,
            Err(TimeError::Range) => trouble = RejectReason::BadTime,
            Err(TimeError::Shape) => {}
        }
    }
    Err(trouble)
}

/// A field and what follows it.
type Split<'a> = (&'a [u8], &'a [u8]);

/// A quoted field after spaces, and what follows it; `None` when the next thing is not quoted.
fn quoted_field(rest: &[u8]) -> Result<Option<Split<'_>>, RejectReason> {
    match rest.trim_ascii_start().strip_prefix(b"\"") {
        Some(inside) => {
            close_quote(inside, |after| after.is_empty() || after.first() == Some(&b' ')).map(Some)
        }
        None => Ok(None),
    }
}

/// Splits at the quote that ends a field: the first one not escaped whose `after` is plausible. Servers that
/// do not escape quotes are read too. Cost: linear, `plausible` looks at a few bytes.
///
/// # Errors
/// `Unterminated` without such a quote; `RunTogether` when the field then holds the start of another record.
fn close_quote(text: &[u8], plausible: impl Fn(&[u8]) -> bool) -> Result<Split<'_>, RejectReason> {
    let mut from = 0;
    let mut passed_a_quote = false;
    while let Some(found) = text.get(from..).and_then(|rest| memchr::memchr2(b'"', b'\\', rest)) {
        let at = from + found;
        let Some((field, tail)) = text.split_at_checked(at) else { break };
        let after = tail.get(1..).unwrap_or_default();
        if tail.first() == Some(&b'\\') {
            from = at + 2;
            continue;
        }
        if plausible(after) {
            if passed_a_quote && holds_a_time(field) {
                return Err(RejectReason::RunTogether);
            }
            return Ok((field, after));
        }
        passed_a_quote = true;
        from = at + 1;
    }
    Err(RejectReason::Unterminated)
}

/// Whether a field holds `[20/Feb/2016:…]`, as it does when two records run together.
fn holds_a_time(field: &[u8]) -> bool {
    memchr::memchr_iter(b'[', field)
        .any(|at| field.get(at + 1..at + 1 + CLF_LEN).is_some_and(|inside| time::clf(inside).is_ok()))
}

/// Whether ` 200 ` or ` - ` follows the request's closing quote.
pub(crate) fn starts_with_status(after: &[u8]) -> bool {
    if after.first() != Some(&b' ') {
        return false;
    }
    match *after.trim_ascii_start() {
        [b'-', b' ', ..] => true,
        [a, b, c, b' ', ..] => a.is_ascii_digit() && b.is_ascii_digit() && c.is_ascii_digit(),
        _ => false,
    }
}

/// `-` and nginx's `000` (the client left first) are missing.
pub(crate) fn read_status(text: &[u8]) -> Result<Option<u16>, RejectReason> {
    match *text {
        [b'-'] | [b'0', b'0', b'0'] => Ok(None),
        [a @ b'1'..=b'9', b @ b'0'..=b'9', c @ b'0'..=b'9'] => {
            Ok(Some(u16::from(a - b'0') * 100 + u16::from(b - b'0') * 10 + u16::from(c - b'0')))
        }
        _ => Err(RejectReason::BadStatus),
    }
}

pub(crate) fn read_size(text: &[u8]) -> Result<Option<u64>, RejectReason> {
    if text == b"-" {
        return Ok(None);
    }
    if text.is_empty() {
        return Err(RejectReason::BadSize);
    }
    text.iter()
        .try_fold(0_u64, |value, b| {
            let digit = b.is_ascii_digit().then(|| u64::from(b - b'0'))?;
            value.checked_mul(10)?.checked_add(digit)
        })
        .map(Some)
        .ok_or(RejectReason::BadSize)
}

/// The word after spaces, and what follows it.
pub(crate) fn word(text: &[u8]) -> (&[u8], &[u8]) {
    let text = text.trim_ascii_start();
    memchr::memchr(b' ', text).and_then(|at| text.split_at_checked(at)).unwrap_or((text, &[]))
}

/// A header that the format records: `-` says that the client sent none, which is known, not missing.
fn header(raw: &[u8]) -> SmolStr {
    if raw == b"-" { SmolStr::new_static("") } else { unescaped(raw) }
}

fn present(raw: &[u8]) -> Option<SmolStr> {
    if raw == b"-" { None } else { Some(unescaped(raw)) }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEAD: &str = "192.0.2.1 - - [20/Feb/2016:00:00:45 -0500] ";

    fn rest(rest: &str) -> Result<HttpExchange, RejectReason> {
        parse(format!("{HEAD}{rest}").as_bytes())
    }

    #[test]
    fn rejected_for_the_right_reason() {
        for (line, reason) in [
            ("", RejectReason::NoTime),
            ("192.0.2.1 - - [2016-02-20] \"GET / HTTP/1.1\" 200 1", RejectReason::NoTime),
            ("192.0.2.1 - - [30/Feb/2016:00:00:45 -0500] \"GET / HTTP/1.1\" 200 1", RejectReason::BadTime),
            ("[20/Feb/2016:00:00:45 -0500] \"GET / HTTP/1.1\" 200 1", RejectReason::NoClient),
        ] {
            assert_eq!(parse(line.as_bytes()), Err(reason), "{line}");
        }
        for (tail, reason) in [
            ("", RejectReason::NoRequest),
            ("GET / HTTP/1.1 200 1", RejectReason::NoRequest),
            ("\"GET / HTTP/1.1", RejectReason::Unterminated),
            ("\"GET / HTTP/1.1\"", RejectReason::BadStatus),
            ("\"GET / HTTP/1.1\" 20x 1", RejectReason::BadStatus),
            ("\"GET / HTTP/1.1\" 099 1", RejectReason::BadStatus),
            ("\"GET / HTTP/1.1\" 200 ", RejectReason::BadSize),
            ("\"GET / HTTP/1.1\" 200 1x", RejectReason::BadSize),
            ("\"GET / HTTP/1.1\" 200 99999999999999999999", RejectReason::BadSize),
            ("\"GET / HTTP/1.1\" 200 1 \"-\" \"Mozilla", RejectReason::Unterminated),
            ("\"GET / HTTP/1.1\" 200 1 \"-\" \"Mozilla\\\"", RejectReason::Unterminated),
            (
                "\"GET / HTTP/1.0\" 404 1 \"-\" \"Mozilla192.0.2.2 - - [20/Feb/2016:00:00:46 -0500] \"GET /x HTTP/1.1\" 200 2 \"-\" \"-\"",
                RejectReason::RunTogether,
            ),
        ] {
            assert_eq!(rest(tail), Err(reason), "{tail}");
        }
    }

    #[test]
    fn a_user_name_cannot_forge_a_time() {
        let name = "x [01/Jan/2000:00:00:00 +0000] \\x22GET / HTTP/1.1\\x22 200 1";
        let line = format!("192.0.2.1 - {name} [20/Feb/2016:00:00:45 -0500] \"POST /login HTTP/1.1\" 401 1");
        let e = parse(line.as_bytes()).unwrap();
        assert_eq!((e.ts_ms, e.path.as_deref()), (1_455_944_445_000, Some("/login")));
        assert_eq!(e.user.as_deref(), Some("x [01/Jan/2000:00:00:00 +0000] \"GET / HTTP/1.1\" 200 1"));
    }

    #[test]
    fn quotes_that_the_server_left_raw() {
        let e = rest("\"GET /a\" onload=\"x HTTP/1.1\" 404 1 \"-\" \"the \"best\"browser\"").unwrap();
        assert_eq!(e.path.as_deref(), Some("/a\" onload=\"x"));
        assert_eq!(e.user_agent.as_deref(), Some("the \"best\"browser"));
    }

    #[test]
    fn a_header_not_sent_is_known_to_be_empty() {
        let e = rest("\"GET / HTTP/1.1\" 000 - \"-\" \"\" \"192.0.2.7, 192.0.2.8\" 0.005").unwrap();
        assert_eq!(
            (e.status, e.bytes, e.referrer.as_deref(), e.user_agent.as_deref()),
            (None, None, Some(""), Some(""))
        );
        assert_eq!(e.forwarded_for.as_deref(), Some("192.0.2.7, 192.0.2.8"));
        let e = rest("\"GET / HTTP/1.1\" 200 5 \"-\" \"x\" 500 \"test@docker\" \"http://172.17.0.3:80\" 0ms")
            .unwrap();
        assert_eq!((e.bytes, e.forwarded_for), (Some(5), None));
    }
}
