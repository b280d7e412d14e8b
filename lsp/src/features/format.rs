//! The formatter's layout as edits: of a document, of a range, of what a key just ended.

use serde_json::{Value, json};
use weir_dsl::Span;

use crate::protocol::Here;

/// Edits that bring the lines of a range into the formatter's layout; nothing for a text with errors.
pub(super) fn range(here: &Here<'_>) -> Value {
    edits(here, here.span)
}

/// The block that a `}` ended, or the line above a new one.
pub(super) fn on_type(here: &Here<'_>) -> Value {
    let text = here.document.text.as_str();
    let before = text.get(..here.at as usize).unwrap_or("");
    let span = if before.ends_with('}') {
        let close = here.at - 1;
        let open = super::shape::braces(text)
            .into_iter()
            .find(|(_, end)| *end == close)
            .map_or(close, |(open, _)| open);
        let line = here.document.text.line(here.document.text.position(open).line);
        Span::new(line.start, here.at)
    } else {
        let line = here.document.text.position(here.at).line.saturating_sub(1);
        here.document.text.line(line)
    };
    edits(here, span)
}

fn edits(here: &Here<'_>, within: Span) -> Value {
    let text = here.document.text.as_str();
    let Ok(formatted) = weir_dsl::format::format(text) else { return Value::Null };
    let changes = changed_lines(text, &formatted);
    let inside = changes.into_iter().filter(|(span, _)| span.start <= within.end && within.start <= span.end);
    inside.map(|(span, new)| json!({ "range": here.range(span), "newText": new })).collect()
}

/// How to make `new` of `old`: runs of lines to replace, in order. The formatter keeps every token in its order, so lines are
/// paired by the tokens they begin with: cheap, and never wrong, for the runs between the pairs are replaced whole.
fn changed_lines<'n>(old: &str, new: &'n str) -> Vec<(Span, &'n str)> {
    let old_lines: Vec<&str> = old.split_inclusive('\n').collect();
    let new_lines: Vec<&'n str> = new.split_inclusive('\n').collect();
    let mut out = Vec::new();
    let (mut a, mut b) = (0, 0);
    let (mut at, mut to) = (0_usize, 0_usize);
    while a < old_lines.len() || b < new_lines.len() {
        if let (Some(left), Some(right)) = (old_lines.get(a), new_lines.get(b))
            && left == right
        {
            at += left.len();
            to += right.len();
            (a, b) = (a + 1, b + 1);
            continue;
        }
        let (skip_a, skip_b) =
            meeting(old_lines.get(a..).unwrap_or_default(), new_lines.get(b..).unwrap_or_default());
        let gone: usize = old_lines.iter().skip(a).take(skip_a).map(|line| line.len()).sum();
        let come: usize = new_lines.iter().skip(b).take(skip_b).map(|line| line.len()).sum();
        let text = new.get(to..to + come).unwrap_or("");
        out.push((Span::new(at as u32, (at + gone) as u32), text));
        (a, b) = (a + skip_a, b + skip_b);
        (at, to) = (at + gone, to + come);
    }
    out
}

/// How many lines to leave on each side until both go on with the same line; all of them when they never do.
fn meeting(old: &[&str], new: &[&str]) -> (usize, usize) {
    const FAR: usize = 200;
    for sum in 1..FAR {
        for a in 0..=sum.min(old.len()) {
            let b = sum - a;
            if let (Some(left), Some(right)) = (old.get(a), new.get(b))
                && left == right
                && !left.trim().is_empty()
            {
                return (a, b);
            }
        }
    }
    (old.len(), new.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_edits_make_the_new_text() {
        let cases = [
            ("a\nb\nc\n", "a\nB\nc\n"),
            ("", "x\n"),
            ("a\nb\n", ""),
            ("a\n\n\nb", "a\n\nb\n"),
            ("x\ny\nz\n", "q\nx\ny\ny2\nz\n"),
        ];
        for (old, new) in cases {
            let edits: Vec<weir_dsl::Edit> = changed_lines(old, new)
                .into_iter()
                .map(|(span, text)| weir_dsl::Edit { file: weir_dsl::FileId(0), span, text: text.to_owned() })
                .collect();
            assert_eq!(weir_dsl::fix::apply(old, &edits).unwrap(), new, "{old:?}");
        }
    }
}
