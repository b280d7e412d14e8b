//! From a graph to a program: values get places, shapes are computed for one row, what is constant is computed now.
//!
//! There is one way to add a step, [`Lowering::emit`]. Where all that it reads is constant, the step is run at once and forgotten. Where all that it reads depends
//! on the leaf that one tree ends at and on nothing else, it is run for each leaf, and its result stays a table of leaves: so the thirty nodes that skl2onnx
//! writes after each tree of an isolation forest become other weights of its leaves, and the sum over a hundred such tables one packed ensemble.

use std::rc::Rc;

use hashbrown::HashMap;

use super::memory::{Arena, Memory};
use super::run;
use super::step::Step;
use super::{Program, Slot};
use crate::call::Texts;
use crate::file::{File, Graph, Node, within};
use crate::limits::Limits;
use crate::refusal::Refusal;
use crate::signature::{Dimension, Keys, Kind, Port, Signature};
use crate::tensor::{Data, Element, Tensor};
use crate::trees::packed::Packed;
use crate::trees::plain::Plain;
use crate::trees::score::{Aggregate, Ensemble, Post, Trees};

/// A value of the graph.
#[derive(Clone, Debug)]
pub(crate) struct Operand {
    pub(crate) element: Element,
    /// For one row.
    pub(crate) shape: Vec<usize>,
    pub(crate) at: usize,
    pub(crate) state: State,
    /// Whether a text may be one that the model does not know.
    pub(crate) is_open: bool,
    /// What `ZipMap` says that the values belong to.
    pub(crate) keys: Option<Keys>,
}

/// When a value is known.
#[derive(Clone, Debug)]
pub(crate) enum State {
    /// Now.
    Known,
    /// With the row.
    Live,
    /// With the row; the sum, in order, of what single trees say.
    Tree(Rc<[Term]>),
}

/// A value for each leaf of a tree, as bits of its element.
#[derive(Clone, Debug)]
pub(crate) struct Term {
    source: usize,
    cells: Rc<[u64]>,
}

/// A tree whose leaf decides.
pub(crate) struct Source {
    pub(crate) plain: Plain<f32>,
    /// The input that it is walked with.
    pub(crate) input: Operand,
}

pub(crate) struct Lowering<'a> {
    pub(crate) file: &'a File,
    pub(crate) limits: &'a Limits,
    pub(crate) symbols: Texts,
    pub(crate) sources: Vec<Source>,
    memory: Memory,
    steps: Vec<(Step, String)>,
    values: HashMap<&'a str, Operand>,
    constants: HashMap<&'a str, &'a Tensor>,
    /// Sums of trees that have become steps: from the place of the table to that of the sum.
    summed: HashMap<usize, usize>,
    tabulated: usize,
    trees: usize,
    tree_nodes: usize,
    work: usize,
    label: String,
    /// Whether the node at work is an encoder of the first version.
    pub(crate) is_old_map: bool,
}

impl Operand {
    pub(crate) fn len(&self) -> usize {
        self.shape.iter().product()
    }

    pub(crate) fn arena(&self) -> Arena {
        Arena::of(self.element)
    }

    pub(crate) fn is_known(&self) -> bool {
        matches!(self.state, State::Known)
    }

    /// The same values in another shape.
    pub(crate) fn shaped(&self, shape: Vec<usize>) -> Self {
        Self { shape, ..self.clone() }
    }
}

/// Lowers a file's graph.
pub(crate) fn lower(file: &File, limits: &Limits) -> Result<Program, Refusal> {
    let graph = &file.graph;
    let mut lowering = Lowering {
        file,
        limits,
        symbols: Texts::default(),
        sources: Vec::new(),
        memory: Memory::default(),
        steps: Vec::new(),
        values: HashMap::new(),
        constants: graph.constants.iter().map(|(name, tensor)| (name.as_str(), tensor)).collect(),
        summed: HashMap::new(),
        tabulated: 0,
        trees: 0,
        tree_nodes: 0,
        work: 0,
        label: String::new(),
        is_old_map: false,
    };
    let inputs = graph.inputs.iter().map(|port| lowering.input(port)).collect::<Result<Vec<_>, _>>()?;
    for at in sorted(graph)? {
        let Some(node) = graph.nodes.get(at) else { continue };
        lowering.label = node.label();
        lowering.is_old_map =
            node.operator == "CategoryMapper" || node.attribute("classes_strings").is_some();
        let outputs = lowering.node(node)?;
        for (name, operand) in node.outputs.iter().zip(outputs) {
            lowering.values.insert(name, operand);
        }
    }
    lowering.finish(graph, inputs)
}

