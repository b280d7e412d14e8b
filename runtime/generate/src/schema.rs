//! The schema that generated policies are written over: an envelope, two events that engines know by name, and a few with
//! fields of every type.

use std::fmt::Write as _;

use crate::Choices;

/// A type of the language, as far as the generator tells them apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs, reason = "each is the type of that name")]
pub enum Ty {
    Int,
    Float,
    Bool,
    Text,
    Ip,
    Asn,
    Country,
    Duration,
    Time,
    Money,
    Rate,
    Probability,
    Id(&'static str),
    Print,
    /// One of [`ENUMS`].
    Enum(usize),
    TextSet,
    IntList,
    IntMap,
}

/// The variants of the enums.
pub const ENUMS: [&[&str]; 4] = [
    &["web", "mobile", "api"],
    &["residential", "hosting", "relay"],
    &["success", "failure", "locked"],
    &["alpha", "beta", "gamma", "delta"],
];

impl Ty {
    /// As it is written.
    pub fn text(self) -> String {
        match self {
            Self::Int => "int".into(),
            Self::Float => "float".into(),
            Self::Bool => "bool".into(),
            Self::Text => "string".into(),
            Self::Ip => "ip".into(),
            Self::Asn => "asn".into(),
            Self::Country => "country".into(),
            Self::Duration => "duration".into(),
            Self::Time => "timestamp".into(),
            Self::Money => "money".into(),
            Self::Rate => "rate".into(),
            Self::Probability => "probability".into(),
            Self::Id(of) => format!("id<{of}>"),
            Self::Print => "fingerprint".into(),
            Self::Enum(which) => format!("enum {{ {} }}", ENUMS[which].join(", ")),
            Self::TextSet => "set<string>".into(),
            Self::IntList => "list<int>".into(),
            Self::IntMap => "map<string, int>".into(),
        }
    }

    /// True where `<` means something.
    pub fn is_ordered(self) -> bool {
        use Ty::*;
        matches!(self, Int | Float | Duration | Time | Money | Rate | Probability)
    }

    /// True for values kept as text.
    pub fn is_textual(self) -> bool {
        matches!(self, Self::Text | Self::Id(_) | Self::Print)
    }

    /// True for a set, list or map.
    pub fn is_many(self) -> bool {
        matches!(self, Self::TextSet | Self::IntList | Self::IntMap)
    }
}

/// A field of an event.
#[derive(Clone, Copy, Debug)]
pub struct Field {
    /// Its name.
    pub name: &'static str,
    /// Its type.
    pub ty: Ty,
    /// Known only with the response.
    pub response: bool,
    /// It can be missing.
    pub optional: bool,
}

/// An event with its own fields.
#[derive(Clone, Debug)]
pub struct Event {
    /// Its name.
    pub name: &'static str,
    /// Its own fields.
    pub fields: Vec<Field>,
}

/// The fields that every event carries.
pub const ENVELOPE: [(&str, Ty); 13] = [
    ("session", Ty::Id("session")),
    ("user", Ty::Id("user")),
    ("device", Ty::Id("device")),
    ("token", Ty::Id("token")),
    ("ip", Ty::Ip),
    ("asn", Ty::Asn),
    ("asn.class", Ty::Enum(1)),
    ("country", Ty::Country),
    ("channel", Ty::Enum(0)),
    ("shape", Ty::Print),
    ("ja4", Ty::Print),
    ("user_agent", Ty::Text),
    ("at", Ty::Time),
];

/// Fields that generated events draw from. One name has one type everywhere, so a policy over several events reads it.
const OWN: [(&str, Ty, bool); 21] = [
    ("n", Ty::Int, false),
    ("m", Ty::Int, false),
    ("x", Ty::Float, false),
    ("y", Ty::Float, false),
    ("flag", Ty::Bool, false),
    ("word", Ty::Text, false),
    ("secret", Ty::Text, true),
    ("far", Ty::Ip, false),
    ("land", Ty::Country, false),
    ("net", Ty::Asn, false),
    ("took", Ty::Duration, false),
    ("moment", Ty::Time, false),
    ("amount", Ty::Money, false),
    ("pace", Ty::Rate, false),
    ("odds", Ty::Probability, false),
    ("payee", Ty::Id("payee"), true),
    ("mark", Ty::Print, false),
    ("kind", Ty::Enum(3), false),
    ("bag", Ty::TextSet, false),
    ("row", Ty::IntList, false),
    ("attrs", Ty::IntMap, false),
];

const NAMES: [&str; 4] = ["ev.a", "ev.b", "ev.c", "ev.d"];

/// The events of a set.
#[derive(Clone, Debug)]
pub struct Schema {
    /// `login` and `challenge.result` come last.
    pub events: Vec<Event>,
}

impl Schema {
    pub(crate) fn choose(c: &mut Choices<'_>) -> Self {
        let count = c.between(1, NAMES.len());
        let mut events = Vec::new();
        for name in NAMES.into_iter().take(count) {
            let mut fields = Vec::new();
            for (field, ty, _) in OWN {
                // The plainest event has the first of each plain type.
                if c.chance(55) || field == "n" {
                    let response = c.chance(25);
                    fields.push(Field { name: field, ty, response, optional: !c.chance(15) });
                }
            }
            let outcome = Field { name: "outcome", ty: Ty::Enum(2), response: true, optional: true };
            fields.push(outcome);
            events.push(Event { name, fields });
        }
        let own = |name, ty, response| Field { name, ty, response, optional: response };
        events.push(Event { name: "login", fields: vec![own("outcome", Ty::Enum(2), true)] });
        events.push(Event { name: "challenge.result", fields: vec![own("result", Ty::Enum(3), false)] });
        Self { events }
    }

    /// Fields of an event, the envelope's first.
    pub fn fields(&self, event: usize) -> Vec<Field> {
        let envelope = ENVELOPE.iter().map(|(name, ty)| Field {
            name,
            ty: *ty,
            response: false,
            optional: *name != "at",
        });
        envelope.chain(self.events[event].fields.iter().copied()).collect()
    }

    pub(crate) fn text(&self) -> String {
        let mut out = String::from("envelope {\n  id: id<event>?\n");
        for (name, ty) in ENVELOPE {
            let personal = if matches!(name, "user" | "ip") { " personal" } else { "" };
            let missing = if name == "at" { "" } else { "?" };
            let _ = writeln!(out, "  {name}: {}{missing}{personal}", ty.text());
        }
        out.push_str("}\n");
        for event in &self.events {
            let _ = writeln!(out, "\nevent {} {{", event.name);
            for field in &event.fields {
                if field.name == "result" {
                    out.push_str("  outcome: enum { passed, failed }\n");
                    continue;
                }
                let missing = if field.optional { "?" } else { "" };
                let personal = OWN.iter().any(|(name, _, personal)| *name == field.name && *personal);
                let personal = if personal { " personal" } else { "" };
                let response = if field.response { " response" } else { "" };
                let _ = writeln!(out, "  {}: {}{missing}{personal}{response}", field.name, field.ty.text());
            }
            out.push_str("}\n");
        }
        out
    }
}
