//! Files from disk, and the standard library beside them, into an analysis session.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use smol_str::SmolStr;
use weir_compiler::analysis::Analysis;
use weir_compiler::project::Manifest;
use weir_dsl::{Diagnostic, FileId, Severity, Sources, render};

use crate::ui::{Failure, Ui};

/// The largest policy or project file read, in bytes. A larger one cannot be a policy.
const MAX_FILE: u64 = 64 << 20;

/// A policy file on disk.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct PolicyFile {
    /// Where it is.
    pub(crate) path: PathBuf,
    /// Its bytes; the parser says what is wrong with those that are not text.
    pub(crate) bytes: Vec<u8>,
}

/// What becomes of projects inside the folders that are searched.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Inner {
    /// Their files count like any other.
    Searched,
    /// They are left alone: the packages of two projects may share a name.
    LeftAlone,
}

/// The policy files that `paths` name: files as they are, folders searched for `*.weir`; hidden files and
/// folders and `target` left out. Sorted, each once.
pub(crate) fn policy_files(paths: &[PathBuf], inner: Inner) -> Result<Vec<PolicyFile>, Failure> {
    let mut search = Search::new(inner);
    for path in paths {
        if path.as_os_str() == "-" {
            return Err(Failure::with_help(
                "`-` is no policy file here",
                "only `weir fmt -` reads a policy from standard input; a file called `-` is `./-`",
            ));
        }
        let kind = fs::metadata(path).map_err(|error| Failure::file("read", path, &error))?;
        if kind.is_dir() {
            search.folder(path, 0)?;
        } else {
            search.found.push(path.clone());
        }
    }
    let Search { mut found, projects, .. } = search;
    found.sort();
    found.dedup();
    if found.is_empty() {
        let listed = |paths: &[PathBuf]| {
            paths.iter().map(|path| format!("`{}`", path.display())).collect::<Vec<_>>().join(", ")
        };
        let help = if projects.is_empty() {
            "`weir init DIR` makes a project with a first policy".to_owned()
        } else {
            format!("there are projects further in; name one: {}", listed(&projects))
        };
        return Err(Failure::with_help(format!("no `.weir` file in {}", listed(paths)), help));
    }
    found.into_iter().map(|path| read(&path).map(|bytes| PolicyFile { path, bytes })).collect()
}

/// A search for policy files.
pub(crate) struct Search {
    inner: Inner,
    pub(crate) found: Vec<PathBuf>,
    /// Projects left alone.
    pub(crate) projects: Vec<PathBuf>,
}

impl Search {
    pub(crate) fn new(inner: Inner) -> Self {
        Self { inner, found: Vec::new(), projects: Vec::new() }
    }

    pub(crate) fn folder(&mut self, dir: &Path, depth: usize) -> Result<(), Failure> {
        const MAX_DEPTH: usize = 32;
        if depth > MAX_DEPTH {
            return Ok(());
        }
        if depth > 0 && self.inner == Inner::LeftAlone && dir.join("weir.toml").is_file() {
            self.projects.push(dir.to_path_buf());
            return Ok(());
        }
        let entries = fs::read_dir(dir).map_err(|error| Failure::file("read", dir, &error))?;
        for entry in entries {
            let entry = entry.map_err(|error| Failure::file("read", dir, &error))?;
            let path = entry.path();
            let name = entry.file_name();
            let name = name.to_string_lossy();
            // Editors leave hidden files and links beside what they edit.
            if name.starts_with('.') {
                continue;
            }
            // Links are not followed into folders: a loop would never end.
            let kind = entry.file_type().map_err(|error| Failure::file("read", &path, &error))?;
            if kind.is_dir() {
                if name != "target" && name != "node_modules" {
                    self.folder(&path, depth + 1)?;
                }
            } else if name.ends_with(".weir") {
                self.found.push(path);
            }
        }
        Ok(())
    }
}

