//! Top-level items but policies and tests.

use serde::Serialize;

use crate::ast::*;
use crate::span::Span;

/// A declared field of an event or of the envelope.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Field {
    /// Its name, which may contain dots (`asn.class`).
    pub name: Name,
    /// Its type.
    pub ty: Type,
    /// Must not be stored in clear.
    pub personal: bool,
    /// Known only with the response.
    pub response: bool,
    /// `alias old_name`: the names this field had in earlier schemas.
    pub aliases: Vec<Name>,
    /// The whole line.
    pub span: Span,
}

/// A type as written.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Type {
    /// Its form.
    pub kind: TypeKind,
    /// `?`: the value can be missing.
    pub optional: bool,
    /// Where it stands.
    pub span: Span,
}

/// The forms of a type.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub enum TypeKind {
    /// `enum { a, b }`.
    Enum(Vec<Name>),
    /// `int`, `id<user>`, `list<string, 64>`, `string<4096>`: a name and its arguments.
    Named {
        /// The name.
        name: Name,
        /// Types between the angle brackets.
        args: Vec<Type>,
        /// The number that bounds a string, list or map.
        bound: Option<u64>,
    },
}

/// `event name { fields }`.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Event {
    /// Its name.
    pub name: Name,
    /// `alias old.name`: names this event had in earlier schemas.
    pub aliases: Vec<Name>,
    /// Its own fields, besides the envelope's.
    pub fields: Vec<Field>,
}

/// `derive event from http.exchange where … { field: expr }`.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Derive {
    /// The event made.
    pub event: Name,
    /// The source, `http.exchange`.
    pub source: Name,
    /// When it applies.
    pub filter: Option<Expr>,
    /// How each field is filled.
    pub fields: Vec<Assignment>,
}

/// `name: expr` in a derive map, a test event or a list of arguments.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Assignment {
    /// The field.
    pub name: Name,
    /// Its value.
    pub value: Expr,
}

/// `list name: set<T> from "file"` or `= [ … ]`.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct List {
    /// Its name.
    pub name: Name,
    /// `set<T>`.
    pub ty: Type,
    /// Where its values come from.
    pub source: ListSource,
}

/// Where the values of a list come from.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub enum ListSource {
    /// A file, one value a line.
    File(Text),
    /// Written in place.
    Values(Vec<Expr>),
}

/// `table name: map<K, V> from "file"`.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Table {
    /// Its name.
    pub name: Name,
    /// `map<K, V>`.
    pub ty: Type,
    /// The file.
    pub file: Text,
}

/// `decoy name on event from "file" at most RATE else VERB`.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Decoy {
    /// Its name.
    pub name: Name,
    /// The event it may answer.
    pub event: Name,
    /// The body served.
    pub file: Text,
    /// How often at most.
    pub rate: Literal,
    /// What happens beyond that.
    pub otherwise: Verb,
}

/// `schedule name from "file.ics"`.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Schedule {
    /// Its name.
    pub name: Name,
    /// The calendar.
    pub file: Text,
}

/// `fingerprint name = (field, …)`.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Fingerprint {
    /// Its name, a software key.
    pub name: Name,
    /// What it is made of.
    pub key: Key,
}

/// `model name(inputs) -> type from "file" within D`.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Model {
    /// Its name.
    pub name: Name,
    /// Its inputs.
    pub inputs: Vec<Parameter>,
    /// What it answers.
    pub output: Type,
    /// The ONNX file.
    pub file: Text,
    /// The deadline, after which the answer is unknown.
    pub within: Option<Window>,
}

/// `name: type` in a list of inputs.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Parameter {
    /// Its name.
    pub name: Name,
    /// Its type.
    pub ty: Type,
}

/// `fn name(params) -> type = expr`.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Function {
    /// Its name.
    pub name: Name,
    /// Its parameters.
    pub params: Vec<Parameter>,
    /// What it answers.
    pub output: Type,
    /// Its body.
    pub body: Expr,
}

/// `cap …`.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Cap {
    /// What it bounds.
    pub kind: CapKind,
    /// Why, for people.
    pub because: Option<Because>,
}

/// What a cap bounds.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub enum CapKind {
    /// `cap actions by key at verb where …`.
    Actions {
        /// Actions by this key.
        key: Key,
        /// Are at most this strong.
        at: Verb,
        /// When this holds.
        filter: Option<Expr>,
    },
    /// `cap verb on event at N% of sessions over W, at least N, else verb`.
    Share {
        /// The verdict bounded.
        verb: Verb,
        /// On which event.
        event: Name,
        /// Its share, a percent literal.
        share: Literal,
        /// Of what: `sessions` …
        population: Name,
        /// Over how long.
        over: Over,
        /// Below so many the cap does not hold.
        least: Option<Literal>,
        /// What happens beyond.
        otherwise: Verb,
    },
}

/// `tune policy { … }`.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Tune {
    /// The policy.
    pub policy: Name,
    /// The overrides, in source order.
    pub changes: Vec<Change>,
}

/// One override.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Change {
    /// What it changes.
    pub kind: ChangeKind,
    /// The whole clause.
    pub span: Span,
}

/// The kinds of override.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub enum ChangeKind {
    /// `mode …`.
    Mode(Mode),
    /// `harm …`.
    Harm(Harm),
    /// `rule name mode …`.
    RuleMode(Name, Mode),
    /// `param = literal`.
    Param(Name, Literal),
}
