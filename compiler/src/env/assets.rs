//! Lists, tables, models, functions, decoys, schedules and fingerprints.

use std::sync::Arc;

use weir_dsl::ast::{self, ExprKind, LiteralKind, Verb};
use weir_dsl::{Code, Diagnostic, FileSpan, Span};

use super::build::at;
use super::types::{resolve_list, resolve_present};
use super::{Env, Function, Scope};
use crate::hir::{Declarations, Decoy, Fingerprint, List, Model, Named, Rate, Schedule, Source, Table};
use crate::ids::*;
use crate::literal::{self, Misfit};
use crate::suggest;
use crate::types::Type;
use crate::value::Value;

/// Where declarations go.
pub(super) struct Out<'a> {
    /// Where they are written.
    pub(super) scope: Scope<'a>,
    /// What is declared.
    pub(super) declarations: &'a mut Declarations,
    /// What is wrong with it.
    pub(super) diagnostics: &'a mut Vec<Diagnostic>,
}

impl Out<'_> {
    fn report(&mut self, code: Code, span: Span, title: impl Into<String>) -> &mut Diagnostic {
        let place = FileSpan { file: self.scope.file, span };
        let at = self.diagnostics.len();
        self.diagnostics.push(Diagnostic::new(code, place, title));
        #[expect(clippy::indexing_slicing, reason = "pushed in the line before")]
        &mut self.diagnostics[at]
    }
}

pub(super) fn named(name: &ast::Name, scope: Scope<'_>) -> Named {
    Named { name: name.text.clone(), package: scope.package.into(), at: at(scope.file, name) }
}

pub(super) fn list(list: &ast::List, out: &mut Out<'_>) -> ListId {
    let member = match resolve_list(&list.ty, out.scope.file, out.diagnostics) {
        Type::Set(member) => *member,
        Type::Error => Type::Error,
        other => {
            let title = format!("a list is a `set<T>`, not `{other}`");
            out.report(Code::TYPE_MISMATCH, list.ty.span, title).help = match &other {
                Type::List(of) => Some(format!("write `set<{of}>`")),
                Type::Map(..) => Some("write `table name: map<K, V> from \"file\"`".to_owned()),
                _ => Some(format!("write `set<{other}>`")),
            };
            Type::Error
        }
    };
    let source = match &list.source {
        ast::ListSource::File(file) => Source::File(file.value.clone()),
        ast::ListSource::Values(values) => {
            Source::Values(values.iter().filter_map(|expr| member_value(expr, &member, out)).collect())
        }
    };
    out.declarations.lists.push(List { named: named(&list.name, out.scope), member, source })
}

/// A member written in place: a literal, `-` and a literal, or a variant.
fn member_value(expr: &ast::Expr, ty: &Type, out: &mut Out<'_>) -> Option<Value> {
    if *ty == Type::Error {
        return None;
    }
    let value = match &expr.kind {
        ExprKind::Literal(literal) => literal::value_of(literal, ty),
        ExprKind::Paren(inner) => return member_value(inner, ty, out),
        ExprKind::Name(text) if matches!(ty, Type::Enum(_)) => literal::of_text(text, ty),
        ExprKind::Negate(inner) => match &inner.kind {
            ExprKind::Literal(LiteralKind::Int(digits)) if *ty == Type::Int => {
                literal::value_of(&LiteralKind::Int(format!("-{digits}").into()), ty)
            }
            ExprKind::Literal(literal) => literal::value_of(literal, ty).and_then(negate),
            _ => return not_constant(expr, out),
        },
        _ => return not_constant(expr, out),
    };
    match value {
        Ok(value) => Some(value),
        Err(misfit) => {
            let code = match (&misfit, ty) {
                (Misfit::Value(_), Type::Enum(_)) => Code::UNKNOWN_VARIANT,
                (Misfit::Value(_), _) => Code::OUT_OF_RANGE,
                (Misfit::Type(_), _) => Code::TYPE_MISMATCH,
            };
            out.report(code, expr.span, misfit.title(ty));
            None
        }
    }
}

