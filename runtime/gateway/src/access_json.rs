//! Access logs as JSON objects: nginx's `log_format … escape=json`, Traefik's and Caddy's.
//!
//! nginx has no fixed names, so the names of its variables are read and the handful people rename them to.
//! Where a log gives one thing twice the better source wins; the order is told beside each name below.
//! An empty string and `-` are missing: nginx writes variables without a value so.

use smol_str::SmolStr;

use crate::client;
use crate::exchange::HttpExchange;
use crate::json::{Decoder, Raw};
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
        if let Some((_, to, rank)) = NAMES.iter().find(|(known, ..)| *known == name) {
            seen.take(*to, *rank, Said::from(value));
        }
    }
    seen.into_exchange()
}

/// The same, where names are remembered from line to line, and what no field is made of is passed over.
pub(crate) fn parse_with(decoder: &mut Decoder, line: &[u8]) -> Result<HttpExchange, RejectReason> {
    let mut members = Vec::with_capacity(NAMES.len() / 4);
    decoder.decode(line, &mut members)?;
    let mut seen = Seen::default();
    for (at, value) in &members {
        if let Some((_, to, rank)) = NAMES.get(usize::from(*at)) {
            seen.take(*to, *rank, Said::from(value));
        }
    }
    seen.into_exchange()
}

/// What reads the members that [`parse_with`] looks at.
pub(crate) fn decoder() -> Decoder {
    Decoder::new(NAMES.iter().map(|(name, ..)| *name))
}

/// A value as fields look at it.
#[derive(Clone, Copy)]
enum Said<'a> {
    Null,
    Bool,
    Int(i64),
    Float(f64),
    Text(&'a str),
    List(&'a [Value]),
    Object(&'a Fields),
}

impl<'a> From<&'a Value> for Said<'a> {
    fn from(value: &'a Value) -> Self {
        match value {
            Value::Null => Self::Null,
            Value::Bool(_) => Self::Bool,
            Value::Int(int) => Self::Int(*int),
            Value::Float(float) => Self::Float(*float),
            Value::Text(text) => Self::Text(text),
            Value::List(items) => Self::List(items),
            Value::Object(fields) => Self::Object(fields),
        }
    }
}

impl<'a> From<&'a Raw<'_>> for Said<'a> {
    fn from(raw: &'a Raw<'_>) -> Self {
        match raw {
            Raw::Null => Self::Null,
            Raw::Bool(_) => Self::Bool,
            Raw::Int(int) => Self::Int(*int),
            Raw::Float(float) => Self::Float(*float),
            Raw::Text(text) => Self::Text(text),
            Raw::Nested(value) => value.into(),
        }
    }
}

/// The best source so far of one field: lower ranks win.
#[derive(Default)]
struct Best<'a> {
    rank: u8,
    value: Option<Said<'a>>,
}

impl<'a> Best<'a> {
    fn offer(&mut self, rank: u8, value: Said<'a>) {
        let blank = matches!(value, Said::Null | Said::Text("" | "-"));
        if !blank && (self.value.is_none() || rank < self.rank) {
            *self = Best { rank, value: Some(value) };
        }
    }

    /// As [`Best::offer`], but an empty value is kept until a better one comes: the client sent no such header.
    fn offer_header(&mut self, rank: u8, value: Said<'a>) {
        let empty = matches!(value, Said::Text("" | "-"));
        if empty && self.value.is_none() {
            *self = Best { rank: u8::MAX, value: Some(value) };
        }
        self.offer(rank, value);
    }

    fn text(&self) -> Option<SmolStr> {
        match self.value? {
            Said::Text(text) => Some(literal(text.as_bytes())),
            // Caddy gives each header as a list of values.
            Said::List(items) => items.first().and_then(Value::as_text).map(|t| literal(t.as_bytes())),
            _ => None,
        }
    }

