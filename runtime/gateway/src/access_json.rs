//! Access logs as JSON objects: nginx's `log_format … escape=json`, Traefik's and Caddy's.
//!
//! nginx has no fixed names, so the names of its variables are read and the handful people rename them to.
//! Where a log gives one thing twice the better source wins; the order is told beside each name below.
//! An empty string and `-` are missing: nginx writes variables without a value so.

use smol_str::SmolStr;

use crate::client;
use crate::exchange::HttpExchange;
use crate::reject::RejectReason;
use crate::request;
use crate::text::literal;
use crate::time::{self, CLF_LEN};
use crate::value::{self, Fields, Value};

/// Parses one line.
///
/// # Errors
/// The reason the line is not an access record: not a JSON object, no time, or neither a request nor a status.
pub(crate) fn parse(line: &[u8]) -> Result<HttpExchange, RejectReason> {
    let object = value::parse_object(line)?;
    let mut seen = Seen::default();
    for (name, value) in object.iter() {
        seen.take(name, value);
    }
    seen.into_exchange()
}

/// The best source so far of one field: lower ranks win.
#[derive(Default)]
struct Best<'a> {
    rank: u8,
    value: Option<&'a Value>,
}

impl<'a> Best<'a> {
    fn offer(&mut self, rank: u8, value: &'a Value) {
        let blank = match value {
            Value::Null => true,
            Value::Text(text) => matches!(text.as_str(), "" | "-"),
            _ => false,
        };
        if !blank && (self.value.is_none() || rank < self.rank) {
            *self = Best { rank, value: Some(value) };
        }
    }

    /// As [`Best::offer`], but an empty value is kept until a better one comes: the client sent no such header.
    fn offer_header(&mut self, rank: u8, value: &'a Value) {
        let empty = matches!(value, Value::Text(text) if matches!(text.as_str(), "" | "-"));
        if empty && self.value.is_none() {
            *self = Best { rank: u8::MAX, value: Some(value) };
        }
        self.offer(rank, value);
    }

    fn text(&self) -> Option<SmolStr> {
        match self.value? {
            Value::Text(text) => Some(literal(text.as_bytes())),
            // Caddy gives each header as a list of values.
            Value::List(items) => items.first().and_then(Value::as_text).map(|t| literal(t.as_bytes())),
            _ => None,
        }
    }

    /// A header that the log records: `-` and nothing say that the client sent none, which is known.
    fn header(&self) -> Option<SmolStr> {
        self.text().map(|text| if text == "-" { SmolStr::new_static("") } else { text })
    }

    fn number(&self) -> Option<f64> {
        let number = match self.value? {
            Value::Int(n) => *n as f64,
            Value::Float(n) => *n,
            Value::Text(text) => text.parse().ok()?,
            _ => return None,
        };
        (number.is_finite() && number >= 0.0).then_some(number)
    }

    fn whole<T: TryFrom<i64> + std::str::FromStr>(&self) -> Option<T> {
        match self.value? {
            Value::Int(n) => T::try_from(*n).ok(),
            Value::Text(text) => text.parse().ok(),
            _ => None,
        }
    }
}

/// What a line offered for each field.
#[derive(Default)]
struct Seen<'a> {
    time: Best<'a>,
    client: Best<'a>,
    user: Best<'a>,
    request_line: Best<'a>,
    method: Best<'a>,
    target: Best<'a>,
    args: Best<'a>,
    protocol: Best<'a>,
    status: Best<'a>,
    bytes: Best<'a>,
    referrer: Best<'a>,
    agent: Best<'a>,
    host: Best<'a>,
    seconds: Best<'a>,
    nanoseconds: Best<'a>,
    forwarded_for: Best<'a>,
    ja3: Best<'a>,
    ja4: Best<'a>,
}

