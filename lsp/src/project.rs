//! A project as the server holds it: its texts, its analysis session, and snapshots of both for readers.

use std::collections::{BTreeMap, BTreeSet};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use smol_str::SmolStr;
use weir_compiler::analysis::{Analysis, Found};
use weir_compiler::project::Manifest;
use weir_dsl::{Diagnostic, FileId, Sources, ast};

use crate::host::Loaded;
use crate::text::{Encoding, Text};
use crate::uri;

/// A project, or one file that belongs to none.
pub(crate) struct Project {
    /// The folder, or the file itself.
    pub(crate) root: String,
    /// URI and text of the project file.
    manifest: Option<(String, Text)>,
    /// The policy files, by URI.
    files: BTreeMap<String, Text>,
    analysis: Analysis,
    encoding: Encoding,
    /// The packages that its files are of, which the library's stand back for.
    taken: BTreeSet<SmolStr>,
    snapshot: Option<Arc<Snapshot>>,
    /// Every file of the session as readers see it, so that an edit looks over one text alone.
    seen: BTreeMap<FileId, Document>,
    /// What was found last, for when a pass does not come to its end.
    last: Arc<Found>,
    /// Grows with every change.
    pub(crate) version: u64,
    /// A function called before each pass with its name and the texts: tests plant a fault there.
    trap: Option<Trap>,
}

/// Called before a pass with its name and a text it looks at.
pub type Trap = fn(&str, &str);

/// A file in a snapshot.
#[derive(Clone, Debug)]
pub(crate) struct Document {
    pub(crate) uri: Arc<str>,
    pub(crate) text: Text,
    /// Nothing for the project file.
    pub(crate) tree: Option<Arc<ast::File>>,
    /// One of the library's.
    pub(crate) read_only: bool,
}

/// A project at one moment. Readers on other threads share it.
pub(crate) struct Snapshot {
    pub(crate) found: Arc<Found>,
    pub(crate) sources: Sources,
    pub(crate) documents: BTreeMap<FileId, Document>,
    ids: BTreeMap<Arc<str>, FileId>,
    pub(crate) encoding: Encoding,
    /// The project's folder, if it has a project file.
    pub(crate) root: Option<String>,
    pub(crate) version: u64,
    pub(crate) trap: Option<Trap>,
}

impl Snapshot {
    /// A file by its URI.
    pub(crate) fn file(&self, uri: &str) -> Option<(FileId, &Document)> {
        let file = *self.ids.get(uri)?;
        Some((file, self.documents.get(&file)?))
    }

    /// The files that are the project's own, and no project file.
    pub(crate) fn own(&self) -> Vec<FileId> {
        let own =
            self.documents.iter().filter(|(_, document)| !document.read_only && document.tree.is_some());
        own.map(|(file, _)| *file).collect()
    }

    /// What was found in a file.
    pub(crate) fn diagnostics(&self, file: FileId) -> impl Iterator<Item = &Diagnostic> {
        let all = &self.found.diagnostics;
        let start = all.partition_point(|found| found.primary.file < file);
        all.get(start..).unwrap_or_default().iter().take_while(move |found| found.primary.file == file)
    }
}

impl Project {
    pub(crate) fn new(loaded: Loaded, encoding: Encoding, trap: Option<Trap>) -> Self {
        let manifest = loaded.manifest.map(|(uri, text)| (uri::canonical(&uri), Text::new(text, encoding)));
        let files =
            loaded.files.into_iter().map(|(uri, text)| (uri::canonical(&uri), Text::new(text, encoding)));
        let mut project = Self {
            root: uri::canonical(&loaded.root),
            manifest,
            files: files.collect(),
            analysis: Analysis::new(),
            encoding,
            taken: BTreeSet::new(),
            snapshot: None,
            seen: BTreeMap::new(),
            last: Arc::default(),
            version: 0,
            trap,
        };
        project.build();
        project
    }

    /// Makes the session anew from the texts.
    fn build(&mut self) {
        let mut analysis = Analysis::new();
        let parse = AssertUnwindSafe(|| {
            for (uri, text) in &self.files {
                self.spring("parse", text);
                analysis.set_file(uri, text.shared());
            }
        });
        let whole = catch_unwind(parse).is_ok();
        if !whole {
            // Without the file that cannot be read.
            analysis = Analysis::new();
            for (uri, text) in &self.files {
                let one = AssertUnwindSafe(|| {
                    self.spring("parse", text);
                    analysis.set_file(uri, text.shared());
                });
                if catch_unwind(one).is_err() {
                    analysis.set_file(uri, "");
                }
            }
        }
        if let Some((uri, text)) = &self.manifest {
            analysis.set_manifest(uri, text.as_str());
        }
        self.analysis = analysis;
        self.seen.clear();
        self.taken = self.packages();
        let taken = self.taken.clone();
        self.set_library(|package| !taken.contains(package));
        let (base, _) = Manifest::parse(FileId::default(), weir_stdlib::MANIFEST);
        self.analysis.set_base(base);
        self.snapshot = None;
    }

    fn spring(&self, pass: &str, text: &Text) {
        if let Some(trap) = self.trap {
            trap(pass, text.as_str());
        }
    }

    /// The package of a file.
    fn package(&self, uri: &str) -> Option<SmolStr> {
        let tree = self.analysis.file(uri).and_then(|file| self.analysis.tree(file))?;
        tree.package.as_ref().map(|name| name.text.clone())
    }

