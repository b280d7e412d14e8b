//! A set finds what its patterns mean alone: written cases, and generated ones against the naive meaning.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test stops at the first surprise")]

use proptest::prelude::*;
use weir_patterns::fuzzing::compare;
use weir_patterns::{Limits, Pattern, PatternSet};

fn contains(text: &str) -> Pattern {
    Pattern::Contains(text.into())
}

fn starts(text: &str) -> Pattern {
    Pattern::StartsWith(text.into())
}

fn ends(text: &str) -> Pattern {
    Pattern::EndsWith(text.into())
}

fn regex(text: &str) -> Pattern {
    Pattern::Regex(text.into())
}

/// Each pattern alone, all together, and all together in tight limits.
fn check(patterns: &[Pattern], texts: &[&str]) {
    let tight = Limits { automaton: 1 << 10, total: 4 << 10 };
    for pattern in patterns {
        compare(std::slice::from_ref(pattern), texts, &Limits::default());
    }
    compare(patterns, texts, &Limits::default());
    compare(patterns, texts, &tight);
    compare(patterns, texts, &Limits { automaton: 0, total: 0 });
}

#[test]
fn empty_patterns_hold_everywhere() {
    check(&[contains(""), starts(""), ends(""), regex(""), regex("^$"), regex("a*")], &["", "a", "é", "\n"]);
    check(&[], &["", "a"]);
}

#[test]
fn literals_that_overlap_are_all_found() {
    let words = ["he", "she", "his", "hers", "h", "ushers", "us", "ers", "s", "usher", "user"];
    let patterns: Vec<_> = words.iter().flat_map(|word| [contains(word), starts(word), ends(word)]).collect();
    check(&patterns, &["ushers", "he", "hishers", "s", "", "shehehis", "userushe", &"ushe".repeat(50)]);
}

#[test]
fn literals_at_every_place_and_length() {
    let alphabet = "abcdefghijklmnopqrstuvwxyz0123456789/.-_ABCDEFGHIJKLMNOPQRSTUVWXYZ~!@#$%";
    let patterns: Vec<_> = (1..=40).map(|len| contains(&alphabet[..len])).collect();
    for before in 0..40 {
        let text = format!("{}{}", "~".repeat(before), alphabet);
        let texts: Vec<_> = (0..=text.len()).map(|end| &text[..end]).collect();
        compare(&patterns, &texts, &Limits::default());
    }
}

#[test]
fn anchors() {
    let patterns = [
        regex("^/api"),
        regex("\\.php$"),
        regex("^/product/[0-9]+(/reviews)?$"),
        regex("^$"),
        regex("$^"),
        regex("a^"),
        regex("$a"),
        regex("(^|&)id=[0-9]+(&|$)"),
        regex("(?m)^b"),
        regex("(?m)b$"),
        regex("(?m)^$"),
        regex("(?mR)^b$"),
        regex("\\Ab"),
        regex("b\\z"),
        regex("^.*b$"),
        regex("(?s)^.*b$"),
        regex("^(?s:.*)b(?s:.*)$"),
        regex("^(?s:/a/[^/]*\\.php)$"),
    ];
    let texts = [
        "",
        "/api",
        "x/api",
        "/api/x.php",
        "/x.php?",
        "/product/12",
        "/product/12/reviews",
        "/product/12/reviews/",
        "id=1",
        "a&id=1&b",
        "a&id=1b",
        "xid=1",
        "a\nb",
        "b\na",
        "a\r\nb\r\n",
        "\n\n",
        "b",
        "a\n\nb",
        "/a/x.php",
        "/a/x/y.php",
        "/a/é.php",
    ];
    check(&patterns, &texts);
}

