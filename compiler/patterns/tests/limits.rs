//! Sets that would be too large, and bytes that are not what was written.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test stops at the first surprise")]

use weir_patterns::fuzzing::{compare, fuzz_bytes};
use weir_patterns::{Limits, Pattern, PatternSet, Unreadable};

fn mixed() -> Vec<Pattern> {
    let mut patterns = vec![
        Pattern::Regex("(?i)union\\s+select".into()),
        Pattern::Regex("\\bbot\\b".into()),
        Pattern::Regex("[0-9]{5}".into()),
        Pattern::Regex("^/api/v[0-9]+/(users|orders)/".into()),
        Pattern::Regex("q=[^&]*(script|passwd)".into()),
        Pattern::StartsWith("/admin".into()),
        Pattern::EndsWith(".php".into()),
        Pattern::Contains("".into()),
    ];
    patterns.extend((0..60).map(|n| Pattern::Contains(format!("/path{}/x{n}", n % 7).into())));
    patterns
}

#[test]
fn thousands_of_patterns() {
    let mut patterns: Vec<Pattern> = (0..6_000_u32)
        .map(|n| {
            let word = format!("{:x}", n.wrapping_mul(2_654_435_761));
            match n % 4 {
                0 => Pattern::StartsWith(word.into()),
                1 => Pattern::EndsWith(word.into()),
                _ => Pattern::Contains(word.into()),
            }
        })
        .collect();
    patterns.extend((0..200).map(|n| Pattern::Regex(format!("k{n}=[^&]*(a|b{n})").into())));
    let mut texts: Vec<String> =
        patterns.iter().step_by(397).map(|pattern| format!("{}-{0}", pattern.source())).collect();
    texts.push("k7=b7&k8=a&k9=b".to_owned());
    texts.push((0..200).map(|n| format!("k{n}=")).collect::<String>() + "a");
    let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
    compare(&patterns, &texts, &Limits::default());
}

#[test]
fn expressions_whose_automata_explode() {
    let patterns = [
        Pattern::Regex("[ab]*a[ab]{18}".into()),
        Pattern::Regex("(?:a|b)*a(?:a|b){14}c".into()),
        Pattern::Regex("\\w{60}x".into()),
        Pattern::Regex("(?i)\\pL{1,40}@\\w+".into()),
        Pattern::Regex("x.*y.*z.*w".into()),
        Pattern::Contains("abba".into()),
    ];
    let texts =
        ["abba".repeat(40), "a".repeat(60) + "x", "ж".repeat(70) + "@x", "xyzw".to_owned(), "b".repeat(50)];
    let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
    for automaton in [0, 1 << 10, 64 << 10, 1 << 20] {
        compare(&patterns, &texts, &Limits { automaton, total: 4 << 20 });
    }
    let many: Vec<Pattern> =
        (0..40).map(|n| Pattern::Regex(format!("{n}[ab]*a[ab]{{{}}}", n % 16).into())).collect();
    compare(&many, &texts, &Limits::default());
}

#[test]
fn many_expressions_that_need_no_words_and_explode_together() {
    let mut patterns: Vec<Pattern> = (0..40)
        .map(|n| Pattern::Regex(format!("[a-z]*[a-f][a-z]{{{}}}[0-9]+{}", 5 + n % 15, n % 10).into()))
        .collect();
    patterns.push(Pattern::Regex("[0-9][0-9]\\b".into()));
    patterns.push(Pattern::StartsWith("b".into()));
    let texts = ["abcdefghijklmnopqrstuvwxyz0123456789", "b12", "é12é34", "", "azzzzzz77 bzzzzzzzzzzzzzz55"];
    for automaton in [1 << 10, 16 << 10] {
        compare(&patterns, &texts, &Limits { automaton, total: 1 << 20 });
    }
}

#[test]
fn the_same_set_is_the_same_bytes() {
    let patterns = mixed();
    let one = PatternSet::new(&patterns, &Limits::default()).to_bytes();
    assert_eq!(one, PatternSet::new(&patterns, &Limits::default()).to_bytes());
    assert_eq!(one, PatternSet::from_bytes(&one).unwrap().to_bytes());
}

#[test]
fn other_bytes_are_refused() {
    let bytes = PatternSet::new(&mixed(), &Limits::default()).to_bytes();
    assert_eq!(PatternSet::from_bytes(b"").unwrap_err(), Unreadable::Magic);
    assert_eq!(PatternSet::from_bytes(b"PK\x03\x04 something else").unwrap_err(), Unreadable::Magic);
    let mut newer = bytes.clone();
    newer[4] = 0xFF;
    assert_eq!(PatternSet::from_bytes(&newer).unwrap_err(), Unreadable::Version);
    for len in 8..bytes.len().min(2_000) {
        assert_eq!(PatternSet::from_bytes(&bytes[..len]).unwrap_err(), Unreadable::Damaged);
    }
    for len in (2_000..bytes.len()).step_by(997) {
        assert_eq!(PatternSet::from_bytes(&bytes[..len]).unwrap_err(), Unreadable::Damaged);
    }
    let longer = [&bytes[..], b"\0"].concat();
    assert_eq!(PatternSet::from_bytes(&longer).unwrap_err(), Unreadable::Damaged);
}

#[test]
fn damaged_bytes_do_no_harm() {
    let bytes = PatternSet::new(&mixed(), &Limits::default()).to_bytes();
    let step = (bytes.len() / 3_000).max(1);
    for at in (0..bytes.len()).step_by(step) {
        for value in [0, 1, 0x7F, 0xFF, bytes[at] ^ 0x10] {
            let mut damaged = bytes.clone();
            damaged[at] = value;
            fuzz_bytes(&damaged);
        }
    }
}
