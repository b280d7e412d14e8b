//! The deterministic core of Weir: events in, decisions out; no clock, no IO.

pub mod state;
