//! What the conformance suite and the documentation's tests share: a session over the standard library, one
//! file at a time beside it.

use std::fs;
use std::path::{Path, PathBuf};

use weir_compiler::analysis::Analysis;
use weir_compiler::evaluate::Tier;
use weir_compiler::link::Options;
use weir_compiler::project::{EDITION, Manifest};
use weir_dsl::{Diagnostic, FileId, Severity, render};
use weir_engine::{Decision, Engine, testing};

/// The repository's root.
pub(crate) fn root() -> PathBuf {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    here.ancestors().nth(2).expect("runtime/engine lies two folders below the root").to_path_buf()
}

/// Every file under `folder` whose name ends with `.extension`, sorted.
pub(crate) fn files(folder: &Path, extension: &str) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut folders = vec![folder.to_path_buf()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display())) {
            let path = entry.expect("a folder's entry can be read").path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|found| found == extension) {
                found.push(path);
            }
        }
    }
    found.sort();
    found
}

/// The text of a file.
pub(crate) fn read(path: &Path) -> String {
    fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// The standard library, and room for one file beside it.
pub(crate) struct Library {
    /// The session.
    pub(crate) analysis: Analysis,
    /// What is found in the library alone; its own tests hold that to nothing.
    own: Vec<Diagnostic>,
}

impl Library {
    /// The repository's `stdlib-rules`, without its templates.
    pub(crate) fn new() -> Self {
        let folder = root().join("stdlib-rules");
        let mut analysis = Analysis::new();
        for path in files(&folder, "weir") {
            let name = path.strip_prefix(&folder).expect("found in the folder").display().to_string();
            if !name.starts_with("templates/") {
                analysis.set_file(&format!("stdlib-rules/{name}"), read(&path));
            }
        }
        let (manifest, faults) = Manifest::parse(FileId::default(), &read(&folder.join("weir.toml")));
        assert_eq!(faults, [], "the library's own project file");
        analysis.set_base(manifest);
        let own = analysis.diagnostics();
        Self { analysis, own }
    }

    /// Checks `text` beside the library: what is found that the library alone does not have.
    ///
    /// Lines that begin with `# weir.toml:` are the rest of a project file with nothing but edition and tenant.
    pub(crate) fn check(&mut self, name: &str, text: &str) -> Vec<Diagnostic> {
        let project: Vec<&str> =
            text.lines().filter_map(|line| line.trim().strip_prefix("# weir.toml:")).collect();
        let project = format!("edition = \"{EDITION}\"\ntenant = \"example\"\n{}", project.join("\n"));
        self.analysis.set_manifest("weir.toml", &project);
        self.analysis.set_file(name, text);
        let mut found = self.analysis.diagnostics();
        found.retain(|found| !self.own.contains(found));
        found
    }

    /// Runs the tests of a package on every tier: how many there are, and one line for each expectation that failed and for each
    /// test whose events differ between tiers.
    pub(crate) fn run_tests(&mut self, package: &str) -> (usize, Vec<String>) {
        self.watch_tests(package, &mut |_, _, _| ())
    }

    /// As [`Library::run_tests`], and shows every decision to `watcher` with the test's name.
    pub(crate) fn watch_tests(
        &mut self,
        package: &str,
        watcher: &mut dyn FnMut(&str, &Engine, &Decision),
    ) -> (usize, Vec<String>) {
        let found = self.analysis.found();
        let linked = found.link(&found.for_tests(package), &Options::default());
        let mut failed: Vec<String> =
            linked.diagnostics.iter().map(|found| self.show(std::slice::from_ref(found))).collect();
        let mut ran = 0;
        for test in found.tests(package) {
            ran += 1;
            let (on_walker, _) = testing::run_on(Tier::Walker, &linked.hir, &linked.names, test);
            let mut watch = |engine: &Engine, decision: &Decision| watcher(&test.name, engine, decision);
            let (result, _) = testing::watch(Tier::default(), &linked.hir, &linked.names, test, &mut watch);
            if on_walker != result {
                failed.push(format!("test \"{}\": tiers differ:\n{on_walker:#?}\n{result:#?}", result.name));
            }
            for failure in &result.failures {
                let sources = self.analysis.sources();
                let (line, _) = sources.position(failure.at.file, failure.at.span.start);
                failed.push(format!(
                    "{}:{line}: test \"{}\": expected {}, and {}",
                    sources.name(failure.at.file),
                    result.name,
                    failure.expected,
                    failure.came
                ));
            }
        }
        (ran, failed)
    }

    /// The package of a file.
    pub(crate) fn package(&self, name: &str) -> Option<String> {
        let tree = self.analysis.tree(self.analysis.file(name)?)?;
        tree.package.as_ref().map(|package| package.text.to_string())
    }

    /// Takes the file out again.
    pub(crate) fn forget(&mut self, name: &str) {
        self.analysis.remove_file(name);
    }

    /// Diagnostics, one a line.
    pub(crate) fn show(&self, diagnostics: &[Diagnostic]) -> String {
        render::concise(diagnostics, self.analysis.sources())
    }
}

/// Those that are errors.
pub(crate) fn errors(diagnostics: &[Diagnostic]) -> Vec<Diagnostic> {
    diagnostics.iter().filter(|found| found.severity == Severity::Error).cloned().collect()
}

/// Why `diagnostics` are not exactly what `code` promises: of an error's code, errors of no other code; of a
/// warning's, the warning and no error.
pub(crate) fn refusal(diagnostics: &[Diagnostic], code: weir_dsl::Code) -> Result<(), String> {
    let errors = errors(diagnostics);
    let is_error = code.severity() == Severity::Error;
    if let Some(other) = errors.iter().find(|found| !is_error || found.code != code) {
        return Err(format!("{code} expected, and {} found: {}", other.code, other.title));
    }
    if diagnostics.iter().any(|found| found.code == code) {
        return Ok(());
    }
    Err(match diagnostics.first() {
        Some(found) => format!("{code} expected, and only {} found: {}", found.code, found.title),
        None => format!("{code} expected, and nothing found"),
    })
}
