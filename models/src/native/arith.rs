//! Operators that compute: element by element, over axes, products of matrices.

use super::lower::{Lowering, Operand};
use super::memory::Arena;
use super::node::Made;
use super::shape::transposed;
use super::step::{Binary, Cast, Comparison, Groups, Reduction, Step, Unary, Zip};
use crate::file::Node;
use crate::refusal::Refusal;
use crate::tensor::Element;

impl<'a> Lowering<'a> {
    pub(crate) fn cast_node(&mut self, node: &'a Node) -> Made {
        let x = self.required(node, 0)?;
        let code = node.int("to").and_then(|to| i32::try_from(to).ok()).unwrap_or(0);
        Ok(vec![self.cast(&x, Element::of_code(code))?])
    }

    /// A value as another element.
    pub(crate) fn cast(&mut self, x: &Operand, element: Element) -> Result<Operand, Refusal> {
        if x.element == element {
            return Ok(x.clone());
        }
        let cast = match (x.element, element) {
            (_, Element::Other(_) | Element::String) | (Element::String | Element::Other(_), _) => {
                return Err(self.refuse(format!("a conversion of {} to {element}", x.element)));
            }
            (Element::Float, Element::Double) => Cast::FloatToDouble,
            (Element::Float, Element::Int64) => Cast::FloatToInt64,
            (Element::Float, Element::Int32) => Cast::FloatToInt32,
            (Element::Float, Element::Bool) => Cast::FloatToBool,
            (Element::Double, Element::Float) => Cast::DoubleToFloat,
            (Element::Double, Element::Int64) => Cast::DoubleToInt64,
            (Element::Double, Element::Int32) => Cast::DoubleToInt32,
            (Element::Double, Element::Bool) => Cast::DoubleToBool,
            (_, Element::Float) => Cast::IntToFloat,
            (_, Element::Double) => Cast::IntToDouble,
            (_, Element::Bool) => Cast::IntToBool,
            (Element::Int64, Element::Int32) => Cast::IntToInt32,
            // Truths and 32-bit integers are kept as 64-bit ones.
            _ => return Ok(Operand { element, ..x.clone() }),
        };
        self.converted(x, cast, element)
    }

    fn converted(&mut self, x: &Operand, cast: Cast, element: Element) -> Result<Operand, Refusal> {
        let count = x.len();
        let [made] = self.emit(&[x], [(element, x.shape.clone())], |from, [to]| Step::Cast {
            cast,
            from: from.first().copied().unwrap_or(0),
            count,
            to,
        })?;
        Ok(made)
    }

    /// A value as `float`.
    pub(crate) fn as_float(&mut self, x: &Operand) -> Result<Operand, Refusal> {
        self.cast(x, Element::Float)
    }

    fn numeric(&self, x: &Operand) -> Result<(), Refusal> {
        match x.element {
            Element::String | Element::Other(_) => Err(self.refuse(format!("arithmetic on {}", x.element))),
            _ => Ok(()),
        }
    }

    pub(crate) fn unary(&mut self, node: &'a Node, operation: Unary) -> Made {
        let x = self.required(node, 0)?;
        Ok(vec![self.map(&x, operation)?])
    }

    /// An operation on each value.
    pub(crate) fn map(&mut self, x: &Operand, operation: Unary) -> Result<Operand, Refusal> {
        self.numeric(x)?;
        let for_ints = matches!(
            operation,
            Unary::Neg | Unary::Abs | Unary::Sign | Unary::Relu | Unary::Not | Unary::Narrow
        );
        if x.arena() == Arena::Int && !for_ints || (operation == Unary::Not) != (x.element == Element::Bool) {
            return Err(self.refuse(format!("not of {}", x.element)));
        }
        let (arena, count) = (x.arena(), x.len());
        let [made] = self.emit(&[x], [(x.element, x.shape.clone())], |from, [to]| Step::Unary {
            arena,
            operation,
            from: from.first().copied().unwrap_or(0),
            count,
            to,
        })?;
        if x.element == Element::Int32 && operation != Unary::Narrow {
            self.map(&made, Unary::Narrow)
        } else {
            Ok(made)
        }
    }

    pub(crate) fn binary(&mut self, node: &'a Node, operation: Binary) -> Made {
        if node.int("broadcast").is_some() {
            return Err(self.refuse("the form of before version 7 of the operators"));
        }
        let (a, mut b) = (self.required(node, 0)?, self.required(node, 1)?);
        if operation == Binary::Pow {
            b = self.cast(&b, a.element)?;
        }
        if operation == Binary::Add
            && let Some(sum) = self.sum_of_trees(&[a.clone(), b.clone()])?
        {
            return Ok(vec![sum]);
        }
        Ok(vec![self.pair(operation, &a, &b)?])
    }

