//! Literals: escapes of strings, placeholders of templates, and numbers with their units.

use smol_str::{SmolStr, SmolStrBuilder};

use crate::ast::{BecausePart, Expr, ExprKind, LiteralKind};
use crate::codes::Code;
use crate::parse::build::{Build, Rule};
use crate::parse::expression;
use crate::parse::lexer::{self, Tokens};
use crate::parse::limits;
use crate::parse::report;
use crate::span::Span;

/// The value of a quoted string at `span`, escapes resolved.
pub(crate) fn unquote(build: &mut Build<'_>, quoted: &str, span: Span) -> SmolStr {
    let inner = inner(quoted);
    if !inner.contains('\\') {
        return SmolStr::new(inner);
    }
    let mut value = SmolStrBuilder::new();
    let mut at = 0;
    while let Some(rest) = inner.get(at..).filter(|rest| !rest.is_empty()) {
        let plain = rest.find('\\').unwrap_or(rest.len());
        value.push_str(rest.get(..plain).unwrap_or(""));
        at += plain;
        if plain < rest.len() {
            at += escape(build, inner, at, span.start + 1, &mut value);
        }
    }
    value.finish()
}

/// The parts of a template: text, and `{holes}`. `{{` and `}}` are braces.
///
/// Broken holes are reported and left out.
pub(crate) fn template(build: &mut Build<'_>, quoted: &str, span: Span) -> Vec<BecausePart> {
    let inner = inner(quoted);
    let start = span.start + 1;
    let mut parts = Vec::new();
    let mut value = SmolStrBuilder::new();
    let mut at = 0;
    while let Some(rest) = inner.get(at..).filter(|rest| !rest.is_empty()) {
        let plain = rest.find(['\\', '{', '}']).unwrap_or(rest.len());
        value.push_str(rest.get(..plain).unwrap_or(""));
        at += plain;
        let Some(rest) = rest.get(plain..).filter(|rest| !rest.is_empty()) else { break };
        if rest.starts_with('\\') {
            at += escape(build, inner, at, start, &mut value);
        } else if rest.starts_with("{{") || rest.starts_with("}}") {
            value.push(if rest.starts_with('{') { '{' } else { '}' });
            at += 2;
        } else if rest.starts_with('}') {
            let place = Span::new(start + at as u32, start + at as u32 + 1);
            build.error_help(Code::SYNTAX, place, "`}` without a `{` before it", "write `}}` for a brace");
            at += 1;
        } else {
            let Some(len) = hole_len(rest) else {
                let place = Span::new(start + at as u32, start + at as u32 + 1);
                build.error_help(
                    Code::SYNTAX,
                    place,
                    "placeholder without a closing `}`",
                    "write `{name}`, or `{{` for a brace",
                );
                value.push('{');
                at += 1;
                continue;
            };
            let text = std::mem::replace(&mut value, SmolStrBuilder::new()).finish();
            if !text.is_empty() {
                parts.push(BecausePart::Text(text));
            }
            let from = start + at as u32 + 1;
            if let Some(hole) = hole(build, Span::new(from, from + len as u32)) {
                parts.push(BecausePart::Hole(hole));
            }
            at += len + 2;
        }
    }
    let text = value.finish();
    if !text.is_empty() {
        parts.push(BecausePart::Text(text));
    }
    parts
}

/// Length of what stands between a `{` at the start of `rest` and its `}`.
fn hole_len(rest: &str) -> Option<usize> {
    let mut depth = 0_usize;
    for (at, byte) in rest.bytes().enumerate() {
        match byte {
            b'{' => depth += 1,
            b'}' => {
                depth -= 1;
                if depth == 0 {
                    return Some(at - 1);
                }
            }
            _ => {}
        }
    }
    None
}