    /// A header that the log records: `-` and nothing say that the client sent none, which is known.
    fn header(&self) -> Option<SmolStr> {
        self.text().map(|text| if text == "-" { SmolStr::new_static("") } else { text })
    }

    fn number(&self) -> Option<f64> {
        let number = match self.value? {
            Said::Int(n) => n as f64,
            Said::Float(n) => n,
            Said::Text(text) => text.parse().ok()?,
            _ => return None,
        };
        (number.is_finite() && number >= 0.0).then_some(number)
    }

    fn whole<T: TryFrom<i64> + std::str::FromStr>(&self) -> Option<T> {
        match self.value? {
            Said::Int(n) => T::try_from(n).ok(),
            Said::Text(text) => text.parse().ok(),
            _ => None,
        }
    }
}

/// What a name is of, and how good a source it is: lower ranks win.
#[rustfmt::skip] // a table: one name, its field and its rank a line
const NAMES: [(&str, To, u8); 69] = [
    ("msec", To::Time, 0),                                    // to the millisecond
    ("StartUTC", To::Time, 1),
    ("time_iso8601", To::Time, 2),
    ("@timestamp", To::Time, 2),
    ("time_local", To::Time, 3),
    ("ts", To::Time, 4),                                      // Caddy
    ("timestamp", To::Time, 5),
    ("time", To::Time, 5),
    ("remote_addr", To::Client, 0),
    ("remote_ip", To::Client, 1),
    ("client_ip", To::Client, 1),
    ("clientip", To::Client, 1),
    ("client", To::Client, 1),
    ("ClientHost", To::Client, 2),                            // Traefik
    ("ClientAddr", To::Client, 3),                            // with the port
    ("remote_user", To::User, 0),
    ("ClientUsername", To::User, 0),
    ("user_id", To::User, 1),                                 // Caddy
    ("request", To::RequestLine, 0),
    ("request_method", To::Method, 0),
    ("RequestMethod", To::Method, 0),
    ("method", To::Method, 1),
    ("request_uri", To::Target, 0),                           // as sent
    ("RequestPath", To::Target, 0),
    ("uri", To::Target, 1),                                   // normalised by the server
    ("args", To::Args, 0),
    ("query_string", To::Args, 0),
    ("server_protocol", To::Protocol, 0),
    ("RequestProtocol", To::Protocol, 0),
    ("protocol", To::Protocol, 1),
    ("status", To::Status, 0),
    ("DownstreamStatus", To::Status, 0),
    ("body_bytes_sent", To::Bytes, 0),
    ("DownstreamContentSize", To::Bytes, 1),
    ("size", To::Bytes, 1),
    ("bytes_sent", To::Bytes, 2),                             // headers too
    ("request_time", To::Seconds, 0),
    ("duration", To::Seconds, 0),
    ("Duration", To::Nanoseconds, 0),                         // Traefik
    ("http_referer", To::Referrer, 0),
    ("request_Referer", To::Referrer, 0),
    ("http_referrer", To::Referrer, 1),
    ("referer", To::Referrer, 1),
    ("referrer", To::Referrer, 1),
    ("http_user_agent", To::Agent, 0),
    ("request_User-Agent", To::Agent, 0),
    ("user_agent", To::Agent, 1),
    ("agent", To::Agent, 1),
    ("host", To::Host, 0),
    ("http_host", To::Host, 1),
    ("RequestHost", To::Host, 1),
    ("server_name", To::Host, 2),
    ("vhost", To::Host, 2),
    ("http_x_forwarded_for", To::ForwardedFor, 0),
    ("request_X-Forwarded-For", To::ForwardedFor, 0),
    ("x_forwarded_for", To::ForwardedFor, 1),
    ("ssl_ja3_hash", To::Ja3, 0),
    ("http_ssl_ja3_hash", To::Ja3, 0),
    ("ja3_hash", To::Ja3, 0),
    ("ssl_ja3", To::Ja3, 1),
    ("http_ssl_ja3", To::Ja3, 1),
    ("ja3", To::Ja3, 1),
    ("http_ja3", To::Ja3, 1),
    ("http_x_ja3", To::Ja3, 1),
    ("ssl_ja4", To::Ja4, 0),
    ("http_ssl_ja4", To::Ja4, 0),
    ("ja4", To::Ja4, 0),
    ("http_ja4", To::Ja4, 0),
    ("http_x_ja4", To::Ja4, 0),
];

