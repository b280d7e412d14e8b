//! Parameters and errors of the protocol.

use gen_lsp_types::{Position, Range};
use lsp_server::{ErrorCode, ResponseError};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use weir_dsl::{FileId, FileSpan, Span};

use crate::project::{Document, Snapshot};

/// What a request comes to.
pub(crate) type Answer = Result<Value, ResponseError>;

/// Reads parameters.
pub(crate) fn params<T: DeserializeOwned>(value: Value) -> Result<T, ResponseError> {
    serde_json::from_value(value).map_err(|error| error_of(ErrorCode::InvalidParams, error.to_string()))
}

pub(crate) fn error_of(code: ErrorCode, message: impl Into<String>) -> ResponseError {
    ResponseError { code: code as i32, message: message.into(), data: None }
}

/// `{ "uri": … }`
#[derive(Debug, Deserialize)]
pub(crate) struct Named {
    pub(crate) uri: String,
}

/// The parameters of most requests: a document, and perhaps a place in it.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct In {
    pub(crate) text_document: Named,
    #[serde(default)]
    pub(crate) position: Option<Position>,
    #[serde(default)]
    pub(crate) range: Option<Range>,
}

/// A file of a snapshot with a place in it.
pub(crate) struct Here<'a> {
    pub(crate) world: &'a Snapshot,
    pub(crate) file: FileId,
    pub(crate) document: &'a Document,
    /// The place asked about; 0 where none was.
    pub(crate) at: u32,
    /// The range asked about; the whole text where none was.
    pub(crate) span: Span,
}

impl<'a> Here<'a> {
    /// The place that parameters name; nothing when the file is not known.
    pub(crate) fn of(world: &'a Snapshot, asked: &In) -> Option<Self> {
        let (file, document) = world.file(&crate::uri::canonical(&asked.text_document.uri))?;
        let at = asked.position.map_or(0, |position| document.text.offset(position));
        let span = match asked.range {
            Some(range) => document.text.span(range),
            None => Span::new(0, document.text.as_str().len() as u32),
        };
        Some(Self { world, file, document, at, span })
    }

    pub(crate) fn range(&self, span: Span) -> Value {
        range(self.document, span)
    }
}

/// A range of a document.
pub(crate) fn range(document: &Document, span: Span) -> Value {
    json!(document.text.range(span))
}

/// A place of some file; nothing when it is not part of the snapshot.
pub(crate) fn location(world: &Snapshot, at: FileSpan) -> Option<Value> {
    let document = world.documents.get(&at.file)?;
    Some(json!({ "uri": &*document.uri, "range": range(document, at.span) }))
}

/// Edits by file, as a `WorkspaceEdit`.
pub(crate) fn workspace_edit<'e>(
    world: &Snapshot,
    edits: impl IntoIterator<Item = &'e weir_dsl::Edit>,
) -> Value {
    let mut changes = serde_json::Map::new();
    for edit in edits {
        let Some(document) = world.documents.get(&edit.file) else { continue };
        let entry = changes.entry(document.uri.to_string()).or_insert_with(|| json!([]));
        if let Some(list) = entry.as_array_mut() {
            list.push(json!({ "range": range(document, edit.span), "newText": edit.text }));
        }
    }
    json!({ "changes": changes })
}
