//! What signals must say: `docs/reference/signals.md` computed naively, from every event that ever came.
//!
//! The engines keep lanes, sketches and logs; this crate keeps the events and goes through all of them for each
//! reading, in exact integers where the page is exact. It is written from the page alone and depends on no crate of the
//! project: plain numbers in, plain numbers out. `tests/` asks the same of it and of engines, through the language.
//!
//! | module | answers |
//! |---|---|
//! | [`window`] | which events a reading covers: lanes, edges, logs |
//! | [`numbers`] | count, rate, share, sum, avg, min, max, first, last |
//! | [`spread`] | stddev, cv of gaps |
//! | [`values`] | distinct, quantiles, entropy, top, sequential, up to their bounds |
//! | [`others`] | elapsed, novelty, concurrency, limiters |
//! | [`baseline`] | usual |
//! | [`sequence`] | ordered events with absence |
//! | [`cohort`] | slices in surplus, while baselines warm |
//! | [`truth`] | a second opinion on intervals: the true value over the effective window, without lanes |
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a crate for tests: a surprise is a failure"
)]

pub mod baseline;
pub mod cohort;
pub mod numbers;
pub mod others;
pub mod reading;
pub mod sequence;
pub mod spread;
pub mod truth;
pub mod values;
pub mod window;

pub use reading::{Number, Reading, Why};
pub use window::{Cover, Kind, Trail};
