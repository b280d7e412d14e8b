//! The plan of a rule set, interpreted: all conditions together. What it leaves open, the bytecode decides.

use weir_compiler::value::Country;
use weir_plan::{Conditions, Frame, Plan, Scalar};

use super::bytecode::Programs;
use super::linked::Linked;
use crate::engine::{Compiled, Engine, Matcher};
use crate::event::{Event, Field, Value};
use crate::workload::Set;

/// The engine.
pub struct Interpreted;

struct Rules {
    plan: Plan,
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
        let sample: Vec<Vec<Scalar<'_>>> =
            set.sample.iter().map(|event| row(event, &columns).collect()).collect();
        let plan = Plan::new(&literals, &lowered, &linked.data, &sample);
        let open = (0..lowered.len() as u32).any(|condition| !plan.is_exact(condition));
        let programs = open.then(|| Programs::new(linked, set));
        let rules = Rules { frame: Frame::new(&plan), plan, columns, found: Vec::new(), programs };
        Ok(Compiled { matcher: Box::new(rules), left_out: Vec::new() })
    }
}

impl Matcher for Rules {
    fn run(&mut self, events: &[Event<'_>], counts: &mut [u32]) -> Result<(), String> {
        let mut scalars = Vec::with_capacity(self.columns.len());
        for event in events {
            scalars.clear();
            scalars.extend(row(event, &self.columns));
            self.found.clear();
            self.plan.matches(&scalars, &mut self.frame, &mut self.found);
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

/// An event as a plan takes it.
fn row<'a>(event: &Event<'a>, columns: &[Field]) -> impl Iterator<Item = Scalar<'a>> {
    columns.iter().map(|field| match (field, event.get(*field)) {
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
    })
}
