//! Operators that move values and compute nothing.

use super::lower::{Lowering, Operand};
use super::node::Made;
use super::step::Step;
use crate::file::Node;
use crate::file::within;
use crate::refusal::Refusal;
use crate::tensor::{Data, Element, Tensor};

impl<'a> Lowering<'a> {
    /// An axis as a place in a shape.
    pub(crate) fn axis(&self, axis: i64, rank: usize) -> Result<usize, Refusal> {
        let at = if axis < 0 { axis + rank as i64 } else { axis };
        usize::try_from(at)
            .ok()
            .filter(|at| *at < rank.max(1))
            .ok_or_else(|| self.refuse(format!("an axis {axis} of {rank} dimensions")))
    }

    /// Axes from an attribute, or an input since version `since`; nothing where neither is there.
    pub(crate) fn axes(&mut self, node: &'a Node, nth: usize) -> Result<Option<Vec<i64>>, Refusal> {
        let listed = node.ints("axes");
        if !listed.is_empty() {
            return Ok(Some(listed.to_vec()));
        }
        match self.optional(node, nth)? {
            Some(operand) => Ok(Some(self.known_ints(&operand)?)),
            None => Ok(None),
        }
    }

    /// Values in another order; in the same place where they stand together.
    pub(crate) fn take(
        &mut self,
        from: &Operand,
        table: Vec<u32>,
        shape: Vec<usize>,
    ) -> Result<Operand, Refusal> {
        let first = table.first().copied().unwrap_or(0);
        let is_run = table.iter().zip(first..).all(|(place, next)| *place == next);
        if is_run && first as usize + table.len() <= from.len() {
            let whole = table.len() == from.len();
            // A part of a table of leaves would need a place of its own.
            if whole || !matches!(from.state, super::lower::State::Tree(_)) {
                let at = from.at + first as usize;
                return Ok(Operand { at, shape, keys: None, ..from.clone() });
            }
        }
        if table.iter().any(|place| *place as usize >= from.len()) {
            return Err(self.refuse("places past the end of a tensor"));
        }
        let (arena, is_open) = (from.arena(), from.is_open);
        let [mut made] = self.emit(&[from], [(from.element, shape)], |places, [to]| Step::Take {
            arena,
            from: places.first().copied().unwrap_or(0),
            table: table.into(),
            to,
        })?;
        made.is_open = is_open;
        Ok(made)
    }

    /// The places of the values of a part of a shape, by ranges of each dimension.
    fn places(&self, shape: &[usize], parts: &[Vec<usize>]) -> Result<Vec<u32>, Refusal> {
        let count = parts.iter().try_fold(1_usize, |product, part| product.checked_mul(part.len()));
        within("values for one row", count.unwrap_or(usize::MAX), self.limits.memory)?;
        let mut places = vec![0_u32];
        for (size, part) in shape.iter().zip(parts) {
            places = places
                .iter()
                .flat_map(|place| part.iter().map(move |at| place * *size as u32 + *at as u32))
                .collect();
        }
        Ok(places)
    }

    pub(crate) fn constant_node(&mut self, node: &'a Node) -> Made {
        let tensor = if let Some(tensor) = node.tensor("value") {
            tensor.clone()
        } else if let Some(value) = node.float("value_float") {
            Tensor { element: Element::Float, shape: vec![], data: Data::Float(vec![value]) }
        } else if let Some(value) = node.int("value_int") {
            Tensor { element: Element::Int64, shape: vec![], data: Data::Int(vec![value]) }
        } else if node.attribute("value_floats").is_some() {
            let values = node.floats("value_floats").to_vec();
            Tensor { element: Element::Float, shape: vec![values.len()], data: Data::Float(values) }
        } else if node.attribute("value_ints").is_some() {
            let values = node.ints("value_ints").to_vec();
            Tensor { element: Element::Int64, shape: vec![values.len()], data: Data::Int(values) }
        } else {
            return Err(self.refuse("a constant of a kind that is not known"));
        };
        Ok(vec![self.constant(&tensor)?])
    }

