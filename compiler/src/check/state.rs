//! State: what it is, when it is updated, and its size. Equal states become one when fragments are linked.

use std::sync::Arc;

use weir_dsl::ast::{Statistic, WindowKind};
use weir_dsl::{Code, Span, ast};

use super::{Checker, Weight};
use crate::canonical;
use crate::hir::{self, Key, Measure, Phase, State, Window};
use crate::ids::*;
use crate::literal;
use crate::types::Type;
use crate::value::Value;

/// The longest window: 2^42 milliseconds, more than a century.
pub const WINDOW_LIMIT: i64 = 1 << 42;

impl Checker<'_> {
    /// Adds a state.
    pub(super) fn state(
        &mut self,
        measure: Measure,
        event: EventId,
        filter: Option<ExprId>,
        key: Option<Key>,
        window: Option<Window>,
        span: Span,
    ) -> Option<StateId> {
        let phase = self.state_phase(&measure, event, filter, key.as_ref());
        let bytes_per_key = self.bytes_per_key(&measure, window);
        let weight = self.state_weight(&measure, filter);
        if weight.size > super::SIZE_LIMIT || weight.depth > super::DEPTH_LIMIT {
            self.too_large(span);
            return None;
        }
        let identity = Arc::from("");
        let id = self.hir.states.push(State {
            measure,
            event,
            filter,
            key,
            window,
            phase,
            identity,
            bytes_per_key,
        });
        self.state_weights.push(weight);
        let identity = canonical::state(&self.hir, id);
        if let Some(state) = self.hir.states.get_mut(id) {
            state.identity = identity.into();
        }
        Some(id)
    }

    /// What the expressions of a state weigh when they are written out as trees.
    fn state_weight(&self, measure: &Measure, filter: Option<ExprId>) -> Weight {
        let mut weight = Weight { depth: 1, size: 1 };
        let mut add = |of: Option<&Weight>| {
            let of = of.copied().unwrap_or_default();
            weight.depth = weight.depth.max(of.depth + 1);
            weight.size = weight.size.saturating_add(of.size);
        };
        if let Measure::Usual { of, .. } = measure {
            add(self.state_weights.get(of.index()));
        }
        for expr in measured(measure).iter().chain(filter.iter()) {
            add(self.weights.get(expr.index()));
        }
        weight
    }

    /// A state is updated as soon as everything it reads of its event is known.
    fn state_phase(
        &self,
        measure: &Measure,
        event: EventId,
        filter: Option<ExprId>,
        key: Option<&Key>,
    ) -> Phase {
        let events = [event];
        let mut phase = self.event_phase(&events);
        if let Measure::Usual { of, .. } = measure {
            return self.hir.states.get(*of).map_or(phase, |state| state.phase);
        }
        for expr in measured(measure).iter().chain(filter.iter()) {
            phase = phase.max(self.phase(*expr, &events));
        }
        phase.max(key.map_or(Phase::Request, |key| self.key_phase(key, &events)))
    }

    /// The size of a record, by the table of the signals reference; economy and tumbling windows hold two
    /// lanes for eight, money up to four currencies.
    fn bytes_per_key(&self, measure: &Measure, window: Option<Window>) -> u32 {
        let ty = |value: &ExprId| self.ty(*value);
        let floats = |value: &ExprId| matches!(ty(value), Type::Float | Type::Probability | Type::Rate);
        let currencies = |value: &ExprId| if ty(value) == Type::Money { 4 } else { 1 };
        let (lanes, log) = match measure {
            Measure::Count | Measure::Rate => (96, 4_096 * 8),
            Measure::Share(_) => (160, 4_096 * 16),
            Measure::Distinct(_) => (4_784, 1_024 * 16),
            Measure::Entropy(_) => (14_464, 1_024 * 16),
            Measure::Top(_) => (3_168, 1_024 * 24),
            Measure::Sequential(_) => (9_280, 1_024 * 16),
            Measure::CvOfGaps => (376, 4_096 * 16),
            Measure::Of(statistic, value) => {
                let (lanes, log) = match statistic {
                    Statistic::Sum => (if floats(value) { 288 } else { 160 }, 4_096 * 16),
                    Statistic::Avg => (if floats(value) { 480 } else { 352 }, 4_096 * 16),
                    Statistic::Min | Statistic::Max => (224, 4_096 * 16),
                    Statistic::Stddev => (352, 4_096 * 16),
                    Statistic::P1 | Statistic::P5 | Statistic::P50 | Statistic::P95 | Statistic::P99 => {
                        (20_552, 1_024 * 16)
                    }
                    Statistic::First | Statistic::Last => (544, 4_096 * 24),
                };
                (lanes * currencies(value), log)
            }
            Measure::Concurrent => return 16_464,
            Measure::Elapsed | Measure::LastSeen => return 48,
            Measure::Usual { .. } => return 912,
            Measure::Bucket { .. } | Measure::Gcra { .. } => return 32,
        };
        match window.map(|window| window.kind) {
            Some(WindowKind::Exact) => lanes + log,
            Some(WindowKind::Economy | WindowKind::Tumbling) => (lanes / 4).max(48),
            Some(WindowKind::Sliding) | None => lanes,
        }
    }

    /// A length of time: a literal or a parameter, above zero.
    pub(super) fn window(&mut self, window: &ast::Window) -> Option<hir::Span> {
        match window {
            ast::Window::Literal(literal) => {
                let ms = self.milliseconds(literal)?;
                Some(hir::Span { ms, param: None })
            }
            ast::Window::Param(name) => self.window_param(name),
        }
    }

    fn window_param(&mut self, name: &ast::Name) -> Option<hir::Span> {
        let Some(param) = self.members.param(&name.text) else {
            if self.is_faulty(&name.text) {
                return None;
            }
            let names: Vec<&str> = self.members.params().collect();
            let mut diagnostic = weir_dsl::Diagnostic::new(
                Code::UNKNOWN_NAME,
                self.at(name.span),
                format!("no parameter `{}`", name.text),
            );
            diagnostic = match crate::suggest::nearest(&name.text, names.iter().copied()) {
                Some(near) => diagnostic.help(format!("did you mean `{near}`?")).fix(
                    format!("write `{near}`"),
                    self.at(name.span),
                    near,
                    weir_dsl::Applicability::Suggested,
                ),
                None => {
                    diagnostic.help("a length of time is a duration, as `10m`, or a parameter of the policy")
                }
            };
            self.report(diagnostic);
            return None;
        };
        self.members.note_read(&name.text);
        let (ty, value) = self.hir.params.get(param).map(|param| (param.ty.clone(), param.value.clone()))?;
        match (ty, value) {
            (Type::Duration, Value::Duration(ms)) if ms > 0 => Some(hir::Span { ms, param: Some(param) }),
            (Type::Duration | Type::Error, _) => None,
            (ty, _) => {
                let title = format!("a length of time is needed, and `{}` is {ty}", name.text);
                self.fault(Code::TYPE_MISMATCH, name.span, title, "");
                None
            }
        }
    }

    /// A duration literal above zero and within [`WINDOW_LIMIT`].
    pub(super) fn milliseconds(&mut self, literal: &ast::Literal) -> Option<i64> {
        let value = self.constant_of(&literal.kind, literal.span, &Type::Duration)?;
        let Value::Duration(ms) = value else { return None };
        if (1..=WINDOW_LIMIT).contains(&ms) {
            return Some(ms);
        }
        let title = if ms < 1 { "no time at all" } else { "longer than a century" };
        self.fault(Code::OUT_OF_RANGE, literal.span, title, "");
        None
    }

    /// `at least n`: an integer of at least one.
    pub(super) fn least(&mut self, literal: Option<&ast::Literal>) -> Option<i64> {
        let literal = literal?;
        let value = self.constant_of(&literal.kind, literal.span, &Type::Int)?;
        match value {
            Value::Int(least) if least >= 1 => Some(least),
            _ => {
                self.fault(Code::OUT_OF_RANGE, literal.span, "`at least` needs a number of at least 1", "");
                None
            }
        }
    }

    /// A plain number, for floors and lifts.
    pub(super) fn number(&mut self, literal: &ast::Literal, what: &str) -> Option<f64> {
        let number = match &literal.kind {
            ast::LiteralKind::Int(text) | ast::LiteralKind::Float(text) => literal::float(text),
            _ => None,
        };
        if number.is_none() {
            let title = format!("{what} is a number");
            self.fault(Code::TYPE_MISMATCH, literal.span, title, "");
        }
        number
    }
}

/// The expressions that a measure is of.
pub(crate) fn measured(measure: &Measure) -> &[ExprId] {
    match measure {
        Measure::Share(value) | Measure::Sequential(value) | Measure::Of(_, value) => {
            std::slice::from_ref(value)
        }
        Measure::Distinct(values) | Measure::Entropy(values) | Measure::Top(values) => values,
        _ => &[],
    }
}
