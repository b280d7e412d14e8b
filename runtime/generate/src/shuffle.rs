//! The same rule set in another order: operands of `and` and `or`, members of policies, items of the file.

use weir_dsl::ast::{Expr, ExprKind, ItemKind, MemberKind};
use weir_dsl::{FileId, Span};

use crate::choice::random;

/// Reorders what has no order. Texts that do not parse come back as they are.
pub fn shuffle(text: &str, seed: u64) -> String {
    let (file, faults) = weir_dsl::parse(FileId::default(), text);
    if !faults.is_empty() {
        return text.to_owned();
    }
    let mut shuffler = Shuffler { text, seed };
    let mut items: Vec<(Span, String, bool)> = Vec::new();
    for item in &file.items {
        let (printed, movable) = match &item.kind {
            ItemKind::Policy(policy) => {
                let members: Vec<(Span, String, bool)> = policy
                    .members
                    .iter()
                    .map(|member| match &member.kind {
                        MemberKind::Rule(rule) => {
                            (member.span, shuffler.around(member.span, &[&rule.when]), true)
                        }
                        _ => (member.span, shuffler.slice(member.span).to_owned(), false),
                    })
                    .collect();
                (shuffler.permuted(item.span, members), true)
            }
            _ => (shuffler.slice(item.span).to_owned(), false),
        };
        items.push((item.span, printed, movable));
    }
    let whole = Span { start: 0, end: text.len() as u32 };
    shuffler.permuted(whole, items)
}

struct Shuffler<'t> {
    text: &'t str,
    seed: u64,
}

impl<'t> Shuffler<'t> {
    fn slice(&self, span: Span) -> &'t str {
        &self.text[span.start as usize..span.end as usize]
    }

    /// A permutation (Fisher and Yates) of so many.
    fn order(&mut self, count: usize) -> Vec<usize> {
        let mut order: Vec<usize> = (0..count).collect();
        for at in (1..count).rev() {
            order.swap(at, (random(&mut self.seed) % (at as u64 + 1)) as usize);
        }
        order
    }

    /// The text of `whole` with `parts` in it, the movable ones among each other's places.
    fn permuted(&mut self, whole: Span, parts: Vec<(Span, String, bool)>) -> String {
        let movable: Vec<usize> = (0..parts.len()).filter(|at| parts[*at].2).collect();
        let order = self.order(movable.len());
        let mut place: Vec<usize> = (0..parts.len()).collect();
        for (to, from) in order.into_iter().enumerate() {
            place[movable[to]] = movable[from];
        }
        let mut out = String::new();
        let mut at = whole.start;
        for (nth, (span, ..)) in parts.iter().enumerate() {
            out.push_str(self.slice(Span { start: at, end: span.start }));
            out.push_str(&parts[place[nth]].1);
            at = span.end;
        }
        out.push_str(self.slice(Span { start: at, end: whole.end }));
        out
    }

    /// The text of a span in which some expressions are reordered, in their order.
    fn around(&mut self, whole: Span, inside: &[&Expr]) -> String {
        let parts = inside.iter().map(|expr| (expr.span, self.expr(expr), false)).collect();
        self.permuted(whole, parts)
    }

    fn expr(&mut self, expr: &Expr) -> String {
        match &expr.kind {
            ExprKind::And(operands) | ExprKind::Or(operands) => {
                let parts = operands.iter().map(|operand| (operand.span, self.expr(operand), true)).collect();
                self.permuted(expr.span, parts)
            }
            ExprKind::Paren(inner) | ExprKind::Not(inner) => self.around(expr.span, &[inner]),
            _ => self.slice(expr.span).to_owned(),
        }
    }
}
