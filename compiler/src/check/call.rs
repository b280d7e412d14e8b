//! Calls: functions (inlined), models and built-in functions.

use std::rc::Rc;

use smol_str::SmolStr;
use weir_dsl::{Code, Diagnostic, Span, ast};

use super::Checker;
use super::name::{Place, PlaceKind};
use crate::env::{Entity, Function, Scope};
use crate::hir::{Builtin, Call, ExprKind};
use crate::ids::*;
use crate::suggest;
use crate::types::Type;

/// Built-in functions: name, and whether they are of `derive` maps alone.
const BUILTINS: [(&str, Builtin, bool); 27] = [
    ("abs", Builtin::Abs, false),
    ("min", Builtin::Min, false),
    ("max", Builtin::Max, false),
    ("length", Builtin::Length, false),
    ("lower", Builtin::Lower, false),
    ("hour", Builtin::Hour, false),
    ("weekday", Builtin::Weekday, false),
    ("log", Builtin::Log, false),
    ("exp", Builtin::Exp, false),
    ("sqrt", Builtin::Sqrt, false),
    ("host", Builtin::Host, false),
    ("number", Builtin::Number, false),
    ("between", Builtin::Between, false),
    ("decoded", Builtin::Decoded, false),
    ("address", Builtin::Address, false),
    ("card_number", Builtin::CardNumber, false),
    ("letter_entropy", Builtin::LetterEntropy, false),
    ("edits", Builtin::Edits, false),
    ("mailbox", Builtin::Mailbox, false),
    ("distance", Builtin::Distance, false),
    ("money", Builtin::Money, true),
    ("body.json", Builtin::BodyJson, true),
    ("body.form", Builtin::BodyForm, true),
    ("query", Builtin::Query, true),
    ("path.segment", Builtin::PathSegment, true),
    ("header", Builtin::Header, true),
    ("cookie", Builtin::Cookie, true),
];

/// The names of the built-in functions, and whether they are of `derive` maps alone.
pub fn builtins() -> impl Iterator<Item = (&'static str, bool)> {
    BUILTINS.iter().map(|(name, _, derive_only)| (*name, *derive_only))
}

/// Whether a built-in function is called so.
pub fn is_builtin(name: &str) -> bool {
    BUILTINS.iter().any(|(known, ..)| *known == name)
}