impl<'a> Seen<'a> {
    #[rustfmt::skip] // a table: one name, its field and its rank a line
    fn take(&mut self, name: &str, value: &'a Value) {
        match name {
            "msec" => self.time.offer(0, value),                                  // to the millisecond
            "StartUTC" => self.time.offer(1, value),
            "time_iso8601" | "@timestamp" => self.time.offer(2, value),
            "time_local" => self.time.offer(3, value),
            "ts" => self.time.offer(4, value),                                    // Caddy
            "timestamp" | "time" => self.time.offer(5, value),

            "remote_addr" => self.client.offer(0, value),
            "remote_ip" | "client_ip" | "clientip" | "client" => self.client.offer(1, value),
            "ClientHost" => self.client.offer(2, value),                          // Traefik
            "ClientAddr" => self.client.offer(3, value),                          // with the port
            "remote_user" | "ClientUsername" => self.user.offer(0, value),
            "user_id" => self.user.offer(1, value),                               // Caddy

            "request" => match value {
                Value::Object(inner) => self.take_caddy_request(inner),
                _ => self.request_line.offer(0, value),
            },
            "request_method" | "RequestMethod" => self.method.offer(0, value),
            "method" => self.method.offer(1, value),
            "request_uri" | "RequestPath" => self.target.offer(0, value),         // as sent
            "uri" => self.target.offer(1, value),                                 // normalised by the server
            "args" | "query_string" => self.args.offer(0, value),
            "server_protocol" | "RequestProtocol" => self.protocol.offer(0, value),
            "protocol" => self.protocol.offer(1, value),

            "status" | "DownstreamStatus" => self.status.offer(0, value),
            "body_bytes_sent" => self.bytes.offer(0, value),
            "DownstreamContentSize" | "size" => self.bytes.offer(1, value),
            "bytes_sent" => self.bytes.offer(2, value),                           // headers too
            "request_time" | "duration" => self.seconds.offer(0, value),
            "Duration" => self.nanoseconds.offer(0, value),                       // Traefik

            "http_referer" | "request_Referer" => self.referrer.offer_header(0, value),
            "http_referrer" | "referer" | "referrer" => self.referrer.offer_header(1, value),
            "http_user_agent" | "request_User-Agent" => self.agent.offer_header(0, value),
            "user_agent" | "agent" => self.agent.offer_header(1, value),
            "host" => self.host.offer(0, value),
            "http_host" | "RequestHost" => self.host.offer(1, value),
            "server_name" | "vhost" => self.host.offer(2, value),
            "http_x_forwarded_for" | "request_X-Forwarded-For" => self.forwarded_for.offer(0, value),
            "x_forwarded_for" => self.forwarded_for.offer(1, value),

            "ssl_ja3_hash" | "http_ssl_ja3_hash" | "ja3_hash" => self.ja3.offer(0, value),
            "ssl_ja3" | "http_ssl_ja3" | "ja3" | "http_ja3" | "http_x_ja3" => self.ja3.offer(1, value),
            "ssl_ja4" | "http_ssl_ja4" | "ja4" | "http_ja4" | "http_x_ja4" => self.ja4.offer(0, value),
            _ => {}
        }
    }

    fn take_caddy_request(&mut self, request: &'a Fields) {
        for (name, value) in request.iter() {
            match name {
                "client_ip" => self.client.offer(1, value), // behind trusted proxies, the client they name
                "remote_ip" => self.client.offer(2, value),
                "method" => self.method.offer(0, value),
                "uri" => self.target.offer(0, value),
                "proto" => self.protocol.offer(0, value),
                "host" => self.host.offer(0, value),
                "headers" => self.take_caddy_headers(value),
                _ => {}
            }
        }
    }

    fn take_caddy_headers(&mut self, headers: &'a Value) {
        for (name, value) in headers.as_object().into_iter().flat_map(Fields::iter) {
            match name {
                "User-Agent" => self.agent.offer_header(0, value),
                "Referer" => self.referrer.offer_header(0, value),
                "X-Forwarded-For" => self.forwarded_for.offer(0, value),
                _ => {}
            }
        }
    }

    fn into_exchange(self) -> Result<HttpExchange, RejectReason> {
        let ts_ms = instant(self.time.value.ok_or(RejectReason::NoTime)?).ok_or(RejectReason::BadTime)?;
        let mut exchange = HttpExchange { ts_ms, ..HttpExchange::default() };
        if let Some(client) = self.client.text() {
            exchange.ip = client::address(client.as_bytes());
            exchange.client_name = (exchange.ip.is_none() && client != "unix:").then_some(client);
        }
        exchange.status = self.status.whole().filter(|s| (100..1000).contains(s));
        self.read_request(&mut exchange);
        let told = exchange.path.is_some() || exchange.malformed_request.is_some();
        if !told && self.status.value.is_none() {
            return Err(RejectReason::NoRequest);
        }
        exchange.user = self.user.text();
        exchange.bytes = self.bytes.whole();
        exchange.referrer = self.referrer.header();
        exchange.user_agent = self.agent.header();
        exchange.host = self.host.text();
        exchange.forwarded_for = self.forwarded_for.text();
        exchange.ja3 = self.ja3.text();
        exchange.ja4 = self.ja4.text();
        let from_nanoseconds = self.nanoseconds.number().map(|ns| ns / 1e6);
        exchange.duration_ms = self.seconds.number().map(|s| s * 1e3).or(from_nanoseconds);
        Ok(exchange)
    }

