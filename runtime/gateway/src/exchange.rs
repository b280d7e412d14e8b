//! What the readers yield: an HTTP exchange, or a typed event.

use std::net::IpAddr;

use serde::Serialize;
use smol_str::SmolStr;

use crate::value::{Fields, text_heap_bytes};

/// One request and its response, as an access log tells it.
///
/// `None` means that the log does not say (`-`, an absent field, or a format without it). All text is in the
/// crate's canonical spelling: valid UTF-8, control characters and other bytes as `\xNN`. Strings of up to 23
/// bytes are stored in place; cloning any of them is cheap.
#[derive(Clone, PartialEq, Debug, Default, Serialize)]
pub struct HttpExchange {
    /// Milliseconds since 1970-01-01T00:00:00Z. Which moment of the exchange it is depends on the server:
    /// nginx logs its end, Apache its start.
    pub ts_ms: i64,
    /// The client's address; an IPv4 address mapped into IPv6 (`::ffff:1.2.3.4`) is given as IPv4.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ip: Option<IpAddr>,
    /// The client's host name, when the server logged that instead of an address.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub client_name: Option<SmolStr>,
    /// The user of HTTP authentication.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub user: Option<SmolStr>,
    /// The method, as sent. Missing when the request line was malformed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub method: Option<SmolStr>,
    /// The target up to the first `?`, as sent: not decoded, not normalised; absolute for proxy requests.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub path: Option<SmolStr>,
    /// The target after the first `?`, as sent; empty for a bare `?`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub query: Option<SmolStr>,
    /// Such as `HTTP/1.1`; missing for HTTP/0.9.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub protocol: Option<SmolStr>,
    /// The request line itself, when it was malformed and so gave no method, path or protocol.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub malformed_request: Option<SmolStr>,
    /// The response's status, 100 to 999; missing when the client left before there was one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub status: Option<u16>,
    /// Bytes sent: of the body where the log tells, else of the whole response.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub bytes: Option<u64>,
    /// The `Referer` header; empty when the log says that none was sent, missing when it does not say.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub referrer: Option<SmolStr>,
    /// The `User-Agent` header; empty when the log says that none was sent, missing when it does not say.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub user_agent: Option<SmolStr>,
    /// The host asked for, or the server's name for it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub host: Option<SmolStr>,
    /// The `X-Forwarded-For` header: what the client *claims*, never merged into `ip`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub forwarded_for: Option<SmolStr>,
    /// JA3 fingerprint of the TLS client hello: the hash where the log has it, else the string.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ja3: Option<SmolStr>,
    /// JA4 fingerprint of the TLS client hello.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ja4: Option<SmolStr>,
    /// How long the exchange took, in milliseconds; finite and not negative.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub duration_ms: Option<f64>,
}

/// One application event: `{"event":"login","ts":1455944445000,"user":"ann"}`.
#[derive(Clone, PartialEq, Debug, Serialize)]
pub struct TypedEvent {
    /// Milliseconds since 1970-01-01T00:00:00Z.
    pub ts_ms: i64,
    /// The event type's name: 1 to 128 bytes without control characters; not checked against any schema.
    pub event: SmolStr,
    /// Every other member, those under `fields` lifted to the same level, each name once.
    pub fields: Fields,
}

/// One line, read.
#[derive(Clone, PartialEq, Debug, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Parsed {
    /// From an access log. Boxed: it is six times a typed event, and is moved several times on its way out.
    Exchange(Box<HttpExchange>),
    /// From typed NDJSON.
    Typed(TypedEvent),
}

impl Parsed {
    /// Milliseconds since 1970-01-01T00:00:00Z.
    pub fn ts_ms(&self) -> i64 {
        match self {
            Parsed::Exchange(exchange) => exchange.ts_ms,
            Parsed::Typed(event) => event.ts_ms,
        }
    }

    /// Bytes held by this value, about, itself and its heap: what the reorder buffer's budget counts.
    pub fn held_bytes(&self) -> usize {
        let heap = match self {
            Parsed::Exchange(exchange) => {
                size_of::<HttpExchange>() + exchange.texts().map(text_heap_bytes).sum::<usize>()
            }
            Parsed::Typed(event) => text_heap_bytes(&event.event) + event.fields.heap_bytes(),
        };
        size_of::<Parsed>() + heap
    }
}

impl HttpExchange {
    /// Every text the exchange holds.
    pub(crate) fn texts(&self) -> impl Iterator<Item = &SmolStr> {
        [
            &self.client_name,
            &self.user,
            &self.method,
            &self.path,
            &self.query,
            &self.protocol,
            &self.malformed_request,
            &self.referrer,
            &self.user_agent,
            &self.host,
            &self.forwarded_for,
            &self.ja3,
            &self.ja4,
        ]
        .into_iter()
        .flatten()
    }
}
