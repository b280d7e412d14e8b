//! What stands under the cursor.

use serde_json::{Value, json};
use weir_compiler::names::{self, Occurrence};

use super::{describe, of_word};
use crate::lex::{Class, Lexer, Token};
use crate::protocol::Here;

/// The name at the place asked about.
pub(super) fn name_at(here: &Here<'_>) -> Option<Occurrence> {
    let tree = here.document.tree.as_ref()?;
    names::at(&here.world.found.env, here.file, tree, here.at)
}

/// The token at the place asked about.
pub(super) fn token_at<'a>(here: &Here<'a>) -> Option<Token<'a>> {
    let text = here.document.text.as_str();
    let line = here.document.text.line(here.document.text.position(here.at).line);
    let touching =
        Lexer::new(text, line).filter(|token| token.span.start <= here.at && here.at <= token.span.end);
    touching.max_by_key(|token| (token.class == Class::Word, token.span.start))
}

pub(super) fn hover(here: &Here<'_>) -> Value {
    if let Some(found) = name_at(here)
        && let Some(text) = describe::symbol(here.world, &found.symbol)
    {
        return shown(here, found.span, text);
    }
    let Some(token) = token_at(here).filter(|token| token.class == Class::Word) else { return Value::Null };
    match of_word(token.text) {
        Some(word) => shown(here, token.span, format!("`{}` — {}", word.text, word.doc)),
        None => Value::Null,
    }
}

fn shown(here: &Here<'_>, span: weir_dsl::Span, text: String) -> Value {
    json!({ "contents": { "kind": "markdown", "value": text }, "range": here.range(span) })
}