#[test]
fn unicode_in_patterns_and_texts() {
    let patterns = [
        regex("(?i)headless"),
        regex("(?i)k"),
        regex("(?i)straße"),
        regex("(?i)σ"),
        regex("\\bbot\\b"),
        regex("\\Bot\\b"),
        regex("(?-u:\\bbot\\b)"),
        regex("\\w+@\\w+"),
        regex("union\\s+select"),
        regex("(?i)union\\s+select"),
        regex("a.c"),
        regex("(?s)a.c"),
        regex("^.{3}$"),
        regex("[^a]b"),
        regex("\\d{3}"),
        regex("\\p{Greek}+"),
        regex("\\W\\D\\S"),
        regex("\\b{start}bot"),
        regex("bot\\b{end-half}"),
        contains("é"),
        starts("é"),
        ends("é"),
        contains("\0"),
        contains("ſ"),
    ];
    let texts = [
        "HeadlessChrome",
        "headle\u{17f}s",
        "HEADLE\u{17f}\u{17f}",
        "\u{212a}",
        "k",
        "STRASSE",
        "STRAßE",
        "straẞe",
        "ς",
        "Σ",
        "a bot b",
        "abot",
        "ébot",
        "botё",
        "é bot é",
        "bot",
        "robot",
        "é@ü",
        "union\u{a0}select",
        "UNION \t\u{2003}\u{17f}elect",
        "aéc",
        "a\nc",
        "aec",
        "日本語",
        "日本",
        "éb",
        "ab",
        "١٢٣",
        "αβγ",
        "\0",
        "é",
        "éé",
        "\u{10ffff}",
        " a-",
        "ſ",
    ];
    check(&patterns, &texts);
}

#[test]
fn regexes_with_and_without_words_they_need() {
    let patterns = [
        regex("[?&]?q=[^&]*(select|union|script|passwd)"),
        regex("/api/v[0-9]+/shoes/[0-9]+/(export|dump|delete)"),
        regex("Chrome/1(0[0-9]|1[0-9])\\."),
        regex("(?i)(python|curl|wget)"),
        regex("(?i)('|%27)\\s*or\\s"),
        regex("[0-9]{5}"),
        regex("/[0-9]{5}$"),
        regex("(\\.\\./){2,}"),
        regex("\\$\\{[a-z]+:"),
        regex("x*"),
        regex("[a-z]+bot/"),
        regex("(a|b|)c"),
        regex("(foo|bar)+baz"),
        regex("(?:ab){0}c"),
        regex("[^\\x00-\\x{10FFFF}]"),
        regex("a{3}b{2,}"),
        regex("(?:a[a-z]{3}b|cd).*e"),
        regex("q=.*q=.*q="),
    ];
    let texts = [
        "q=1&x=select",
        "q=1select",
        "a?q=selec&q=union",
        "q=q=q=q=q=passwd",
        "passwd q=",
        "/api/v1/shoes/33/dump",
        "/api/v1/shoes/33/dum",
        "/api/v1/shoes//api/v12/shoes/1/delete",
        "Chrome/118.0",
        "Chrome/128.0",
        "Chrome/Chrome/1Chrome/109.",
        "PyThOn",
        "cur%27 \t or 1",
        "'or '",
        "12345",
        "/12345",
        "/123456",
        "../../",
        "../.../",
        "${jndi:",
        "${${lower:j}",
        "xbot/",
        "c",
        "foobarbaz",
        "baz",
        "aaabb",
        "aaaabbb",
        "aabb",
        "axyzb-e",
        "cd\ne",
        "q=q=q=",
    ];
    check(&patterns, &texts);
}

#[test]
fn a_regex_that_is_none_never_holds() {
    let set = PatternSet::new(&[regex("("), regex("a{1000}{1000}{1000}"), contains("a")], &Limits::default());
    let (mut scratch, mut found) = (set.scratch(), [u64::MAX]);
    set.scan("a(", &mut scratch, &mut found);
    assert_eq!(found, [0b100]);
}

#[test]
fn a_scratch_of_another_set_and_room_of_another_size() {
    let small = PatternSet::new(&[contains("a")], &Limits::default());
    let many: Vec<_> = (0..200).map(|n| regex(&format!("b{n}[0-9x]+y"))).collect();
    let large = PatternSet::new(&many, &Limits::default());
    let mut scratch = small.scratch();
    let mut found = [u64::MAX; 5];
    large.scan("b77xy", &mut scratch, &mut found);
    assert_eq!(found, [1 << 7, 1 << 13, 0, 0, 0]);
    let mut short = [u64::MAX; 1];
    large.scan("b77xy", &mut scratch, &mut short);
    assert_eq!(short, [1 << 7]);
    large.scan("b77xy", &mut scratch, &mut []);
}

/// Words that have much in common, so that near misses abound.
fn word() -> impl Strategy<Value = String> {
    prop_oneof![
        "[ab]{0,6}",
        "[a-d/.]{1,12}",
        "(/config|/backup|/con|Chrome/1|select|union|é|ſ|K|q=|\\.\\./){1,3}",
        "[ -~]{0,20}",
        "\\PC{0,5}",
    ]
}

