//! The formatter against golden files and its promises: the tree stays, comments stay, a second time changes
//! nothing.
//!
//! The worked policies of `tests/data/policies/` are in canonical layout. `tests/format/NAME.in.weir` is formatted to
//! `NAME.out.weir`; `WEIR_BLESS=1 cargo test -p weir-dsl --test format` writes the outputs anew.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test stops at what must not happen")]
#![allow(clippy::indexing_slicing, reason = "a test stops at what must not happen")]

use std::path::{Path, PathBuf};

use proptest::prelude::*;
use serde_json::Value;
use weir_dsl::format::{format, format_file};
use weir_dsl::{FileId, Sources, ast, parse};

fn directory() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/format")
}

fn files(directory: &Path, suffix: &str) -> Vec<(PathBuf, String)> {
    let mut files: Vec<PathBuf> = std::fs::read_dir(directory)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.to_str().unwrap().ends_with(suffix))
        .collect();
    files.sort();
    files.into_iter().map(|path| (path.clone(), std::fs::read_to_string(path).unwrap())).collect()
}

/// The tree without places, and the texts of its comments.
fn meaning(file: &ast::File) -> (Value, Vec<String>) {
    let mut tree = serde_json::to_value(ast::File { comments: Vec::new(), ..file.clone() }).unwrap();
    erase(&mut tree);
    (tree, file.comments.iter().map(|comment| comment.text.to_string()).collect())
}

fn erase(value: &mut Value) {
    match value {
        Value::Object(map) if map.len() == 2 && map.contains_key("start") && map.contains_key("end") => {
            *value = Value::Null;
        }
        Value::Object(map) => map.values_mut().for_each(erase),
        Value::Array(values) => values.iter_mut().for_each(erase),
        _ => {}
    }
}

fn parsed(text: &str) -> Result<ast::File, String> {
    let mut sources = Sources::default();
    let id = sources.set("t.weir", text);
    let (file, diagnostics) = parse(id, text);
    if diagnostics.is_empty() {
        Ok(file)
    } else {
        Err(weir_dsl::render::human(&diagnostics[..diagnostics.len().min(3)], &sources, false))
    }
}

/// Formats a text and checks every promise but the layout itself.
fn checked(text: &str) -> Result<String, String> {
    let before = parsed(text)?;
    let out = format_file(&before, text);
    let after = parsed(&out).map_err(|error| format!("the output does not parse\n{error}\n{out}"))?;
    if meaning(&before) != meaning(&after) {
        return Err(format!("the tree or its comments changed\n--- in\n{text}\n--- out\n{out}"));
    }
    let again = format_file(&after, &out);
    if again != out {
        return Err(format!("not idempotent\n--- once\n{out}\n--- twice\n{again}"));
    }
    if out.lines().any(|line| line.trim_end() != line) || out.contains("\n\n\n") {
        return Err(format!("trailing blanks or double empty lines\n{out}"));
    }
    Ok(out)
}

#[test]
fn worked_policies_are_in_canonical_layout() {
    let files = files(&directory().join("../data/policies"), ".weir");
    assert!(files.len() >= 15);
    for (path, text) in files {
        let out = checked(&text).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        if std::env::var_os("WEIR_BLESS").is_some() {
            std::fs::write(&path, &out).unwrap();
        } else {
            assert_eq!(out, text, "{}", path.display());
        }
    }
}

#[test]
fn layout_decisions() {
    let files = files(&directory(), ".in.weir");
    assert!(files.len() >= 5);
    for (path, text) in files {
        let out = checked(&text).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        let expected = PathBuf::from(path.to_str().unwrap().replace(".in.weir", ".out.weir"));
        if std::env::var_os("WEIR_BLESS").is_some() {
            std::fs::write(&expected, &out).unwrap();
        }
        assert_eq!(out, std::fs::read_to_string(&expected).unwrap_or_default(), "{}", path.display());
        assert_eq!(
            format(&text.replace('\n', "\r\n")).unwrap(),
            out,
            "with other line ends: {}",
            path.display()
        );
    }
}

#[test]
fn pages_show_canonical_layout() {
    for entry in weir_dsl::codes::REGISTRY {
        let page = weir_dsl::pages::page(entry.code).unwrap();
        for block in page.split("```weir\n").skip(1) {
            let text = block.split("```").next().unwrap();
            let out = checked(text).unwrap_or_else(|error| panic!("{}: {error}", entry.code));
            assert_eq!(out, text, "{}", entry.code);
        }
    }
}

