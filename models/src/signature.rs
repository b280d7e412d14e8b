//! What a model takes and gives.

use std::fmt;

use serde::Serialize;

use crate::tensor::Element;

/// The inputs and outputs of a model, for one row.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Signature {
    /// What a call must bring, in order.
    pub inputs: Vec<Port>,
    /// What it answers, in order.
    pub outputs: Vec<Port>,
}

/// An input or output.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Port {
    /// Its name in the file.
    pub name: String,
    /// What it holds.
    pub kind: Kind,
}

/// What an input or output holds.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// A tensor; its shape where the file declares one. The first dimension counts rows unless it is fixed to more than 1.
    Tensor {
        /// The type of its elements.
        element: Element,
        /// Its dimensions.
        shape: Option<Vec<Dimension>>,
    },
    /// A probability for each class, as `ZipMap` gives it.
    Map {
        /// The classes, in the order of the values.
        keys: Keys,
    },
    /// Something that no policy can use.
    Other(String),
}

/// The classes of a map.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(untagged)]
pub enum Keys {
    /// Numbers.
    Ints(Vec<i64>),
    /// Texts.
    Texts(Vec<String>),
}

/// One dimension.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(untagged)]
pub enum Dimension {
    /// Always this many.
    Fixed(usize),
    /// Any number, with the name that the file gives it.
    Free(Option<String>),
}

impl Port {
    /// The type of its elements: of maps, of their values.
    pub fn element(&self) -> Option<Element> {
        match &self.kind {
            Kind::Tensor { element, .. } => Some(*element),
            Kind::Map { .. } => Some(Element::Float),
            Kind::Other(_) => None,
        }
    }

    /// How many values a row has; nothing where the file leaves that open.
    pub fn width(&self) -> Option<usize> {
        let Kind::Tensor { shape: Some(shape), .. } = &self.kind else { return None };
        let counted = if self.has_rows() { shape.get(1..)? } else { shape };
        counted.iter().try_fold(1_usize, |product, dimension| match dimension {
            Dimension::Fixed(n) => product.checked_mul(*n),
            Dimension::Free(_) => None,
        })
    }

    /// Whether the first dimension counts rows.
    pub fn has_rows(&self) -> bool {
        match &self.kind {
            Kind::Tensor { shape: Some(shape), .. } => {
                matches!(shape.first(), Some(Dimension::Free(_) | Dimension::Fixed(1)))
            }
            _ => false,
        }
    }

    /// Whether any number of rows goes in at once.
    pub fn is_batched(&self) -> bool {
        match &self.kind {
            Kind::Tensor { shape: Some(shape), .. } => matches!(shape.first(), Some(Dimension::Free(_))),
            _ => false,
        }
    }
}

impl fmt::Display for Port {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.name, self.kind)
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tensor { element, shape: None } => write!(f, "{element} of any shape"),
            Self::Tensor { element, shape: Some(shape) } => {
                write!(f, "{element}[")?;
                for (at, dimension) in shape.iter().enumerate() {
                    if at > 0 {
                        f.write_str(", ")?;
                    }
                    match dimension {
                        Dimension::Fixed(n) => write!(f, "{n}")?,
                        Dimension::Free(Some(name)) => f.write_str(name)?,
                        Dimension::Free(None) => f.write_str("?")?,
                    }
                }
                f.write_str("]")
            }
            Self::Map { keys: Keys::Ints(keys) } => write!(f, "map of {} classes to float", keys.len()),
            Self::Map { keys: Keys::Texts(keys) } => write!(f, "map of {} classes to float", keys.len()),
            Self::Other(what) => f.write_str(what),
        }
    }
}
