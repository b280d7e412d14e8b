//! The syntax tree: what the author wrote, typed by form and not yet by meaning.
//!
//! Every node carries its [`Span`]. Names are kept as written: `asn.class` is one [`Name`], for only the
//! type checker knows whether the dot selects a field, a captured event or belongs to the name.
//! Comments stand beside the tree in [`File::comments`], in source order; the formatter places them by span.

use serde::Serialize;

use smol_str::SmolStr;

use crate::span::Span;

mod action;
mod expr;
mod item;
mod policy;
mod signal;
mod test;

pub use action::*;
pub use expr::*;
pub use item::*;
pub use policy::*;
pub use signal::*;
pub use test::*;

/// A name of one or more identifiers joined by dots, as written.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize)]
pub struct Name {
    /// The text, for example `http.request` or `ato-suspected`.
    pub text: SmolStr,
    /// Where it stands.
    pub span: Span,
}

/// A quoted string, its escapes (`\"`, `\\`, `\n`, `\t`, `\u{…}`) resolved.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize)]
pub struct Text {
    /// The value.
    pub value: SmolStr,
    /// The literal with its quotes.
    pub span: Span,
}

/// A comment: `# …` up to the end of the line, without the line break.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize)]
pub struct Comment {
    /// The text from `#` on, trailing blanks removed.
    pub text: SmolStr,
    /// Where it stands.
    pub span: Span,
}

/// One file: at most one package, its imports and its items.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct File {
    /// `package a.b`. Missing in a broken file, which is a diagnostic.
    pub package: Option<Name>,
    /// `use a.b { c, d }`.
    pub uses: Vec<Use>,
    /// Items that could be parsed, in source order.
    pub items: Vec<Item>,
    /// All comments, in source order.
    pub comments: Vec<Comment>,
    /// Names whose declaration could not be parsed, and was reported: whoever looks one up must not report
    /// it as unknown again.
    pub broken: Vec<Name>,
}

/// `use package { names }`.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Use {
    /// The package imported from.
    pub package: Name,
    /// The names imported.
    pub names: Vec<Name>,
    /// The whole clause.
    pub span: Span,
}

/// A top-level item.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Item {
    /// What it is.
    pub kind: ItemKind,
    /// From its keyword to its end.
    pub span: Span,
    /// The comment block directly above, joined by line breaks, `# ` removed.
    pub doc: Option<SmolStr>,
}

/// The kinds of item.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub enum ItemKind {
    /// Fields that every event carries.
    Envelope(Vec<Field>),
    /// A typed record.
    Event(Event),
    /// Business events from plain HTTP.
    Derive(Derive),
    /// A typed set.
    List(List),
    /// A typed look-up.
    Table(Table),
    /// A declared tag.
    Tag(Name),
    /// A review queue.
    Queue(Name),
    /// A bounded false answer.
    Decoy(Decoy),
    /// A calendar.
    Schedule(Schedule),
    /// A user-defined client shape.
    Fingerprint(Fingerprint),
    /// An ONNX scoring function.
    Model(Model),
    /// A pure, inlined function.
    Function(Function),
    /// Rules that belong together.
    Policy(Policy),
    /// The most that any rule may do.
    Cap(Cap),
    /// Score thresholds of a package.
    Decide(Decide),
    /// Overrides of a shipped policy.
    Tune(Tune),
    /// Events on a virtual clock and what must come of them.
    Test(Test),
}
