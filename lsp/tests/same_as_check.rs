//! Whatever is typed, the server's text and findings are those of a fresh check of the same text.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, missing_docs)]

mod support;

use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use serde_json::{Value, json};
use support::{Client, ROOT};
use weir_compiler::analysis::Analysis;
use weir_compiler::project::Manifest;
use weir_dsl::{FileId, Severity};

const OTHER: &str = "package shop.names\n\ntag suspect\n\nfn twice(x: int) -> int = x * 2\n";
const TEXT: &str = "package shop.a

use std.events { login }
use shop.names { suspect, twice }

# \u{1f600} Ü
policy p {
  on login
  param most: int = 5 in 2..50
  signal failures = count of login where outcome == failure per user over 10m

  rule r {
    when failures >= twice(most)
    then tag user suspect for 1h
    because \"{failures} – too many\"
  }
}

test \"t\" {
  login { user: \"é\", outcome: failure }
  expect rule r not fired
}
";

/// Pieces that editing brings in.
const PIECES: &[&str] = &[
    "",
    "x",
    "{",
    "}",
    "\"",
    "#",
    "\n",
    "\r\n",
    "\u{1f600}",
    "é",
    " ",
    "rule q {\n  when now == now\n  then log\n  because \"x\"\n}\n",
    "package shop.names\n",
    "package std.ato\n",
    "use shop.names { twice }\n",
    "tag suspect\n",
    "when ",
    "\t",
    "policy p {",
    "}\n\n",
    "\r",
    "login",
];

/// An edit: where, how far, what with. Whole texts now and then.
#[derive(Clone, Debug)]
struct Typed {
    other: bool,
    from: (u32, u32),
    by: (u32, u32),
    piece: usize,
    whole: bool,
}

fn typed() -> impl Strategy<Value = Typed> {
    let place = || (0_u32..26, 0_u32..40);
    (prop::bool::weighted(0.2), place(), (0_u32..2, 0_u32..6), 0..PIECES.len(), prop::bool::weighted(0.03))
        .prop_map(|(other, from, by, piece, whole)| Typed { other, from, by, piece, whole })
}

/// The text that a client has after an edit: an own reading of the protocol, by characters.
fn edited(text: &str, edit: &Typed, units: fn(char) -> u32) -> String {
    if edit.whole {
        return PIECES[edit.piece].to_owned();
    }
    let offset = |(line, column): (u32, u32)| {
        let mut lines = vec![0];
        let mut chars = text.char_indices().peekable();
        while let Some((at, c)) = chars.next() {
            if c == '\n' || (c == '\r' && chars.peek().is_none_or(|(_, next)| *next != '\n')) {
                lines.push(at + c.len_utf8());
            }
        }
        let Some(start) = lines.get(line as usize) else { return text.len() };
        let mut at = *start;
        let mut left = column;
        for c in text[*start..].chars() {
            if c == '\n' || c == '\r' || units(c) > left {
                break;
            }
            left -= units(c);
            at += c.len_utf8();
        }
        at
    };
    let (a, b) = (offset(edit.from), offset((edit.from.0 + edit.by.0, edit.from.1 + edit.by.1)));
    let (a, b) = (a.min(b), a.max(b));
    format!("{}{}{}", &text[..a], PIECES[edit.piece], &text[b..])
}

fn change(edit: &Typed) -> Value {
    if edit.whole {
        return json!({ "text": PIECES[edit.piece] });
    }
    let end = json!({ "line": edit.from.0 + edit.by.0, "character": edit.from.1 + edit.by.1 });
    json!({ "range": { "start": { "line": edit.from.0, "character": edit.from.1 }, "end": end }, "text": PIECES[edit.piece] })
}

/// What a fresh session says of the files: code, severity and first line of each finding, file by file.
fn fresh(files: &[(&str, &str)]) -> Vec<Vec<(String, u64, String)>> {
    let mut analysis = Analysis::new();
    let ids: Vec<FileId> = files.iter().map(|(name, text)| analysis.set_file(name, *text)).collect();
    let taken: Vec<_> =
        ids.iter().filter_map(|id| analysis.tree(*id)?.package.clone()).map(|name| name.text).collect();
    for file in weir_stdlib::policies() {
        let id = analysis.set_file(&file.path, file.text);
        if analysis
            .tree(id)
            .and_then(|tree| tree.package.as_ref())
            .is_some_and(|name| taken.contains(&name.text))
        {
            analysis.remove_file(&file.path);
        }
    }
    let (base, _) = Manifest::parse(FileId::default(), weir_stdlib::MANIFEST);
    analysis.set_base(base);
    let all = analysis.diagnostics();
    let shown = |id: &FileId| {
        let of = all.iter().filter(|found| found.primary.file == *id);
        let mut of: Vec<_> = of
            .map(|found| {
                let severity = match found.severity {
                    Severity::Error => 1,
                    Severity::Warning => 2,
                    Severity::Note => 3,
                };
                (found.code.to_string(), severity, found.title.clone())
            })
            .collect();
        of.sort();
        of
    };
    ids.iter().map(shown).collect()
}

