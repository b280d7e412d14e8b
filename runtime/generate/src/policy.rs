//! The text of a rule set.

use std::fmt::Write as _;

use crate::Choices;
use crate::expression::Scope;
use crate::schema::{Schema, Ty};

/// The project file of every generated set.
pub const MANIFEST: &str = "edition = \"2026\"\n[exempt]\n\"gen\" = [\"gen\"]\n";

/// A rule set as text, and what a stream for it must know.
#[derive(Clone, Debug)]
pub struct Written {
    /// One file, `package gen`.
    pub text: String,
    /// Its events and their fields.
    pub schema: Schema,
    /// The lengths of its windows, in ms.
    pub windows: Vec<i64>,
}

/// What is being written.
pub(crate) struct Writer<'c, 'b> {
    pub(crate) c: &'c mut Choices<'b>,
    pub(crate) schema: Schema,
    pub(crate) windows: Vec<i64>,
    /// The windows of this set, so that some are shared and a stream can aim at them.
    pub(crate) palette: Vec<usize>,
    names: usize,
}

/// Writes a rule set. Whatever the choices, it checks without errors.
pub fn write(c: &mut Choices<'_>) -> Written {
    let schema = Schema::choose(c);
    let palette = (0..3).map(|_| c.below(crate::signal::WINDOWS.len())).collect();
    let mut writer = Writer { c, schema, windows: Vec::new(), palette, names: 0 };
    let text = writer.file();
    let mut windows = writer.windows;
    windows.sort_unstable();
    windows.dedup();
    Written { text, schema: writer.schema, windows }
}

const DECLARED: &str = r#"
tag red
tag blue
queue desk
fingerprint tool = (ja4, shape)
list words: set<string> = ["a", "abc", "u1", ""]
list globs: set<pattern> = ["a*", "**/y.env", "?"]
list nets: set<cidr> = ["192.0.2.0/25", "2001:db8::/32"]
list lands: set<country> = ["DE", "FR"]
list numbers: set<int> = [0, 1, 5, 64, 9_223_372_036_854_775_807]
list partners: set<id<token>> = ["u1", "s1"]
table known_words: map<string, int> from "words.csv"
table homes: map<string, country> from "homes.csv"
schedule sale from "sale.ics"
model guess(word: string, n: int) -> probability from "guess.onnx" within 2ms
fn twice(n: int) -> int = n * 2
"#;

impl Writer<'_, '_> {
    pub(crate) fn fresh(&mut self, letter: &str) -> String {
        self.names += 1;
        format!("{letter}{}", self.names)
    }

    /// An event that policies look at: all but `challenge.result`.
    pub(crate) fn any_event(&mut self) -> usize {
        let count = self.schema.events.len() - 1;
        self.c.below(count)
    }

    fn file(&mut self) -> String {
        let mut out = format!("package gen\n\n{}{DECLARED}", self.schema.text());
        let rate = *self.c.pick(&["1/s", "2/min"]);
        let _ = writeln!(out, "decoy maze on ev.a from \"maze.html\" at most {rate} else block");
        let body = Scope { locals: vec![("a".into(), Ty::Int), ("b".into(), Ty::Text)], ..Scope::default() };
        let condition = self.condition(2, &body);
        let _ = writeln!(out, "fn odd(a: int, b: string) -> bool = {condition}");
        if self.c.chance(60) {
            let key = *self.c.pick(&["ip", "session", "shape"]);
            let verb = *self.c.pick(&["challenge", "log", "step-up"]);
            let filter =
                if self.c.chance(30) { format!(" where {key} is tagged red") } else { String::new() };
            let _ = writeln!(out, "\ncap actions by {key} at {verb}{filter} because \"a crowd\"");
        }
        if self.c.chance(30) {
            let (share, least) = (self.c.pick(&["50%", "10%", "0%"]).to_owned(), self.c.between(1, 5));
            let window = self.window();
            let _ = writeln!(
                out,
                "\ncap block on ev.a at {share} of sessions over {window}, at least {least}, else challenge because \"too many\""
            );
        }
        if self.c.chance(25) {
            out.push_str(
                "\ndecide {\n  block when score >= 80\n  log when score >= 10\n  otherwise pass\n}\n",
            );
        }
        for _ in 0..self.c.between(1, 3) {
            out.push_str(&self.policy());
        }
        out
    }

