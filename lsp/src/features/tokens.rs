//! Semantic tokens: what each name means, which a grammar of highlighting cannot know.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use serde_json::{Value, json};
use weir_compiler::env::Entity;
use weir_compiler::names::{self, Names, PolicyName, PolicyNames, Symbol};
use weir_dsl::Span;

use super::Request;
use crate::lex::{Class, Lexer};
use crate::protocol::{Answer, Here, In, params};
use crate::words;

const TYPES: [&str; 16] = [
    "namespace",
    "type",
    "class",
    "enumMember",
    "event",
    "function",
    "method",
    "property",
    "variable",
    "parameter",
    "keyword",
    "operator",
    "number",
    "string",
    "comment",
    "decorator",
];
const MODIFIERS: [&str; 4] = ["declaration", "readonly", "defaultLibrary", "personal"];

/// What the numbers in tokens stand for.
pub(super) fn legend() -> Value {
    json!({ "tokenTypes": TYPES, "tokenModifiers": MODIFIERS })
}

fn number_of(name: &str) -> u32 {
    TYPES.iter().position(|known| *known == name).unwrap_or(0) as u32
}

/// The tokens that clients were sent last, for their differences.
#[derive(Clone, Default)]
pub(crate) struct Remembered(Arc<Mutex<HashMap<String, Sent>>>);

/// What was sent: its id, and the tokens.
type Sent = (u64, Arc<Vec<u32>>);

impl Remembered {
    /// Forgets a document.
    pub(crate) fn forget(&self, uri: &str) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).remove(uri);
    }

    fn keep(&self, uri: &str, data: &Arc<Vec<u32>>) -> (u64, Option<Sent>) {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let before = known.get(uri).cloned();
        let id = before.as_ref().map_or(1, |(id, _)| id + 1);
        known.insert(uri.to_owned(), (id, Arc::clone(data)));
        (id, before)
    }
}

pub(super) fn full(request: &Request, value: Value) -> Answer {
    let asked: In = params(value)?;
    let Some(here) = request.worlds.iter().find_map(|(world, _)| Here::of(world, &asked)) else {
        return Ok(Value::Null);
    };
    let data = Arc::new(encoded(&here, here.span));
    let (id, _) = request.tokens.keep(&here.document.uri, &data);
    Ok(json!({ "resultId": id.to_string(), "data": *data }))
}

pub(super) fn delta(request: &Request, value: Value) -> Answer {
    let previous = value.get("previousResultId").and_then(Value::as_str).map(str::to_owned);
    let asked: In = params(value)?;
    let Some(here) = request.worlds.iter().find_map(|(world, _)| Here::of(world, &asked)) else {
        return Ok(Value::Null);
    };
    let data = Arc::new(encoded(&here, here.span));
    let (id, before) = request.tokens.keep(&here.document.uri, &data);
    let before = before.filter(|(id, _)| previous.as_deref() == Some(id.to_string().as_str()));
    let Some((_, old)) = before else { return Ok(json!({ "resultId": id.to_string(), "data": *data })) };
    let start = old.iter().zip(data.iter()).take_while(|(a, b)| a == b).count();
    let rest = old.len().min(data.len()) - start;
    let end = old.iter().rev().zip(data.iter().rev()).take(rest).take_while(|(a, b)| a == b).count();
    let edits = if start == old.len() && start == data.len() {
        json!([])
    } else {
        let new = data.get(start..data.len() - end).unwrap_or_default();
        json!([{ "start": start, "deleteCount": old.len() - end - start, "data": new }])
    };
    Ok(json!({ "resultId": id.to_string(), "edits": edits }))
}

pub(super) fn range(here: &Here<'_>) -> Value {
    json!({ "data": encoded(here, here.span) })
}

/// A token: where, its type and its modifiers.
type Token = (Span, u32, u32);

/// The tokens that touch a range, as the protocol counts them: each from the one before.
fn encoded(here: &Here<'_>, within: Span) -> Vec<u32> {
    let mut out = Vec::new();
    let (mut line, mut column) = (0, 0);
    let text = &here.document.text;
    for (span, kind, modifiers) in tokens(here, within) {
        let start = text.position(span.start);
        let length = here.world.encoding.measure(span.text(text.as_str()));
        let by = start.line - line;
        out.extend([
            by,
            if by == 0 { start.character - column } else { start.character },
            length,
            kind,
            modifiers,
        ]);
        (line, column) = (start.line, start.character);
    }
    out
}

