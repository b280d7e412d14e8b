//! A client in memory.

#![allow(
    dead_code,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    missing_docs,
    unreachable_pub
)]

use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;

use lsp_server::{Connection, Message, Notification, Request, Response, ResponseError};
use serde_json::{Value, json};
use weir_lsp::Host;

/// How long a test waits for an answer before it fails.
const PATIENCE: Duration = Duration::from_secs(60);

pub const ROOT: &str = "file:///shop";

pub struct Client {
    connection: Option<Connection>,
    server: Option<JoinHandle<bool>>,
    next: i32,
    /// Notifications that came while an answer was waited for.
    pub notes: Vec<Notification>,
    pub asked: Vec<Request>,
}

impl Client {
    /// Starts a server, without a word to it.
    pub fn start(host: Arc<dyn Host>, options: weir_lsp::Options) -> Self {
        let (ours, theirs) = Connection::memory();
        let server = std::thread::spawn(move || weir_lsp::serve(&theirs, host, options));
        Self { connection: Some(ours), server: Some(server), next: 0, notes: Vec::new(), asked: Vec::new() }
    }

    /// A server over files in memory, initialized by a client that counts in bytes.
    pub fn over(files: &[(&str, &str)]) -> Self {
        Self::with(
            files,
            weir_lsp::Options::default(),
            json!({ "general": { "positionEncodings": ["utf-8"] } }),
        )
    }

    pub fn with(files: &[(&str, &str)], options: weir_lsp::Options, capabilities: Value) -> Self {
        let files: Vec<(String, &str)> =
            files.iter().map(|(name, text)| (format!("{ROOT}/{name}"), *text)).collect();
        let host = weir_lsp::Memory::new(files.iter().map(|(uri, text)| (uri.as_str(), *text)));
        let mut client = Self::start(Arc::new(host), options);
        let folder = json!([{ "uri": ROOT, "name": "shop" }]);
        client
            .ask("initialize", json!({ "capabilities": capabilities, "workspaceFolders": folder }))
            .unwrap();
        client.tell("initialized", json!({}));
        client
    }

    fn connection(&self) -> &Connection {
        self.connection.as_ref().unwrap()
    }

    pub fn send(&self, message: impl Into<Message>) {
        self.connection().sender.send(message.into()).unwrap();
    }

    pub fn tell(&self, method: &str, params: Value) {
        self.send(Notification::new(method.into(), params));
    }

    pub fn post(&mut self, method: &str, params: Value) -> i32 {
        self.next += 1;
        self.send(Request { id: self.next.into(), method: method.into(), params });
        self.next
    }

    /// The next message.
    pub fn receive(&mut self) -> Message {
        self.connection().receiver.recv_timeout(PATIENCE).expect("the server says nothing")
    }

    pub fn wait(&mut self, id: i32) -> Result<Value, ResponseError> {
        loop {
            match self.receive() {
                Message::Response(Response { id: of, response_result }) if of == id.into() => {
                    return response_result;
                }
                Message::Response(other) => panic!("an answer to {:?}, not to {id}", other.id),
                Message::Notification(note) => self.notes.push(note),
                Message::Request(request) => self.asked.push(request),
            }
        }
    }

    pub fn ask(&mut self, method: &str, params: Value) -> Result<Value, ResponseError> {
        let id = self.post(method, params);
        self.wait(id)
    }

    /// Waits for a notification that fits.
    pub fn note(&mut self, fits: impl Fn(&Notification) -> bool) -> Notification {
        loop {
            if let Some(at) = self.notes.iter().position(&fits) {
                return self.notes.remove(at);
            }
            if let Message::Notification(note) = self.receive() {
                self.notes.push(note);
            }
        }
    }

    pub fn log(&mut self, part: &str) -> String {
        let note = self.note(|note| {
            note.method == "window/logMessage" && note.params["message"].as_str().unwrap().contains(part)
        });
        note.params["message"].as_str().unwrap().to_owned()
    }

    pub fn open(&self, name: &str, text: &str) {
        let document =
            json!({ "uri": format!("{ROOT}/{name}"), "languageId": "weir", "version": 1, "text": text });
        self.tell("textDocument/didOpen", json!({ "textDocument": document }));
    }

    pub fn change(&self, name: &str, version: i64, changes: Value) {
        let document = json!({ "uri": format!("{ROOT}/{name}"), "version": version });
        self.tell("textDocument/didChange", json!({ "textDocument": document, "contentChanges": changes }));
    }

    pub fn published(&mut self, name: &str, version: i64) -> Value {
        let uri = format!("{ROOT}/{name}");
        let fits = |note: &Notification| {
            note.method == "textDocument/publishDiagnostics"
                && note.params["uri"] == uri.as_str()
                && note.params["version"] == version
        };
        self.note(fits).params["diagnostics"].clone()
    }

    /// Asks for a document's diagnostics, without what shows in the whole.
    pub fn pull(&mut self, name: &str) -> Vec<Value> {
        let params = json!({ "textDocument": { "uri": format!("{ROOT}/{name}") } });
        self.ask("textDocument/diagnostic", params).unwrap()["items"].as_array().unwrap().clone()
    }

    /// Says goodbye; whether the server ended well.
    pub fn end(mut self) -> bool {
        let id = self.post("shutdown", Value::Null);
        self.wait(id).unwrap();
        self.tell("exit", Value::Null);
        let ended = self.server.take().unwrap().join().unwrap();
        self.connection = None;
        ended
    }
}

/// Line and column of the first byte behind `before` in `text`, in bytes.
pub fn behind(text: &str, before: &str) -> Value {
    place(text, text.find(before).unwrap_or_else(|| panic!("`{before}` is not there")) + before.len())
}

/// Line and column of the first byte of `part` in `text`, in bytes.
pub fn at(text: &str, part: &str) -> Value {
    place(text, text.find(part).unwrap_or_else(|| panic!("`{part}` is not there")))
}

pub fn place(text: &str, at: usize) -> Value {
    let before = &text[..at];
    let line = before.matches('\n').count();
    json!({ "line": line, "character": at - before.rfind('\n').map_or(0, |at| at + 1) })
}
