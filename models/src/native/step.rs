//! What a program is made of. Places are offsets into the arenas of a [`Memory`](super::memory::Memory).

use super::memory::Arena;
use crate::trees::score::{Class, Ensemble, Post};

/// One step; reads from before what it writes, allocates nothing.
#[derive(Clone, Debug)]
pub(crate) enum Step {
    /// `to[i] = from[i]`
    Copy {
        arena: Arena,
        from: usize,
        count: usize,
        to: usize,
    },
    /// `to[i] = from[table[i]]`
    Take {
        arena: Arena,
        from: usize,
        table: Box<[u32]>,
        to: usize,
    },
    /// Slices of `data` (seen as `outer × axis × inner`) chosen by values.
    Gather {
        arena: Arena,
        data: usize,
        dims: [usize; 3],
        index: usize,
        count: usize,
        to: usize,
    },
    /// `to[i] = if test[i] { a[i] } else { b[i] }`
    Where {
        arena: Arena,
        test: usize,
        a: usize,
        b: usize,
        places: Box<[[u32; 3]]>,
        to: usize,
    },
    Unary {
        arena: Arena,
        operation: Unary,
        from: usize,
        count: usize,
        to: usize,
    },
    Binary {
        arena: Arena,
        operation: Binary,
        a: usize,
        b: usize,
        zip: Zip,
        count: usize,
        to: usize,
    },
    Compare {
        arena: Arena,
        comparison: Comparison,
        a: usize,
        b: usize,
        zip: Zip,
        count: usize,
        to: usize,
    },
    Cast {
        cast: Cast,
        from: usize,
        count: usize,
        to: usize,
    },
    /// Groups of values made one each; the values of a group stand together where there is no order.
    Reduce {
        arena: Arena,
        reduction: Reduction,
        groups: Groups,
        to: usize,
    },
    /// The place of the greatest or least in each group.
    Arg {
        arena: Arena,
        is_max: bool,
        is_last: bool,
        groups: Groups,
        to: usize,
    },
    /// The greatest or least of each group, in order, with their places.
    Top {
        arena: Arena,
        is_max: bool,
        groups: Groups,
        count: usize,
        values: usize,
        places: usize,
    },
    Softmax {
        is_log: bool,
        groups: Groups,
        to: usize,
    },
    /// `to[m × n] = scale * a[m × k] · b[k × n]`
    Product {
        a: usize,
        b: usize,
        m: usize,
        k: usize,
        n: usize,
        to: usize,
    },
    ProductDouble {
        a: usize,
        b: usize,
        m: usize,
        k: usize,
        n: usize,
        to: usize,
    },
    /// `(x - offset) * scale`, from floats or doubles.
    Scale {
        is_double: bool,
        from: usize,
        offsets: Box<[f32]>,
        scales: Box<[f32]>,
        to: usize,
    },
    Normalize {
        norm: Norm,
        from: usize,
        count: usize,
        to: usize,
    },
    Impute {
        from: usize,
        replaced: f32,
        values: Box<[f32]>,
        to: usize,
    },
    ImputeInt {
        from: usize,
        replaced: i64,
        values: Box<[i64]>,
        to: usize,
    },
    /// Whether each value is above a threshold; NaN is a failure.
    Binarize {
        from: usize,
        count: usize,
        threshold: f32,
        to: usize,
    },
    Encode(Box<Encode>),
    OneHot(Box<OneHot>),
    Linear(Box<Linear>),
    Svm(Box<Svm>),
    Trees(Box<Trees>),
}

/// `to[i] = a · weights[i] + offsets[i]`, and what becomes of it.
#[derive(Clone, Debug)]
pub(crate) struct Linear {
    pub(crate) from: usize,
    pub(crate) features: usize,
    pub(crate) weights: Box<[f32]>,
    pub(crate) offsets: Box<[f32]>,
    pub(crate) post: Post,
    pub(crate) to: usize,
    /// For classifiers.
    pub(crate) class: Option<LinearClass>,
}

#[derive(Clone, Debug)]
pub(crate) struct LinearClass {
    pub(crate) labels: Box<[i64]>,
    /// One score, two labels: a second score is written before it.
    pub(crate) is_spread: bool,
    pub(crate) to: usize,
}

