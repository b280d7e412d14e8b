//! An ONNX file, read within limits: a graph of nodes, constants, inputs and outputs.
//!
//! The wire format is [`prost`]'s business. Here stand the caps, and what is never taken from anyone: data outside of the file, operators of
//! other domains, functions that the file brings along, sparse tensors. A graph that passes may still be too much for a back-end.

use prost::Message as _;
use prost::bytes::Bytes;
use sha2::{Digest as _, Sha256};

use crate::limits::Limits;
use crate::proto;
use crate::refusal::Refusal;
use crate::signature::{Dimension, Keys, Kind, Port};
use crate::tensor::{Data, Element, Tensor};

/// How deep graphs may stand in the attributes of nodes of graphs.
const NESTING: usize = 4;

/// The domain of `TreeEnsembleClassifier` and its like.
const ML: &str = "ai.onnx.ml";

/// A file that keeps the rules.
#[derive(Clone, Debug)]
pub struct File {
    /// Who wrote it, as the file says.
    pub producer: String,
    /// The version of the format.
    pub ir_version: i64,
    /// The version of the general operators; 0 where the file names none.
    pub opset: i64,
    /// The version of the operators for tabular models; 0 where the file names none.
    pub ml_opset: i64,
    /// What the exporter wrote beside the graph.
    pub metadata: Vec<(String, String)>,
    /// Its length.
    pub bytes: usize,
    /// SHA-256 of the bytes.
    pub sha256: [u8; 32],
    pub(crate) graph: Graph,
}

#[derive(Clone, Debug, Default)]
pub(crate) struct Graph {
    pub(crate) nodes: Vec<Node>,
    pub(crate) constants: Vec<(String, Tensor)>,
    /// Constants with a name of the same kind are no inputs.
    pub(crate) inputs: Vec<Port>,
    pub(crate) outputs: Vec<Port>,
}

#[derive(Clone, Debug)]
pub(crate) struct Node {
    pub(crate) name: String,
    pub(crate) operator: String,
    pub(crate) is_ml: bool,
    pub(crate) inputs: Vec<String>,
    pub(crate) outputs: Vec<String>,
    attributes: Vec<(String, Attribute)>,
}

#[derive(Clone, Debug)]
pub(crate) enum Attribute {
    Float(f32),
    Int(i64),
    Text(String),
    Tensor(Tensor),
    Floats(Vec<f32>),
    Ints(Vec<i64>),
    Texts(Vec<String>),
    Graphs,
    Other,
}

impl File {
    /// Reads a file.
    ///
    /// # Errors
    ///
    /// What is not ONNX, past the limits, or not allowed. Needs memory of about sixteen times the file's size at worst.
    pub fn read(bytes: &[u8], limits: &Limits) -> Result<Self, Refusal> {
        within("bytes", bytes.len(), limits.bytes)?;
        let model =
            proto::Model::decode(Bytes::copy_from_slice(bytes)).map_err(|error| undecodable(&error))?;
        if !model.functions.is_empty() {
            return Err(Refusal::Forbidden(
                "the file defines functions of its own; export it with them inlined".into(),
            ));
        }
        if !model.training.is_empty() {
            return Err(Refusal::Forbidden("the file holds training information".into()));
        }
        let (mut opset, mut ml_opset) = (0, 0);
        for set in &model.opset_import {
            match set.domain.as_str() {
                // skl2onnx names the same domain twice.
                "" | "ai.onnx" => opset = opset.max(set.version),
                ML => ml_opset = ml_opset.max(set.version),
                // Some exporters import what they never use.
                _ => {}
            }
        }
        let graph = model.graph.ok_or_else(|| Refusal::malformed("it holds no graph"))?;
        let mut nodes = 0;
        let graph = read_graph(graph, limits, 0, &mut nodes)?;
        if graph.outputs.is_empty() || graph.nodes.is_empty() {
            return Err(Refusal::malformed("its graph computes nothing"));
        }
        Ok(Self {
            producer: [model.producer_name, model.producer_version].join(" ").trim().to_owned(),
            ir_version: model.ir_version,
            opset,
            ml_opset,
            metadata: model.metadata.into_iter().map(|pair| (pair.key, pair.value)).collect(),
            bytes: bytes.len(),
            sha256: Sha256::digest(bytes).into(),
            graph,
        })
    }

    /// The inputs, in order.
    pub fn inputs(&self) -> &[Port] {
        &self.graph.inputs
    }

    /// The outputs, in order, as the file declares them.
    pub fn outputs(&self) -> &[Port] {
        &self.graph.outputs
    }

    /// The nodes.
    #[cfg_attr(not(feature = "tract"), expect(dead_code, reason = "for tract"))]
    pub(crate) fn nodes(&self) -> impl Iterator<Item = &Node> {
        self.graph.nodes.iter()
    }