    pub(crate) fn reshape(&mut self, node: &'a Node) -> Made {
        let x = self.required(node, 0)?;
        let asked = match node.attribute("shape") {
            Some(_) => node.ints("shape").to_vec(),
            None => {
                let shape = self.required(node, 1)?;
                self.known_ints(&shape)?
            }
        };
        let keeps_zero = node.int("allowzero") == Some(1);
        let mut shape = Vec::with_capacity(asked.len());
        let mut open = None;
        for (at, size) in asked.iter().enumerate() {
            shape.push(match size {
                -1 if open.is_none() => {
                    open = Some(at);
                    1
                }
                0 if !keeps_zero => {
                    *x.shape.get(at).ok_or_else(|| self.refuse("a shape with a size that is not there"))?
                }
                size => usize::try_from(*size).map_err(|_| self.refuse(format!("a size of {size}")))?,
            });
        }
        within("dimensions", shape.len(), self.limits.rank)?;
        let product = shape.iter().try_fold(1_usize, |product, size| product.checked_mul(*size)).unwrap_or(0);
        if let Some(place) = open.and_then(|at| shape.get_mut(at))
            && product > 0
        {
            *place = x.len() / product;
        }
        if shape.iter().try_fold(1_usize, |product, size| product.checked_mul(*size)) != Some(x.len()) {
            return Err(self.refuse(format!("{:?} cannot be seen as {asked:?} for one row", x.shape)));
        }
        Ok(vec![x.shaped(shape)])
    }

    pub(crate) fn flatten(&mut self, node: &'a Node) -> Made {
        let x = self.required(node, 0)?;
        let axis = node.int("axis").unwrap_or(1);
        let axis = if axis == x.shape.len() as i64 { x.shape.len() } else { self.axis(axis, x.shape.len())? };
        let (outer, inner) = x.shape.split_at(axis.min(x.shape.len()));
        let shape = vec![outer.iter().product(), inner.iter().product()];
        Ok(vec![x.shaped(shape)])
    }

    pub(crate) fn squeeze(&mut self, node: &'a Node) -> Made {
        let x = self.required(node, 0)?;
        let axes = match self.axes(node, 1)? {
            Some(axes) => {
                axes.iter().map(|axis| self.axis(*axis, x.shape.len())).collect::<Result<Vec<_>, _>>()?
            }
            None => (0..x.shape.len()).filter(|at| x.shape.get(*at) == Some(&1)).collect(),
        };
        if axes.iter().any(|axis| x.shape.get(*axis) != Some(&1)) {
            return Err(self.refuse("an axis that is not of size 1"));
        }
        let shape =
            x.shape.iter().enumerate().filter(|(at, _)| !axes.contains(at)).map(|(_, size)| *size).collect();
        Ok(vec![x.shaped(shape)])
    }

    pub(crate) fn unsqueeze(&mut self, node: &'a Node) -> Made {
        let x = self.required(node, 0)?;
        let axes = self.axes(node, 1)?.unwrap_or_default();
        let rank = x.shape.len() + axes.len();
        within("dimensions", rank, self.limits.rank)?;
        let axes = axes.iter().map(|axis| self.axis(*axis, rank)).collect::<Result<Vec<_>, _>>()?;
        let mut sizes = x.shape.iter();
        let mut shape = Vec::with_capacity(rank);
        for at in 0..rank {
            shape.push(if axes.contains(&at) { 1 } else { sizes.next().copied().unwrap_or(1) });
        }
        if shape.iter().product::<usize>() != x.len() {
            return Err(self.refuse("an axis that is named twice"));
        }
        Ok(vec![x.shaped(shape)])
    }

    pub(crate) fn shape(&mut self, node: &'a Node) -> Made {
        let x = self.required(node, 0)?;
        let rank = x.shape.len() as i64;
        let bound = |value: i64| (if value < 0 { value + rank } else { value }).clamp(0, rank) as usize;
        let (from, to) = (bound(node.int("start").unwrap_or(0)), bound(node.int("end").unwrap_or(rank)));
        let sizes: Vec<i64> = x.shape.get(from..to).unwrap_or(&[]).iter().map(|size| *size as i64).collect();
        Ok(vec![self.ints(&sizes, vec![sizes.len()])?])
    }

