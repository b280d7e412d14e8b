//! Diagnostics on their way to the client.
//!
//! Two lanes. The first is the session's own findings, after every change: equal to what a fresh session finds in the same
//! texts. The second is what only shows in the whole (budgets, contents of lists, rules that nothing wakes), when the typing
//! has paused; until it comes, what it said before stands.

use std::hash::{DefaultHasher, Hash as _, Hasher as _};

use serde_json::{Value, json};
use weir_dsl::{Code, Diagnostic, FileId, Severity};

use crate::project::{Document, Snapshot};
use crate::protocol::{location, range};
use crate::uri;

/// All that is to be said of a file, in order of place.
pub(crate) fn of_file<'a>(world: &'a Snapshot, whole: &'a [Diagnostic], file: FileId) -> Vec<&'a Diagnostic> {
    let mut all: Vec<&Diagnostic> = world.diagnostics(file).collect();
    let extra = whole.iter().filter(|found| found.primary.file == file);
    all.extend(extra.filter(|found| !world.diagnostics(file).any(|known| known == *found)));
    all.sort_by_key(|found| (found.primary.span.start, found.primary.span.end, found.code));
    all
}

/// The same as the protocol has it.
pub(crate) fn listed(world: &Snapshot, whole: &[Diagnostic], file: FileId) -> Vec<Value> {
    let Some(document) = world.documents.get(&file) else { return Vec::new() };
    of_file(world, whole, file).into_iter().map(|found| shown(world, document, found)).collect()
}

/// A diagnostic as the protocol has it.
pub(crate) fn shown(world: &Snapshot, document: &Document, found: &Diagnostic) -> Value {
    let mut message = found.title.clone();
    for line in found
        .notes
        .iter()
        .map(|note| format!("note: {note}"))
        .chain(found.help.iter().map(|help| format!("help: {help}")))
    {
        message.push('\n');
        message.push_str(&line);
    }
    let mut value = json!({
        "range": range(document, found.primary.span),
        "severity": match found.severity { Severity::Error => 1, Severity::Warning => 2, Severity::Note => 3 },
        "code": found.code.to_string(),
        "codeDescription": { "href": page_uri(found.code) },
        "source": "weir",
        "message": message,
    });
    let Some(object) = value.as_object_mut() else { return value };
    let also: Vec<Value> = found
        .secondary
        .iter()
        .filter_map(|label| {
            let at = weir_dsl::FileSpan { file: label.file, span: label.span };
            Some(json!({ "location": location(world, at)?, "message": label.text }))
        })
        .collect();
    if !also.is_empty() {
        object.insert("relatedInformation".into(), also.into());
    }
    if matches!(
        found.code,
        Code::UNUSED_IMPORT | Code::UNUSED_SIGNAL | Code::UNUSED_DECLARATION | Code::UNREACHABLE
    ) {
        object.insert("tags".into(), json!([1]));
    }
    value
}

/// Where the page of a code is read.
pub(crate) fn page_uri(code: Code) -> String {
    uri::of_library(&format!("diagnostics/{code}.md"))
}

/// A name for a list of diagnostics: equal lists have equal names.
pub(crate) fn result_id(listed: &[Value]) -> String {
    let mut hasher = DefaultHasher::new();
    for value in listed {
        value.to_string().hash(&mut hasher);
    }
    format!("{:016x}", hasher.finish())
}
