//! What things cost, in nanoseconds on a machine of 2020 or so: measured once, roughly. They weigh one way of working against
//! another; what is found is the same with any numbers here.

use crate::axis::{Axis, Coder};

/// Looking up the row of a class and joining it.
pub(crate) const SOURCE: f32 = 3.0;
/// Looking up the rows of the patterns found.
pub(crate) const TERMS: f32 = 8.0;
/// Asking one thing of one condition, and reporting it.
pub(crate) const CHECK: f32 = 6.0;
pub(crate) const REPORT: f32 = 3.0;
/// Going to the next group.
pub(crate) const GROUP: f32 = 4.0;

/// What it costs to code a value on an axis.
pub(crate) fn coding(axis: &Axis) -> f32 {
    match &axis.coder {
        Coder::Presence | Coder::Truth => 1.0,
        Coder::Ranges(_) | Coder::Floats(_) => 3.0,
        Coder::Points(_) => 5.0,
        Coder::Symbols(_) => 10.0,
        Coder::Networks(_) => 12.0,
        Coder::Single(single) => single.cost(),
        Coder::Patterns(patterns) => 40.0 + patterns.len().min(200) as f32,
    }
}
