//! The plan of a rule set: all conditions together, interpreted or with its groups as native code. What it leaves open, the bytecode decides.

use std::sync::Arc;

use weir_compiler::value::Country;
use weir_native::{Compiler, Native, Options};
use weir_plan::{Column, Conditions, Frame, Plan, Row, Scalar};

use super::bytecode::Programs;
use super::linked::Linked;
use crate::engine::{Compiled, Engine, Matcher};
use crate::event::{Event, Field, Value};
use crate::workload::Set;

/// The engine that interprets the plan.
pub struct Interpreted;
/// The engine that runs the plan's groups as native code.
pub struct Machine;

struct Rules {
    plan: Arc<Plan>,
    native: Option<Arc<Native>>,
    frame: Frame,
    /// By column.
    columns: Vec<Field>,
    found: Vec<u32>,
    /// For conditions that the plan leaves open, if there are any.
    programs: Option<Programs>,
}

impl Engine for Interpreted {
    fn name(&self) -> &'static str {
        "weir-plan"
    }

    fn package(&self) -> Option<&'static str> {
        None
    }

    fn compile<'w>(&self, set: Set<'w>) -> Result<Compiled<'w>, String> {
        let rules = Rules::new(set)?;
        Ok(Compiled { matcher: Box::new(rules), left_out: Vec::new() })
    }
}

impl Engine for Machine {
    fn name(&self) -> &'static str {
        "weir-native"
    }

    fn package(&self) -> Option<&'static str> {
        None
    }

    fn compile<'w>(&self, set: Set<'w>) -> Result<Compiled<'w>, String> {
        let mut rules = Rules::new(set)?;
        let native = Compiler::new(Options::default()).compile(Arc::clone(&rules.plan));
        let status = native.status();
        if let Some((groups, refusal)) = status.refused.first() {
            return Err(format!("groups {groups:?} stay with the interpreter: {refusal}"));
        }
        rules.native = Some(native);
        Ok(Compiled { matcher: Box::new(rules), left_out: Vec::new() })
    }
}

impl Rules {
    fn new(set: Set<'_>) -> Result<Self, String> {
        let linked = Linked::of(set)?;
        let mut conditions = Conditions::new(&linked.hir);
        let lowered: Vec<_> =
            linked.conditions().into_iter().map(|expr| conditions.condition(expr)).collect();
        let literals = conditions.literals;
        let columns = literals
            .columns()
            .iter()
            .map(|(id, _)| linked.fields.get(id).copied().ok_or("a field of no event"));
        let columns = columns.collect::<Result<Vec<Field>, _>>()?;
        let sample: Vec<Vec<Scalar<'_>>> = set
            .sample
            .iter()
            .map(|event| columns.iter().map(|field| scalar(event, *field)).collect())
            .collect();
        let plan = Arc::new(Plan::new(&literals, &lowered, &linked.data, &sample));
        let open = (0..lowered.len() as u32).any(|condition| !plan.is_exact(condition));
        let programs = open.then(|| Programs::new(linked, set));
        Ok(Self { frame: Frame::new(&plan), plan, native: None, columns, found: Vec::new(), programs })
    }
}

impl Matcher for Rules {
    fn run(&mut self, events: &[Event<'_>], counts: &mut [u32]) -> Result<(), String> {
        for event in events {
            self.found.clear();
            let row = Fields { event, columns: &self.columns };
            match &self.native {
                Some(native) => self.plan.matches_with(&row, &mut self.frame, &**native, &mut self.found),
                None => self.plan.matches(&row, &mut self.frame, &mut self.found),
            }
            if let Some(programs) = &mut self.programs {
                programs.begin();
            }
            for condition in &self.found {
                let rule = *condition as usize;
                let holds = match &self.programs {
                    Some(programs) if !self.plan.is_exact(*condition) => programs.holds(rule, event),
                    _ => true,
                };
                counts[rule] += u32::from(holds);
            }
        }
        Ok(())
    }
}

/// An event as a plan takes it: a value is looked at where a rule asks for it.
struct Fields<'a> {
    event: &'a Event<'a>,
    columns: &'a [Field],
}

impl Row for Fields<'_> {
    #[inline]
    fn value(&self, column: Column) -> Scalar<'_> {
        self.columns.get(usize::from(column.0)).map_or(Scalar::Missing, |field| scalar(self.event, *field))
    }
}

#[inline]
fn scalar<'a>(event: &Event<'a>, field: Field) -> Scalar<'a> {
    match (field, event.get(field)) {
        // A country is its two letters as a number.
        (Field::country, Value::Text(text)) => match Country::parse(text) {
            Some(country) => Scalar::Int(i64::from(u16::from_be_bytes(country.0))),
            None => Scalar::Missing,
        },
        (_, Value::Text(text)) => Scalar::Text(text),
        (_, Value::Int(int)) => Scalar::Int(int),
        (_, Value::Float(float)) => Scalar::Float(float),
        (_, Value::Truth(truth)) => Scalar::Bool(truth),
        (_, Value::Ip(ip)) => Scalar::Ip(ip),
    }
}
