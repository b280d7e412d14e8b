//! What the server needs of the world around it. The core reads no file: whoever runs it does.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use serde_json::Value;
use weir_compiler::analysis::Found;
use weir_compiler::budget;
use weir_compiler::link::Options;
use weir_dsl::{Diagnostic, FileId, Sources};

/// A project, or files that belong to none.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Loaded {
    /// The folder that holds it, as a URI without a slash at its end. Files below it are part of it.
    pub root: String,
    /// URI and text of the project file.
    pub manifest: Option<(String, String)>,
    /// URIs and texts of the policy files.
    pub files: Vec<(String, String)>,
}

/// What can be asked of a project beside its texts.
pub struct Asked<'a> {
    /// What was found in it.
    pub found: &'a Arc<Found>,
    /// Its texts.
    pub sources: &'a Sources,
    /// Its own files, without the library's.
    pub files: &'a [FileId],
    /// Its folder, if it has a project file.
    pub root: Option<&'a str>,
}

/// The world around a server: files, and the engine.
pub trait Host: Send + Sync + 'static {
    /// The projects in a folder, and what of it belongs to none.
    fn open(&self, folder: &str) -> Vec<Loaded>;

    /// The project of a file that no folder holds; nothing when it stands alone.
    fn project_of(&self, file: &str) -> Option<Loaded>;

    /// The text of a file as it is outside of the editor.
    fn read(&self, file: &str) -> Option<String>;

    /// What shows only in the whole: what `weir check` finds beside the findings of the session.
    fn whole(&self, asked: &Asked<'_>) -> Vec<Diagnostic> {
        let mut selection = asked.found.everything();
        let own = |name: &smol_str::SmolStr| {
            let checked = asked.found.policies.get(name);
            checked.is_some_and(|checked| asked.files.contains(&checked.at.file))
        };
        selection.policies.retain(own);
        let linked = asked.found.link(&selection, &Options::default());
        let mut found: Vec<Diagnostic> = linked
            .diagnostics
            .iter()
            .filter(|found| asked.files.contains(&found.primary.file))
            .cloned()
            .collect();
        found.extend(budget::check(&linked, &asked.found.manifest));
        found
    }

    /// Runs tests of a file: all, or the one of a name.
    ///
    /// # Errors
    /// A line for people: there is no engine here, or the project has errors.
    fn test(&self, asked: &Asked<'_>, file: FileId, name: Option<&str>) -> Result<Vec<TestOutcome>, String> {
        let _ = (asked, file, name);
        Err("this server runs no tests".to_owned())
    }

    /// Replays a log through a project.
    ///
    /// # Errors
    /// A line for people.
    fn replay(&self, asked: &Asked<'_>, log: &str) -> Result<Value, String> {
        let _ = (asked, log);
        Err("this server replays no logs".to_owned())
    }
}

/// What came of a test.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TestOutcome {
    /// Its name.
    pub name: String,
    /// Where it is written.
    pub at: weir_dsl::FileSpan,
    /// Where it failed, and how: what was expected, what came.
    pub failures: Vec<(weir_dsl::FileSpan, String)>,
}

/// Files in memory, for tests and for editors in a browser.
#[derive(Debug, Default)]
pub struct Memory {
    files: Mutex<BTreeMap<String, String>>,
}

impl Memory {
    /// With these files, by URI.
    pub fn new<'a>(files: impl IntoIterator<Item = (&'a str, &'a str)>) -> Self {
        let files = files.into_iter().map(|(uri, text)| (crate::uri::canonical(uri), text.to_owned()));
        Self { files: Mutex::new(files.collect()) }
    }

    /// Writes a file.
    pub fn write(&self, uri: &str, text: &str) {
        self.files
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .insert(crate::uri::canonical(uri), text.to_owned());
    }

    fn below(&self, root: &str) -> Loaded {
        let files = self.files.lock().unwrap_or_else(PoisonError::into_inner);
        let inside = |uri: &&String| uri.strip_prefix(root).is_some_and(|rest| rest.starts_with('/'));
        let manifest = format!("{root}/weir.toml");
        Loaded {
            root: root.to_owned(),
            manifest: files.get(&manifest).map(|text| (manifest, text.clone())),
            files: files
                .iter()
                .filter(|(uri, _)| inside(uri) && uri.ends_with(".weir"))
                .map(|(uri, text)| (uri.clone(), text.clone()))
                .collect(),
        }
    }
}

impl Host for Memory {
    fn open(&self, folder: &str) -> Vec<Loaded> {
        vec![self.below(folder)]
    }

    fn project_of(&self, _file: &str) -> Option<Loaded> {
        None
    }

    fn read(&self, file: &str) -> Option<String> {
        self.files.lock().unwrap_or_else(PoisonError::into_inner).get(file).cloned()
    }
}