/// A field of an exchange, before it is one.
#[derive(Clone, Copy)]
enum To {
    Time,
    Client,
    User,
    RequestLine,
    Method,
    Target,
    Args,
    Protocol,
    Status,
    Bytes,
    Seconds,
    Nanoseconds,
    Referrer,
    Agent,
    Host,
    ForwardedFor,
    Ja3,
    Ja4,
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
    fn take(&mut self, to: To, rank: u8, value: Said<'a>) {
        match (to, value) {
            (To::RequestLine, Said::Object(inner)) => self.take_caddy_request(inner),
            (To::Time, value) => self.time.offer(rank, value),
            (To::Client, value) => self.client.offer(rank, value),
            (To::User, value) => self.user.offer(rank, value),
            (To::RequestLine, value) => self.request_line.offer(rank, value),
            (To::Method, value) => self.method.offer(rank, value),
            (To::Target, value) => self.target.offer(rank, value),
            (To::Args, value) => self.args.offer(rank, value),
            (To::Protocol, value) => self.protocol.offer(rank, value),
            (To::Status, value) => self.status.offer(rank, value),
            (To::Bytes, value) => self.bytes.offer(rank, value),
            (To::Seconds, value) => self.seconds.offer(rank, value),
            (To::Nanoseconds, value) => self.nanoseconds.offer(rank, value),
            (To::Referrer, value) => self.referrer.offer_header(rank, value),
            (To::Agent, value) => self.agent.offer_header(rank, value),
            (To::Host, value) => self.host.offer(rank, value),
            (To::ForwardedFor, value) => self.forwarded_for.offer(rank, value),
            (To::Ja3, value) => self.ja3.offer(rank, value),
            (To::Ja4, value) => self.ja4.offer(rank, value),
        }
    }

    fn take_caddy_request(&mut self, request: &'a Fields) {
        for (name, value) in request.iter() {
            let said = Said::from(value);
            match name {
                "client_ip" => self.client.offer(1, said), // behind trusted proxies, the client they name
                "remote_ip" => self.client.offer(2, said),
                "method" => self.method.offer(0, said),
                "uri" => self.target.offer(0, said),
                "proto" => self.protocol.offer(0, said),
                "host" => self.host.offer(0, said),
                "headers" => self.take_caddy_headers(value),
                _ => {}
            }
        }
    }

    fn take_caddy_headers(&mut self, headers: &'a Value) {
        for (name, value) in headers.as_object().into_iter().flat_map(Fields::iter) {
            let said = Said::from(value);
            match name {
                "User-Agent" => self.agent.offer_header(0, said),
                "Referer" => self.referrer.offer_header(0, said),
                "X-Forwarded-For" => self.forwarded_for.offer(0, said),
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
fn instant(value: Said<'_>) -> Option<i64> {
    let read = match value {
        Said::Int(n) if n >= 100_000_000_000 => time::accepted(n),
        Said::Int(n) => time::accepted(n.checked_mul(1000)?),
        // Rounded, because 1693840791.756 has no exact double.
        Said::Float(n) if (0.0..1e11).contains(&n) => time::accepted((n * 1e3).round() as i64),
        Said::Text(text) if text.len() == CLF_LEN && text.contains('/') => time::clf(text.as_bytes()),
        Said::Text(text) if text.contains('-') => time::rfc3339(text),
        Said::Text(text) => time::epoch_seconds(text),
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
