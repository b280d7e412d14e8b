//! YARA-X: a rule for each pattern, all of them scanned for together.

use std::fmt::Write as _;

use yara_x::{Compiler, Rules, Scanner};

use super::{Search, Searcher};

/// The engine.
pub struct Yara;

struct Ready {
    scanner: Scanner<'static>,
}

impl Searcher for Yara {
    fn name(&self) -> &'static str {
        "yara-x"
    }

    fn package(&self) -> Option<&'static str> {
        Some("yara-x")
    }

    fn compile(&self, literals: &[String], regexes: &[String]) -> Result<Box<dyn Search>, String> {
        let literals = literals.iter().map(|literal| text(literal));
        let patterns = literals.chain(regexes.iter().map(|regex| expression(regex)));
        let mut source = String::new();
        for (at, pattern) in patterns.enumerate() {
            // Writing to a text does not fail.
            _ = writeln!(source, "rule p{at} {{ strings: $a = {pattern} condition: $a }}");
        }
        let mut compiler = Compiler::new();
        compiler.add_source(source.as_str()).map_err(|error| error.to_string())?;
        // A scanner borrows its rules, which are there until the end.
        let rules: &'static Rules = Box::leak(Box::new(compiler.build()));
        Ok(Box::new(Ready { scanner: Scanner::new(rules) }))
    }
}

impl Search for Ready {
    fn search(&mut self, text: &str, found: &mut dyn FnMut(usize)) {
        // A scan that fails finds too little, and that is seen when totals are checked.
        let Ok(results) = self.scanner.scan(text.as_bytes()) else { return };
        let names = results.matching_rules().filter_map(|rule| rule.identifier().get(1..)?.parse().ok());
        names.for_each(found);
    }
}

fn text(literal: &str) -> String {
    let escaped: String = literal.bytes().map(|byte| format!("\\x{byte:02x}")).collect();
    format!("\"{escaped}\"")
}

/// Flags stand behind an expression.
fn expression(regex: &str) -> String {
    let (regex, flags) = regex.strip_prefix("(?i)").map_or((regex, ""), |rest| (rest, "i"));
    format!("/{}/{flags}", regex.replace("\\/", "/").replace('/', "\\/"))
}
