//! The canonical text of a state: two states with equal text keep the same thing and are kept once.
//!
//! Names stand for what they name, with types; parameters stand for their values; order of writing is kept.
//! Other states inside (`usual`, readings in a `where`) stand as their own text in brackets, so a text
//! depends on no id. Linking makes the texts again, in order of id, once parameters have their final values.

use std::fmt::Write as _;

use weir_dsl::ast::WindowKind;

use crate::hir::{ExprKind, Hir, Key, KeyPart, Measure, Part, Rate, Span, State};
use crate::ids::*;
use crate::value::Value;

/// The canonical text of a state. States it mentions must have theirs already: they stand before it.
///
/// Cost: the length of its expressions written out as trees.
pub fn identity(hir: &Hir, state: &State) -> String {
    let mut writer = Writer { hir, text: String::new() };
    writer.state(state);
    writer.text
}

struct Writer<'a> {
    hir: &'a Hir,
    text: String,
}

impl Writer<'_> {
    fn word(&mut self, word: &str) {
        self.text.push_str(word);
        self.text.push(' ');
    }

    fn state(&mut self, state: &State) {
        self.measure(&state.measure);
        self.word("of");
        let event = self.hir.schema.events.get(state.event).map_or("?", |event| event.name.as_str());
        self.word(event);
        if let Some(filter) = state.filter {
            self.word("where");
            self.expr(filter);
        }
        if let Some(key) = &state.key {
            self.word("per");
            self.key(key);
        }
        if let Some(window) = state.window {
            let kind = match window.kind {
                WindowKind::Sliding => "sliding",
                WindowKind::Tumbling => "tumbling",
                WindowKind::Exact => "exact",
                WindowKind::Economy => "economy",
            };
            let ms = self.milliseconds(window.span);
            let _ = write!(self.text, "over {ms} {kind} ");
        }
    }

    fn milliseconds(&self, span: Span) -> i64 {
        match span.param.and_then(|param| self.hir.params.get(param)).map(|param| &param.value) {
            Some(Value::Duration(ms)) => *ms,
            _ => span.ms,
        }
    }

    fn measure(&mut self, measure: &Measure) {
        match measure {
            Measure::Count => self.word("count"),
            Measure::Rate => self.word("rate"),
            Measure::Concurrent => self.word("concurrent"),
            Measure::Share(predicate) => self.measured("share", &[*predicate]),
            Measure::Distinct(values) => self.measured("distinct", values),
            Measure::Entropy(values) => self.measured("entropy", values),
            Measure::Top(values) => self.measured("top", values),
            Measure::Sequential(value) => self.measured("sequential", &[*value]),
            Measure::CvOfGaps => self.word("cv"),
            Measure::Of(statistic, value) => {
                let word = format!("{statistic:?}");
                self.measured(&word, &[*value]);
            }
            Measure::Elapsed => self.word("elapsed"),
            Measure::LastSeen => self.word("seen"),
            Measure::Usual { of, floor } => {
                self.word("usual");
                self.nested(*of);
                let _ = write!(self.text, "floor {floor:?} ");
            }
            Measure::Bucket { capacity, leak } => {
                let _ = write!(self.text, "bucket {capacity} ");
                self.rate(*leak);
            }
            Measure::Gcra { rate, burst } => {
                let _ = write!(self.text, "gcra {burst} ");
                self.rate(*rate);
            }
        }
    }

    fn measured(&mut self, word: &str, values: &[ExprId]) {
        self.word(word);
        self.exprs(values);
    }

    fn rate(&mut self, rate: Rate) {
        let _ = write!(self.text, "{}/{} ", rate.count, rate.per);
    }

    fn nested(&mut self, state: StateId) {
        let text = self.hir.states.get(state).map(|state| state.identity.clone());
        let _ = write!(self.text, "[{}] ", text.as_deref().unwrap_or("?"));
    }

    fn field(&mut self, field: FieldId) {
        if let Some(field) = self.hir.schema.fields.get(field) {
            let _ = write!(self.text, "{}:{} ", field.name, field.ty);
        }
    }

    fn key(&mut self, key: &Key) {
        self.text.push('(');
        for part in &key.parts {
            match part {
                KeyPart::Field(field) => self.field(*field),
                KeyPart::Prefix { field, v4, v6 } => {
                    self.field(*field);
                    let _ = write!(self.text, "/{v4}:{v6} ");
                }
                KeyPart::Fingerprint(shape) => self.shape(*shape),
                // Targets alone have these, and a target keeps no state.
                KeyPart::Cohort(_) | KeyPart::Captured { .. } => self.word("?"),
            }
        }
        self.word(")");
    }

    fn shape(&mut self, shape: FingerprintId) {
        if let Some(shape) = self.hir.declarations.fingerprints.get(shape) {
            let _ = write!(self.text, "{}.{} ", shape.named.package, shape.named.name);
        }
    }

    fn exprs(&mut self, exprs: &[ExprId]) {
        self.text.push('(');
        for expr in exprs {
            self.expr(*expr);
        }
        self.word(")");
    }

    fn expr(&mut self, id: ExprId) {
        let hir = self.hir;
        let Some(expr) = hir.exprs.get(id) else { return };
        match &expr.kind {
            ExprKind::Const(value) => {
                let _ = write!(self.text, "{value:?} ");
            }
            ExprKind::Param(param) => {
                if let Some(param) = hir.params.get(*param) {
                    let _ = write!(self.text, "{:?} ", param.value);
                }
            }
            ExprKind::Field(field) => self.field(*field),
            ExprKind::Fingerprint(shape) => self.shape(*shape),
            ExprKind::Signal(signal) => self.reading("read", *signal),
            ExprKind::Absent(signal) => self.reading("absent", *signal),
            // A name changes nothing.
            ExprKind::Named(_, inner) => self.expr(*inner),
            ExprKind::Now => self.word("now"),
            ExprKind::Score => self.word("score"),
            ExprKind::And(operands) => self.form("and", operands),
            ExprKind::Or(operands) => self.form("or", operands),
            ExprKind::Not(inner) => self.form("not", &[*inner]),
            ExprKind::Compare(op, left, right) => self.form(op.sign(), &[*left, *right]),
            ExprKind::EqIgnoringCase(left, right) => self.form("folded", &[*left, *right]),
            ExprKind::Arithmetic(op, left, right) => self.form(op.sign(), &[*left, *right]),
            ExprKind::Negate(inner) => self.form("negate", &[*inner]),
            ExprKind::ToFloat(inner) => self.form("float", &[*inner]),
            ExprKind::Fallback(left, right) => self.form("??", &[*left, *right]),
            ExprKind::IsKnown(inner) => self.form("known", &[*inner]),
            ExprKind::InList(inner, list) => {
                let list = hir.declarations.lists.get(*list);
                let name = list.map(|list| format!("in {}.{}", list.named.package, list.named.name));
                self.form(name.as_deref().unwrap_or("?"), &[*inner]);
            }
            ExprKind::InSet(left, right) => self.form("in", &[*left, *right]),
            ExprKind::Lookup(table, key) => {
                let table = hir.declarations.tables.get(*table);
                let name = table.map(|table| format!("{}.{}", table.named.package, table.named.name));
                self.form(name.as_deref().unwrap_or("?"), &[*key]);
            }
            ExprKind::Matches(inner, pattern) => {
                let pattern = hir.patterns.get(*pattern).map(|pattern| format!("{:?} {:?}", pattern.op, pattern.source));
                self.form(pattern.as_deref().unwrap_or("?"), &[*inner]);
            }
            ExprKind::TextTest(op, left, right) => self.form(&format!("{op:?}"), &[*left, *right]),
            ExprKind::Tagged(key, tag) => {
                let tag = hir.declarations.tags.get(*tag).map(|tag| format!("tagged {}.{} ", tag.package, tag.name));
                self.text.push_str(tag.as_deref().unwrap_or("? "));
                self.key(key);
            }
            ExprKind::ScheduleActive(schedule) => {
                let schedule = hir.declarations.schedules.get(*schedule);
                let name = schedule.map(|schedule| format!("active {}.{}", schedule.named.package, schedule.named.name));
                self.word(name.as_deref().unwrap_or("?"));
            }
            ExprKind::Case(subject, arms) => {
                self.word("case");
                self.expr(*subject);
                for (pattern, value) in arms {
                    match pattern {
                        Some(pattern) => self.form("=>", &[*pattern, *value]),
                        None => self.form("_", &[*value]),
                    }
                }
            }
            ExprKind::Builtin(builtin, operands) => self.form(&format!("{builtin:?}"), operands),
            ExprKind::Array(operands) => self.form("array", operands),
            ExprKind::Convert(inner) => self.form(&format!("to {}", expr.ty), &[*inner]),
            ExprKind::Template(parts) => {
                for part in parts {
                    match part {
                        Part::Text(text) => {
                            let _ = write!(self.text, "{text:?} ");
                        }
                        Part::Value(value) => self.expr(*value),
                    }
                }
            }
            ExprKind::Call(call) => {
                if let Some(call) = hir.calls.get(*call) {
                    let model = hir.declarations.models.get(call.model);
                    let name = model.map(|model| format!("{}.{}", model.named.package, model.named.name));
                    self.form(name.as_deref().unwrap_or("?"), &call.inputs);
                }
            }
            // Not allowed in what is counted.
            ExprKind::InCohort(_)
            | ExprKind::CohortValue(..)
            | ExprKind::Holds(_)
            | ExprKind::Captured { .. }
            | ExprKind::Age { .. }
            | ExprKind::Variable(_) => self.word("?"),
        }
    }

    fn form(&mut self, word: &str, operands: &[ExprId]) {
        self.word(word);
        self.exprs(operands);
    }

    fn reading(&mut self, word: &str, signal: SignalId) {
        self.word(word);
        if let Some(signal) = self.hir.signals.get(signal) {
            let _ = write!(self.text, "{} {:?} ", signal.before_this, signal.least);
            self.nested(signal.state);
        }
    }
}
