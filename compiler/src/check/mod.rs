//! From syntax to the typed [`Hir`]: one item at a time, against an [`Env`].
//!
//! ```text
//!  ast::Item ──policy / cap / derive──▶ Hir fragment (own arenas; schema and declarations shared)
//!            ──test / tune / decide──▶ hir::Test, Tune, Decide
//!                 │
//!                 ├─ names:     name, key            fields first, then the policy's own names, then the package's
//!                 ├─ types:     expr, operator, call, literal
//!                 ├─ state:     signal, cohort, sequence, state
//!                 ├─ effects:   rule, action, sparing, phase
//!                 └─ warnings:  crate::lint
//! ```
//!
//! Everything is total: a faulty part becomes a node of [`Type::Error`], which mixes with everything, so one
//! fault gives one diagnostic. Depth and size of expressions are bounded ([`DEPTH_LIMIT`], [`SIZE_LIMIT`]),
//! inlined functions and signals included.
//!
//! The scope of a signal past one machine (`local`, `owned`, `global within D`) is accepted and means nothing
//! yet: one machine owns all keys.

use std::collections::BTreeSet;
use std::sync::Arc;

use smol_str::SmolStr;
use weir_dsl::{Code, Diagnostic, FileId, FileSpan, Span, ast};

use crate::env::{Env, Fault, Scope};
use crate::hir::{Decide, Expr, ExprKind, Hir, Test};
use crate::ids::*;
use crate::lint;
use crate::tune::Tune;
use crate::types::Type;
use crate::value::Value;

mod action;
mod call;
mod cap;
mod cohort;
mod derive;
mod expr;
mod key;
mod literal;
mod name;
mod operator;
mod phase;
mod policy;
mod rule;
mod sequence;
mod signal;
mod sparing;
mod state;
mod test;
mod tune;
mod walk;

pub use action::POINTS_LIMIT;
pub use call::{builtins, is_builtin};
pub use cohort::DIMENSIONS_LIMIT;
pub use key::DEFAULT_V6;
pub use sequence::{CAPTURES_LIMIT, STEPS_LIMIT};
pub use state::WINDOW_LIMIT;
pub use test::EVENTS_LIMIT;

pub(crate) use expr::pattern_of;
use name::Place;
pub(crate) use operator::flipped;
pub(crate) use walk::each_child;

/// The deepest an expression may be, inlined functions and signals included.
pub const DEPTH_LIMIT: usize = 192;
/// The most nodes an expression may have when it is written out as a tree.
pub const SIZE_LIMIT: u32 = 20_000;
/// The most expression nodes of an item.
pub const NODES_LIMIT: usize = 200_000;

/// What checking an item gives.
#[derive(Clone, Debug)]
pub struct Checked<T> {
    /// The result, as far as it could be made out.
    pub value: T,
    /// What is wrong with the item, in order of place.
    pub diagnostics: Vec<Diagnostic>,
    /// Package-level names that the item uses, as it writes them: for unused imports and declarations.
    pub used: BTreeSet<SmolStr>,
}

/// Checks a policy: a fragment with one policy, its rules, state and expressions.
///
/// The thresholds of the package, or the standard ones, are copied in where the policy has none.
pub fn check_policy(env: &Env, package: &str, file: FileId, item: &ast::Item) -> Checked<Hir> {
    let mut checker = Checker::new(env, package, file);
    if let ast::ItemKind::Policy(policy) = &item.kind {
        checker.policy(item, policy);
    }
    checker.into_checked()
}

/// Checks a `cap`: a fragment with one cap.
pub fn check_cap(env: &Env, package: &str, file: FileId, item: &ast::Item) -> Checked<Hir> {
    let mut checker = Checker::new(env, package, file);
    if let ast::ItemKind::Cap(cap) = &item.kind {
        checker.cap(item, cap);
    }
    checker.into_checked()
}

/// Checks a `derive` map: a fragment with one map.
pub fn check_derive(env: &Env, package: &str, file: FileId, item: &ast::Item) -> Checked<Hir> {
    let mut checker = Checker::new(env, package, file);
    if let ast::ItemKind::Derive(derive) = &item.kind {
        checker.derive(item, derive);
        checker.lint_arms(item.span);
    }
    checker.into_checked()
}

/// Checks a `tune`. Nothing when the policy it tunes is not known.
pub fn check_tune(env: &Env, package: &str, file: FileId, item: &ast::Item) -> Checked<Option<Tune>> {
    let mut checker = Checker::new(env, package, file);
    let tune = match &item.kind {
        ast::ItemKind::Tune(tune) => checker.tune(item, tune),
        _ => None,
    };
    checker.into_checked().map(|_| tune)
}

