//! Which operator is lowered where.

use super::lower::{Lowering, Operand};
use super::step::{Binary, Comparison, Reduction, Unary};
use crate::file::Node;
use crate::refusal::Refusal;

/// What the lowering of a node answers.
pub(crate) type Made = Result<Vec<Operand>, Refusal>;

impl<'a> Lowering<'a> {
    /// Lowers a node; answers its outputs.
    pub(crate) fn node(&mut self, node: &'a Node) -> Made {
        if node.has_graphs() {
            return Err(self.refuse("branches and loops are not for the native back-end"));
        }
        if node.is_ml {
            return self.tabular(node);
        }
        match node.operator.as_str() {
            "Identity" | "Dropout" => Ok(vec![self.required(node, 0)?]),
            "Constant" => self.constant_node(node),
            "Cast" => self.cast_node(node),
            "CastLike" => {
                let (x, like) = (self.required(node, 0)?, self.required(node, 1)?);
                Ok(vec![self.cast(&x, like.element)?])
            }
            "Reshape" => self.reshape(node),
            "Flatten" => self.flatten(node),
            "Squeeze" => self.squeeze(node),
            "Unsqueeze" => self.unsqueeze(node),
            "Shape" => self.shape(node),
            "Size" => {
                let count = self.required(node, 0)?.len();
                Ok(vec![self.ints(&[count as i64], vec![])?])
            }
            "ConstantOfShape" => self.constant_of_shape(node),
            "Expand" => self.expand(node),
            "Tile" => self.tile(node),
            "Concat" => self.concat(node),
            "Split" => self.split(node),
            "Slice" => self.slice(node),
            "Transpose" => self.transpose(node),
            "Gather" => self.gather(node),
            "Where" => self.choose(node),
            "Add" => self.binary(node, Binary::Add),
            "Sub" => self.binary(node, Binary::Sub),
            "Mul" => self.binary(node, Binary::Mul),
            "Div" => self.binary(node, Binary::Div),
            "Pow" => self.binary(node, Binary::Pow),
            "And" => self.binary(node, Binary::And),
            "Or" => self.binary(node, Binary::Or),
            "Xor" => self.binary(node, Binary::Xor),
            "Min" => self.many(node, Binary::Min),
            "Max" => self.many(node, Binary::Max),
            "Sum" => self.many(node, Binary::Add),
            "Mean" => self.mean(node),
            "Equal" => self.compare(node, Comparison::Equal),
            "Less" => self.compare(node, Comparison::Less),
            "Greater" => self.compare(node, Comparison::Greater),
            "LessOrEqual" => self.compare(node, Comparison::AtMost),
            "GreaterOrEqual" => self.compare(node, Comparison::AtLeast),
            "Neg" => self.unary(node, Unary::Neg),
            "Abs" => self.unary(node, Unary::Abs),
            "Sqrt" => self.unary(node, Unary::Sqrt),
            "Exp" => self.unary(node, Unary::Exp),
            "Log" => self.unary(node, Unary::Log),
            "Sigmoid" => self.unary(node, Unary::Sigmoid),
            "Relu" => self.unary(node, Unary::Relu),
            "Tanh" => self.unary(node, Unary::Tanh),
            "Erf" => self.unary(node, Unary::Erf),
            "Reciprocal" => self.unary(node, Unary::Reciprocal),
            "Floor" => self.unary(node, Unary::Floor),
            "Ceil" => self.unary(node, Unary::Ceil),
            "Round" => self.unary(node, Unary::Round),
            "Sign" => self.unary(node, Unary::Sign),
            "Softplus" => self.unary(node, Unary::Softplus),
            "Not" => self.unary(node, Unary::Not),
            "LeakyRelu" => self.unary(node, Unary::LeakyRelu(node.float("alpha").unwrap_or(0.01))),
            "Elu" => self.unary(node, Unary::Elu(node.float("alpha").unwrap_or(1.0))),
            "Clip" => self.clip(node),
            "IsNaN" => self.is_nan(node),
            "ReduceSum" => self.reduce(node, Reduction::Sum),
            "ReduceMean" => self.reduce(node, Reduction::Mean),
            "ReduceMax" => self.reduce(node, Reduction::Max),
            "ReduceMin" => self.reduce(node, Reduction::Min),
            "ReduceProd" => self.reduce(node, Reduction::Prod),
            "ReduceSumSquare" => self.reduce(node, Reduction::SumSquare),
            "ReduceL1" => self.reduce(node, Reduction::L1),
            "ReduceL2" => self.reduce(node, Reduction::L2),
            "ReduceLogSum" => self.reduce(node, Reduction::LogSum),
            "ReduceLogSumExp" => self.reduce(node, Reduction::LogSumExp),
            "ArgMax" => self.arg(node, true),
            "ArgMin" => self.arg(node, false),
            "TopK" => self.top(node),
            "Softmax" => self.softmax(node, false),
            "LogSoftmax" => self.softmax(node, true),
            "MatMul" => self.matmul(node),
            "Gemm" => self.gemm(node),
            _ => Err(self.refuse("an operator that the native back-end does not have")),
        }
    }
}
