//! One interface to whatever evaluates expressions.
//!
//! The walker is the meaning and the bytecode is fast; both give the same answers. A further tier is another variant
//! here, and nothing outside has to know.

use std::borrow::Cow;

use crate::data::Data;
use crate::hir::{Hir, Part};
use crate::ids::*;
use crate::ir::{Machine, Memo, Unit};
use crate::show;
use crate::types::Type;
use crate::value::Value;
use crate::walk::{Walker, World};

/// What evaluates expressions.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Tier {
    /// The reference walker.
    Walker,
    /// Programs over registers.
    Bytecode,
    /// The same, after a plan of all conditions has said which may hold.
    #[default]
    Plan,
}

impl Tier {
    /// All there are.
    pub const ALL: [Self; 3] = [Self::Walker, Self::Bytecode, Self::Plan];

    /// Its name.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Walker => "walker",
            Self::Bytecode => "bytecode",
            Self::Plan => "plan",
        }
    }
}

/// The expressions of a rule set with what is loaded, on one tier.
#[derive(Clone, Copy, Debug)]
pub struct Evaluator<'h> {
    hir: &'h Hir,
    walker: Walker<'h>,
    machine: Option<Machine<'h>>,
}

impl<'h> Evaluator<'h> {
    /// On the bytecode where there is a unit of `hir`, on the walker without one.
    pub fn new(hir: &'h Hir, data: &'h Data, unit: Option<&'h Unit>) -> Self {
        let machine = unit.map(|unit| Machine { unit, patterns: &hir.patterns, data, memo: None });
        Self { hir, walker: Walker::new(hir, data), machine }
    }

    /// Remembers in `memo` what several conditions ask. Every world that is asked must then be of the event that `memo` has
    /// begun.
    pub fn with_memo(mut self, memo: &'h Memo) -> Self {
        if let Some(machine) = &mut self.machine {
            machine.memo = Some(memo);
        }
        self
    }

    /// Whether a condition is true; unknown is `None`.
    pub fn truth(&self, id: ExprId, world: &impl World) -> Option<bool> {
        if let Some(machine) = &self.machine
            && let Some(program) = machine.unit.truth_program(id)
        {
            return machine.truth(program, world);
        }
        self.walker.truth(id, world)
    }

    /// The value of an expression; unknown is `None`.
    pub fn value<'a>(&self, id: ExprId, world: &'a impl World) -> Option<Cow<'a, Value>>
    where
        'h: 'a,
    {
        if let Some(machine) = &self.machine
            && let Some(program) = machine.unit.value_program(id)
        {
            return machine.value(program, world);
        }
        self.walker.value(id, world)
    }

    /// Text with its values printed by `print`, `not known` where unknown.
    pub fn text(
        &self,
        parts: &[Part],
        world: &impl World,
        print: impl Fn(ExprId, &Value, &Type) -> String,
    ) -> String {
        let mut text = String::new();
        for part in parts {
            match part {
                Part::Text(part) => text.push_str(part),
                Part::Value(id) => match (self.value(*id, world), self.hir.exprs.get(*id)) {
                    (Some(value), Some(expr)) => text.push_str(&print(*id, &value, &expr.ty)),
                    _ => text.push_str(show::NOT_KNOWN),
                },
            }
        }
        text
    }
}