    /// A shape from a constant input.
    fn known_shape(&mut self, node: &'a Node, nth: usize) -> Result<Vec<usize>, Refusal> {
        let operand = self.required(node, nth)?;
        let mut shape = Vec::new();
        for size in self.known_ints(&operand)? {
            shape.push(usize::try_from(size).map_err(|_| self.refuse(format!("a size of {size}")))?);
        }
        within("dimensions", shape.len(), self.limits.rank)?;
        let count = shape.iter().try_fold(1_usize, |product, size| product.checked_mul(*size));
        within("values for one row", count.unwrap_or(usize::MAX), self.limits.memory)?;
        Ok(shape)
    }

    pub(crate) fn constant_of_shape(&mut self, node: &'a Node) -> Made {
        let shape = self.known_shape(node, 0)?;
        let count = shape.iter().product();
        let (element, data) = match node.tensor("value").map(|tensor| (tensor.element, &tensor.data)) {
            None => (Element::Float, Data::Float(vec![0.0; count])),
            Some((element, Data::Float(values))) => {
                (element, Data::Float(vec![values.first().copied().unwrap_or(0.0); count]))
            }
            Some((element, Data::Double(values))) => {
                (element, Data::Double(vec![values.first().copied().unwrap_or(0.0); count]))
            }
            Some((element, Data::Int(values))) => {
                (element, Data::Int(vec![values.first().copied().unwrap_or(0); count]))
            }
            Some((element, _)) => return Err(self.refuse(format!("a constant of {element}"))),
        };
        Ok(vec![self.constant(&Tensor { element, shape, data })?])
    }

    /// The shape that two shapes have in common, each repeated where it is 1.
    pub(crate) fn common(&self, a: &[usize], b: &[usize]) -> Result<Vec<usize>, Refusal> {
        let rank = a.len().max(b.len());
        let size = |shape: &[usize], at: usize| {
            (at + shape.len()).checked_sub(rank).and_then(|at| shape.get(at)).copied().unwrap_or(1)
        };
        let mut shape = Vec::with_capacity(rank);
        for at in 0..rank {
            shape.push(match (size(a, at), size(b, at)) {
                (x, y) if x == y => x,
                (1, y) => y,
                (x, 1) => x,
                _ => return Err(self.refuse(format!("shapes {a:?} and {b:?} do not go together"))),
            });
        }
        let count = shape.iter().try_fold(1_usize, |product, size| product.checked_mul(*size));
        within("values for one row", count.unwrap_or(usize::MAX), self.limits.memory)?;
        Ok(shape)
    }

    /// For each place of `out`, that of a smaller shape repeated over it.
    pub(crate) fn spread(&self, shape: &[usize], out: &[usize]) -> Result<Vec<u32>, Refusal> {
        let mut places = vec![0_u32];
        for (at, size) in out.iter().enumerate() {
            let own =
                (at + shape.len()).checked_sub(out.len()).and_then(|at| shape.get(at)).copied().unwrap_or(1);
            within("values for one row", places.len().saturating_mul(*size), self.limits.memory)?;
            places = places
                .iter()
                .flat_map(|place| {
                    (0..*size as u32).map(move |at| place * own as u32 + if own == 1 { 0 } else { at })
                })
                .collect();
        }
        Ok(places)
    }

    pub(crate) fn expand(&mut self, node: &'a Node) -> Made {
        let x = self.required(node, 0)?;
        let asked = self.known_shape(node, 1)?;
        let shape = self.common(&x.shape, &asked)?;
        let table = self.spread(&x.shape, &shape)?;
        Ok(vec![self.take(&x, table, shape)?])
    }

