//! The project file's text to a [`Manifest`], with a place for every fault.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

use smol_str::SmolStr;
use toml::Spanned;
use toml::de::{DeTable, DeValue};
use weir_dsl::{Applicability, Code, Diagnostic, FileId, FileSpan, Span};

use super::{
    Budget, Contents, Dependency, DependencySource, EDITION, Identity, IdentitySource, Limits, Manifest,
    Profile,
};
use crate::{convert, suggest};

/// The largest project file, in bytes.
const TEXT_LIMIT: usize = 4 << 20;
/// The longest age or lateness, in milliseconds: ten years.
const DURATION_LIMIT: i64 = 10 * 365 * 86_400_000;

/// See [`Manifest::parse`].
pub(super) fn manifest(file: FileId, text: &str) -> (Manifest, Vec<Diagnostic>) {
    let mut reader = Reader { file, diagnostics: Vec::new() };
    let mut manifest = Manifest::default();
    if text.len() > TEXT_LIMIT {
        let title = format!("a project file of {} bytes; at most {TEXT_LIMIT} are read", text.len());
        reader.report(0..0, title);
        return (manifest, reader.diagnostics);
    }
    let (document, errors) = DeTable::parse_recoverable(text);
    for error in errors {
        let span = error.span().unwrap_or(0..0);
        reader.report(span, error.message().lines().next().unwrap_or("not TOML").to_owned());
    }
    let syntax = reader.diagnostics.len();
    reader.document(document.get_ref(), &mut manifest);
    if syntax > 0 {
        // What a guess at the rest says is guessed too.
        reader.diagnostics.truncate(syntax);
    }
    reader.diagnostics.sort_by_key(|found| found.primary.span.start);
    (manifest, reader.diagnostics)
}

type Entry<'a, 'i> = (&'a Spanned<std::borrow::Cow<'i, str>>, &'a Spanned<DeValue<'i>>);

struct Reader {
    file: FileId,
    diagnostics: Vec<Diagnostic>,
}

impl Reader {
    fn place(&self, span: Range<usize>) -> FileSpan {
        let at = |byte: usize| u32::try_from(byte).unwrap_or(u32::MAX);
        FileSpan { file: self.file, span: Span::new(at(span.start), at(span.end)) }
    }

    fn report(&mut self, span: Range<usize>, title: impl Into<String>) -> &mut Diagnostic {
        let at = self.diagnostics.len();
        self.diagnostics.push(Diagnostic::new(Code::BAD_PROJECT, self.place(span), title));
        #[expect(clippy::indexing_slicing, reason = "pushed in the line before")]
        &mut self.diagnostics[at]
    }

    /// Calls `each` with the entries whose key is `known`; any other is reported.
    fn entries<'a, 'i>(
        &mut self,
        table: &'a DeTable<'i>,
        place: &str,
        known: &[&str],
        mut each: impl FnMut(&mut Self, &str, Entry<'a, 'i>),
    ) {
        for (key, value) in table {
            let name = key.get_ref().as_ref();
            if known.contains(&name) {
                each(self, name, (key, value));
                continue;
            }
            let at = self.place(key.span());
            let diagnostic = self.report(key.span(), format!("unknown key `{name}` {place}"));
            match suggest::nearest(name, known.iter().copied()) {
                Some(near) => {
                    *diagnostic = diagnostic.clone().help(format!("did you mean `{near}`?")).fix(
                        format!("write `{near}`"),
                        at,
                        near,
                        Applicability::Suggested,
                    );
                }
                None => diagnostic.notes.push(match known {
                    [one] => format!("the only key is `{one}`"),
                    _ => format!("the keys are {}", known.join(", ")),
                }),
            }
        }
    }

    fn table<'a, 'i>(&mut self, value: &'a Spanned<DeValue<'i>>, what: &str) -> Option<&'a DeTable<'i>> {
        let table = value.get_ref().as_table();
        if table.is_none() {
            self.wrong(value, what);
        }
        table
    }

    fn wrong(&mut self, value: &Spanned<DeValue<'_>>, what: &str) {
        let title = format!("{} where {what} is needed", article(value.get_ref().type_str()));
        self.report(value.span(), title);
    }

    fn text<'a>(&mut self, value: &'a Spanned<DeValue<'_>>, what: &str) -> Option<&'a str> {
        let text = value.get_ref().as_str();
        if text.is_none() {
            self.wrong(value, what);
        }
        text
    }