fn negate(value: Value) -> Result<Value, Misfit> {
    match value {
        Value::Float(value) => Ok(Value::Float(-value)),
        Value::Duration(value) => Ok(Value::Duration(-value)),
        Value::Money(value, currency) => Ok(Value::Money(-value, currency)),
        _ => Err(Misfit::Value("this cannot be negative".to_owned())),
    }
}

fn not_constant<T>(expr: &ast::Expr, out: &mut Out<'_>) -> Option<T> {
    out.report(Code::NOT_CONSTANT, expr.span, "a list's members are constants");
    None
}

pub(super) fn table(table: &ast::Table, out: &mut Out<'_>) -> TableId {
    let (key, value) = match resolve_present(&table.ty, out.scope.file, out.diagnostics) {
        Type::Map(key, value) => (*key, *value),
        Type::Error => (Type::Error, Type::Error),
        other => {
            let title = format!("a table is a `map<K, V>`, not `{other}`");
            out.report(Code::TYPE_MISMATCH, table.ty.span, title);
            (Type::Error, Type::Error)
        }
    };
    let findable = matches!(
        key,
        Type::Text
            | Type::Id(_)
            | Type::Fingerprint
            | Type::Int
            | Type::Asn
            | Type::Country
            | Type::Ip
            | Type::Enum(_)
            | Type::Error
    );
    if !findable {
        let title = format!("a table cannot be looked up by `{key}`");
        out.report(Code::TYPE_MISMATCH, table.ty.span, title).notes.push(
            "keys are text, identifiers, integers, networks, countries, addresses or variants".to_owned(),
        );
    }
    let named = named(&table.name, out.scope);
    out.declarations.tables.push(Table { named, key, value, file: table.file.value.clone() })
}

pub(super) fn model(model: &ast::Model, out: &mut Out<'_>) -> ModelId {
    let inputs = parameters(&model.inputs, out);
    let output = resolve_present(&model.output, out.scope.file, out.diagnostics);
    let answers = matches!(
        output,
        Type::Probability | Type::Float | Type::Int | Type::Bool | Type::Enum(_) | Type::Error
    );
    if !answers {
        let title = format!("a model cannot answer `{output}`");
        out.report(Code::BAD_MODEL, model.output.span, title).help =
            Some("models answer `probability`, `float`, `int`, `bool` or `enum { … }`".to_owned());
    }
    let within = model.within.as_ref().and_then(|window| match window {
        ast::Window::Param(name) => {
            out.report(Code::NOT_CONSTANT, name.span, "a model's deadline is a duration written in place");
            None
        }
        ast::Window::Literal(literal) => match literal::value_of(&literal.kind, &Type::Duration) {
            Ok(Value::Duration(ms)) if ms > 0 => Some(ms),
            Ok(_) => {
                out.report(Code::OUT_OF_RANGE, literal.span, "a deadline is longer than nothing");
                None
            }
            Err(misfit) => {
                out.report(Code::TYPE_MISMATCH, literal.span, misfit.title(&Type::Duration));
                None
            }
        },
    });
    let named = named(&model.name, out.scope);
    out.declarations.models.push(Model { named, inputs, output, file: model.file.value.clone(), within })
}

/// Names and types of inputs or parameters; a name that is taken is reported and kept, for arguments are
/// counted by place.
fn parameters(parameters: &[ast::Parameter], out: &mut Out<'_>) -> Vec<(smol_str::SmolStr, Type)> {
    let mut found: Vec<(smol_str::SmolStr, Type)> = Vec::with_capacity(parameters.len());
    let mut seen = super::build::Seen::new();
    for parameter in parameters {
        let place = at(out.scope.file, &parameter.name);
        if let Some(first) = seen.insert(parameter.name.text.clone(), place) {
            out.diagnostics.push(super::build::duplicate(&parameter.name.text, place, first));
        }
        let ty = resolve_present(&parameter.ty, out.scope.file, out.diagnostics);
        found.push((parameter.name.text.clone(), ty));
    }
    found
}