fn tokens(here: &Here<'_>, within: Span) -> Vec<Token> {
    let text = here.document.text.as_str();
    let Some(tree) = &here.document.tree else { return Vec::new() };
    let env = &here.world.found.env;
    let package = names::package_of(here.file, tree);
    let mut names = Names::default();
    let whole = within.len() as usize >= text.len();
    if whole {
        names = names::of_file(env, here.file, tree);
    } else {
        names = names::of_items(env, here.file, tree, within).unwrap_or(names);
    }
    let mut means: HashMap<u32, Token> = HashMap::with_capacity(names.occurrences.len());
    let mut inner: Vec<Token> = Vec::new();
    let kinds = Kinds::of(here, &package);
    for name in &names.occurrences {
        let Some((kind, mut modifiers)) = kinds.of_symbol(&name.symbol) else { continue };
        modifiers |= u32::from(name.declares);
        means.insert(name.span.start, (name.span, kind, modifiers));
    }
    let mut out = Vec::new();
    // Lines are cut where a range begins, so that a text is not begun in its middle.
    let start = here.document.text.line(here.document.text.position(within.start).line).start;
    for token in Lexer::new(text, Span::new(start, within.end)) {
        // A name may be a part of a dotted word, or stand inside of a text.
        let mut part = token.span.start;
        inner.clear();
        while part < token.span.end {
            match means.get(&part) {
                Some(found) if found.0.end <= token.span.end => {
                    inner.push(*found);
                    part = found.0.end.max(part + 1);
                }
                _ => part += 1,
            }
        }
        let kind = match token.class {
            Class::Comment => Some("comment"),
            Class::Text => Some("string"),
            Class::Number => Some("number"),
            Class::Word if inner.is_empty() && words::is_word(token.text) => Some("keyword"),
            Class::Sign
                if matches!(
                    token.text,
                    "==" | "!=" | "<" | ">" | "<=" | ">=" | "+" | "-" | "*" | "/" | "%" | "??" | "=>" | "->"
                ) =>
            {
                Some("operator")
            }
            _ => None,
        };
        if token.class == Class::Word || inner.is_empty() {
            if inner.is_empty() {
                out.extend(kind.map(|kind| (token.span, number_of(kind), 0)));
            }
            out.append(&mut inner);
            continue;
        }
        // A text with names in it: the text between them.
        let mut from = token.span.start;
        for found in inner.drain(..) {
            if found.0.start > from {
                out.push((Span::new(from, found.0.start), number_of("string"), 0));
            }
            from = found.0.end;
            out.push(found);
        }
        if from < token.span.end {
            out.push((Span::new(from, token.span.end), number_of("string"), 0));
        }
    }
    out
}

/// What symbols look like.
struct Kinds<'a> {
    here: &'a Here<'a>,
    policies: HashMap<String, PolicyNames<'a>>,
}

impl<'a> Kinds<'a> {
    fn of(here: &'a Here<'a>, package: &str) -> Self {
        let mut policies = HashMap::new();
        for item in here.document.tree.iter().flat_map(|tree| &tree.items) {
            if let weir_dsl::ast::ItemKind::Policy(policy) = &item.kind {
                let own = PolicyNames::of(&here.world.found.env, package, here.file, policy);
                policies.insert(own.full.to_string(), own);
            }
        }
        Self { here, policies }
    }

    fn of_symbol(&self, symbol: &Symbol) -> Option<(u32, u32)> {
        let env = &self.here.world.found.env;
        let (name, modifiers) = match symbol {
            Symbol::Package(_) => ("namespace", 0),
            Symbol::Entity(..) => match names::entity(env, symbol)? {
                Entity::Event(_) => ("event", 0),
                Entity::Function(_) | Entity::Model(_) => ("function", 0),
                Entity::Policy(_) => ("class", 0),
                Entity::List(_) | Entity::Table(_) | Entity::Schedule(_) => ("type", 0),
                Entity::Tag(_) | Entity::Queue(_) | Entity::Decoy(_) => ("decorator", 0),
                Entity::Fingerprint(_) => ("property", 0),
            },
            Symbol::Field(id) => {
                let personal = env.schema.fields.get(*id).is_some_and(|field| field.personal);
                ("property", if personal { 8 } else { 0 })
            }
            Symbol::Member(policy, name) => {
                match self.policies.get(policy.as_str()).and_then(|own| own.names.get(name.as_str())) {
                    Some(PolicyName::Param(_)) => ("parameter", 2),
                    _ => ("variable", 0),
                }
            }
            Symbol::Rule(..) => ("method", 0),
            Symbol::Step(..) => ("variable", 0),
            Symbol::Local(..) => ("parameter", 0),
            Symbol::Variant(_) => ("enumMember", 2),
            Symbol::Builtin(name) if super::signature::builtin(name).is_some() => ("function", 4),
            Symbol::Builtin(_) => ("variable", 4),
        };
        Some((number_of(name), modifiers))
    }
}
