//! The main loop: one thread owns the texts, takes edits in order and publishes diagnostics; readers answer from snapshots.

use std::collections::{BTreeMap, HashMap, HashSet, VecDeque};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use crossbeam_channel::{Receiver, Sender, TryRecvError, never, select, unbounded};
use gen_lsp_types::Range;
use lsp_server::{Connection, ErrorCode, Message, Notification, Request, RequestId, Response};
use serde::Deserialize;
use serde_json::{Value, json};
use weir_dsl::Diagnostic;

use crate::features;
use crate::host::{Asked, Host, Loaded};
use crate::lane;
use crate::project::{Project, Snapshot, Trap};
use crate::protocol::{Answer, error_of, params};
use crate::text::{Encoding, Text};
use crate::uri;

/// How a server behaves.
#[derive(Clone, Copy, Debug)]
pub struct Options {
    /// Threads that answer requests; at least one.
    pub readers: usize,
    /// How long the typing must have paused before the whole is looked at.
    pub pause: Duration,
    /// Called before each pass with its name and a text; a test plants its panic there.
    pub trap: Option<Trap>,
}

impl Default for Options {
    fn default() -> Self {
        Self { readers: 2, pause: Duration::from_millis(150), trap: None }
    }
}

/// Serves a client until it says `exit` or is gone. Answers whether it said `shutdown` before.
pub fn serve(connection: &Connection, host: Arc<dyn Host>, options: Options) -> bool {
    Server::new(connection.sender.clone(), host, options).run(&connection.receiver)
}

/// Where in its life a server is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    New,
    Running,
    ShutDown,
}

/// What came of work on another thread.
enum Done {
    Answer(Response),
    /// What shows in the whole of a project: its root, the version looked at.
    Whole(String, u64, Vec<Diagnostic>),
    Log(String),
}

type Job = Box<dyn FnOnce() -> Done + Send>;

/// What the client can do.
#[derive(Clone, Copy, Debug, Default)]
struct Client {
    encoding: Encoding,
    /// It asks for diagnostics and need not be sent them.
    pulls: bool,
    refreshes_diagnostics: bool,
    watches: bool,
}

/// A file that the client has open.
struct Open {
    /// As the client spells it.
    uri: String,
    version: i64,
}

struct Server {
    out: Sender<Message>,
    host: Arc<dyn Host>,
    options: Options,
    phase: Phase,
    client: Client,
    projects: Vec<Project>,
    open: HashMap<String, Open>,
    /// What was published for each file last.
    published: HashMap<String, (Text, Vec<Diagnostic>)>,
    /// What the whole of each project shows, and of which version.
    whole: BTreeMap<String, (u64, Arc<Vec<Diagnostic>>)>,
    jobs: Sender<Job>,
    queue: Receiver<Job>,
    done_in: Sender<Done>,
    done: Receiver<Done>,
    running: HashMap<RequestId, Arc<AtomicBool>>,
    /// Messages that wait, in order.
    inbox: VecDeque<Message>,
    /// Requests among them that were cancelled.
    cancelled: HashSet<RequestId>,
    /// Something changed since diagnostics were published.
    dirty: bool,
    /// When the whole is to be looked at.
    due: Option<Instant>,
    tokens: features::tokens::Remembered,
    folders: Vec<String>,
}

impl Server {
    fn new(out: Sender<Message>, host: Arc<dyn Host>, options: Options) -> Self {
        let (jobs, queue) = unbounded();
        let (done_in, done) = unbounded();
        Self {
            out,
            host,
            options,
            phase: Phase::New,
            client: Client::default(),
            projects: Vec::new(),
            open: HashMap::new(),
            published: HashMap::new(),
            whole: BTreeMap::new(),
            jobs,
            queue,
            done_in,
            done,
            running: HashMap::new(),
            inbox: VecDeque::new(),
            cancelled: HashSet::new(),
            dirty: false,
            due: None,
            tokens: features::tokens::Remembered::default(),
            folders: Vec::new(),
        }
    }

