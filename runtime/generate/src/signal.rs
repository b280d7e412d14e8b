//! What a policy counts: signals, watches, cohorts, sequences.

use std::fmt::Write as _;

use crate::expression::{Scope, Sequence, Signal};
use crate::policy::Writer;
use crate::schema::Ty;

/// Lengths of windows, in ms.
pub(crate) const WINDOWS: [(&str, i64); 12] = [
    ("10s", 10_000),
    ("7s", 7_000),
    ("1m", 60_000),
    ("1s", 1_000),
    ("7ms", 7),
    ("10ms", 10),
    ("1ms", 1),
    ("100ms", 100),
    ("10m", 600_000),
    ("1h", 3_600_000),
    ("1d", 86_400_000),
    ("90d", 7_776_000_000),
];

/// A measure as written, with its type.
struct Measure {
    text: String,
    ty: Ty,
    late: bool,
    counts: bool,
    level: bool,
    /// It may be followed by `at least`.
    least: bool,
}

impl Writer<'_, '_> {
    /// A window's length, remembered so that streams can aim at its edges.
    pub(crate) fn window(&mut self) -> String {
        let at = if self.c.chance(20) { self.c.below(WINDOWS.len()) } else { *self.c.pick(&self.palette) };
        let (text, ms) = WINDOWS[at];
        self.windows.push(ms);
        text.into()
    }

    /// A key, and whether it is of fields that the event alone has.
    pub(crate) fn key(&mut self, event: usize) -> (String, bool) {
        let keys = [
            "session",
            "user",
            "ip",
            "device",
            "(ip, user)",
            "ip/24",
            "ip/24:64",
            "country",
            "shape",
            "(session, channel)",
            "tool",
        ];
        if self.c.chance(12) {
            let scope = Scope { events: vec![event], ..Scope::default() };
            let own = self.fields(&scope, |ty| !ty.is_many());
            let own: Vec<_> = own
                .into_iter()
                .filter(|(name, _)| ["n", "word", "payee", "kind", "amount"].contains(name))
                .collect();
            if !own.is_empty() {
                let (name, _) = *self.c.pick(&own);
                return (format!("(session, {name})"), true);
            }
        }
        ((*self.c.pick(&keys)).into(), false)
    }

    /// A `where`, and whether it reads the response.
    fn filter(&mut self, event: usize, s: &Scope, percent: u32) -> (String, bool) {
        if !self.c.chance(percent) {
            return (String::new(), false);
        }
        let late = self.c.chance(40);
        let scope = Scope { late, ..scope_of(s, event) };
        let condition = self.condition(1, &scope);
        (format!(" where {condition}"), late)
    }