/// Nodes in an order in which each stands after those that it reads. Most files are in order.
fn sorted(graph: &Graph) -> Result<Vec<usize>, Refusal> {
    let mut made: HashMap<&str, usize> = HashMap::new();
    for (at, node) in graph.nodes.iter().enumerate() {
        for output in node.outputs.iter().filter(|output| !output.is_empty()) {
            if made.insert(output, at).is_some() {
                return Err(Refusal::malformed(format!("`{output}` is computed twice")));
            }
        }
    }
    let mut order = Vec::with_capacity(graph.nodes.len());
    // 0: not begun, 1: waiting for what it reads, 2: placed.
    let mut state = vec![0_u8; graph.nodes.len()];
    for first in 0..graph.nodes.len() {
        let mut stack = vec![first];
        while let Some(at) = stack.last().copied() {
            let (Some(node), Some(mark)) = (graph.nodes.get(at), state.get_mut(at)) else { break };
            if *mark == 2 {
                stack.pop();
                continue;
            }
            let is_back = *mark == 1;
            *mark = 1;
            let mut waits = false;
            for maker in node.inputs.iter().filter_map(|input| made.get(input.as_str())) {
                match state.get(*maker) {
                    Some(2) => {}
                    Some(1) => {
                        return Err(Refusal::malformed(format!("{} depends on itself", node.label())));
                    }
                    _ if is_back => {
                        return Err(Refusal::malformed(format!("{} depends on itself", node.label())));
                    }
                    _ => {
                        stack.push(*maker);
                        waits = true;
                    }
                }
            }
            if !waits {
                if let Some(mark) = state.get_mut(at) {
                    *mark = 2;
                }
                order.push(at);
                stack.pop();
            }
        }
    }
    Ok(order)
}

impl<'a> Lowering<'a> {
    /// A refusal that names the node at work.
    pub(crate) fn refuse(&self, why: impl std::fmt::Display) -> Refusal {
        Refusal::unsupported(format!("{}: {why}", self.label))
    }

    fn input(&mut self, port: &'a Port) -> Result<Operand, Refusal> {
        let name = &port.name;
        let Kind::Tensor { element, shape: Some(shape) } = &port.kind else {
            return Err(Refusal::unsupported(format!("the input `{name}` is no tensor of a declared shape")));
        };
        if let Element::Other(_) = element {
            return Err(Refusal::unsupported(format!("the input `{name}` is of {element}")));
        }
        if shape.len() > 1 && !port.has_rows() {
            return Err(Refusal::unsupported(format!(
                "the input `{name}` takes a fixed number of rows; export it with an open first dimension"
            )));
        }
        let mut fixed = Vec::with_capacity(shape.len());
        for (at, dimension) in shape.iter().enumerate() {
            match dimension {
                _ if at == 0 && port.has_rows() => fixed.push(1),
                Dimension::Fixed(size) => fixed.push(*size),
                Dimension::Free(_) => {
                    return Err(Refusal::unsupported(format!(
                        "the input `{name}` leaves dimension {} open; export it with the number of features",
                        at + 1
                    )));
                }
            }
        }
        let mut operand = self.reserve(*element, fixed)?;
        operand.is_open = *element == Element::String;
        if self.values.insert(name, operand.clone()).is_some() {
            return Err(Refusal::malformed(format!("two inputs are called `{name}`")));
        }
        Ok(operand)
    }

