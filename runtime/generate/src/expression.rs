//! Expressions by type: for every type the forms that give it, over what is in scope.

use crate::policy::Writer;
use crate::schema::{ENUMS, Ty};

/// What an expression may name.
#[derive(Clone, Debug, Default)]
pub(crate) struct Scope {
    /// The events at hand.
    pub(crate) events: Vec<usize>,
    /// Inside a rule, where cohorts, sequences, tags and readings with the event at hand may be asked.
    pub(crate) rule: bool,
    /// What is known only with the response may be read.
    pub(crate) late: bool,
    /// No state: an exemption.
    pub(crate) pure: bool,
    pub(crate) params: Vec<(String, Ty)>,
    pub(crate) signals: Vec<Signal>,
    pub(crate) cohorts: Vec<(String, usize)>,
    pub(crate) sequences: Vec<Sequence>,
    /// The sequence with terminal absence whose deadline this is.
    pub(crate) timer: Option<String>,
    /// Variables of a function, and nothing else.
    pub(crate) locals: Vec<(String, Ty)>,
}

/// A signal in scope.
#[derive(Clone, Debug)]
pub(crate) struct Signal {
    pub(crate) name: String,
    pub(crate) ty: Ty,
    pub(crate) event: usize,
    /// Known only with the response of its own event.
    pub(crate) late: bool,
    pub(crate) before: bool,
    /// Count, rate or distinct.
    pub(crate) counts: bool,
    /// A number that a baseline can be learnt of.
    pub(crate) level: bool,
    /// An expression of its own.
    pub(crate) named: bool,
    /// The event at which an `elapsed` ends.
    pub(crate) ends: Option<usize>,
    /// Its key has fields of its own event alone.
    pub(crate) own_key: bool,
}

/// A sequence in scope.
#[derive(Clone, Debug)]
pub(crate) struct Sequence {
    pub(crate) name: String,
    pub(crate) steps: Vec<(String, usize)>,
    /// Known with the response, or at a deadline.
    pub(crate) late: bool,
    pub(crate) timer: bool,
}

impl Scope {
    pub(crate) fn reads(&self, signal: &Signal) -> bool {
        let here = self.events.contains(&signal.event);
        !self.pure
            // Where something is counted, a reading must not count the event at hand.
            && (self.rule || !signal.named && (signal.before || !here))
            && (self.late || signal.before || !here || !signal.late)
            && signal.ends.is_none_or(|end| self.events.contains(&end))
            && (!signal.own_key || self.events == [signal.event])
    }
}

