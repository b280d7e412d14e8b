//! Hostile texts: each gives a clean diagnostic, soon, on the small stack of a test thread.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test may panic")]

use std::time::{Duration, Instant};
use weir_dsl::fuzzing::fuzz_parser;
use weir_dsl::{Code, Diagnostic, FileId, Severity, parse, parse_bytes};

/// A guard against hanging, not a measure of speed: what is quadratic takes many minutes on these texts, and an unoptimised
/// build on a busy machine has needed twelve seconds.
const SOON: Duration = Duration::from_secs(120);

fn soon(text: &str) -> Vec<Diagnostic> {
    bytes_soon(text.as_bytes())
}

fn bytes_soon(bytes: &[u8]) -> Vec<Diagnostic> {
    let start = Instant::now();
    let (_, diagnostics) = parse_bytes(FileId(0), bytes);
    let took = start.elapsed();
    assert!(took < SOON, "took {took:?}");
    assert!(!diagnostics.is_empty());
    for diagnostic in &diagnostics {
        assert_eq!(diagnostic.severity, Severity::Error);
        assert!(diagnostic.help.is_some(), "{}", diagnostic.title);
        assert!(diagnostic.primary.span.end as usize <= bytes.len());
        assert!(diagnostic.title.len() < 400, "{}", diagnostic.title);
    }
    diagnostics
}

fn codes(diagnostics: &[Diagnostic]) -> Vec<Code> {
    diagnostics.iter().map(|diagnostic| diagnostic.code).collect()
}

fn in_rule(condition: &str) -> String {
    format!(
        "package a\npolicy p {{\n  rule r {{\n    when {condition}\n    then block\n    because \"x\"\n  }}\n}}\n"
    )
}

#[test]
fn a_hundred_thousand_parentheses() {
    let deep = in_rule(&format!("{}x{}", "(".repeat(100_000), ")".repeat(100_000)));
    assert_eq!(codes(&soon(&deep)), [Code::TOO_LARGE]);
    assert_eq!(codes(&soon(&in_rule(&"(".repeat(100_000)))), [Code::TOO_LARGE]);
    soon(&in_rule(&")".repeat(100_000)));
    soon(&"(".repeat(100_000));
}

#[test]
fn other_brackets_and_calls() {
    for open in ["[", "{", "f(", "x[", "case x { 1 => ", "case ", "(x + ", "[x, ", "{{", "-(", "not ("] {
        soon(&in_rule(&open.repeat(20_000)));
        soon(&open.repeat(20_000));
        soon(&format!("package a\n\n{}", format!("tag a {open}\n").repeat(5_000)));
    }
    let types = format!("package a\nevent e {{ a: {}int{} }}\n", "list<".repeat(50_000), ">".repeat(50_000));
    assert_eq!(codes(&soon(&types)), [Code::TOO_LARGE]);
    let repeats = format!("package a\ntest \"t\" {{ {} }}\n", "repeat 2 as i { ".repeat(50_000));
    assert_eq!(codes(&soon(&repeats)), [Code::UNBALANCED, Code::TOO_LARGE][1..]);
    soon(&"policy p { rule r { ".repeat(20_000));
    soon(&"policy p {\nrule r {\n".repeat(20_000));
    soon(&format!("policy p {{\n{}", "rule r {\n".repeat(50_000)));
    soon(&format!("policy p {{\n{}", "watch a {\n".repeat(50_000)));
}

#[test]
fn fifty_thousand_prefix_operators() {
    assert_eq!(codes(&soon(&in_rule(&format!("{}x", "not ".repeat(50_000))))), [Code::TOO_LARGE]);
    assert_eq!(codes(&soon(&in_rule(&format!("{}x", "- ".repeat(50_000))))), [Code::TOO_LARGE]);
    assert_eq!(codes(&soon(&in_rule(&format!("{}x", "not - ".repeat(50_000)))))[..1], [Code::SYNTAX]);
}

#[test]
fn long_chains() {
    for link in [" + x", " ?? x", " * x", " / x", "[x]", " - -x"] {
        let text = in_rule(&format!("x{}", link.repeat(100_000)));
        assert_eq!(codes(&soon(&text)), [Code::TOO_LARGE], "{link}");
    }
    // Conjunctions are flat: long ones are fine.
    let (file, diagnostics) = parse(FileId(0), &in_rule(&format!("x{}", " and x or y".repeat(20_000))));
    assert_eq!(diagnostics, []);
    assert_eq!(file.items.len(), 1);
    soon(&in_rule(&format!("x{}", " and x or y".repeat(200_000))));
    soon(&in_rule(&format!("x{}", " == x".repeat(100_000))));
    soon(&in_rule(&format!("x{}", " and".repeat(200_000))));
}

#[test]
fn nesting_up_to_the_limit_is_fine() {
    // A rule and its policy are two of the levels that a member may have, the policy's not counted.
    let levels = weir_dsl::parse::limits::MAX_NESTING - 1;
    for (open, close) in
        [("(", ")"), ("f(", ")"), ("[", "]"), ("x[", "]"), ("case x { _ => ", " }"), ("not (", ")")]
    {
        let text = in_rule(&format!("{}x{}", open.repeat(levels), close.repeat(levels)));
        let (_, diagnostics) = parse(FileId(0), &text);
        assert!(diagnostics.is_empty(), "{open}: {}", diagnostics[0].title);
        let text = in_rule(&format!("{}x{}", open.repeat(levels + 1), close.repeat(levels + 1)));
        assert_eq!(codes(&soon(&text)), [Code::TOO_LARGE], "{open}");
    }
}