    fn run(mut self, messages: &Receiver<Message>) -> bool {
        for _ in 0..self.options.readers.max(1) {
            let (queue, done) = (self.queue.clone(), self.done_in.clone());
            std::thread::spawn(move || {
                for job in queue {
                    if done.send(job()).is_err() {
                        break;
                    }
                }
            });
        }
        loop {
            // What waits is taken in first: a flood of edits costs one look, and what has been cancelled none.
            loop {
                match messages.try_recv() {
                    Ok(message) => self.arrived(message),
                    Err(TryRecvError::Disconnected) if self.inbox.is_empty() => return false,
                    Err(_) => break,
                }
            }
            let message = match self.inbox.pop_front() {
                Some(message) => Some(message),
                None if self.dirty => {
                    self.publish();
                    continue;
                }
                None => {
                    let alarm = self.due.map_or_else(never, crossbeam_channel::at);
                    let done = self.done.clone();
                    select! {
                        recv(messages) -> message => match message {
                            Ok(message) => Some(message),
                            Err(_) => return false,
                        },
                        recv(done) -> done => {
                            if let Ok(done) = done {
                                self.finished(done);
                            }
                            None
                        }
                        recv(alarm) -> _ => {
                            self.look_at_whole();
                            None
                        }
                    }
                }
            };
            // Answers that are ready do not wait for the inbox to be empty.
            while let Ok(done) = self.done.try_recv() {
                self.finished(done);
            }
            match message {
                Some(Message::Notification(note)) if note.method == "exit" => {
                    return self.phase == Phase::ShutDown;
                }
                Some(Message::Notification(note)) => self.notified(note),
                Some(Message::Request(request)) => self.requested(request),
                Some(Message::Response(_)) | None => {}
            }
        }
    }

    /// Puts a message behind those that wait; one that cancels another of them does so at once.
    fn arrived(&mut self, message: Message) {
        if let Message::Notification(note) = &message
            && note.method == "$/cancelRequest"
            && let Some(id) = note.params.get("id").cloned().and_then(|id| serde_json::from_value(id).ok())
            && self.inbox.iter().any(|waits| matches!(waits, Message::Request(request) if request.id == id))
        {
            self.cancelled.insert(id);
            return;
        }
        self.inbox.push_back(message);
    }

    fn send(&self, message: impl Into<Message>) {
        // A client that is gone is noticed where messages are received.
        let _ = self.out.send(message.into());
    }

    fn answer(&self, id: RequestId, answer: Answer) {
        self.send(Response { id, response_result: answer });
    }

    fn log(&self, line: &str) {
        self.send(Notification::new("window/logMessage".into(), json!({ "type": 2, "message": line })));
    }

    fn finished(&mut self, done: Done) {
        match done {
            Done::Answer(response) => {
                let known = self.running.remove(&response.id);
                let cancelled = known.is_some_and(|flag| flag.load(Ordering::Relaxed));
                if cancelled {
                    self.answer(response.id, Err(error_of(ErrorCode::RequestCanceled, "cancelled")));
                } else {
                    self.send(response);
                }
            }
            Done::Whole(root, version, found) => {
                let same = self.whole.get(&root).is_some_and(|(_, known)| **known == found);
                self.whole.insert(root, (version, Arc::new(found)));
                if !same {
                    self.dirty = true;
                    if self.client.pulls && self.client.refreshes_diagnostics {
                        self.ask("workspace/diagnostic/refresh", Value::Null);
                    }
                }
            }
            Done::Log(line) => self.log(&line),
        }
    }

    /// A request of the client, whose answer nothing waits for.
    fn ask(&self, method: &str, params: Value) {
        self.send(Request { id: format!("weir:{method}").into(), method: method.into(), params });
    }