    /// Room for a value.
    pub(crate) fn reserve(&mut self, element: Element, shape: Vec<usize>) -> Result<Operand, Refusal> {
        let count = shape.iter().try_fold(1_usize, |product, size| product.checked_mul(*size));
        let count = count.unwrap_or(usize::MAX);
        within("values for one row", self.memory.len().saturating_add(count), self.limits.memory)?;
        let at = self.memory.reserve(Arena::of(element), count);
        Ok(Operand { element, shape, at, state: State::Live, is_open: false, keys: None })
    }

    /// A constant.
    pub(crate) fn constant(&mut self, tensor: &Tensor) -> Result<Operand, Refusal> {
        let mut operand = self.reserve(tensor.element, tensor.shape.clone())?;
        let range = operand.at..operand.at + operand.len();
        let memory = &mut self.memory;
        match &tensor.data {
            Data::Float(values) => fill(memory.floats.get_mut(range), values),
            Data::Double(values) => fill(memory.doubles.get_mut(range), values),
            Data::Int(values) => fill(memory.ints.get_mut(range), values),
            Data::Text(values) => {
                let values: Vec<i64> = values.iter().map(|name| self.symbols.intern(name)).collect();
                fill(memory.ints.get_mut(range), &values);
            }
            Data::Unread => return Err(self.refuse(format!("a constant of {}", tensor.element))),
        }
        operand.state = State::Known;
        Ok(operand)
    }

    /// A constant of numbers.
    pub(crate) fn floats(&mut self, values: &[f32], shape: Vec<usize>) -> Result<Operand, Refusal> {
        self.constant(&Tensor { element: Element::Float, shape, data: Data::Float(values.to_vec()) })
    }

    /// A constant of integers.
    pub(crate) fn ints(&mut self, values: &[i64], shape: Vec<usize>) -> Result<Operand, Refusal> {
        self.constant(&Tensor { element: Element::Int64, shape, data: Data::Int(values.to_vec()) })
    }

    /// The `nth` input of a node; nothing where it is left out.
    pub(crate) fn optional(&mut self, node: &'a Node, nth: usize) -> Result<Option<Operand>, Refusal> {
        let Some(name) = node.inputs.get(nth).filter(|name| !name.is_empty()) else { return Ok(None) };
        if let Some(operand) = self.values.get(name.as_str()) {
            return Ok(Some(operand.clone()));
        }
        let Some(tensor) = self.constants.get(name.as_str()).copied() else {
            return Err(Refusal::malformed(format!("{} reads `{name}`, which nothing computes", self.label)));
        };
        let operand = self.constant(tensor)?;
        self.values.insert(name, operand.clone());
        Ok(Some(operand))
    }

    /// The `nth` input of a node.
    pub(crate) fn required(&mut self, node: &'a Node, nth: usize) -> Result<Operand, Refusal> {
        self.optional(node, nth)?
            .ok_or_else(|| Refusal::malformed(format!("{} has no input {}", self.label, nth + 1)))
    }

    /// The integers of a constant input.
    pub(crate) fn known_ints(&self, operand: &Operand) -> Result<Vec<i64>, Refusal> {
        let range = operand.at..operand.at + operand.len();
        match (operand.is_known(), operand.arena()) {
            (true, Arena::Int) => Ok(self.memory.ints.get(range).unwrap_or(&[]).to_vec()),
            _ => Err(self.refuse("a shape or list of places that is not constant")),
        }
    }

    /// Counts elementary operations of a row.
    pub(crate) fn spend(&mut self, work: usize) -> Result<(), Refusal> {
        self.work = self.work.saturating_add(work);
        within("operations for one row", self.work, self.limits.work)
    }

    /// Counts trees and their nodes.
    pub(crate) fn plant(&mut self, trees: usize, nodes: usize) -> Result<(), Refusal> {
        self.trees += trees;
        self.tree_nodes += nodes;
        within("trees", self.trees, self.limits.trees)?;
        within("nodes of trees", self.tree_nodes, self.limits.tree_nodes)
    }

