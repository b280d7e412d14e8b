//! Commands, the library's texts, and files that are renamed.

use lsp_server::ErrorCode;
use serde::Deserialize;
use serde_json::{Value, json};
use weir_compiler::names;
use weir_dsl::{Code, FileSpan, pages};

use super::{Request, describe};
use crate::host::Asked;
use crate::project::Snapshot;
use crate::protocol::{Answer, error_of, location, params};
use crate::uri;

/// The commands a client may ask for.
pub(super) const COMMANDS: [&str; 3] = ["weir.test", "weir.explain", "weir.replay"];

#[derive(Deserialize)]
struct Command {
    command: String,
    #[serde(default)]
    arguments: Vec<Value>,
}

pub(super) fn execute(request: &Request, value: Value) -> Answer {
    let Command { command, arguments } = params(value)?;
    let argument = |at: usize| arguments.get(at).and_then(Value::as_str);
    let failed = |why: String| error_of(ErrorCode::RequestFailed, why);
    match command.as_str() {
        "weir.test" => {
            let uri = argument(0).map(uri::canonical).unwrap_or_default();
            let (world, file) = holder(request, &uri).ok_or_else(|| failed(format!("no file `{uri}`")))?;
            let files = world.own();
            let outcomes = request.host.test(&asked(world, &files), file, argument(1)).map_err(failed)?;
            let passed = outcomes.iter().filter(|outcome| outcome.failures.is_empty()).count();
            let shown: Vec<Value> = outcomes
                .iter()
                .map(|outcome| {
                    let failures = outcome.failures.iter().filter_map(|(at, message)| {
                        Some(json!({ "location": location(world, *at)?, "message": message }))
                    });
                    json!({
                        "name": outcome.name,
                        "location": location(world, outcome.at),
                        "passed": outcome.failures.is_empty(),
                        "failures": failures.collect::<Vec<_>>(),
                    })
                })
                .collect();
            Ok(json!({ "passed": passed, "failed": outcomes.len() - passed, "tests": shown }))
        }
        "weir.explain" => {
            let what = argument(0).unwrap_or_default();
            explain(request, what)
                .map(|text| json!({ "markdown": text }))
                .ok_or_else(|| failed(format!("nothing is called `{what}`")))
        }
        "weir.replay" => {
            let uri = argument(0).map(uri::canonical).unwrap_or_default();
            let log = argument(1).ok_or_else(|| error_of(ErrorCode::InvalidParams, "which log?"))?;
            let (world, _) = holder(request, &uri).ok_or_else(|| failed(format!("no file `{uri}`")))?;
            let files = world.own();
            request.host.replay(&asked(world, &files), log).map_err(failed)
        }
        other => Err(error_of(ErrorCode::InvalidParams, format!("no command `{other}`"))),
    }
}

fn holder<'r>(request: &'r Request, uri: &str) -> Option<(&'r Snapshot, weir_dsl::FileId)> {
    request.worlds.iter().find_map(|(world, _)| Some((&**world, world.file(uri)?.0)))
}

fn asked<'w>(world: &'w Snapshot, files: &'w [weir_dsl::FileId]) -> Asked<'w> {
    Asked { found: &world.found, sources: &world.sources, files, root: world.root.as_deref() }
}

/// What a code, a policy or a rule means.
fn explain(request: &Request, what: &str) -> Option<String> {
    if let Some(code) = Code::parse(what) {
        return pages::page(code).map(str::to_owned);
    }
    request.worlds.iter().find_map(|(world, _)| {
        let env = &world.found.env;
        if let Some(source) = env.policies.get(what) {
            let symbol = names::Symbol::Entity(source.package.clone(), source.name.clone());
            return describe::symbol(world, &symbol);
        }
        let (policy, name) = what.rsplit_once('.')?;
        let rule = names::Symbol::Rule(policy.into(), name.into());
        describe::symbol(world, &rule)
            .or_else(|| describe::symbol(world, &names::Symbol::Member(policy.into(), name.into())))
    })
}

/// The text of a file of the library, or of a page of the reference.
pub(super) fn content(value: &Value) -> Answer {
    let asked = value.get("uri").and_then(Value::as_str).map(uri::canonical).unwrap_or_default();
    let path = uri::library_path(&asked);
    let page =
        path.and_then(|path| path.strip_prefix("diagnostics/")?.strip_suffix(".md")).and_then(Code::parse);
    let text = page.and_then(pages::page).map(str::to_owned);
    let policy = || {
        weir_stdlib::policies()
            .into_iter()
            .find(|file| Some(file.path.as_str()) == path)
            .map(|file| file.text.to_owned())
    };
    let contents = || weir_stdlib::read(path?).map(|bytes| String::from_utf8_lossy(bytes).into_owned());
    let text = text.or_else(policy).or_else(contents);
    let missing = || error_of(ErrorCode::InvalidParams, format!("the library has no `{asked}`"));
    text.map(|text| json!({ "text": text })).ok_or_else(missing)
}

/// A list or the like that moves keeps its users: the paths in `weir.toml` and in declarations follow. Policies are known by
/// their packages, not by their files.
pub(super) fn will_rename(request: &Request, value: &Value) -> Answer {
    let moves = value.get("files").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    let mut edits = Vec::new();
    let mut world_of_edits = None;
    for moved in moves {
        let side =
            |name: &str| moved.get(name).and_then(Value::as_str).map(uri::canonical).unwrap_or_default();
        let (old, new) = (side("oldUri"), side("newUri"));
        for (world, _) in &request.worlds {
            let Some(root) = &world.root else { continue };
            let inside = |uri: &str| {
                uri.strip_prefix(root.as_str()).and_then(|rest| rest.strip_prefix('/')).map(str::to_owned)
            };
            let (Some(old), Some(new)) = (inside(&old), inside(&new)) else { continue };
            for (file, document) in world.documents.iter().filter(|(_, document)| !document.read_only) {
                let quoted = format!("\"{old}\"");
                for (at, _) in document.text.as_str().match_indices(&quoted) {
                    let span = weir_dsl::Span::new(at as u32 + 1, (at + quoted.len()) as u32 - 1);
                    if is_path(world, FileSpan { file: *file, span }) {
                        edits.push(weir_dsl::Edit { file: *file, span, text: new.clone() });
                    }
                }
            }
            world_of_edits = Some(world);
        }
    }
    Ok(world_of_edits
        .filter(|_| !edits.is_empty())
        .map_or(Value::Null, |world| crate::protocol::workspace_edit(world, &edits)))
}

/// Whether a text at a place names a file: in the project file, or behind a `from`.
fn is_path(world: &Snapshot, at: FileSpan) -> bool {
    let Some(document) = world.documents.get(&at.file) else { return false };
    let before = document.text.as_str().get(..at.span.start.saturating_sub(1) as usize).unwrap_or("");
    document.tree.is_none() || before.trim_end().ends_with("from")
}