    fn requested(&mut self, request: Request) {
        let Request { id, method, params: value } = request;
        if self.cancelled.remove(&id) && self.phase == Phase::Running && method != "shutdown" {
            return self.answer(id, Err(error_of(ErrorCode::RequestCanceled, "cancelled")));
        }
        match (self.phase, method.as_str()) {
            (Phase::New, "initialize") => {
                let answer = self.initialize(&value);
                self.answer(id, answer);
                self.phase = Phase::Running;
                self.load();
            }
            (Phase::New, _) => {
                let message = format!("`{method}` before `initialize`");
                self.answer(id, Err(error_of(ErrorCode::ServerNotInitialized, message)));
            }
            (_, "initialize") => {
                self.answer(id, Err(error_of(ErrorCode::InvalidRequest, "initialized already")));
            }
            (Phase::ShutDown, _) => {
                self.answer(id, Err(error_of(ErrorCode::InvalidRequest, "shut down already")));
            }
            (Phase::Running, "shutdown") => {
                self.phase = Phase::ShutDown;
                self.answer(id, Ok(Value::Null));
            }
            (Phase::Running, method) => self.dispatch(id, method, value),
        }
    }

    fn dispatch(&mut self, id: RequestId, method: &str, value: Value) {
        if self.running.contains_key(&id) {
            return self
                .answer(id, Err(error_of(ErrorCode::InvalidRequest, "a request of that id is running")));
        }
        let method: Box<str> = method.into();
        if !features::known(&method) {
            let message = format!("no method `{method}`");
            return self.answer(id, Err(error_of(ErrorCode::MethodNotFound, message)));
        }
        let worlds = self.worlds(&value);
        let request = features::Request {
            worlds,
            whole: self.whole.iter().map(|(root, (_, found))| (root.clone(), Arc::clone(found))).collect(),
            host: Arc::clone(&self.host),
            tokens: self.tokens.clone(),
        };
        let flag = Arc::new(AtomicBool::new(false));
        self.running.insert(id.clone(), Arc::clone(&flag));
        let done = self.done_in.clone();
        let job: Job = Box::new(move || {
            if flag.load(Ordering::Relaxed) {
                return Done::Answer(Response { id, response_result: Ok(Value::Null) });
            }
            let answered = catch_unwind(AssertUnwindSafe(|| features::answer(&request, &method, value)));
            let response_result = answered.unwrap_or_else(|panic| {
                // What a reader cannot do is no reason to bother the author.
                let _ = done.send(Done::Log(format!("`{method}` panicked: {}", said(&*panic))));
                Ok(features::empty(&method))
            });
            Done::Answer(Response { id, response_result })
        });
        let _ = self.jobs.send(job);
    }

    /// The projects a request is about: that of its document, or all.
    fn worlds(&mut self, value: &Value) -> Vec<(Arc<Snapshot>, String)> {
        let document = value.pointer("/textDocument/uri").or_else(|| value.pointer("/item/uri"));
        let document = document.and_then(Value::as_str).map(uri::canonical);
        let wanted = document.and_then(|uri| self.project_at(&uri));
        let mut failed = false;
        let mut worlds = Vec::new();
        for (at, project) in self.projects.iter_mut().enumerate() {
            if wanted.is_none_or(|wanted| wanted == at) {
                let (snapshot, whole) = project.snapshot();
                failed |= !whole;
                worlds.push((snapshot, project.root.clone()));
            }
        }
        if failed {
            self.log("a pass panicked; answered from what was known before");
        }
        worlds
    }

    fn initialize(&mut self, value: &Value) -> Answer {
        let text = |value: &Value, path: &str| value.pointer(path).and_then(Value::as_str).map(str::to_owned);
        let flag = |path: &str| value.pointer(path).and_then(Value::as_bool).unwrap_or(false);
        let offered = value.pointer("/capabilities/general/positionEncodings").and_then(Value::as_array);
        self.client = Client {
            encoding: Encoding::negotiate(offered.into_iter().flatten().filter_map(Value::as_str)),
            pulls: flag("/capabilities/textDocument/diagnostic/dynamicRegistration"),
            refreshes_diagnostics: flag("/capabilities/workspace/diagnostics/refreshSupport"),
            watches: flag("/capabilities/workspace/didChangeWatchedFiles/dynamicRegistration"),
        };
        let folders = value.pointer("/workspaceFolders").and_then(Value::as_array);
        self.folders = folders.into_iter().flatten().filter_map(|folder| text(folder, "/uri")).collect();
        if self.folders.is_empty() {
            let path = || text(value, "/rootPath").map(|path| uri::of_path(&path));
            self.folders.extend(text(value, "/rootUri").or_else(path));
        }
        Ok(features::capabilities(self.client.encoding))
    }