    fn texts(&mut self, value: &Spanned<DeValue<'_>>, what: &str) -> Vec<(SmolStr, FileSpan)> {
        let Some(items) = value.get_ref().as_array() else {
            self.wrong(value, what);
            return Vec::new();
        };
        let mut texts: Vec<(SmolStr, FileSpan)> = Vec::new();
        for item in items {
            let at = self.place(item.span());
            if let Some(text) = self.text(item, "a name in quotes") {
                if texts.iter().any(|(known, _)| known == text) {
                    self.report(item.span(), format!("`{text}` twice"));
                } else {
                    texts.push((text.into(), at));
                }
            }
        }
        texts
    }

    fn duration(&mut self, value: &Spanned<DeValue<'_>>) -> Option<i64> {
        let text = self.text(value, "a duration in quotes, like \"30s\",")?;
        let ms = convert::duration(text).filter(|ms| (0..=DURATION_LIMIT).contains(ms));
        if ms.is_none() {
            let diagnostic =
                self.report(value.span(), format!("`{text}` is not a duration of at most ten years"));
            diagnostic.help = Some("write a number and `ms`, `s`, `m`, `h` or `d`: \"30s\"".to_owned());
        }
        ms
    }

    fn bytes(&mut self, value: &Spanned<DeValue<'_>>) -> Option<u64> {
        let text = self.text(value, "a size in quotes, like \"64 KB\",")?;
        let bytes = size(text);
        if bytes.is_none() {
            let diagnostic = self.report(value.span(), format!("`{text}` is not a size"));
            diagnostic.help =
                Some("write a number and `B`, `KB`, `MB`, `GB`, `KiB`, `MiB` or `GiB`".to_owned());
        }
        bytes
    }

    fn document(&mut self, document: &DeTable<'_>, manifest: &mut Manifest) {
        const KEYS: [&str; 12] = [
            "edition", "tenant", "feeds", "packages", "profiles", "identity", "lists", "tables", "models",
            "limits", "budgets", "exempt",
        ];
        let mut edition = false;
        self.entries(document, "at the top of the file", &KEYS, |reader, key, (_, value)| match key {
            "edition" => {
                edition = true;
                reader.edition(value);
            }
            "tenant" => reader.tenant(value, manifest),
            "feeds" => manifest.feeds = Some(reader.texts(value, "a list of events, each in quotes,")),
            "packages" => reader.packages(value, manifest),
            "profiles" => reader.profiles(value, manifest),
            "identity" => reader.identity(value, manifest),
            "lists" => manifest.lists = reader.contents(value, "list"),
            "tables" => manifest.tables = reader.contents(value, "table"),
            "models" => manifest.models = reader.contents(value, "model"),
            "limits" => reader.limits(value, &mut manifest.limits),
            "budgets" => reader.budgets(value, manifest),
            _ => reader.exempt(value, manifest),
        });
        if !edition {
            let diagnostic = self.report(0..0, "the edition is missing");
            let at = FileSpan { file: diagnostic.primary.file, span: Span::at(0) };
            let line = format!("edition = \"{EDITION}\"\n");
            *diagnostic = diagnostic
                .clone()
                .help(format!("begin the file with `edition = \"{EDITION}\"`"))
                .fix("add the edition", at, line, Applicability::Automatic);
        }
        self.extensions(manifest);
    }

    fn edition(&mut self, value: &Spanned<DeValue<'_>>) {
        let Some(text) = self.text(value, "the edition in quotes") else { return };
        if text != EDITION {
            let diagnostic = self.report(value.span(), format!("unknown edition `{text}`"));
            diagnostic.help = Some(format!("this build reads edition \"{EDITION}\""));
        }
    }

    fn tenant(&mut self, value: &Spanned<DeValue<'_>>, manifest: &mut Manifest) {
        let Some(text) = self.text(value, "the tenant's name in quotes") else { return };
        let plain = |letter: char| letter.is_ascii_alphanumeric() || matches!(letter, '-' | '_' | '.');
        if text.is_empty() || text.len() > 64 || !text.chars().all(plain) {
            let diagnostic = self.report(value.span(), "a tenant's name that cannot be used");
            diagnostic.help = Some("use 1 to 64 letters, digits, `-`, `_` and `.`".to_owned());
            return;
        }
        manifest.tenant = text.into();
    }

