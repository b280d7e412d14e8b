//! `regorus`: Rego, compiled for its virtual machine; one query gives the set of rules that match.
//!
//! Rego has no `or` inside a body: each becomes a rule of its own, evaluated once a query. A list of ranges of addresses is a set of
//! networks for each length of prefix, asked with the address under that mask, once a query; its own `net.cidr_contains` would read
//! a thousand texts. Its cache of patterns is made large enough for all of them.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::num::{NonZeroU32, NonZeroUsize};
use std::sync::Arc;

use ipnet::IpNet;
use regorus::languages::rego::compiler::Compiler;
use regorus::rvm::vm::RegoVM;
use regorus::value::Object;
use regorus::{Engine as Rego, PolicyLengthConfig, Value};

use super::host;
use super::words::quoted;
use super::{Compiled, Engine, Matcher};
use crate::event::{self, Event, Field};
use crate::workload::{Constant, Expr, List, Set, Test};

/// The engine.
pub struct Regorus;

struct Rules {
    vm: RegoVM,
    fields: Vec<(Field, Value)>,
}

const ENTRY: &str = "data.neutral.matched";

impl Engine for Regorus {
    fn name(&self) -> &'static str {
        "regorus"
    }

    fn package(&self) -> Option<&'static str> {
        Some("regorus")
    }

    fn compile<'w>(&self, set: Set<'w>) -> Result<Compiled<'w>, String> {
        let mut policy = Policy::default();
        for (at, rule) in set.rules.iter().enumerate() {
            let body = policy.body(&rule.expr, set.lists);
            _ = writeln!(policy.rules, "matched contains {at} if {{\n{body}\n}}");
        }
        let text = format!("package neutral\n\nimport rego.v1\n\n{}", policy.rules);
        regorus::cache::configure(regorus::cache::Config { regex: 1 << 12, ..Default::default() });
        let fault = |error: &dyn std::fmt::Display| error.to_string();
        let mut rego = Rego::new();
        rego.set_policy_length_config(PolicyLengthConfig {
            max_col: NonZeroU32::MAX,
            max_file_bytes: NonZeroUsize::MAX,
            max_lines: NonZeroUsize::MAX,
        });
        rego.add_policy("neutral.rego".to_owned(), text).map_err(|error| fault(&error))?;
        let entry: Arc<str> = ENTRY.into();
        let compiled = rego.compile_with_entrypoint(&entry).map_err(|error| fault(&error))?;
        let program = Compiler::compile_from_policy(&compiled, &[ENTRY]).map_err(|error| fault(&error))?;
        let mut vm = RegoVM::new_with_policy(compiled);
        vm.load_program(program);
        vm.set_max_instructions(usize::MAX);
        vm.set_data(data(set.lists)).map_err(|error| fault(&error))?;
        let fields = set.fields().into_iter().map(|field| (field, Value::from(field.name()))).collect();
        Ok(Compiled { matcher: Box::new(Rules { vm, fields }), left_out: Vec::new() })
    }
}

impl Matcher for Rules {
    fn run(&mut self, events: &[Event<'_>], counts: &mut [u32]) -> Result<(), String> {
        for event in events {
            let input = self.fields.iter().map(|(field, name)| {
                let value = match event.get(*field) {
                    event::Value::Text(text) => Value::from(text),
                    event::Value::Int(int) => Value::from(int),
                    event::Value::Float(float) => Value::from(float),
                    event::Value::Truth(truth) => Value::from(truth),
                    event::Value::Ip(ip) => Value::from(host::number(ip)),
                };
                (name.clone(), value)
            });
            self.vm.set_input(Value::from(Object::from_iter(input)));
            let matched = self.vm.execute().map_err(|error| error.to_string())?;
            for rule in matched.as_set().map_err(|error| error.to_string())?.iter() {
                counts[rule.as_i64().map_err(|error| error.to_string())? as usize] += 1;
            }
        }
        Ok(())
    }
}

/// A policy being written.
#[derive(Default)]
struct Policy {
    rules: String,
    /// Rules that stand for a part of another, by their text.
    parts: BTreeMap<String, usize>,
}

impl Policy {
    /// The text of a body that holds when the condition does.
    fn body(&mut self, expr: &Expr, lists: &[List]) -> String {
        match expr {
            Expr::And(args) => args.iter().map(|arg| self.body(arg, lists)).collect::<Vec<_>>().join("\n"),
            Expr::Or(args) => {
                let bodies: Vec<String> = args.iter().map(|arg| self.body(arg, lists)).collect();
                self.part(&bodies)
            }
            Expr::Not(arg) => match &**arg {
                Expr::Test(field, own) if !matches!(own, Test::InList(_)) => {
                    format!("not {}", test(*field, own))
                }
                other => {
                    let body = self.body(other, lists);
                    format!("not {}", self.part(&[body]))
                }
            },
            Expr::Test(field, Test::InList(list)) => {
                let list = lists.get(*list).map_or("", |list| &list.name);
                let name = field.name();
                self.part(&[format!(
                    "some mask, networks in data.lists.{list}\nbits.and(input.{name}, to_number(mask)) in networks"
                )])
            }
            Expr::Test(field, own) => test(*field, own),
        }
    }

    /// The name of a rule that holds when one of the bodies does.
    fn part(&mut self, bodies: &[String]) -> String {
        let next = self.parts.len();
        let key = bodies.join(" | ");
        let known = self.parts.get(&key).copied();
        if known.is_none() {
            for body in bodies {
                _ = writeln!(self.rules, "part_{next} if {{\n{body}\n}}");
            }
            self.parts.insert(key, next);
        }
        format!("part_{}", known.unwrap_or(next))
    }
}

/// Lists by name: for each mask, as a text, the networks of that length of prefix.
fn data(lists: &[List]) -> Value {
    let lists = lists.iter().map(|list| {
        let mut networks: BTreeMap<Value, Value> = BTreeMap::new();
        for range in &list.ranges {
            if let IpNet::V4(range) = range {
                let mask = Value::from(range.netmask().to_bits().to_string());
                let set = networks.entry(mask).or_insert_with(Value::new_set);
                if let Ok(set) = set.as_set_mut() {
                    set.insert(Value::from(i64::from(range.network().to_bits())));
                }
            }
        }
        (Value::from(list.name.as_str()), Value::from(networks))
    });
    let lists: BTreeMap<Value, Value> = lists.collect();
    Value::from(BTreeMap::from([(Value::from("lists"), Value::from(lists))]))
}

fn test(field: Field, test: &Test) -> String {
    let name = format!("input.{}", field.name());
    match test {
        Test::Eq(own) => format!("{name} == {}", constant(own)),
        Test::Ne(own) => format!("{name} != {}", constant(own)),
        Test::In(members) => {
            let members: Vec<String> = members.iter().map(constant).collect();
            format!("{name} in {{{}}}", members.join(",\n"))
        }
        Test::Compare(order, own) => format!("{name} {} {}", order.sign(), constant(own)),
        Test::Contains(own) => format!("contains({name}, {})", quoted(own)),
        Test::StartsWith(own) => format!("startswith({name}, {})", quoted(own)),
        Test::EndsWith(own) => format!("endswith({name}, {})", quoted(own)),
        Test::Matches(own) => format!("regex.match({}, {name})", quoted(own)),
        Test::InList(_) | Test::IsTrue => name,
    }
}

fn constant(of: &Constant) -> String {
    match of {
        Constant::Text(own) => quoted(own),
        Constant::Int(own) => own.to_string(),
        Constant::Float(own) => format!("{own:?}"),
        Constant::Truth(own) => own.to_string(),
    }
}