pub(super) fn schedule(schedule: &ast::Schedule, out: &mut Out<'_>) -> ScheduleId {
    let named = named(&schedule.name, out.scope);
    out.declarations.schedules.push(Schedule { named, file: schedule.file.value.clone() })
}

pub(super) fn function<'a>(function: &'a ast::Function, out: &mut Out<'_>) -> (&'a ast::Name, Function) {
    let params = parameters(&function.params, out);
    let output = resolve_present(&function.output, out.scope.file, out.diagnostics);
    let made = Function {
        name: function.name.text.clone(),
        package: out.scope.package.into(),
        params,
        output,
        body: Arc::new(function.body.clone()),
        at: at(out.scope.file, &function.name),
        recursive: false,
    };
    (&function.name, made)
}

/// A decoy. One on an unknown event stands on the first of the schema, so that its id stays good.
pub(super) fn decoy(decoy: &ast::Decoy, env: &Env, out: &mut Out<'_>) {
    let event = match env.event(out.scope, &decoy.event) {
        Ok(event) => event,
        Err(fault) => {
            out.diagnostics.extend(fault.map(|fault| *fault));
            EventId(0)
        }
    };
    let rate = match &decoy.rate.kind {
        LiteralKind::Rate(text) => literal::rate(text).filter(|rate| rate.count > 0),
        _ => None,
    };
    if rate.is_none() {
        out.report(Code::OUT_OF_RANGE, decoy.rate.span, "a decoy needs a rate above zero").help =
            Some("write `at most 100/min`".to_owned());
    }
    if matches!(decoy.otherwise, Verb::Deceive | Verb::Hold) {
        let title = format!("beyond its rate a decoy cannot `{}`", decoy.otherwise.word());
        out.report(Code::BAD_ACTION, decoy.name.span, title).help = Some("write `else block`".to_owned());
    }
    let made = Decoy {
        named: named(&decoy.name, out.scope),
        event,
        file: decoy.file.value.clone(),
        rate: rate.unwrap_or(Rate { count: 1, per: 60_000 }),
        otherwise: decoy.otherwise,
    };
    out.declarations.decoys.push(made);
}

pub(super) fn fingerprint(fingerprint: &ast::Fingerprint, env: &Env, out: &mut Out<'_>) {
    let schema = &env.schema;
    let mut parts: Vec<FieldId> = Vec::new();
    if fingerprint.key.prefix.is_some() {
        out.report(Code::BAD_KEY, fingerprint.key.span, "a fingerprint has no address in it");
    }
    for part in &fingerprint.key.parts {
        let Some(id) = schema.envelope_field(&part.text) else {
            let names: Vec<&str> =
                schema.fields.values().take(schema.envelope).map(|field| field.name.as_str()).collect();
            let near = suggest::nearest(&part.text, names).map(|near| format!("did you mean `{near}`?"));
            let title = format!("`{}` is not a field of the envelope", part.text);
            let diagnostic = out.report(Code::UNKNOWN_NAME, part.span, title);
            diagnostic.help = near;
            diagnostic.notes.push("a client shape is made of fields that every event carries".to_owned());
            continue;
        };
        let field = schema.fields.get(id);
        if let Some(field) =
            field.filter(|field| !matches!(field.ty, Type::Fingerprint | Type::Text | Type::Error))
        {
            let title = format!("`{}` is `{}`, and says nothing of software", part.text, field.ty);
            out.report(Code::BAD_KEY, part.span, title)
                .notes
                .push("a client shape is made of `fingerprint` and `string` fields".to_owned());
            continue;
        }
        if field.is_some_and(|field| field.personal) {
            let title = format!("`{}` is personal, and says nothing of software", part.text);
            out.report(Code::BAD_KEY, part.span, title);
            continue;
        }
        if parts.contains(&id) {
            let title = format!("`{}` twice in one fingerprint", part.text);
            out.report(Code::DUPLICATE_NAME, part.span, title);
            continue;
        }
        parts.push(id);
    }
    out.declarations.fingerprints.push(Fingerprint { named: named(&fingerprint.name, out.scope), parts });
}
