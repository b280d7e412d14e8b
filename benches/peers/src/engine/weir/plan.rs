//! The plan of a rule set: all conditions together, interpreted or with its groups as native code. What it leaves open, the bytecode decides.

use std::sync::Arc;

use weir_compiler::value::Country;
use weir_native::{Compiler, Native, Options};
use weir_plan::{Column, Conditions, Frame, Plan, Row, Scalar};

use super::bytecode::Programs;
use super::linked::Linked;
use crate::engine::{Compiled, Engine, Matcher};
use crate::event::{Event, Field, Kind, Values};
use crate::workload::Set;

/// The engine that interprets the plan.
pub struct Interpreted;
/// The engine that runs the plan's groups as native code.
pub struct Machine;

struct Rules {
    plan: Arc<Plan>,
    native: Option<Arc<Native>>,
    frame: Frame,
    /// By column, where its value is.
    columns: Vec<Place>,
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
        let columns = columns.collect::<Result<Vec<Field>, _>>()?.into_iter().map(Place::of);
        let columns: Vec<Place> = columns.collect();
        let values: Vec<Values<'_>> = set.sample.iter().map(Event::values).collect();
        let rows = values.iter().map(|values| Fields { values, columns: &columns });
        let rows: Vec<Fields<'_>> = rows.collect();
        let sample: Vec<Vec<Scalar<'_>>> = rows
            .iter()
            .map(|row| (0..columns.len() as u16).map(|column| row.value(Column(column))).collect())
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
            let values = event.values();
            let row = Fields { values: &values, columns: &self.columns };
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
    values: &'a Values<'a>,
    columns: &'a [Place],
}

impl Row for Fields<'_> {
    #[inline]
    fn value(&self, column: Column) -> Scalar<'_> {
        let Some(Place { kind, is_country, at }) = self.columns.get(usize::from(column.0)).copied() else {
            return Scalar::Missing;
        };
        let Values { texts, ints, floats, truths, ips } = self.values;
        match kind {
            // A country is its two letters as a number.
            Kind::Text if is_country => Country::parse(texts[at])
                .map_or(Scalar::Missing, |country| Scalar::Int(i64::from(u16::from_be_bytes(country.0)))),
            Kind::Text => Scalar::Text(texts[at]),
            Kind::Int => Scalar::Int(ints[at]),
            Kind::Float => Scalar::Float(floats[at]),
            Kind::Truth => Scalar::Bool(truths[at]),
            Kind::Ip => Scalar::Ip(ips[at]),
        }
    }
}

/// Where the value of a field is: among those of its type.
#[derive(Clone, Copy)]
struct Place {
    kind: Kind,
    is_country: bool,
    at: usize,
}

impl Place {
    fn of(field: Field) -> Self {
        let alike = Field::ALL.iter().filter(|other| other.kind() == field.kind());
        let at = alike.take_while(|other| **other != field).count();
        Self { kind: field.kind(), is_country: field == Field::country, at }
    }
}
