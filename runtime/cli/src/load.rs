//! Files from disk, and the standard library beside them, into an analysis session.

use std::fs;
use std::path::{Path, PathBuf};

use crate::ui::Failure;

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

/// The policy files that `paths` name: files as they are, folders searched for `*.weir`, hidden folders and
/// `target` left out. Sorted, each once.
pub(crate) fn policy_files(paths: &[PathBuf]) -> Result<Vec<PolicyFile>, Failure> {
    let mut found = Vec::new();
    for path in paths {
        let kind = fs::metadata(path).map_err(|error| Failure::file("read", path, &error))?;
        if kind.is_dir() {
            search(path, &mut found, 0)?;
        } else {
            found.push(path.clone());
        }
    }
    found.sort();
    found.dedup();
    if found.is_empty() {
        let names: Vec<String> = paths.iter().map(|path| format!("`{}`", path.display())).collect();
        return Err(Failure::with_help(
            format!("no `.weir` file in {}", names.join(", ")),
            "`weir init DIR` makes a project with a first policy",
        ));
    }
    found.into_iter().map(|path| read(&path).map(|bytes| PolicyFile { path, bytes })).collect()
}

fn search(dir: &Path, found: &mut Vec<PathBuf>, depth: usize) -> Result<(), Failure> {
    const MAX_DEPTH: usize = 32;
    if depth > MAX_DEPTH {
        return Ok(());
    }
    let entries = fs::read_dir(dir).map_err(|error| Failure::file("read", dir, &error))?;
    for entry in entries {
        let entry = entry.map_err(|error| Failure::file("read", dir, &error))?;
        let path = entry.path();
        let name = entry.file_name();
        let name = name.to_string_lossy();
        // Links are not followed into folders: a loop would never end.
        let kind = entry.file_type().map_err(|error| Failure::file("read", &path, &error))?;
        if kind.is_dir() {
            if !name.starts_with('.') && name != "target" && name != "node_modules" {
                search(&path, found, depth + 1)?;
            }
        } else if name.ends_with(".weir") {
            found.push(path);
        }
    }
    Ok(())
}

/// A file's bytes, unless it is too large to be a policy or a list.
pub(crate) fn read(path: &Path) -> Result<Vec<u8>, Failure> {
    let size = fs::metadata(path).map_err(|error| Failure::file("read", path, &error))?.len();
    if size > MAX_FILE {
        return Err(Failure::new(format!("`{}` has {size} bytes; at most {MAX_FILE} are read", path.display())));
    }
    fs::read(path).map_err(|error| Failure::file("read", path, &error))
}

/// The nearest folder at or above `path` that holds a `weir.toml`.
pub(crate) fn project_root(path: &Path) -> Option<PathBuf> {
    let absolute = fs::canonicalize(path).ok()?;
    let start = if absolute.is_dir() { absolute.as_path() } else { absolute.parent()? };
    start.ancestors().find(|dir| dir.join("weir.toml").is_file()).map(Path::to_path_buf)
}
