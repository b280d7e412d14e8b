//! Who asked: the part of a common log line before the time.
//!
//! ```text
//! 192.0.2.1 - ann [                                  common and combined
//! shop.example:443 192.0.2.1 - ann [                 with the virtual host in front
//! shop.example 192.0.2.1 - 5f2a91 - [                nginx with a request id between
//! Sep 15 16:13:46 web1 nginx[2869]: 192.0.2.1 - - [  behind a syslog header
//! 2022-01-28T16:04:05Z stdout F 192.0.2.1 - - [      behind a container runtime's header
//! ```

use std::net::{IpAddr, SocketAddr};

use crate::exchange::HttpExchange;
use crate::reject::RejectReason;
use crate::text::{literal, unescaped};

/// Reads the words before the time into `ip` or `client_name`, `user` and `host`.
///
/// # Errors
/// `NoClient` when nothing stands there.
pub(crate) fn read_into(exchange: &mut HttpExchange, head: &[u8]) -> Result<(), RejectReason> {
    let head = head.trim_ascii();
    let (first, rest) = word(head);
    if first.is_empty() {
        return Err(RejectReason::NoClient);
    }
    // Nearly every line: an address, an ident nobody uses, a user.
    if let Some(ip) = address(first) {
        exchange.ip = Some(ip);
        exchange.user = named(word(rest).1);
        return Ok(());
    }
    let head = without_header(head);
    let (first, rest) = word(head);
    let (second, after_second) = word(rest);
    if let Some(ip) = address(first) {
        exchange.ip = Some(ip);
        exchange.user = named(word(rest).1);
    } else if let Some(ip) = address(second) {
        exchange.host = present(without_port(first));
        exchange.ip = Some(ip);
        exchange.user = named(word(after_second).1);
    } else if second != b"-" && words(head) >= 4 {
        // The word after a client is the ident, which is `-` everywhere; so this is another name.
        exchange.host = present(without_port(first));
        exchange.client_name = present(second);
        exchange.user = named(word(after_second).1);
    } else {
        exchange.client_name = present(first);
        exchange.user = named(word(rest).1);
    }
    Ok(())
}

/// Reads an address, alone or with a port (`192.0.2.1:39490`, `[2001:db8::1]:443`) or a zone (`fe80::1%eth0`).
/// An IPv4 address mapped into IPv6 is given as IPv4.
pub(crate) fn address(text: &[u8]) -> Option<IpAddr> {
    // Every spelling starts with one of these, and words that do not are the common case in the slow path.
    if !text.first().is_some_and(|b| b.is_ascii_hexdigit() || matches!(b, b':' | b'[')) {
        return None;
    }
    let text = std::str::from_utf8(text).ok()?;
    let ip = text
        .parse::<IpAddr>()
        .ok()
        .or_else(|| text.parse::<SocketAddr>().ok().map(|socket| socket.ip()))
        .or_else(|| text.split_once('%').and_then(|(ip, _)| ip.parse().ok()))?;
    Some(ip.to_canonical())
}

/// The user's name, which may hold spaces. A request id before it is dropped when no user follows.
fn named(text: &[u8]) -> Option<smol_str::SmolStr> {
    name(text).map(unescaped)
}

fn name(text: &[u8]) -> Option<&[u8]> {
    let text = text.trim_ascii();
    if text.ends_with(b" -") || matches!(text, b"" | b"-" | b"\"\"") { None } else { Some(text) }
}

/// The user's name as it is written, in what follows an address.
pub(crate) fn user(after: &[u8]) -> Option<&[u8]> {
    name(word(after.trim_ascii()).1)
}

fn present(text: &[u8]) -> Option<smol_str::SmolStr> {
    if matches!(text, b"" | b"-") { None } else { Some(literal(text)) }
}

/// A virtual host without the server's own port (`%v:%p`).
fn without_port(host: &[u8]) -> &[u8] {
    match memchr::memrchr(b':', host).and_then(|at| host.split_at_checked(at)) {
        Some((name, port)) if port.len() > 1 && port.iter().skip(1).all(u8::is_ascii_digit) => name,
        _ => host,
    }
}

