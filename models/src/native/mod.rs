//! The native back-end: tabular models as a program of steps over memory laid out in advance.

mod arith;
mod lower;
mod memory;
mod node;
mod run;
mod shape;
mod step;
mod svm;
mod tabular;

pub(crate) use lower::lower;
pub(crate) use memory::Memory;

use crate::call::{Input, Output, Texts};
use crate::refusal::Failure;
use crate::signature::Signature;
use crate::tensor::Element;
use step::Step;

/// A value of the interface: where it is.
#[derive(Clone, Debug)]
pub(crate) struct Slot {
    pub(crate) element: Element,
    pub(crate) at: usize,
    pub(crate) count: usize,
}

/// A model, lowered.
#[derive(Clone, Debug)]
pub(crate) struct Program {
    pub(crate) signature: Signature,
    inputs: Vec<Slot>,
    outputs: Vec<Slot>,
    /// Constants, and room.
    memory: Memory,
    steps: Vec<Step>,
    labels: Vec<String>,
    symbols: Texts,
    pub(crate) trees: usize,
    pub(crate) work: usize,
}

impl Program {
    /// Memory for one worker.
    pub(crate) fn memory(&self) -> Memory {
        self.memory.clone()
    }

    /// How many steps a row takes.
    pub(crate) fn len(&self) -> usize {
        self.steps.len()
    }

    /// Computes one row; the answers stay in the memory.
    ///
    /// # Errors
    ///
    /// Inputs that are not those of the signature; a value that the model has no answer to.
    #[inline]
    pub(crate) fn run(&self, memory: &mut Memory, inputs: &[Input<'_>], row: usize) -> Result<(), Failure> {
        if inputs.len() != self.inputs.len() {
            return Err(Failure::Inputs(format!(
                "{} inputs were given, and the model has {}",
                inputs.len(),
                self.inputs.len()
            )));
        }
        for (nth, (slot, input)) in self.inputs.iter().zip(inputs).enumerate() {
            if self.bind(memory, slot, input, row).is_none() {
                return Err(self.misfit(nth, input));
            }
        }
        for (nth, step) in self.steps.iter().enumerate() {
            if run::run(step, memory).is_err() {
                let label = self.labels.get(nth).map_or("", String::as_str);
                return Err(Failure::Value(format!("{label} has no answer to a value")));
            }
        }
        Ok(())
    }

    #[inline]
    fn bind(&self, memory: &mut Memory, slot: &Slot, input: &Input<'_>, row: usize) -> Option<()> {
        let from = row * slot.count..(row + 1) * slot.count;
        let to = slot.at..slot.at + slot.count;
        match (slot.element, input) {
            (Element::Float, Input::Float(values)) => {
                memory.floats.get_mut(to)?.copy_from_slice(values.get(from)?);
            }
            (Element::Double, Input::Double(values)) => {
                memory.doubles.get_mut(to)?.copy_from_slice(values.get(from)?);
            }
            (Element::Int64, Input::Int(values)) => {
                memory.ints.get_mut(to)?.copy_from_slice(values.get(from)?);
            }
            (Element::Int32, Input::Int(values)) => {
                for (place, value) in memory.ints.get_mut(to)?.iter_mut().zip(values.get(from)?) {
                    *place = i32::try_from(*value).ok()?.into();
                }
            }
            (Element::Bool, Input::Int(values)) => {
                for (place, value) in memory.ints.get_mut(to)?.iter_mut().zip(values.get(from)?) {
                    *place = (*value != 0).into();
                }
            }
            (Element::String, Input::Text(values)) => {
                for (place, value) in memory.ints.get_mut(to)?.iter_mut().zip(values.get(from)?) {
                    *place = self.symbols.number(value);
                }
            }
            _ => return None,
        }
        Some(())
    }

    #[cold]
    fn misfit(&self, nth: usize, input: &Input<'_>) -> Failure {
        let port = self.signature.inputs.get(nth).map_or_else(String::new, ToString::to_string);
        Failure::Inputs(format!("the input {port} was given {input}"))
    }

    /// An output of the row computed last.
    pub(crate) fn output<'a>(&'a self, memory: &'a Memory, nth: usize) -> Option<Output<'a>> {
        let slot = self.outputs.get(nth)?;
        let range = slot.at..slot.at + slot.count;
        Some(match slot.element {
            Element::Float => Output::Float(memory.floats.get(range)?),
            Element::Double => Output::Double(memory.doubles.get(range)?),
            Element::String => Output::Symbols(memory.ints.get(range)?, &self.symbols),
            _ => Output::Int(memory.ints.get(range)?),
        })
    }
}
