//! Printing a combined line and parsing it gives the same exchange back.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use proptest::option::of;
use proptest::prelude::*;
use weir_gateway::{EARLIEST_MS, HttpExchange, LATEST_MS, parse_combined, print_combined};

/// Any text a field may hold: no control characters (they are spelled `\xNN`), and not the mark for missing.
fn text() -> impl Strategy<Value = String> {
    prop_oneof!["[^\\p{Cc}]{0,30}", "[\"\\\\ xX0-9a-f\\[\\]-]{0,12}", "[!-~]{24,60}"]
        .prop_filter("the mark for missing", |t| t != "-")
}

/// Text that does not start or end with white space: what stands between spaces loses it.
fn word() -> impl Strategy<Value = String> {
    text().prop_map(|t| t.trim().to_owned())
}

fn client() -> impl Strategy<Value = (Option<IpAddr>, Option<String>, Option<String>)> {
    let host = "[a-z][a-z0-9]{0,8}(\\.[a-z][a-z0-9]{1,8}){1,3}";
    let v4 = any::<u32>().prop_map(|n| IpAddr::V4(Ipv4Addr::from(n)));
    let v6 = any::<u128>().prop_map(|n| IpAddr::V6(Ipv6Addr::from(n)).to_canonical());
    prop_oneof![
        (prop_oneof![v4, v6], of(host)).prop_map(|(ip, host)| (Some(ip), None, host)),
        host.prop_map(|name| (None, Some(name), None)),
    ]
}

/// Method, path, query, protocol; or a malformed line.
type Request = (Option<String>, Option<String>, Option<String>, Option<String>, Option<String>);

fn request() -> impl Strategy<Value = Request> {
    let method = "[A-Z][A-Z_-]{0,15}";
    let path = word().prop_map(|t| format!("/{}", t.replace('?', "")).trim_end().to_owned());
    let query = word().prop_map(|q| q.trim_start().to_owned());
    let protocol = "HTTP/[0-3](\\.[01])?";
    prop_oneof![
        4 => (method, path, of(query), protocol).prop_map(|(m, p, q, v)| (Some(m), Some(p), q, Some(v), None)),
        1 => "[^\\p{Cc} -][^\\p{Cc} ]{0,20}".prop_map(|line| (None, None, None, None, Some(line))),
    ]
}

fn user() -> impl Strategy<Value = String> {
    word().prop_filter("ambiguous with what surrounds it", |u| {
        !u.is_empty() && !u.ends_with(" -") && !u.starts_with("- ") && u != "\"\"" && u != "-"
    })
}

fn exchange() -> impl Strategy<Value = HttpExchange> {
    let sizes = (of(100..1000_u16), of(any::<u64>()));
    let chain = proptest::collection::vec(any::<u32>().prop_map(|n| Ipv4Addr::from(n).to_string()), 1..3);
    // A column can be absent only with all behind it: `-` in a header's column is the known empty text.
    let headers = of((text(), of((text(), of(chain)))));
    let texts = (of(user()), headers);
    (EARLIEST_MS / 1000..LATEST_MS / 1000, client(), request(), sizes, texts).prop_map(
        |(second, (ip, name, host), (method, path, query, protocol, malformed), (status, bytes), texts)| {
            let (user, headers) = texts;
            let (referrer, agent) = headers.unzip();
            let (user_agent, chain) = agent.flatten().unzip();
            let chain = chain.flatten();
            HttpExchange {
                ts_ms: second * 1000,
                ip,
                client_name: name.map(Into::into),
                host: host.map(Into::into),
                user: user.map(Into::into),
                method: method.map(Into::into),
                path: path.map(Into::into),
                query: query.map(Into::into),
                protocol: protocol.map(Into::into),
                malformed_request: malformed.map(Into::into),
                status,
                bytes,
                referrer: referrer.map(Into::into),
                user_agent: user_agent.map(Into::into),
                forwarded_for: chain.map(|c| c.join(", ").into()),
                ..HttpExchange::default()
            }
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2000, ..ProptestConfig::default() })]

    #[test]
    fn combined_lines(exchange in exchange()) {
        let line = print_combined(&exchange);
        prop_assert!(!line.contains(['\n', '\r']));
        prop_assert_eq!(parse_combined(line.as_bytes()), Ok(exchange), "{}", line);
    }

    /// What parses at all, printed and parsed again, stays what it is.
    #[test]
    fn any_tail(tail in "[ -~]{0,60}") {
        let line = format!("192.0.2.1 - - [20/Feb/2016:00:00:45 +0000] {tail}");
        if let Ok(once) = parse_combined(line.as_bytes()) {
            prop_assert_eq!(parse_combined(print_combined(&once).as_bytes()), Ok(once));
        }
    }
}