/// A file's bytes, unless it is too large to be a policy or a list.
pub(crate) fn read(path: &Path) -> Result<Vec<u8>, Failure> {
    let size = fs::metadata(path).map_err(|error| Failure::file("read", path, &error))?.len();
    if size > MAX_FILE {
        return Err(Failure::new(format!(
            "`{}` has {size} bytes; at most {MAX_FILE} are read",
            path.display()
        )));
    }
    fs::read(path).map_err(|error| Failure::file("read", path, &error))
}

/// The nearest folder at or above `path` that holds a `weir.toml`; relative where it is at or below the current
/// folder, as people name it.
pub(crate) fn project_root(path: &Path) -> Option<PathBuf> {
    let absolute = fs::canonicalize(path).ok()?;
    let start = if absolute.is_dir() { absolute.as_path() } else { absolute.parent()? };
    let root = start.ancestors().find(|dir| dir.join("weir.toml").is_file())?;
    let here = std::env::current_dir().and_then(fs::canonicalize).ok();
    match here.and_then(|here| root.strip_prefix(here).ok()) {
        Some(inside) if inside.as_os_str().is_empty() => Some(PathBuf::from(".")),
        Some(inside) => Some(inside.to_path_buf()),
        None => Some(root.to_path_buf()),
    }
}

/// Files as they are on disk.
#[derive(Debug, Default)]
pub(crate) struct Files {
    /// Those asked for.
    pub(crate) asked: Vec<PolicyFile>,
    /// The rest of their project.
    pub(crate) others: Vec<PolicyFile>,
    /// The project's root, if there is a project.
    pub(crate) root: Option<PathBuf>,
    /// Name and text of the project file.
    pub(crate) manifest: Option<(String, String)>,
}

impl Files {
    /// Reads the files that `paths` name, and the rest of the project they belong to.
    pub(crate) fn read(paths: &[PathBuf]) -> Result<Self, Failure> {
        let asked = policy_files(paths, Inner::LeftAlone)?;
        let roots: BTreeSet<PathBuf> = paths.iter().filter_map(|path| project_root(path)).collect();
        if roots.len() > 1 {
            let roots: Vec<String> = roots.iter().map(|root| format!("`{}`", root.display())).collect();
            return Err(Failure::with_help(
                format!("files of {} projects: {}", roots.len(), roots.join(", ")),
                "name one project at a time",
            ));
        }
        let mut files = Self { asked, root: roots.into_iter().next(), ..Self::default() };
        if let Some(root) = &files.root {
            let known: BTreeSet<PathBuf> =
                files.asked.iter().filter_map(|file| fs::canonicalize(&file.path).ok()).collect();
            let manifest = root.join("weir.toml");
            let text = String::from_utf8_lossy(&read(&manifest)?).into_owned();
            files.manifest = Some((manifest.display().to_string(), text));
            let mut search = Search::new(Inner::LeftAlone);
            search.folder(root, 0)?;
            search.found.sort();
            for path in search.found {
                if fs::canonicalize(&path).is_ok_and(|path| !known.contains(&path)) {
                    let bytes = read(&path)?;
                    files.others.push(PolicyFile { path, bytes });
                }
            }
        }
        Ok(files)
    }
}

/// Files in an analysis session: those asked for, the rest of their project, and the standard library.
pub(crate) struct Session {
    /// The session.
    pub(crate) analysis: Analysis,
    /// The files asked for, with their paths.
    pub(crate) asked: Vec<(FileId, PathBuf)>,
    /// The project's root, if there is a project.
    pub(crate) root: Option<PathBuf>,
    /// The policy files on disk, by their real paths, with what they are called here.
    files: BTreeMap<PathBuf, String>,
}

impl Session {
    fn of(root: Option<PathBuf>) -> Self {
        Self { analysis: Analysis::new(), asked: Vec::new(), root, files: BTreeMap::new() }
    }

    /// The standard library alone.
    pub(crate) fn library() -> Self {
        let mut session = Self::of(None);
        session.add_library(&BTreeSet::new());
        session
    }

    /// The files that `paths` name, the rest of the project they belong to, and what of the standard library
    /// they do not declare themselves.
    pub(crate) fn open(paths: &[PathBuf]) -> Result<Self, Failure> {
        Ok(Self::of_files(Files::read(paths)?))
    }