    /// Adds the step that `make` gives for the places of its inputs and outputs, and answers the outputs.
    pub(crate) fn emit<const N: usize>(
        &mut self,
        inputs: &[&Operand],
        outputs: [(Element, Vec<usize>); N],
        make: impl FnOnce(&[usize], [usize; N]) -> Step,
    ) -> Result<[Operand; N], Refusal> {
        let is_known = inputs.iter().all(|input| input.is_known());
        let is_single = outputs.iter().all(|(_, shape)| shape.iter().all(|size| *size == 1));
        let one_tree = if is_single { self.one_tree(inputs) } else { None };
        let mut places = Vec::with_capacity(inputs.len());
        for input in inputs {
            // A table's own place serves while it is worked on leaf by leaf.
            places.push(if one_tree.is_some() { input.at } else { self.live(input)? });
        }
        let mut refusal = None;
        let mut made = outputs.map(|(element, shape)| {
            self.reserve(element, shape).unwrap_or_else(|refused| {
                refusal = Some(refused);
                Operand { element, shape: vec![0], at: 0, state: State::Known, is_open: false, keys: None }
            })
        });
        if let Some(refusal) = refusal {
            return Err(refusal);
        }
        let step = make(&places, std::array::from_fn(|nth| made.get(nth).map_or(0, |operand| operand.at)));
        if is_known {
            self.spend(made.iter().map(Operand::len).sum())?;
            run::run(&step, &mut self.memory)
                .map_err(|_| self.refuse("a constant that it has no answer to"))?;
            made.iter_mut().for_each(|operand| operand.state = State::Known);
            return Ok(made);
        }
        if let Some(source) = one_tree {
            self.tabulate(source, inputs, &step, &mut made)?;
            return Ok(made);
        }
        self.spend(made.iter().map(Operand::len).sum())?;
        self.steps.push((step, self.label.clone()));
        Ok(made)
    }

    /// Copies into room made before: now, or as a step.
    pub(crate) fn copy(&mut self, is_known: bool, step: Step) -> Result<(), Refusal> {
        if is_known {
            return run::run(&step, &mut self.memory)
                .map_err(|_| self.refuse("a constant that it has no answer to"));
        }
        if let Step::Copy { count, .. } = &step {
            self.spend(*count)?;
        }
        self.steps.push((step, self.label.clone()));
        Ok(())
    }

    /// The tree that all inputs depend on, where there is just one.
    fn one_tree(&self, inputs: &[&Operand]) -> Option<usize> {
        let mut source = None;
        for input in inputs {
            match &input.state {
                State::Known => {}
                State::Live => return None,
                State::Tree(terms) => match (&**terms, source) {
                    ([term], None) => source = Some(term.source),
                    ([term], Some(known)) if known == term.source => {}
                    _ => return None,
                },
            }
        }
        source
    }

    fn tabulate(
        &mut self,
        source: usize,
        inputs: &[&Operand],
        step: &Step,
        made: &mut [Operand],
    ) -> Result<(), Refusal> {
        let leaves = self.sources.get(source).map_or(0, |source| source.plain.leaves().count());
        self.tabulated = self.tabulated.saturating_add(leaves * made.len());
        within("values of leaves", self.tabulated, self.limits.memory)?;
        let mut tables = vec![Vec::with_capacity(leaves); made.len()];
        for leaf in 0..leaves {
            for input in inputs {
                if let State::Tree(terms) = &input.state
                    && let Some(cell) = terms.first().and_then(|term| term.cells.get(leaf))
                {
                    put(&mut self.memory, input, *cell);
                }
            }
            run::run(step, &mut self.memory).map_err(|_| self.refuse("a leaf that it has no answer to"))?;
            for (table, operand) in tables.iter_mut().zip(&*made) {
                table.push(cell(&self.memory, operand));
            }
        }
        for (operand, cells) in made.iter_mut().zip(tables) {
            operand.state = State::Tree([Term { source, cells: cells.into() }].into());
        }
        Ok(())
    }

    /// A value for each leaf of a new source, from its votes.
    pub(crate) fn source(
        &mut self,
        plain: Plain<f32>,
        input: Operand,
        cells: Vec<f32>,
    ) -> Result<Operand, Refusal> {
        let mut operand = self.reserve(Element::Float, vec![1, 1])?;
        let cells = cells.into_iter().map(|value| u64::from(value.to_bits())).collect();
        operand.state = State::Tree([Term { source: self.sources.len(), cells }].into());
        self.sources.push(Source { plain, input });
        Ok(operand)
    }

