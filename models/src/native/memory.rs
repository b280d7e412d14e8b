//! The values of one row: three arenas, each as long as the program needs.

use crate::tensor::Element;
use crate::trees::packed::Row;

/// Where values of an element type are kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Arena {
    /// `f32`.
    Float,
    /// `f64`.
    Double,
    /// Integers, truths, and texts as symbols.
    Int,
}

impl Arena {
    pub(crate) fn of(element: Element) -> Self {
        match element {
            Element::Float => Self::Float,
            Element::Double => Self::Double,
            _ => Self::Int,
        }
    }
}

/// Constants, inputs, and room for all that is computed.
///
/// INVARIANT: what a step writes stands after all that it reads, in each arena.
#[derive(Clone, Debug, Default)]
pub(crate) struct Memory {
    pub(crate) floats: Vec<f32>,
    pub(crate) doubles: Vec<f64>,
    pub(crate) ints: Vec<i64>,
    pub(crate) row: Row,
}

/// What each kind of element needs to be worked on by one piece of code.
pub(crate) trait Lane: Copy + PartialOrd + 'static {
    fn arena(memory: &mut Memory) -> &mut Vec<Self>;
}

impl Lane for f32 {
    fn arena(memory: &mut Memory) -> &mut Vec<Self> {
        &mut memory.floats
    }
}

impl Lane for f64 {
    fn arena(memory: &mut Memory) -> &mut Vec<Self> {
        &mut memory.doubles
    }
}

impl Lane for i64 {
    fn arena(memory: &mut Memory) -> &mut Vec<Self> {
        &mut memory.ints
    }
}

impl Memory {
    /// Room for `count` values; answers where it begins.
    pub(crate) fn reserve(&mut self, arena: Arena, count: usize) -> usize {
        match arena {
            Arena::Float => grow(&mut self.floats, count),
            Arena::Double => grow(&mut self.doubles, count),
            Arena::Int => grow(&mut self.ints, count),
        }
    }

    pub(crate) fn len(&self) -> usize {
        self.floats.len() + self.doubles.len() + self.ints.len()
    }
}

fn grow<T: Copy + Default>(lane: &mut Vec<T>, count: usize) -> usize {
    let at = lane.len();
    lane.resize(at + count, T::default());
    at
}
