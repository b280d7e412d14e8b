//! The neutral rules as one `.weir` text: an event of the workload's fields, its lists, and policies with a rule for each.

use std::fmt::Write;

use crate::event::{Field, Kind};
use crate::workload::{Constant, Expr, Set, Test};

/// The event's name.
pub const EVENT: &str = "request";
/// The most rules of a policy here: the checker bounds the expressions of an item.
const MOST: usize = 1_000;

/// The text.
pub fn source(set: Set<'_>) -> String {
    let mut text = String::from("package bench.neutral\n\n");
    text.push_str("envelope {\n  id: id<event>\n  at: timestamp\n}\n\n");
    _ = writeln!(text, "event {EVENT} {{");
    for field in Field::ALL {
        _ = writeln!(text, "  {}: {}", field.name(), ty(*field));
    }
    text.push_str("}\n\n");
    for list in set.lists {
        _ = writeln!(text, "list {0}: set<cidr> from \"lists/{0}.csv\"", list.name);
    }
    for (at, rules) in set.rules.chunks(MOST).enumerate() {
        _ = writeln!(text, "\npolicy neutral-{at} {{\n  on {EVENT}");
        for rule in rules {
            let action = match rule.action.as_str() {
                "block" => "block",
                "challenge" => "challenge",
                _ => "log",
            };
            _ = write!(text, "\n  rule {} {{\n    when ", rule.id);
            expr(&rule.expr, set, &mut text);
            _ = writeln!(text, "\n    then {action}\n    because \"{}\"\n  }}", rule.id);
        }
        text.push_str("}\n");
    }
    text
}

fn ty(field: Field) -> &'static str {
    match (field, field.kind()) {
        (Field::country, _) => "country",
        (Field::asn, _) => "asn",
        (Field::ja3 | Field::ja4, _) => "fingerprint",
        (Field::ts, _) => "timestamp",
        (_, Kind::Text) => "string",
        (_, Kind::Int) => "int",
        (_, Kind::Float) => "float",
        (_, Kind::Truth) => "bool",
        (_, Kind::Ip) => "ip",
    }
}

fn expr(of: &Expr, set: Set<'_>, text: &mut String) {
    let mut joined = |args: &[Expr], word: &str| {
        for (at, arg) in args.iter().enumerate() {
            text.push_str(if at > 0 { word } else { "" });
            let atom = matches!(arg, Expr::Test(..));
            text.push_str(if atom { "" } else { "(" });
            expr(arg, set, text);
            text.push_str(if atom { "" } else { ")" });
        }
    };
    match of {
        Expr::And(args) => joined(args, " and "),
        Expr::Or(args) => joined(args, " or "),
        Expr::Not(arg) => {
            text.push_str("not (");
            expr(arg, set, text);
            text.push(')');
        }
        Expr::Test(field, test) => self::test(*field, test, set, text),
    }
}

fn test(field: Field, test: &Test, set: Set<'_>, text: &mut String) {
    text.push_str(field.name());
    _ = match test {
        Test::Eq(own) => write!(text, " == {}", constant(own)),
        Test::Ne(own) => write!(text, " != {}", constant(own)),
        Test::In(members) => {
            let members: Vec<String> = members.iter().map(constant).collect();
            write!(text, " in [{}]", members.join(", "))
        }
        Test::Compare(order, own) => write!(text, " {} {}", order.sign(), constant(own)),
        Test::Contains(own) => write!(text, " contains {}", quoted(own)),
        Test::StartsWith(own) => write!(text, " starts with {}", quoted(own)),
        Test::EndsWith(own) => write!(text, " ends with {}", quoted(own)),
        Test::Matches(own) => write!(text, " matches regex {}", quoted(own)),
        Test::InList(list) => write!(text, " in {}", set.lists.get(*list).map_or("", |list| &list.name)),
        Test::IsTrue => Ok(()),
    };
}

fn constant(of: &Constant) -> String {
    match of {
        Constant::Text(own) => quoted(own),
        Constant::Int(own) => own.to_string(),
        Constant::Float(own) => format!("{own:?}"),
        Constant::Truth(own) => own.to_string(),
    }
}

fn quoted(text: &str) -> String {
    format!(
        "\"{}\"",
        text.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n").replace('\t', "\\t")
    )
}
