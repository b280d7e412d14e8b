//! Coders: from a value to its class.
//!
//! Two values are of one class if no literal of the rule set can tell them apart, so what holds of a value is looked up by
//! its class. Class 0 is the missing value; the known ones begin at 1.

pub(crate) mod networks;
pub(crate) mod points;
pub(crate) mod ranges;
pub(crate) mod single;
pub(crate) mod symbols;

use std::collections::HashMap;
use std::hash::Hash;

/// The class of a missing value.
pub(crate) const MISSING: u32 = 0;
/// The class of a known value that no literal names, where there is one such class.
pub(crate) const OTHER: u32 = 1;

/// Gives values that the same literals hold of one class. Values in none need not be named: they are [`OTHER`].
///
/// `members` are the values of each literal. Returns the class of each value, ascending by value, the classes of each
/// literal, and how many classes there are.
pub(crate) fn classify<T: Ord + Clone + Hash>(
    members: impl Iterator<Item = Vec<T>>,
) -> (Vec<(T, u32)>, Vec<Vec<u32>>, u32) {
    let mut uses: Vec<(T, u32)> = Vec::new();
    let mut literals = 0_u32;
    for values in members {
        uses.extend(values.into_iter().map(|value| (value, literals)));
        literals += 1;
    }
    uses.sort();
    uses.dedup();
    let mut classes: HashMap<Vec<u32>, u32> = HashMap::new();
    let mut of_literal: Vec<Vec<u32>> = vec![Vec::new(); literals as usize];
    let mut values = Vec::new();
    let mut count = OTHER + 1;
    for group in uses.chunk_by(|one, other| one.0 == other.0) {
        let Some((value, _)) = group.first() else { continue };
        let signature: Vec<u32> = group.iter().map(|(_, literal)| *literal).collect();
        let class = *classes.entry(signature).or_insert_with_key(|signature| {
            for literal in signature {
                if let Some(classes) = of_literal.get_mut(*literal as usize) {
                    classes.push(count);
                }
            }
            count += 1;
            count - 1
        });
        values.push((value.clone(), class));
    }
    (values, of_literal, count)
}
