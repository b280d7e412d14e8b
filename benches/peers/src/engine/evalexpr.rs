//! `evalexpr`: expressions, walked rule by rule.
//!
//! Version 11 is the last under a permissive licence. It compares and joins; everything else (sets, tests of parts of text, patterns,
//! lists of addresses) is a function of the host, as its users write them. The context keeps its values and their memory from event to
//! event.

use std::collections::{HashMap, HashSet};
use std::hash::BuildHasherDefault;

use evalexpr::{Context, EvalexprError, EvalexprResult, Node, Value, build_operator_tree};
use rustc_hash::FxHasher;

use super::host::{self, Host};
use super::words::{C, quoted, written};
use super::{Compiled, Engine, Matcher};
use crate::event::{self, Event, Field};
use crate::workload::{Constant, Set, Test};

/// The engine.
pub struct Evalexpr;

struct Rules {
    rules: Vec<Node>,
    fields: Vec<Field>,
    context: Surroundings,
}

/// Values and functions.
struct Surroundings {
    places: HashMap<&'static str, usize, BuildHasherDefault<FxHasher>>,
    values: Vec<Value>,
    sets: Vec<Members>,
    host: Host,
}

enum Members {
    Texts(HashSet<String>),
    Ints(HashSet<i64>),
}

impl Engine for Evalexpr {
    fn name(&self) -> &'static str {
        "evalexpr"
    }

    fn package(&self) -> Option<&'static str> {
        Some("evalexpr")
    }

    fn compile<'w>(&self, set: Set<'w>) -> Result<Compiled<'w>, String> {
        let host = Host::of(set)?;
        let (mut sets, mut rules) = (Vec::new(), Vec::new());
        for rule in set.rules {
            let text = written(&rule.expr, &C, &mut |field, own| Ok(test(field, own, &host, &mut sets)))?;
            rules.push(build_operator_tree(&text).map_err(|error| format!("{}: {error}", rule.id))?);
        }
        let fields = set.fields();
        let places = fields.iter().enumerate().map(|(at, field)| (field.name(), at)).collect();
        let values = vec![Value::Empty; fields.len()];
        let context = Surroundings { places, values, sets, host };
        Ok(Compiled { matcher: Box::new(Rules { rules, fields, context }), left_out: Vec::new() })
    }
}

impl Matcher for Rules {
    fn run(&mut self, events: &[Event<'_>], counts: &mut [u32]) -> Result<(), String> {
        for event in events {
            for (field, value) in self.fields.iter().zip(&mut self.context.values) {
                match (event.get(*field), value) {
                    (event::Value::Text(text), Value::String(own)) => {
                        own.clear();
                        own.push_str(text);
                    }
                    (event::Value::Text(text), value) => *value = Value::String(text.to_owned()),
                    (event::Value::Int(int), value) => *value = Value::Int(int),
                    (event::Value::Float(float), value) => *value = Value::Float(float),
                    (event::Value::Truth(truth), value) => *value = Value::Boolean(truth),
                    (event::Value::Ip(ip), value) => *value = Value::Int(host::number(ip)),
                }
            }
            for (rule, count) in self.rules.iter().zip(&mut *counts) {
                let matches =
                    rule.eval_boolean_with_context(&self.context).map_err(|error| error.to_string())?;
                *count += u32::from(matches);
            }
        }
        Ok(())
    }
}

impl Context for Surroundings {
    fn get_value(&self, identifier: &str) -> Option<&Value> {
        self.values.get(*self.places.get(identifier)?)
    }

    fn call_function(&self, identifier: &str, argument: &Value) -> EvalexprResult<Value> {
        let Value::Tuple(arguments) = argument else {
            return Err(EvalexprError::CustomMessage("not two arguments".to_owned()));
        };
        let truth = match (identifier, arguments.as_slice()) {
            ("has", [Value::String(text), Value::String(own)]) => text.contains(own.as_str()),
            ("begins", [Value::String(text), Value::String(own)]) => text.starts_with(own.as_str()),
            ("ends", [Value::String(text), Value::String(own)]) => text.ends_with(own.as_str()),
            ("found", [Value::String(text), Value::Int(pattern)]) => self.host.matches(*pattern, text),
            ("listed", [Value::Int(ip), Value::Int(list)]) => self.host.in_list(*list, *ip),
            ("member", [value, Value::Int(set)]) => match (value, self.sets.get(*set as usize)) {
                (Value::String(text), Some(Members::Texts(texts))) => texts.contains(text),
                (Value::Int(int), Some(Members::Ints(ints))) => ints.contains(int),
                _ => false,
            },
            _ => return Err(EvalexprError::FunctionIdentifierNotFound(identifier.to_owned())),
        };
        Ok(Value::Boolean(truth))
    }

    fn are_builtin_functions_disabled(&self) -> bool {
        true
    }

    fn set_builtin_functions_disabled(&mut self, _: bool) -> EvalexprResult<()> {
        Ok(())
    }
}

fn test(field: Field, test: &Test, host: &Host, sets: &mut Vec<Members>) -> String {
    let name = field.name();
    match test {
        Test::Eq(own) => format!("{name} == {}", constant(own)),
        Test::Ne(own) => format!("{name} != {}", constant(own)),
        Test::In(own) => {
            sets.push(members(own));
            format!("member({name}, {})", sets.len() - 1)
        }
        Test::Compare(order, own) => format!("{name} {} {}", order.sign(), constant(own)),
        Test::Contains(own) => format!("has({name}, {})", quoted(own)),
        Test::StartsWith(own) => format!("begins({name}, {})", quoted(own)),
        Test::EndsWith(own) => format!("ends({name}, {})", quoted(own)),
        Test::Matches(own) => format!("found({name}, {})", host.number(own)),
        Test::InList(list) => format!("listed({name}, {list})"),
        Test::IsTrue => name.to_owned(),
    }
}

fn members(of: &[Constant]) -> Members {
    let texts: HashSet<String> = of.iter().filter_map(super::tree::text).map(str::to_owned).collect();
    if texts.is_empty() {
        return Members::Ints(of.iter().filter_map(super::tree::number).collect());
    }
    Members::Texts(texts)
}

fn constant(of: &Constant) -> String {
    match of {
        Constant::Text(own) => quoted(own),
        Constant::Int(own) => own.to_string(),
        Constant::Float(own) => format!("{own:?}"),
        Constant::Truth(own) => own.to_string(),
    }
}
