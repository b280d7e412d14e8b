//! Contents of lists, tables and schedules: found in the project or in the library, read, and loaded.

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::ffi::OsString;
use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use weir_compiler::calendar;
use weir_compiler::data::{BadLine, Data, ListData, TableData};
use weir_compiler::hir::{Action, ExprKind, Hir, Named, Source, Spared};
use weir_compiler::ids::{ListId, ScheduleId, TableId};
use weir_compiler::project::{Contents, Manifest};
use weir_compiler::show;
use weir_compiler::types::Type;
use weir_dsl::{Code, Diagnostic};

/// What a rule set asks of files.
#[derive(Default)]
struct Asked {
    lists: BTreeSet<ListId>,
    tables: BTreeSet<TableId>,
    schedules: BTreeSet<ScheduleId>,
}

impl Asked {
    fn by(hir: &Hir) -> Self {
        let mut asked = Self::default();
        for expr in hir.exprs.values() {
            match &expr.kind {
                ExprKind::InList(_, list) => _ = asked.lists.insert(*list),
                ExprKind::Lookup(table, _) => _ = asked.tables.insert(*table),
                ExprKind::ScheduleActive(schedule) => _ = asked.schedules.insert(*schedule),
                _ => {}
            }
        }
        for action in hir.rules.values().flat_map(|rule| rule.then.iter().chain(&rule.if_unknown)) {
            if let Action::Verdict(verdict) = action {
                asked.lists.extend(verdict.sparing.iter().filter_map(|spared| match spared {
                    Spared::InList(_, list) => Some(*list),
                    _ => None,
                }));
            }
        }
        asked
    }
}

/// The names of the files that may be loaded for a rule set, without their folders.
pub(crate) fn names(manifest: &Manifest, hir: &Hir) -> BTreeSet<OsString> {
    let declarations = &hir.declarations;
    let lists = declarations.lists.values().filter_map(|list| match &list.source {
        Source::File(file) => Some(&**file),
        Source::Values(_) => None,
    });
    let files = lists
        .chain(declarations.tables.values().map(|table| &*table.file))
        .chain(declarations.schedules.values().map(|schedule| &*schedule.file))
        .chain(declarations.models.values().map(|model| &*model.file))
        .map(Path::new);
    let named = manifest
        .lists
        .values()
        .chain(manifest.tables.values())
        .chain(manifest.models.values())
        .map(|contents| Path::new(contents.file.as_str()));
    files.chain(named).filter_map(|file| Some(file.file_name()?.to_owned())).collect()
}

/// Loads what `hir` asks: a file that `weir.toml` names or the declaration does, in the project, else in the library.
/// What cannot be read or used is said at the declaration.
pub(crate) fn load(manifest: &Manifest, hir: &Hir, root: Option<&Path>) -> (Data, Vec<Diagnostic>) {
    let asked = Asked::by(hir);
    let declarations = &hir.declarations;
    let mut loader = Loader { root, data: Data::default(), diagnostics: Vec::new() };
    for id in asked.lists {
        let Some(list) = declarations.lists.get(id) else { continue };
        if list.member == Type::Error {
            continue; // said where it is declared
        }
        let contents = match &list.source {
            Source::Values(values) => {
                let mut contents = ListData::empty(&list.member);
                values.iter().for_each(|value| contents.insert(value));
                contents
            }
            Source::File(file) => {
                let named = manifest.lists.get(&list.named.name);
                let Some(text) = loader.text(&list.named, "list", file, named) else { continue };
                let (contents, bad) = ListData::parse(&text, &list.member);
                loader.bad(&list.named, "list", &bad);
                contents
            }
        };
        loader.data.set_list(id, Arc::new(contents));
    }
    for id in asked.tables {
        let Some(table) = declarations.tables.get(id) else { continue };
        if table.key == Type::Error || table.value == Type::Error {
            continue;
        }
        let named = manifest.tables.get(&table.named.name);
        let Some(text) = loader.text(&table.named, "table", &table.file, named) else { continue };
        let (contents, bad) = TableData::parse(&text, &table.key, &table.value);
        loader.bad(&table.named, "table", &bad);
        loader.data.set_table(id, Arc::new(contents));
    }
    for id in asked.schedules {
        let Some(schedule) = declarations.schedules.get(id) else { continue };
        let Some(text) = loader.text(&schedule.named, "schedule", &schedule.file, None) else { continue };
        let (contents, bad) = calendar::parse(&text);
        loader.bad(&schedule.named, "schedule", &bad);
        loader.data.set_schedule(id, Arc::new(contents));
    }
    (loader.data, loader.diagnostics)
}

