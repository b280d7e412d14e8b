//! `weir run`: a stream in, decisions out, and what outlives the process.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic, reason = "tests")]

use std::io::{BufRead as _, BufReader, Write as _};
use std::path::PathBuf;
use std::process::{Child, ChildStdin, Command, Output, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

const WEIR: &str = env!("CARGO_BIN_EXE_weir");
const CACHE: &str = concat!(env!("CARGO_TARGET_TMPDIR"), "/cache");
const START: i64 = 1_767_571_200_000;

const POLICY: &str = r#"package shop
use std.events { login, mfa, payment.auth, password.reset }

queue desk

policy logins {
  on login
  mode enforce
  signal failures = count of login where outcome == failure per user over 1h
  rule many {
    when failures >= 3
    then challenge user on login for 10m
    because "{failures} failures"
  }
}

policy payments {
  on payment.auth
  mode enforce
  rule large {
    when amount >= USD 1_000
    then hold payment.auth for desk within 1h else block
    because "{amount}"
  }
}
"#;

/// A folder of its own, removed at the end.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("weir-run-{name}-{}", std::process::id()));
        let _ = std::fs::remove_dir_all(&path);
        std::fs::create_dir_all(&path).unwrap();
        std::fs::write(path.join("shop.weir"), POLICY).unwrap();
        Self(path)
    }

    fn path(&self, name: &str) -> String {
        self.0.join(name).to_str().unwrap().to_owned()
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// A node that is talked to line by line.
struct Node {
    child: Child,
    input: Option<ChildStdin>,
    output: Receiver<String>,
}

impl Node {
    fn start(arguments: &[&str]) -> Self {
        let mut child = Command::new(WEIR)
            .arg("run")
            .args(arguments)
            .env("WEIR_CACHE", CACHE)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let (sender, output) = channel();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        std::thread::spawn(move || lines.map_while(Result::ok).try_for_each(|line| sender.send(line)));
        Self { input: child.stdin.take(), child, output }
    }

    fn tell(&mut self, line: &Value) {
        writeln!(self.input.as_mut().unwrap(), "{line}").unwrap();
    }

    fn hear(&mut self) -> Value {
        let line = self.output.recv_timeout(Duration::from_secs(60)).expect("an answer");
        serde_json::from_str(&line).unwrap_or_else(|error| panic!("{error}: {line:?}"))
    }

    fn ask(&mut self, line: &Value) -> Value {
        self.tell(line);
        self.hear()
    }

    /// Ends the input and waits.
    fn end(mut self) -> Output {
        drop(self.input.take());
        self.child.wait_with_output().unwrap()
    }
}

fn login(n: i64, user: &str, outcome: &str) -> Value {
    json!({ "event": "login", "ts": START + n, "user": user, "session": "s", "channel": "web", "outcome": outcome })
}

fn payment(n: i64, minor: i64) -> Value {
    json!({
        "event": "payment.auth", "ts": START + n, "user": "ann", "session": "s", "channel": "web",
        "card": "c1", "bin": "411111", "amount": { "minor": minor, "currency": "USD" },
    })
}

fn said(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

#[test]
fn every_line_has_an_answer() {
    let folder = Folder::new("answers");
    let mut node = Node::start(&[&folder.path("shop.weir")]);
    for n in 0..2 {
        assert_eq!(node.ask(&login(n, "ann", "failure"))["verdict"], "pass");
    }
    let third = node.ask(&login(2, "ann", "failure"));
    assert_eq!((&third["verdict"], &third["matches"][0]["because"]), (&json!("pass"), &json!("3 failures")));
    assert_eq!(third["effects"][0]["verb"], "challenge");
    let fourth = node.ask(&login(3, "ann", "failure"));
    assert_eq!((&fourth["stopped"], &fourth["seq"]), (&json!(true), &json!(3)));
    assert_eq!(node.ask(&login(4, "bob", "failure"))["stopped"], false);
    let wrong = node.ask(&json!({ "event": "logon", "ts": START }));
    assert_eq!(wrong, json!({ "seq": 5, "error": "no schema declares an event `logon`" }));
    assert!(node.ask(&json!({ "command": { "explode": {} } }))["error"].is_string());
    let output = node.end();
    assert_eq!(output.status.code(), Some(0));
    assert!(said(&output).contains("5 events decided, 2 lines passed over"), "{}", said(&output));
}

#[test]
fn a_response_may_come_later_and_names_its_decision() {
    let folder = Folder::new("responses");
    let mut node = Node::start(&[&folder.path("shop.weir")]);
    for n in 0..3 {
        let mut event = login(n, "ann", "failure");
        event["open"] = true.into();
        event.as_object_mut().unwrap().remove("outcome");
        let id = node.ask(&event)["id"].clone();
        node.tell(&json!({ "response": id, "event": "login", "ts": START + n, "outcome": "failure" }));
    }
    let fired = node.hear();
    assert_eq!(fired["matches"][0]["because"], "3 failures");
    assert_eq!(node.ask(&login(5, "ann", "failure"))["stopped"], true);
    let other =
        json!({ "response": "7-0123456789abcdef", "event": "login", "ts": START, "outcome": "failure" });
    assert_eq!(node.ask(&other)["error"], "no decision here has that id");
    assert_eq!(node.end().status.code(), Some(0));
}

#[test]
fn what_is_held_waits_for_a_person_or_its_deadline() {
    let folder = Folder::new("cases");
    let mut node = Node::start(&[&folder.path("shop.weir")]);
    let held = node.ask(&payment(0, 100_000));
    assert_eq!((&held["verdict"], &held["with"]["hold"]["queue"]), (&json!("hold"), &json!("desk")));
    let case = held["effects"][0]["case"].clone();
    node.ask(&payment(1, 200_000));
    node.tell(&json!({ "command": { "release": { "case": case, "verdict": "pass" } } }));
    let closed = node.hear();
    assert_eq!(
        (&closed["closed"]["verdict"], &closed["closed"]["by_person"]),
        (&json!("pass"), &json!(true))
    );
    assert_eq!(node.hear()["answer"], json!({ "done": 1 }));
    node.tell(&json!({ "tick": START + 3_700_000 }));
    let closed = node.hear();
    assert_eq!(
        (&closed["closed"]["verdict"], &closed["closed"]["by_person"]),
        (&json!("block"), &json!(false))
    );
    node.end();
}

#[test]
fn a_panic_stops_nothing_but_the_stopping() {
    let folder = Folder::new("panic");
    let mut node = Node::start(&[&folder.path("shop.weir")]);
    (0..4).for_each(|n| drop(node.ask(&login(n, "ann", "failure"))));
    assert_eq!(node.ask(&json!({ "command": { "panic": { "off": true } } }))["answer"], json!({ "done": 1 }));
    let calm = node.ask(&login(5, "ann", "failure"));
    assert_eq!((&calm["verdict"], &calm["panic"]), (&json!("pass"), &json!(true)));
    node.ask(&json!({ "command": { "panic": { "off": false } } }));
    assert_eq!(node.ask(&login(6, "ann", "failure"))["stopped"], true);
    node.end();
}

#[test]
fn it_goes_on_where_it_stopped() {
    let folder = Folder::new("resume");
    let lines: Vec<Value> = (0..12).map(|n| login(n, ["ann", "bob"][n as usize % 2], "failure")).collect();
    let run = |data: &str, lines: &[Value]| -> Vec<String> {
        let mut node = Node::start(&[&folder.path("shop.weir"), "--data", &folder.path(data)]);
        let answers = lines.iter().map(|line| {
            let mut answer = node.ask(line);
            // Another folder has another secret, and a line its number in its own input.
            for name in ["id", "keys", "effects", "seq"] {
                answer.as_object_mut().unwrap().remove(name);
            }
            answer.to_string()
        });
        let answers = answers.collect();
        assert_eq!(node.end().status.code(), Some(0));
        answers
    };
    let whole = run("one", &lines);
    let mut parts = run("two", &lines[..5]);
    parts.extend(run("two", &lines[5..]));
    assert_eq!(whole, parts);
    assert!(whole.last().unwrap().contains("\"stopped\":true"));
}

#[test]
fn a_folder_belongs_to_one_node_and_one_secret() {
    let folder = Folder::new("owner");
    let (policy, data) = (folder.path("shop.weir"), folder.path("data"));
    let mut node = Node::start(&[&policy, "--data", &data]);
    node.ask(&login(0, "ann", "failure"));
    let second = Node::start(&[&policy, "--data", &data]).end();
    assert_eq!(second.status.code(), Some(2));
    assert!(said(&second).contains("another process uses"), "{}", said(&second));
    node.end();
    std::fs::write(folder.path("other"), "00112233445566778899aabbccddeeff\n").unwrap();
    let other = Node::start(&[&policy, "--data", &data, "--secret", &folder.path("other")]).end();
    assert_eq!(other.status.code(), Some(2));
    assert!(said(&other).contains("secret"), "{}", said(&other));
    std::fs::write(folder.path("other"), "0011").unwrap();
    let short = Node::start(&[&policy, "--data", &data, "--secret", &folder.path("other")]).end();
    assert!(said(&short).contains("32 hexadecimal digits"), "{}", said(&short));
}

#[cfg(unix)]
#[test]
fn a_signal_ends_it_in_order() {
    let folder = Folder::new("signal");
    let (policy, data) = (folder.path("shop.weir"), folder.path("data"));
    let mut node = Node::start(&[&policy, "--data", &data]);
    (0..3).for_each(|n| drop(node.ask(&login(n, "ann", "failure"))));
    let kill = Command::new("kill").arg("-TERM").arg(node.child.id().to_string()).status().unwrap();
    assert!(kill.success());
    let output = node.child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(0), "{}", said(&output));
    let mut node = Node::start(&[&policy, "--data", &data]);
    assert_eq!(node.ask(&login(4, "ann", "failure"))["stopped"], true);
    node.end();
}

#[test]
fn policies_are_read_again_and_state_goes_on() {
    let folder = Folder::new("reload");
    let policy = folder.path("shop.weir");
    let mut node = Node::start(&[&policy]);
    (0..2).for_each(|n| drop(node.ask(&login(n, "ann", "failure"))));
    // What has errors does not run.
    std::fs::write(&policy, POLICY.replace("failures >= 3", "failurs >= 3")).unwrap();
    std::thread::sleep(Duration::from_millis(2_500));
    assert_eq!(node.ask(&login(3, "bob", "failure"))["matches"], json!([]));
    std::fs::write(&policy, POLICY.replace("failures >= 3", "failures >= 2 and failures < 100")).unwrap();
    // The next failure of bob is his second; ann's count has gone on.
    let deadline = Instant::now() + Duration::from_secs(60);
    let mut n = 10;
    loop {
        n += 1;
        // A fresh user each time, twice: fires only under the new rule.
        let user = format!("u{n}");
        node.ask(&login(n, &user, "failure"));
        if node.ask(&login(n, &user, "failure"))["matches"][0]["because"] == "2 failures" {
            break;
        }
        assert!(Instant::now() < deadline, "the policy was not read again");
        std::thread::sleep(Duration::from_millis(200));
    }
    assert_eq!(node.ask(&login(n + 1, "ann", "failure"))["matches"][0]["because"], "3 failures");
    // And back to the rules before, under which a second failure says nothing.
    assert_eq!(node.ask(&json!({ "rollback": true }))["answer"], "asked");
    loop {
        n += 1;
        let user = format!("u{n}");
        node.ask(&login(n, &user, "failure"));
        if node.ask(&login(n, &user, "failure"))["matches"] == json!([]) {
            break;
        }
        assert!(Instant::now() < deadline, "the rules before were not put back");
        std::thread::sleep(Duration::from_millis(200));
    }
    let output = node.end();
    assert!(said(&output).contains("the running ones go on"), "{}", said(&output));
    assert!(said(&output).contains("1 kept, 0 new and warming, 0 dropped"), "{}", said(&output));
    assert!(said(&output).contains("reloaded 1 file in "), "{}", said(&output));
    assert!(said(&output).contains(" ms: 1 rule changed; running 2 rules"), "{}", said(&output));
    assert!(said(&output).contains("put back the rules before; running 2 rules"), "{}", said(&output));
}

/// A log that grows in the folder of the project is no change of its rules.
#[test]
fn what_lies_beside_the_policies_is_no_change() {
    let folder = Folder::new("beside");
    let package = POLICY.lines().find_map(|line| line.strip_prefix("package ")).unwrap();
    let project =
        format!("edition = \"2026\"\ntenant = \"t\"\n[profiles.default]\npackages = [\"{package}\"]\n");
    std::fs::write(folder.path("weir.toml"), project).unwrap();
    let mut node = Node::start(&[&folder.path("")]);
    let deadline = Instant::now() + Duration::from_secs(60);
    // Two changes of other files are looked at, and then one of the policy.
    for n in 0..2 {
        assert_eq!(node.ask(&login(n, "bob", "failure"))["matches"], json!([]));
        std::fs::write(folder.path("node.log"), "x".repeat(n as usize + 1)).unwrap();
        std::thread::sleep(Duration::from_millis(2_500));
    }
    std::fs::write(folder.path("shop.weir"), POLICY.replace("failures >= 3", "failures >= 2")).unwrap();
    let mut n = 10;
    loop {
        n += 1;
        let user = format!("u{n}");
        node.ask(&login(n, &user, "failure"));
        if node.ask(&login(n, &user, "failure"))["matches"][0]["because"] == "2 failures" {
            break;
        }
        assert!(Instant::now() < deadline, "the policy was not read again");
        std::thread::sleep(Duration::from_millis(200));
    }
    let output = node.end();
    assert_eq!(said(&output).matches("reloaded").count(), 1, "{}", said(&output));
}

/// Native code is in use at the start and after a change, and answers are those of the interpreter.
#[test]
fn rules_become_native_code_beside_the_stream() {
    let folder = Folder::new("native");
    let rule = |n| {
        let when = format!("user == \"u{n}\" and channel == web");
        format!(
            "  rule r{n} {{\n    when {when}\n    then score +{}\n    because \"it is {n}\"\n  }}\n",
            n + 1
        )
    };
    let rules: String = (0..30).map(rule).collect();
    let policy = folder.path("many.weir");
    let head = "package shop\n\nuse std.events { login }\n\npolicy many {\n  on login\n  mode enforce\n";
    std::fs::write(&policy, format!("{head}{rules}}}\n")).unwrap();
    let mut node = Node::start(&["--verbose", &policy]);
    let mut answers = Vec::new();
    for n in 0..40 {
        answers.push(node.ask(&login(n, &format!("u{n}"), "failure"))["matches"].clone());
        std::thread::sleep(Duration::from_millis(50));
    }
    for (n, matches) in answers.iter().enumerate() {
        let because = if n < 30 { json!(format!("it is {n}")) } else { Value::Null };
        assert_eq!(matches[0]["because"], because, "{n}");
    }
    let native = said(&node.end());
    assert!(native.contains("native code for 1 group of rules in 1 plan"), "{native}");
    let other = Node::start(&["--verbose", "--engine", "plan", &policy]);
    assert!(!said(&other.end()).contains("native code"));
}

/// A replay of what is still being written goes on with policies that change meanwhile.
#[cfg(unix)]
#[test]
fn a_replay_watches_its_policies() {
    let folder = Folder::new("watch");
    let policy = folder.path("shop.weir");
    let mut child = Command::new(WEIR)
        .env("WEIR_CACHE", CACHE)
        .args(["replay", "-", "--watch", "--json", "--policy", &policy])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut input = child.stdin.take().unwrap();
    let mut talk = BufReader::new(child.stderr.take().unwrap()).lines();
    let (sender, told) = channel();
    std::thread::spawn(move || talk.by_ref().map_while(Result::ok).try_for_each(|line| sender.send(line)));
    let deadline = Instant::now() + Duration::from_secs(120);
    let mut n = 0;
    loop {
        assert!(Instant::now() < deadline, "the policy was not read again");
        // A reader takes lines by the buffer, and holds them until none can come before them.
        for _ in 0..200 {
            n += 1;
            writeln!(input, "{}", login(n * 60_000, "ann", "success")).unwrap();
        }
        input.flush().unwrap();
        if told.try_iter().any(|line| line.contains("reloaded 1 file")) {
            break;
        }
        // Nobody knows when it has begun to look.
        if n % 2_000 == 0 {
            let beside = folder.path("shop.new");
            let text = POLICY.replace("failures >= 3", &format!("failures >= 1 and failures < {n}"));
            std::fs::write(&beside, text).unwrap();
            std::fs::rename(&beside, &policy).unwrap();
        }
        std::thread::sleep(Duration::from_millis(100));
    }
    writeln!(input, "{}", login((n + 1) * 60_000, "bob", "failure")).unwrap();
    drop(input);
    let output = child.wait_with_output().unwrap();
    let summary: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert!(summary.to_string().contains("shop.logins.many"), "{summary}");
}

#[cfg(unix)]
#[test]
fn a_crash_loses_nothing_that_was_answered() {
    let folder = Folder::new("crash");
    let (policy, data) = (folder.path("shop.weir"), folder.path("data"));
    let arguments = [policy.as_str(), "--data", &data, "--journal", "sync"];
    let mut node = Node::start(&arguments);
    (0..3).for_each(|n| drop(node.ask(&login(n, "ann", "failure"))));
    node.child.kill().unwrap();
    node.child.wait().unwrap();
    // A block that was being written.
    let journal = std::fs::read_dir(folder.path("data/journal")).unwrap();
    let last = journal.map(|file| file.unwrap().path()).max().unwrap();
    let mut file = std::fs::File::options().append(true).open(&last).unwrap();
    file.write_all(&[9; 11]).unwrap();
    drop(file);
    let mut node = Node::start(&arguments);
    assert_eq!(node.ask(&login(4, "ann", "failure"))["stopped"], true);
    let output = node.end();
    assert!(said(&output).contains("6 inputs of the journal since"), "{}", said(&output));
    assert!(said(&output).contains("the last 11 bytes of the journal were cut off"), "{}", said(&output));
    // Once more, from the snapshot alone.
    let mut node = Node::start(&arguments);
    assert_eq!(node.ask(&login(5, "ann", "failure"))["stopped"], true);
    assert!(!said(&node.end()).contains("of the journal since"));
}

#[test]
fn nothing_personal_is_on_the_disk_in_clear() {
    let folder = Folder::new("clear");
    let (policy, data) = (folder.path("shop.weir"), folder.path("data"));
    let remembers = POLICY.replace(
        "  rule many {",
        "  signal lately = last of user of login per session over 1h\n  rule many {",
    );
    std::fs::write(&policy, remembers.replace("failures >= 3", "failures >= 3 and lately is known")).unwrap();
    let records = folder.path("out.weirrec");
    let mut node = Node::start(&[&policy, "--data", &data, "--journal", "sync", "--records", &records]);
    (0..4).for_each(|n| drop(node.ask(&login(n, "annabella", "failure"))));
    node.end();
    let mut open = vec![folder.0.clone()];
    let mut files = 0;
    while let Some(path) = open.pop() {
        for entry in std::fs::read_dir(path).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                open.push(path);
            } else {
                files += 1;
                let bytes = std::fs::read(&path).unwrap();
                assert!(!bytes.windows(9).any(|w| w == b"annabella"), "{}", path.display());
            }
        }
    }
    assert!(files >= 5, "{files} files");
    let explained = Command::new(WEIR).args(["explain", "--record", &records]).output().unwrap();
    assert_eq!(explained.status.code(), Some(0), "{}", said(&explained));
    assert!(String::from_utf8_lossy(&explained.stdout).contains("identical"));
}

#[test]
fn threads_change_nothing() {
    let folder = Folder::new("threads");
    let policy = folder.path("shop.weir");
    let mut input = String::new();
    for n in 0..400 {
        let mut event = login(n, &format!("u{}", n % 7), "failure");
        event["open"] = true.into();
        input.push_str(&format!("{event}\n"));
        if n % 50 == 49 {
            input.push_str(&format!("{}\n", login(n, "ann", "failure")));
        }
    }
    let run = |threads: &str| {
        let mut child = Command::new(WEIR)
            .args(["run", &policy, "--threads", threads])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut to = child.stdin.take().unwrap();
        let input = input.clone();
        let writer = std::thread::spawn(move || to.write_all(input.as_bytes()).unwrap());
        let output = child.wait_with_output().unwrap();
        writer.join().unwrap();
        String::from_utf8(output.stdout).unwrap()
    };
    let one = run("1");
    assert_eq!(one.lines().count(), 408);
    assert_eq!(one, run("3"));
}
