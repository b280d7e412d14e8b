//! `cel`: the Common Expression Language, walked rule by rule.
//!
//! Fields are given by a resolver that borrows, so only what a rule reads is made. Constant sets are maps of the context, since a list
//! in the text is built anew at every evaluation. Patterns and lists of addresses are functions of the host: `matches` compiles its
//! pattern at every call, and there are no ranges of addresses.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use cel::common::types::{CelBool, CelDouble, CelInt, CelString};
use cel::common::value::CowVal;
use cel::context::VariableResolver;
use cel::{Context, Program, Value};

use super::host::{self, Host};
use super::words::{C, quoted, written};
use super::{Compiled, Engine, Matcher};
use crate::event::{self, Event, Field};
use crate::workload::{Constant, Set, Test};

/// The engine.
pub struct Cel;

struct Rules {
    programs: Vec<Program>,
    /// Sets and functions; each event's is a scope inside.
    root: Context<'static, 'static>,
    fields: HashMap<&'static str, Field>,
}

impl Engine for Cel {
    fn name(&self) -> &'static str {
        "cel"
    }

    fn package(&self) -> Option<&'static str> {
        Some("cel")
    }

    fn compile<'w>(&self, set: Set<'w>) -> Result<Compiled<'w>, String> {
        let host = Host::of(set)?;
        let mut sets = BTreeMap::new();
        let mut programs = Vec::new();
        for rule in set.rules {
            let text = written(&rule.expr, &C, &mut |field, own| Ok(test(field, own, &host, &mut sets)))?;
            programs.push(Program::compile(&text).map_err(|error| format!("{}: {error}", rule.id))?);
        }
        let fields = set.fields().into_iter().map(|field| (field.name(), field)).collect();
        let mut root = Context::default();
        for (name, members) in sets.into_values() {
            root.add_variable_from_value(name, map(&members));
        }
        let found = Arc::new(host);
        let listed = Arc::clone(&found);
        let found = move |pattern: i64, text: Arc<String>| found.matches(pattern, &text);
        let listed = move |list: i64, ip: i64| listed.in_list(list, ip);
        root.add_function("found", found).map_err(|error| error.to_string())?;
        root.add_function("in_list", listed).map_err(|error| error.to_string())?;
        Ok(Compiled { matcher: Box::new(Rules { programs, root, fields }), left_out: Vec::new() })
    }
}

impl Matcher for Rules {
    fn run(&mut self, events: &[Event<'_>], counts: &mut [u32]) -> Result<(), String> {
        for event in events {
            let fields = Fields { event, fields: &self.fields };
            let mut context = self.root.new_inner_scope();
            context.set_variable_resolver(&fields);
            for (program, count) in self.programs.iter().zip(&mut *counts) {
                match program.execute(&context) {
                    Ok(Value::Bool(matches)) => *count += u32::from(matches),
                    Ok(other) => return Err(format!("a rule is {other:?}")),
                    Err(error) => return Err(error.to_string()),
                }
            }
        }
        Ok(())
    }
}

struct Fields<'a> {
    event: &'a Event<'a>,
    fields: &'a HashMap<&'static str, Field>,
}

impl VariableResolver for Fields<'_> {
    fn resolve<'b>(&'b self, variable: &str) -> Option<CowVal<'b, 'b>> {
        Some(match self.event.get(*self.fields.get(variable)?) {
            event::Value::Text(text) => CowVal::owned(CelString::from(text)),
            event::Value::Int(int) => CowVal::owned(CelInt::from(int)),
            event::Value::Float(float) => CowVal::owned(CelDouble::from(float)),
            event::Value::Truth(truth) => CowVal::owned(CelBool::from(truth)),
            event::Value::Ip(ip) => CowVal::owned(CelInt::from(host::number(ip))),
        })
    }
}

/// Sets by the text of their members: their names and the members.
type Sets = BTreeMap<String, (String, Vec<Constant>)>;

fn test(field: Field, test: &Test, host: &Host, sets: &mut Sets) -> String {
    let name = field.name();
    match test {
        Test::Eq(own) => format!("{name} == {}", constant(own)),
        Test::Ne(own) => format!("{name} != {}", constant(own)),
        Test::In(members) => {
            let next = sets.len();
            let (set, _) =
                sets.entry(format!("{members:?}")).or_insert_with(|| (format!("set{next}"), members.clone()));
            format!("{name} in {set}")
        }
        Test::Compare(order, own) => format!("{name} {} {}", order.sign(), constant(own)),
        Test::Contains(own) => format!("{name}.contains({})", quoted(own)),
        Test::StartsWith(own) => format!("{name}.startsWith({})", quoted(own)),
        Test::EndsWith(own) => format!("{name}.endsWith({})", quoted(own)),
        Test::Matches(own) => format!("found({}, {name})", host.number(own)),
        Test::InList(list) => format!("in_list({list}, {name})"),
        Test::IsTrue => name.to_owned(),
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

fn map(members: &[Constant]) -> Value {
    let texts: HashMap<String, bool> = members
        .iter()
        .filter_map(|member| match member {
            Constant::Text(text) => Some((text.clone(), true)),
            _ => None,
        })
        .collect();
    if !texts.is_empty() {
        return texts.into();
    }
    let ints = members.iter().filter_map(|member| match member {
        Constant::Int(int) => Some((*int, true)),
        _ => None,
    });
    ints.collect::<HashMap<i64, bool>>().into()
}