    fn measure(&mut self, event: usize, s: &Scope) -> Measure {
        let late = self.c.chance(25);
        let scope = Scope { events: vec![event], late, ..Scope::default() };
        let plain = |text: &str, ty, counts| Measure {
            text: text.into(),
            ty,
            late: false,
            counts,
            level: true,
            least: false,
        };
        let fields = self.fields(&scope, |ty| !ty.is_many());
        let mut single: Vec<(String, Ty)> =
            fields.iter().map(|(name, ty)| ((*name).to_owned(), *ty)).collect();
        // What can be said of an event can be measured: readings too.
        let asking = Scope { late, ..scope_of(s, event) };
        let readings = s.signals.iter().filter(|signal| asking.reads(signal));
        single.extend(readings.map(|signal| (signal.name.clone(), signal.ty)));
        let (any, of_any) = self.c.pick(&single).clone();
        let numbers: Vec<_> =
            single.iter().filter(|(name, ty)| ty.is_ordered() && name != "at").cloned().collect();
        match self.c.below(22) {
            0..3 => plain("count", Ty::Int, true),
            3 => plain("rate", Ty::Rate, true),
            4 => Measure { counts: false, ..plain("cv of gaps", Ty::Float, false) }.with_least(),
            5 => Measure { counts: false, ..plain("concurrent", Ty::Int, false) },
            6 | 7 => {
                let predicate = self.condition(1, &Scope { late, ..scope_of(s, event) });
                Measure {
                    text: format!("share of {predicate}"),
                    ty: Ty::Probability,
                    late,
                    counts: false,
                    level: true,
                    least: true,
                }
            }
            8 | 9 => {
                let text = if self.c.chance(25) {
                    format!("distinct ({any}, {})", self.c.pick(&single).0)
                } else {
                    format!("distinct {any}")
                };
                Measure { text, ty: Ty::Int, late, counts: true, level: true, least: false }
            }
            10 => Measure {
                text: format!("entropy {any}"),
                ty: Ty::Float,
                late,
                counts: false,
                level: true,
                least: false,
            },
            11 => Measure {
                text: format!("top {any}"),
                ty: of_any,
                late,
                counts: false,
                level: false,
                least: false,
            },
            12 => {
                let ints: Vec<_> = single.iter().filter(|(_, ty)| *ty == Ty::Int).collect();
                match ints.is_empty() {
                    true => plain("count", Ty::Int, true),
                    false => {
                        let (name, _) = (*self.c.pick(&ints)).clone();
                        Measure {
                            text: format!("sequential {name}"),
                            ty: Ty::Int,
                            late,
                            counts: false,
                            level: true,
                            least: false,
                        }
                    }
                }
            }
            13 => {
                let word = *self.c.pick(&["first", "last"]);
                Measure {
                    text: format!("{word} of {any}"),
                    ty: of_any,
                    late,
                    counts: false,
                    level: false,
                    least: false,
                }
            }
            _ => {
                if numbers.is_empty() {
                    return plain("count", Ty::Int, true);
                }
                let (name, ty) = self.c.pick(&numbers).clone();
                let words: &[&str] = match ty {
                    Ty::Int | Ty::Float => {
                        &["sum", "avg", "min", "max", "stddev", "p1", "p5", "p50", "p95", "p99"]
                    }
                    Ty::Duration | Ty::Money => &["sum", "avg", "stddev", "min", "max", "p50", "p95"],
                    Ty::Rate | Ty::Probability => &["avg", "min", "max", "p50"],
                    _ => &["min", "max", "p50"],
                };
                let word = *self.c.pick(words);
                let given = match (word, ty) {
                    ("avg" | "stddev", Ty::Int) => Ty::Float,
                    _ => ty,
                };
                let level = matches!(given, Ty::Int | Ty::Float | Ty::Rate | Ty::Probability | Ty::Duration);
                let least = word == "avg" || word == "stddev" || word.starts_with('p');
                Measure { text: format!("{word} of {name}"), ty: given, late, counts: false, level, least }
            }
        }
    }

    /// Signals, watches, cohorts and sequences of a policy, which come into scope.
    pub(crate) fn state(&mut self, s: &mut Scope) -> String {
        let mut out = String::new();
        for _ in 0..self.c.between(1, 6) {
            match self.c.below(10) {
                0 | 1 => self.watch(s, &mut out),
                2 => self.elapsed(s, &mut out),
                3 => self.limiter(s, &mut out),
                4 => self.usual(s, &mut out),
                _ => self.signal(s, &mut out),
            }
        }
        if self.c.chance(25) {
            let (name, event) = (self.fresh("c"), self.any_event());
            let (filter, _) = self.filter(event, &Scope { events: vec![event], ..Scope::default() }, 20);
            let filter = if s.late { filter } else { String::new() };
            let by = *self.c.pick(&["(shape, channel)", "(country)", "(shape, asn.class, channel)"]);
            let (window, least) = (self.window(), self.c.between(1, 5));
            let floor =
                if self.c.chance(60) { format!(", floor {}", self.c.between(1, 4)) } else { String::new() };
            let lift = *self.c.pick(&["1", "2", "1.5"]);
            let _ = writeln!(
                out,
                "  cohort {name} of {}{filter} by {by} over {window} against usual{floor}, lift at least {lift}, at least {least}",
                self.schema.events[event].name
            );
            if filter.is_empty() {
                s.cohorts.push((name, event));
            }
        }
        if self.c.chance(45) {
            self.sequence(s, &mut out);
        }
        if self.c.chance(15) {
            let name = self.fresh("s");
            let scope = Scope { late: false, rule: true, signals: Vec::new(), ..s.clone() };
            let (word, number) = (self.value(Ty::Text, 0, &scope), self.value(Ty::Int, 1, &scope));
            let _ = writeln!(out, "  signal {name} = guess({word}, {number})");
            s.signals.push(Signal {
                name,
                ty: Ty::Probability,
                event: s.events[0],
                late: false,
                before: false,
                counts: false,
                level: false,
                named: true,
                ends: None,
                own_key: true,
            });
            // It names fields of these events, whichever they are.
            if s.events.len() > 1 {
                s.signals.pop();
            }
        }
        out
    }

