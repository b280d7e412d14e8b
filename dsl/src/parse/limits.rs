//! Bounds on what one file may cost, and the checks that keep the recursive parts within them.

use crate::codes::Code;
use crate::diagnostic::Diagnostic;
use crate::parse::lexer::{TokenKind, Tokens};
use crate::span::{FileId, FileSpan, Span};
use std::ops::Range;
use std::sync::Once;

/// Largest file, in bytes.
pub const MAX_FILE_BYTES: usize = 16 << 20;

/// Most tokens in a file: a file of `MAX_FILE_BYTES` with ordinary spacing has fewer.
pub const MAX_FILE_TOKENS: usize = 4 << 20;

/// Largest item or member, in bytes. Longer data belongs in a file of its own.
pub const MAX_MEMBER_BYTES: usize = 1 << 20;

/// Deepest nesting of brackets of any kind, and of type arguments.
pub const MAX_NESTING: usize = 64;

/// Deepest expression tree. Operators nest too: `1 + 2 + 3` is two deep.
pub const MAX_DEPTH: u32 = 128;

/// Most diagnostics reported of one file; one more says that there were others.
pub const MAX_DIAGNOSTICS: usize = 1_000;

/// Calls the grammar's machine may make for one clause. The densest clause of [`MAX_MEMBER_BYTES`] takes
/// some 60 calls a byte, so that only a fault in the grammar meets this bound.
const MAX_GRAMMAR_CALLS: usize = 256 << 20;

static CALL_LIMIT: Once = Once::new();

/// Sets the grammar's call limit, which pest keeps for the whole process.
pub(crate) fn set_call_limit() {
    CALL_LIMIT.call_once(|| pest::set_call_limit(std::num::NonZeroUsize::new(MAX_GRAMMAR_CALLS)));
}

/// Finds what is too large or too deep in a range of tokens. Runs before the grammar, which recurses.
pub(crate) fn check_member(file: FileId, tokens: &Tokens<'_>, range: Range<usize>) -> Option<Diagnostic> {
    let span = tokens.span_of(&range);
    if span.len() as usize > MAX_MEMBER_BYTES {
        let at = FileSpan { file, span: tokens.span(range.start) };
        return Some(
            Diagnostic::new(
                Code::TOO_LARGE,
                at,
                format!("this clause is {} bytes long; the limit is {MAX_MEMBER_BYTES}", span.len()),
            )
            .label("begins here")
            .help("split it, or keep long lists of values in a file: `list name: set<T> from \"file.csv\"`"),
        );
    }
    let at = too_deep(tokens, range)?;
    Some(
        Diagnostic::new(
            Code::TOO_LARGE,
            FileSpan { file, span: at },
            format!("nested more than {MAX_NESTING} deep"),
        )
        .label("one level too many")
        .help("name the inner parts: `signal name = …` or `fn name(…) -> type = …`"),
    )
}

fn too_deep(tokens: &Tokens<'_>, range: Range<usize>) -> Option<Span> {
    let mut depth = 0_usize;
    let mut angles = 0_usize;
    for at in range {
        match tokens.kind(at) {
            TokenKind::LBrace | TokenKind::LParen | TokenKind::LBracket => {
                depth += 1;
                angles = 0;
                if depth > MAX_NESTING {
                    return Some(tokens.span(at));
                }
            }
            TokenKind::RBrace | TokenKind::RParen | TokenKind::RBracket => {
                depth = depth.saturating_sub(1);
                angles = 0;
            }
            TokenKind::Sign => match tokens.text(at) {
                // `list<list<…`: angle brackets count while nothing but a type could be meant.
                "<" => {
                    angles += 1;
                    if angles > MAX_NESTING {
                        return Some(tokens.span(at));
                    }
                }
                ">" => angles = angles.saturating_sub(1),
                "?" => {}
                _ => angles = 0,
            },
            TokenKind::Word => {
                if matches!(tokens.text(at), "and" | "or" | "not") {
                    angles = 0;
                }
            }
            TokenKind::Comma | TokenKind::Number => {}
            _ => angles = 0,
        }
    }
    None
}
