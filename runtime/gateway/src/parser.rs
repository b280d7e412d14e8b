//! Lines of one stream, read one after the other: whoever writes them writes the same names again and again.

use crate::exchange::Parsed;
use crate::format::Format;
use crate::json::Decoder;
use crate::reject::RejectReason;
use crate::{access_json, typed};

/// Parses lines as [`Format::parse`] does, and alike. It remembers the names of members, never values, and a bounded number of
/// them: a member that was there in the line before costs one compare, and one that nothing is made of is passed over.
#[derive(Clone, Debug)]
pub struct Parser {
    typed: Decoder,
    access: Decoder,
}

impl Default for Parser {
    fn default() -> Self {
        Self { typed: Decoder::new([]), access: access_json::decoder() }
    }
}

impl Parser {
    /// Parses one line, given without its line end.
    ///
    /// # Errors
    /// The reason the line is not a record of the format.
    pub fn parse(&mut self, format: Format, line: &[u8]) -> Result<Parsed, RejectReason> {
        match format {
            Format::Combined => format.parse(line),
            Format::NginxJson => {
                access_json::parse_with(&mut self.access, line).map(Box::new).map(Parsed::Exchange)
            }
            Format::Ndjson => typed::parse_with(&mut self.typed, line).map(Parsed::Typed),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn agrees(parser: &mut Parser, format: Format, line: &[u8]) {
        let (quick, careful) = (parser.parse(format, line), format.parse(line));
        // Floats are compared by their bits.
        assert_eq!(format!("{quick:?}"), format!("{careful:?}"), "{}", line.escape_ascii());
    }

    fn json() -> impl Strategy<Value = String> {
        prop::sample::select(vec![
            "1455944445000",
            "1455944445.123",
            "200",
            "-1",
            "0.25",
            "null",
            "true",
            "\"\"",
            "\"-\"",
            "\"login\"",
            "\"192.0.2.1\"",
            "\"GET /a?b HTTP/1.1\"",
            "\"2016-02-20T05:00:45Z\"",
            "\"20/Feb/2016:00:00:45 -0500\"",
            "\"200\"",
            "\"a\\\"b\"",
            "\"é\"",
            "[]",
            "[\"curl/8\"]",
            "{\"user\":\"ann\",\"n\":1}",
            "{\"method\":\"GET\",\"uri\":\"/a\",\"client_ip\":\"192.0.2.1\",\"headers\":{\"User-Agent\":[\"curl/8\"]}}",
        ])
        .prop_map(str::to_owned)
    }

    fn name() -> impl Strategy<Value = String> {
        let known = [
            "event",
            "ts",
            "fields",
            "user",
            "n",
            "open",
            "msec",
            "time_local",
            "time_iso8601",
            "remote_addr",
            "request",
            "status",
            "http_user_agent",
            "http_referer",
            "request_uri",
            "request_method",
            "body_bytes_sent",
            "Duration",
            "request_time",
            "host",
            "args",
        ];
        prop::sample::select(known.map(str::to_owned).to_vec())
    }

    proptest! {
        /// Whatever has been read before, a line is read as it is read alone; such as have a byte changed, too.
        #[test]
        fn lines_are_read_alike(
            lines in prop::collection::vec(
                (
                    prop::collection::vec((name(), json()), 0..8),
                    prop::sample::select(vec!["", "\"event\":\"login\",\"ts\":1455944445000", "\"msec\":1455944445.1,\"status\":200"]),
                    prop::option::weighted(0.2, (any::<prop::sample::Index>(), any::<u8>())),
                    any::<bool>(),
                ),
                1..8,
            ),
        ) {
            let mut parser = Parser::default();
            for (members, first, changed, spaced) in lines {
                let (colon, comma) = if spaced { (" : ", ", ") } else { (":", ",") };
                let mut all: Vec<String> = Vec::new();
                all.extend((!first.is_empty()).then(|| first.to_owned()));
                all.extend(members.iter().map(|(name, value)| format!("\"{name}\"{colon}{value}")));
                let mut line = format!("{{{}}}", all.join(comma)).into_bytes();
                if let Some((at, byte)) = changed {
                    let at = at.index(line.len());
                    line[at] = byte;
                }
                agrees(&mut parser, Format::Ndjson, &line);
                agrees(&mut parser, Format::NginxJson, &line);
            }
        }
    }
}
