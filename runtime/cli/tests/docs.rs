//! The policies on the pages of the documentation do what the pages say, as `weir check` and `weir test` see them.
//!
//! A fenced block that begins with three backticks and
//! - `weir` is a whole file: nothing is found in it, not even a warning, and its tests pass;
//! - `weir fail(W0301)` is a whole file: its errors are all of that code (of a warning's code: it has the
//!   warning and no error);
//! - `weir ignore` is a fragment;
//! - `toml` is the project file of the next policy, edition and tenant added where they are missing;
//!   `toml fail(W0108)` is one that must be refused.
//!
//! Files that a block names are there and empty, but those whose name begins with `no_such`, which are not, and
//! with `malformed`, which hold something that is no value.

#![allow(
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test stops at what must not happen"
)]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use serde_json::Value;

/// What a block promises.
#[derive(Clone, Debug, PartialEq)]
enum Promise {
    Holds,
    Fails(String),
}

/// A fenced block.
#[derive(Debug)]
struct Block {
    page: String,
    /// The line of its fence, from 1.
    line: usize,
    promise: Promise,
    /// The project file it is checked with.
    project: String,
    /// The policy; a project file by itself has none.
    policy: Option<String>,
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .ancestors()
        .nth(2)
        .expect("two folders below the root")
        .to_path_buf()
}

fn pages(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).expect("a folder of pages") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            pages(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "md") {
            found.push(path);
        }
    }
}

/// The language and the promise of a fence's words; an error for a promise that cannot be read.
fn promise(words: &str) -> Result<Option<(&str, Promise)>, String> {
    let (language, rest) = words.split_once(' ').unwrap_or((words, ""));
    if !["weir", "toml"].contains(&language) || rest.trim() == "ignore" {
        return Ok(None);
    }
    let code = |rest: &str| {
        let code = rest.strip_prefix("fail(")?.strip_suffix(')')?;
        (code.len() == 5 && code.starts_with('W')).then(|| code.to_owned())
    };
    match (rest.trim(), code(rest.trim())) {
        ("", _) => Ok(Some((language, Promise::Holds))),
        (_, Some(code)) => Ok(Some((language, Promise::Fails(code)))),
        (rest, None) => Err(format!("`{rest}` is no promise")),
    }
}

/// The blocks of a page.
fn blocks(page: &str, text: &str) -> Result<Vec<Block>, String> {
    let (mut found, mut project) = (Vec::new(), String::new());
    let mut lines = text.lines().enumerate();
    while let Some((at, line)) = lines.next() {
        let Some(words) = line.trim_start().strip_prefix("```") else { continue };
        let mut body = String::new();
        for (_, line) in lines.by_ref().take_while(|(_, line)| line.trim() != "```") {
            body.push_str(line);
            body.push('\n');
        }
        let known = promise(words.trim()).map_err(|why| format!("{page}:{}: {why}", at + 1))?;
        let Some((language, promise)) = known else { continue };
        let mut block = Block {
            page: page.to_owned(),
            line: at + 1,
            promise,
            project: std::mem::take(&mut project),
            policy: Some(body),
        };
        if language == "toml" {
            project = block.policy.take().unwrap_or_default();
            if block.promise == Promise::Holds {
                continue;
            }
            block.project = std::mem::take(&mut project);
        }
        found.push(block);
    }
    Ok(found)
}

/// Runs `weir` in a folder; its answer as JSON.
fn weir(folder: &Path, command: &str) -> Result<Value, String> {
    let output = Command::new(env!("CARGO_BIN_EXE_weir"))
        .args([command, "--json", "."])
        .current_dir(folder)
        .output()
        .map_err(|error| error.to_string())?;
    serde_json::from_slice(&output.stdout).map_err(|_| {
        let said = String::from_utf8_lossy(&output.stderr);
        format!("`weir {command}` answers no JSON and says: {}", said.trim())
    })
}

/// Lays a block out as a project of its own.
fn lay_out(folder: &Path, block: &Block) -> std::io::Result<()> {
    fs::create_dir_all(folder)?;
    let mut project = String::new();
    for (key, value) in [("edition", "2026"), ("tenant", "acme")] {
        if !block.project.lines().any(|line| line.trim_start().starts_with(key)) {
            project.push_str(&format!("{key} = \"{value}\"\n"));
        }
    }
    fs::write(folder.join("weir.toml"), project + &block.project)?;
    let policy = block.policy.as_deref().unwrap_or("package docs.nothing\n");
    // As many empty lines as stand above it, so that places are those of the page.
    fs::write(folder.join("page.weir"), "\n".repeat(block.line) + policy)?;
    let named = policy.split("from \"").skip(1).filter_map(|rest| rest.split_once('"')).map(|(file, _)| file);
    for file in named.filter(|file| !file.starts_with('/') && !file.contains("..")) {
        let path = folder.join(file);
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        // A model is not made up: without its file it is unknown, which is a note.
        if !name.starts_with("no_such") && !name.ends_with(".onnx") {
            fs::create_dir_all(path.parent().unwrap_or(folder))?;
            let contents = match file {
                _ if name.starts_with("malformed") => "198.51.100.0/99\n",
                _ if name.ends_with(".ics") => "BEGIN:VCALENDAR\r\nEND:VCALENDAR\r\n",
                _ => "",
            };
            fs::write(&path, contents)?;
        }
    }
    Ok(())
}