    /// An operation on two values.
    pub(crate) fn pair(&mut self, operation: Binary, a: &Operand, b: &Operand) -> Result<Operand, Refusal> {
        self.numeric(a)?;
        let is_logic = matches!(operation, Binary::And | Binary::Or | Binary::Xor);
        if a.element != b.element || is_logic != (a.element == Element::Bool) {
            return Err(self.refuse(format!("not of {} and {}", a.element, b.element)));
        }
        let shape = self.common(&a.shape, &b.shape)?;
        let zip = self.zip(a, b, &shape)?;
        let (arena, count) = (a.arena(), shape.iter().product());
        let [made] = self.emit(&[a, b], [(a.element, shape)], |from, [to]| Step::Binary {
            arena,
            operation,
            a: from.first().copied().unwrap_or(0),
            b: from.get(1).copied().unwrap_or(0),
            zip,
            count,
            to,
        })?;
        if a.element == Element::Int32 { self.map(&made, Unary::Narrow) } else { Ok(made) }
    }

    fn zip(&self, a: &Operand, b: &Operand, shape: &[usize]) -> Result<Zip, Refusal> {
        let count: usize = shape.iter().product();
        Ok(match (a.len() == count, b.len() == count) {
            (true, true) => Zip::Same,
            (_, true) if a.len() == 1 => Zip::Left,
            (true, _) if b.len() == 1 => Zip::Right,
            _ => {
                let (left, right) = (self.spread(&a.shape, shape)?, self.spread(&b.shape, shape)?);
                Zip::Places(left.into_iter().zip(right).map(|(a, b)| [a, b]).collect())
            }
        })
    }

    pub(crate) fn many(&mut self, node: &'a Node, operation: Binary) -> Made {
        let mut operands = Vec::with_capacity(node.inputs.len());
        for nth in 0..node.inputs.len() {
            operands.push(self.required(node, nth)?);
        }
        if operation == Binary::Add
            && let Some(sum) = self.sum_of_trees(&operands)?
        {
            return Ok(vec![sum]);
        }
        let mut operands = operands.into_iter();
        let mut made = operands.next().ok_or_else(|| self.refuse("no inputs"))?;
        for operand in operands {
            made = self.pair(operation, &made, &operand)?;
        }
        Ok(vec![made])
    }

    pub(crate) fn mean(&mut self, node: &'a Node) -> Made {
        let sum = self.many(node, Binary::Add)?;
        let Some(sum) = sum.first() else { return Err(self.refuse("no inputs")) };
        let count = self.floats(&[node.inputs.len() as f32], vec![])?;
        let count = self.cast(&count, sum.element)?;
        Ok(vec![self.pair(Binary::Div, sum, &count)?])
    }

    pub(crate) fn compare(&mut self, node: &'a Node, comparison: Comparison) -> Made {
        let (a, b) = (self.required(node, 0)?, self.required(node, 1)?);
        // Texts that the model does not know are all one symbol.
        if a.element != b.element || (a.is_open && b.is_open) {
            return Err(self.refuse(format!("not of {} and {}", a.element, b.element)));
        }
        if a.element == Element::String && comparison != Comparison::Equal {
            return Err(self.refuse("an order of texts"));
        }
        let shape = self.common(&a.shape, &b.shape)?;
        let zip = self.zip(&a, &b, &shape)?;
        let (arena, count) = (a.arena(), shape.iter().product());
        let [made] = self.emit(&[&a, &b], [(Element::Bool, shape)], |from, [to]| Step::Compare {
            arena,
            comparison,
            a: from.first().copied().unwrap_or(0),
            b: from.get(1).copied().unwrap_or(0),
            zip,
            count,
            to,
        })?;
        Ok(vec![made])
    }

    pub(crate) fn clip(&mut self, node: &'a Node) -> Made {
        let mut x = self.required(node, 0)?;
        let bounds = [(1, "min", Binary::Max), (2, "max", Binary::Min)];
        for (nth, name, operation) in bounds {
            let bound = match (self.optional(node, nth)?, node.float(name)) {
                (Some(bound), _) => bound,
                (None, Some(value)) => self.floats(&[value], vec![])?,
                (None, None) => continue,
            };
            x = self.pair(operation, &x, &bound)?;
        }
        Ok(vec![x])
    }

    pub(crate) fn is_nan(&mut self, node: &'a Node) -> Made {
        let x = self.required(node, 0)?;
        let cast = match x.element {
            Element::Float => Cast::FloatIsNan,
            Element::Double => Cast::DoubleIsNan,
            other => return Err(self.refuse(format!("not of {other}"))),
        };
        Ok(vec![self.converted(&x, cast, Element::Bool)?])
    }

