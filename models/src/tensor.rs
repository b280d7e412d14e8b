//! Element types and constant tensors.

use std::fmt;

use serde::Serialize;

/// The type of a tensor's elements.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Element {
    /// 32-bit floating point.
    Float,
    /// 64-bit floating point.
    Double,
    /// 64-bit integer.
    Int64,
    /// 32-bit integer.
    Int32,
    /// Truth.
    Bool,
    /// Text.
    String,
    /// One that no back-end of ours feeds: only inside of a graph for ONNX Runtime.
    Other(i32),
}

impl Element {
    /// From the number in the file.
    pub(crate) fn of_code(code: i32) -> Self {
        match code {
            1 => Self::Float,
            6 => Self::Int32,
            7 => Self::Int64,
            8 => Self::String,
            9 => Self::Bool,
            11 => Self::Double,
            other => Self::Other(other),
        }
    }
}

impl fmt::Display for Element {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Float => "float",
            Self::Double => "double",
            Self::Int64 => "int64",
            Self::Int32 => "int32",
            Self::Bool => "bool",
            Self::String => "string",
            Self::Other(2) => "uint8",
            Self::Other(3) => "int8",
            Self::Other(10) => "float16",
            Self::Other(16) => "bfloat16",
            Self::Other(code) => return write!(f, "type {code}"),
        })
    }
}

/// A constant: values in row-major order.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Tensor {
    pub(crate) element: Element,
    pub(crate) shape: Vec<usize>,
    pub(crate) data: Data,
}

/// The values of a [`Tensor`]; integers and truths are widened.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Data {
    Float(Vec<f32>),
    Double(Vec<f64>),
    Int(Vec<i64>),
    Text(Vec<String>),
    /// Not read, because nothing native uses it.
    Unread,
}