#[derive(Clone, Debug)]
pub(crate) struct Trees {
    pub(crate) ensemble: Ensemble,
    pub(crate) from: usize,
    pub(crate) is_double: bool,
    /// Room for sums, as floats or doubles, and for whether there are any.
    pub(crate) sums: usize,
    pub(crate) seen: usize,
    pub(crate) to: usize,
    /// Where the label goes.
    pub(crate) label: usize,
}

impl Trees {
    pub(crate) fn class(&self) -> Option<&Class> {
        self.ensemble.class.as_ref()
    }
}

/// Values looked up in a sorted list of keys.
#[derive(Clone, Debug)]
pub(crate) struct Encode {
    pub(crate) from: usize,
    pub(crate) count: usize,
    pub(crate) keys: Codes,
    pub(crate) values: Codes,
    pub(crate) to: usize,
    /// For a key that is not there.
    pub(crate) otherwise: Code,
}

/// One side of an [`Encode`]: keys are in order, values in the order of their keys.
#[derive(Clone, Debug)]
pub(crate) enum Codes {
    Floats(Box<[f32]>),
    Doubles(Box<[f64]>),
    Ints(Box<[i64]>),
}

#[derive(Clone, Copy, Debug)]
pub(crate) enum Code {
    Float(f32),
    Double(f64),
    Int(i64),
}

#[derive(Clone, Debug)]
pub(crate) struct OneHot {
    pub(crate) arena: Arena,
    pub(crate) from: usize,
    pub(crate) count: usize,
    /// In order, each with its place among the categories.
    pub(crate) categories: Box<[(i64, u32)]>,
    pub(crate) width: usize,
    /// Whether a value that is no category is a failure.
    pub(crate) is_strict: bool,
    pub(crate) to: usize,
}

/// A support vector machine.
#[derive(Clone, Debug)]
pub(crate) struct Svm {
    pub(crate) from: usize,
    pub(crate) features: usize,
    pub(crate) kernel: Kernel,
    pub(crate) gamma: f32,
    pub(crate) offset: f32,
    pub(crate) degree: f32,
    /// Empty for a linear machine.
    pub(crate) vectors: Box<[f32]>,
    pub(crate) coefficients: Box<[f32]>,
    pub(crate) rho: Box<[f32]>,
    /// Room for the kernel of each vector.
    pub(crate) kernels: usize,
    pub(crate) to: usize,
    pub(crate) is_one_class: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kernel {
    Linear,
    Poly,
    Rbf,
    Sigmoid,
}

/// How two operands meet.
#[derive(Clone, Debug)]
pub(crate) enum Zip {
    /// One to one.
    Same,
    /// The left one is one value.
    Left,
    /// The right one is one value.
    Right,
    /// By the places of each.
    Places(Box<[[u32; 2]]>),
}

/// `count` groups of `size` values.
#[derive(Clone, Debug)]
pub(crate) struct Groups {
    pub(crate) from: usize,
    pub(crate) count: usize,
    pub(crate) size: usize,
    /// Where the values of the groups are, one group after the other; nothing where they are so already.
    pub(crate) order: Option<Box<[u32]>>,
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Unary {
    Neg,
    Abs,
    Sqrt,
    Exp,
    Log,
    Sigmoid,
    Relu,
    Tanh,
    Erf,
    Reciprocal,
    Floor,
    Ceil,
    Round,
    Sign,
    Softplus,
    Not,
    LeakyRelu(f32),
    Elu(f32),
    /// Narrowed to 32 bits, as `int32` is.
    Narrow,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Binary {
    Add,
    Sub,
    Mul,
    Div,
    Pow,
    Min,
    Max,
    And,
    Or,
    Xor,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Comparison {
    Equal,
    Less,
    Greater,
    AtMost,
    AtLeast,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Cast {
    FloatToDouble,
    DoubleToFloat,
    FloatToInt64,
    FloatToInt32,
    DoubleToInt64,
    DoubleToInt32,
    IntToFloat,
    IntToDouble,
    FloatToBool,
    DoubleToBool,
    IntToBool,
    IntToInt32,
    FloatIsNan,
    DoubleIsNan,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Reduction {
    Sum,
    Mean,
    Max,
    Min,
    Prod,
    SumSquare,
    L1,
    L2,
    LogSum,
    LogSumExp,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Norm {
    Max,
    L1,
    L2,
}

impl Groups {
    /// Values in all.
    pub(crate) fn len(&self) -> usize {
        self.count * self.size
    }
}