/// What is wrong with a block; nothing when it keeps its promise.
fn faults(block: &Block, folder: &Path) -> Result<Vec<String>, String> {
    lay_out(folder, block).map_err(|error| error.to_string())?;
    let checked = weir(folder, "check")?;
    let diagnostics = checked["diagnostics"].as_array().ok_or("no diagnostics")?;
    let shown = |found: &Value| {
        let line = found["start"]["line"].as_u64().unwrap_or_default();
        format!("{}:{line}: {}: {}", block.page, found["code"], found["title"])
    };
    let is_note = |found: &Value| found["severity"] == "note";
    let code = match &block.promise {
        Promise::Holds if diagnostics.iter().all(is_note) => return failed_tests(block, folder),
        Promise::Holds => return Ok(diagnostics.iter().filter(|found| !is_note(found)).map(shown).collect()),
        Promise::Fails(code) => code.as_str(),
    };
    let is_code = |found: &&Value| found["code"] == code;
    let is_error = |found: &&Value| found["severity"] == "error";
    let Some(promised) = diagnostics.iter().find(is_code) else {
        return Ok(vec![format!("{code} is not found")]);
    };
    let others = diagnostics.iter().filter(is_error).filter(|found| !is_error(&promised) || !is_code(found));
    Ok(others.map(|found| format!("{code} expected, and {}", shown(found))).collect())
}

fn failed_tests(block: &Block, folder: &Path) -> Result<Vec<String>, String> {
    if !block.policy.as_ref().is_some_and(|policy| policy.contains("\ntest \"")) {
        return Ok(Vec::new());
    }
    let tested = weir(folder, "test")?;
    let failed = tested["tests"].as_array().ok_or("no tests")?.iter().filter(|test| test["passed"] != true);
    let shown = |test: &Value| {
        let line = test["at"]["line"].as_u64().unwrap_or_default();
        format!("{}:{line}: test {}: {}", block.page, test["name"], test["failures"])
    };
    Ok(failed.map(shown).collect())
}

#[test]
fn every_policy_in_the_documentation_holds_or_fails_as_it_says() {
    let root = root();
    let mut paths = Vec::new();
    pages(&root.join("docs"), &mut paths);
    paths.sort();
    let (mut all, mut wrong) = (Vec::new(), Vec::new());
    for path in paths {
        let page = path.strip_prefix(&root).expect("under the root").display().to_string();
        match blocks(&page, &fs::read_to_string(&path).expect("a page")) {
            Ok(found) => all.extend(found),
            Err(why) => wrong.push(why),
        }
    }
    assert!(all.len() > 120, "{} blocks", all.len());
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("docs");
    // What an earlier run left would stand beside what this one lays out.
    let _ = fs::remove_dir_all(&folder);
    let next = AtomicUsize::new(0);
    let work = || {
        let mut wrong = Vec::new();
        while let Some(block) = all.get(next.fetch_add(1, Ordering::Relaxed)) {
            let name = format!("{}-{}", block.page.replace('/', "-"), block.line);
            match faults(block, &folder.join(name)) {
                Ok(faults) => {
                    wrong.extend(
                        faults.into_iter().map(|fault| format!("{}:{}: {fault}", block.page, block.line)),
                    );
                }
                Err(why) => wrong.push(format!("{}:{}: {why}", block.page, block.line)),
            }
        }
        wrong
    };
    thread::scope(|scope| {
        let threads: Vec<_> = (0..4).map(|_| scope.spawn(work)).collect();
        for thread in threads {
            wrong.extend(thread.join().expect("a thread that ends"));
        }
    });
    wrong.sort();
    assert!(wrong.is_empty(), "{} faults\n{}", wrong.len(), wrong.join("\n"));
}

#[test]
fn a_block_that_breaks_its_promise_is_found() {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("promises");
    let found = |words: &str, policy: &str| {
        let page = format!("# Page\n\n```{words}\n{policy}```\n");
        let blocks = blocks("page.md", &page).expect("promises that can be read");
        let block = blocks.first().expect("a block");
        faults(block, &folder.join(words.replace(' ', "-"))).expect("an answer")
    };
    assert_eq!(found("weir", "package a.b\n\ntag\n").len(), 1);
    assert_eq!(found("weir fail(W0001)", "package a.b\n\ntag\n"), [""; 0]);
    assert_eq!(found("weir fail(W0101)", "package a.b\n\ntag\n").len(), 1);
    assert_eq!(found("weir fail(W0002)", "package a.b\n\nqueue desk\n").len(), 1);
    let lies = "package a.b\n\nuse std.events { login }\n\npolicy p {\n  on login\n\n  \
                rule r { when ip is known then log because \"{ip}\" }\n}\n\n\
                test \"t\" {\n  login { ip: \"203.0.113.9\" }\n  expect rule r not fired\n}\n";
    assert!(matches!(found("weir", lies).as_slice(), [one] if one.contains("test \"t\"")));
    assert_eq!(found("weir", &lies.replace("not fired", "fired")), [""; 0]);
    assert!(blocks("page.md", "```weir fails\n```\n").is_err());
    assert!(blocks("page.md", "```text\n```\n").is_ok_and(|blocks| blocks.is_empty()));
}
