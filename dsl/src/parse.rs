//! The parser: text to [`ast::File`] and diagnostics.
//!
//! ```text
//!  text ──lexer──▶ tokens ──split──▶ pieces ──pest, one piece at a time──▶ pairs ──builders──▶ nodes
//!                                      │ a piece fails
//!                                      └─▶ islands: its clauses, cut out by their first words, each parsed
//!                                          strictly: what is whole stays, what is not is reported
//! ```
//!
//! 1. **Lexer** (`lexer`): words, numbers, strings, brackets and comments. Pairs up braces.
//! 2. **Splitter** (`split`): items, and members of policies. The grammar never sees more than one.
//! 3. **Limits** ([`limits`]): nesting is checked on tokens, in a loop, before anything recurses.
//! 4. **Grammar** (`weir.pest`): no rule parses a prefix twice; expressions are flat lists, folded by
//!    precedence in `expression`.
//! 5. **Builders** (`item`, `signal`, `action`, `scenario`): pairs to nodes.
//! 6. **Islands** (`island`, `policy`, `file`): recovery. A clause that cannot be read is reported once, with
//!    a place and a help, and its name goes to [`ast::File::broken`], so that nobody reports it as unknown.
//!
//! **Bounds.** Time is linear in the text, some 0.1 µs a byte. Files, items, nesting, depth of expressions
//! and the number of diagnostics are limited by the constants of [`limits`]; nothing in here panics, and
//! nothing recurses deeper than they allow.

mod action;
mod build;
mod cache;
mod docs;
mod expression;
mod file;
mod island;
mod item;
mod lexer;
pub mod limits;
mod literal;
mod policy;
mod report;
mod scenario;
mod shift;
mod signal;
mod split;
mod suggest;

pub use cache::Parser;

use crate::ast;
use crate::codes::Code;
use crate::diagnostic::Diagnostic;
use crate::span::{FileId, FileSpan, Span};

/// Parses a file.
///
/// Everything that could be parsed is in the tree; everything that could not is a diagnostic. Diagnostics come
/// in order of place, at most [`limits::MAX_DIAGNOSTICS`] and one that says that there are more. A text over
/// [`limits::MAX_FILE_BYTES`] gives an empty tree and one diagnostic. Time is linear in the text.
pub fn parse(file: FileId, text: &str) -> (ast::File, Vec<Diagnostic>) {
    run(file, text, None)
}

/// Parses bytes that should be UTF-8.
///
/// A few stray bytes are reported, replaced one for one by `?`, so that spans are places in `bytes`, and the
/// rest is parsed. When more than one byte in 32 is not text, nothing is.
pub fn parse_bytes(file: FileId, bytes: &[u8]) -> (ast::File, Vec<Diagnostic>) {
    if let Ok(text) = std::str::from_utf8(bytes) {
        return parse(file, text);
    }
    if bytes.len() > limits::MAX_FILE_BYTES {
        return too_large(file, bytes.len());
    }
    let mut text = String::with_capacity(bytes.len());
    let (mut bad, mut first) = (0_usize, None);
    for chunk in bytes.utf8_chunks() {
        text.push_str(chunk.valid());
        if !chunk.invalid().is_empty() {
            first = first.or(Some(Span::new(text.len() as u32, (text.len() + chunk.invalid().len()) as u32)));
            bad += chunk.invalid().len();
            text.extend(chunk.invalid().iter().map(|_| '?'));
        }
    }
    let at = FileSpan { file, span: first.unwrap_or_default() };
    let mut diagnostic =
        Diagnostic::new(Code::NOT_TEXT, at, "not UTF-8 text").help("save the file as UTF-8 text");
    if bad > 1 {
        diagnostic = diagnostic.note(format!("{bad} bytes of {} are not text", bytes.len()));
    }
    if bad.saturating_mul(32) > bytes.len() {
        return (ast::File::default(), vec![diagnostic.note("the file was not read any further")]);
    }
    let (tree, mut diagnostics) = parse(file, &text);
    let place = diagnostics.partition_point(|other| other.primary.span.start < diagnostic.primary.span.start);
    diagnostics.insert(place, diagnostic);
    (tree, diagnostics)
}

fn too_large(file: FileId, len: usize) -> (ast::File, Vec<Diagnostic>) {
    let at = FileSpan { file, span: Span::at(0) };
    let title = format!("file of {len} bytes; the limit is {}", limits::MAX_FILE_BYTES);
    let diagnostic = Diagnostic::new(Code::TOO_LARGE, at, title).help(
        "split it, or keep long lists of values in files of their own: `list name: set<T> from \"file.csv\"`",
    );
    (ast::File::default(), vec![diagnostic])
}

fn run(file: FileId, text: &str, cache: Option<&mut cache::Cache>) -> (ast::File, Vec<Diagnostic>) {
    if text.len() > limits::MAX_FILE_BYTES {
        return too_large(file, text.len());
    }
    limits::set_call_limit();
    let mut tokens = lexer::Tokens::new(file, text);
    let mut diagnostics = std::mem::take(&mut tokens.diagnostics);
    let comments = std::mem::take(&mut tokens.comments);
    // Junk made of NUL bytes and the like would give as many errors as it has lines.
    if mostly_junk(text) {
        in_order(&mut diagnostics);
        return (ast::File { comments, ..ast::File::default() }, diagnostics);
    }
    let mut build = build::Build::new(file, text, &tokens);
    let mut tree = file::file(&mut build, cache);
    tree.comments = comments;
    docs::attach(text, &mut tree);
    diagnostics.append(&mut build.diagnostics);
    in_order(&mut diagnostics);
    if diagnostics.len() > limits::MAX_DIAGNOSTICS {
        diagnostics.truncate(limits::MAX_DIAGNOSTICS);
        let span = diagnostics.last().map_or(Span::at(0), |last| last.primary.span);
        diagnostics.push(
            Diagnostic::new(
                Code::TOO_LARGE,
                FileSpan { file, span },
                "too many errors; the others are not shown",
            )
            .help("mend these first"),
        );
    }
    (tree, diagnostics)
}

fn in_order(diagnostics: &mut [Diagnostic]) {
    diagnostics.sort_by_key(|diagnostic| (diagnostic.primary.span.start, diagnostic.primary.span.end));
}

/// True for a text of which more than one byte in 32 is NUL.
fn mostly_junk(text: &str) -> bool {
    let nuls = text.bytes().filter(|byte| *byte == 0).count();
    nuls.saturating_mul(32) > text.len()
}