struct Loader<'a> {
    root: Option<&'a Path>,
    data: Data,
    diagnostics: Vec<Diagnostic>,
}

impl Loader<'_> {
    fn text(
        &mut self,
        named: &Named,
        kind: &str,
        declared: &str,
        contents: Option<&Contents>,
    ) -> Option<Cow<'static, str>> {
        let file = contents.map_or(declared, |contents| contents.file.as_str());
        if !is_inside(file) {
            let title = format!("the file of {kind} `{}` is outside the project: `{file}`", named.name);
            self.diagnostics.push(Diagnostic::new(Code::MISSING_FILE, named.at, title));
            return None;
        }
        let on_disk = self.root.map(|root| root.join(file)).filter(|path| path.is_file());
        if let Some(path) = on_disk {
            self.stale(named, kind, &path, contents);
            return match crate::load::read(&path) {
                Ok(bytes) => Some(Cow::Owned(String::from_utf8_lossy(&bytes).into_owned())),
                Err(_) => {
                    let title =
                        format!("cannot read `{}`, the file of {kind} `{}`", path.display(), named.name);
                    self.diagnostics.push(Diagnostic::new(Code::MISSING_FILE, named.at, title));
                    None
                }
            };
        }
        if let Some(text) = weir_stdlib::read(file).and_then(|bytes| std::str::from_utf8(bytes).ok()) {
            return Some(Cow::Borrowed(text));
        }
        let title = format!("there is no `{file}`, the file of {kind} `{}`", named.name);
        let help = match self.root {
            Some(root) => {
                format!("put it at `{}`, or name another in `weir.toml`", root.join(file).display())
            }
            None => "files stand in a project: a folder with a `weir.toml`".to_owned(),
        };
        self.diagnostics
            .push(Diagnostic::new(Code::MISSING_FILE, named.at, title).label("declared here").help(help));
        None
    }

    fn stale(&mut self, named: &Named, kind: &str, path: &Path, contents: Option<&Contents>) {
        let Some(max_age) = contents.and_then(|contents| contents.max_age) else { return };
        let age = fs::metadata(path)
            .and_then(|metadata| metadata.modified())
            .ok()
            .and_then(|modified| SystemTime::now().duration_since(modified).ok());
        let Some(age) = age.filter(|age| *age > Duration::from_millis(max_age.unsigned_abs())) else {
            return;
        };
        let age = show::duration(i64::try_from(age.as_millis()).unwrap_or(i64::MAX));
        let title =
            format!("{kind} `{}` is {age} old; at most {} is allowed", named.name, show::duration(max_age));
        self.diagnostics.push(
            Diagnostic::new(Code::STALE_LIST, named.at, title)
                .note(format!("it is read from `{}`", path.display())),
        );
    }

    fn bad(&mut self, named: &Named, kind: &str, bad: &[BadLine]) {
        let Some(first) = bad.first() else { return };
        let title = match bad.len() {
            1 => format!("{kind} `{}` has a line that cannot be used", named.name),
            many => format!("{kind} `{}` has {many} lines that cannot be used", named.name),
        };
        let mut diagnostic = Diagnostic::new(Code::BAD_LIST, named.at, title)
            .label(format!("line {}: {}", first.line, first.reason));
        for bad in bad.iter().skip(1).take(2) {
            diagnostic = diagnostic.note(format!("line {}: {}", bad.line, bad.reason));
        }
        self.diagnostics.push(diagnostic);
    }
}

/// A relative path that never leaves the folder it is relative to.
pub(crate) fn is_inside(file: &str) -> bool {
    use std::path::Component;
    Path::new(file).components().all(|part| matches!(part, Component::Normal(_) | Component::CurDir))
}
