//! `zen-expression`: expressions compiled to its bytecode, run rule by rule.
//!
//! Numbers are decimal. It has no ranges of addresses and takes no functions of the host, and its `matches` compiles the pattern at
//! every call: rules that ask either are left out.

use rust_decimal::Decimal;
use zen_expression::expression::Standard;
use zen_expression::variable::{Symbol, VariableMap};
use zen_expression::vm::VM;
use zen_expression::{Expression, Scope, Variable, compile_expression};

use super::words::{PLAIN, written};
use super::{Compiled, Engine, Matcher};
use crate::event::{Event, Field, Value};
use crate::workload::{Constant, Set, Test, fields};

/// The engine.
pub struct Zen;

struct Rules {
    rules: Vec<(usize, Expression<Standard>)>,
    fields: Vec<(Field, Symbol)>,
    vm: VM,
}

impl Engine for Zen {
    fn name(&self) -> &'static str {
        "zen"
    }

    fn package(&self) -> Option<&'static str> {
        Some("zen-expression")
    }

    fn compile<'w>(&self, set: Set<'w>) -> Result<Compiled<'w>, String> {
        let (mut rules, mut kept, mut left_out) = (Vec::new(), Vec::new(), Vec::new());
        for (at, rule) in set.rules.iter().enumerate() {
            match written(&rule.expr, &PLAIN, &mut test) {
                Ok(text) => {
                    rules.push((at, compile_expression(&text).map_err(|error| format!("{text}: {error}"))?));
                    kept.push(*rule);
                }
                Err(why) => left_out.push((at, why)),
            }
        }
        let fields = fields(&kept);
        let fields = fields.into_iter().map(|field| (field, Symbol::from(field.name()))).collect();
        Ok(Compiled { matcher: Box::new(Rules { rules, fields, vm: VM::new() }), left_out })
    }
}

impl Matcher for Rules {
    fn run(&mut self, events: &[Event<'_>], counts: &mut [u32]) -> Result<(), String> {
        for event in events {
            let mut fields = VariableMap::with_capacity(self.fields.len());
            for (field, name) in &self.fields {
                let value = match event.get(*field) {
                    Value::Text(text) => Variable::String(text.to_owned().into()),
                    Value::Int(int) => Variable::Number(int.into()),
                    Value::Float(float) => Variable::Number(Decimal::new((float * 1e3).round() as i64, 3)),
                    Value::Truth(truth) => Variable::Bool(truth),
                    Value::Ip(_) => Variable::Null,
                };
                fields.insert(name.clone(), value);
            }
            let scope = Scope::new(Variable::from_object(fields));
            for (at, rule) in &self.rules {
                match rule.evaluate_with_scope(&scope, &mut self.vm) {
                    Ok(Variable::Bool(matches)) => counts[*at] += u32::from(matches),
                    Ok(other) => return Err(format!("a rule is {other:?}")),
                    Err(error) => return Err(error.to_string()),
                }
            }
        }
        Ok(())
    }
}

fn test(field: Field, test: &Test) -> Result<String, String> {
    let name = field.name();
    match test {
        Test::Eq(own) => Ok(format!("{name} == {}", constant(own)?)),
        Test::Ne(own) => Ok(format!("{name} != {}", constant(own)?)),
        Test::In(members) => {
            let members = members.iter().map(constant).collect::<Result<Vec<_>, _>>()?;
            Ok(format!("{name} in [{}]", members.join(", ")))
        }
        Test::Compare(order, own) => Ok(format!("{name} {} {}", order.sign(), constant(own)?)),
        Test::Contains(own) => Ok(format!("contains({name}, {})", quoted(own)?)),
        Test::StartsWith(own) => Ok(format!("startsWith({name}, {})", quoted(own)?)),
        Test::EndsWith(own) => Ok(format!("endsWith({name}, {})", quoted(own)?)),
        Test::Matches(_) => Err("regular expressions that are compiled once".to_owned()),
        Test::InList(_) => Err("ranges of addresses".to_owned()),
        Test::IsTrue => Ok(name.to_owned()),
    }
}

fn constant(of: &Constant) -> Result<String, String> {
    match of {
        Constant::Text(own) => quoted(own),
        Constant::Int(own) => Ok(own.to_string()),
        Constant::Float(own) => Ok(format!("{own:?}")),
        Constant::Truth(own) => Ok(own.to_string()),
    }
}

/// There are no escapes, but two kinds of quotes.
fn quoted(text: &str) -> Result<String, String> {
    match (text.contains('\''), text.contains('"')) {
        (false, _) => Ok(format!("'{text}'")),
        (true, false) => Ok(format!("\"{text}\"")),
        (true, true) => Err("both kinds of quotes in a text".to_owned()),
    }
}