    /// The node that computes a value.
    #[cfg_attr(not(feature = "onnxruntime"), expect(dead_code, reason = "for ONNX Runtime"))]
    pub(crate) fn maker(&self, name: &str) -> Option<&Node> {
        self.graph.nodes.iter().find(|node| node.outputs.iter().any(|output| output == name))
    }

    /// Each operator with how often it occurs, the most frequent first.
    pub fn operators(&self) -> Vec<(&str, usize)> {
        let mut counts: Vec<(&str, usize)> = Vec::new();
        let mut names: Vec<&str> = self.graph.nodes.iter().map(|node| node.operator.as_str()).collect();
        names.sort_unstable();
        for name in names {
            match counts.last_mut() {
                Some((last, count)) if *last == name => *count += 1,
                _ => counts.push((name, 1)),
            }
        }
        counts.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
        counts
    }
}

impl Node {
    /// How messages call it: by its name, or by what it computes.
    pub(crate) fn label(&self) -> String {
        let first = self.outputs.first().map_or("", String::as_str);
        let name = if self.name.is_empty() { first } else { &self.name };
        format!("{} `{name}`", self.operator)
    }

    pub(crate) fn attribute(&self, name: &str) -> Option<&Attribute> {
        self.attributes.iter().find(|(known, _)| known == name).map(|(_, value)| value)
    }

    pub(crate) fn has_graphs(&self) -> bool {
        self.attributes.iter().any(|(_, value)| matches!(value, Attribute::Graphs))
    }

    pub(crate) fn int(&self, name: &str) -> Option<i64> {
        match self.attribute(name) {
            Some(Attribute::Int(value)) => Some(*value),
            _ => None,
        }
    }

    pub(crate) fn float(&self, name: &str) -> Option<f32> {
        match self.attribute(name) {
            Some(Attribute::Float(value)) => Some(*value),
            _ => None,
        }
    }

    pub(crate) fn text(&self, name: &str) -> Option<&str> {
        match self.attribute(name) {
            Some(Attribute::Text(value)) => Some(value),
            _ => None,
        }
    }

    /// The numbers of an attribute; none where there is no such attribute.
    pub(crate) fn floats(&self, name: &str) -> &[f32] {
        match self.attribute(name) {
            Some(Attribute::Floats(values)) => values,
            _ => &[],
        }
    }

    pub(crate) fn ints(&self, name: &str) -> &[i64] {
        match self.attribute(name) {
            Some(Attribute::Ints(values)) => values,
            _ => &[],
        }
    }

    pub(crate) fn texts(&self, name: &str) -> &[String] {
        match self.attribute(name) {
            Some(Attribute::Texts(values)) => values,
            _ => &[],
        }
    }

    pub(crate) fn tensor(&self, name: &str) -> Option<&Tensor> {
        match self.attribute(name) {
            Some(Attribute::Tensor(value)) => Some(value),
            _ => None,
        }
    }
}

fn undecodable(error: &prost::DecodeError) -> Refusal {
    Refusal::malformed(error.to_string())
}

pub(crate) fn within(what: &'static str, is: usize, most: usize) -> Result<(), Refusal> {
    if is > most { Err(Refusal::TooLarge { what, is: is as u64, most: most as u64 }) } else { Ok(()) }
}

fn read_graph(bytes: Bytes, limits: &Limits, depth: usize, nodes: &mut usize) -> Result<Graph, Refusal> {
    if depth > NESTING {
        return Err(Refusal::TooLarge {
            what: "graphs inside one another",
            is: depth as u64,
            most: NESTING as u64,
        });
    }
    let graph = proto::Graph::decode(bytes).map_err(|error| undecodable(&error))?;
    if !graph.sparse_initializer.is_empty() {
        return Err(Refusal::Forbidden("the graph holds sparse constants".into()));
    }
    *nodes += graph.node.len();
    within("nodes", *nodes, limits.nodes)?;
    within("constants", graph.initializer.len(), limits.nodes)?;
    within("inputs", graph.input.len(), limits.ports.max(limits.nodes))?;
    within("outputs", graph.output.len(), limits.ports)?;
    let mut constants = Vec::with_capacity(graph.initializer.len());
    for one in graph.initializer {
        constants.push(read_tensor(one, limits)?);
    }
    let mut names: Vec<&str> = constants.iter().map(|(name, _)| name.as_str()).collect();
    names.sort_unstable();
    let mut inputs = Vec::new();
    for one in graph.input {
        let port = read_port(one, limits)?;
        // Before version 4 of the format, constants had to be inputs, too.
        if names.binary_search(&port.name.as_str()).is_err() {
            inputs.push(port);
        }
    }
    within("inputs", inputs.len(), limits.ports)?;
    let outputs = graph.output.into_iter().map(|one| read_port(one, limits)).collect::<Result<_, _>>()?;
    let mut read = Vec::with_capacity(graph.node.len());
    for one in graph.node {
        read.push(read_node(one, limits, depth, nodes)?);
    }
    Ok(Graph { nodes: read, constants, inputs, outputs })
}

