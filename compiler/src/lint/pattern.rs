//! Regular expressions without a literal: nothing can be looked for before the whole machine runs.

use regex_syntax::hir::HirKind;
use weir_dsl::{Code, Diagnostic};

use super::Found;
use crate::hir::{Expr, ExprKind, Hir, TextOp};

/// Lints one match.
pub(super) fn pattern(hir: &Hir, node: &Expr, found: &mut Found) {
    let ExprKind::Matches(_, pattern) = node.kind else { return };
    let Some(pattern) = hir.patterns.get(pattern).filter(|pattern| pattern.op == TextOp::Regex) else {
        return;
    };
    let Ok(syntax) = regex_syntax::Parser::new().parse(&pattern.source) else { return };
    if !has_literal(&syntax) {
        let diagnostic = Diagnostic::new(Code::NO_LITERAL, node.at, "a pattern without a literal")
            .note("every text has to be run through it; with a literal most are told apart at once")
            .help("name a piece that every match contains, or test something cheaper first");
        found.report(diagnostic);
    }
}

/// Whether every match contains some literal. The parser bounds the nesting.
fn has_literal(hir: &regex_syntax::hir::Hir) -> bool {
    match hir.kind() {
        HirKind::Literal(_) => true,
        HirKind::Empty | HirKind::Class(_) | HirKind::Look(_) => false,
        HirKind::Repetition(repetition) => repetition.min > 0 && has_literal(&repetition.sub),
        HirKind::Capture(capture) => has_literal(&capture.sub),
        HirKind::Concat(parts) => parts.iter().any(has_literal),
        HirKind::Alternation(parts) => parts.iter().all(has_literal),
    }
}

#[cfg(test)]
mod tests {
    use super::has_literal;

    #[test]
    fn a_literal_is_in_every_match() {
        let has = |pattern: &str| has_literal(&regex_syntax::Parser::new().parse(pattern).unwrap());
        assert!(has("curl/[0-9.]+"));
        assert!(has("(foo|bar)[a-z]*"));
        assert!(has("[a-z]+x{2}"));
        assert!(!has("[a-z]+"));
        assert!(!has("(foo)?[0-9]"));
        assert!(!has("foo|[0-9]+"));
        assert!(!has(""));
    }
}
