//! What a client can ask for: each method, its answer from a snapshot, and what it is answered when it fails.

use std::collections::BTreeMap;
use std::sync::Arc;

use lsp_server::ErrorCode;
use serde_json::{Value, json};
use weir_dsl::Diagnostic;

use crate::host::Host;
use crate::project::Snapshot;
use crate::protocol::{Answer, Here, In, error_of, params};
use crate::text::Encoding;
use crate::{uri, words};

mod actions;
mod calls;
mod complete;
mod describe;
mod diagnose;
mod files;
mod format;
mod hints;
mod hover;
mod navigate;
mod rename;
mod shape;
mod signature;
mod symbols;
pub(crate) mod tokens;

/// A request with all it may look at.
pub(crate) struct Request {
    /// The projects it is about, with their roots: that of the document, or all.
    pub(crate) worlds: Vec<(Arc<Snapshot>, String)>,
    /// What shows in the whole, by project.
    pub(crate) whole: BTreeMap<String, Arc<Vec<Diagnostic>>>,
    pub(crate) host: Arc<dyn Host>,
    pub(crate) tokens: tokens::Remembered,
}

impl Request {
    /// What shows in the whole of a project.
    fn beside(&self, root: &str) -> &[Diagnostic] {
        self.whole.get(root).map_or(&[], |found| found.as_slice())
    }

