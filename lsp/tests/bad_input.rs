//! What a client should not do, and passes that panic: answered, logged, and the server goes on.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, missing_docs)]

mod support;

use std::sync::Arc;

use lsp_server::{ErrorCode, Message, Request};
use serde_json::{Value, json};
use support::{Client, ROOT};
use weir_lsp::{Memory, Options};

const POLICY: &str = "package shop.x\n\ntag bad\n";

fn hover(name: &str) -> Value {
    json!({ "textDocument": { "uri": format!("{ROOT}/{name}") }, "position": { "line": 2, "character": 5 } })
}

#[test]
fn requests_out_of_their_time_are_refused() {
    let mut client = Client::start(Arc::new(Memory::default()), Options::default());
    let early = client.ask("textDocument/hover", hover("a.weir")).unwrap_err();
    assert_eq!(early.code, ErrorCode::ServerNotInitialized as i32);
    client.open("a.weir", POLICY);
    client.ask("initialize", json!({ "capabilities": {} })).unwrap();
    let again = client.ask("initialize", json!({ "capabilities": {} })).unwrap_err();
    assert_eq!(again.code, ErrorCode::InvalidRequest as i32);
    let unknown = client.ask("textDocument/dance", json!({})).unwrap_err();
    assert_eq!(unknown.code, ErrorCode::MethodNotFound as i32);
    let wrong = client.ask("textDocument/hover", json!({ "textDocument": 7 })).unwrap_err();
    assert_eq!(wrong.code, ErrorCode::InvalidParams as i32);
    let negative =
        json!({ "textDocument": { "uri": "file:///x" }, "position": { "line": -1, "character": 1.5 } });
    assert_eq!(client.ask("textDocument/hover", negative).unwrap_err().code, ErrorCode::InvalidParams as i32);
    // What came before `initialize` was not taken in.
    assert_eq!(client.ask("textDocument/hover", hover("a.weir")).unwrap(), Value::Null);
    client.ask("shutdown", Value::Null).unwrap();
    let late = client.ask("textDocument/hover", hover("a.weir")).unwrap_err();
    assert_eq!(late.code, ErrorCode::InvalidRequest as i32);
}

#[test]
fn an_exit_without_a_shutdown_is_told_apart() {
    let client = Client::over(&[]);
    assert!(client.end());
    let (ours, theirs) = lsp_server::Connection::memory();
    let server =
        std::thread::spawn(move || weir_lsp::serve(&theirs, Arc::new(Memory::default()), Options::default()));
    ours.sender.send(lsp_server::Notification::new("exit".into(), Value::Null).into()).unwrap();
    assert!(!server.join().unwrap());
}

#[test]
fn edits_of_closed_files_and_places_behind_the_end() {
    let mut client = Client::over(&[("a.weir", POLICY)]);
    client.change("a.weir", 2, json!([{ "text": "package shop.y\n" }]));
    client.log("is not open");
    client.tell("textDocument/didClose", json!({ "textDocument": { "uri": format!("{ROOT}/a.weir") } }));
    client.log("was not open");
    client.tell("textDocument/didChange", json!({ "textDocument": {} }));
    client.log("textDocument/didChange");
    client.open("a.weir", POLICY);
    let far =
        json!({ "start": { "line": 900, "character": 900 }, "end": { "line": 1, "character": 70_000 } });
    client.change("a.weir", 2, json!([{ "range": far, "text": "\ntag worse\n" }]));
    let symbols = client.ask("textDocument/documentSymbol", hover("a.weir")).unwrap();
    let names: Vec<&str> =
        symbols.as_array().unwrap().iter().map(|symbol| symbol["name"].as_str().unwrap()).collect();
    assert!(names.contains(&"worse"), "{names:?}");
    let nowhere = json!({ "textDocument": { "uri": format!("{ROOT}/a.weir") }, "position": { "line": 4_000_000_000_u32, "character": 4_000_000_000_u32 } });
    for method in [
        "textDocument/hover",
        "textDocument/definition",
        "textDocument/completion",
        "textDocument/signatureHelp",
    ] {
        client.ask(method, nowhere.clone()).unwrap();
    }
    assert!(client.end());
}

#[test]
fn columns_are_those_of_the_encoding_agreed_on() {
    for (offered, column) in [(json!(["utf-8"]), 13), (json!(["utf-32", "utf-16"]), 10), (json!(null), 11)] {
        let capabilities = json!({ "general": { "positionEncodings": offered } });
        let mut client = Client::with(&[], Options::default(), capabilities);
        // Behind a character of four bytes, two units, one character.
        client.open("a.weir", "package a.b\n\ntest \"\u{1f600}\" { x }\n");
        let range = json!({ "start": { "line": 2, "character": column }, "end": { "line": 2, "character": column + 1 } });
        client.change("a.weir", 2, json!([{ "range": range, "text": "wait 1s" }]));
        let found = client.published("a.weir", 2);
        let syntax: Vec<&Value> =
            found.as_array().unwrap().iter().filter(|found| found["code"] == "W0001").collect();
        assert!(syntax.is_empty(), "{offered}: {found}");
    }
}