    /// The sum of single numbers that trees say, in order; nothing where an operand is something else.
    pub(crate) fn sum_of_trees(&mut self, operands: &[Operand]) -> Result<Option<Operand>, Refusal> {
        let mut all: Vec<Term> = Vec::new();
        let mut rank = 1;
        for (nth, operand) in operands.iter().enumerate() {
            let State::Tree(terms) = &operand.state else { return Ok(None) };
            // Sums are taken from the left: only the first may be one already.
            if operand.element != Element::Float || (nth > 0 && terms.len() > 1) {
                return Ok(None);
            }
            rank = rank.max(operand.shape.len());
            all.extend(terms.iter().cloned());
        }
        let place =
            |term: &Term| self.sources.get(term.source).map(|source| (source.input.at, source.input.len()));
        let first = all.first().and_then(place);
        let same_tree = all.array_windows().all(|[a, b]| a.source == b.source);
        if same_tree || !all.iter().all(|term| place(term) == first) {
            return Ok(None);
        }
        let mut sum = self.reserve(Element::Float, vec![1; rank])?;
        sum.state = State::Tree(all.into());
        Ok(Some(sum))
    }

    /// Where a value is when the program runs: a sum of trees becomes a step here.
    pub(crate) fn live(&mut self, operand: &Operand) -> Result<usize, Refusal> {
        let State::Tree(terms) = &operand.state else { return Ok(operand.at) };
        let key = operand.at * 4 + operand.arena() as usize;
        if let Some(place) = self.summed.get(&key) {
            return Ok(*place);
        }
        let mut plain = Plain::empty();
        let mut input = None;
        for term in &**terms {
            let Some(source) = self.sources.get(term.source) else { continue };
            input = Some(source.input.clone());
            let cells: Vec<f32> = match operand.element {
                Element::Float => term.cells.iter().map(|cell| f32::from_bits(*cell as u32)).collect(),
                // An index for each leaf, looked up after the walk.
                _ => (0..term.cells.len()).map(|nth| nth as f32).collect(),
            };
            plain.graft(&source.plain, &cells);
        }
        let Some(input) = input else { return Ok(operand.at) };
        let sum = self.ensemble(plain, &input)?;
        let place =
            match (operand.element, &**terms) {
                (Element::Float, _) => sum.at,
                (element, [term]) => {
                    // A whole number of another type: the leaf's number, then the table.
                    let cells = term.cells.clone();
                    let mut table = self.reserve(element, vec![cells.len()])?;
                    table.state = State::Known;
                    for (nth, bits) in cells.iter().enumerate() {
                        put(&mut self.memory, &Operand { at: table.at + nth, ..table.clone() }, *bits);
                    }
                    let cast = super::step::Cast::FloatToInt64;
                    let [index] = self.emit(&[&sum], [(Element::Int64, vec![1])], |from, [to]| {
                        Step::Cast { cast, from: from.first().copied().unwrap_or(0), count: 1, to }
                    })?;
                    let (arena, count) = (operand.arena(), cells.len());
                    let [found] =
                        self.emit(&[&table, &index], [(element, vec![1])], |from, [to]| Step::Gather {
                            arena,
                            data: from.first().copied().unwrap_or(0),
                            dims: [1, count, 1],
                            index: from.get(1).copied().unwrap_or(0),
                            count: 1,
                            to,
                        })?;
                    found.at
                }
                _ => return Err(self.refuse("a sum of trees of another type than float")),
            };
        self.summed.insert(key, place);
        Ok(place)
    }

    /// One target, summed.
    fn ensemble(&mut self, plain: Plain<f32>, input: &Operand) -> Result<Operand, Refusal> {
        let (count, work) = (plain.roots.len(), plain.work());
        let trees = match Packed::new(&plain) {
            Some(packed) => Trees::Packed(packed),
            None => Trees::Plain(plain),
        };
        let ensemble = Ensemble {
            trees,
            count,
            targets: 1,
            aggregate: Aggregate::Sum,
            base: Vec::new(),
            post: Post::None,
            class: None,
        };
        let [_, scores] = self.trees(ensemble, input, work)?;
        Ok(scores)
    }

