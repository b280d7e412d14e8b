//! What holds of every text.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test may panic")]

use proptest::prelude::*;
use weir_dsl::fuzzing::fuzz_parser;
use weir_dsl::{FileId, Parser, parse};

const POLICIES: [&str; 4] = [
    include_str!("data/policies/std.ato.weir"),
    include_str!("data/policies/retail.scraping.weir"),
    include_str!("data/policies/bank.takeover.weir"),
    include_str!("data/policies/std.shared.weir"),
];

/// Words and signs of the language, in any order.
fn soup() -> impl Strategy<Value = String> {
    let word = prop::sample::select(vec![
        "package",
        "use",
        "event",
        "policy",
        "rule",
        "watch",
        "signal",
        "when",
        "then",
        "because",
        "test",
        "decide",
        "a",
        "b.c",
        "x-y",
        "{",
        "}",
        "(",
        ")",
        "[",
        "]",
        ",",
        ":",
        "=",
        "==",
        "<",
        ">",
        "-",
        "+",
        "??",
        "/",
        "=>",
        "->",
        "..",
        "and",
        "or",
        "not",
        "in",
        "is",
        "case",
        "of",
        "per",
        "over",
        "where",
        "1",
        "10m",
        "90%",
        "20/s",
        "USD 5",
        "\"s\"",
        "\"{i}\"",
        "\"open",
        "block",
        "score",
        "otherwise",
        "on",
        "tune",
        "expect",
        "repeat",
        "\n",
        "\n",
        "# c\n",
    ]);
    prop::collection::vec(word, 0..80).prop_map(|words| words.join(" "))
}

/// Replaces a range of a text, given as two fractions, on character borders.
fn replace(text: &str, (from, len): (f64, usize), by: &str) -> String {
    let mut start = (from * text.len() as f64) as usize;
    while !text.is_char_boundary(start) {
        start -= 1;
    }
    let mut end = (start + len).min(text.len());
    while !text.is_char_boundary(end) {
        end += 1;
    }
    format!("{}{by}{}", &text[..start], &text[end..])
}

proptest! {
    #[test]
    fn bytes_never_panic(bytes in prop::collection::vec(any::<u8>(), 0..400)) {
        fuzz_parser(&bytes);
    }

    #[test]
    fn characters_never_panic(text in "\\PC{0,200}") {
        fuzz_parser(text.as_bytes());
    }

    #[test]
    fn words_of_the_language_never_panic(text in soup()) {
        fuzz_parser(text.as_bytes());
        fuzz_parser(format!("package a\npolicy p {{\n{text}\n}}\n").as_bytes());
        fuzz_parser(format!("package a\npolicy p {{ rule r {{ when {text} then block }} }}\n").as_bytes());
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn a_remembered_parse_is_a_fresh_one_after_any_edits(
        which in 0..POLICIES.len(),
        edits in prop::collection::vec(((0.0..1.0, 0_usize..60), soup()), 1..5),
    ) {
        let mut parser = Parser::new();
        let mut text = POLICIES[which].to_owned();
        prop_assert_eq!(parser.parse(FileId(3), &text), parse(FileId(3), &text));
        for (range, by) in edits {
            text = replace(&text, range, &by);
            prop_assert_eq!(parser.parse(FileId(3), &text), parse(FileId(3), &text));
        }
    }

    /// An error in one rule costs no other member of the file.
    #[test]
    fn an_edit_inside_one_rule_leaves_the_other_items(range in (0.0..1.0, 0_usize..30), by in "[a-z0-9 =,]{0,12}") {
        let text = POLICIES[0];
        let (whole, _) = parse(FileId(0), text);
        let from = text.find("    when tried >= min_users").unwrap();
        let len = text[from..].find("    because").unwrap();
        let part = &text[from..from + len];
        let edited = format!("{}{}{}", &text[..from], replace(part, range, &by), &text[from + len..]);
        let (file, _) = parse(FileId(0), &edited);
        prop_assert_eq!(file.items.len(), whole.items.len());
    }
}