fn read_node(bytes: Bytes, limits: &Limits, depth: usize, nodes: &mut usize) -> Result<Node, Refusal> {
    let node = proto::Node::decode(bytes).map_err(|error| undecodable(&error))?;
    let is_ml = match node.domain.as_str() {
        "" | "ai.onnx" => false,
        ML => true,
        other => {
            return Err(Refusal::Forbidden(format!(
                "`{}` of the domain `{other}`; only the operators of ONNX itself and of `{ML}` are taken",
                node.op_type
            )));
        }
    };
    within("inputs of a node", node.input.len(), limits.nodes)?;
    within("outputs of a node", node.output.len(), limits.ports)?;
    let mut attributes = Vec::with_capacity(node.attribute.len().min(64));
    for one in node.attribute {
        let one = proto::Attribute::decode(one).map_err(|error| undecodable(&error))?;
        attributes.push(read_attribute(one, limits, depth, nodes)?);
    }
    Ok(Node {
        name: node.name,
        operator: node.op_type,
        is_ml,
        inputs: node.input,
        outputs: node.output,
        attributes,
    })
}

fn read_attribute(
    one: proto::Attribute,
    limits: &Limits,
    depth: usize,
    nodes: &mut usize,
) -> Result<(String, Attribute), Refusal> {
    if !one.reference.is_empty() {
        return Err(Refusal::malformed(format!("attribute `{}` refers to that of a function", one.name)));
    }
    if one.sparse.is_some() || !one.sparses.is_empty() {
        return Err(Refusal::Forbidden(format!("attribute `{}` is a sparse tensor", one.name)));
    }
    for count in [one.floats.len(), one.ints.len(), one.strings.len()] {
        within("values of an attribute", count, limits.elements)?;
    }
    // Files without kinds are older than any exporter of today; what is filled in says it.
    let kind = match one.kind {
        0 if one.t.is_some() => 4,
        0 if one.g.is_some() => 5,
        0 if !one.floats.is_empty() => 6,
        0 if !one.ints.is_empty() => 7,
        0 if !one.strings.is_empty() => 8,
        0 if !one.s.is_empty() => 3,
        kind => kind,
    };
    // Whatever the kind says: nothing inside goes unchecked to another back-end.
    let mut tensors = Vec::new();
    for tensor in one.t.into_iter().chain(one.tensors) {
        tensors.push(read_tensor(tensor, limits)?.1);
    }
    for graph in one.g.into_iter().chain(one.graphs) {
        read_graph(graph, limits, depth + 1, nodes)?;
    }
    let value = match kind {
        1 => Attribute::Float(one.f),
        2 => Attribute::Int(one.i),
        3 => Attribute::Text(text(&one.s)?),
        4 => match tensors.pop() {
            Some(tensor) => Attribute::Tensor(tensor),
            None => return Err(Refusal::malformed(format!("attribute `{}` has no tensor", one.name))),
        },
        5 | 10 => Attribute::Graphs,
        6 => Attribute::Floats(one.floats),
        7 => Attribute::Ints(one.ints),
        8 => Attribute::Texts(one.strings.iter().map(|one| text(one)).collect::<Result<_, _>>()?),
        _ => Attribute::Other,
    };
    Ok((one.name, value))
}

fn text(bytes: &[u8]) -> Result<String, Refusal> {
    std::str::from_utf8(bytes).map(str::to_owned).map_err(|_| Refusal::malformed("a text is not UTF-8"))
}

fn read_port(bytes: Bytes, limits: &Limits) -> Result<Port, Refusal> {
    let info = proto::ValueInfo::decode(bytes).map_err(|error| undecodable(&error))?;
    let name = info.name;
    let Some(kind) = info.kind else {
        return Ok(Port { name, kind: Kind::Other("of no declared type".into()) });
    };
    let kind = match (kind.tensor, kind.sequence, kind.map) {
        (Some(tensor), _, _) => {
            let shape = match tensor.shape {
                None => None,
                Some(shape) => {
                    within("dimensions", shape.dim.len(), limits.rank)?;
                    Some(shape.dim.into_iter().map(dimension).collect::<Result<_, _>>()?)
                }
            };
            Kind::Tensor { element: Element::of_code(tensor.element), shape }
        }
        (None, Some(sequence), _) => match sequence.element.and_then(|element| element.map) {
            Some(map) => map_kind(&map),
            None => Kind::Other("a sequence".into()),
        },
        (None, None, Some(map)) => map_kind(&map),
        _ => Kind::Other("of a kind that is not known".into()),
    };
    Ok(Port { name, kind })
}