#[test]
fn broken_files_are_refused() {
    let diagnostics = format("package a\npolicy p {\n  on login\n  rule {\n}\n").unwrap_err();
    assert!(!diagnostics.is_empty());
    assert!(format("package a\n\ntag \"x\n").is_err());
}

#[test]
fn small_texts() {
    assert_eq!(format("package a").unwrap(), "package a\n");
    assert_eq!(format("\n\n# c\n\n\npackage a # d").unwrap(), "# c\n\npackage a  # d\n");
    assert_eq!(format("\u{feff}package a\n\n\n# end\n\n").unwrap(), "package a\n\n# end\n");
}

/// Breaks white space anew, and with `comments` puts comments and empty lines between tokens. Only gaps that
/// may hold white space are touched: those that do, and those around brackets and commas.
fn reflowed(text: &str, choices: &[u8], comments: bool) -> String {
    let mut out = String::new();
    let mut choices = choices.iter().cycle().enumerate();
    let mut gap = |out: &mut String, needed: bool| {
        let (number, choice) = choices.next().unwrap();
        // A different offset each time round, so that a short list of choices does not repeat itself.
        let kinds = if comments { 64 } else { 44 };
        let nothing = if needed { " " } else { "" };
        let blank = match choice.wrapping_mul(31).wrapping_add((number / 7) as u8) % kinds {
            20..=27 => "\n",
            28..=31 => "\n    ",
            32..=35 => "\r\n \t",
            36..=43 => "  ",
            44 => &format!(" # c{number}\n"),
            45 => &format!("\n   # c{number}\n"),
            46 => &format!("\n\n# c{number}\n\n"),
            47 => &format!("# c{number}\r\n#d\n"),
            48..=50 => "\n  \n\n\t",
            _ => nothing,
        };
        // Two gaps may meet; together they must not make an empty line where none is wanted.
        let broken = out[out.trim_end_matches([' ', '\t', '\r', '\n']).len()..].contains('\n');
        out.push_str(if broken && !comments { nothing } else { blank });
    };
    let mut rest = text.char_indices().peekable();
    while let Some((at, c)) = rest.next() {
        match c {
            '"' => {
                out.push(c);
                let mut escaped = false;
                for (_, c) in rest.by_ref() {
                    out.push(c);
                    if c == '"' && !escaped {
                        break;
                    }
                    escaped = c == '\\' && !escaped;
                }
            }
            '#' => {
                out.push(c);
                for (_, c) in rest.by_ref() {
                    out.push(c);
                    if c == '\n' {
                        break;
                    }
                }
            }
            ' ' | '\n' => {
                while rest.peek().is_some_and(|(_, c)| *c == ' ' || *c == '\n') {
                    rest.next();
                }
                let money = at >= 3 && text.as_bytes()[at - 3..at].iter().all(u8::is_ascii_uppercase);
                if money { out.push(' ') } else { gap(&mut out, true) }
            }
            ',' | ':' | '(' | ')' | '[' | ']' | '{' | '}' => {
                gap(&mut out, false);
                out.push(c);
                gap(&mut out, false);
            }
            _ => out.push(c),
        }
    }
    out
}

