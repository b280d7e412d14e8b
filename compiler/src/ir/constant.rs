//! Constants and what tells them apart.

use std::collections::HashMap;

use crate::value::Value;

/// Constants, each once.
#[derive(Debug, Default)]
pub(super) struct Constants {
    pub(super) values: Vec<Value>,
    known: HashMap<Vec<u8>, u32>,
}

impl Constants {
    /// The place of a constant.
    pub(super) fn add(&mut self, value: &Value) -> u32 {
        let mut key = Vec::with_capacity(24);
        identity(value, &mut key);
        let next = self.values.len() as u32;
        let place = *self.known.entry(key).or_insert(next);
        if place == next {
            self.values.push(value.clone());
        }
        place
    }

    pub(super) fn get(&self, place: u32) -> Option<&Value> {
        self.values.get(place as usize)
    }
}

/// The canonical bytes, but that the two zeros of floats are told apart: they are equal and not the same.
fn identity(value: &Value, key: &mut Vec<u8>) {
    match value {
        Value::Float(float) => {
            key.push(2);
            key.extend_from_slice(&float.to_bits().to_le_bytes());
        }
        Value::List(members) => {
            key.push(14);
            key.extend_from_slice(&(members.len() as u32).to_le_bytes());
            members.iter().for_each(|member| identity(member, key));
        }
        Value::Map(entries) => {
            key.push(15);
            key.extend_from_slice(&(entries.len() as u32).to_le_bytes());
            for (name, member) in entries.iter() {
                key.extend_from_slice(&(name.len() as u64).to_le_bytes());
                key.extend_from_slice(name.as_bytes());
                identity(member, key);
            }
        }
        value => value.canonical(&mut |bytes| key.extend_from_slice(bytes)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_two_zeros_are_two_constants() {
        let mut constants = Constants::default();
        assert_eq!(constants.add(&Value::Float(0.0)), 0);
        assert_eq!(constants.add(&Value::Float(-0.0)), 1);
        assert_eq!(constants.add(&Value::List([Value::Float(0.0)].into())), 2);
        assert_eq!(constants.add(&Value::List([Value::Float(-0.0)].into())), 3);
        assert_eq!(constants.add(&Value::Int(0)), 4);
        assert_eq!(constants.add(&Value::Duration(0)), 5);
        assert_eq!(constants.add(&Value::Int(0)), 4);
    }
}