    fn signal(&mut self, s: &mut Scope, out: &mut String) {
        let event = self.any_event();
        let name = self.fresh("s");
        let (filter, late_filter) = self.filter(event, s, 35);
        let measure = self.measure(event, s);
        let (key, own_key) = match self.c.chance(85) {
            true => self.key(event),
            false => (String::new(), false),
        };
        let per = if key.is_empty() { String::new() } else { format!(" per {key}") };
        let window = self.window();
        let before = self.c.chance(25);
        let before_this = if before { " before this" } else { "" };
        let kind = *self.c.pick(&["", "", "", " exact", " economy", " tumbling"]);
        let least = self.least(&measure);
        let scope = *self.c.pick(&["", "", "", "", " local", " owned", " global within 100ms"]);
        let of = self.schema.events[event].name;
        let _ = writeln!(
            out,
            "  signal {name} = {} of {of}{filter}{per} over {window}{before_this}{kind}{least}{scope}",
            measure.text
        );
        s.signals.push(Signal {
            name,
            ty: measure.ty,
            event,
            late: late_filter || measure.late,
            before,
            counts: measure.counts,
            level: measure.level,
            named: false,
            ends: None,
            own_key,
        });
    }

    fn least(&mut self, measure: &Measure) -> String {
        if measure.least && self.c.chance(35) {
            format!(", at least {}", self.c.between(1, 5))
        } else {
            String::new()
        }
    }

    fn watch(&mut self, s: &mut Scope, out: &mut String) {
        let event = self.any_event();
        let (filter, late_filter) = self.filter(event, s, 25);
        let (key, own_key) = self.key(event);
        let window = self.window();
        let before = self.c.chance(20);
        let before_this = if before { " before this" } else { "" };
        let kind = *self.c.pick(&["", "", " exact", " economy", " tumbling"]);
        let of = self.schema.events[event].name;
        let _ = writeln!(out, "  watch {of}{filter} per {key} over {window}{before_this}{kind} {{");
        for _ in 0..self.c.between(1, 4) {
            let name = self.fresh("s");
            let (own, late_own) = self.filter(event, s, 25);
            let measure = self.measure(event, s);
            let least = self.least(&measure);
            let _ = writeln!(out, "    {name} = {}{own}{least}", measure.text);
            s.signals.push(Signal {
                name,
                ty: measure.ty,
                event,
                late: late_filter || late_own || measure.late,
                before,
                counts: measure.counts,
                level: measure.level,
                named: false,
                ends: None,
                own_key,
            });
        }
        out.push_str("  }\n");
    }

    fn elapsed(&mut self, s: &mut Scope, out: &mut String) {
        let (from, to) = (self.any_event(), *self.c.pick(&s.events));
        let (filter, late) = self.filter(from, s, 30);
        let (name, window) = (self.fresh("s"), self.window());
        let key = *self.c.pick(&["session", "user", "ip"]);
        let (a, b) = (self.schema.events[from].name, self.schema.events[to].name);
        let _ = writeln!(out, "  signal {name} = elapsed from {a}{filter} to {b} per {key} over {window}");
        s.signals.push(Signal {
            name,
            ty: Ty::Duration,
            event: from,
            late,
            before: false,
            counts: false,
            level: false,
            named: false,
            ends: Some(to),
            own_key: false,
        });
    }