    fn load(&mut self) {
        for folder in std::mem::take(&mut self.folders) {
            let folder = uri::canonical(&folder);
            let folder = folder.trim_end_matches('/').to_owned();
            self.add_folder(&folder);
        }
        self.changed();
    }

    fn add_folder(&mut self, folder: &str) {
        for loaded in self.host.open(folder) {
            if !self.projects.iter().any(|known| known.root == uri::canonical(&loaded.root)) {
                self.projects.push(Project::new(loaded, self.client.encoding, self.options.trap));
            }
        }
    }

    /// The project that holds a file: the innermost one.
    fn project_at(&self, uri: &str) -> Option<usize> {
        let holders = self.projects.iter().enumerate().filter(|(_, project)| project.holds(uri));
        // Every project has the library; the first one's will do.
        let library = || (uri::library_path(uri).is_some() && !self.projects.is_empty()).then_some(0);
        holders.max_by_key(|(_, project)| project.root.len()).map(|(at, _)| at).or_else(library)
    }

    fn project_for(&mut self, uri: &str) -> Option<&mut Project> {
        if self.project_at(uri).is_none() && uri::library_path(uri).is_none() {
            let alone = || Loaded { root: uri.to_owned(), ..Loaded::default() };
            let loaded = self.host.project_of(uri).unwrap_or_else(alone);
            self.projects.push(Project::new(loaded, self.client.encoding, self.options.trap));
        }
        let at = self.project_at(uri)?;
        self.projects.get_mut(at)
    }

    fn changed(&mut self) {
        self.dirty = true;
        self.due = Some(Instant::now() + self.options.pause);
    }

    fn notified(&mut self, note: Notification) {
        let Notification { method, params: value } = note;
        if method == "$/cancelRequest" {
            return self.cancel(&value);
        }
        if self.phase != Phase::Running {
            return;
        }
        let outcome = match method.as_str() {
            "initialized" => {
                self.watch_files();
                Ok(())
            }
            "textDocument/didOpen" => params(value).map(|opened| self.did_open(opened)),
            "textDocument/didChange" => params(value).map(|changes| self.did_change(changes)),
            "textDocument/didClose" => {
                params(value).map(|closed: Closed| self.did_close(&closed.text_document.uri))
            }
            "workspace/didChangeWatchedFiles" => params(value).map(|changed| self.did_change_files(changed)),
            "workspace/didChangeWorkspaceFolders" => {
                params(value).map(|changed| self.did_change_folders(&changed))
            }
            "workspace/didRenameFiles" | "workspace/didDeleteFiles" | "workspace/didCreateFiles" => {
                params(value).map(|moved| self.did_move(&moved))
            }
            // Saving changes nothing; the rest is not for us.
            _ => Ok(()),
        };
        if let Err(error) = outcome {
            self.log(&format!("`{method}`: {}", error.message));
        }
    }

    fn cancel(&self, value: &Value) {
        let id = value.get("id").cloned().and_then(|id| serde_json::from_value::<RequestId>(id).ok());
        if let Some(flag) = id.and_then(|id| self.running.get(&id)) {
            flag.store(true, Ordering::Relaxed);
        }
    }

    fn watch_files(&self) {
        if self.client.watches {
            let watchers = json!([{ "globPattern": "**/*.weir" }, { "globPattern": "**/weir.toml" }]);
            let registration = json!({
                "id": "weir-files",
                "method": "workspace/didChangeWatchedFiles",
                "registerOptions": { "watchers": watchers },
            });
            self.ask("client/registerCapability", json!({ "registrations": [registration] }));
        }
    }

    /// Gives a file a text, whoever says so.
    fn set(&mut self, uri: &str, text: Text) {
        let parsed = self.project_for(uri).is_none_or(|project| project.set(uri, text));
        if !parsed {
            self.log(&format!("reading `{uri}` panicked; it is left out until it changes"));
        }
        self.changed();
    }

