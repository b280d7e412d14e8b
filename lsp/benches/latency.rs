//! How long an author waits: a client over real standard input and output, a workspace of 5,000 rules with one file broken.
//!
//! ```text
//! cargo bench -p weir-lsp --bench latency
//! ```
//!
//! The program starts itself as the server (`serve`). Times are from the write of a message to the read of its answer.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stdout,
    missing_docs
)]

use std::fmt::Write as _;
use std::io::{BufReader, BufWriter, Write as _};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use lsp_server::{Connection, Message, Notification, Request};
use serde_json::{Value, json};
use weir_lsp::{Memory, Options};

const ROOT: &str = "file:///bench";
/// How often each thing is asked.
const ROUNDS: usize = 200;

/// A workspace: so many files with so many rules each; `broken` breaks each rule, else the first file alone is broken.
#[derive(Clone, Copy)]
struct Shape {
    files: usize,
    rules: usize,
    broken: bool,
}

fn file(shape: Shape, number: usize) -> String {
    let mut text = format!(
        "package bench.p{number}\n\nuse std.events {{ login }}\n\ntag seen-{number}\n\n# What is looked for in part {number}.\npolicy part {{\n  on login\n  mode shadow\n\n  param most: int = 5 in 2..50\n\n  watch login where outcome == failure per user over 10m {{\n    failures = count\n    places   = distinct ip\n  }}\n"
    );
    for rule in 0..shape.rules {
        let field = if shape.broken { "outcme" } else { "outcome" };
        let _ = write!(
            text,
            "\n  # One of many: so many failures from so few places, in a comment of a usual length for the reader, and what an\n  # author thought of it at the time, with the numbers that were looked at and the name of who asked for it.\n  rule r{rule} {{\n    when failures >= most + {} and places > {} and {field} == failure and user_agent contains \"agent-{number}-{rule}\"\n    then tag user seen-{number} for 1h\n    because \"{{failures}} failures from {{places}} addresses in part {number}, which rule {rule} does not like to see, and more\"\n  }}\n",
            rule % 37,
            rule % 11,
        );
    }
    text.push_str("}\n");
    text
}

fn workspace(shape: Shape) -> Vec<(String, String)> {
    (0..shape.files).map(|number| (format!("{ROOT}/p{number}.weir"), file(shape, number))).collect()
}

struct Client {
    child: Child,
    input: BufWriter<ChildStdin>,
    output: BufReader<ChildStdout>,
    next: i32,
}

impl Client {
    fn start(shape: Shape) -> Self {
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["serve", &shape.files.to_string(), &shape.rules.to_string(), &shape.broken.to_string()])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let input = BufWriter::new(child.stdin.take().unwrap());
        let output = BufReader::new(child.stdout.take().unwrap());
        Self { child, input, output, next: 0 }
    }

    fn send(&mut self, message: impl Into<Message>) {
        message.into().write(&mut self.input).unwrap();
        self.input.flush().unwrap();
    }

    fn receive(&mut self) -> Message {
        Message::read(&mut self.output).unwrap().unwrap()
    }

    fn ask(&mut self, method: &str, params: Value) -> (Value, Duration) {
        self.next += 1;
        let id = self.next;
        let started = Instant::now();
        self.send(Request { id: id.into(), method: method.into(), params });
        loop {
            if let Message::Response(response) = self.receive()
                && response.id == id.into()
            {
                return (
                    response.response_result.unwrap_or_else(|error| panic!("{method}: {}", error.message)),
                    started.elapsed(),
                );
            }
        }
    }

    fn change(&mut self, uri: &str, version: usize, changes: Value) -> Instant {
        let started = Instant::now();
        let params = json!({ "textDocument": { "uri": uri, "version": version }, "contentChanges": changes });
        self.send(Notification::new("textDocument/didChange".into(), params));
        started
    }

    fn published(&mut self, uri: &str, version: usize) {
        loop {
            if let Message::Notification(note) = self.receive()
                && note.method == "textDocument/publishDiagnostics"
                && note.params["uri"] == uri
                && note.params["version"] == version
            {
                return;
            }
        }
    }

    fn resident(&self) -> u64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id())).unwrap_or_default();
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
        line.and_then(|line| line.trim().split(' ').next()?.parse::<u64>().ok()).unwrap_or(0) / 1024
    }
}

fn row(what: &str, mut times: Vec<Duration>) {
    times.sort_unstable();
    let at = |share: f64| {
        times[((times.len() as f64 * share) as usize).min(times.len() - 1)].as_secs_f64() * 1000.0
    };
    println!("| {what} | {:.2} | {:.2} |", at(0.5), at(0.99));
}

