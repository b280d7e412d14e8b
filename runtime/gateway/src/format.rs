//! Which format an input is in, told or detected.

use std::fmt;
use std::str::FromStr;

use serde::{Serialize, Serializer};

use crate::exchange::Parsed;
use crate::reject::RejectReason;
use crate::{access_json, combined, typed};

/// A log format.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Format {
    /// Common and combined access logs, with or without the virtual host in front.
    Combined,
    /// Access logs as JSON objects: nginx, Traefik, Caddy.
    NginxJson,
    /// One typed event a line.
    Ndjson,
}

impl Format {
    /// Every format, the most specific first: a typed event is also a JSON object.
    pub const ALL: [Format; 3] = [Format::Ndjson, Format::NginxJson, Format::Combined];

    /// The name the command line uses.
    pub fn name(self) -> &'static str {
        match self {
            Format::Combined => "combined",
            Format::NginxJson => "nginx-json",
            Format::Ndjson => "ndjson",
        }
    }

    /// Parses one line, given without its line end.
    ///
    /// # Errors
    /// The reason the line is not a record of this format.
    pub fn parse(self, line: &[u8]) -> Result<Parsed, RejectReason> {
        match self {
            Format::Combined => combined::parse_boxed(line).map(Parsed::Exchange),
            Format::NginxJson => access_json::parse(line).map(Box::new).map(Parsed::Exchange),
            Format::Ndjson => typed::parse(line).map(Parsed::Typed),
        }
    }

    /// The format in which a line parses. The formats exclude one another, so one line that parses decides.
    pub(crate) fn of_line(line: &[u8]) -> Option<Format> {
        let json = line.trim_ascii_start().first() == Some(&b'{');
        Format::ALL.into_iter().filter(|f| (*f != Format::Combined) == json).find(|f| f.parse(line).is_ok())
    }

    /// The format to blame when no line parses: whichever this line looks most like.
    pub(crate) fn nearest(line: &[u8]) -> Format {
        if line.trim_ascii_start().first() == Some(&b'{') { Format::NginxJson } else { Format::Combined }
    }
}

impl fmt::Display for Format {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl Serialize for Format {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.name())
    }
}

/// Which format to expect.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum FormatChoice {
    /// Decide for each input from its first lines.
    #[default]
    Auto,
    /// Expect this format.
    Is(Format),
}

impl FromStr for FormatChoice {
    type Err = UnknownFormat;

    fn from_str(name: &str) -> Result<Self, UnknownFormat> {
        match name {
            "auto" => Ok(FormatChoice::Auto),
            // `common` is `combined` without its last two fields, and is read by the same parser.
            "common" => Ok(FormatChoice::Is(Format::Combined)),
            _ => Format::ALL
                .into_iter()
                .find(|f| f.name() == name)
                .map(FormatChoice::Is)
                .ok_or_else(|| UnknownFormat(name.to_owned())),
        }
    }
}

/// No format has this name.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct UnknownFormat(pub String);

impl fmt::Display for UnknownFormat {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "no log format is called `{}`; there are auto, combined, common, nginx-json and ndjson",
            self.0
        )
    }
}

impl std::error::Error for UnknownFormat {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_line_tells() {
        for (line, format) in [
            ("192.0.2.1 - - [20/Feb/2016:00:00:45 -0500] \"GET / HTTP/1.1\" 200 1", Some(Format::Combined)),
            (r#"{"msec":"1455944445.1","status":200}"#, Some(Format::NginxJson)),
            (r#" {"event":"login","ts":1455944445000}"#, Some(Format::Ndjson)),
            (r#"{"a":1}"#, None),
            ("hello", None),
        ] {
            assert_eq!(Format::of_line(line.as_bytes()), format, "{line}");
        }
    }

    #[test]
    fn names_read_back() {
        for format in Format::ALL {
            assert_eq!(format.name().parse(), Ok(FormatChoice::Is(format)));
        }
        assert_eq!("auto".parse(), Ok(FormatChoice::Auto));
        assert!("xml".parse::<FormatChoice>().unwrap_err().to_string().contains("`xml`"));
    }
}