    pub(crate) fn tile(&mut self, node: &'a Node) -> Made {
        let x = self.required(node, 0)?;
        let repeats = self.known_shape(node, 1)?;
        if repeats.len() != x.shape.len() {
            return Err(self.refuse("as many repeats as dimensions are needed"));
        }
        let parts: Vec<Vec<usize>> = x
            .shape
            .iter()
            .zip(&repeats)
            .map(|(size, times)| (0..*times).flat_map(|_| 0..*size).collect())
            .collect();
        let table = self.places(&x.shape, &parts)?;
        let shape = parts.iter().map(Vec::len).collect();
        Ok(vec![self.take(&x, table, shape)?])
    }

    pub(crate) fn concat(&mut self, node: &'a Node) -> Made {
        let mut parts = Vec::with_capacity(node.inputs.len());
        for nth in 0..node.inputs.len() {
            parts.push(self.required(node, nth)?);
        }
        let rank = parts.first().map_or(0, |part| part.shape.len());
        let axis = self.axis(node.int("axis").unwrap_or(1), rank)?;
        Ok(vec![self.join(&parts, axis)?])
    }

    /// Tensors of one rank, one after the other along an axis.
    pub(crate) fn join(&mut self, parts: &[Operand], axis: usize) -> Result<Operand, Refusal> {
        let Some(first) = parts.first() else { return Err(self.refuse("nothing to join")) };
        let mut shape = first.shape.clone();
        let total: usize = parts.iter().filter_map(|part| part.shape.get(axis)).sum();
        if let Some(size) = shape.get_mut(axis) {
            *size = total;
        }
        for part in parts {
            let fits = part.shape.len() == shape.len()
                && part.element == first.element
                && part
                    .shape
                    .iter()
                    .zip(&shape)
                    .enumerate()
                    .all(|(at, (own, size))| at == axis || own == size);
            if !fits {
                return Err(self.refuse("tensors that do not go together"));
            }
        }
        if let [only] = parts {
            return Ok(only.clone());
        }
        let outer: usize = shape.iter().take(axis).product();
        let inner: usize = shape.iter().skip(axis + 1).product();
        // All parts are laid side by side first, then put in order if rows are more than one.
        let inputs: Vec<&Operand> = parts.iter().collect();
        let is_open = parts.iter().any(|part| part.is_open);
        let side = self.side_by_side(&inputs, first.element)?;
        if outer == 1 {
            return Ok(Operand { shape, is_open, ..side });
        }
        let mut table = Vec::with_capacity(side.len());
        for block in 0..outer {
            let mut from = 0;
            for part in parts {
                let own = part.shape.get(axis).copied().unwrap_or(1) * inner;
                table.extend((from + block * own..from + (block + 1) * own).map(|place| place as u32));
                from += part.len();
            }
        }
        let mut made = self.take(&side, table, shape)?;
        made.is_open = is_open;
        Ok(made)
    }

    /// All values of some operands, one operand after the other.
    pub(crate) fn side_by_side(&mut self, parts: &[&Operand], element: Element) -> Result<Operand, Refusal> {
        let total: usize = parts.iter().map(|part| part.len()).sum();
        let arena = super::memory::Arena::of(element);
        let mut sources = Vec::with_capacity(parts.len());
        for part in parts {
            sources.push((self.live(part)?, part.len()));
        }
        // Parts that already stand together need no copy.
        let is_run = sources.array_windows().all(|[a, b]| a.0 + a.1 == b.0);
        let state = if parts.iter().all(|part| part.is_known()) {
            super::lower::State::Known
        } else {
            super::lower::State::Live
        };
        if let (true, Some((at, _))) = (is_run, sources.first()) {
            return Ok(Operand { element, shape: vec![total], at: *at, state, is_open: false, keys: None });
        }
        let room = self.reserve(element, vec![total])?;
        let mut to = room.at;
        for (part, (from, count)) in parts.iter().zip(&sources) {
            self.copy(part.is_known(), Step::Copy { arena, from: *from, count: *count, to })?;
            to += count;
        }
        Ok(Operand { state, ..room })
    }