    /// The values along some axes as groups, in the order of the rest.
    fn groups(&self, x: &Operand, axes: &[usize]) -> Groups {
        let rank = x.shape.len();
        let rest: Vec<usize> = (0..rank).filter(|axis| !axes.contains(axis)).collect();
        let sorted: Vec<usize> = (0..rank).filter(|axis| axes.contains(axis)).collect();
        let order: Vec<usize> = rest.iter().chain(&sorted).copied().collect();
        let (places, _) = transposed(&x.shape, &order);
        let size: usize = sorted.iter().filter_map(|axis| x.shape.get(*axis)).product();
        let is_run = places.iter().zip(0..).all(|(place, nth)| *place == nth);
        Groups {
            from: 0,
            count: x.len().checked_div(size).unwrap_or(0),
            size,
            order: (!is_run).then(|| places.into()),
        }
    }

    /// A shape without some axes, or with them of size 1.
    fn reduced(&self, x: &Operand, axes: &[usize], keeps: bool) -> Vec<usize> {
        let sizes = x.shape.iter().enumerate();
        sizes
            .filter_map(|(at, size)| match (axes.contains(&at), keeps) {
                (false, _) => Some(*size),
                (true, true) => Some(1),
                (true, false) => None,
            })
            .collect()
    }

    pub(crate) fn reduce(&mut self, node: &'a Node, reduction: Reduction) -> Made {
        let x = self.required(node, 0)?;
        self.numeric(&x)?;
        let only_floats =
            matches!(reduction, Reduction::Mean | Reduction::L2 | Reduction::LogSum | Reduction::LogSumExp);
        if x.element == Element::Bool || (only_floats && x.arena() == Arena::Int) || x.len() == 0 {
            return Err(self.refuse(format!("not of {}", x.element)));
        }
        let axes = self.axes(node, 1)?.filter(|axes| !axes.is_empty());
        let axes = match axes {
            Some(axes) => {
                axes.iter().map(|axis| self.axis(*axis, x.shape.len())).collect::<Result<_, _>>()?
            }
            None if node.int("noop_with_empty_axes") == Some(1) => return Ok(vec![x]),
            None => (0..x.shape.len()).collect::<Vec<_>>(),
        };
        let shape = self.reduced(&x, &axes, node.int("keepdims").unwrap_or(1) == 1);
        let groups = self.groups(&x, &axes);
        let arena = x.arena();
        self.spend(groups.len())?;
        let [made] = self.emit(&[&x], [(x.element, shape)], |from, [to]| Step::Reduce {
            arena,
            reduction,
            groups: Groups { from: from.first().copied().unwrap_or(0), ..groups },
            to,
        })?;
        Ok(vec![if x.element == Element::Int32 { self.map(&made, Unary::Narrow)? } else { made }])
    }

    pub(crate) fn arg(&mut self, node: &'a Node, is_max: bool) -> Made {
        let x = self.required(node, 0)?;
        self.numeric(&x)?;
        let axis = self.axis(node.int("axis").unwrap_or(0), x.shape.len())?;
        if x.len() == 0 {
            return Err(self.refuse("nothing to choose from"));
        }
        let shape = self.reduced(&x, &[axis], node.int("keepdims").unwrap_or(1) == 1);
        let groups = self.groups(&x, &[axis]);
        let (arena, is_last) = (x.arena(), node.int("select_last_index") == Some(1));
        self.spend(groups.len())?;
        let [made] = self.emit(&[&x], [(Element::Int64, shape)], |from, [to]| Step::Arg {
            arena,
            is_max,
            is_last,
            groups: Groups { from: from.first().copied().unwrap_or(0), ..groups },
            to,
        })?;
        Ok(vec![made])
    }

    pub(crate) fn top(&mut self, node: &'a Node) -> Made {
        let x = self.required(node, 0)?;
        self.numeric(&x)?;
        let count = match (self.optional(node, 1)?, node.int("k")) {
            (Some(operand), _) => self.known_ints(&operand)?.first().copied().unwrap_or(0),
            (None, count) => count.unwrap_or(0),
        };
        let axis = self.axis(node.int("axis").unwrap_or(-1), x.shape.len())?;
        let size = x.shape.get(axis).copied().unwrap_or(0);
        let count = usize::try_from(count).ok().filter(|count| *count <= size && *count > 0);
        let count = count.ok_or_else(|| self.refuse("more of the greatest than there are"))?;
        if axis + 1 != x.shape.len() {
            return Err(self.refuse("along another axis than the last"));
        }
        let mut shape = x.shape.clone();
        if let Some(size) = shape.get_mut(axis) {
            *size = count;
        }
        let groups = self.groups(&x, &[axis]);
        let (arena, is_max) = (x.arena(), node.int("largest").unwrap_or(1) == 1);
        self.spend(groups.len().saturating_mul(count).saturating_mul(count))?;
        let outputs = [(x.element, shape.clone()), (Element::Int64, shape)];
        let made = self.emit(&[&x], outputs, |from, [values, places]| Step::Top {
            arena,
            is_max,
            groups: Groups { from: from.first().copied().unwrap_or(0), ..groups },
            count,
            values,
            places,
        })?;
        Ok(made.into())
    }