    fn packages(&mut self, value: &Spanned<DeValue<'_>>, manifest: &mut Manifest) {
        let Some(table) = self.table(value, "a table of packages") else { return };
        for (key, value) in table {
            let name = key.get_ref().as_ref();
            let at = self.place(key.span());
            let source = match value.get_ref() {
                DeValue::String(version) => {
                    if version != "1" {
                        let diagnostic = self.report(value.span(), format!("unknown version `{version}`"));
                        diagnostic.help = Some("the library built in has version \"1\"".to_owned());
                    }
                    Some(DependencySource::Library(version.as_ref().into()))
                }
                DeValue::Table(fields) => {
                    let mut path = None;
                    self.entries(fields, "of a package", &["path"], |reader, _, (_, value)| {
                        path = reader.text(value, "a folder in quotes").map(SmolStr::from);
                    });
                    if path.is_none() {
                        let diagnostic =
                            self.report(value.span(), format!("package `{name}` comes from nowhere"));
                        diagnostic.help = Some("write a version, or `{ path = \"…\" }`".to_owned());
                    }
                    path.map(DependencySource::Path)
                }
                _ => {
                    self.wrong(value, "a version or `{ path = \"…\" }`");
                    None
                }
            };
            if let Some(source) = source {
                manifest.packages.insert(name.into(), Dependency { source, at });
            }
        }
    }

    fn profiles(&mut self, value: &Spanned<DeValue<'_>>, manifest: &mut Manifest) {
        let Some(table) = self.table(value, "a table of profiles") else { return };
        for (key, value) in table {
            let mut profile = Profile { extends: None, packages: Vec::new(), at: self.place(key.span()) };
            let Some(fields) = self.table(value, "a profile") else { continue };
            self.entries(fields, "of a profile", &["extends", "packages"], |reader, field, (_, value)| {
                if field == "packages" {
                    profile.packages = reader.texts(value, "a list of packages");
                } else if let Some(base) = reader.text(value, "a profile's name in quotes") {
                    profile.extends = Some((base.into(), reader.place(value.span())));
                }
            });
            manifest.profiles.insert(key.get_ref().as_ref().into(), profile);
        }
    }

    /// Profiles that extend nothing known, and those that extend themselves.
    fn extensions(&mut self, manifest: &Manifest) {
        let mut reported: BTreeSet<&SmolStr> = BTreeSet::new();
        for (name, profile) in &manifest.profiles {
            let Some((base, at)) = &profile.extends else { continue };
            if !manifest.profiles.contains_key(base) {
                // The library's own profiles may be extended too; whoever puts the two together knows.
                continue;
            }
            let mut ring = vec![name];
            let mut next = Some(base);
            while let Some(step) = next {
                if step == name {
                    if reported.insert(name) {
                        let names: Vec<&str> =
                            ring.iter().map(|name| name.as_str()).chain([name.as_str()]).collect();
                        let title = format!("profiles extend each other: {}", names.join(" → "));
                        self.diagnostics.push(Diagnostic::new(Code::BAD_PROJECT, *at, title));
                        reported.extend(ring.iter().copied());
                    }
                    break;
                }
                if ring.contains(&step) {
                    break;
                }
                ring.push(step);
                let profile = manifest.profiles.get(step);
                next = profile.and_then(|profile| profile.extends.as_ref()).map(|(base, _)| base);
            }
        }
    }

    fn identity(&mut self, value: &Spanned<DeValue<'_>>, manifest: &mut Manifest) {
        let Some(table) = self.table(value, "a table of keys") else { return };
        for (key, value) in table {
            let at = self.place(key.span());
            let Some(text) = self.text(value, "a source in quotes, like \"cookie:sid\",") else { continue };
            let source = match text.split_once(':') {
                Some(("cookie", name)) if !name.is_empty() => Some(IdentitySource::Cookie(name.into())),
                Some(("header", name)) if !name.is_empty() => {
                    Some(IdentitySource::Header(name.to_ascii_lowercase().into()))
                }
                Some(("query", name)) if !name.is_empty() => Some(IdentitySource::Query(name.into())),
                _ => None,
            };
            match source {
                Some(source) => {
                    manifest.identity.insert(key.get_ref().as_ref().into(), Identity { source, at });
                }
                None => {
                    let diagnostic =
                        self.report(value.span(), format!("`{text}` names no part of a request"));
                    diagnostic.help =
                        Some("write \"cookie:name\", \"header:name\" or \"query:name\"".to_owned());
                }
            }
        }
    }

    fn contents(&mut self, value: &Spanned<DeValue<'_>>, kind: &str) -> BTreeMap<SmolStr, Contents> {
        let mut all = BTreeMap::new();
        let Some(table) = self.table(value, &format!("a table of {kind}s")) else { return all };
        let known: &[&str] =
            if kind == "model" { &["file", "sha256"] } else { &["file", "max_age", "sha256"] };
        for (key, value) in table {
            let at = self.place(key.span());
            let (mut file, mut max_age, mut sha256) = (None, None, None);
            let Some(fields) = self.table(value, "`{ file = \"…\" }`") else { continue };
            self.entries(fields, &format!("of a {kind}"), known, |reader, field, (_, value)| match field {
                "file" => file = reader.text(value, "a file in quotes").map(SmolStr::from),
                "max_age" => max_age = reader.duration(value),
                _ => sha256 = reader.sha256(value),
            });
            match file {
                Some(file) if !file.is_empty() => {
                    all.insert(key.get_ref().as_ref().into(), Contents { file, max_age, sha256, at });
                }
                _ => {
                    let name = key.get_ref();
                    self.report(key.span(), format!("{kind} `{name}` has no file")).help =
                        Some("write `{ file = \"…\" }`".to_owned());
                }
            }
        }
        all
    }

