//! `wirefilter-engine`, Cloudflare's: typed fields, rules compiled to closures, one by one.
//!
//! Its numbers are of 32 bits without fractions, so the score is in thousandths. It has no `starts with` and no `ends with`: anchored
//! patterns stand for them. A list is written out where it is asked. One context serves all events; fields that no rule reads
//! are not set. A context takes its values by name, which for few rules is a good part of the time.

use regex::escape;
use wirefilter::{ExecutionContext, Filter, Scheme, Type};

use super::words::{C, quoted, thousandths, written};
use super::{BATCH, Compiled, Engine, Held};
use crate::event::{Event, Field, Kind, Record, Value};
use crate::workload::{Constant, List, Set, Test};

/// The engine.
pub struct Wirefilter;

/// Filters hold on to what they are executed with, so events must live as long as they.
struct Filters<'w> {
    scheme: &'w Scheme,
    fields: Vec<Field>,
    filters: Vec<(usize, Filter<'w>)>,
}

impl Engine for Wirefilter {
    fn name(&self) -> &'static str {
        "wirefilter"
    }

    fn package(&self) -> Option<&'static str> {
        Some("wirefilter-engine")
    }

    fn compile<'w>(&self, set: Set<'w>) -> Result<Compiled<'w>, String> {
        let (filters, left_out) = compile(set)?;
        Ok(Compiled { matcher: Box::new(filters), left_out })
    }
}

impl<'w> Held<'w> for Filters<'w> {
    fn run(&mut self, events: &[Event<'w>], counts: &mut [u32]) -> Result<(), String> {
        let mut context = ExecutionContext::new(self.scheme);
        for event in events {
            self.fill(event, &mut context)?;
            self.execute(&context, counts)?;
        }
        Ok(())
    }

    fn run_lines(&mut self, lines: &[&'w str], counts: &mut [u32]) -> Result<(), String> {
        for lines in lines.chunks(BATCH) {
            let records = crate::event::decode(lines)?;
            let events: Option<Vec<Event<'w>>> = records.iter().map(Record::held).collect();
            self.run(&events.ok_or("an event with escapes cannot be borrowed")?, counts)?;
        }
        Ok(())
    }
}

impl<'w> Filters<'w> {
    fn fill(&self, event: &Event<'w>, context: &mut ExecutionContext<'w>) -> Result<(), String> {
        for field in &self.fields {
            let name = field.name();
            let set = match event.get(*field) {
                Value::Text(text) => context.set_field_value(name, text),
                Value::Int(int) => context.set_field_value(name, i32::try_from(int).unwrap_or(i32::MAX)),
                Value::Float(float) => context.set_field_value(name, (float * 1e3).round() as i32),
                Value::Truth(truth) => context.set_field_value(name, truth),
                Value::Ip(ip) => context.set_field_value(name, ip),
            };
            set.map_err(|error| error.to_string())?;
        }
        Ok(())
    }

    fn execute(&self, context: &ExecutionContext<'w>, counts: &mut [u32]) -> Result<(), String> {
        for (rule, filter) in &self.filters {
            let matches = filter.execute(context).map_err(|error| error.to_string())?;
            counts[*rule] += u32::from(matches);
        }
        Ok(())
    }
}

fn compile<'w>(set: Set<'w>) -> Result<(Filters<'w>, Vec<(usize, String)>), String> {
    let mut scheme = Scheme::new();
    for field in Field::ALL {
        let ty = match field.kind() {
            Kind::Text => Type::Bytes,
            Kind::Int | Kind::Float => Type::Int,
            Kind::Truth => Type::Bool,
            Kind::Ip => Type::Ip,
        };
        scheme.add_field(field.name().to_owned(), ty).map_err(|error| error.to_string())?;
    }
    // Filters borrow it, and live as long as the run.
    let scheme: &'w Scheme = Box::leak(Box::new(scheme));
    let (mut filters, mut left_out) = (Vec::new(), Vec::new());
    for (at, rule) in set.rules.iter().enumerate() {
        match written(&rule.expr, &C, &mut |field, own| test(field, own, set.lists)) {
            Ok(text) => {
                let filter = scheme.parse(&text).map_err(|error| format!("{}: {error}", rule.id))?.compile();
                filters.push((at, filter));
            }
            Err(why) => left_out.push((at, why)),
        }
    }
    Ok((Filters { scheme, fields: set.fields(), filters }, left_out))
}

fn test(field: Field, test: &Test, lists: &[List]) -> Result<String, String> {
    let name = field.name();
    Ok(match test {
        Test::Eq(own) => format!("{name} == {}", constant(own)?),
        Test::Ne(own) => format!("{name} != {}", constant(own)?),
        Test::In(members) => {
            let members = members.iter().map(constant).collect::<Result<Vec<_>, _>>()?;
            format!("{name} in {{{}}}", members.join(" "))
        }
        Test::Compare(order, own) => format!("{name} {} {}", order.sign(), constant(own)?),
        Test::Contains(own) => format!("{name} contains {}", quoted(own)),
        Test::StartsWith(own) => format!("{name} matches {}", pattern(&format!("^{}", escape(own)))),
        Test::EndsWith(own) => format!("{name} matches {}", pattern(&format!("{}$", escape(own)))),
        Test::Matches(own) => format!("{name} matches {}", pattern(own)),
        Test::InList(list) => {
            let ranges = lists.get(*list).map(|list| list.ranges.iter().map(ToString::to_string));
            format!("{name} in {{{}}}", ranges.into_iter().flatten().collect::<Vec<_>>().join(" "))
        }
        Test::IsTrue => name.to_owned(),
    })
}

fn constant(of: &Constant) -> Result<String, String> {
    match of {
        Constant::Text(own) => Ok(quoted(own)),
        Constant::Int(own) => {
            i32::try_from(*own).map(|own| own.to_string()).map_err(|_| "numbers beyond 32 bits".to_owned())
        }
        Constant::Float(own) => {
            thousandths(*own).map(|own| own.to_string()).ok_or_else(|| "fractions".to_owned())
        }
        Constant::Truth(_) => Err("a comparison of truth values".to_owned()),
    }
}

/// A pattern in quotes; its reader takes a backslash as part of the pattern, but before a quote.
fn pattern(regex: &str) -> String {
    format!("\"{}\"", regex.replace('"', "\\\""))
}
