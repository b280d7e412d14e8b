//! tract, for plain neural graphs where no ONNX Runtime is: perceptrons, recurrent layers, small transformers, one row at a time.
//!
//! It is never given trees or other tabular operators, several of which it does not have, and the batch is always fixed: with a symbolic one it has
//! aborted.

use tract_onnx::prelude::*;

use crate::call::{Input, Values};
use crate::file::File;
use crate::refusal::{Failure, Refusal};
use crate::session::{Column, Loaded, Session};
use crate::signature::{Dimension, Kind, Port, Signature};
use crate::tensor::Element;

type Plan = Arc<TypedRunnableModel>;

/// A graph that tract takes.
#[derive(Debug)]
pub(crate) struct Graph {
    plan: Plan,
    signature: Signature,
}

struct Running {
    plan: Plan,
    signature: Signature,
    columns: Vec<Column>,
}

/// Gives a file to tract.
pub(crate) fn load(bytes: &[u8], file: &File) -> Result<Graph, Refusal> {
    if let Some(node) = file.nodes().find(|node| node.is_ml) {
        return Err(Refusal::unsupported(format!("{}: tract is for plain neural graphs", node.label())));
    }
    let signature = Signature { inputs: file.inputs().to_vec(), outputs: file.outputs().to_vec() };
    if let Some(port) =
        signature.inputs.iter().chain(&signature.outputs).find(|port| fact(port.element()).is_none())
    {
        return Err(Refusal::unsupported(format!("{port} is nothing that tract is fed with")));
    }
    let refused = |error: TractError| Refusal::unsupported(format!("{error:#}"));
    let mut model = tract_onnx::onnx().model_for_read(&mut std::io::Cursor::new(bytes)).map_err(refused)?;
    for (at, port) in signature.inputs.iter().enumerate() {
        let (Some(shape), Some(element)) = (shape(port), fact(port.element())) else {
            return Err(Refusal::unsupported(format!("the input {port} leaves its shape open")));
        };
        model = model.with_input_fact(at, InferenceFact::dt_shape(element, shape)).map_err(refused)?;
    }
    let plan = model.into_optimized().and_then(|model| model.into_runnable()).map_err(refused)?;
    Ok(Graph { plan, signature })
}

fn fact(element: Option<Element>) -> Option<DatumType> {
    match element? {
        Element::Float => Some(DatumType::F32),
        Element::Double => Some(DatumType::F64),
        Element::Int64 => Some(DatumType::I64),
        _ => None,
    }
}

/// The shape of one row.
fn shape(port: &Port) -> Option<Vec<usize>> {
    let Kind::Tensor { shape: Some(shape), .. } = &port.kind else { return None };
    let sizes = shape.iter().enumerate().map(|(at, dimension)| match dimension {
        Dimension::Fixed(size) => Some(*size),
        Dimension::Free(_) if at == 0 => Some(1),
        Dimension::Free(_) => None,
    });
    sizes.collect()
}

impl Loaded for Graph {
    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn session(&self) -> Result<Box<dyn Session>, Failure> {
        Ok(Box::new(Running {
            plan: self.plan.clone(),
            signature: self.signature.clone(),
            columns: Vec::new(),
        }))
    }
}

impl Session for Running {
    fn run(&mut self, rows: usize, inputs: &[Input<'_>]) -> Result<(), Failure> {
        if inputs.len() != self.signature.inputs.len() {
            return Err(Failure::Inputs(format!(
                "{} inputs were given, and the model has {}",
                inputs.len(),
                self.signature.inputs.len()
            )));
        }
        let mut all: Vec<Column> = Vec::new();
        for row in 0..rows {
            let mut values: TVec<TValue> = tvec!();
            for (port, input) in self.signature.inputs.iter().zip(inputs) {
                values.push(value(port, &input.row(row, rows))?);
            }
            let outputs = self.plan.run(values).map_err(|error| failure(&error))?;
            let columns = outputs.iter().map(read).collect::<Result<Vec<_>, _>>()?;
            if all.is_empty() {
                all = columns;
            } else {
                all.iter_mut().zip(columns).for_each(|(all, column)| all.extend(column));
            }
        }
        self.columns = all;
        Ok(())
    }

    fn columns(&self) -> &[Column] {
        &self.columns
    }
}

fn value(port: &Port, input: &Input<'_>) -> Result<TValue, Failure> {
    let shape = shape(port).unwrap_or_default();
    let made = match (port.element(), input) {
        (Some(Element::Float), Input::Float(values)) => Tensor::from_shape(&shape, values),
        (Some(Element::Double), Input::Double(values)) => Tensor::from_shape(&shape, values),
        (Some(Element::Int64), Input::Int(values)) => Tensor::from_shape(&shape, values),
        _ => return Err(Failure::Inputs(format!("the input {port} was given {input}"))),
    };
    made.map(TValue::from).map_err(|_| Failure::Inputs(format!("the input {port} was given {input}")))
}

fn read(output: &TValue) -> Result<Column, Failure> {
    let tensor: &Tensor = output;
    let each = |element: DatumType| tensor.cast_to_dt(element).map_err(|error| failure(&error));
    let values = match tensor.datum_type() {
        DatumType::F32 => Values::Float(slice(each(DatumType::F32)?.as_ref())?),
        DatumType::F64 => Values::Double(slice(each(DatumType::F64)?.as_ref())?),
        _ => Values::Int(slice(each(DatumType::I64)?.as_ref())?),
    };
    Ok(Column { values, width: tensor.len() })
}

fn slice<T: Datum + Copy>(tensor: &Tensor) -> Result<Vec<T>, Failure> {
    let view = tensor.to_plain_array_view::<T>().map_err(|error| failure(&error))?;
    Ok(view.iter().copied().collect())
}

fn failure(error: &TractError) -> Failure {
    Failure::Backend(format!("tract: {error:#}"))
}
