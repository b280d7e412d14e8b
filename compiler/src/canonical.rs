//! The canonical text of state: two states with one text hold the same numbers, and are one.
//!
//! Names stand for everything that has one, never ids, so the text outlives a reload. Parameters are
//! replaced by their values, inlined names by what they stand for; operands of `and`, `or`, `==`, `!=`, `+`
//! and `*` are in order of their text; `>` is written as `<`.
//!
//! Cost: linear in the expression written out as a tree, whose size the checker bounds.

use std::fmt::Write as _;

use weir_dsl::FileSpan;

use crate::hir::*;
use crate::ids::*;
use crate::types::Type;

/// The text of a state: measure, population, key, window and phase.
pub fn state(hir: &Hir, id: StateId) -> String {
    Canon { hir, depth: 0, linked: false }.state(id)
}

/// The text of a fact.
pub fn fact(hir: &Hir, fact: &Fact) -> String {
    let mut canon = Canon { hir, depth: 0, linked: false };
    let Fact { event, filter, key, first, phase } = fact;
    let (which, key) = (canon.filter(*filter), canon.key(key));
    let order = if *first { "first" } else { "last" };
    format!("{order} {}{which} {key} {phase:?}", canon.event(*event))
}

/// The text of a model call.
pub fn call(hir: &Hir, call: &Call) -> String {
    Canon { hir, depth: 0, linked: false }.call(call)
}

/// The text of a cohort, its name included.
pub fn cohort(hir: &Hir, id: CohortId) -> String {
    Canon { hir, depth: 0, linked: false }.cohort(id)
}

/// The text of a sequence, its name included.
pub fn sequence(hir: &Hir, id: SequenceId) -> String {
    Canon { hir, depth: 0, linked: false }.sequence(id)
}

/// The text of a signal: what it reads, and how.
pub fn signal(hir: &Hir, id: SignalId) -> String {
    Canon { hir, depth: 0, linked: false }.signal(id)
}

/// The text of an expression.
pub fn expr(hir: &Hir, id: ExprId) -> String {
    Canon { hir, depth: 0, linked: false }.expr(id)
}

/// The text of a signal of a linked rule set, the same as [`signal`] says, from what linking has found of its state.
pub fn linked_signal(hir: &Hir, id: SignalId) -> String {
    Canon { hir, depth: 0, linked: true }.signal(id)
}

/// The text of an expression of a linked rule set, the same as [`expr`] says, from what linking has found of states.
pub fn linked_expr(hir: &Hir, id: ExprId) -> String {
    Canon { hir, depth: 0, linked: true }.expr(id)
}

/// Deeper than the checker lets any expression be.
const DEPTH_LIMIT: usize = 1_000;

struct Canon<'a> {
    hir: &'a Hir,
    depth: usize,
    /// States know their texts.
    linked: bool,
}

