//! What every engine is given: an event as typed, borrowed field values.
//!
//! The clock of the first column starts here. A [`Record`] is what a line of NDJSON decodes to, and an [`Event`] borrows from it.

use std::borrow::Cow;
use std::net::IpAddr;

use serde::Deserialize;

/// The type of a field.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Text,
    Int,
    Float,
    Truth,
    Ip,
}

/// The value of a field.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Value<'a> {
    Text(&'a str),
    Int(i64),
    Float(f64),
    Truth(bool),
    Ip(IpAddr),
}

macro_rules! fields {
    ($a:lifetime text: $($text:ident)*; int: $($int:ident)*; float: $($float:ident)*; truth: $($truth:ident)*; ip: $($ip:ident)*;) => {
        /// A field of the workload's events.
        #[allow(non_camel_case_types, reason = "named as the events name them")]
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Deserialize)]
        pub enum Field { $($text,)* $($int,)* $($float,)* $($truth,)* $($ip,)* }

        /// An event as a line of NDJSON says it.
        #[derive(Clone, Debug, Deserialize)]
        pub struct Record<$a> {
            $(#[serde(borrow)] pub $text: Cow<$a, str>,)*
            $(pub $int: i64,)* $(pub $float: f64,)* $(pub $truth: bool,)* $(pub $ip: IpAddr,)*
        }

        /// An event with its fields borrowed: where matching begins.
        #[derive(Clone, Copy, Debug)]
        pub struct Event<$a> {
            $(pub $text: &$a str,)*
            $(pub $int: i64,)* $(pub $float: f64,)* $(pub $truth: bool,)* $(pub $ip: IpAddr,)*
        }

        impl Field {
            /// All there are.
            pub const ALL: &[Self] = &[$(Self::$text,)* $(Self::$int,)* $(Self::$float,)* $(Self::$truth,)* $(Self::$ip,)*];

            /// Its name.
            pub const fn name(self) -> &'static str {
                match self {
                    $(Self::$text => stringify!($text),)* $(Self::$int => stringify!($int),)*
                    $(Self::$float => stringify!($float),)* $(Self::$truth => stringify!($truth),)*
                    $(Self::$ip => stringify!($ip),)*
                }
            }

            /// Its type.
            pub const fn kind(self) -> Kind {
                match self {
                    $(Self::$text => Kind::Text,)* $(Self::$int => Kind::Int,)* $(Self::$float => Kind::Float,)*
                    $(Self::$truth => Kind::Truth,)* $(Self::$ip => Kind::Ip,)*
                }
            }
        }

        impl<$a> Record<$a> {
            /// The event, borrowed from the line it was decoded from; nothing when the line had an escape.
            pub fn held(&self) -> Option<Event<$a>> {
                Some(Event {
                    $($text: match self.$text {
                        Cow::Borrowed(text) => text,
                        Cow::Owned(_) => return None,
                    },)*
                    $($int: self.$int,)* $($float: self.$float,)* $($truth: self.$truth,)* $($ip: self.$ip,)*
                })
            }

            /// The event, borrowed.
            pub fn event(&self) -> Event<'_> {
                Event {
                    $($text: &self.$text,)* $($int: self.$int,)* $($float: self.$float,)*
                    $($truth: self.$truth,)* $($ip: self.$ip,)*
                }
            }
        }

        /// The values of an event, by type and in the order of [`Field::ALL`].
        #[derive(Clone, Copy, Debug)]
        pub struct Values<$a> {
            pub texts: [&$a str; [$(Field::$text),*].len()],
            pub ints: [i64; [$(Field::$int),*].len()],
            pub floats: [f64; [$(Field::$float),*].len()],
            pub truths: [bool; [$(Field::$truth),*].len()],
            pub ips: [IpAddr; [$(Field::$ip),*].len()],
        }

        impl<$a> Event<$a> {
            /// All values, to be looked up by number.
            #[inline]
            pub fn values(&self) -> Values<$a> {
                Values {
                    texts: [$(self.$text),*], ints: [$(self.$int),*], floats: [$(self.$float),*],
                    truths: [$(self.$truth),*], ips: [$(self.$ip),*],
                }
            }

            /// The value of a field.
            #[inline]
            pub fn get(&self, field: Field) -> Value<$a> {
                match field {
                    $(Field::$text => Value::Text(self.$text),)* $(Field::$int => Value::Int(self.$int),)*
                    $(Field::$float => Value::Float(self.$float),)* $(Field::$truth => Value::Truth(self.$truth),)*
                    $(Field::$ip => Value::Ip(self.$ip),)*
                }
            }

            /// The value of a text field; empty for another.
            #[inline]
            pub fn text(&self, field: Field) -> &$a str {
                match field {
                    $(Field::$text => self.$text,)*
                    _ => "",
                }
            }
        }
    };
}

fields! { 'a
    text: method scheme host path query user_agent referer accept accept_language accept_encoding content_type header_order
          country ja3 ja4 tls_version alpn http_version user_id device_id api_key;
    int: ts content_length header_count asn session_age_s body_size status;
    float: bot_score;
    truth: has_cookie is_datacenter;
    ip: ip;
}

/// Decodes lines.
///
/// # Errors
/// With the first line that is no event.
pub fn decode<'a>(lines: &[&'a str]) -> Result<Vec<Record<'a>>, String> {
    let decoded = lines
        .iter()
        .enumerate()
        .map(|(at, line)| serde_json::from_str(line).map_err(|error| format!("event {}: {error}", at + 1)));
    decoded.collect()
}
