//! The forms of an expression.
//!
//! Types flow both ways: an operand that has a type of its own (a field, a signal) is looked at first, and the
//! other, if it is a literal or a bare name, takes the type that is wanted of it.

use weir_dsl::ast::{self, ExprKind as Form, TextOp};
use weir_dsl::{Code, Diagnostic, Span};

use super::name::PlaceKind;
use super::{Checker, DEPTH_LIMIT};
use crate::env::Entity;
use crate::hir::{ExprKind, Part, Pattern};
use crate::ids::*;
use crate::types::Type;
use crate::value::Value;

impl Checker<'_> {
    /// Lowers an expression. `want` is the type that literals and bare names take; the result may be of
    /// another type, which the caller reports.
    pub(super) fn expr(&mut self, expr: &ast::Expr, want: Option<&Type>) -> ExprId {
        if self.depth == 0 {
            self.exhausted = false;
        }
        if self.exhausted {
            return self.error(expr.span);
        }
        if self.depth >= DEPTH_LIMIT || self.hir.exprs.len() >= super::NODES_LIMIT {
            return self.too_large(expr.span);
        }
        self.depth += 1;
        let id = self.form(expr, want);
        self.depth -= 1;
        id
    }

    /// Lowers an expression that must be of a type.
    pub(super) fn expr_of(&mut self, expr: &ast::Expr, ty: &Type) -> ExprId {
        let id = self.expr(expr, Some(ty));
        self.of_type(id, ty)
    }

    /// Lowers a condition.
    pub(super) fn condition(&mut self, expr: &ast::Expr) -> ExprId {
        let id = self.expr(expr, Some(&Type::Bool));
        let found = self.ty(id);
        if matches!(found, Type::Bool | Type::Error) {
            return id;
        }
        let title = format!("a condition is needed, and this is {found}");
        let help = if found.is_number() { "compare it with something" } else { "" };
        self.fault(Code::TYPE_MISMATCH, expr.span, title, help);
        self.error(expr.span)
    }

    fn form(&mut self, expr: &ast::Expr, want: Option<&Type>) -> ExprId {
        let span = expr.span;
        let reads = matches!(
            expr.kind,
            Form::Call(..) | Form::Index(..) | Form::In { .. } | Form::Is(..) | Form::TextTest { .. }
        );
        if reads && self.place.kind == PlaceKind::Test {
            let help = "a value is a constant, a variable, arithmetic, a `case` or text with holes";
            self.fault(Code::BAD_TEST, span, "a test asks nothing of the engine", help);
            return self.error(span);
        }
        match &expr.kind {
            Form::Literal(literal) => self.literal(literal, span, want),
            Form::Template(parts) => self.template(parts, span, want),
            Form::Name(text) => self.name(text, span, want),
            Form::Call(name, args) => self.call(name, args, span, want),
            Form::Index(base, key) => self.index(base, key, span),
            Form::Paren(inner) => self.expr(inner, want),
            Form::Array(items) => self.array(items, span, want),
            Form::Case(subject, arms) => self.case(subject, arms, span, want),
            Form::Not(inner) => {
                let inner = self.condition(inner);
                self.push(ExprKind::Not(inner), Type::Bool, span)
            }
            Form::Negate(inner) => self.negate(inner, span, want),
            Form::And(operands) => {
                let operands = operands.iter().map(|operand| self.condition(operand)).collect();
                self.push(ExprKind::And(operands), Type::Bool, span)
            }
            Form::Or(operands) => {
                let operands = operands.iter().map(|operand| self.condition(operand)).collect();
                self.push(ExprKind::Or(operands), Type::Bool, span)
            }
            Form::Compare(op, left, right) => self.compare(*op, left, right, span),
            Form::EqIgnoringCase(left, right) => {
                let left = self.text(left);
                let right = self.text(right);
                self.push(ExprKind::EqIgnoringCase(left, right), Type::Bool, span)
            }
            Form::Arithmetic(op, left, right) => self.arithmetic(*op, left, right, span, want),
            Form::Fallback(left, right) => self.fallback(left, right, span, want),
            Form::In { needle, haystack, negated } => {
                let found = self.membership(needle, haystack, span);
                self.negated(found, *negated, span)
            }
            Form::Is(subject, state, negated) => {
                let found = self.state_test(subject, state, span);
                self.negated(found, *negated, span)
            }
            Form::TextTest { op, subject, pattern, negated } => {
                let found = self.text_test(*op, subject, pattern, span);
                self.negated(found, *negated, span)
            }
        }
    }

    fn negated(&mut self, inner: ExprId, negated: bool, span: Span) -> ExprId {
        if negated { self.push(ExprKind::Not(inner), Type::Bool, span) } else { inner }
    }

    /// Whether a form takes its type from what stands on the other side.
    pub(super) fn is_flexible(&self, expr: &ast::Expr) -> bool {
        let mut expr = expr;
        loop {
            match &expr.kind {
                Form::Paren(inner) | Form::Negate(inner) => expr = inner,
                Form::Literal(_) | Form::Template(_) => return true,
                Form::Name(text) => return !self.is_value_name(text),
                Form::Array(items) => return items.iter().all(|item| self.is_plainly_flexible(item)),
                Form::Case(_, arms) => return arms.iter().all(|arm| self.is_plainly_flexible(&arm.value)),
                _ => return false,
            }
        }
    }

    /// The same without looking into arrays and cases again.
    fn is_plainly_flexible(&self, expr: &ast::Expr) -> bool {
        match &expr.kind {
            Form::Literal(_) | Form::Template(_) => true,
            Form::Name(text) => !self.is_value_name(text),
            _ => false,
        }
    }

    /// Lowers two operands, the one that has a type of its own first.
    pub(super) fn pair(
        &mut self,
        left: &ast::Expr,
        right: &ast::Expr,
        want: Option<&Type>,
    ) -> (ExprId, ExprId) {
        let variant_first = match (&left.kind, &right.kind) {
            (Form::Name(left), Form::Name(right)) => self.is_variant_of(left, right),
            _ => false,
        };
        if variant_first || self.is_flexible(left) && !self.is_flexible(right) {
            let right = self.expr(right, want);
            let ty = self.ty(right);
            (self.expr(left, Some(&ty)), right)
        } else {
            let left = self.expr(left, want);
            let ty = self.ty(left);
            let right = self.expr(right, Some(&ty));
            (left, right)
        }
    }

    fn negate(&mut self, inner: &ast::Expr, span: Span, want: Option<&Type>) -> ExprId {
        let id = self.expr(inner, want);
        let ty = self.ty(id);
        match ty {
            Type::Int | Type::Float | Type::Duration | Type::Money | Type::Error => {
                self.push(ExprKind::Negate(id), ty, span)
            }
            _ => {
                self.fault(Code::TYPE_MISMATCH, span, format!("{ty} has no negative"), "");
                self.error(span)
            }
        }
    }

    /// A text operand.
    fn text(&mut self, expr: &ast::Expr) -> ExprId {
        let id = self.expr(expr, Some(&Type::Text));
        let ty = self.ty(id);
        if ty.is_textual() {
            return id;
        }
        let title = format!("text is needed, and this is {ty}");
        self.fault(Code::TYPE_MISMATCH, expr.span, title, "");
        self.error(expr.span)
    }

    fn text_test(&mut self, op: TextOp, subject: &ast::Expr, pattern: &ast::Expr, span: Span) -> ExprId {
        let subject = self.text(subject);
        if !matches!(op, TextOp::Glob | TextOp::Regex) {
            let pattern = self.text(pattern);
            return self.push(ExprKind::TextTest(op, subject, pattern), Type::Bool, span);
        }
        let Form::Literal(ast::LiteralKind::Text(source)) = &pattern.kind else {
            self.fault(
                Code::NOT_CONSTANT,
                pattern.span,
                "a pattern is written in place",
                "write a quoted pattern",
            );
            return self.error(span);
        };
        match pattern_of(op, source) {
            Ok(regex) => {
                let id = self.hir.patterns.push(Pattern { op, source: source.clone(), regex });
                self.push(ExprKind::Matches(subject, id), Type::Bool, span)
            }
            Err(error) => {
                let diagnostic = Diagnostic::new(
                    Code::BAD_PATTERN,
                    self.at(pattern.span),
                    "pattern that cannot be compiled",
                );
                let diagnostic = match error {
                    regex::Error::CompiledTooBig(limit) => diagnostic
                        .note(format!("it needs more than {limit} bytes"))
                        .help("bound its repetitions"),
                    other => {
                        let text = other.to_string();
                        let why =
                            text.lines().last().unwrap_or_default().trim_start_matches("error: ").to_owned();
                        let beyond = why.contains("not supported");
                        let diagnostic = diagnostic.note(why);
                        if beyond {
                            diagnostic.help("a pattern takes linear time; write it without")
                        } else {
                            diagnostic
                        }
                    }
                };
                self.report(diagnostic);
                self.error(span)
            }
        }
    }

    fn index(&mut self, base: &ast::Expr, key: &ast::Expr, span: Span) -> ExprId {
        let Form::Name(text) = &base.kind else {
            self.fault(Code::WRONG_KIND, base.span, "only tables are looked up in", "write `table[key]`");
            return self.error(span);
        };
        let name = ast::Name { text: text.clone(), span: base.span };
        let result = self.env.table(self.scope, &name);
        let Some(table) = self.found(&name, result) else { return self.error(span) };
        let Some((of, value)) =
            self.hir.declarations.tables.get(table).map(|table| (table.key.clone(), table.value.clone()))
        else {
            return self.error(span);
        };
        let key = self.expr(key, Some(&of));
        let found = self.ty(key);
        // Tables are keyed by text; an identifier may be looked up in one as it is written.
        let key = if of == Type::Text && found.is_textual() { key } else { self.of_type(key, &of) };
        self.push(ExprKind::Lookup(table, key), value, span)
    }

    fn array(&mut self, items: &[ast::Expr], span: Span, want: Option<&Type>) -> ExprId {
        let member = match want {
            Some(Type::Set(member) | Type::List(member)) => Some((**member).clone()),
            _ => None,
        };
        if items.len() > ARRAY_LIMIT {
            let title = format!("{} values written in place; at most {ARRAY_LIMIT}", items.len());
            self.fault(Code::TOO_LARGE, span, title, "declare a `list`");
            return self.error(span);
        }
        let mut ty = member.clone();
        let mut ids = Vec::with_capacity(items.len());
        for item in items {
            let id = self.expr(item, ty.as_ref());
            ids.push(match &ty {
                Some(ty) => self.of_type(id, ty),
                None => {
                    ty = Some(self.ty(id));
                    id
                }
            });
        }
        let of = Box::new(ty.unwrap_or(Type::Error));
        let ty = if matches!(want, Some(Type::Set(_))) { Type::Set(of) } else { Type::List(of) };
        self.push(ExprKind::Array(ids), ty, span)
    }

    fn case(&mut self, subject: &ast::Expr, arms: &[ast::Arm], span: Span, want: Option<&Type>) -> ExprId {
        let subject = self.expr(subject, None);
        let of = self.ty(subject);
        let mut ty = want.filter(|want| **want != Type::Error).cloned();
        let mut lowered = Vec::with_capacity(arms.len());
        for arm in arms {
            let pattern = arm.pattern.as_ref().map(|pattern| {
                let id = self.expr(pattern, Some(&of));
                self.of_type(id, &of)
            });
            let value = self.expr(&arm.value, ty.as_ref());
            let found = self.ty(value);
            let value = match &ty {
                Some(Type::Int) if found == Type::Float && want.is_none() => value,
                Some(ty) => self.of_type(value, ty),
                None => {
                    ty = Some(found);
                    value
                }
            };
            lowered.push((pattern, value));
        }
        self.push(ExprKind::Case(subject, lowered), ty.unwrap_or(Type::Error), span)
    }

    /// A string with holes, in tests.
    fn template(&mut self, parts: &[ast::BecausePart], span: Span, want: Option<&Type>) -> ExprId {
        let parts = self.parts(parts);
        let id = self.push(ExprKind::Template(parts), Type::Text, span);
        match want {
            None | Some(Type::Text | Type::Error) => id,
            Some(
                Type::Enum(_)
                | Type::Ip
                | Type::Cidr
                | Type::Country
                | Type::Id(_)
                | Type::Fingerprint
                | Type::Asn,
            ) => {
                let ty = want.cloned().unwrap_or(Type::Text);
                self.push(ExprKind::Convert(id), ty, span)
            }
            Some(_) => id,
        }
    }

    /// Text and holes of a `because` or a template.
    pub(super) fn parts(&mut self, parts: &[ast::BecausePart]) -> Vec<Part> {
        let mut lowered = Vec::with_capacity(parts.len());
        for part in parts {
            lowered.push(match part {
                ast::BecausePart::Text(text) => Part::Text(text.clone()),
                ast::BecausePart::Hole(expr) => Part::Value(self.expr(expr, None)),
            });
        }
        lowered
    }

    /// `needle in haystack`.
    fn membership(&mut self, needle: &ast::Expr, haystack: &ast::Expr, span: Span) -> ExprId {
        if let Form::Name(text) = &haystack.kind {
            let is_event = matches!(&needle.kind, Form::Name(name) if name == "event");
            if is_event && self.place.kind == PlaceKind::Rule && self.members.is_cohort(text) {
                return match self.cohort_here(text, haystack.span) {
                    Some(cohort) => self.push(ExprKind::InCohort(cohort), Type::Bool, span),
                    None => self.error(span),
                };
            }
            let name = ast::Name { text: text.clone(), span: haystack.span };
            if let Some(Entity::List(list)) = self.env.find(self.scope.package, text) {
                self.found(&name, Ok(()));
                if self.is_value_name(text) {
                    let title = format!("`{text}` is a list and a name of something else");
                    self.fault(Code::AMBIGUOUS_NAME, haystack.span, title, "give one of them another name");
                }
                return self.in_list(needle, list, span);
            }
            if self.members.is_cohort(text) {
                self.fault(
                    Code::WRONG_KIND,
                    needle.span,
                    "only the event can be in a cohort",
                    &format!("write `event in {text}`"),
                );
                return self.error(span);
            }
            if !self.is_value_name(text) {
                let result = self.env.list(self.scope, &name);
                // `event` names no value: it was meant to be in a cohort.
                if self.found(&name, result.map(|_| ())).is_none() && !is_event {
                    self.expr(needle, None);
                }
                return self.error(span);
            }
        }
        self.in_set(needle, haystack, span)
    }

    fn in_list(&mut self, needle: &ast::Expr, list: ListId, span: Span) -> ExprId {
        let member = self.hir.declarations.lists.get(list).map_or(Type::Error, |list| list.member.clone());
        let of = match &member {
            Type::Cidr => Type::Ip,
            Type::Pattern => Type::Text,
            member => member.clone(),
        };
        let id = self.expr(needle, Some(&of));
        if !self.belongs(&self.ty(id), &member) {
            let title = format!("{} in a set of {member}", self.ty(id));
            let diagnostic = Diagnostic::new(Code::TYPE_MISMATCH, self.at(needle.span), title)
                .label(self.ty(id).to_string());
            let at =
                self.hir.declarations.lists.get(list).map(|list| (list.named.at, list.named.name.clone()));
            let diagnostic = match at {
                Some((at, name)) => diagnostic.also(at, format!("`{name}` is a set of {member}")),
                None => diagnostic,
            };
            self.report(diagnostic);
        }
        self.push(ExprKind::InList(id, list), Type::Bool, span)
    }

    fn in_set(&mut self, needle: &ast::Expr, haystack: &ast::Expr, span: Span) -> ExprId {
        let written = matches!(&haystack.kind, Form::Array(_));
        let (needle_id, haystack_id) = if written {
            let id = self.expr(needle, None);
            // Ranges may be written among addresses.
            let member = match (self.ty(id), &haystack.kind) {
                (Type::Ip, Form::Array(items)) if items.iter().any(is_range) => Type::Cidr,
                (ty, _) => ty,
            };
            (id, self.expr(haystack, Some(&Type::Set(Box::new(member)))))
        } else {
            let haystack = self.expr(haystack, None);
            let member = match self.ty(haystack) {
                Type::Set(member) | Type::List(member) => Some(*member),
                _ => None,
            };
            (self.expr(needle, member.as_ref()), haystack)
        };
        let (of, found) = (self.ty(needle_id), self.ty(haystack_id));
        match &found {
            Type::Error => return self.error(span),
            Type::Set(member) | Type::List(member) if self.belongs(&of, member) => {}
            Type::Set(member) | Type::List(member) => {
                let title = format!("{of} in a set of {member}");
                let diagnostic = Diagnostic::new(Code::TYPE_MISMATCH, self.at(span), title)
                    .also(self.at(needle.span), of.to_string())
                    .also(self.at(haystack.span), found.to_string());
                self.report(diagnostic);
                return self.error(span);
            }
            Type::Cidr if of == Type::Ip => {
                let list =
                    self.push(ExprKind::Array(vec![haystack_id]), Type::Set(Box::new(Type::Cidr)), span);
                return self.push(ExprKind::InSet(needle_id, list), Type::Bool, span);
            }
            other => {
                let help = if other.is_textual() { "to look inside text, write `contains`" } else { "" };
                self.fault(Code::TYPE_MISMATCH, haystack.span, format!("{other} has no members"), help);
                return self.error(span);
            }
        }
        self.push(ExprKind::InSet(needle_id, haystack_id), Type::Bool, span)
    }

    /// Whether values of a type can be members of a set: of the same type, addresses among ranges, or text
    /// among patterns.
    pub(super) fn belongs(&self, value: &Type, member: &Type) -> bool {
        value == member
            || matches!((value, member), (Type::Error, _) | (_, Type::Error) | (Type::Ip, Type::Cidr))
            || *member == Type::Pattern && value.is_textual()
    }

    /// `x is …`, without its negation.
    fn state_test(&mut self, subject: &ast::Expr, state: &ast::State, span: Span) -> ExprId {
        match state {
            ast::State::Known | ast::State::Missing => {
                let id = self.expr(subject, None);
                let known = self.push(ExprKind::IsKnown(id), Type::Bool, span);
                self.negated(known, *state == ast::State::Missing, span)
            }
            ast::State::Active => {
                let Some(name) = plain_name(subject) else {
                    self.fault(Code::WRONG_KIND, subject.span, "only a schedule can be active", "");
                    return self.error(span);
                };
                if self.env.find(self.scope.package, &name.text).is_none() && self.is_value_name(&name.text) {
                    let title = format!("`{}` is a value, not a schedule", name.text);
                    self.fault(Code::WRONG_KIND, name.span, title, "only a schedule can be active");
                    return self.error(span);
                }
                let result = self.env.schedule(self.scope, &name);
                match self.found(&name, result) {
                    Some(schedule) => self.push(ExprKind::ScheduleActive(schedule), Type::Bool, span),
                    None => self.error(span),
                }
            }
            ast::State::Tagged(tag) => {
                let key = self.key_of(subject);
                let result = self.env.tag(self.scope, tag);
                match (key, self.found(tag, result)) {
                    (Some(key), Some(tag)) => self.push(ExprKind::Tagged(key, tag), Type::Bool, span),
                    _ => self.error(span),
                }
            }
            ast::State::New(key, window) => self.is_new(subject, key, window, span),
        }
    }
}

