//! Folding, and selections that grow by what the text is made of.

use serde_json::{Value, json};
use weir_dsl::Span;
use weir_dsl::ast::ItemKind;

use super::Request;
use crate::lex::{Class, Lexer};
use crate::protocol::{Answer, Here, In, params};

/// Pairs of braces, brackets and parentheses by their first bytes.
pub(super) fn braces(text: &str) -> Vec<(u32, u32)> {
    let mut open: Vec<(u32, &str)> = Vec::new();
    let mut pairs = Vec::new();
    for token in Lexer::new(text, Span::new(0, text.len() as u32)) {
        match token.text {
            "{" => open.push((token.span.start, "}")),
            "(" => open.push((token.span.start, ")")),
            "[" => open.push((token.span.start, "]")),
            "}" | ")" | "]" => {
                if let Some((start, _)) = open.pop_if(|(_, mate)| *mate == token.text) {
                    pairs.push((start, token.span.start));
                }
            }
            _ => {}
        }
    }
    pairs
}

pub(super) fn folding(here: &Here<'_>) -> Value {
    let text = &here.document.text;
    let line = |at: u32| text.position(at).line;
    let mut folds: Vec<(u32, u32, Option<&str>)> = Vec::new();
    for (open, close) in braces(text.as_str()) {
        folds.push((line(open), line(close).saturating_sub(1), None));
    }
    if let Some(tree) = &here.document.tree {
        if let (Some(first), Some(last)) = (tree.uses.first(), tree.uses.last()) {
            folds.push((line(first.span.start), line(last.span.end), Some("imports")));
        }
        let mut block: Option<(u32, u32)> = None;
        for comment in &tree.comments {
            let at = line(comment.span.start);
            block = match block {
                Some((start, end)) if at == end + 1 => Some((start, at)),
                Some((start, end)) => {
                    folds.push((start, end, Some("comment")));
                    Some((at, at))
                }
                None => Some((at, at)),
            };
        }
        folds.extend(block.map(|(start, end)| (start, end, Some("comment"))));
    }
    folds.retain(|(start, end, _)| end > start);
    folds.sort_unstable();
    folds.dedup();
    let shown = folds.into_iter().map(|(start, end, kind)| {
        let mut fold = json!({ "startLine": start, "endLine": end });
        if let (Some(kind), Some(object)) = (kind, fold.as_object_mut()) {
            object.insert("kind".into(), kind.into());
        }
        fold
    });
    shown.collect()
}

pub(super) fn selection(request: &Request, value: Value) -> Answer {
    let positions = value.get("positions").cloned().unwrap_or_default();
    let positions: Vec<gen_lsp_types::Position> = params(positions)?;
    let asked: In = params(value)?;
    let Some(here) = request.worlds.iter().find_map(|(world, _)| Here::of(world, &asked)) else {
        return Ok(Value::Null);
    };
    let pairs = braces(here.document.text.as_str());
    let chains = positions.into_iter().map(|position| {
        let mut chain = Value::Null;
        for span in around(&here, &pairs, here.document.text.offset(position)) {
            chain = if chain.is_null() {
                json!({ "range": here.range(span) })
            } else {
                json!({ "range": here.range(span), "parent": chain })
            };
        }
        chain
    });
    Ok(chains.collect())
}

/// What stands around a byte, the largest first, each inside of the one before.
fn around(here: &Here<'_>, pairs: &[(u32, u32)], at: u32) -> Vec<Span> {
    let text = here.document.text.as_str();
    let mut spans = vec![Span::new(0, text.len() as u32)];
    let mut add = |span: Span| {
        if span.start <= at && at <= span.end && !span.is_empty() {
            spans.push(span);
        }
    };
    if let Some(tree) = &here.document.tree {
        for item in &tree.items {
            add(item.span);
            if let ItemKind::Policy(policy) = &item.kind {
                policy.members.iter().for_each(|member| add(member.span));
            }
        }
    }
    for (open, close) in pairs {
        add(Span::new(*open, close + 1));
        add(Span::new(open + 1, *close));
    }
    let line = here.document.text.line(here.document.text.position(at).line);
    let content = line.text(text);
    let lead = (content.len() - content.trim_start().len()) as u32;
    add(Span::new(line.start + lead, line.start + content.trim_end().len() as u32));
    for token in Lexer::new(text, line).filter(|token| token.class != Class::Comment) {
        add(token.span);
    }
    spans.sort_by_key(|span| (std::cmp::Reverse(span.len()), span.start));
    let mut chain: Vec<Span> = Vec::new();
    for span in spans {
        let inside =
            chain.last().is_none_or(|last| last.start <= span.start && span.end <= last.end && *last != span);
        if inside {
            chain.push(span);
        }
    }
    chain
}