    fn sha256(&mut self, value: &Spanned<DeValue<'_>>) -> Option<SmolStr> {
        let text = self.text(value, "a hash in quotes")?;
        if text.len() == 64 && text.bytes().all(|digit| digit.is_ascii_hexdigit()) {
            return Some(text.to_ascii_lowercase().into());
        }
        self.report(value.span(), "not a SHA-256: 64 hexadecimal digits");
        None
    }

    fn limits(&mut self, value: &Spanned<DeValue<'_>>, limits: &mut Limits) {
        const KEYS: [&str; 5] = ["body_bytes", "skew", "lateness", "state", "keys"];
        let Some(table) = self.table(value, "a table of limits") else { return };
        self.entries(table, "of `[limits]`", &KEYS, |reader, key, (_, value)| match key {
            "body_bytes" => limits.body_bytes = reader.bytes(value).unwrap_or(limits.body_bytes),
            "skew" => limits.skew = reader.duration(value).unwrap_or(limits.skew),
            "lateness" => limits.lateness = reader.duration(value).unwrap_or(limits.lateness),
            "state" => limits.state = reader.bytes(value).unwrap_or(limits.state),
            _ => {
                let count = value.get_ref().as_integer();
                let count = count.and_then(|count| i64::from_str_radix(count.as_str(), count.radix()).ok());
                match count.and_then(|count| u64::try_from(count).ok()).filter(|count| *count > 0) {
                    Some(count) => limits.keys = count,
                    None => reader.wrong(value, "a number of keys above zero"),
                }
            }
        });
    }

    fn budgets(&mut self, value: &Spanned<DeValue<'_>>, manifest: &mut Manifest) {
        let Some(table) = self.table(value, "a table of budgets") else { return };
        for (key, value) in table {
            if let Some(bytes) = self.bytes(value) {
                let at = self.place(key.span());
                manifest.budgets.insert(key.get_ref().as_ref().into(), Budget { bytes, at });
            }
        }
    }

    fn exempt(&mut self, value: &Spanned<DeValue<'_>>, manifest: &mut Manifest) {
        let Some(table) = self.table(value, "a table of packages") else { return };
        for (key, value) in table {
            let by: SmolStr = key.get_ref().as_ref().into();
            let from = self.texts(value, "a list of packages");
            manifest.exempt_places.push((by.clone(), self.place(key.span())));
            manifest.exempt_places.extend(from.iter().cloned());
            manifest.rights.granted.entry(by).or_default().extend(from.into_iter().map(|(name, _)| name));
        }
    }
}

/// A size as written: `64 KB` is 64,000 bytes, `64 KiB` 65,536.
pub(super) fn size(text: &str) -> Option<u64> {
    let text = text.trim();
    let unit = text.find(|letter: char| letter.is_ascii_alphabetic())?;
    let (number, unit) = text.split_at_checked(unit)?;
    let scale: u64 = match unit {
        "B" => 1,
        "KB" | "kB" => 1_000,
        "MB" => 1_000_000,
        "GB" => 1_000_000_000,
        "TB" => 1_000_000_000_000,
        "KiB" => 1 << 10,
        "MiB" => 1 << 20,
        "GiB" => 1 << 30,
        "TiB" => 1 << 40,
        _ => return None,
    };
    number.trim().replace('_', "").parse::<u64>().ok()?.checked_mul(scale)
}

fn article(kind: &str) -> String {
    let vowel = kind.starts_with(['a', 'e', 'i', 'o', 'u']);
    format!("{} {kind}", if vowel { "an" } else { "a" })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes() {
        assert_eq!(size("64 KB"), Some(64_000));
        assert_eq!(size("64KiB"), Some(65_536));
        assert_eq!(size("4 GB"), Some(4_000_000_000));
        assert_eq!(size("1_000 B"), Some(1_000));
        assert_eq!(size("64"), None);
        assert_eq!(size("-1 KB"), None);
        assert_eq!(size("99999999999999999999 B"), None);
        assert_eq!(size("20000000 TB"), None);
    }
}
