//! Fuzz targets as plain functions: any driver may call them, and a panic is a finding.

use crate::{Limits, Pattern, PatternSet};

/// What a pattern means, naively. A regular expression that `regex` refuses never holds.
enum Meaning<'a> {
    Contains(&'a str),
    StartsWith(&'a str),
    EndsWith(&'a str),
    Regex(Option<regex::Regex>),
}

impl Meaning<'_> {
    fn of(pattern: &Pattern) -> Meaning<'_> {
        match pattern {
            Pattern::Contains(part) => Meaning::Contains(part),
            Pattern::StartsWith(part) => Meaning::StartsWith(part),
            Pattern::EndsWith(part) => Meaning::EndsWith(part),
            Pattern::Regex(source) => Meaning::Regex(regex::Regex::new(source).ok()),
        }
    }

    fn holds(&self, text: &str) -> bool {
        match self {
            Meaning::Contains(part) => text.contains(part),
            Meaning::StartsWith(part) => text.starts_with(part),
            Meaning::EndsWith(part) => text.ends_with(part),
            Meaning::Regex(regex) => regex.as_ref().is_some_and(|regex| regex.is_match(text)),
        }
    }
}

/// Compares a set, and the same set read from its bytes, with the naive meaning of its patterns.
///
/// # Panics
///
/// When they differ, or when what was written does not read back.
#[expect(clippy::panic, reason = "a panic is how a fuzz target reports")]
pub fn compare(patterns: &[Pattern], texts: &[&str], limits: &Limits) {
    let set = PatternSet::new(patterns, limits);
    let read = match PatternSet::from_bytes(&set.to_bytes()) {
        Ok(read) => read,
        Err(error) => panic!("{patterns:?} does not read back: {error}"),
    };
    let meanings: Vec<_> = patterns.iter().map(Meaning::of).collect();
    let mut found = vec![u64::MAX; set.words()];
    for (set, which) in [(&set, "built"), (&read, "read")] {
        let mut scratch = set.scratch();
        for text in texts {
            set.scan(text, &mut scratch, &mut found);
            for (index, (pattern, meaning)) in patterns.iter().zip(&meanings).enumerate() {
                let bit = found.get(index / 64).is_some_and(|word| word >> (index % 64) & 1 == 1);
                if bit != meaning.holds(text) {
                    panic!("{pattern:?} ({which}) is {bit} on {text:?} among {patterns:?}");
                }
            }
            let beyond = patterns.len() % 64;
            if beyond > 0 && found.last().is_some_and(|word| word >> beyond != 0) {
                panic!("bits beyond the last of {} patterns", patterns.len());
            }
        }
    }
}

/// Makes patterns and texts of a string of bytes and [`compare`]s them.
///
/// Lines are patterns, of the kind their first byte says; after an empty line come texts.
pub fn fuzz_scan(bytes: &[u8]) {
    let all = String::from_utf8_lossy(bytes);
    let (head, tail) = all.split_once("\n\n").unwrap_or((&all, ""));
    let mut patterns = Vec::new();
    for line in head.split('\n').take(200) {
        let mut chars = line.chars();
        let kind = chars.next();
        let rest: Box<str> = chars.as_str().into();
        patterns.push(match kind {
            Some('c') => Pattern::Contains(rest),
            Some('s') => Pattern::StartsWith(rest),
            Some('e') => Pattern::EndsWith(rest),
            _ if regex::RegexBuilder::new(&rest).size_limit(1 << 20).build().is_ok() => Pattern::Regex(rest),
            _ => Pattern::Contains(rest),
        });
    }
    let mut texts: Vec<&str> = tail.split('\n').take(50).collect();
    texts.extend([tail, head, ""]);
    let small = Limits { automaton: 2 << 10, total: 8 << 10 };
    compare(&patterns, &texts, &Limits::default());
    compare(&patterns, &texts, &small);
}

/// Reads arbitrary bytes as a set and scans with what comes of it: nothing may panic or hang.
pub fn fuzz_bytes(bytes: &[u8]) {
    if let Ok(set) = PatternSet::from_bytes(bytes) {
        let mut scratch = set.scratch();
        let mut found = vec![0; set.words()];
        for text in ["", "a", "GET /admin/config.php?id=7' OR 1=1", "Straße\n\u{17f}K\u{212a}", "aaaaaaaa"] {
            set.scan(text, &mut scratch, &mut found);
        }
    }
}