    /// The packages of the project's own files.
    fn packages(&self) -> BTreeSet<SmolStr> {
        let trees = self.files.keys().filter_map(|uri| self.analysis.tree(self.analysis.file(uri)?));
        trees.filter_map(|tree| tree.package.as_ref().map(|name| name.text.clone())).collect()
    }

    /// Puts in the files of the library whose packages are wanted, and takes the others out.
    fn set_library(&mut self, wanted: impl Fn(&str) -> bool) {
        for file in weir_stdlib::policies() {
            let name = uri::of_library(&file.path);
            if self.analysis.file(&name).is_none() {
                self.analysis.set_file(&name, file.text);
            }
            let package = self.analysis.file(&name).and_then(|id| self.analysis.tree(id)?.package.clone());
            if package.is_some_and(|package| !wanted(&package.text)) {
                self.analysis.remove_file(&name);
            }
        }
    }

    /// The library stands back for packages that have come, and returns for those that have gone.
    fn settle_library(&mut self) {
        let taken = self.packages();
        if taken == self.taken {
            return;
        }
        let before = std::mem::replace(&mut self.taken, taken.clone());
        let ours: BTreeSet<String> = weir_stdlib::policies()
            .iter()
            .filter_map(|file| {
                file.text.lines().find_map(|line| line.strip_prefix("package ")).map(str::to_owned)
            })
            .collect();
        if before.symmetric_difference(&taken).any(|package| ours.contains(package.as_str())) {
            self.set_library(|package| !taken.contains(package));
        }
    }

    /// Whether a file lies in the project.
    pub(crate) fn holds(&self, uri: &str) -> bool {
        self.root == uri || uri.strip_prefix(&self.root).is_some_and(|rest| rest.starts_with('/'))
    }

    /// The text of a file.
    pub(crate) fn text(&self, uri: &str) -> Option<&Text> {
        let manifest = self.manifest.as_ref().filter(|(known, _)| known == uri).map(|(_, text)| text);
        self.files.get(uri).or(manifest)
    }

    /// Sets the text of a file. False when a pass panicked over it; the file is then as if it were empty.
    pub(crate) fn set(&mut self, uri: &str, text: Text) -> bool {
        if self.text(uri).is_some_and(|known| known.as_str() == text.as_str()) {
            return true;
        }
        self.version += 1;
        self.snapshot = None;
        if uri.ends_with("/weir.toml") {
            self.analysis.set_manifest(uri, text.as_str());
            self.manifest = Some((uri.to_owned(), text));
            return true;
        }
        let before = self.package(uri);
        self.files.insert(uri.to_owned(), text.clone());
        let parse = AssertUnwindSafe(|| {
            self.spring("parse", &text);
            self.analysis.set_file(uri, text.shared());
        });
        let parsed = catch_unwind(parse).is_ok();
        if !parsed {
            self.build();
        }
        if self.package(uri) != before {
            self.settle_library();
        }
        parsed
    }

    /// Takes a file out.
    pub(crate) fn remove(&mut self, uri: &str) {
        if self.files.remove(uri).is_some() {
            self.version += 1;
            self.snapshot = None;
            self.analysis.remove_file(uri);
            self.settle_library();
        }
    }

    /// The project as it is now. Errs when a pass panicked: then with what was found before.
    pub(crate) fn snapshot(&mut self) -> (Arc<Snapshot>, bool) {
        if let Some(snapshot) = &self.snapshot {
            return (Arc::clone(snapshot), true);
        }
        let find = AssertUnwindSafe(|| {
            for text in self.files.values().filter(|_| self.trap.is_some()) {
                self.spring("check", text);
            }
            self.analysis.found()
        });
        let found = catch_unwind(find);
        let whole = found.is_ok();
        match found {
            Ok(found) => self.last = found,
            // A session that was left in the middle cannot be gone on with.
            Err(_) => self.build(),
        }
        let documents = self.documents();
        let snapshot = Arc::new(Snapshot {
            found: Arc::clone(&self.last),
            sources: self.analysis.sources().clone(),
            ids: documents.iter().map(|(file, document)| (Arc::clone(&document.uri), *file)).collect(),
            documents,
            encoding: self.encoding,
            root: self.manifest.is_some().then(|| self.root.clone()),
            version: self.version,
            trap: self.trap,
        });
        if whole {
            self.snapshot = Some(Arc::clone(&snapshot));
        }
        (snapshot, whole)
    }

    /// The files of the session, those that have not changed as they were.
    fn documents(&mut self) -> BTreeMap<FileId, Document> {
        let mut documents = BTreeMap::new();
        for file in self.analysis.sources().ids() {
            let Some(source) = self.analysis.sources().source(file) else { continue };
            let tree = self.analysis.tree(file).cloned();
            let library = uri::library_path(&source.name).is_some();
            if library && tree.is_none() {
                continue;
            }
            let known = self.seen.remove(&file).filter(|known| match (&known.tree, &tree) {
                (Some(known), Some(tree)) => Arc::ptr_eq(known, tree),
                _ => false,
            });
            let document = known.or_else(|| {
                let text = match self.text(&source.name) {
                    Some(text) => text.clone(),
                    None if library => Text::new(Arc::clone(&source.text), self.encoding),
                    None => return None,
                };
                Some(Document { uri: source.name.as_str().into(), text, tree, read_only: library })
            });
            documents.extend(document.map(|document| (file, document)));
        }
        self.seen = documents.clone();
        documents
    }
}
