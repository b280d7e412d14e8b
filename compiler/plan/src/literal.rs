//! Literals: the smallest tests, each on one column, in one canonical form.
//!
//! However a test is written, equal ones are one literal: `x > 5` and `6 <= x` of an integer are the closed range from 6,
//! `x != "a"` is the negation of membership in `{"a"}`. Equal literals of all rules are one ([`Literals`]).

use std::collections::HashMap;
use std::sync::Arc;

use ipnet::IpNet;
use weir_compiler::ids::{FieldId, ListId};

use crate::scalar::Kind;

/// A column: a field that some literal is about, by its place among [`Literals::columns`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Column(pub u16);

/// A literal, by its place.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct LiteralId(pub u32);

/// A literal.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Literal {
    /// What it looks at.
    pub column: Column,
    /// What it asks.
    pub test: Test,
}

/// What a literal asks. All but [`Test::Known`] are unknown where the value is missing.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Test {
    /// There is a value.
    Known,
    /// A truth is true.
    True,
    /// An integer lies in the closed range.
    Range(i64, i64),
    /// A number, as a float in its order among integers, lies in the closed range.
    FloatRange(i64, i64),
    /// An integer is one of these, ascending.
    Ints(Arc<[i64]>),
    /// A text is one of these, ascending.
    Texts(Arc<[Arc<str>]>),
    /// An address is in one of these, ascending.
    Networks(Arc<[IpNet]>),
    /// A value is in a list that is loaded later; unknown unless it is.
    List(ListId),
    /// A text holds this.
    Contains(Arc<str>),
    /// A text begins with this.
    StartsWith(Arc<str>),
    /// A text ends with this.
    EndsWith(Arc<str>),
    /// A regular expression is found in a text.
    Regex(Arc<str>),
}

/// The columns and literals of a rule set, each once.
#[derive(Clone, Debug, Default)]
pub struct Literals {
    columns: Vec<(FieldId, Kind)>,
    column_of: HashMap<FieldId, Column>,
    literals: Vec<Literal>,
    known: HashMap<Literal, LiteralId>,
}

impl Literals {
    /// The column of a field, whose values are of a kind. Nothing past the 65,536th.
    pub fn column(&mut self, field: FieldId, kind: Kind) -> Option<Column> {
        if let Some(known) = self.column_of.get(&field) {
            return Some(*known);
        }
        let column = Column(u16::try_from(self.columns.len()).ok()?);
        self.columns.push((field, kind));
        self.column_of.insert(field, column);
        Some(column)
    }

    /// The literal of a test, which must be in its canonical form: members ascending and each once.
    pub fn literal(&mut self, column: Column, test: Test) -> LiteralId {
        let literal = Literal { column, test };
        if let Some(known) = self.known.get(&literal) {
            return *known;
        }
        let id = LiteralId(self.literals.len() as u32);
        self.literals.push(literal.clone());
        self.known.insert(literal, id);
        id
    }

    /// The columns: the field of each, and what its values are.
    pub fn columns(&self) -> &[(FieldId, Kind)] {
        &self.columns
    }

    /// A literal.
    pub fn get(&self, id: LiteralId) -> Option<&Literal> {
        self.literals.get(id.0 as usize)
    }

    /// All literals.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = (LiteralId, &Literal)> {
        self.literals.iter().enumerate().map(|(at, literal)| (LiteralId(at as u32), literal))
    }

    /// How many literals.
    pub fn len(&self) -> usize {
        self.literals.len()
    }

    /// True without literals.
    pub fn is_empty(&self) -> bool {
        self.literals.is_empty()
    }
}