    pub(crate) fn split(&mut self, node: &'a Node) -> Made {
        let x = self.required(node, 0)?;
        let axis = self.axis(node.int("axis").unwrap_or(0), x.shape.len())?;
        let size = x.shape.get(axis).copied().unwrap_or(1);
        let listed = node.ints("split").to_vec();
        let sizes = match self.optional(node, 1)? {
            Some(operand) => self.known_ints(&operand)?,
            None if !listed.is_empty() => listed,
            None => {
                let count = node.outputs.len().max(1);
                let each = size.div_ceil(count);
                (0..count).map(|nth| size.saturating_sub(nth * each).min(each) as i64).collect()
            }
        };
        let mut from = 0;
        let mut made = Vec::with_capacity(sizes.len());
        for own in sizes {
            let own = usize::try_from(own).ok().filter(|own| from + own <= size);
            let own = own.ok_or_else(|| self.refuse("parts that are more than the whole"))?;
            made.push(self.part(&x, axis, (from..from + own).collect())?);
            from += own;
        }
        Ok(made)
    }

    /// Some slices of an axis.
    fn part(&mut self, x: &Operand, axis: usize, slices: Vec<usize>) -> Result<Operand, Refusal> {
        let mut parts: Vec<Vec<usize>> = x.shape.iter().map(|size| (0..*size).collect()).collect();
        if let Some(part) = parts.get_mut(axis) {
            *part = slices;
        }
        let table = self.places(&x.shape, &parts)?;
        self.take(x, table, parts.iter().map(Vec::len).collect())
    }

    pub(crate) fn slice(&mut self, node: &'a Node) -> Made {
        let x = self.required(node, 0)?;
        let (starts, ends, axes, steps) = if node.attribute("starts").is_some() {
            let axes = node.ints("axes");
            (
                node.ints("starts").to_vec(),
                node.ints("ends").to_vec(),
                (!axes.is_empty()).then(|| axes.to_vec()),
                None,
            )
        } else {
            let mut list = |nth| -> Result<Option<Vec<i64>>, Refusal> {
                match self.optional(node, nth)? {
                    Some(operand) => Ok(Some(self.known_ints(&operand)?)),
                    None => Ok(None),
                }
            };
            (list(1)?.unwrap_or_default(), list(2)?.unwrap_or_default(), list(3)?, list(4)?)
        };
        let axes = axes.unwrap_or_else(|| (0..starts.len() as i64).collect());
        let mut parts: Vec<Vec<usize>> = x.shape.iter().map(|size| (0..*size).collect()).collect();
        for (nth, ((start, end), axis)) in starts.iter().zip(&ends).zip(&axes).enumerate() {
            let axis = self.axis(*axis, x.shape.len())?;
            let step = steps.as_ref().and_then(|steps| steps.get(nth)).copied().unwrap_or(1);
            let size = x.shape.get(axis).copied().unwrap_or(1) as i64;
            let bound = |value: i64| if value < 0 { value.saturating_add(size) } else { value };
            let slices: Vec<usize> = if step > 0 {
                let (start, end) = (bound(*start).clamp(0, size), bound(*end).clamp(0, size));
                (start..end).step_by(step as usize).map(|at| at as usize).collect()
            } else if step < 0 && step > i64::MIN {
                let (start, end) = (bound(*start).clamp(-1, size - 1), bound(*end).clamp(-1, size - 1));
                (end + 1..=start).rev().step_by(step.unsigned_abs() as usize).map(|at| at as usize).collect()
            } else {
                return Err(self.refuse("a step of 0"));
            };
            if let Some(part) = parts.get_mut(axis) {
                *part = slices;
            }
        }
        let table = self.places(&x.shape, &parts)?;
        Ok(vec![self.take(&x, table, parts.iter().map(Vec::len).collect())?])
    }