/// The most values of an array written in place.
const ARRAY_LIMIT: usize = 1_024;
/// The most memory of a compiled pattern, in bytes.
const PATTERN_BYTES: usize = 1 << 20;

/// The name that an expression is, parentheses aside.
pub(super) fn plain_name(expr: &ast::Expr) -> Option<ast::Name> {
    let mut expr = expr;
    while let Form::Paren(inner) = &expr.kind {
        expr = inner;
    }
    match &expr.kind {
        Form::Name(text) => Some(ast::Name { text: text.clone(), span: expr.span }),
        _ => None,
    }
}

fn is_range(expr: &ast::Expr) -> bool {
    matches!(&expr.kind, Form::Literal(ast::LiteralKind::Text(text)) if text.contains('/'))
}

/// A pattern, compiled under the bounds of the language.
///
/// # Errors
/// When it is none, or too large.
pub(crate) fn pattern_of(op: TextOp, source: &str) -> Result<regex::Regex, regex::Error> {
    let written = if op == TextOp::Glob { glob(source) } else { source.to_owned() };
    regex::RegexBuilder::new(&written).size_limit(PATTERN_BYTES).nest_limit(64).build()
}

/// A glob as a regular expression over the whole text: `*` stops at `/`, `**` does not, `?` is one character
/// but `/`, everything else is itself.
fn glob(pattern: &str) -> String {
    let mut regex = String::with_capacity(pattern.len() + 16);
    regex.push_str("(?s)^");
    let mut letters = pattern.chars().peekable();
    while let Some(letter) = letters.next() {
        match letter {
            '*' if letters.next_if_eq(&'*').is_some() => regex.push_str(".*"),
            '*' => regex.push_str("[^/]*"),
            '?' => regex.push_str("[^/]"),
            other => regex.push_str(&regex_syntax::escape(other.encode_utf8(&mut [0; 4]))),
        }
    }
    regex.push('$');
    regex
}

/// A constant number.
pub(super) fn as_number(value: &Value) -> Option<f64> {
    match value {
        Value::Int(value) => Some(*value as f64),
        Value::Float(value) => Some(*value),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::glob;

    fn matches(pattern: &str, text: &str) -> bool {
        regex::Regex::new(&glob(pattern)).unwrap().is_match(text)
    }

    #[test]
    fn globs_match_whole_texts_and_stop_at_slashes() {
        assert!(matches("/api/v*/login", "/api/v2/login"));
        assert!(matches("/api/v*/login", "/api/v/login"));
        assert!(!matches("/api/v*/login", "/api/v2/x/login"));
        assert!(!matches("/api/v*/login", "/api/v2/login/x"));
        assert!(matches("/files/**", "/files/a/b"));
        assert!(matches("/a?c", "/abc"));
        assert!(!matches("/a?c", "/a/c"));
        assert!(matches("a.b+(c)", "a.b+(c)"));
        assert!(!matches("a.b", "axb"));
        assert!(matches("a**", "a\nb"));
    }
}
