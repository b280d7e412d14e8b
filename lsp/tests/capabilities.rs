//! Every capability's answer over one project, against golden files: `WEIR_GOLDEN=write` writes them.
//!
//! Answers are read as the protocol's types, too, so that none is shaped otherwise than version 3.18 says.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, missing_docs)]

mod support;

use gen_lsp_types as lsp;
use serde_json::{Value, json};
use support::{Client, ROOT, at, behind, place};

const MANIFEST: &str =
    "edition = \"2026\"\ntenant = \"shop\"\n\n[lists.partners]\nfile = \"lists/partners.txt\"\n";
const NAMES: &str = "package shop.names

use std.events { login }

# People who look.
queue desk

tag suspect

list partners: set<string> from \"lists/partners.txt\"

fn twice(x: int) -> int = x * 2
";
const LOGINS: &str = "package shop.logins

use std.events { login }
use shop.names { desk, partners, suspect, twice }

# Guessing of passwords, one account at a time.
policy guessing {
  on login
  tags [\"OAT-007\"]
  mode shadow

  param most: int = 5 in 2..50

  # How often it failed.
  watch login where outcome == failure per user over 10m {
    failures = count
    places   = distinct ip
  }

  signal loud = failures >= twice(most)

  sequence opened per user within 1h {
    first login as missed where outcome == failure
    then login as won where outcome == success
  }

  rule many-failures {
    when failures >= most and places > 1
    then tag user suspect for 1h, alert desk
    because \"{failures} failures from {places} addresses\"
  }

  rule opened-after-failures {
    when opened and loud
    then alert desk
    because \"opened {opened.missed.age} after a failure\"
  }
}

test \"five failures\" {
  repeat 5 as i every 10s {
    login { user: \"ana\", ip: \"192.0.2.{i}\", outcome: failure }
  }
  expect rule many-failures fired at event 5
}
";
/// Broken, with fixes; badly laid out.
const BROKEN: &str = "package shop.broken

use std.events { login }
use shop.names { suspect, desk }

policy p {
  on login
    mode shadow
  rule r { when outcme == failure
    then tag user suspect for 1h
    because \"x\" }
}
";

fn client() -> Client {
    Client::over(&[
        ("weir.toml", MANIFEST),
        ("names.weir", NAMES),
        ("logins.weir", LOGINS),
        ("broken.weir", BROKEN),
    ])
}

fn at_place(name: &str, position: &Value) -> Value {
    json!({ "textDocument": { "uri": format!("{ROOT}/{name}") }, "position": position })
}

fn whole(name: &str) -> Value {
    json!({ "textDocument": { "uri": format!("{ROOT}/{name}") } })
}

/// Asks, checks the shape of the answer, and holds it against its golden file.
fn golden<R: lsp::Request>(client: &mut Client, file: &str, params: Value) -> Value {
    let method = serde_json::to_value(R::METHOD).unwrap();
    let answer = client.ask(method.as_str().unwrap(), params.clone());
    let answer = answer.unwrap_or_else(|error| json!({ "error": error.message }));
    if answer.get("error").is_none() {
        serde_json::from_value::<R::Result>(answer.clone())
            .unwrap_or_else(|error| panic!("{file}: {error}: {answer}"));
    }
    compare(file, &json!({ "request": params, "answer": answer }));
    answer
}

fn compare(file: &str, value: &Value) {
    let path = format!("{}/tests/golden/{file}.json", env!("CARGO_MANIFEST_DIR"));
    let text = serde_json::to_string_pretty(value).unwrap() + "\n";
    if std::env::var("WEIR_GOLDEN").is_ok_and(|how| how == "write") {
        std::fs::write(&path, text).unwrap();
        return;
    }
    let known = std::fs::read_to_string(&path).unwrap_or_default();
    assert_eq!(text, known, "{file} has changed; look at it, and write it anew with WEIR_GOLDEN=write");
}

#[test]
fn what_the_server_says_of_itself() {
    let mut client =
        Client::start(std::sync::Arc::new(weir_lsp::Memory::default()), weir_lsp::Options::default());
    golden::<lsp::InitializeRequest>(
        &mut client,
        "initialize",
        json!({ "capabilities": {}, "processId": null, "rootUri": null }),
    );
}

#[test]
fn hover() {
    let mut client = client();
    for (name, before) in [
        ("param", "when failures >= mo"),
        ("signal", "when fai"),
        ("rule", "rule many-f"),
        ("field", "  watch login where out"),
        ("list", "desk, partn"),
        ("function", "failures >= twi"),
        ("event", "on log"),
        ("sequence", "when ope"),
        ("keyword", "      "),
        ("word", "\n  ru"),
    ] {
        if LOGINS.contains(before) {
            golden::<lsp::HoverRequest>(
                &mut client,
                &format!("hover-{name}"),
                at_place("logins.weir", &behind(LOGINS, before)),
            );
        }
    }
}

#[test]
fn navigation() {
    let mut client = client();
    let failures = behind(LOGINS, "when fai");
    golden::<lsp::DefinitionRequest>(&mut client, "definition-signal", at_place("logins.weir", &failures));
    golden::<lsp::DefinitionRequest>(
        &mut client,
        "definition-library",
        at_place("logins.weir", &behind(LOGINS, "on log")),
    );
    golden::<lsp::DefinitionRequest>(
        &mut client,
        "definition-step",
        at_place("logins.weir", &behind(LOGINS, "opened {opened.mis")),
    );
    golden::<lsp::DefinitionRequest>(
        &mut client,
        "definition-function",
        at_place("logins.weir", &behind(LOGINS, "failures >= twi")),
    );
    golden::<lsp::TypeDefinitionRequest>(&mut client, "type-definition", at_place("logins.weir", &failures));
    let mut params = at_place("logins.weir", &failures);
    params["context"] = json!({ "includeDeclaration": true });
    golden::<lsp::ReferencesRequest>(&mut client, "references-signal", params);
    let mut params = at_place("names.weir", &behind(NAMES, "tag sus"));
    params["context"] = json!({ "includeDeclaration": false });
    golden::<lsp::ReferencesRequest>(&mut client, "references-tag", params);
    golden::<lsp::DocumentHighlightRequest>(&mut client, "highlight", at_place("logins.weir", &failures));
    golden::<lsp::DocumentHighlightRequest>(
        &mut client,
        "highlight-brace",
        at_place("logins.weir", &at(LOGINS, "{\n  on")),
    );
}

#[test]
fn symbols() {
    let mut client = client();
    golden::<lsp::DocumentSymbolRequest>(&mut client, "document-symbols", whole("logins.weir"));
    golden::<lsp::WorkspaceSymbolRequest>(&mut client, "workspace-symbols", json!({ "query": "manyfail" }));
}

#[test]
fn renaming() {
    let mut client = client();
    golden::<lsp::PrepareRenameRequest>(
        &mut client,
        "prepare-rename",
        at_place("names.weir", &behind(NAMES, "tag sus")),
    );
    golden::<lsp::PrepareRenameRequest>(
        &mut client,
        "prepare-rename-library",
        at_place("logins.weir", &behind(LOGINS, "on log")),
    );
    let renamed = |name: &str, before: &str, text: &str, new: &str| {
        let mut params = at_place(name, &behind(text, before));
        params["newName"] = new.into();
        params
    };
    golden::<lsp::RenameRequest>(
        &mut client,
        "rename-tag",
        renamed("names.weir", "tag sus", NAMES, "doubtful"),
    );
    golden::<lsp::RenameRequest>(
        &mut client,
        "rename-list",
        renamed("names.weir", "list part", NAMES, "friends"),
    );
    golden::<lsp::RenameRequest>(
        &mut client,
        "rename-rule",
        renamed("logins.weir", "rule many-f", LOGINS, "guessed"),
    );
    golden::<lsp::RenameRequest>(
        &mut client,
        "rename-step",
        renamed("logins.weir", "login as mis", LOGINS, "failed"),
    );
    golden::<lsp::RenameRequest>(
        &mut client,
        "rename-taken",
        renamed("logins.weir", "when fai", LOGINS, "places"),
    );
    golden::<lsp::RenameRequest>(
        &mut client,
        "rename-no-name",
        renamed("logins.weir", "when fai", LOGINS, "a b"),
    );
}

/// The labels of what could be written behind `before`, in a text that ends there.
fn offered(client: &mut Client, version: i64, text: &str) -> Vec<String> {
    client.change("logins.weir", version, json!([{ "text": text }]));
    let answer =
        client.ask("textDocument/completion", at_place("logins.weir", &place(text, text.len()))).unwrap();
    serde_json::from_value::<lsp::CompletionList>(answer.clone()).unwrap();
    let labels =
        answer["items"].as_array().unwrap().iter().map(|item| item["label"].as_str().unwrap().to_owned());
    labels.collect()
}

#[test]
fn completion_in_broken_clauses() {
    let mut client = client();
    client.open("logins.weir", LOGINS);
    let head = &LOGINS[..LOGINS.find("  rule many-failures").unwrap()];
    let cases: &[(&str, &str, &[&str])] = &[
        ("item", "", &["policy", "test", "list"]),
        ("member", "policy guessing {\n  on login\n  ", &["rule", "signal", "watch"]),
        ("event", "policy guessing {\n  on ", &["login"]),
        ("value", "{head}  rule x {\n    when fail", &["failures"]),
        ("field", "{head}  rule x {\n    when ", &["user", "outcome", "failures", "most", "twice"]),
        ("variant", "{head}  rule x {\n    when outcome == ", &["failure", "success"]),
        ("action", "{head}  rule x {\n    when loud\n    then ", &["block", "challenge", "tag", "score"]),
        ("tag", "{head}  rule x {\n    when user is tagged ", &["suspect"]),
        ("queue", "{head}  rule x {\n    when loud\n    then alert ", &["desk"]),
        ("list", "{head}  rule x {\n    when user in ", &["partners"]),
        ("step", "{head}  rule x {\n    when opened.", &["opened.missed", "opened.missed.age"]),
        ("hole", "{head}  rule x {\n    when loud\n    then log\n    because \"{", &["failures"]),
        ("key", "{head}  signal x = count of login per ", &["user", "ip"]),
        ("measure", "{head}  signal x = ", &["count", "distinct", "share"]),
        ("window", "{head}  signal x = count of login over ", &["10m", "most"]),
        ("package", "package shop.logins\n\nuse shop.", &["shop.names"]),
        ("import", "package shop.logins\n\nuse shop.names { ", &["desk", "suspect"]),
        ("type", "{head}  param x: ", &["int", "duration"]),
        ("record", "{head}}\n\ntest \"x\" {\n  login { ", &["user", "outcome"]),
        ("record value", "{head}}\n\ntest \"x\" {\n  login { outcome: ", &["failure"]),
        ("move", "{head}}\n\ntest \"x\" {\n  ", &["expect", "given", "login"]),
        ("comment", "{head}  # no", &[]),
    ];
    for (version, (name, text, wanted)) in cases.iter().enumerate() {
        let text = text.replace("{head}", head);
        let text = if text.starts_with("package") {
            text
        } else {
            format!("package shop.logins\n\nuse std.events {{ login }}\n\n{text}")
        };
        let labels = offered(&mut client, version as i64 + 2, &text);
        for wanted in *wanted {
            assert!(labels.iter().any(|label| label == wanted), "{name}: no `{wanted}` in {labels:?}");
        }
        assert!(!wanted.is_empty() || labels.is_empty(), "{name}: {labels:?}");
    }
}

#[test]
fn completion_and_its_resolution() {
    let mut client = client();
    let answer = golden::<lsp::CompletionRequest>(
        &mut client,
        "completion",
        at_place("logins.weir", &behind(LOGINS, "when fai")),
    );
    let item =
        answer["items"].as_array().unwrap().iter().find(|item| item["label"] == "failures").unwrap().clone();
    golden::<lsp::CompletionResolveRequest>(&mut client, "completion-resolved", item);
    golden::<lsp::SignatureHelpRequest>(
        &mut client,
        "signature-help",
        at_place("logins.weir", &behind(LOGINS, "twice(mo")),
    );
}

#[test]
fn layout() {
    let mut client = client();
    let options = json!({ "tabSize": 2, "insertSpaces": true });
    let text =
        LOGINS.replace("  on login\n", "      on   login\n").replace("then alert desk", "then   alert desk");
    client.open("logins.weir", &text);
    let mut params = whole("logins.weir");
    params["options"] = options.clone();
    golden::<lsp::DocumentFormattingRequest>(&mut client, "formatting", params.clone());
    params["range"] = json!({ "start": at(&text, "on   login"), "end": at(&text, "mode shadow") });
    golden::<lsp::DocumentRangeFormattingRequest>(&mut client, "range-formatting", params);
    let mut typed = at_place("logins.weir", &behind(&text, "missed.age} after a failure\"\n  }"));
    typed["ch"] = "}".into();
    typed["options"] = options;
    golden::<lsp::DocumentOnTypeFormattingRequest>(&mut client, "on-type-formatting", typed);
    golden::<lsp::FoldingRangeRequest>(&mut client, "folding", whole("names.weir"));
    let mut params = whole("logins.weir");
    params["positions"] = json!([behind(LOGINS, "when fai")]);
    golden::<lsp::SelectionRangeRequest>(&mut client, "selection", params);
}

#[test]
fn actions() {
    let mut client = client();
    let ask = |name: &str, text: &str, from: &str, to: &str, only: Value| {
        let start = at(text, from);
        let end = if to.is_empty() { start.clone() } else { behind(text, to) };
        let mut context = json!({ "diagnostics": [] });
        if !only.is_null() {
            context["only"] = only;
        }
        json!({ "textDocument": { "uri": format!("{ROOT}/{name}") }, "range": { "start": start, "end": end }, "context": context })
    };
    golden::<lsp::CodeActionRequest>(
        &mut client,
        "actions-fix",
        ask("broken.weir", BROKEN, "outcme", "", Value::Null),
    );
    golden::<lsp::CodeActionRequest>(
        &mut client,
        "actions-fix-all",
        ask("broken.weir", BROKEN, "package", "", json!(["source.fixAll"])),
    );
    golden::<lsp::CodeActionRequest>(
        &mut client,
        "actions-extract",
        ask("logins.weir", LOGINS, "failures >= most and", "places > 1", json!(["refactor"])),
    );
    golden::<lsp::CodeActionRequest>(
        &mut client,
        "actions-inline",
        ask("logins.weir", LOGINS, "loud =", "", json!(["refactor.inline"])),
    );
    golden::<lsp::CodeActionRequest>(
        &mut client,
        "actions-parameter",
        ask("logins.weir", LOGINS, "1\n    then tag", "", json!(["refactor.rewrite"])),
    );
    golden::<lsp::CodeActionRequest>(
        &mut client,
        "actions-test",
        ask("logins.weir", LOGINS, "opened-after-failures", "", json!(["refactor.rewrite"])),
    );
}

/// What an action makes of a text has no error that the text had not.
#[test]
fn actions_leave_policies_whole() {
    let mut client = client();
    client.open("logins.weir", LOGINS);
    let range = |from: &str, to: &str| {
        let end = if to.is_empty() { at(LOGINS, from) } else { behind(LOGINS, to) };
        json!({ "start": at(LOGINS, from), "end": end })
    };
    let mut made = 0;
    for range in [
        range("failures >= most and", "places > 1"),
        range("loud =", ""),
        range("1\n    then tag", ""),
        range("10m", ""),
        range("1h {", ""),
        range("opened-after", ""),
    ] {
        let params = json!({ "textDocument": { "uri": format!("{ROOT}/logins.weir") }, "range": range, "context": { "diagnostics": [], "only": ["refactor"] } });
        let actions = client.ask("textDocument/codeAction", params).unwrap();
        for action in actions.as_array().unwrap() {
            let edits = action["edit"]["changes"][format!("{ROOT}/logins.weir")].as_array().unwrap();
            let mut edits: Vec<(usize, usize, &str)> = edits
                .iter()
                .map(|edit| {
                    let byte = |position: &Value| {
                        let line = position["line"].as_u64().unwrap() as usize;
                        let start: usize = LOGINS.split_inclusive('\n').take(line).map(str::len).sum();
                        start + position["character"].as_u64().unwrap() as usize
                    };
                    (
                        byte(&edit["range"]["start"]),
                        byte(&edit["range"]["end"]),
                        edit["newText"].as_str().unwrap(),
                    )
                })
                .collect();
            edits.sort_unstable();
            let mut text = LOGINS.to_owned();
            for (start, end, new) in edits.into_iter().rev() {
                text.replace_range(start..end, new);
            }
            made += 1;
            client.change("logins.weir", 10 + made, json!([{ "text": text }]));
            let found = client.pull("logins.weir");
            let errors: Vec<&Value> = found.iter().filter(|found| found["severity"] == 1).collect();
            assert!(errors.is_empty(), "{}: {errors:#?}\n{text}", action["title"]);
            client.change("logins.weir", 11 + made, json!([{ "text": LOGINS }]));
        }
    }
    assert!(made >= 6, "{made}");
}

#[test]
fn beside_the_text() {
    let mut client = client();
    golden::<lsp::InlayHintRequest>(
        &mut client,
        "inlay-hints",
        json!({ "textDocument": { "uri": format!("{ROOT}/logins.weir") }, "range": { "start": { "line": 0, "character": 0 }, "end": { "line": 99, "character": 0 } } }),
    );
    golden::<lsp::CodeLensRequest>(&mut client, "code-lens", whole("logins.weir"));
    golden::<lsp::DocumentLinkRequest>(&mut client, "links", whole("logins.weir"));
    golden::<lsp::DocumentLinkRequest>(&mut client, "links-list", whole("names.weir"));
}

#[test]
fn semantic_tokens() {
    let mut client = client();
    client.open("names.weir", NAMES);
    let full = golden::<lsp::SemanticTokensRequest>(&mut client, "tokens-full", whole("names.weir"));
    client.change(
        "names.weir",
        2,
        json!([{ "text": NAMES.replace("queue desk", "queue desk\n\nqueue late") }]),
    );
    let mut params = whole("names.weir");
    params["previousResultId"] = full["resultId"].clone();
    golden::<lsp::SemanticTokensDeltaRequest>(&mut client, "tokens-delta", params);
    let mut params = whole("logins.weir");
    params["range"] = json!({ "start": at(LOGINS, "  rule many"), "end": behind(LOGINS, "addresses\"") });
    golden::<lsp::SemanticTokensRangeRequest>(&mut client, "tokens-range", params);
}

#[test]
fn who_asks_whom() {
    let mut client = client();
    let item = golden::<lsp::CallHierarchyPrepareRequest>(
        &mut client,
        "calls-prepare",
        at_place("logins.weir", &behind(LOGINS, "when fai")),
    );
    golden::<lsp::CallHierarchyIncomingCallsRequest>(
        &mut client,
        "calls-incoming",
        json!({ "item": item[0] }),
    );
    let item = client
        .ask("textDocument/prepareCallHierarchy", at_place("logins.weir", &behind(LOGINS, "rule opened-a")))
        .unwrap();
    golden::<lsp::CallHierarchyOutgoingCallsRequest>(
        &mut client,
        "calls-outgoing",
        json!({ "item": item[0] }),
    );
}

#[test]
fn diagnostics_asked_for() {
    let mut client = client();
    let first = golden::<lsp::DocumentDiagnosticRequest>(&mut client, "diagnostics", whole("broken.weir"));
    let mut params = whole("broken.weir");
    params["previousResultId"] = first["resultId"].clone();
    let again = client.ask("textDocument/diagnostic", params).unwrap();
    assert_eq!(again["kind"], "unchanged");
    golden::<lsp::WorkspaceDiagnosticRequest>(
        &mut client,
        "diagnostics-workspace",
        json!({ "previousResultIds": [{ "uri": format!("{ROOT}/broken.weir"), "value": first["resultId"] }] }),
    );
}

#[test]
fn a_client_that_only_names_pulling_is_still_told() {
    for (dynamic, told) in [(false, true), (true, false)] {
        let capabilities = json!({ "textDocument": { "diagnostic": { "dynamicRegistration": dynamic } } });
        let mut client = Client::with(&[], weir_lsp::Options::default(), capabilities);
        client.open("broken.weir", BROKEN);
        assert!(!client.pull("broken.weir").is_empty());
        client.ask("workspace/symbol", json!({ "query": "" })).unwrap();
        let published = client.notes.iter().any(|note| note.method == "textDocument/publishDiagnostics");
        if told {
            assert!(!client.published("broken.weir", 1).as_array().unwrap().is_empty());
        } else {
            assert!(!published);
        }
    }
}

#[test]
fn files_and_commands() {
    let mut client = client();
    let moved = json!({ "files": [{ "oldUri": format!("{ROOT}/lists/partners.txt"), "newUri": format!("{ROOT}/lists/friends.txt") }] });
    golden::<lsp::WillRenameFilesRequest>(&mut client, "will-rename", moved);
    let text = client
        .ask("workspace/textDocumentContent", json!({ "uri": "weir-library:/std/events.weir" }))
        .unwrap();
    assert!(text["text"].as_str().unwrap().contains("event login"));
    let page = client
        .ask("workspace/textDocumentContent", json!({ "uri": "weir-library:/diagnostics/W0101.md" }))
        .unwrap();
    assert!(page["text"].as_str().unwrap().contains("W0101"));
    let explained = client
        .ask(
            "workspace/executeCommand",
            json!({ "command": "weir.explain", "arguments": ["shop.logins.guessing.many-failures"] }),
        )
        .unwrap();
    assert!(explained["markdown"].as_str().unwrap().contains("rule many-failures"));
    let none = client.ask(
        "workspace/executeCommand",
        json!({ "command": "weir.test", "arguments": [format!("{ROOT}/logins.weir")] }),
    );
    assert!(none.unwrap_err().message.contains("no tests"));
}