    pub(crate) fn transpose(&mut self, node: &'a Node) -> Made {
        let x = self.required(node, 0)?;
        let rank = x.shape.len();
        let order: Vec<usize> = match node.ints("perm") {
            [] => (0..rank).rev().collect(),
            listed => listed.iter().map(|axis| self.axis(*axis, rank)).collect::<Result<_, _>>()?,
        };
        let mut seen = order.clone();
        seen.sort_unstable();
        if seen.iter().copied().ne(0..rank) {
            return Err(self.refuse("an order of axes that is none"));
        }
        let (table, shape) = transposed(&x.shape, &order);
        Ok(vec![self.take(&x, table, shape)?])
    }

    pub(crate) fn gather(&mut self, node: &'a Node) -> Made {
        let (x, index) = (self.required(node, 0)?, self.required(node, 1)?);
        let axis = self.axis(node.int("axis").unwrap_or(0), x.shape.len())?;
        Ok(vec![self.pick(&x, &index, axis)?])
    }

    /// Slices of an axis, chosen by constant or computed places.
    pub(crate) fn pick(&mut self, x: &Operand, index: &Operand, axis: usize) -> Result<Operand, Refusal> {
        if !matches!(index.element, Element::Int64 | Element::Int32) {
            return Err(self.refuse(format!("places of {}", index.element)));
        }
        let size = x.shape.get(axis).copied().unwrap_or(1);
        let outer: usize = x.shape.iter().take(axis).product();
        let inner: usize = x.shape.iter().skip(axis + 1).product();
        let mut shape: Vec<usize> = x.shape.iter().take(axis).copied().collect();
        shape.extend(&index.shape);
        shape.extend(x.shape.iter().skip(axis + 1));
        if index.is_known() {
            let mut slices = Vec::new();
            for at in self.known_ints(index)? {
                slices.push(self.axis(at, size)?);
            }
            let table =
                self.places(&[outer, size, inner], &[(0..outer).collect(), slices, (0..inner).collect()])?;
            return self.take(x, table, shape);
        }
        let (arena, count) = (x.arena(), index.len());
        let (element, is_open) = (x.element, x.is_open);
        let [mut made] = self.emit(&[x, index], [(element, shape)], |from, [to]| Step::Gather {
            arena,
            data: from.first().copied().unwrap_or(0),
            dims: [outer, size, inner],
            index: from.get(1).copied().unwrap_or(0),
            count,
            to,
        })?;
        made.is_open = is_open;
        Ok(made)
    }

    pub(crate) fn choose(&mut self, node: &'a Node) -> Made {
        let (test, a, b) = (self.required(node, 0)?, self.required(node, 1)?, self.required(node, 2)?);
        if test.element != Element::Bool || a.element != b.element {
            return Err(self.refuse("values of two types, or a test that is no truth"));
        }
        let shape = self.common(&self.common(&test.shape, &a.shape)?, &b.shape)?;
        let [tests, left, right] = [&test, &a, &b].map(|operand| self.spread(&operand.shape, &shape));
        let places = tests?.into_iter().zip(left?).zip(right?).map(|((test, a), b)| [test, a, b]).collect();
        let arena = a.arena();
        let [mut made] = self.emit(&[&test, &a, &b], [(a.element, shape)], |from, [to]| Step::Where {
            arena,
            test: from.first().copied().unwrap_or(0),
            a: from.get(1).copied().unwrap_or(0),
            b: from.get(2).copied().unwrap_or(0),
            places,
            to,
        })?;
        made.is_open = a.is_open || b.is_open;
        Ok(vec![made])
    }
}

/// The places of a transposed tensor's values, and its shape.
pub(crate) fn transposed(shape: &[usize], order: &[usize]) -> (Vec<u32>, Vec<usize>) {
    let stride = |axis: usize| shape.iter().skip(axis + 1).product::<usize>();
    let made: Vec<usize> = order.iter().map(|axis| shape.get(*axis).copied().unwrap_or(1)).collect();
    let mut places = vec![0_u32];
    for (axis, size) in order.iter().zip(&made) {
        let stride = stride(*axis) as u32;
        places =
            places.iter().flat_map(|place| (0..*size as u32).map(move |at| place + at * stride)).collect();
    }
    (places, made)
}
