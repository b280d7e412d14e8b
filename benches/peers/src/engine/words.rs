//! Conditions in the words of a language that is written infix.

use crate::event::Field;
use crate::workload::{Expr, Test};

/// The words that join conditions.
pub struct Words {
    pub and: &'static str,
    pub or: &'static str,
    pub not: &'static str,
}

/// As C and its descendants join.
pub const C: Words = Words { and: " && ", or: " || ", not: "!" };
/// As people do.
pub const PLAIN: Words = Words { and: " and ", or: " or ", not: "not " };

/// A condition, each test of it written by `test`.
///
/// # Errors
/// With the first that `test` cannot write.
pub fn written(
    expr: &Expr,
    words: &Words,
    test: &mut impl FnMut(Field, &Test) -> Result<String, String>,
) -> Result<String, String> {
    let mut joined = |args: &[Expr], word: &str| {
        let args = args.iter().map(|arg| match arg {
            Expr::And(_) | Expr::Or(_) => Ok(format!("({})", written(arg, words, test)?)),
            Expr::Not(_) | Expr::Test(..) => written(arg, words, test),
        });
        Ok(args.collect::<Result<Vec<String>, String>>()?.join(word))
    };
    match expr {
        Expr::And(args) => joined(args, words.and),
        Expr::Or(args) => joined(args, words.or),
        Expr::Not(arg) => Ok(format!("{}({})", words.not, written(arg, words, test)?)),
        Expr::Test(field, own) => test(*field, own),
    }
}

/// Text in double quotes, with a backslash before quotes and backslashes.
pub fn quoted(text: &str) -> String {
    format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\""))
}

/// A number in thousandths, for engines without fractions; nothing where it has finer ones.
pub fn thousandths(number: f64) -> Option<i64> {
    let scaled = (number * 1e3).round();
    ((scaled / 1e3 - number).abs() < 1e-9).then_some(scaled as i64)
}