impl Writer<'_, '_> {
    /// Fields of the events at hand that may be read, by type.
    pub(crate) fn fields(&self, s: &Scope, wanted: impl Fn(Ty) -> bool) -> Vec<(&'static str, Ty)> {
        let mut found: Vec<(&'static str, Ty)> = Vec::new();
        for event in &s.events {
            for field in self.schema.fields(*event) {
                let late = |event: &usize| {
                    self.schema.fields(*event).iter().any(|other| other.name == field.name && other.response)
                };
                let readable = s.late || !s.events.iter().any(late);
                if wanted(field.ty) && readable && !found.iter().any(|(name, _)| *name == field.name) {
                    found.push((field.name, field.ty));
                }
            }
        }
        found
    }

    /// What has this type of itself, whatever stands beside it.
    fn sources(&mut self, ty: Ty, s: &Scope, depth: usize) -> Vec<String> {
        let mut found: Vec<String> =
            self.fields(s, |of| of == ty).iter().map(|(name, _)| (*name).into()).collect();
        found.extend(s.locals.iter().filter(|(_, of)| *of == ty).map(|(name, _)| name.clone()));
        found.extend(s.params.iter().filter(|(_, of)| *of == ty).map(|(name, _)| name.clone()));
        let signals = s.signals.iter().filter(|signal| signal.ty == ty && s.reads(signal));
        // Signals are what this is about: each stands twice.
        found.extend(signals.flat_map(|signal| [signal.name.clone(), signal.name.clone()]));
        if ty == Ty::Time && s.locals.is_empty() {
            found.push("now".into());
        }
        if s.rule && !s.pure {
            for (name, event) in s.cohorts.iter().filter(|(_, event)| s.events.contains(event)) {
                let _ = event;
                match ty {
                    Ty::Int => found.push(format!("{name}.count")),
                    Ty::Float => found.extend([format!("{name}.lift"), format!("{name}.usual")]),
                    Ty::Text => found.push(name.clone()),
                    _ => {}
                }
            }
            for sequence in
                s.sequences.iter().filter(|q| q.steps.last().is_some_and(|l| s.events.contains(&l.1)))
            {
                let due = s.timer.as_ref() == Some(&sequence.name);
                if sequence.timer != due || sequence.late && !s.late {
                    continue;
                }
                for (step, event) in &sequence.steps {
                    if ty == Ty::Duration {
                        found.push(format!("{}.{step}.age", sequence.name));
                    }
                    let fields = self.schema.fields(*event);
                    let captured = fields.iter().find(|field| field.ty == ty && !field.response);
                    found.extend(captured.map(|field| format!("{}.{step}.{}", sequence.name, field.name)));
                }
            }
        }
        if depth > 0 && s.locals.is_empty() && !s.pure {
            match ty {
                Ty::Int => {
                    let key = self.value(Ty::Text, depth - 1, s);
                    found.push(format!("known_words[{key}]"));
                    let inner = self.value(Ty::Int, depth - 1, s);
                    found.push(format!("twice({inner})"));
                }
                Ty::Country => {
                    let key = self.value(Ty::Text, depth - 1, s);
                    found.push(format!("homes[{key}]"));
                }
                _ => {}
            }
        }
        found
    }

    /// An expression of this type; where nothing has it of itself, a literal.
    pub(crate) fn value(&mut self, ty: Ty, depth: usize, s: &Scope) -> String {
        if self.c.chance(20) {
            return self.literal(ty);
        }
        self.typed(ty, depth, s).unwrap_or_else(|| self.literal(ty))
    }

    /// An expression whose type is this one without help from what stands beside it.
    pub(crate) fn typed(&mut self, ty: Ty, depth: usize, s: &Scope) -> Option<String> {
        use Ty::{Bool, Duration, Float, Int, Money, Probability, Rate, Text};
        // Literals of the other types are known as such only beside something else.
        let natural = matches!(ty, Int | Float | Bool | Text | Duration | Money | Rate | Probability);
        let sources = self.sources(ty, s, depth);
        if depth > 0 && (natural || !sources.is_empty()) && self.c.chance(45) {
            return Some(self.form(ty, depth - 1, s));
        }
        if !sources.is_empty() {
            return Some(self.c.pick(&sources).clone());
        }
        natural.then(|| self.literal(ty))
    }

    /// A compound expression, in parentheses.
    fn form(&mut self, ty: Ty, depth: usize, s: &Scope) -> String {
        let pick = self.c.below(8);
        if self.c.chance(15)
            && let Some(found) = self.of_text(ty, depth, s)
        {
            return found;
        }
        let mut value = |ty| self.value(ty, depth, s);
        match (ty, pick) {
            (Ty::Int, 0) => format!("({} + {})", value(Ty::Int), value(Ty::Int)),
            (Ty::Int, 1) => format!("({} - {})", value(Ty::Int), value(Ty::Int)),
            (Ty::Int, 2) => format!("({} * {})", value(Ty::Int), value(Ty::Int)),
            (Ty::Int, 3) => format!("({} % {})", value(Ty::Int), value(Ty::Int)),
            (Ty::Int, 4) => format!("abs({})", value(Ty::Int)),
            (Ty::Int, 5) => format!("max({}, {})", value(Ty::Int), value(Ty::Int)),
            (Ty::Int, 6) => format!("length({})", value(Ty::Text)),
            (Ty::Int, _) => {
                let word = *self.c.pick(&["hour", "weekday"]);
                match self.typed(Ty::Time, depth, s) {
                    Some(time) => format!("{word}({time})"),
                    None => "7".into(),
                }
            }
            (Ty::Float, 0) => format!("({} / {})", value(Ty::Int), value(Ty::Int)),
            (Ty::Float, 1) => format!("({} + {})", value(Ty::Float), value(Ty::Float)),
            (Ty::Float, 2) => format!("({} * {})", value(Ty::Float), value(Ty::Int)),
            (Ty::Float, 3) => format!("({} % {})", value(Ty::Float), value(Ty::Float)),
            (Ty::Float, 4) => format!("sqrt({})", value(Ty::Float)),
            (Ty::Float, 5) => format!("log({})", value(Ty::Float)),
            (Ty::Float, 6) => format!("({} / {})", value(Ty::Money), value(Ty::Money)),
            (Ty::Float, _) => format!("({} - exp({}))", value(Ty::Float), value(Ty::Float)),
            (Ty::Text, 0 | 1) => format!("lower({})", value(Ty::Text)),
            (Ty::Text, 2) => format!("host({})", value(Ty::Text)),
            (Ty::Duration, 0) => format!("({} + {})", value(Ty::Duration), value(Ty::Duration)),
            (Ty::Duration, 1) => format!("({} * {})", value(Ty::Duration), value(Ty::Int)),
            (Ty::Duration, 2) => format!("({} * {})", value(Ty::Float), value(Ty::Duration)),
            (Ty::Duration, 3) => format!("({} / {})", value(Ty::Duration), value(Ty::Int)),
            (Ty::Duration, 4) => format!("(-{})", value(Ty::Duration)),
            (Ty::Duration, 5) if s.locals.is_empty() => {
                match (self.typed(Ty::Time, depth, s), self.typed(Ty::Time, depth, s)) {
                    (Some(a), Some(b)) => format!("({a} - {b})"),
                    _ => self.literal(ty),
                }
            }
            (Ty::Time, 0..4) => match self.typed(Ty::Time, depth, s) {
                Some(time) => format!("({time} - {})", self.value(Ty::Duration, depth, s)),
                None => self.literal(ty),
            },
            (Ty::Money, 0) => format!("({} + {})", value(Ty::Money), value(Ty::Money)),
            (Ty::Money, 1) => format!("({} - {})", value(Ty::Money), value(Ty::Money)),
            (Ty::Money, 2) => format!("({} * {})", value(Ty::Money), value(Ty::Float)),
            (Ty::Money, 3) => format!("({} / {})", value(Ty::Money), value(Ty::Int)),
            (Ty::Money, 4) => format!("max({}, {})", value(Ty::Money), value(Ty::Money)),
            (Ty::Rate, 0) => format!("({} * {})", value(Ty::Rate), value(Ty::Int)),
            (Ty::Rate, 1) => format!("({} + {})", value(Ty::Rate), value(Ty::Rate)),
            (Ty::Rate, 2) => format!("min({}, {})", value(Ty::Rate), value(Ty::Rate)),
            (Ty::Probability, 0) => format!("({} * {})", value(Ty::Probability), value(Ty::Probability)),
            (Ty::Probability, 1) => format!("({} - {})", value(Ty::Probability), value(Ty::Probability)),
            (Ty::Bool, 0..=6) => format!("({})", self.condition(depth, s)),
            (_, 7) if matches!(ty, Ty::Text | Ty::Duration | Ty::Money) => {
                let (kind, (first, second, rest)) = (self.typed(Ty::Enum(0), 0, s), {
                    let mut value = || self.value(ty, depth, s);
                    (value(), value(), value())
                });
                match kind {
                    Some(kind) => format!("case {kind} {{ web => {first}, api => {second}, _ => {rest} }}"),
                    None => first,
                }
            }
            _ => match self.typed(ty, depth, s) {
                Some(value) => format!("({value} ?? {})", self.literal(ty)),
                None => self.literal(ty),
            },
        }
    }

    /// What can be found in text.
    fn of_text(&mut self, ty: Ty, depth: usize, s: &Scope) -> Option<String> {
        let pick = self.c.below(3);
        let mut text = || self.value(Ty::Text, depth, s);
        Some(match (ty, pick) {
            (Ty::Int, 0) => format!("number({})", text()),
            (Ty::Int, _) => format!("edits({}, {})", text(), text()),
            (Ty::Float, 0) => format!("letter_entropy({})", text()),
            (Ty::Float, _) => {
                let mut value = || self.value(Ty::Float, depth, s);
                format!("distance({}, {}, {}, {})", value(), value(), value(), value())
            }
            (Ty::Text, 0) => format!("decoded({})", text()),
            (Ty::Text, 1) => format!("mailbox({})", text()),
            (Ty::Text, _) => format!("between({}, {}, {})", text(), text(), text()),
            (Ty::Ip, _) => format!("address({})", text()),
            (Ty::Bool, _) => format!("card_number({})", text()),
            _ => return None,
        })
    }

    /// A condition.
    pub(crate) fn condition(&mut self, depth: usize, s: &Scope) -> String {
        if depth > 0 {
            match self.c.below(7) {
                0 => return self.junction(" and ", depth - 1, s),
                1 => return self.junction(" or ", depth - 1, s),
                2 => {
                    let operand = self.condition(depth - 1, s);
                    return format!("not ({operand})");
                }
                _ => {}
            }
        }
        self.test(depth, s)
    }

    fn junction(&mut self, word: &str, depth: usize, s: &Scope) -> String {
        let count = self.c.between(2, 4);
        let operands: Vec<String> = (0..count)
            .map(|_| {
                let operand = self.condition(depth, s);
                let plain =
                    !operand.contains(" and ") && !operand.contains(" or ") && !operand.starts_with("not ");
                if plain { operand } else { format!("({operand})") }
            })
            .collect();
        operands.join(word)
    }

    /// A condition without `and`, `or` and `not`.
    fn test(&mut self, depth: usize, s: &Scope) -> String {
        let not = if self.c.chance(20) { "not " } else { "" };
        let inner = depth.min(2);
        match self.c.below(20) {
            0..=8 => self.comparison(inner, s),
            9 => {
                let fields = self.fields(s, |_| true);
                let mut names: Vec<String> = fields.iter().map(|(name, _)| (*name).into()).collect();
                let signals = s.signals.iter().filter(|signal| s.reads(signal));
                names.extend(signals.map(|signal| signal.name.clone()));
                if names.is_empty() {
                    return self.comparison(inner, s);
                }
                let name = self.c.pick(&names).clone();
                format!("{name} is {}", self.c.pick(&["known", "missing", "not known", "not missing"]))
            }
            10 => {
                let list = self.c.below(5);
                let (list, ty) = [
                    ("words", Ty::Text),
                    ("globs", Ty::Text),
                    ("nets", Ty::Ip),
                    ("lands", Ty::Country),
                    ("numbers", Ty::Int),
                ][list];
                match self.typed(ty, inner, s) {
                    Some(value) if s.locals.is_empty() => format!("{value} {not}in {list}"),
                    _ => self.comparison(inner, s),
                }
            }
            11 => {
                let ty = *self.c.pick(&[Ty::Int, Ty::Text, Ty::Duration, Ty::Country, Ty::Enum(0)]);
                match self.typed(ty, inner, s) {
                    Some(value) => {
                        let members: Vec<String> =
                            (0..self.c.between(1, 4)).map(|_| self.literal(ty)).collect();
                        format!("{value} {not}in [{}]", members.join(", "))
                    }
                    None => self.comparison(inner, s),
                }
            }
            12 => {
                let many = self.fields(s, |ty| matches!(ty, Ty::TextSet | Ty::IntList));
                if many.is_empty() {
                    return self.comparison(inner, s);
                }
                let (name, ty) = *self.c.pick(&many);
                let member = self.value(if ty == Ty::TextSet { Ty::Text } else { Ty::Int }, inner, s);
                format!("{member} {not}in {name}")
            }
            13 | 14 => {
                let Some(subject) = self.typed(Ty::Text, inner, s) else { return self.comparison(inner, s) };
                let text = self.literal(Ty::Text);
                match self.c.below(6) {
                    0 => {
                        let glob = *self.c.pick(&["a*", "**", "/x/*", "?b*", "**/y.env", "*", "stra?e"]);
                        format!("{subject} {not}matches \"{glob}\"")
                    }
                    1 => {
                        let regex =
                            *self.c.pick(&["^a", "b+c$", "^.*$", "[A-Z]{2}", "(?i)abc", "x|y", "ß", "^$"]);
                        format!("{subject} {not}matches regex \"{regex}\"")
                    }
                    2 => format!("{subject} {not}contains {text}"),
                    3 => format!("{subject} {not}starts with {text}"),
                    4 => format!("{subject} {not}ends with {text}"),
                    _ => format!("{subject} == {text} ignoring case"),
                }
            }
            15 => {
                let flags = self.sources(Ty::Bool, s, 0);
                match flags.is_empty() {
                    true => self.comparison(inner, s),
                    false => self.c.pick(&flags).clone(),
                }
            }
            16 if s.rule && !s.pure => {
                let key = *self.c.pick(&["session", "user", "ip", "device"]);
                format!("{key} is {not}tagged {}", self.c.pick(&["red", "blue"]))
            }
            17 if s.rule && !s.pure && s.events.len() == 1 => {
                let (what, key) = *self.c.pick(&[
                    ("device", "user"),
                    ("ip", "session"),
                    ("country", "user"),
                    ("session", "ip"),
                ]);
                let window = self.window();
                format!("{what} is {not}new for {key} over {window}")
            }
            18 if s.locals.is_empty() => format!("sale is {not}active"),
            19 if s.rule && !s.pure => {
                let counts: Vec<&Signal> =
                    s.signals.iter().filter(|signal| signal.counts && s.reads(signal)).collect();
                let cohorts: Vec<&String> = s
                    .cohorts
                    .iter()
                    .filter(|(_, event)| s.events.contains(event))
                    .map(|(name, _)| name)
                    .collect();
                let mut forms: Vec<String> =
                    cohorts.iter().map(|name| format!("event {not}in {name}")).collect();
                for sequence in &s.sequences {
                    let here = sequence.steps.last().is_some_and(|last| s.events.contains(&last.1));
                    if here && !sequence.timer && (s.late || !sequence.late) {
                        forms.push(sequence.name.clone());
                        forms.push(sequence.name.clone());
                    }
                }
                for signal in counts {
                    let zero = if signal.ty == Ty::Rate { "0/s" } else { "0" };
                    forms.push(format!("{} == {zero}", signal.name));
                    if signal.ty == Ty::Int {
                        forms.push(format!("{} < 1", signal.name));
                        forms.push(format!("({} ?? 1) <= 0", signal.name));
                    }
                }
                if forms.is_empty() { self.comparison(inner, s) } else { self.c.pick(&forms).clone() }
            }
            _ => self.comparison(inner, s),
        }
    }

    fn comparison(&mut self, depth: usize, s: &Scope) -> String {
        use Ty::*;
        // Mostly of something that there is a reading of.
        let readings: Vec<Ty> =
            s.signals.iter().filter(|signal| s.reads(signal)).map(|signal| signal.ty).collect();
        let types = [
            Int,
            Float,
            Duration,
            Time,
            Money,
            Rate,
            Probability,
            Text,
            Country,
            Ip,
            Asn,
            Id("user"),
            Print,
            Enum(0),
            Enum(2),
            Enum(3),
            Bool,
        ];
        let ty = match readings.is_empty() || self.c.chance(40) {
            true => *self.c.pick(&types),
            false => *self.c.pick(&readings),
        };
        let Some(left) = self.typed(ty, depth, s) else {
            let (a, b) = (self.value(Int, depth, s), self.literal(Int));
            return format!("{a} >= {b}");
        };
        let right = self.value(ty, depth, s);
        let ordered = ["<", "<=", ">", ">=", "==", "!="];
        let op = *self.c.pick(if ty.is_ordered() { &ordered } else { &ordered[4..] });
        format!("{left} {op} {right}")
    }

    /// A literal of this type, as it is written where the type is wanted.
    pub(crate) fn literal(&mut self, ty: Ty) -> String {
        let pick = |writer: &mut Self, items: &[&str]| (*writer.c.pick(items)).to_owned();
        match ty {
            Ty::Int => pick(
                self,
                &[
                    "2",
                    "0",
                    "1",
                    "3",
                    "5",
                    "-1",
                    "10",
                    "64",
                    "65",
                    "100",
                    "-7",
                    "9_007_199_254_740_993",
                    "9_223_372_036_854_775_807",
                    "(-9_223_372_036_854_775_807 - 1)",
                ],
            ),
            Ty::Float => pick(
                self,
                &[
                    "1.0",
                    "0.0",
                    "0.5",
                    "0.1",
                    "-0.0",
                    "2.5",
                    "-3.75",
                    "1000000000000000000000.0",
                    "0.0000000001",
                    "64.0",
                ],
            ),
            Ty::Bool => pick(self, &["true", "false"]),
            Ty::Text => pick(
                self,
                &[
                    "\"a\"",
                    "\"\"",
                    "\"ABC\"",
                    "\"abc\"",
                    "\"/x/y.env\"",
                    "\"stra\\u{df}e\"",
                    "\"\\u{1f600}\"",
                    "\"\\u{130}\"",
                    "\"u1\"",
                ],
            ),
            Ty::Ip => pick(self, &["\"192.0.2.1\"", "\"2001:db8::1\"", "\"192.0.2.129\""]),
            Ty::Asn => pick(self, &["64_500", "0", "4_294_967_295"]),
            Ty::Country => pick(self, &["\"DE\"", "\"FR\"", "\"JP\""]),
            Ty::Duration => {
                pick(self, &["1s", "0ms", "1ms", "250ms", "999ms", "7s", "10m", "2h", "30d", "(-5s)"])
            }
            Ty::Time => pick(
                self,
                &["\"2026-01-05T00:00:00Z\"", "\"1969-12-31T23:59:59Z\"", "\"2026-01-05T00:01:00Z\""],
            ),
            Ty::Money => pick(
                self,
                &["USD 5", "USD 0", "EUR 0.99", "JPY 500", "USD 92_233_720_368_547_758.07", "(-USD 3)"],
            ),
            Ty::Rate => pick(self, &["1/s", "20/s", "6/min", "100/h", "1_000/d"]),
            Ty::Probability => pick(self, &["50%", "0%", "100%", "33.3%", "0.1%", "90%"]),
            Ty::Id(_) | Ty::Print => pick(self, &["\"u1\"", "\"u2\"", "\"\"", "\"s1\""]),
            Ty::Enum(which) => (*self.c.pick(ENUMS[which])).to_owned(),
            Ty::TextSet | Ty::IntList | Ty::IntMap => "[]".into(),
        }
    }
}
