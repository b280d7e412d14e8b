//! Applying fixes.

use proptest::prelude::*;
use weir_dsl::fix::{EditError, apply, choose};
use weir_dsl::{Applicability, Code, Diagnostic, Edit, FileId, FileSpan, Fix, Span};

const FILE: FileId = FileId(0);

fn edit(start: u32, end: u32, text: &str) -> Edit {
    Edit { file: FILE, span: Span::new(start, end), text: text.into() }
}

fn diagnostic(edits: Vec<Edit>, applicability: Applicability) -> Diagnostic {
    let at = FileSpan { file: FILE, span: Span::at(0) };
    let mut diagnostic = Diagnostic::new(Code::SYNTAX, at, "t");
    diagnostic.fix = Some(Fix { title: "f".into(), edits, applicability });
    diagnostic
}

#[test]
fn edits_apply_in_any_order() {
    assert_eq!(apply("abcdef", &[]).unwrap(), "abcdef");
    assert_eq!(apply("abcdef", &[edit(4, 6, "X"), edit(0, 1, "yy")]).unwrap(), "yybcdX");
    assert_eq!(apply("abc", &[edit(3, 3, "!"), edit(0, 0, "¡")]).unwrap(), "¡abc!");
    assert_eq!(apply("abc", &[edit(1, 2, ""), edit(2, 3, "C")]).unwrap(), "aC");
    assert_eq!(apply("ab", &[edit(1, 1, "1"), edit(1, 1, "2")]).unwrap(), "a12b");
}

#[test]
fn bad_edits_are_refused() {
    let (a, b) = (edit(0, 3, "x"), edit(2, 4, "y"));
    assert_eq!(apply("abcdef", &[b, a]), Err(EditError::Overlap(Span::new(0, 3), Span::new(2, 4))));
    assert_eq!(apply("abc", &[edit(2, 4, "")]), Err(EditError::OutOfRange(Span::new(2, 4))));
    assert_eq!(apply("abc", &[edit(2, 1, "")]), Err(EditError::OutOfRange(Span::new(2, 1))));
    assert_eq!(apply("é", &[edit(1, 2, "")]), Err(EditError::OutOfRange(Span::new(1, 2))));
    assert!(apply("abc", &[edit(0, 2, ""), edit(0, 2, "")]).is_err());
}

#[test]
fn fixes_are_taken_whole_and_the_first_wins() {
    use Applicability::{Automatic, Suggested};
    let diagnostics = [
        diagnostic(vec![edit(0, 2, "a"), edit(6, 8, "b")], Automatic),
        diagnostic(vec![edit(3, 4, "c"), edit(7, 9, "d")], Automatic),
        diagnostic(vec![edit(3, 4, "e")], Suggested),
        diagnostic(vec![edit(0, 2, "a"), edit(6, 8, "b")], Automatic),
        diagnostic(vec![edit(0, 2, "a"), edit(1, 2, "b")], Automatic),
    ];
    let chosen = choose(&diagnostics, false);
    assert_eq!((chosen.fixes, chosen.postponed), (1, 1));
    assert_eq!(apply("0123456789", &chosen.edits[&FILE]).unwrap(), "a2345b89");
    let all = choose(&diagnostics, true);
    assert_eq!((all.fixes, all.postponed), (2, 1));
    assert_eq!(apply("0123456789", &all.edits[&FILE]).unwrap(), "a2e45b89");
}

proptest! {
    /// Whatever is chosen can be applied, and changes nothing outside the chosen ranges.
    #[test]
    fn chosen_fixes_apply(
        fixes in prop::collection::vec(prop::collection::vec((0u32..40, 0u32..5, "[A-Z]{0,3}"), 1..4), 0..12),
    ) {
        let text = "0123456789".repeat(5);
        let diagnostics: Vec<Diagnostic> = fixes
            .into_iter()
            .map(|edits| edits.into_iter().map(|(at, len, text)| edit(at, at + len, &text)).collect())
            .map(|edits| diagnostic(edits, Applicability::Automatic))
            .collect();
        let chosen = choose(&diagnostics, false);
        prop_assert!(chosen.fixes + chosen.postponed <= diagnostics.len());
        for edits in chosen.edits.values() {
            let out = apply(&text, edits).unwrap();
            let removed: u32 = edits.iter().map(|edit| edit.span.len()).sum();
            let digits = out.chars().filter(char::is_ascii_digit).count();
            prop_assert_eq!(digits, text.len() - removed as usize);
        }
    }
}