#[test]
fn a_flood_of_changes_and_cancellations_is_survived() {
    let mut client = Client::over(&[]);
    client.open("a.weir", POLICY);
    let mut ids = Vec::new();
    for version in 2..300 {
        client.change(
            "a.weir",
            version,
            json!([{ "text": format!("package shop.x\n\ntag bad{version}\n") }]),
        );
        let id = client.post("textDocument/hover", hover("a.weir"));
        client.tell("$/cancelRequest", json!({ "id": id }));
        ids.push(id);
    }
    let mut answers = 0;
    while answers < ids.len() {
        if let Message::Response(response) = client.receive() {
            if let Err(error) = response.response_result {
                assert_eq!(error.code, ErrorCode::RequestCanceled as i32);
            }
            answers += 1;
        }
    }
    client.tell("$/cancelRequest", json!({ "id": 99_999 }));
    let hover = client.ask("textDocument/hover", hover("a.weir")).unwrap();
    assert!(hover["contents"]["value"].as_str().unwrap().contains("bad299"), "{hover}");
    assert!(client.end());
}

#[test]
fn an_id_in_use_is_refused_and_strange_uris_are_no_matter() {
    let mut client = Client::over(&[]);
    for uri in
        ["", "untitled:Untitled-1", "file://", "weir-library:/no/such.weir", "%%%:x", "file:///a/../b.weir"]
    {
        let document = json!({ "uri": uri, "languageId": "weir", "version": 1, "text": POLICY });
        client.tell("textDocument/didOpen", json!({ "textDocument": document }));
        client.ask("textDocument/documentSymbol", json!({ "textDocument": { "uri": uri } })).unwrap();
        client.tell("textDocument/didClose", json!({ "textDocument": { "uri": uri } }));
    }
    client.send(Request {
        id: "twice".to_owned().into(),
        method: "workspace/symbol".into(),
        params: json!({ "query": "" }),
    });
    client.send(Request {
        id: "twice".to_owned().into(),
        method: "workspace/symbol".into(),
        params: json!({ "query": "" }),
    });
    let mut refused = 0;
    for _ in 0..2 {
        loop {
            if let Message::Response(response) = client.receive() {
                refused += usize::from(response.response_result.is_err());
                break;
            }
        }
    }
    assert!(refused <= 1);
    assert!(client.end());
}

#[test]
fn a_file_of_ten_megabytes_is_refused_and_nothing_else_suffers() {
    let mut client = Client::over(&[("b.weir", POLICY)]);
    let text = "package big.one\n".to_owned() + &"# filler, filler, filler, filler, filler\n".repeat(260_000);
    assert!(text.len() > 10 << 20);
    client.open("a.weir", &text);
    let found = client.published("a.weir", 1);
    assert!(found.as_array().unwrap().iter().all(|found| found["code"] == "W0004"), "{found}");
    for method in ["textDocument/foldingRange", "textDocument/documentSymbol", "textDocument/formatting"] {
        client.ask(method, hover("a.weir")).unwrap();
    }
    assert!(!client.ask("textDocument/hover", hover("b.weir")).unwrap().is_null());
    assert!(client.end());
}

fn trap(pass: &str, text: &str) {
    assert!(!text.contains(&format!("PANIC {pass}")), "planted in {pass}");
}

#[test]
fn a_pass_that_panics_is_logged_and_the_server_goes_on() {
    std::panic::set_hook(Box::new(|_| ()));
    let options = Options { trap: Some(trap), ..Options::default() };
    for pass in ["parse", "check", "read", "whole"] {
        let mut client = Client::with(&[("b.weir", "package shop.b\n\ntag good\n")], options, json!({}));
        client.open("a.weir", POLICY);
        assert!(!client.ask("textDocument/hover", hover("a.weir")).unwrap().is_null());
        client.change("a.weir", 2, json!([{ "text": format!("{POLICY}# PANIC {pass}\n") }]));
        client.ask("textDocument/hover", hover("a.weir")).unwrap();
        client.log("panicked");
        // The neighbour is served while the fault is there.
        assert!(!client.ask("textDocument/hover", hover("b.weir")).unwrap().is_null(), "{pass}");
        client.change("a.weir", 3, json!([{ "text": format!("{POLICY}\ntag worse\n") }]));
        let symbols = client.ask("textDocument/documentSymbol", hover("a.weir")).unwrap();
        assert_eq!(symbols.as_array().unwrap().len(), 2, "{pass}");
        assert!(client.end());
    }
}