/// Checks a test. Nothing for an item that is none.
pub fn check_test(env: &Env, package: &str, file: FileId, item: &ast::Item) -> Checked<Option<Test>> {
    let mut checker = Checker::new(env, package, file);
    let test = match &item.kind {
        ast::ItemKind::Test(test) => Some(checker.test(item, test)),
        _ => None,
    };
    checker.into_checked().map(|fragment| {
        test.map(|mut test| {
            test.exprs = fragment.exprs;
            test
        })
    })
}

/// Checks the body of a function against its signature.
pub fn check_function(env: &Env, file: FileId, function: FunctionId) -> Checked<()> {
    let Some(declared) = env.functions.get(function) else {
        return Checked { value: (), diagnostics: Vec::new(), used: BTreeSet::new() };
    };
    let mut checker = Checker::new(env, &declared.package, file);
    checker.shallow = true;
    checker.function(declared);
    if checker.is_whole() {
        checker.diagnostics.append(&mut lint::arms(&checker.hir));
    }
    checker.into_checked().map(|_| ())
}

/// Checks the thresholds of a package. The expressions are in the fragment.
pub fn check_decide(env: &Env, package: &str, file: FileId, decide: &ast::Decide) -> Checked<(Hir, Decide)> {
    let mut checker = Checker::new(env, package, file);
    let decide = checker.decide(decide);
    checker.into_checked().map(|fragment| (fragment, decide))
}

impl<T> Checked<T> {
    fn map<U>(self, f: impl FnOnce(T) -> U) -> Checked<U> {
        Checked { value: f(self.value), diagnostics: self.diagnostics, used: self.used }
    }
}

/// Whether a diagnostic is about something in an item.
fn is_inside(found: &Diagnostic, file: FileId, item: Span) -> bool {
    let at = &found.primary;
    at.file == file && item.start <= at.span.start && at.span.end <= item.end
}

/// How far a definition that is lowered on demand has come.
#[derive(Clone, Copy, Debug)]
enum Progress<T> {
    /// It is being lowered: meeting it again is a definition that needs itself.
    Busy,
    /// It has been lowered; nothing after a fault.
    Done(Option<T>),
}

/// Depth and size of an expression written out as a tree.
#[derive(Clone, Copy, Debug, Default)]
struct Weight {
    depth: usize,
    size: u32,
}

/// The state of checking one item.
struct Checker<'a> {
    env: &'a Env,
    /// Where package-level names are looked up: the item's package, or a function's while it is inlined.
    scope: Scope<'a>,
    hir: Hir,
    diagnostics: Vec<Diagnostic>,
    used: BTreeSet<SmolStr>,
    /// Above zero inside inlined bodies, whose faults are reported where they are declared.
    muted: usize,
    /// How deep the lowering is, so that hostile nesting ends in a diagnostic.
    depth: usize,
    /// The expression being lowered is too large: what is left of it is not looked at, so that inlining ends.
    exhausted: bool,
    /// Functions are called and not inlined: their bodies are checked by themselves.
    shallow: bool,
    weights: Vec<Weight>,
    /// The last node that stands for a fault.
    error: Option<ExprId>,
    place: Place,
    members: policy::Members<'a>,
    /// Of each state, what its expressions weigh, those of other states in them included.
    state_weights: Vec<Weight>,
}

impl<'a> Checker<'a> {
    fn new(env: &'a Env, package: &'a str, file: FileId) -> Self {
        let hir = Hir {
            schema: Arc::clone(&env.schema),
            declarations: Arc::clone(&env.declarations),
            ..Hir::default()
        };
        Self {
            env,
            scope: Scope { package, file },
            hir,
            diagnostics: Vec::new(),
            used: BTreeSet::new(),
            muted: 0,
            depth: 0,
            exhausted: false,
            shallow: false,
            weights: Vec::new(),
            error: None,
            place: Place::default(),
            members: policy::Members::default(),
            state_weights: Vec::new(),
        }
    }

    fn into_checked(mut self) -> Checked<Hir> {
        self.diagnostics.sort_by_key(|diagnostic| (diagnostic.primary.file, diagnostic.primary.span.start));
        Checked { value: self.hir, diagnostics: self.diagnostics, used: self.used }
    }

    fn at(&self, span: Span) -> FileSpan {
        FileSpan { file: self.scope.file, span }
    }

    /// Reports a diagnostic, unless it belongs to a body that is only being inlined.
    fn report(&mut self, diagnostic: Diagnostic) {
        if self.muted == 0 {
            self.diagnostics.push(diagnostic);
        }
    }

    /// Reports `title` at `span`, with what to do.
    fn fault(&mut self, code: Code, span: Span, title: impl Into<String>, help: &str) {
        let diagnostic = Diagnostic::new(code, self.at(span), title);
        self.report(if help.is_empty() { diagnostic } else { diagnostic.help(help) });
    }