    /// The same over files that have been read.
    pub(crate) fn of_files(files: Files) -> Self {
        let Files { asked, others, root, manifest } = files;
        let mut session = Self::of(root);
        let mut packages = BTreeSet::new();
        for file in asked {
            let id = session.add(&file, &mut packages);
            session.asked.push((id, file.path));
        }
        if let Some((name, text)) = manifest {
            session.analysis.set_manifest(&name, &text);
        }
        for file in others {
            session.add(&file, &mut packages);
        }
        session.add_library(&packages);
        session
    }

    fn add(&mut self, file: &PolicyFile, packages: &mut BTreeSet<SmolStr>) -> FileId {
        let name = file.path.display().to_string();
        let id = self.analysis.set_bytes(&name, &file.bytes);
        self.files.extend(fs::canonicalize(&file.path).map(|path| (path, name)));
        let package = self.analysis.tree(id).and_then(|tree| tree.package.as_ref());
        packages.extend(package.map(|name| name.text.clone()));
        id
    }

    /// Reads policy files again that have changed. False when something else has than their texts (files that came or went, the
    /// project file, the package of a file): then the session is to be opened anew.
    pub(crate) fn refresh(&mut self, changed: &[PathBuf]) -> Result<bool, Failure> {
        let package = |session: &Self, id: FileId| {
            let tree = session.analysis.tree(id)?;
            tree.package.as_ref().map(|name| name.text.clone())
        };
        for path in changed {
            let is_policy = path.extension().is_some_and(|extension| extension == "weir");
            let name = fs::canonicalize(path).ok().and_then(|path| self.files.get(&path).cloned());
            let Some(name) = name.filter(|_| is_policy) else {
                // Lists and tables are read each time.
                if is_policy || path.file_name().is_some_and(|name| name == "weir.toml") {
                    return Ok(false);
                }
                continue;
            };
            let before = self.analysis.file(&name).and_then(|id| package(self, id));
            let id = self.analysis.set_bytes(&name, &read(path)?);
            if package(self, id) != before {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// Adds the library's packages but those in `taken`: a project may bring its own of the same name, and the
    /// library itself is checked this way.
    fn add_library(&mut self, taken: &BTreeSet<SmolStr>) {
        for file in weir_stdlib::policies() {
            let name = format!("{}{}", weir_stdlib::PREFIX, file.path);
            let id = self.analysis.set_file(&name, file.text);
            let package = self.analysis.tree(id).and_then(|tree| tree.package.as_ref());
            if package.is_some_and(|package| taken.contains(&package.text)) {
                self.analysis.remove_file(&name);
            }
        }
        let (base, _) = Manifest::parse(FileId::default(), weir_stdlib::MANIFEST);
        self.analysis.set_base(base);
    }

    /// What is wrong with the files asked for and with the project file, in order; and how many errors there
    /// are elsewhere.
    pub(crate) fn findings(&mut self) -> (Vec<Diagnostic>, usize) {
        let asked: BTreeSet<FileId> = self.asked.iter().map(|(file, _)| *file).collect();
        let diagnostics = self.analysis.diagnostics();
        let sources = self.analysis.sources();
        let is_asked = |diagnostic: &Diagnostic| {
            let file = diagnostic.primary.file;
            asked.contains(&file) || sources.name(file).ends_with(".toml")
        };
        let (mut here, elsewhere): (Vec<_>, Vec<_>) = diagnostics.into_iter().partition(is_asked);
        render::sort(&mut here, sources);
        (here, render::Counts::of(&elsewhere).errors)
    }
}

/// The errors among `diagnostics`.
pub(crate) fn errors(diagnostics: &[Diagnostic]) -> Vec<Diagnostic> {
    diagnostics.iter().filter(|diagnostic| diagnostic.severity == Severity::Error).cloned().collect()
}

/// Shows errors as talk, and their number: nothing runs on a faulty rule set.
pub(crate) fn tell_errors(errors: &[Diagnostic], sources: &Sources, ui: &mut Ui) {
    ui.tell(render::human(errors, sources, ui.is_talk_colored()));
    ui.say(render::summary(errors));
}
