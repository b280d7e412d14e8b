//! The Weir standard library: policies, schemas, lists and project templates, embedded.
//!
//! The files stand beside this crate as an author would write them: `std/`, `web/`, `account/`, `api/` and the other folders of
//! `PACKAGES` hold policies with their tests, `lists/`, `tables/`, `calendars/` and `decoys/` what those ask,
//! `weir.toml` the profiles. This crate only carries them into the binary.

use include_dir::{Dir, include_dir};

static PACKAGES: [(&str, Dir<'static>); 18] = [
    ("account", include_dir!("$CARGO_MANIFEST_DIR/account")),
    ("api", include_dir!("$CARGO_MANIFEST_DIR/api")),
    ("bank", include_dir!("$CARGO_MANIFEST_DIR/bank")),
    ("content", include_dir!("$CARGO_MANIFEST_DIR/content")),
    ("crawlers", include_dir!("$CARGO_MANIFEST_DIR/crawlers")),
    ("finance", include_dir!("$CARGO_MANIFEST_DIR/finance")),
    ("gaming", include_dir!("$CARGO_MANIFEST_DIR/gaming")),
    ("health", include_dir!("$CARGO_MANIFEST_DIR/health")),
    ("infra", include_dir!("$CARGO_MANIFEST_DIR/infra")),
    ("market", include_dir!("$CARGO_MANIFEST_DIR/market")),
    ("media", include_dir!("$CARGO_MANIFEST_DIR/media")),
    ("payments", include_dir!("$CARGO_MANIFEST_DIR/payments")),
    ("retail", include_dir!("$CARGO_MANIFEST_DIR/retail")),
    ("std", include_dir!("$CARGO_MANIFEST_DIR/std")),
    ("telco", include_dir!("$CARGO_MANIFEST_DIR/telco")),
    ("tickets", include_dir!("$CARGO_MANIFEST_DIR/tickets")),
    ("travel", include_dir!("$CARGO_MANIFEST_DIR/travel")),
    ("web", include_dir!("$CARGO_MANIFEST_DIR/web")),
];

static CONTENTS: [(&str, Dir<'static>); 4] = [
    ("lists", include_dir!("$CARGO_MANIFEST_DIR/lists")),
    ("tables", include_dir!("$CARGO_MANIFEST_DIR/tables")),
    ("calendars", include_dir!("$CARGO_MANIFEST_DIR/calendars")),
    ("decoys", include_dir!("$CARGO_MANIFEST_DIR/decoys")),
];

static TEMPLATES: Dir<'static> = include_dir!("$CARGO_MANIFEST_DIR/templates");

/// What stands before the path of an embedded file in diagnostics.
pub const PREFIX: &str = "library:";

/// The library's own project file.
pub const MANIFEST: &str = include_str!("../weir.toml");

/// An embedded file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct File {
    /// Its path from the library's root, with `/`.
    pub path: String,
    /// Its text.
    pub text: &'static str,
}

/// Every policy file, sorted by path.
pub fn policies() -> Vec<File> {
    let mut files = Vec::new();
    for (root, dir) in &PACKAGES {
        collect(root, dir, &mut files);
    }
    files.retain(|file| file.path.ends_with(".weir"));
    files.sort_by(|a, b| a.path.cmp(&b.path));
    files
}

/// The contents of a list, table, calendar or decoy, by its path from the library's root.
pub fn read(path: &str) -> Option<&'static [u8]> {
    let (root, rest) = path.split_once('/')?;
    let (_, dir) = CONTENTS.iter().find(|(name, _)| *name == root)?;
    dir.get_file(rest).map(include_dir::File::contents)
}

/// The names of the project templates, sorted.
pub fn templates() -> Vec<String> {
    let mut names: Vec<String> =
        TEMPLATES.dirs().map(|dir| dir.path().to_string_lossy().into_owned()).collect();
    names.sort();
    names
}

/// The files of a template, by path from the new project's root; empty when there is no such template.
pub fn template(name: &str) -> Vec<File> {
    let mut files = Vec::new();
    if let Some(dir) = TEMPLATES.get_dir(name) {
        collect("", dir, &mut files);
    }
    for file in &mut files {
        if let Some(rest) = file.path.strip_prefix(&format!("{name}/")) {
            file.path = rest.to_owned();
        }
    }
    files.sort_by(|a, b| a.path.cmp(&b.path));
    files
}

fn collect(root: &str, dir: &Dir<'static>, files: &mut Vec<File>) {
    for file in dir.files() {
        if let Some(text) = file.contents_utf8() {
            let path = file.path().to_string_lossy().replace('\\', "/");
            files.push(File { path: if root.is_empty() { path } else { format!("{root}/{path}") }, text });
        }
    }
    for inner in dir.dirs() {
        collect(root, inner, files);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn policies_and_contents_are_embedded() {
        let policies = policies();
        assert!(policies.iter().any(|file| file.path == "std/events.weir"));
        assert!(policies.iter().any(|file| file.path == "web/logins.weir"));
        assert!(read("lists/search_engines.csv").is_some());
        assert!(read("lists/../Cargo.toml").is_none());
    }

    #[test]
    fn templates_are_projects() {
        assert!(templates().contains(&"default".to_owned()));
        for name in templates() {
            let files = template(&name);
            assert!(files.iter().any(|file| file.path == "weir.toml"), "{name}: {files:?}");
            assert!(files.iter().any(|file| file.path.ends_with(".weir")), "{name}: {files:?}");
        }
    }
}