    /// True while everything has been understood, the rest of the package included: only then do lints mean
    /// something.
    fn is_whole(&self) -> bool {
        let package = self.env.packages.get(self.scope.package);
        package.is_none_or(|package| package.broken.is_empty())
            && self.diagnostics.iter().all(|diagnostic| diagnostic.severity != weir_dsl::Severity::Error)
    }

    /// Lints the arms written inside an item; those of functions that it calls are linted where they are declared.
    fn lint_arms(&mut self, item: Span) {
        if self.is_whole() {
            let file = self.scope.file;
            let inside = |found: &Diagnostic| is_inside(found, file, item);
            self.diagnostics.extend(lint::arms(&self.hir).into_iter().filter(inside));
        }
    }

    /// Notes a package-level name as used and takes the result of its look-up apart.
    fn found<T>(&mut self, name: &ast::Name, result: Result<T, Fault>) -> Option<T> {
        if self.muted == 0 {
            self.used.insert(name.text.clone());
        }
        match result {
            Ok(found) => Some(found),
            Err(fault) => {
                if let Some(diagnostic) = fault {
                    self.report(*diagnostic);
                }
                None
            }
        }
    }

    fn event(&mut self, name: &ast::Name) -> Option<EventId> {
        let result = self.env.event(self.scope, name);
        self.found(name, result)
    }

    /// The name of an event, for messages.
    fn event_name(&self, event: EventId) -> SmolStr {
        self.hir.schema.events.get(event).map_or_else(SmolStr::default, |event| event.name.clone())
    }

    /// The name of a field, for messages.
    fn field_name(&self, field: FieldId) -> SmolStr {
        self.hir.schema.fields.get(field).map_or_else(SmolStr::default, |field| field.name.clone())
    }

    fn field_type(&self, field: FieldId) -> Type {
        self.hir.schema.fields.get(field).map_or(Type::Error, |field| field.ty.clone())
    }

    /// Adds an expression node, keeping count of depth and size.
    fn push(&mut self, kind: ExprKind, ty: Type, span: Span) -> ExprId {
        let mut weight = Weight { depth: 1, size: 1 };
        each_child(&self.hir, &kind, |child| {
            let of = self.weights.get(child.index()).copied().unwrap_or_default();
            weight.depth = weight.depth.max(of.depth + 1);
            weight.size = weight.size.saturating_add(of.size);
        });
        if let ExprKind::Signal(signal) | ExprKind::Absent(signal) = &kind {
            let state = self.hir.signals.get(*signal).map(|signal| signal.state.index());
            let of = state.and_then(|state| self.state_weights.get(state)).copied().unwrap_or_default();
            weight.depth = weight.depth.max(of.depth + 1);
            weight.size = weight.size.saturating_add(of.size);
        }
        if weight.depth > DEPTH_LIMIT || weight.size > SIZE_LIMIT || self.hir.exprs.len() >= NODES_LIMIT {
            return self.too_large(span);
        }
        self.weights.push(weight);
        self.hir.exprs.push(Expr { kind, ty, at: self.at(span) })
    }

    /// The node that stands for whatever follows from a reported fault.
    fn error(&mut self, span: Span) -> ExprId {
        if let (Some(known), true) = (self.error, self.hir.exprs.len() >= NODES_LIMIT) {
            return known;
        }
        self.weights.push(Weight { depth: 1, size: 1 });
        let node = Expr { kind: ExprKind::Const(Value::Bool(false)), ty: Type::Error, at: self.at(span) };
        let id = self.hir.exprs.push(node);
        self.error = Some(id);
        id
    }

    fn too_large(&mut self, span: Span) -> ExprId {
        self.exhausted = true;
        if !self.diagnostics.iter().any(|diagnostic| diagnostic.code == Code::TOO_LARGE) {
            let diagnostic =
                Diagnostic::new(Code::TOO_LARGE, self.at(span), "expression too large or too deep")
                    .note("functions and expression signals count where they are used")
                    .help("split the condition into several rules or signals over events");
            // Said even inside an inlined body: only the place that calls it is too large.
            self.diagnostics.push(diagnostic);
        }
        self.error(span)
    }

    fn ty(&self, expr: ExprId) -> Type {
        self.hir.exprs.get(expr).map_or(Type::Error, |expr| expr.ty.clone())
    }

    fn kind(&self, expr: ExprId) -> Option<&ExprKind> {
        self.hir.exprs.get(expr).map(|expr| &expr.kind)
    }

    fn span(&self, expr: ExprId) -> Span {
        self.hir.exprs.get(expr).map_or_else(Span::default, |expr| expr.at.span)
    }

    /// The constant an expression is, seen through names; parameters are none.
    fn constant(&self, expr: ExprId) -> Option<&Value> {
        match self.kind(expr)? {
            ExprKind::Const(value) => Some(value),
            ExprKind::Named(_, inner) | ExprKind::ToFloat(inner) => self.constant(*inner),
            _ => None,
        }
    }
}