    /// The request from its line; else from its parts.
    fn read_request(&self, exchange: &mut HttpExchange) {
        if let Some(line) = self.request_line.text() {
            request::read_into(exchange, line.as_bytes(), literal);
        }
        if exchange.method.is_none() {
            exchange.method = self.method.text();
        }
        if exchange.path.is_none()
            && let Some(target) = self.target.text()
        {
            request::read_target(exchange, target.as_bytes(), literal);
        }
        if exchange.query.is_none() && exchange.path.is_some() {
            exchange.query = self.args.text();
        }
        if exchange.protocol.is_none() {
            exchange.protocol = self.protocol.text();
        }
    }
}

/// A time in any spelling the names above come with: RFC 3339, common log time, seconds since 1970 with or
/// without a fraction, or milliseconds. The two numbers cannot be confused: 10^11 seconds is the year 5138,
/// 10^11 milliseconds is 1973, and both lie outside the accepted years.
fn instant(value: &Value) -> Option<i64> {
    let read = match value {
        Value::Int(n) if *n >= 100_000_000_000 => time::accepted(*n),
        Value::Int(n) => time::accepted(n.checked_mul(1000)?),
        // Rounded, because 1693840791.756 has no exact double.
        Value::Float(n) if (0.0..1e11).contains(n) => time::accepted((n * 1e3).round() as i64),
        Value::Text(text) if text.len() == CLF_LEN && text.contains('/') => time::clf(text.as_bytes()),
        Value::Text(text) if text.contains('-') => time::rfc3339(text),
        Value::Text(text) => time::epoch_seconds(text),
        _ => return None,
    };
    read.ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_instant_in_every_spelling() {
        for time in [
            r#""msec":"1455944445.123""#,
            r#""msec":1455944445.123"#,
            r#""@timestamp":"2016-02-20T00:00:45.123-05:00""#,
            r#""timestamp":1455944445123"#,
            r#""ts":1455944445.1230001"#,
            r#""msec":"1455944445.123","time_local":"01/Jan/2000:00:00:00 +0000""#,
            r#""time_local":"01/Jan/2000:00:00:00 +0000","StartUTC":"2016-02-20T05:00:45.123456789Z""#,
        ] {
            let e = parse(format!("{{{time},\"status\":200}}").as_bytes());
            assert_eq!(e.map(|e| e.ts_ms), Ok(1_455_944_445_123), "{time}");
        }
        let local = parse(br#"{"time_local":"20/Feb/2016:00:00:45 -0500","status":"200"}"#).unwrap();
        assert_eq!((local.ts_ms, local.status), (1_455_944_445_000, Some(200)));
    }

    #[test]
    fn refusals() {
        for (line, reason) in [
            (r#"{"status":200}"#, RejectReason::NoTime),
            (r#"{"time_iso8601":"-","status":200}"#, RejectReason::NoTime),
            (r#"{"time_iso8601":"2016-02-20T05:00:45","status":200}"#, RejectReason::BadTime),
            (r#"{"msec":9e18,"status":200}"#, RejectReason::BadTime),
            (r#"{"msec":1455944445.123,"remote_addr":"192.0.2.1"}"#, RejectReason::NoRequest),
        ] {
            assert_eq!(parse(line.as_bytes()), Err(reason), "{line}");
        }
    }

    #[test]
    fn the_claimed_client_stays_apart() {
        let e = parse(
            br#"{"msec":1455944445.1,"request":"GET /a?b HTTP/1.1","remote_addr":"192.0.2.1","http_x_forwarded_for":"198.51.100.7"}"#,
        )
        .unwrap();
        assert_eq!(e.ip.map(|ip| ip.to_string()).as_deref(), Some("192.0.2.1"));
        assert_eq!(e.forwarded_for.as_deref(), Some("198.51.100.7"));
        assert_eq!((e.path.as_deref(), e.query.as_deref()), (Some("/a"), Some("b")));
    }
}