impl Canon<'_> {
    fn event(&self, id: EventId) -> &str {
        self.hir.schema.events.get(id).map_or("?", |event| event.name.as_str())
    }

    fn field(&self, id: FieldId) -> String {
        self.hir.schema.fields.get(id).map_or_else(
            || "?".to_owned(),
            |field| match &field.ty {
                // Two enums of one field name differ in what their variants are.
                Type::Enum(_) => format!("{}:{}", field.name, field.ty),
                _ => field.name.to_string(),
            },
        )
    }

    fn named(&self, named: Option<&Named>) -> String {
        named.map_or_else(|| "?".to_owned(), |named| format!("{}.{}", named.package, named.name))
    }

    fn filter(&mut self, filter: Option<ExprId>) -> String {
        filter.map_or_else(String::new, |filter| format!(" where {}", self.expr(filter)))
    }

    fn key(&mut self, key: &Key) -> String {
        let parts: Vec<String> = key.parts.iter().map(|part| self.part(part)).collect();
        format!("per ({})", parts.join(", "))
    }

    fn part(&mut self, part: &KeyPart) -> String {
        let shapes = &self.hir.declarations.fingerprints;
        match part {
            KeyPart::Field(field) => self.field(*field),
            KeyPart::Prefix { field, v4, v6 } => format!("{}/{v4}:{v6}", self.field(*field)),
            KeyPart::Fingerprint(id) => self.named(shapes.get(*id).map(|shape| &shape.named)),
            KeyPart::Cohort(cohort) => self.cohort(*cohort),
            KeyPart::Captured { sequence, step, field } => {
                format!("{}#{step}.{}", self.sequence(*sequence), self.field(*field))
            }
        }
    }

    fn window(&self, window: Option<Window>) -> String {
        window
            .map_or_else(String::new, |window| format!(" over {} {:?}", self.span(window.span), window.kind))
    }

    fn span(&self, span: Span) -> i64 {
        resolved(self.hir, span)
    }

    fn list(&mut self, exprs: &[ExprId]) -> String {
        let texts: Vec<String> = exprs.iter().map(|id| self.expr(*id)).collect();
        format!("({})", texts.join(", "))
    }

    fn state(&mut self, id: StateId) -> String {
        if self.depth > DEPTH_LIMIT {
            return "?".to_owned();
        }
        if let Some(state) = self.hir.states.get(id).filter(|state| self.linked && !state.identity.is_empty())
        {
            return state.identity.to_string();
        }
        self.depth += 1;
        let text = self.state_inner(id);
        self.depth -= 1;
        text
    }

    fn state_inner(&mut self, id: StateId) -> String {
        let Some(state) = self.hir.states.get(id) else { return "?".to_owned() };
        let State { measure, event, filter, key, window, phase, identity: _, bytes_per_key: _ } = state;
        let measure = match measure {
            Measure::Count => "count".to_owned(),
            Measure::Rate => "rate".to_owned(),
            Measure::Concurrent => "concurrent".to_owned(),
            Measure::Share(predicate) => format!("share of {}", self.expr(*predicate)),
            Measure::Distinct(values) => format!("distinct {}", self.list(values)),
            Measure::Entropy(values) => format!("entropy {}", self.list(values)),
            Measure::Top(values) => format!("top {}", self.list(values)),
            Measure::Sequential(value) => format!("sequential {}", self.expr(*value)),
            Measure::CvOfGaps => "cv of gaps".to_owned(),
            Measure::Of(statistic, value) => format!("{statistic:?} of {}", self.expr(*value)),
            Measure::Elapsed => "elapsed".to_owned(),
            Measure::LastSeen => "last seen".to_owned(),
            Measure::Usual { of, floor } => format!("usual of [{}] floor {floor:?}", self.state(*of)),
            Measure::Bucket { capacity, leak } => format!("bucket {capacity} {}/{}", leak.count, leak.per),
            Measure::Gcra { rate, burst } => format!("gcra {}/{} {burst}", rate.count, rate.per),
        };
        let which = self.filter(*filter);
        let per = key.as_ref().map_or_else(String::new, |key| format!(" {}", self.key(key)));
        format!("{measure} of {}{which}{per}{} {phase:?}", self.event(*event), self.window(*window))
    }

    fn cohort(&mut self, id: CohortId) -> String {
        let Some(cohort) = self.hir.cohorts.get(id) else { return "?".to_owned() };
        let Cohort {
            name,
            event,
            filter,
            by,
            dimensions,
            window,
            floor,
            lift,
            least,
            phase,
            at: _,
            unmapped: _,
        } = cohort;
        let by: Vec<String> = by.iter().map(|part| self.part(part)).collect();
        let which = self.filter(*filter);
        format!(
            "cohort {name} of {}{which} by ({}) as ({}){} floor {floor:?} lift {lift:?} least {least} {phase:?}",
            self.event(*event),
            by.join(", "),
            dimensions.join(", "),
            self.window(Some(*window)),
        )
    }

    fn sequence(&mut self, id: SequenceId) -> String {
        if self.depth > DEPTH_LIMIT {
            return "?".to_owned();
        }
        let Some(sequence) = self.hir.sequences.get(id) else { return "?".to_owned() };
        self.depth += 1;
        let Sequence { name, key, horizon, steps, without, then_no, phase, at: _, unmapped: _ } = sequence;
        let mut text = format!("sequence {name} {} within {} {phase:?}", self.key(key), self.span(*horizon));
        for Step { name, event, filter, captures, phase: _ } in steps {
            let which = self.filter(*filter);
            let kept: Vec<String> = captures.iter().map(|field| self.field(*field)).collect();
            let _ = write!(text, "; {name} {}{which} ({})", self.event(*event), kept.join(", "));
        }
        for Without { event, filter, after, before, phase: _ } in without {
            let which = self.filter(*filter);
            let _ = write!(text, "; without {}{which} {after}-{before}", self.event(*event));
        }
        if let Some(ThenNo { event, filter, within, phase: _ }) = then_no {
            let which = self.filter(*filter);
            let _ = write!(text, "; then no {}{which} {}", self.event(*event), self.span(*within));
        }
        self.depth -= 1;
        text
    }

    fn call(&mut self, call: &Call) -> String {
        let Call { model, inputs } = call;
        let model = self.named(self.hir.declarations.models.get(*model).map(|model| &model.named));
        format!("{model}{}", self.list(inputs))
    }

    fn signal(&mut self, id: SignalId) -> String {
        let Some(signal) = self.hir.signals.get(id) else { return "?".to_owned() };
        let Signal { name: _, state, before_this, least, ty: _, phase: _, at: _, unmapped: _ } = signal;
        let before = if *before_this { " before this" } else { "" };
        let least = least.map_or_else(String::new, |least| format!(" at least {least}"));
        format!("[{}{before}{least}]", self.state(*state))
    }

    fn expr(&mut self, id: ExprId) -> String {
        if self.depth > DEPTH_LIMIT {
            return "?".to_owned();
        }
        self.depth += 1;
        let text = self.expr_inner(id);
        self.depth -= 1;
        text
    }

    /// Two operands; in order of their text where the order does not matter.
    fn pair(&mut self, sign: &str, left: ExprId, right: ExprId, commutes: bool) -> String {
        let (mut left, mut right) = (self.expr(left), self.expr(right));
        if commutes && right < left {
            std::mem::swap(&mut left, &mut right);
        }
        format!("({left} {sign} {right})")
    }

    /// The operands of nested conjunctions (or disjunctions) as one sorted list, each once.
    fn junction(&mut self, word: &str, operands: &[ExprId]) -> String {
        let mut texts = Vec::with_capacity(operands.len());
        self.flatten(word, operands, &mut texts);
        texts.sort();
        texts.dedup();
        match texts.as_slice() {
            [one] => one.clone(),
            _ => format!("({})", texts.join(&format!(" {word} "))),
        }
    }

    fn flatten(&mut self, word: &str, operands: &[ExprId], into: &mut Vec<String>) {
        if self.depth > DEPTH_LIMIT {
            into.push("?".to_owned());
            return;
        }
        self.depth += 1;
        for id in operands {
            match self.hir.exprs.get(*id).map(|node| &node.kind) {
                Some(ExprKind::And(inner)) if word == "and" => self.flatten(word, inner, into),
                Some(ExprKind::Or(inner)) if word == "or" => self.flatten(word, inner, into),
                Some(ExprKind::Named(_, inner)) => self.flatten(word, &[*inner], into),
                _ => into.push(self.expr(*id)),
            }
        }
        self.depth -= 1;
    }

    fn expr_inner(&mut self, id: ExprId) -> String {
        let hir = self.hir;
        let Some(Expr { kind, ty, at: FileSpan { .. } }) = hir.exprs.get(id) else { return "?".to_owned() };
        match kind {
            ExprKind::Const(value) => match ty {
                Type::Enum(_) => format!("{value:?}:{ty}"),
                _ => format!("{value:?}"),
            },
            ExprKind::Param(param) => {
                hir.params.get(*param).map_or_else(|| "?".to_owned(), |param| format!("{:?}", param.value))
            }
            ExprKind::Field(field) => self.field(*field),
            ExprKind::Fingerprint(shape) => {
                self.named(hir.declarations.fingerprints.get(*shape).map(|shape| &shape.named))
            }
            ExprKind::Signal(signal) => self.signal(*signal),
            ExprKind::Absent(signal) => format!("absent {}", self.signal(*signal)),
            ExprKind::Named(_, inner) => self.expr(*inner),
            ExprKind::InCohort(cohort) => format!("in {{{}}}", self.cohort(*cohort)),
            ExprKind::CohortValue(cohort, value) => format!("{value:?} of {{{}}}", self.cohort(*cohort)),
            ExprKind::Holds(sequence) => format!("holds {{{}}}", self.sequence(*sequence)),
            ExprKind::Captured { sequence, step, field } => {
                format!("{{{}}}#{step}.{}", self.sequence(*sequence), self.field(*field))
            }
            ExprKind::Age { sequence, step } => format!("age {{{}}}#{step}", self.sequence(*sequence)),
            ExprKind::Call(call) => {
                hir.calls.get(*call).map_or_else(|| "?".to_owned(), |call| self.call(call))
            }
            ExprKind::Score => "score".to_owned(),
            ExprKind::Now => "now".to_owned(),
            ExprKind::Variable(depth) => format!("${depth}"),
            ExprKind::And(operands) => self.junction("and", operands),
            ExprKind::Or(operands) => self.junction("or", operands),
            ExprKind::Not(inner) => match hir.exprs.get(*inner).map(|node| &node.kind) {
                Some(ExprKind::Not(twice)) => self.expr(*twice),
                _ => format!("not {}", self.expr(*inner)),
            },
            ExprKind::Compare(op, left, right) => match op {
                CompareOp::Eq => self.pair("==", *left, *right, true),
                CompareOp::Ne => self.pair("!=", *left, *right, true),
                CompareOp::Lt => self.pair("<", *left, *right, false),
                CompareOp::Le => self.pair("<=", *left, *right, false),
                CompareOp::Gt => self.pair("<", *right, *left, false),
                CompareOp::Ge => self.pair("<=", *right, *left, false),
            },
            ExprKind::EqIgnoringCase(left, right) => self.pair("=i=", *left, *right, true),
            ExprKind::Arithmetic(op, left, right) => {
                let commutes = matches!(op, ArithmeticOp::Add | ArithmeticOp::Mul);
                let text = self.pair(op.sign(), *left, *right, commutes);
                // `int / int` is float: the operands' types are in their texts, the result's is not.
                format!("{text}:{ty}")
            }
            ExprKind::Negate(inner) => format!("-{}", self.expr(*inner)),
            ExprKind::ToFloat(inner) => format!("float {}", self.expr(*inner)),
            ExprKind::Fallback(left, right) => self.pair("??", *left, *right, false),
            ExprKind::IsKnown(inner) => format!("known {}", self.expr(*inner)),
            ExprKind::InList(inner, list) => {
                let list = self.named(hir.declarations.lists.get(*list).map(|list| &list.named));
                format!("({} in {list})", self.expr(*inner))
            }
            ExprKind::InSet(left, right) => self.pair("in", *left, *right, false),
            ExprKind::Lookup(table, inner) => {
                let table = self.named(hir.declarations.tables.get(*table).map(|table| &table.named));
                format!("{table}[{}]", self.expr(*inner))
            }
            ExprKind::Matches(inner, pattern) => {
                let pattern = hir.patterns.get(*pattern);
                let source = pattern.map_or_else(String::new, |it| format!("{:?} {:?}", it.op, it.source));
                format!("({} matches {source})", self.expr(*inner))
            }
            ExprKind::TextTest(op, left, right) => {
                let sign = format!("{op:?}");
                self.pair(&sign, *left, *right, false)
            }
            ExprKind::Tagged(whom, tag) => {
                let tag = self.named(hir.declarations.tags.get(*tag));
                format!("({} tagged {tag})", self.key(whom))
            }
            ExprKind::ScheduleActive(schedule) => {
                let schedule = hir.declarations.schedules.get(*schedule).map(|schedule| &schedule.named);
                format!("active {}", self.named(schedule))
            }
            ExprKind::Case(subject, arms) => {
                let mut text = format!("case {} {{", self.expr(*subject));
                for (pattern, value) in arms {
                    let pattern = pattern.map_or_else(|| "_".to_owned(), |pattern| self.expr(pattern));
                    let _ = write!(text, " {pattern} => {},", self.expr(*value));
                }
                text + " }"
            }
            ExprKind::Builtin(function, arguments) => format!("{function:?}{}", self.list(arguments)),
            ExprKind::Array(items) => format!("[{}]", self.list(items)),
            ExprKind::Template(parts) => {
                let mut text = "template".to_owned();
                for part in parts {
                    match part {
                        Part::Text(part) => {
                            let _ = write!(text, " {part:?}");
                        }
                        Part::Value(value) => {
                            let _ = write!(text, " {{{}}}", self.expr(*value));
                        }
                    }
                }
                text
            }
            ExprKind::Convert(inner) => format!("{ty}({})", self.expr(*inner)),
        }
    }
}

/// The length of a span with its parameter's value, in milliseconds, at least 1.
pub fn resolved(hir: &Hir, span: Span) -> i64 {
    let param = span.param.and_then(|param| hir.params.get(param));
    match param.map(|param| &param.value) {
        Some(crate::value::Value::Duration(ms)) => (*ms).max(1),
        _ => span.ms.max(1),
    }
}
