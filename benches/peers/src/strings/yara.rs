//! YARA-X: a rule a pattern, compiled to native code; made for files, so a text of a hundred bytes is not what it is best at.

use std::fmt::Write;

use yara_x::{Compiler, Rules, Scanner};

use super::{Search, Searcher};

/// The engine.
pub struct Yara;

impl Searcher for Yara {
    fn name(&self) -> &'static str {
        "yara-x"
    }

    fn package(&self) -> Option<&'static str> {
        Some("yara-x")
    }

    fn compile(&self, literals: &[String], regexes: &[String]) -> Result<Box<dyn Search>, String> {
        let mut source = String::new();
        let literals = literals
            .iter()
            .map(|literal| format!("\"{}\"", literal.replace('\\', "\\\\").replace('"', "\\\"")));
        let regexes = regexes.iter().map(|regex| {
            let (regex, flags) =
                regex.strip_prefix("(?i)").map_or((regex.as_str(), ""), |regex| (regex, "i"));
            format!("/{}/{flags}", regex.replace('/', "\\/"))
        });
        for (at, pattern) in literals.chain(regexes).enumerate() {
            _ = writeln!(source, "rule r{at} {{ strings: $a = {pattern} condition: $a }}");
        }
        let mut compiler = Compiler::new();
        compiler.relaxed_re_syntax(true);
        compiler.add_source(source.as_str()).map_err(|error| error.to_string())?;
        // A scanner borrows its rules, and lives as long as the run.
        let rules: &'static Rules = Box::leak(Box::new(compiler.build()));
        Ok(Box::new(Scanner::new(rules)))
    }
}

impl Search for Scanner<'static> {
    fn search(&mut self, text: &str, found: &mut dyn FnMut(usize)) {
        let Ok(results) = self.scan(text.as_bytes()) else { return };
        for rule in results.matching_rules() {
            if let Some(at) = rule.identifier().strip_prefix('r').and_then(|at| at.parse().ok()) {
                found(at);
            }
        }
    }
}
