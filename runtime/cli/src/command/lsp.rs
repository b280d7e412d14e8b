//! `weir lsp`: the language server, with the files and the engine it is not made of.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use lsp_server::Connection;
use weir_compiler::link::Options;
use weir_dsl::{Diagnostic, FileId};
use weir_engine::testing;
use weir_lsp::host::{Asked, TestOutcome};
use weir_lsp::{Host, Loaded, uri};

use crate::args::LspArgs;
use crate::command::check;
use crate::load::{Inner, Search, errors, read};
use crate::ui::{Exit, Failure, Outcome};

pub(crate) fn run(args: &LspArgs) -> Outcome {
    let (connection, threads) = match args.socket {
        Some(port) => Connection::connect(("127.0.0.1", port))
            .map_err(|error| Failure::new(format!("no connection to port {port}: {error}")))?,
        None => Connection::stdio(),
    };
    let ended = weir_lsp::serve(&connection, Arc::new(Disk), weir_lsp::Options::default());
    drop(connection);
    // A client that is gone without a word leaves threads that nothing wakes.
    if ended {
        threads.join().map_err(|error| Failure::new(format!("the connection broke: {error}")))?;
    }
    Ok(if ended { Exit::Clean } else { Exit::Failed })
}

/// The files of this machine.
struct Disk;

/// The text of a file; the parser says what is wrong with stray bytes.
fn text(path: &Path) -> Option<String> {
    read(path).ok().map(|bytes| String::from_utf8_lossy(&bytes).into_owned())
}

fn name(path: &Path) -> String {
    uri::of_path(&path.display().to_string())
}

/// A project, or a folder without one, but for the projects inside of it.
fn load(root: &Path) -> (Loaded, Vec<PathBuf>) {
    let mut search = Search::new(Inner::LeftAlone);
    // What cannot be read is left out: an author has more use for the rest than for an error.
    let _ = search.folder(root, 0);
    search.found.sort();
    let manifest = root.join("weir.toml");
    let loaded = Loaded {
        root: name(root),
        manifest: text(&manifest).map(|text| (name(&manifest), text)),
        files: search.found.iter().filter_map(|path| Some((name(path), text(path)?))).collect(),
    };
    (loaded, search.projects)
}

impl Host for Disk {
    fn open(&self, folder: &str) -> Vec<Loaded> {
        let Some(root) = uri::path(folder).map(PathBuf::from) else { return Vec::new() };
        let mut all = Vec::new();
        let mut left = vec![root];
        while let Some(root) = left.pop() {
            let (loaded, inner) = load(&root);
            left.extend(inner);
            all.push(loaded);
        }
        all
    }

    fn project_of(&self, file: &str) -> Option<Loaded> {
        let path = PathBuf::from(uri::path(file)?);
        let root = path.ancestors().skip(1).find(|dir| dir.join("weir.toml").is_file())?;
        Some(load(root).0)
    }

    fn read(&self, file: &str) -> Option<String> {
        text(Path::new(&uri::path(file)?))
    }

    fn whole(&self, asked: &Asked<'_>) -> Vec<Diagnostic> {
        let root = asked.root.and_then(uri::path).map(PathBuf::from);
        let (_, mut found) = check::link_files(asked.found, asked.files, root.as_deref());
        found.extend(
            check::held(asked.found, asked.files, root.as_deref()).into_iter().flat_map(|(_, held)| held),
        );
        found
    }

    fn test(&self, asked: &Asked<'_>, file: FileId, name: Option<&str>) -> Result<Vec<TestOutcome>, String> {
        let found = asked.found;
        let mut outcomes = Vec::new();
        for package in found.env.packages.keys() {
            let wanted = |test: &&weir_compiler::hir::Test| {
                test.at.file == file && name.is_none_or(|name| test.name == name)
            };
            let tests: Vec<_> = found.tests(package).filter(wanted).collect();
            if tests.is_empty() {
                continue;
            }
            let linked = found.link(&found.for_tests(package), &Options::default());
            if let Some(error) = errors(&linked.diagnostics).first() {
                return Err(format!("`{package}` has errors: {}", error.title));
            }
            for test in tests {
                let tier = weir_compiler::evaluate::Tier::default();
                let (result, _) = testing::run_on(tier, &linked.hir, &linked.names, test);
                let failures = result.failures.iter().map(|failure| {
                    (failure.at, format!("expected: {}\ncame: {}", failure.expected, failure.came))
                });
                outcomes.push(TestOutcome {
                    name: result.name.to_string(),
                    at: test.at,
                    failures: failures.collect(),
                });
            }
        }
        Ok(outcomes)
    }
}
