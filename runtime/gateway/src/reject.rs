//! Lines that could not be read: why, how many, and what they looked like.

use std::fmt;

use serde::{Serialize, Serializer};

use crate::text::spelled;

/// Bytes of a rejected line that a sample keeps.
pub const SAMPLE_BYTES: usize = 160;
/// Samples kept per reason.
pub const SAMPLES_PER_REASON: usize = 3;

macro_rules! reasons {
    ($($(#[$doc:meta])* $name:ident = $slug:literal, $words:literal;)*) => {
        /// Why a line was rejected. `Display` gives human words; [`RejectReason::slug`] a stable key for machines.
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
        #[non_exhaustive]
        pub enum RejectReason { $($(#[$doc])* $name,)* }

        impl RejectReason {
            /// Every reason, in the order summaries list them.
            pub const ALL: &'static [RejectReason] = &[$(RejectReason::$name,)*];

            /// Stable machine key, such as `no-time`.
            pub fn slug(self) -> &'static str {
                match self { $(RejectReason::$name => $slug,)* }
            }
        }

        impl fmt::Display for RejectReason {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(match self { $(RejectReason::$name => $words,)* })
            }
        }
    };
}

reasons! {
    /// The line is longer than the limit; it was skipped without being held in memory.
    TooLong = "too-long", "the line is longer than the limit";
    /// No time where the format wants one.
    NoTime = "no-time", "no time where the format wants one";
    /// A time that does not exist or lies outside 1990–2100.
    BadTime = "bad-time", "the time does not exist or lies outside 1990–2100";
    /// Nothing stands where the client's address belongs.
    NoClient = "no-client", "no client before the time";
    /// No quoted request line after the time, or no request and no status in a JSON log.
    NoRequest = "no-request", "no request where the format wants one";
    /// A quoted field is not closed: the line was probably cut.
    Unterminated = "unterminated", "a quoted field is not closed, the line was probably cut";
    /// Two records share a line, because the first was cut before its end.
    RunTogether = "run-together", "two records run together in one line";
    /// The status is neither three digits nor `-`.
    BadStatus = "bad-status", "the status is neither a three-digit number nor `-`";
    /// The size is neither a number nor `-`.
    BadSize = "bad-size", "the size is neither a number nor `-`";
    /// Not a JSON document.
    NotJson = "not-json", "not valid JSON";
    /// JSON, but not an object.
    NotObject = "not-object", "the JSON value is not an object";
    /// Nested deeper than the limit.
    TooDeep = "too-deep", "the JSON is nested too deeply";
    /// More values than the limit.
    TooManyValues = "too-many-values", "the JSON holds too many values";
    /// A name twice in one object: which one holds would be a guess.
    DuplicateField = "duplicate-field", "a field appears twice in one object";
    /// No usable `event` name in a typed event.
    NoEvent = "no-event", "no `event` name in the object";
}

impl Serialize for RejectReason {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.slug())
    }
}

/// A line that could not be read.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct Reject {
    /// 0-based line number over all inputs of the run.
    pub seq: u64,
    /// Why.
    pub reason: RejectReason,
    /// The first [`SAMPLE_BYTES`] bytes, control characters and bytes that are not UTF-8 written `\xNN`.
    pub sample: Box<str>,
}

impl Reject {
    /// A reject whose sample is taken from the start of `line`.
    pub(crate) fn new(seq: u64, reason: RejectReason, line: &[u8]) -> Self {
        let start = line.get(..SAMPLE_BYTES).unwrap_or(line);
        Reject { seq, reason, sample: spelled(start).into() }
    }
}

/// Count and samples of one reason.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct RejectTally {
    /// Why these lines were rejected.
    pub reason: RejectReason,
    /// How many there were.
    pub count: u64,
    /// The first of them, at most [`SAMPLES_PER_REASON`].
    pub samples: Vec<Reject>,
}

/// A counter and a few samples per reason. Memory is bounded by the number of reasons.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize)]
#[serde(transparent)]
pub struct RejectStats {
    tallies: Vec<RejectTally>,
}

impl RejectStats {
    /// Counts one reject and keeps it as a sample while there are few.
    pub fn add(&mut self, reject: &Reject) {
        let at = match self.tallies.binary_search_by_key(&reject.reason, |t| t.reason) {
            Ok(at) => at,
            Err(at) => {
                self.tallies.insert(at, RejectTally { reason: reject.reason, count: 0, samples: Vec::new() });
                at
            }
        };
        if let Some(tally) = self.tallies.get_mut(at) {
            tally.count += 1;
            if tally.samples.len() < SAMPLES_PER_REASON {
                tally.samples.push(reject.clone());
            }
        }
    }

    /// Rejected lines, all reasons together.
    pub fn total(&self) -> u64 {
        self.tallies.iter().map(|t| t.count).sum()
    }

    /// One tally per reason that occurred, in the order of [`RejectReason::ALL`].
    pub fn tallies(&self) -> &[RejectTally] {
        &self.tallies
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_and_keeps_the_first_samples() {
        let mut stats = RejectStats::default();
        for seq in 0..5 {
            stats.add(&Reject::new(seq, RejectReason::NotJson, &[0xff; 400]));
        }
        stats.add(&Reject::new(9, RejectReason::TooLong, b"\x1b[31m"));
        let tallies = stats.tallies();
        assert_eq!(stats.total(), 6);
        assert_eq!(
            tallies.iter().map(|t| (t.reason.slug(), t.count)).collect::<Vec<_>>(),
            [("too-long", 1), ("not-json", 5)]
        );
        assert_eq!(tallies[0].samples[0].sample.as_ref(), "\\x1B[31m");
        assert_eq!(tallies[1].samples.iter().map(|s| s.seq).collect::<Vec<_>>(), [0, 1, 2]);
        assert_eq!(tallies[1].samples[0].sample.len(), 4 * SAMPLE_BYTES);
    }

    #[test]
    fn slugs_are_distinct() {
        let slugs: std::collections::BTreeSet<_> = RejectReason::ALL.iter().map(|r| r.slug()).collect();
        assert_eq!(slugs.len(), RejectReason::ALL.len());
    }
}