/// Expressions of every form, as text.
fn expression() -> impl Strategy<Value = String> {
    let leaf = prop_oneof![
        "[a-z]{1,12}(\\.[a-z]{1,6})?".prop_filter("a word of the language", |word| {
            let first = word.split('.').next().unwrap_or("");
            ![
                "and", "or", "not", "in", "is", "of", "per", "over", "if", "case", "then", "when", "where",
                "true",
            ]
            .contains(&first)
        }),
        "[0-9]{1,4}(\\.[0-9]|%|ms|/min)?",
        Just("USD 1_000".to_owned()),
        Just("\"a {b} #\"".to_owned()),
        Just("true".to_owned()),
    ];
    leaf.prop_recursive(6, 80, 5, |inner| {
        let many = prop::collection::vec(inner.clone(), 1..6);
        let paren = inner.clone().prop_map(|e| format!("({e})"));
        prop_oneof![
            paren.clone(),
            paren.clone().prop_map(|e| format!("not {e}")),
            paren.clone().prop_map(|e| format!("- {e}")),
            prop::collection::vec(paren.clone(), 2..9).prop_map(|es| es.join(" and ")),
            prop::collection::vec(paren.clone(), 2..9).prop_map(|es| format!("({})", es.join(" or "))),
            many.clone().prop_map(|es| format!("call({})", es.join(","))),
            many.clone().prop_map(|es| format!("[{},]", es.join(","))),
            inner.clone().prop_map(|e| format!("table[ {e} ]")),
            (inner.clone(), many).prop_map(|(e, es)| format!("case({e}){{a=>{},_=>0,}}", es.join(",b =>"))),
            (paren.clone(), paren.clone(), 0usize..9).prop_map(|(a, b, which)| {
                let sign = ["<", ">=", "==", "!=", "+", "-", "*", "%", "??"][which];
                format!("({a}{sign}{b})")
            }),
            (paren.clone(), 0usize..6).prop_map(|(a, which)| {
                let test = [
                    "is missing",
                    "is not known",
                    "is new for ip / 24 : 56 over 1h",
                    "is new for (user,device) over horizon",
                    "not in bad",
                    "not matches regex \"x\"",
                ][which];
                format!("({a} {test})")
            }),
        ]
    })
}

fn worked() -> Vec<String> {
    files(&directory().join("../data/policies"), ".weir").into_iter().map(|(_, text)| text).collect()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 150, max_shrink_iters: 60, failure_persistence: None, ..ProptestConfig::default() })]

    /// Any white space and any comments: the promises hold.
    #[test]
    fn promises_hold_for_any_spacing(
        file in any::<prop::sample::Index>(),
        choices in prop::collection::vec(any::<u8>(), 50..400),
    ) {
        let mut worked = worked();
        worked.extend(files(&directory(), ".out.weir").into_iter().map(|(_, text)| text));
        let text = reflowed(file.get(&worked).as_str(), &choices, true);
        prop_assert!(parsed(&text).is_ok(), "the variant does not parse\n{}", parsed(&text).unwrap_err());
        if let Err(error) = checked(&text) {
            return Err(TestCaseError::fail(error));
        }
    }

    /// Expressions of every form and size, wherever one may stand.
    #[test]
    fn promises_hold_for_any_expression(
        e in expression(),
        f in expression(),
        choices in prop::collection::vec(any::<u8>(), 50..100),
        comments in any::<bool>(),
    ) {
        let text = format!(
            "package a list l: set<int>=[{e},] fn f(a: int) -> int = {e}
            derive login from http.exchange where {f} {{ user: {e}, at: {f} }}
            policy p {{ on login where {e} signal s = {f}
              signal t = share of {e} of login where {f} per ip/24:56 over 1h, at least 3
              watch login where {f} per user over 1h {{ n = count where {e} }}
              rule r {{ when {e} and {f} then log, score -3 because \"x\" }}
              decide {{ block when {f} otherwise pass }}
            }}
            test \"t\" {{ login {{ user: {e} at: {f}, id: -1 }} }}",
        );
        if let Err(error) = checked(&reflowed(&text, &choices, comments)) {
            return Err(TestCaseError::fail(error));
        }
    }

    /// Without comments and empty lines, every spacing leads to one layout.
    #[test]
    fn spacing_does_not_matter(
        file in any::<prop::sample::Index>(),
        choices in prop::collection::vec(any::<u8>(), 50..400),
    ) {
        let worked = worked();
        let bare = |line: &&str| !line.is_empty() && !line.contains("# ");
        let text: String = file.get(&worked).lines().filter(bare).map(|line| format!("{line}\n")).collect();
        prop_assert_eq!(format(&reflowed(&text, &choices, false)).unwrap(), format(&text).unwrap());
    }

    /// Whatever can be read of a broken text can be printed.
    #[test]
    fn any_text_can_be_printed(file in any::<prop::sample::Index>(), cuts in prop::collection::vec((0usize..6_000, 0usize..40), 0..6)) {
        let worked = worked();
        let mut text = file.get(&worked).clone();
        for (at, length) in cuts {
            let from = text.floor_char_boundary(at);
            let to = text.floor_char_boundary(from + length);
            text.replace_range(from..to, "");
        }
        let (file, _) = parse(FileId(0), &text);
        let out = format_file(&file, &text);
        let letters = |text: &str| text.chars().filter(|c| c.is_alphanumeric()).collect::<String>();
        prop_assert_eq!(letters(&out), letters(&text));
    }
}