    fn did_open(&mut self, opened: Opened) {
        let Document { uri: spelling, version, text } = opened.text_document;
        let uri = uri::canonical(&spelling);
        self.open.insert(uri.clone(), Open { uri: spelling, version });
        if uri::library_path(&uri).is_none() {
            self.set(&uri, Text::new(text, self.client.encoding));
            // Of a file that was published already the client wants to hear again under its version.
            self.published.remove(&uri);
        }
    }

    fn did_change(&mut self, changed: Changed) {
        let uri = uri::canonical(&changed.text_document.uri);
        let Some(open) = self.open.get_mut(&uri) else {
            return self.log(&format!("a change of `{uri}`, which is not open: not made"));
        };
        open.version = changed.text_document.version.unwrap_or(open.version);
        if uri::library_path(&uri).is_some() {
            return self.log(&format!("a change of `{uri}`, which cannot be written: not made"));
        }
        let Some(known) = self.project_at(&uri).and_then(|at| self.projects.get(at)) else { return };
        let mut text = known.text(&uri).cloned().unwrap_or_else(|| Text::new("", self.client.encoding));
        for change in changed.content_changes {
            text = text.replaced(change.range, &change.text);
        }
        self.set(&uri, text);
    }

    fn did_close(&mut self, spelling: &str) {
        let uri = uri::canonical(spelling);
        if self.open.remove(&uri).is_none() {
            return self.log(&format!("`{uri}` was closed and was not open"));
        }
        self.tokens.forget(&uri);
        self.as_on_disk(&uri);
    }

    /// Takes the text that a file has outside of the editor.
    fn as_on_disk(&mut self, uri: &str) {
        match self.host.read(uri) {
            Some(text) => self.set(uri, Text::new(text, self.client.encoding)),
            None => {
                if let Some(project) = self.project_at(uri).and_then(|at| self.projects.get_mut(at)) {
                    project.remove(uri);
                }
                self.projects.retain(|project| project.root != uri);
                self.changed();
            }
        }
    }

    fn did_change_files(&mut self, changed: Watched) {
        for change in changed.changes {
            let uri = uri::canonical(&change.uri);
            let ours = uri.ends_with(".weir") || uri.ends_with("/weir.toml");
            // What is open is as the editor says.
            if ours && !self.open.contains_key(&uri) {
                self.as_on_disk(&uri);
            }
        }
    }

    fn did_change_folders(&mut self, changed: &Folders) {
        for folder in &changed.event.removed {
            let folder = uri::canonical(&folder.uri);
            let folder = folder.trim_end_matches('/');
            self.projects
                .retain(|project| project.root != folder && !project.root.starts_with(&format!("{folder}/")));
        }
        for folder in &changed.event.added {
            let folder = uri::canonical(&folder.uri);
            self.add_folder(folder.trim_end_matches('/'));
        }
        self.changed();
    }

    fn did_move(&mut self, moved: &Moved) {
        for file in &moved.files {
            for uri in [&file.old_uri, &file.new_uri, &file.uri].into_iter().flatten() {
                let uri = uri::canonical(uri);
                if uri.ends_with(".weir") && !self.open.contains_key(&uri) {
                    self.as_on_disk(&uri);
                }
            }
        }
    }