/// What follows a syslog header (`… nginx[2869]: `) or a container runtime's (`… stdout F `), if one is there.
fn without_header(head: &[u8]) -> &[u8] {
    let mut rest = head;
    // A syslog header has up to 5 words before the message, a runtime's has 3.
    for _ in 0..5 {
        let (first, after) = word(rest);
        let (second, after_second) = word(after);
        if after.is_empty() {
            break;
        }
        let tag = first.ends_with(b"]:") || (first.ends_with(b":") && address(second).is_some());
        if tag && address(first).is_none() {
            return after;
        }
        if matches!(first, b"stdout" | b"stderr") && matches!(second, b"F" | b"P") {
            return after_second;
        }
        rest = after;
    }
    head
}

/// The first word and what follows the spaces after it.
fn word(text: &[u8]) -> (&[u8], &[u8]) {
    match memchr::memchr(b' ', text).and_then(|at| text.split_at_checked(at)) {
        Some((first, rest)) => (first, rest.trim_ascii_start()),
        None => (text, &[]),
    }
}

fn words(text: &[u8]) -> usize {
    text.split(|b| *b == b' ').filter(|w| !w.is_empty()).count()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn heads() {
        // head => address, host name, user, virtual host
        for (head, want) in [
            ("192.0.2.1 - - ", ["192.0.2.1", "-", "-", "-"]),
            ("192.0.2.1 - ", ["192.0.2.1", "-", "-", "-"]),
            ("192.0.2.1 - ann", ["192.0.2.1", "-", "ann", "-"]),
            ("192.0.2.1 - ann lee", ["192.0.2.1", "-", "ann lee", "-"]),
            ("192.0.2.1 - \"\"", ["192.0.2.1", "-", "-", "-"]),
            ("::ffff:192.0.2.1 - -", ["192.0.2.1", "-", "-", "-"]),
            ("2001:db8::1 - -", ["2001:db8::1", "-", "-", "-"]),
            ("fe80::1%eth0 - -", ["fe80::1", "-", "-", "-"]),
            ("192.0.2.1:39490 - -", ["192.0.2.1", "-", "-", "-"]),
            ("h1.example - ann", ["-", "h1.example", "ann", "-"]),
            ("h1.example - ann lee", ["-", "h1.example", "ann lee", "-"]),
            ("- - -", ["-", "-", "-", "-"]),
            ("unix: - -", ["-", "unix:", "-", "-"]),
            ("shop.example:443 192.0.2.1 - ann", ["192.0.2.1", "-", "ann", "shop.example"]),
            ("shop.example 192.0.2.1 - 5f2a91 -", ["192.0.2.1", "-", "-", "shop.example"]),
            ("shop.example h1.example - -", ["-", "h1.example", "-", "shop.example"]),
            ("Sep 15 16:13:46 web1 nginx[2869]: 192.0.2.1 - -", ["192.0.2.1", "-", "-", "-"]),
            ("Sep 15 16:13:46 web1 nginx: 192.0.2.1 - -", ["192.0.2.1", "-", "-", "-"]),
            ("Sep 15 16:13:46 web1 nginx[2869]: h1.example - -", ["-", "h1.example", "-", "-"]),
            ("2022-01-28T16:04:05Z stdout F 192.0.2.1 - ann", ["192.0.2.1", "-", "ann", "-"]),
        ] {
            let mut e = HttpExchange::default();
            assert_eq!(read_into(&mut e, head.as_bytes()), Ok(()), "{head}");
            let ip = e.ip.map(|ip| ip.to_string().into());
            let got = [ip, e.client_name, e.user, e.host].map(|t| t.map_or("-".into(), String::from));
            assert_eq!(got, want, "{head}");
        }
        assert_eq!(read_into(&mut HttpExchange::default(), b"  "), Err(RejectReason::NoClient));
    }
}