    pub(crate) fn softmax(&mut self, node: &'a Node, is_log: bool) -> Made {
        let x = self.required(node, 0)?;
        if x.element != Element::Float || x.len() == 0 {
            return Err(self.refuse(format!("not of {}", x.element)));
        }
        let rank = x.shape.len();
        // Before version 13, all axes from the one named were taken together.
        let is_old = (1..13).contains(&self.file.opset);
        let axis = self.axis(node.int("axis").unwrap_or(if is_old { 1 } else { -1 }), rank)?;
        let axes: Vec<usize> = if is_old { (axis..rank).collect() } else { vec![axis] };
        let groups = self.groups(&x, &axes);
        self.spend(groups.len().saturating_mul(8))?;
        let [made] = self.emit(&[&x], [(x.element, x.shape.clone())], |from, [to]| Step::Softmax {
            is_log,
            groups: Groups { from: from.first().copied().unwrap_or(0), ..groups },
            to,
        })?;
        Ok(vec![made])
    }

    pub(crate) fn matmul(&mut self, node: &'a Node) -> Made {
        let (a, b) = (self.required(node, 0)?, self.required(node, 1)?);
        let (&[rows_of_b, n], Some((k, outer))) = (b.shape.as_slice(), a.shape.split_last()) else {
            return Err(self.refuse("a product of other than a matrix on the right"));
        };
        if *k != rows_of_b {
            return Err(self.refuse(format!("shapes {:?} and {:?} do not go together", a.shape, b.shape)));
        }
        let m = outer.iter().product();
        let mut shape = outer.to_vec();
        shape.push(n);
        Ok(vec![self.product(&a, &b, [m, *k, n], shape)?])
    }

    fn product(
        &mut self,
        a: &Operand,
        b: &Operand,
        [m, k, n]: [usize; 3],
        shape: Vec<usize>,
    ) -> Result<Operand, Refusal> {
        self.spend(m.saturating_mul(k).saturating_mul(n))?;
        let is_double = match (a.element, b.element) {
            (Element::Float, Element::Float) => false,
            (Element::Double, Element::Double) => true,
            _ => return Err(self.refuse(format!("a product of {} and {}", a.element, b.element))),
        };
        let [made] = self.emit(&[a, b], [(a.element, shape)], |from, [to]| {
            let (a, b) = (from.first().copied().unwrap_or(0), from.get(1).copied().unwrap_or(0));
            if is_double {
                Step::ProductDouble { a, b, m, k, n, to }
            } else {
                Step::Product { a, b, m, k, n, to }
            }
        })?;
        Ok(made)
    }

    pub(crate) fn gemm(&mut self, node: &'a Node) -> Made {
        let (mut a, mut b) = (self.required(node, 0)?, self.required(node, 1)?);
        for (operand, name) in [(&mut a, "transA"), (&mut b, "transB")] {
            if operand.shape.len() != 2 {
                return Err(self.refuse("a product of other than matrices"));
            }
            if node.int(name) == Some(1) {
                let (table, shape) = transposed(&operand.shape, &[1, 0]);
                *operand = self.take(&operand.clone(), table, shape)?;
            }
        }
        let (&[m, k], &[rows, n]) = (a.shape.as_slice(), b.shape.as_slice()) else {
            return Err(self.refuse("a product of other than matrices"));
        };
        if k != rows {
            return Err(self.refuse(format!("shapes {:?} and {:?} do not go together", a.shape, b.shape)));
        }
        let mut made = self.product(&a, &b, [m, k, n], vec![m, n])?;
        made = self.scaled(made, node.float("alpha"))?;
        if let Some(c) = self.optional(node, 2)? {
            let c = self.scaled(c, node.float("beta"))?;
            made = self.pair(Binary::Add, &made, &c)?;
        }
        Ok(vec![made])
    }

    fn scaled(&mut self, x: Operand, factor: Option<f32>) -> Result<Operand, Refusal> {
        match factor {
            None | Some(1.0) => Ok(x),
            Some(factor) => {
                let factor = self.floats(&[factor], vec![])?;
                let factor = self.cast(&factor, x.element)?;
                self.pair(Binary::Mul, &x, &factor)
            }
        }
    }
}