#[test]
fn ten_megabytes_on_a_line() {
    const LEN: usize = 10 << 20;
    for part in [
        "a", "a ", "1", "\"", "\"a\" ", ")", "(", "{", "}", "#", "é", "\\", "policy ", "x{", "\0", "\u{0c}",
        ";",
    ] {
        let text = part.repeat(LEN / part.len());
        soon(&text);
    }
    soon(&in_rule(&"x and ".repeat(LEN / 6)));
    soon(&in_rule(&")".repeat(LEN)));
    let values = format!("package a\nlist l: set<int> = [{}1]\n", "1, ".repeat(LEN / 3));
    soon(&values);
    let reason = format!(
        "package a\ncap block on e at 1% of sessions over 1h, else log because \"{}\"",
        "{a} ".repeat(LEN / 4)
    );
    soon(&reason);
    let comment = format!("# {}\npackage a\n", "x".repeat(LEN));
    assert_eq!(parse(FileId(0), &comment).1, []);
}

#[test]
fn many_lines_of_errors() {
    for line in [
        "x\n",
        "}\n",
        "tag\n",
        "rule r {\n",
        "policy p { x }\n",
        "\"\n",
        "test \"t\" { x y }\n",
        "event e { a }\n",
        "  on\n",
    ] {
        let text = line.repeat((256 << 10) / line.len());
        let diagnostics = soon(&text);
        assert!(
            diagnostics.len() <= weir_dsl::parse::limits::MAX_DIAGNOSTICS + 1,
            "{line}: {}",
            diagnostics.len()
        );
        soon(&format!("package a\npolicy p {{\n{text}}}\n"));
        soon(&format!("package a\ntest \"t\" {{\n{text}}}\n"));
    }
}

#[test]
fn too_large_a_file() {
    let text = " ".repeat(weir_dsl::parse::limits::MAX_FILE_BYTES + 1);
    assert_eq!(codes(&soon(&text)), [Code::TOO_LARGE]);
    let mut bytes = text.into_bytes();
    bytes[0] = 0xFF;
    assert_eq!(codes(&bytes_soon(&bytes)), [Code::TOO_LARGE]);
}

#[test]
fn bytes_that_are_not_text() {
    let diagnostics = bytes_soon(b"package a\n# caf\xe9\n\nqueue desk\ntag \xff\xfe\ntag fine, with a few words to make the file long enough\n");
    assert_eq!(diagnostics[0].code, Code::NOT_TEXT);
    assert_eq!((diagnostics[0].primary.span.start, diagnostics[0].primary.span.end), (15, 16));
    let (file, _) = parse_bytes(
        FileId(0),
        b"package a\n# caf\xe9, and a comment long enough for one stray byte\ntag fine\n",
    );
    assert_eq!(file.items.len(), 1, "the rest is parsed");
    let mut state = 1_u64;
    let noise: Vec<u8> = (0..1 << 20)
        .map(|_| {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (state >> 56) as u8
        })
        .collect();
    assert_eq!(codes(&bytes_soon(&noise)), [Code::NOT_TEXT]);
}

#[test]
fn nul_bytes() {
    let diagnostics = soon(
        "package a\ntag b\0c\nqueue \"\0\"\n# \0\ntag fine\nlist l: set<string> from \"l.csv\"\ntag also_fine\ntag and_more_text_so_that_the_three_stray_bytes_stay_a_small_part_of_the_file\n",
    );
    assert_eq!(codes(&diagnostics), [Code::NOT_TEXT]);
    assert_eq!(diagnostics[0].primary.span.start, 15);
    assert_eq!(diagnostics[0].notes, ["3 NUL bytes in all"]);
    assert_eq!(codes(&soon(&"\0".repeat(100_000))), [Code::NOT_TEXT]);
}

#[test]
fn strings_and_braces_that_never_end() {
    soon("package a\ntest \"");
    soon("package a\npolicy p {");
    soon("package a\npolicy p { rule r {");
    soon("package a\npolicy p { rule r { when x then block because \"{");
    soon("package a\npolicy p { rule r { when x then block because \"\\");
    soon("policy");
    soon("\"");
    soon("\\");
    soon("\u{feff}");
    soon(&"\"".repeat(100_001));
    soon(&"test \"a\n".repeat(50_000));
}

#[test]
fn an_empty_file_lacks_a_package() {
    assert_eq!(codes(&soon("")), [Code::NO_PACKAGE]);
    assert_eq!(codes(&soon("# nothing\n")), [Code::NO_PACKAGE]);
    assert_eq!(parse(FileId(0), "\u{feff}package a\r\ntag t\r\n").1, []);
}

#[test]
fn every_beginning_of_a_policy_keeps_the_promises() {
    let text = include_str!("data/policies/std.ato.weir");
    for (at, _) in text.char_indices().filter(|(at, _)| at % 7 == 0) {
        fuzz_parser(&text.as_bytes()[..at]);
    }
}