    fn limiter(&mut self, s: &mut Scope, out: &mut String) {
        let event = self.any_event();
        let (filter, late) = self.filter(event, s, 20);
        let (name, capacity) = (self.fresh("s"), self.c.between(1, 5));
        let rate = *self.c.pick(&["1/s", "2/s", "6/min", "100/h", "3/d"]);
        let bucket = self.c.chance(50);
        let meter =
            if bucket { format!("bucket({capacity}, {rate})") } else { format!("gcra({rate}, {capacity})") };
        let of = self.schema.events[event].name;
        let _ = writeln!(out, "  signal {name} = {meter} of {of}{filter} per session");
        s.signals.push(Signal {
            name,
            ty: if bucket { Ty::Int } else { Ty::Bool },
            event,
            late,
            before: false,
            counts: false,
            level: bucket,
            named: false,
            ends: None,
            own_key: false,
        });
    }

    fn usual(&mut self, s: &mut Scope, out: &mut String) {
        let levels: Vec<Signal> =
            s.signals.iter().filter(|signal| signal.level && signal.ends.is_none()).cloned().collect();
        if levels.is_empty() {
            return self.signal(s, out);
        }
        let of = self.c.pick(&levels).clone();
        let name = self.fresh("s");
        let floor = match (self.c.chance(70), of.ty) {
            (false, _) => String::new(),
            (true, Ty::Int) => format!(", floor {}", self.c.between(1, 9)),
            (true, Ty::Float) => ", floor 1.5".into(),
            // A floor is a number, which the other types do not take.
            _ => String::new(),
        };
        let _ = writeln!(out, "  signal {name} = usual({}{floor})", of.name);
        s.signals.push(Signal { name, counts: false, level: false, ..of });
    }

    fn sequence(&mut self, s: &mut Scope, out: &mut String) {
        let name = self.fresh("q");
        let key = *self.c.pick(&["session", "user", "ip"]);
        let horizon = *self.c.pick(&["10m", "1m", "1h", "10s", "1d", "1s"]);
        let timer = self.c.chance(45);
        let count = self.c.between(if timer { 1 } else { 2 }, 3);
        let last = *self.c.pick(&s.events);
        let mut steps: Vec<(String, usize)> = Vec::new();
        let _ = writeln!(out, "  sequence {name} per {key} within {horizon} {{");
        let mut late = false;
        for at in 0..count {
            let event = if at + 1 == count { last } else { self.any_event() };
            let (filter, late_here) = self.filter(event, s, 15);
            // What is known only with the response of an earlier step is long known at the last.
            late |= late_here && at + 1 == count;
            let step = format!("{name}_{at}");
            let word = if at == 0 { "first" } else { "then" };
            let _ = writeln!(out, "    {word} {} as {step}{filter}", self.schema.events[event].name);
            steps.push((step, event));
        }
        if count > 1 && self.c.chance(40) {
            let (from, to) = (0, self.c.between(1, count - 1));
            let event = self.any_event();
            let (filter, _) = self.filter(event, s, 30);
            let of = self.schema.events[event].name;
            let _ = writeln!(out, "    without {of}{filter} between {} and {}", steps[from].0, steps[to].0);
        }
        if timer {
            let event = self.any_event();
            let (filter, _) = self.filter(event, s, 30);
            let (of, window) = (self.schema.events[event].name, self.window());
            let _ = writeln!(out, "    then no {of}{filter} within {window}");
        }
        out.push_str("  }\n");
        s.sequences.push(Sequence { name, steps, late, timer });
    }
}

impl Measure {
    fn with_least(mut self) -> Self {
        self.least = true;
        self
    }
}

/// The event at hand alone, with the policy's names.
fn scope_of(s: &Scope, event: usize) -> Scope {
    Scope { events: vec![event], rule: false, ..s.clone() }
}