fn measure(name: &str, shape: Shape) {
    println!("\n## {name}\n\n| what | median, ms | p99, ms |\n|---|---|---|");
    let files = workspace(shape);
    let bytes: usize = files.iter().map(|(_, text)| text.len()).sum();
    let mut client = Client::start(shape);
    let started = Instant::now();
    let folders = json!([{ "uri": ROOT, "name": "bench" }]);
    client.ask("initialize", json!({ "capabilities": { "general": { "positionEncodings": ["utf-8"] } }, "workspaceFolders": folders }));
    client.send(Notification::new("initialized".into(), json!({})));
    let (uri, text) = files[files.len() / 2].clone();
    client.send(Notification::new(
        "textDocument/didOpen".into(),
        json!({ "textDocument": { "uri": uri, "languageId": "weir", "version": 1, "text": text } }),
    ));
    client.published(&uri, 1);
    let cold = started.elapsed();
    // A rule in the middle, whose condition is broken and mended again letter by letter.
    let rule = shape.rules / 2;
    let line = text.lines().position(|line| line.trim() == format!("rule r{rule} {{")).unwrap() + 1;
    let column = text.lines().nth(line).unwrap().find("failures").unwrap();
    let place = |column: usize| json!({ "line": line, "character": column });
    let document = json!({ "uri": uri });
    let mut times = Vec::new();
    let mut version = 1;
    for round in 0..ROUNDS {
        version += 1;
        let (range, letter) = if round % 2 == 0 {
            (json!({ "start": place(column), "end": place(column) }), "x")
        } else {
            (json!({ "start": place(column), "end": place(column + 1) }), "")
        };
        let started = client.change(&uri, version, json!([{ "range": range, "text": letter }]));
        client.published(&uri, version);
        times.push(started.elapsed());
    }
    row("keystroke to own-file diagnostics", times);
    let mut ask = |what: &str, method: &str, params: Value| {
        let times = (0..ROUNDS).map(|_| client.ask(method, params.clone()).1).collect();
        row(what, times);
    };
    let here = json!({ "textDocument": document, "position": place(column + 2) });
    ask("hover", "textDocument/hover", here.clone());
    ask("definition", "textDocument/definition", here.clone());
    ask("completion", "textDocument/completion", here);
    let range =
        json!({ "start": { "line": line, "character": 0 }, "end": { "line": line + 60, "character": 0 } });
    ask(
        "tokens of 60 lines",
        "textDocument/semanticTokens/range",
        json!({ "textDocument": document, "range": range }),
    );
    ask(
        "format of the file",
        "textDocument/formatting",
        json!({ "textDocument": document, "options": { "tabSize": 2, "insertSpaces": true } }),
    );
    println!(
        "\n{} files, {} rules, {:.1} MB; cold workspace to first diagnostics {:.0} ms; {} lines a file; resident {} MB",
        shape.files,
        shape.files * shape.rules,
        bytes as f64 / 1e6,
        cold.as_secs_f64() * 1000.0,
        text.lines().count(),
        client.resident()
    );
    client.ask("shutdown", Value::Null);
    client.send(Notification::new("exit".into(), Value::Null));
    client.child.wait().unwrap();
}

fn main() {
    let args: Vec<String> = std::env::args().collect();
    if args.get(1).map(String::as_str) == Some("serve") {
        let shape = Shape {
            files: args[2].parse().unwrap(),
            rules: args[3].parse().unwrap(),
            broken: args[4] == "true",
        };
        let mut files = workspace(shape);
        if !shape.broken
            && let Some((_, text)) = files.first_mut()
        {
            *text = text.replacen("when", "wehn", 1);
        }
        let host = Memory::new(files.iter().map(|(uri, text)| (uri.as_str(), text.as_str())));
        let (connection, threads) = Connection::stdio();
        weir_lsp::serve(&connection, Arc::new(host), Options::default());
        drop(connection);
        threads.join().unwrap();
        return;
    }
    // `cargo test` builds and starts benches, too, and wants no figures.
    if !args.iter().any(|arg| arg == "--bench") {
        return;
    }
    measure("5,000 rules, one file broken", Shape { files: 100, rules: 50, broken: false });
    measure("The same, an error in every rule", Shape { files: 100, rules: 50, broken: true });
    measure("One policy of 1,000 rules", Shape { files: 1, rules: 1_000, broken: false });
}