    /// An ensemble as a step: answers the label, which only classifiers write, and the scores.
    pub(crate) fn trees(
        &mut self,
        ensemble: Ensemble,
        input: &Operand,
        work: usize,
    ) -> Result<[Operand; 2], Refusal> {
        self.spend(work)?;
        let targets = ensemble.targets;
        let is_double = input.element == Element::Double;
        let sums = if is_double { Element::Double } else { Element::Float };
        let outputs = [
            (sums, vec![targets]),
            (Element::Int64, vec![targets]),
            (Element::Int64, vec![1]),
            (Element::Float, vec![1, targets]),
        ];
        let [_, _, label, scores] = self.emit(&[input], outputs, |from, [sums, seen, label, to]| {
            let from = from.first().copied().unwrap_or(0);
            Step::Trees(Box::new(super::step::Trees { ensemble, from, is_double, sums, seen, to, label }))
        })?;
        Ok([label, scores])
    }

    fn finish(mut self, graph: &'a Graph, inputs: Vec<Operand>) -> Result<Program, Refusal> {
        let mut signature = Signature { inputs: graph.inputs.clone(), outputs: Vec::new() };
        let mut outputs = Vec::new();
        let is_batched = graph.inputs.iter().any(Port::is_batched);
        for port in &graph.outputs {
            self.label = format!("the output `{}`", port.name);
            let Some(operand) = self.values.get(port.name.as_str()).cloned() else {
                return Err(Refusal::malformed(format!("the output `{}` is not computed", port.name)));
            };
            if operand.is_open {
                return Err(self.refuse("texts of the input"));
            }
            let at = self.live(&operand)?;
            let kind = match operand.keys.clone() {
                Some(keys) => Kind::Map { keys },
                None => {
                    let mut shape: Vec<Dimension> =
                        operand.shape.iter().map(|size| Dimension::Fixed(*size)).collect();
                    if let Some(first) = shape.first_mut()
                        && is_batched
                        && *first == Dimension::Fixed(1)
                    {
                        *first = Dimension::Free(None);
                    }
                    Kind::Tensor { element: operand.element, shape: Some(shape) }
                }
            };
            signature.outputs.push(Port { name: port.name.clone(), kind });
            outputs.push(Slot { element: operand.element, at, count: operand.len() });
        }
        let inputs = inputs.iter().map(|operand| Slot {
            element: operand.element,
            at: operand.at,
            count: operand.len(),
        });
        let (steps, labels) = self.steps.into_iter().unzip();
        Ok(Program {
            signature,
            inputs: inputs.collect(),
            outputs,
            memory: self.memory,
            steps,
            labels,
            symbols: self.symbols,
            trees: self.trees,
            work: self.work,
        })
    }
}

fn fill<T: Copy>(place: Option<&mut [T]>, values: &[T]) {
    if let Some(place) = place {
        place.iter_mut().zip(values).for_each(|(place, value)| *place = *value);
    }
}

fn put(memory: &mut Memory, operand: &Operand, bits: u64) {
    match operand.arena() {
        Arena::Float => fill(memory.floats.get_mut(operand.at..), &[f32::from_bits(bits as u32)]),
        Arena::Double => fill(memory.doubles.get_mut(operand.at..), &[f64::from_bits(bits)]),
        Arena::Int => fill(memory.ints.get_mut(operand.at..), &[bits as i64]),
    }
}

fn cell(memory: &Memory, operand: &Operand) -> u64 {
    match operand.arena() {
        Arena::Float => memory.floats.get(operand.at).map_or(0, |value| value.to_bits().into()),
        Arena::Double => memory.doubles.get(operand.at).map_or(0, |value| value.to_bits()),
        Arena::Int => memory.ints.get(operand.at).map_or(0, |value| *value as u64),
    }
}