    /// Answers for a place in a document, and with nothing when no project holds it.
    fn here(&self, value: Value, answer: impl FnOnce(&Here<'_>) -> Value) -> Answer {
        let asked: In = params(value)?;
        let here = self.worlds.iter().find_map(|(world, _)| Here::of(world, &asked));
        Ok(here.map_or(Value::Null, |here| {
            if let Some(trap) = here.world.trap {
                trap("read", here.document.text.as_str());
            }
            answer(&here)
        }))
    }
}

const METHODS: &[&str] = &[
    "textDocument/hover",
    "textDocument/definition",
    "textDocument/declaration",
    "textDocument/typeDefinition",
    "textDocument/references",
    "textDocument/documentHighlight",
    "textDocument/documentSymbol",
    "workspace/symbol",
    "textDocument/prepareRename",
    "textDocument/rename",
    "textDocument/completion",
    "completionItem/resolve",
    "textDocument/signatureHelp",
    "textDocument/formatting",
    "textDocument/rangeFormatting",
    "textDocument/onTypeFormatting",
    "textDocument/codeAction",
    "textDocument/foldingRange",
    "textDocument/selectionRange",
    "textDocument/semanticTokens/full",
    "textDocument/semanticTokens/full/delta",
    "textDocument/semanticTokens/range",
    "textDocument/inlayHint",
    "textDocument/codeLens",
    "textDocument/documentLink",
    "textDocument/prepareCallHierarchy",
    "callHierarchy/incomingCalls",
    "callHierarchy/outgoingCalls",
    "textDocument/diagnostic",
    "workspace/diagnostic",
    "workspace/executeCommand",
    "workspace/textDocumentContent",
    "workspace/willRenameFiles",
];

/// Whether a method is answered.
pub(crate) fn known(method: &str) -> bool {
    METHODS.contains(&method)
}

/// What says nothing, as the method's answer.
pub(crate) fn empty(method: &str) -> Value {
    match method {
        "textDocument/diagnostic" => json!({ "kind": "full", "items": [] }),
        "workspace/diagnostic" => json!({ "items": [] }),
        "textDocument/semanticTokens/range" | "textDocument/semanticTokens/full" => json!({ "data": [] }),
        "workspace/textDocumentContent" => json!({ "text": "" }),
        _ => Value::Null,
    }
}

/// Answers a request.
pub(crate) fn answer(request: &Request, method: &str, value: Value) -> Answer {
    match method {
        "textDocument/hover" => request.here(value, hover::hover),
        "textDocument/definition" | "textDocument/declaration" => request.here(value, navigate::definition),
        "textDocument/typeDefinition" => request.here(value, navigate::type_definition),
        "textDocument/references" => {
            let declaration =
                value.pointer("/context/includeDeclaration").and_then(Value::as_bool).unwrap_or(true);
            request.here(value, |here| navigate::references(here, declaration))
        }
        "textDocument/documentHighlight" => request.here(value, navigate::highlight),
        "textDocument/documentSymbol" => request.here(value, symbols::of_document),
        "workspace/symbol" => symbols::of_workspace(request, &value),
        "textDocument/prepareRename" => rename::prepare(request, value),
        "textDocument/rename" => rename::rename(request, value),
        "textDocument/completion" => request.here(value, complete::complete),
        "completionItem/resolve" => Ok(complete::resolve(request, value)),
        "textDocument/signatureHelp" => request.here(value, signature::help),
        "textDocument/formatting" | "textDocument/rangeFormatting" => request.here(value, format::range),
        "textDocument/onTypeFormatting" => request.here(value, format::on_type),
        "textDocument/codeAction" => actions::actions(request, value),
        "textDocument/foldingRange" => request.here(value, shape::folding),
        "textDocument/selectionRange" => shape::selection(request, value),
        "textDocument/semanticTokens/full" => tokens::full(request, value),
        "textDocument/semanticTokens/full/delta" => tokens::delta(request, value),
        "textDocument/semanticTokens/range" => request.here(value, tokens::range),
        "textDocument/inlayHint" => request.here(value, hints::hints),
        "textDocument/codeLens" => request.here(value, hints::lenses),
        "textDocument/documentLink" => request.here(value, hints::links),
        "textDocument/prepareCallHierarchy" => request.here(value, calls::prepare),
        "callHierarchy/incomingCalls" => calls::incoming(request, &value),
        "callHierarchy/outgoingCalls" => calls::outgoing(request, &value),
        "textDocument/diagnostic" => diagnose::document(request, &value),
        "workspace/diagnostic" => diagnose::workspace(request, &value),
        "workspace/executeCommand" => files::execute(request, value),
        "workspace/textDocumentContent" => files::content(&value),
        "workspace/willRenameFiles" => files::will_rename(request, &value),
        _ => Err(error_of(ErrorCode::MethodNotFound, format!("no method `{method}`"))),
    }
}

/// What the server says of itself.
pub(crate) fn capabilities(encoding: Encoding) -> Value {
    let policies = json!([{ "scheme": "file", "pattern": { "glob": "**/*.weir", "matches": "file" } }]);
    json!({
        "capabilities": {
            "positionEncoding": encoding.name(),
            "textDocumentSync": { "openClose": true, "change": 2, "save": false },
            "hoverProvider": true,
            "completionProvider": { "triggerCharacters": [".", "{", ":", " "], "resolveProvider": true },
            "signatureHelpProvider": { "triggerCharacters": ["("], "retriggerCharacters": [","] },
            "definitionProvider": true,
            "declarationProvider": true,
            "typeDefinitionProvider": true,
            "referencesProvider": true,
            "documentHighlightProvider": true,
            "documentSymbolProvider": true,
            "workspaceSymbolProvider": true,
            "codeActionProvider": { "codeActionKinds": ["quickfix", "refactor.extract", "refactor.inline", "refactor.rewrite", "source.fixAll"] },
            "codeLensProvider": { "resolveProvider": false },
            "documentLinkProvider": { "resolveProvider": false },
            "documentFormattingProvider": true,
            "documentRangeFormattingProvider": true,
            "documentOnTypeFormattingProvider": { "firstTriggerCharacter": "}", "moreTriggerCharacter": ["\n"] },
            "renameProvider": { "prepareProvider": true },
            "foldingRangeProvider": true,
            "selectionRangeProvider": true,
            "callHierarchyProvider": true,
            "inlayHintProvider": true,
            "semanticTokensProvider": {
                "legend": tokens::legend(),
                "range": true,
                "full": { "delta": true },
            },
            "diagnosticProvider": { "identifier": "weir", "interFileDependencies": true, "workspaceDiagnostics": true },
            "executeCommandProvider": { "commands": files::COMMANDS },
            "workspace": {
                "workspaceFolders": { "supported": true, "changeNotifications": true },
                "fileOperations": { "willRename": { "filters": policies }, "didRename": { "filters": policies } },
                "textDocumentContent": { "schemes": [uri::LIBRARY] },
            },
        },
        "serverInfo": { "name": "weir", "version": env!("CARGO_PKG_VERSION") },
    })
}

/// The documentation of a word of the language.
fn of_word(text: &str) -> Option<&'static words::Word> {
    words::WORDS.iter().find(|word| word.text == text && !word.doc.is_empty())
}