fn hole(build: &mut Build<'_>, span: Span) -> Option<Expr> {
    let text = span.text(build.text);
    if text.trim().is_empty() {
        let at = Span::new(span.start - 1, span.end + 1);
        build.error_help(
            Code::SYNTAX,
            at,
            "empty placeholder",
            "name what to print, as in `{name}`, or write `{{}}` for a pair of braces",
        );
        return None;
    }
    if text.contains(['\\', '"', '#']) {
        build.error_help(
            Code::SYNTAX,
            span,
            "a placeholder holds no strings and no comments",
            "give the value a name with `signal name = …` and print that, or write `{{` for a brace",
        );
        return None;
    }
    // Nearly all holes are names, which need no grammar.
    if lexer::is_name(text) && !report::OPERATORS.contains(&text) {
        return Some(Expr { kind: ExprKind::Name(SmolStr::new(text)), span });
    }
    let tokens = Tokens::new(build.file, text);
    if let Some(mut diagnostic) = limits::check_member(build.file, &tokens, 0..tokens.len()) {
        diagnostic.primary.span = diagnostic.primary.span.shifted(i64::from(span.start));
        build.diagnostics.push(diagnostic);
        return None;
    }
    match build.strict(Rule::whole_expr, span, |build, pair| expression::expr(build, pair)) {
        Ok(expr) => expr,
        Err(error) => {
            report::hole(build, &error, span);
            None
        }
    }
}

/// Resolves the escape at `at`; answers its length.
fn escape(build: &mut Build<'_>, inner: &str, at: usize, start: u32, value: &mut SmolStrBuilder) -> usize {
    let rest = inner.get(at + 1..).unwrap_or("");
    let Some(letter) = rest.chars().next() else { return 1 };
    let simple = match letter {
        '"' => Some('"'),
        '\\' => Some('\\'),
        'n' => Some('\n'),
        't' => Some('\t'),
        _ => None,
    };
    if let Some(character) = simple {
        value.push(character);
        return 2;
    }
    let mut len = 1 + letter.len_utf8();
    if let Some(digits) = rest.strip_prefix("u{")
        && let Some(close) = digits.find('}')
    {
        len = close + 4;
        let digits = digits.get(..close).unwrap_or("");
        let number = (digits.len() <= 6).then(|| u32::from_str_radix(digits, 16).ok()).flatten();
        if let Some(character) = number.and_then(char::from_u32) {
            value.push(character);
            return len;
        }
    }
    let from = start + at as u32;
    let span = Span::new(from, from + len as u32);
    let written = inner.get(at..at + len).unwrap_or("");
    let help = if letter == 'u' {
        "write a character as `\\u{1F600}`: up to six hexadecimal digits".to_owned()
    } else {
        format!(
            "the escapes are `\\\"`, `\\\\`, `\\n`, `\\t` and `\\u{{…}}`; a backslash itself is `\\\\{letter}`"
        )
    };
    build.error_help(Code::BAD_LITERAL, span, format!("`{written}` is no escape"), help);
    len
}

fn inner(quoted: &str) -> &str {
    quoted.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')).unwrap_or("")
}

/// The kind of a number by its unit. The grammar has checked its form.
pub(crate) fn quantity(text: &str) -> LiteralKind {
    let spelled = SmolStr::new(text);
    if let Some(share) = text.strip_suffix('%') {
        LiteralKind::Percent(SmolStr::new(share))
    } else if text.contains('/') {
        LiteralKind::Rate(spelled)
    } else if text.ends_with(|last: char| last.is_ascii_alphabetic()) {
        LiteralKind::Duration(spelled)
    } else if text.contains('.') {
        LiteralKind::Float(spelled)
    } else {
        LiteralKind::Int(spelled)
    }
}

/// `USD 5` with exactly one blank.
pub(crate) fn one_blank(text: &str) -> SmolStr {
    match text.split_once(' ') {
        Some((currency, amount)) if amount.starts_with(' ') => {
            SmolStr::new(format!("{currency} {}", amount.trim_start()))
        }
        _ => SmolStr::new(text),
    }
}

/// A whole number, its underscores left out; none above `i64::MAX`.
pub(crate) fn integer(text: &str) -> Option<u64> {
    let mut value = 0_u64;
    for digit in text.bytes().filter(|byte| *byte != b'_') {
        value = value.checked_mul(10)?.checked_add(u64::from(digit.wrapping_sub(b'0')))?;
    }
    (value <= i64::MAX as u64).then_some(value)
}
