//! Another name for a symbol, in every file.

use lsp_server::{ErrorCode, ResponseError};
use serde_json::{Value, json};
use weir_compiler::env::Entity;
use weir_compiler::names::{self, Occurrence, Symbol};
use weir_dsl::{Edit, FileSpan};

use super::Request;
use super::hover::name_at;
use super::navigate::occurrences;
use crate::project::Snapshot;
use crate::protocol::{Answer, Here, In, error_of, params, workspace_edit};

fn refused(why: impl Into<String>) -> ResponseError {
    error_of(ErrorCode::RequestFailed, why)
}

/// The name asked about, when it may be changed.
fn renamable(here: &Here<'_>) -> Result<Occurrence, ResponseError> {
    let found = name_at(here).ok_or_else(|| refused("there is no name here"))?;
    let why = match &found.symbol {
        Symbol::Builtin(name) => Some(format!("`{name}` is a word of the language")),
        Symbol::Variant(name) => Some(format!("`{name}` is a value; records of it are kept elsewhere too")),
        Symbol::Package(name) => Some(format!("package `{name}` is known to projects by its name")),
        symbol => {
            let places = names::declared(&here.world.found.env, symbol);
            let shipped =
                |at: &FileSpan| here.world.documents.get(&at.file).is_none_or(|document| document.read_only);
            places.iter().any(shipped).then(|| "the standard library cannot be written".to_owned())
        }
    };
    why.map_or(Ok(found), |why| Err(refused(why)))
}

pub(super) fn prepare(request: &Request, value: Value) -> Answer {
    let asked: In = params(value)?;
    let here = request.worlds.iter().find_map(|(world, _)| Here::of(world, &asked));
    let here = here.ok_or_else(|| refused("no such file"))?;
    let found = renamable(&here)?;
    let text = found.span.text(here.document.text.as_str());
    Ok(json!({ "range": here.range(found.span), "placeholder": text }))
}

pub(super) fn rename(request: &Request, value: Value) -> Answer {
    let name = value.get("newName").and_then(Value::as_str).unwrap_or_default().to_owned();
    let asked: In = params(value)?;
    let here = request.worlds.iter().find_map(|(world, _)| Here::of(world, &asked));
    let here = here.ok_or_else(|| refused("no such file"))?;
    let found = renamable(&here)?;
    let dotted = matches!(found.symbol, Symbol::Field(_))
        || matches!(names::entity(&here.world.found.env, &found.symbol), Some(Entity::Event(_)));
    if !is_name(&name, dotted) {
        return Err(error_of(
            ErrorCode::InvalidParams,
            format!("`{name}` is no name: letters, digits, `_` and inner `-`"),
        ));
    }
    if let Some(why) = taken(here.world, &found.symbol, &name) {
        return Err(refused(why));
    }
    let edits = edits(here.world, &found.symbol, found.span.text(here.document.text.as_str()), &name);
    Ok(workspace_edit(here.world, &edits))
}

/// Why a name cannot be given: something else has it.
fn taken(world: &Snapshot, symbol: &Symbol, name: &str) -> Option<String> {
    let env = &world.found.env;
    let other = match symbol {
        Symbol::Entity(package, _) => Symbol::Entity(package.clone(), name.into()),
        Symbol::Member(policy, _) => Symbol::Member(policy.clone(), name.into()),
        Symbol::Rule(policy, _) => Symbol::Rule(policy.clone(), name.into()),
        Symbol::Step(policy, sequence, _) => Symbol::Step(policy.clone(), sequence.clone(), name.into()),
        _ => return None,
    };
    let declared = !names::declared(env, &other).is_empty();
    declared.then(|| format!("`{name}` is declared already"))
}

/// The edits of a renaming: every place where the old name is written, and the project file.
fn edits(world: &Snapshot, symbol: &Symbol, old: &str, new: &str) -> Vec<Edit> {
    let mut edits: Vec<Edit> = occurrences(world, symbol)
        .into_iter()
        // A field or event may be written by an earlier name, which stays.
        .filter(|(file, name)| world.sources.snippet(*file, name.span) == old)
        .map(|(file, name)| Edit { file, span: name.span, text: new.to_owned() })
        .collect();
    if let Symbol::Entity(..) = symbol {
        let manifest = &world.found.manifest;
        let places = [&manifest.lists, &manifest.tables, &manifest.models];
        let contents = places.into_iter().filter_map(|map| map.get(old)).map(|contents| contents.at);
        let feeds = manifest.feeds.iter().flatten().filter(|(name, _)| name == old).map(|(_, at)| *at);
        for at in contents.chain(feeds) {
            let text = world.sources.snippet(at.file, at.span);
            if let Some(inside) = text.find(old) {
                let start = at.span.start + inside as u32;
                let span = weir_dsl::Span::new(start, start + old.len() as u32);
                edits.push(Edit { file: at.file, span, text: new.to_owned() });
            }
        }
    }
    edits
}

/// Whether a text can name something.
fn is_name(text: &str, dotted: bool) -> bool {
    let part = |part: &str| {
        let mut bytes = part.bytes();
        let begins = bytes.next().is_some_and(|byte| byte.is_ascii_alphabetic() || byte == b'_');
        begins
            && !part.ends_with('-')
            && !part.contains("--")
            && bytes.all(|byte| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-')
    };
    const OPERATORS: [&str; 15] = [
        "in", "is", "if", "or", "of", "over", "where", "when", "then", "true", "and", "not", "per", "case",
        "false",
    ];
    if OPERATORS.contains(&text) || text == "because" {
        return false;
    }
    if dotted { text.split('.').all(part) } else { part(text) }
}