/// Regular expressions of words, classes, repetitions, alternations and assertions.
fn expression() -> impl Strategy<Value = String> {
    let leaf = prop_oneof![
        4 => word().prop_map(|word| escape(&word)),
        1 => Just(".".to_owned()),
        1 => Just("\\s".to_owned()),
        1 => Just("\\w".to_owned()),
        1 => Just("[0-9]".to_owned()),
        1 => Just("[^&]".to_owned()),
        1 => Just("[a-c]".to_owned()),
        1 => prop_oneof![
            Just("^"), Just("$"), Just("\\b"), Just("\\B"), Just("(?-u:\\b)"), Just("(?m:^)"), Just("(?m:$)"), Just("\\b{start}")
        ].prop_map(str::to_owned),
    ];
    leaf.prop_recursive(4, 24, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 1..4).prop_map(|parts| parts.concat()),
            prop::collection::vec(inner.clone(), 1..4).prop_map(|parts| format!("({})", parts.join("|"))),
            (
                inner.clone(),
                prop_oneof![Just("*"), Just("+"), Just("?"), Just("{2}"), Just("{1,3}"), Just("+?")]
            )
                .prop_map(|(part, times)| format!("(?:{part}){times}")),
            inner.clone().prop_map(|part| format!("(?i:{part})")),
            inner.clone().prop_map(|part| format!("^(?s:{part})$")),
            inner.prop_map(|part| format!("(?s-u:(?:a|b)*)(?:{part})")),
        ]
    })
}

fn escape(text: &str) -> String {
    let mut escaped = String::new();
    for c in text.chars() {
        if c.is_ascii_punctuation() {
            escaped.push('\\');
        }
        escaped.push(c);
    }
    escaped
}

fn pattern() -> impl Strategy<Value = Pattern> {
    prop_oneof![
        3 => word().prop_map(|word| contains(&word)),
        1 => word().prop_map(|word| starts(&word)),
        1 => word().prop_map(|word| ends(&word)),
        3 => expression().prop_filter_map("refused", |source| {
            regex::RegexBuilder::new(&source).size_limit(1 << 20).build().ok().map(|_| regex(&source))
        }),
    ]
}

fn text() -> impl Strategy<Value = String> {
    prop_oneof![
        3 => prop::collection::vec(word(), 0..8).prop_map(|words| words.concat()),
        1 => prop::collection::vec(word(), 0..60).prop_map(|words| words.concat()),
        1 => (word(), 0_usize..4_000).prop_map(|(word, times)| word.repeat(times)),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 100, ..ProptestConfig::default() })]

    #[test]
    fn few_patterns(patterns in prop::collection::vec(pattern(), 0..6), mut texts in prop::collection::vec(text(), 1..6)) {
        // What is looked for occurs in some text, cut short and whole.
        let first = texts[0].clone();
        texts.extend(patterns.iter().map(|pattern| format!("{first}{}", pattern.source())));
        let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
        check(&patterns, &texts);
    }

    #[test]
    fn many_literals(words in prop::collection::vec(word(), 5..150), mut texts in prop::collection::vec(text(), 1..10)) {
        let patterns: Vec<Pattern> = words.iter().map(|word| contains(word)).collect();
        texts.push(words.concat());
        let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
        compare(&patterns, &texts, &Limits::default());
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 12, ..ProptestConfig::default() })]

    #[test]
    fn many_patterns(patterns in prop::collection::vec(pattern(), 20..120), mut texts in prop::collection::vec(text(), 1..10)) {
        let first = texts[0].clone();
        texts.extend(patterns.iter().take(20).map(|pattern| format!("{first}{}", pattern.source())));
        let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
        compare(&patterns, &texts, &Limits::default());
        compare(&patterns, &texts, &Limits { automaton: 8 << 10, total: 64 << 10 });
    }
}

#[test]
fn long_texts() {
    let patterns = [
        contains("needle"),
        regex("ne+dle[0-9]"),
        regex("(?i)NEEDLE"),
        ends("needle"),
        regex("\\bneedle\\b"),
        regex("[a-z]{20}"),
        regex("q=[^&]*select"),
    ];
    let mut texts =
        vec!["hay ".repeat(16_384), "need".repeat(16_384), "q=".repeat(32_768), "é".repeat(32_768)];
    for at in [0, 1, 31, 32, 33, 63, 64, 4_095, 65_530] {
        let mut text = ".".repeat(65_536);
        text.replace_range(at..at + 6, "needle");
        texts.push(text);
    }
    let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
    check(&patterns, &texts);
}