/// What `ZipMap` gives; its keys stand in its node.
fn map_kind(map: &proto::MapType) -> Kind {
    let value = map.value.as_ref().and_then(|value| value.tensor.as_ref()).map(|tensor| tensor.element);
    match Element::of_code(map.key) {
        Element::String if value == Some(1) => Kind::Map { keys: Keys::Texts(Vec::new()) },
        Element::Int64 if value == Some(1) => Kind::Map { keys: Keys::Ints(Vec::new()) },
        _ => Kind::Other("a map".into()),
    }
}

fn dimension(dim: proto::Dimension) -> Result<Dimension, Refusal> {
    Ok(match (dim.value, dim.name) {
        (Some(value), _) if value > 0 => Dimension::Fixed(
            usize::try_from(value).map_err(|_| Refusal::malformed("a dimension past all bounds"))?,
        ),
        // Written for "any" by some exporters.
        (Some(0 | -1), _) => Dimension::Free(None),
        (Some(value), _) => return Err(Refusal::malformed(format!("a dimension of {value}"))),
        (None, Some(name)) if !name.is_empty() => Dimension::Free(Some(name)),
        (None, _) => Dimension::Free(None),
    })
}

fn read_tensor(bytes: Bytes, limits: &Limits) -> Result<(String, Tensor), Refusal> {
    let tensor = proto::Tensor::decode(bytes).map_err(|error| undecodable(&error))?;
    if tensor.data_location != 0 || !tensor.external_data.is_empty() {
        return Err(Refusal::Forbidden(format!(
            "the values of `{}` are in another file; save the model with its data inside",
            tensor.name
        )));
    }
    if tensor.segment.is_some() {
        return Err(Refusal::Forbidden(format!("`{}` is a part of a tensor", tensor.name)));
    }
    within("dimensions", tensor.dims.len(), limits.rank)?;
    let mut shape = Vec::with_capacity(tensor.dims.len());
    let mut count = 1_usize;
    for dim in &tensor.dims {
        let dim = usize::try_from(*dim).map_err(|_| Refusal::malformed(format!("a dimension of {dim}")))?;
        count =
            count.checked_mul(dim).filter(|count| *count <= limits.elements).ok_or(Refusal::TooLarge {
                what: "values of a tensor",
                is: u64::MAX,
                most: limits.elements as u64,
            })?;
        shape.push(dim);
    }
    let wrong =
        || Refusal::malformed(format!("`{}` does not hold the {count} values of its shape", tensor.name));
    let raw = &tensor.raw_data;
    let element = Element::of_code(tensor.data_type);
    let data = match element {
        Element::Float => {
            Data::Float(values(raw, &tensor.float_data, f32::from_le_bytes, count).ok_or_else(wrong)?)
        }
        Element::Double => {
            Data::Double(values(raw, &tensor.double_data, f64::from_le_bytes, count).ok_or_else(wrong)?)
        }
        Element::Int64 => {
            Data::Int(values(raw, &tensor.int64_data, i64::from_le_bytes, count).ok_or_else(wrong)?)
        }
        Element::Int32 => {
            let read = values(raw, &tensor.int32_data, i32::from_le_bytes, count).ok_or_else(wrong)?;
            Data::Int(read.into_iter().map(i64::from).collect())
        }
        Element::Bool | Element::Other(2) => {
            let listed = tensor.int32_data.iter().map(|value| *value as u8).collect::<Vec<_>>();
            let read = values(raw, &listed, |[byte]| byte, count).ok_or_else(wrong)?;
            let is_bool = element == Element::Bool;
            Data::Int(
                read.into_iter()
                    .map(|byte| if is_bool { i64::from(byte != 0) } else { byte.into() })
                    .collect(),
            )
        }
        Element::String => {
            if tensor.string_data.len() != count {
                return Err(wrong());
            }
            Data::Text(tensor.string_data.iter().map(|one| text(one)).collect::<Result<_, _>>()?)
        }
        Element::Other(_) => Data::Unread,
    };
    Ok((tensor.name, Tensor { element, shape, data }))
}

/// Values from the one field or the other; nothing where their number is not `count`.
fn values<T: Copy, const N: usize>(
    raw: &[u8],
    listed: &[T],
    read: impl Fn([u8; N]) -> T,
    count: usize,
) -> Option<Vec<T>> {
    if raw.is_empty() {
        return (listed.len() == count).then(|| listed.to_vec());
    }
    let (chunks, rest) = raw.as_chunks::<N>();
    (rest.is_empty() && chunks.len() == count).then(|| chunks.iter().map(|chunk| read(*chunk)).collect())
}
