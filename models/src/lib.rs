//! ONNX models as typed scoring functions.
//!
//! ```text
//! bytes ──File::read──▶ graph ──native──▶ Program ──┐
//!           caps          │                         ├──▶ Model: signature, score, score_batch
//!                         └──ONNX Runtime, tract────┘
//! ```
//!
//! [`Model::load`] reads a file within [`Limits`] and takes the first back-end that can run it: the native one, which lowers tabular models (trees,
//! linear models, encoders and the arithmetic around them) to a program over memory laid out in advance; ONNX Runtime, opened at run time, which runs every operator (feature
//! `onnxruntime`); tract, for plain neural graphs (feature `tract`). A worker asks for a [`Scratch`] once, and calls with it: the native back-end
//! allocates nothing then.
//!
//! ```no_run
//! use weir_models::{Input, Model, Options};
//!
//! let model = Model::load(&std::fs::read("stuffing.onnx")?, &Options::default())?;
//! let mut scratch = model.scratch()?;
//! let outputs = model.score(&mut scratch, &[Input::Float(&[0.5; 30])])?;
//! let probability = outputs.get(1).and_then(|probabilities| probabilities.number(1));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! A model is a function of its inputs: no clock, no randomness, no state between calls. What it may cost is bounded when it is loaded. See
//! `docs/reference/models.md` for what loads where.

mod call;
pub mod drift;
mod file;
pub mod fuzzing;
#[cfg(feature = "files")]
pub mod golden;
mod limits;
mod model;
mod native;
#[cfg(feature = "onnxruntime")]
mod onnxruntime;
#[cfg(feature = "files")]
pub mod probe;
mod proto;
mod refusal;
#[cfg(feature = "files")]
pub mod rows;
mod session;
mod signature;
mod tensor;
#[cfg(feature = "tract")]
mod tract;
mod trees;

pub use call::{Input, Output, Texts, Values};
pub use file::File;
pub use limits::Limits;
pub use model::{Backend, Choice, Description, Model, Options, Outputs, Scratch};
#[cfg(feature = "onnxruntime")]
pub use onnxruntime::find as find_onnxruntime;
pub use refusal::{Failure, Refusal};
pub use signature::{Dimension, Keys, Kind, Port, Signature};
pub use tensor::Element;