    fn policy(&mut self) -> String {
        let mut s = Scope { rule: true, ..Scope::default() };
        let count = self.c.between(1, 2);
        for _ in 0..count {
            let event = self.any_event();
            if !s.events.contains(&event) {
                s.events.push(event);
            }
        }
        let name = self.fresh("p");
        let mut out = format!("\npolicy {name} {{\n");
        let names: Vec<&str> = s.events.iter().map(|event| self.schema.events[*event].name).collect();
        let filter = match self.c.chance(20) {
            true => {
                let scope = Scope { events: s.events.clone(), pure: true, ..Scope::default() };
                format!(" where {}", self.condition(1, &scope))
            }
            false => String::new(),
        };
        let _ = writeln!(out, "  on {}{filter}", names.join(", "));
        let mode = *self.c.pick(&[
            "enforce",
            "enforce",
            "enforce",
            "shadow",
            "canary 50% per session",
            "canary 33.3% per (ip, user)",
            "enforce",
        ]);
        let _ = writeln!(out, "  mode {mode}");
        if self.c.chance(30) {
            let share = *self.c.pick(&["0.1%", "5%"]);
            let _ = writeln!(out, "  harm at most {share} of known-good sessions");
        }
        for _ in 0..self.c.between(0, 2) {
            let name = self.fresh("v");
            let (ty, text) = match self.c.below(4) {
                0 => (Ty::Int, "int = 3 in 0..100"),
                1 => (Ty::Duration, "duration = 7s in 1ms..1d"),
                2 => (Ty::Float, "float = 0.5"),
                _ => (Ty::Money, "money = USD 5 in USD 0..USD 1_000"),
            };
            let _ = writeln!(out, "  param {name}: {text}");
            s.params.push((name, ty));
        }
        out.push_str(&self.state(&mut s));
        for _ in 0..self.c.between(1, 5) {
            let rule = self.rule(&s);
            out.push_str(&rule);
        }
        if self.c.chance(25) {
            out.push_str("  decide {\n    step-up when score >= 50 and score < 70\n    block when score >= 70\n    otherwise log\n  }\n");
        }
        out.push_str("}\n");
        out
    }

    fn rule(&mut self, s: &Scope) -> String {
        let name = self.fresh("r");
        let timers: Vec<String> = s.sequences.iter().filter(|q| q.timer).map(|q| q.name.clone()).collect();
        let kind = self.c.below(30);
        if kind == 29 {
            let scope = Scope { pure: true, signals: Vec::new(), ..s.clone() };
            let condition = self.condition(2, &scope);
            return format!("  rule {name} {{ when {condition} then exempt from gen because \"exempt\" }}\n");
        }
        if kind < 8 && !timers.is_empty() {
            let timer = self.c.pick(&timers).clone();
            let scope = Scope { late: true, timer: Some(timer.clone()), cohorts: Vec::new(), ..s.clone() };
            let condition = self.condition(1, &scope);
            let actions = self.actions(&Scope { cohorts: Vec::new(), ..s.clone() }, false);
            let because = self.because(&Scope { cohorts: Vec::new(), ..scope });
            return format!(
                "  rule {name} {{ when {timer} and ({condition}) then {actions} because \"{because}\" }}\n"
            );
        }
        let late = self.c.chance(30);
        let scope = Scope { late, ..s.clone() };
        let depth = self.c.between(0, 3);
        let condition = self.condition(depth, &scope);
        let actions = self.actions(&scope, !late);
        let because = self.because(&Scope { late: false, ..s.clone() });
        let mode = match self.c.chance(15) {
            true => format!("mode {} ", self.c.pick(&["shadow", "enforce", "canary 10% per user"])),
            false => String::new(),
        };
        let unknown = match self.c.chance(25) {
            true => format!(" if unknown then {}", self.actions(&scope, !late)),
            false => String::new(),
        };
        let mut out = format!(
            "  rule {name} {{ {mode}when {condition} then {actions} because \"{because}\"{unknown} }}\n"
        );
        if self.c.chance(15)
            && let Some(field) = self.masked(s)
        {
            let name = self.fresh("r");
            let _ = writeln!(
                out,
                "  rule {name} {{ when {field} is known then mask {field} because \"masked\" }}"
            );
        }
        out
    }

    fn because(&mut self, s: &Scope) -> String {
        let mut out = String::from("so");
        for _ in 0..self.c.between(0, 2) {
            let ty = *self.c.pick(&[
                Ty::Int,
                Ty::Float,
                Ty::Duration,
                Ty::Money,
                Ty::Probability,
                Ty::Text,
                Ty::Enum(0),
                Ty::Ip,
            ]);
            if let Some(value) = self.typed(ty, 0, s)
                && !value.contains(['"', '{', '('])
            {
                let _ = write!(out, " {{{value}}}");
            }
        }
        out
    }
}