impl Checker<'_> {
    /// Lowers `name(args)`.
    pub(super) fn call(
        &mut self,
        name: &ast::Name,
        args: &[ast::Expr],
        span: Span,
        want: Option<&Type>,
    ) -> ExprId {
        match self.env.find(self.scope.package, &name.text) {
            Some(Entity::Function(function)) => {
                self.found(name, Ok(()));
                self.inline(function, name, args, span)
            }
            Some(Entity::Model(model)) => {
                self.found(name, Ok(()));
                self.model(model, name, args, span)
            }
            Some(other) => {
                self.found(name, Ok(()));
                let title = format!("`{}` is {}, and cannot be called", name.text, other.kind());
                let help = if matches!(other, Entity::Table(_)) {
                    format!("write `{}[key]`", name.text)
                } else {
                    String::new()
                };
                self.fault(Code::WRONG_KIND, name.span, title, &help);
                self.error(span)
            }
            None => match BUILTINS.iter().find(|(known, ..)| *known == name.text) {
                Some((_, builtin, derive_only)) => {
                    if *derive_only && self.place.kind != PlaceKind::Derive {
                        let title =
                            format!("`{}` reads the exchange, which only a `derive` map sees", name.text);
                        self.fault(Code::BAD_ARGUMENTS, name.span, title, "make it a field of the event");
                        return self.error(span);
                    }
                    self.builtin(*builtin, name, args, span, want)
                }
                None => self.unknown_function(name, args, span),
            },
        }
    }

    fn unknown_function(&mut self, name: &ast::Name, args: &[ast::Expr], span: Span) -> ExprId {
        for arg in args {
            self.expr(arg, None);
        }
        let callable =
            |entity: Option<&Entity>| matches!(entity, Some(Entity::Function(_) | Entity::Model(_)));
        let visible = self
            .env
            .visible(self.scope.package)
            .filter(|(_, entity)| callable(*entity))
            .map(|(name, _)| name);
        let in_derive = self.place.kind == PlaceKind::Derive;
        let builtins =
            BUILTINS.iter().filter(|(.., derive_only)| in_derive || !derive_only).map(|(name, ..)| *name);
        let near = suggest::nearest(&name.text, builtins.chain(visible)).map(SmolStr::from);
        let mut diagnostic = match near {
            None if !self.env.is_faulty_import(self.scope.package, &name.text) => {
                self.env.unknown(self.scope, name, [])
            }
            None => return self.error(span),
            Some(near) => Diagnostic::new(
                Code::UNKNOWN_NAME,
                self.at(name.span),
                format!("unknown function `{}`", name.text),
            )
            .help(format!("did you mean `{near}`?"))
            .fix(
                format!("write `{near}`"),
                self.at(name.span),
                near,
                weir_dsl::Applicability::Suggested,
            ),
        };
        if diagnostic.code == Code::UNKNOWN_NAME {
            diagnostic.title = format!("unknown function `{}`", name.text);
        }
        self.report(diagnostic);
        self.error(span)
    }

    /// Lowers arguments against declared types; nothing when their number is wrong.
    fn arguments(
        &mut self,
        name: &ast::Name,
        args: &[ast::Expr],
        params: &[(SmolStr, Type)],
        span: Span,
    ) -> Option<Vec<ExprId>> {
        if args.len() != params.len() {
            for arg in args {
                self.expr(arg, None);
            }
            let list: Vec<String> = params.iter().map(|(name, ty)| format!("{name}: {ty}")).collect();
            let title =
                format!("`{}` takes {}, not {}", name.text, plural(params.len(), "argument"), args.len());
            self.fault(
                Code::BAD_ARGUMENTS,
                span,
                title,
                &format!("write `{}({})`", name.text, list.join(", ")),
            );
            return None;
        }
        Some(args.iter().zip(params).map(|(arg, (_, ty))| self.expr_of(arg, ty)).collect())
    }

    /// Lowers the body of a function with its arguments in place of its parameters.
    fn inline(&mut self, function: FunctionId, name: &ast::Name, args: &[ast::Expr], span: Span) -> ExprId {
        let env = self.env;
        let Some(function) = env.functions.get(function) else { return self.error(span) };
        let Some(args) = self.arguments(name, args, &function.params, span) else { return self.error(span) };
        if function.recursive || self.exhausted {
            return self.error(span);
        }
        if self.shallow {
            return self.push(ExprKind::Variable(u16::MAX), function.output.clone(), span);
        }
        let names = function.params.iter().map(|(name, _)| name.clone());
        let locals: Rc<[(SmolStr, ExprId)]> = names.zip(args).collect();
        let place = Place { kind: PlaceKind::Body, events: Rc::from([]), locals };
        let scope = Scope { package: &function.package, file: function.at.file };
        let before = std::mem::replace(&mut self.scope, scope);
        self.muted += 1;
        let body = self.at_place(place, |checker| checker.expr_of(&function.body, &function.output));
        self.muted -= 1;
        self.scope = before;
        body
    }

    /// Checks the body of a function with its parameters as variables.
    pub(super) fn function(&mut self, function: &Function) {
        let mut locals = Vec::with_capacity(function.params.len());
        for (position, (name, ty)) in function.params.iter().enumerate() {
            let variable = ExprKind::Variable(u16::try_from(position).unwrap_or(u16::MAX));
            locals.push((name.clone(), self.push(variable, ty.clone(), function.at.span)));
        }
        let place = Place { kind: PlaceKind::Body, events: Rc::from([]), locals: locals.into() };
        self.at_place(place, |checker| checker.expr_of(&function.body, &function.output));
    }

    fn model(&mut self, model: ModelId, name: &ast::Name, args: &[ast::Expr], span: Span) -> ExprId {
        if matches!(self.place.kind, PlaceKind::Body | PlaceKind::Test | PlaceKind::Derive) {
            let title = format!("model `{}` cannot be asked here", name.text);
            self.fault(Code::WRONG_KIND, name.span, title, "give its answer a name with `signal`");
            return self.error(span);
        }
        let env = self.env;
        let Some(declared) = env.declarations.models.get(model) else { return self.error(span) };
        let Some(inputs) = self.arguments(name, args, &declared.inputs, span) else {
            return self.error(span);
        };
        let call = self.hir.calls.push(Call { model, inputs });
        self.push(ExprKind::Call(call), declared.output.clone(), span)
    }

    fn builtin(
        &mut self,
        builtin: Builtin,
        name: &ast::Name,
        args: &[ast::Expr],
        span: Span,
        want: Option<&Type>,
    ) -> ExprId {
        let fixed = |types: &[Type]| -> Vec<(SmolStr, Type)> {
            types.iter().map(|ty| (SmolStr::new_static("x"), ty.clone())).collect()
        };
        let (params, output) = match builtin {
            Builtin::Abs => return self.same_type(builtin, 1, name, args, span, want),
            Builtin::Min | Builtin::Max => return self.same_type(builtin, 2, name, args, span, want),
            Builtin::Length => return self.length(name, args, span),
            Builtin::Lower | Builtin::Host => {
                return self.textual(builtin, &["text"], Type::Text, name, args, span);
            }
            Builtin::Decoded | Builtin::Mailbox => {
                return self.textual(builtin, &["text"], Type::Text, name, args, span);
            }
            Builtin::Number => return self.textual(builtin, &["text"], Type::Int, name, args, span),
            Builtin::Address => return self.textual(builtin, &["text"], Type::Ip, name, args, span),
            Builtin::CardNumber => return self.textual(builtin, &["text"], Type::Bool, name, args, span),
            Builtin::LetterEntropy => return self.textual(builtin, &["text"], Type::Float, name, args, span),
            Builtin::Edits => return self.textual(builtin, &["a", "b"], Type::Int, name, args, span),
            Builtin::Between => {
                return self.textual(builtin, &["text", "left", "right"], Type::Text, name, args, span);
            }
            Builtin::Distance => {
                let degrees = ["north", "east", "north", "east"];
                (degrees.iter().map(|name| (SmolStr::new_static(name), Type::Float)).collect(), Type::Float)
            }
            Builtin::Hour | Builtin::Weekday => (fixed(&[Type::Timestamp]), Type::Int),
            Builtin::Log | Builtin::Exp | Builtin::Sqrt => (fixed(&[Type::Float]), Type::Float),
            Builtin::Money => {
                (vec![("minor".into(), Type::Int), ("currency".into(), Type::Text)], Type::Money)
            }
            Builtin::BodyJson => (vec![("pointer".into(), Type::Text)], Type::Text),
            Builtin::PathSegment => (vec![("number".into(), Type::Int)], Type::Text),
            Builtin::BodyForm | Builtin::Query | Builtin::Header | Builtin::Cookie => {
                (vec![("name".into(), Type::Text)], Type::Text)
            }
        };
        let Some(lowered) = self.arguments(name, args, &params, span) else { return self.error(span) };
        let asks = matches!(
            builtin,
            Builtin::BodyJson
                | Builtin::BodyForm
                | Builtin::Query
                | Builtin::Header
                | Builtin::Cookie
                | Builtin::PathSegment
        );
        if asks && !lowered.iter().all(|arg| self.constant(*arg).is_some()) {
            let title = format!("`{}` needs a constant", name.text);
            self.fault(Code::NOT_CONSTANT, span, title, "write what it asks for in place");
            return self.error(span);
        }
        self.push(ExprKind::Builtin(builtin, lowered), output, span)
    }

    /// `abs`, `min` and `max`: operands and answer are of one ordered type.
    fn same_type(
        &mut self,
        builtin: Builtin,
        arity: usize,
        name: &ast::Name,
        args: &[ast::Expr],
        span: Span,
        want: Option<&Type>,
    ) -> ExprId {
        let (lowered, ty) = match args {
            [only] if arity == 1 => {
                let id = self.expr(only, want);
                (vec![id], self.ty(id))
            }
            [left, right] if arity == 2 => {
                let (a, b) = self.pair(left, right, want);
                let (x, y) = (self.ty(a), self.ty(b));
                let (a, b) = match (&x, &y) {
                    (Type::Int, Type::Float) => (self.of_type(a, &y), b),
                    _ => (a, self.of_type(b, &x)),
                };
                (vec![a, b], self.ty(a))
            }
            _ => {
                let title =
                    format!("`{}` takes {}, not {}", name.text, plural(arity, "argument"), args.len());
                self.fault(Code::BAD_ARGUMENTS, span, title, "");
                return self.error(span);
            }
        };
        let signed = matches!(ty, Type::Int | Type::Float | Type::Duration | Type::Money | Type::Error);
        if !ty.is_ordered() || builtin == Builtin::Abs && !signed {
            self.fault(Code::TYPE_MISMATCH, span, format!("`{}` of {ty} means nothing", name.text), "");
            return self.error(span);
        }
        self.push(ExprKind::Builtin(builtin, lowered), ty, span)
    }

    fn length(&mut self, name: &ast::Name, args: &[ast::Expr], span: Span) -> ExprId {
        let [only] = args else {
            let title = format!("`{}` takes 1 argument, not {}", name.text, args.len());
            self.fault(Code::BAD_ARGUMENTS, span, title, "write `length(x)`");
            return self.error(span);
        };
        let id = self.expr(only, None);
        let ty = self.ty(id);
        if !(ty.is_textual() || matches!(ty, Type::Set(_) | Type::List(_))) {
            self.fault(
                Code::TYPE_MISMATCH,
                only.span,
                format!("{ty} has no length"),
                "text, lists and sets have one",
            );
            return self.error(span);
        }
        self.push(ExprKind::Builtin(Builtin::Length, vec![id]), Type::Int, span)
    }

    /// Functions of text. Identifiers and shapes are opaque: text is what they are made of in `derive`, and no more.
    fn textual(
        &mut self,
        builtin: Builtin,
        params: &[&'static str],
        output: Type,
        name: &ast::Name,
        args: &[ast::Expr],
        span: Span,
    ) -> ExprId {
        let params: Vec<_> = params.iter().map(|name| (SmolStr::new_static(name), Type::Text)).collect();
        let Some(lowered) = self.arguments(name, args, &params, span) else { return self.error(span) };
        self.push(ExprKind::Builtin(builtin, lowered), output, span)
    }
}

/// `1 argument`, `2 arguments`.
pub(super) fn plural(count: usize, noun: &str) -> String {
    if count == 1 { format!("{count} {noun}") } else { format!("{count} {noun}s") }
}