    /// Tells the client what changed for each file.
    fn publish(&mut self) {
        self.dirty = false;
        let mut seen: HashSet<String> = HashSet::new();
        let mut failed = false;
        let mut notes = Vec::new();
        for project in &mut self.projects {
            let (world, whole) = project.snapshot();
            failed |= !whole;
            if self.client.pulls {
                continue;
            }
            let beside =
                self.whole.get(&project.root).map(|(_, found)| Arc::clone(found)).unwrap_or_default();
            for (file, document) in world.documents.iter().filter(|(_, document)| !document.read_only) {
                let found = lane::of_file(&world, &beside, *file);
                let uri = &*document.uri;
                seen.insert(uri.to_owned());
                let known = self.published.get(uri);
                let open = self.open.get(uri);
                let silent = known.is_none() && found.is_empty() && open.is_none();
                let same = known.is_some_and(|(text, known)| {
                    text.is(&document.text) && known.iter().eq(found.iter().copied())
                });
                if silent || same {
                    continue;
                }
                let listed = lane::listed(&world, &beside, *file);
                notes.push(published(
                    open.map_or(uri, |open| &open.uri),
                    open.map(|open| open.version),
                    &listed,
                ));
                let found = found.into_iter().cloned().collect();
                self.published.insert(uri.to_owned(), (document.text.clone(), found));
            }
        }
        // Files that are gone have nothing wrong with them.
        let gone = self.published.extract_if(|uri, _| !self.client.pulls && !seen.contains(uri.as_str()));
        notes.extend(gone.map(|(uri, _)| published(&uri, None, &[])));
        for note in notes {
            self.send(note);
        }
        if failed {
            self.log("a pass panicked; diagnostics are those of before");
        }
    }

    /// Sends projects to where they are looked at as a whole.
    fn look_at_whole(&mut self) {
        self.due = None;
        for project in &mut self.projects {
            let (world, sound) = project.snapshot();
            if !sound || self.whole.get(&project.root).is_some_and(|(version, _)| *version == world.version) {
                continue;
            }
            let (host, root, done) = (Arc::clone(&self.host), project.root.clone(), self.done_in.clone());
            let job: Job = Box::new(move || {
                let files = world.own();
                let asked = Asked {
                    found: &world.found,
                    sources: &world.sources,
                    files: &files,
                    root: world.root.as_deref(),
                };
                let found = catch_unwind(AssertUnwindSafe(|| {
                    if let Some(trap) = world.trap {
                        files.iter().for_each(|file| trap("whole", world.sources.text(*file)));
                    }
                    host.whole(&asked)
                }));
                let found = found.unwrap_or_else(|panic| {
                    let _ = done.send(Done::Log(format!("looking at the whole panicked: {}", said(&*panic))));
                    Vec::new()
                });
                Done::Whole(root, world.version, found)
            });
            let _ = self.jobs.send(job);
        }
    }
}

fn published(uri: &str, version: Option<i64>, listed: &[Value]) -> Notification {
    let mut params = json!({ "uri": uri, "diagnostics": listed });
    if let (Some(version), Some(object)) = (version, params.as_object_mut()) {
        object.insert("version".into(), version.into());
    }
    Notification::new("textDocument/publishDiagnostics".into(), params)
}

/// What a panic said.
fn said(panic: &(dyn std::any::Any + Send)) -> &str {
    let text = panic.downcast_ref::<&str>().copied();
    text.or_else(|| panic.downcast_ref::<String>().map(String::as_str)).unwrap_or("no message")
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Opened {
    text_document: Document,
}

#[derive(Deserialize)]
struct Document {
    uri: String,
    #[serde(default)]
    version: i64,
    text: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Changed {
    text_document: Versioned,
    content_changes: Vec<Change>,
}

#[derive(Deserialize)]
struct Versioned {
    uri: String,
    #[serde(default)]
    version: Option<i64>,
}

#[derive(Deserialize)]
struct Change {
    #[serde(default)]
    range: Option<Range>,
    text: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Closed {
    text_document: crate::protocol::Named,
}

#[derive(Deserialize)]
struct Watched {
    changes: Vec<crate::protocol::Named>,
}

#[derive(Deserialize)]
struct Folders {
    event: FoldersEvent,
}

#[derive(Deserialize)]
struct FoldersEvent {
    #[serde(default)]
    added: Vec<crate::protocol::Named>,
    #[serde(default)]
    removed: Vec<crate::protocol::Named>,
}

#[derive(Deserialize)]
struct Moved {
    files: Vec<MovedFile>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct MovedFile {
    #[serde(default)]
    old_uri: Option<String>,
    #[serde(default)]
    new_uri: Option<String>,
    #[serde(default)]
    uri: Option<String>,
}