fn heard(found: &[Value]) -> Vec<(String, u64, String)> {
    let mut heard: Vec<_> = found
        .iter()
        .map(|found| {
            let title = found["message"].as_str().unwrap().lines().next().unwrap_or("").to_owned();
            (found["code"].as_str().unwrap().to_owned(), found["severity"].as_u64().unwrap(), title)
        })
        .collect();
    heard.sort();
    heard
}

#[test]
fn edits_in_any_order_give_what_a_fresh_check_gives() {
    // What shows in the whole comes later and is compared elsewhere.
    let options =
        weir_lsp::Options { pause: std::time::Duration::from_secs(3600), ..weir_lsp::Options::default() };
    let cases = std::env::var("WEIR_LSP_CASES").ok().and_then(|cases| cases.parse().ok()).unwrap_or(12);
    let mut runner = TestRunner::new(Config { cases, failure_persistence: None, ..Config::default() });
    let encodings =
        [("utf-8", char::len_utf8 as fn(char) -> usize), ("utf-16", char::len_utf16), ("utf-32", |_| 1)];
    let strategy = (0..encodings.len(), prop::collection::vec(typed(), 1..24));
    runner
        .run(&strategy, |(encoding, script)| {
            let (name, _) = encodings[encoding];
            let units: fn(char) -> u32 = match name {
                "utf-8" => |c| c.len_utf8() as u32,
                "utf-16" => |c| c.len_utf16() as u32,
                _ => |_| 1,
            };
            let capabilities = json!({ "general": { "positionEncodings": [name] } });
            let mut client = Client::with(&[("a.weir", TEXT), ("names.weir", OTHER)], options, capabilities);
            client.open("a.weir", TEXT);
            client.open("names.weir", OTHER);
            let (mut text, mut other) = (TEXT.to_owned(), OTHER.to_owned());
            for (at, edit) in script.iter().enumerate() {
                let (file, known) = if edit.other { ("names.weir", &mut other) } else { ("a.weir", &mut text) };
                *known = edited(known, edit, units);
                client.change(file, at as i64 + 2, json!([change(edit)]));
                // Requests in between must not disturb anything.
                if at % 5 == 0 {
                    let place = json!({ "textDocument": { "uri": format!("{ROOT}/{file}") }, "position": { "line": edit.from.0, "character": edit.from.1 } });
                    for method in ["textDocument/completion", "textDocument/hover"] {
                        client.ask(method, place.clone()).map_err(|error| TestCaseError::fail(error.message))?;
                    }
                }
            }
            let expected = fresh(&[("a", &text), ("names", &other)]);
            prop_assert_eq!(heard(&client.pull("a.weir")), expected[0].clone(), "{:?}", text);
            prop_assert_eq!(heard(&client.pull("names.weir")), expected[1].clone(), "{:?}", other);
            Ok(())
        })
        .unwrap();
}

/// The editor's file goes back to what is on disk when it is closed, and the library comes back when a package of its name goes.
#[test]
fn files_come_and_go() {
    let mut client = Client::over(&[("a.weir", TEXT), ("names.weir", OTHER)]);
    client.open("names.weir", "package std.ato\n\ntag mine\n");
    assert!(client.pull("a.weir").iter().any(|found| found["severity"] == 1), "its import is gone");
    client.tell("textDocument/didClose", json!({ "textDocument": { "uri": format!("{ROOT}/names.weir") } }));
    let expected = fresh(&[("a", TEXT), ("names", OTHER)]);
    assert_eq!(heard(&client.pull("a.weir")), expected[0]);
    client.tell(
        "workspace/didChangeWatchedFiles",
        json!({ "changes": [{ "uri": format!("{ROOT}/gone.weir"), "type": 3 }] }),
    );
    assert!(client.end());
}

/// What shows in the whole follows when the typing has paused.
#[test]
fn the_whole_follows() {
    let manifest = "edition = \"2026\"\n\n[budgets]\n\"shop.a.p\" = \"1 KB\"\n";
    let mut client = Client::over(&[("weir.toml", manifest), ("names.weir", OTHER)]);
    client.open("a.weir", TEXT);
    let uri = format!("{ROOT}/a.weir");
    let note = client.note(|note| {
        note.method == "textDocument/publishDiagnostics"
            && note.params["uri"] == uri.as_str()
            && note.params["diagnostics"].as_array().unwrap().iter().any(|found| found["code"] == "W0602")
    });
    assert!(!note.params["diagnostics"].as_array().unwrap().is_empty());
}
