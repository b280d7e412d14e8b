//! A model that runs: read, given to a back-end, called.

use std::fmt;
use std::path::PathBuf;

use serde::Serialize;

use crate::call::{Input, Output};
use crate::file::File;
use crate::limits::Limits;
use crate::native::{self, Memory, Program};
use crate::refusal::{Failure, Refusal};
use crate::session::{Loaded, Session};
use crate::signature::{Port, Signature};

/// What runs a model.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Backend {
    /// The project's own, for tabular models.
    Native,
    /// ONNX Runtime.
    OnnxRuntime,
    /// tract.
    Tract,
}

impl fmt::Display for Backend {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Native => "native",
            Self::OnnxRuntime => "ONNX Runtime",
            Self::Tract => "tract",
        })
    }
}

/// Which back-end is asked for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Choice {
    /// The first that takes the file: native, ONNX Runtime, tract.
    #[default]
    Auto,
    /// This one, or none.
    Only(Backend),
}

/// How a file is read.
#[derive(Clone, Debug, Default)]
pub struct Options {
    /// What runs it.
    pub backend: Choice,
    /// What it may ask for.
    pub limits: Limits,
    /// The library of ONNX Runtime; where there is none, `ORT_DYLIB_PATH` and the usual places are looked at.
    pub onnxruntime: Option<PathBuf>,
}

/// What a file is, for people.
#[derive(Clone, Debug, Serialize)]
pub struct Description {
    /// Who wrote it.
    pub producer: String,
    /// The version of the format.
    pub ir_version: i64,
    /// The version of the general operators; 0 where the file names none.
    pub opset: i64,
    /// The version of the operators for tabular models; 0 where the file names none.
    pub ml_opset: i64,
    /// Bytes of the file.
    pub bytes: usize,
    /// SHA-256, in hexadecimal.
    pub sha256: String,
    /// What the exporter wrote beside the graph.
    pub metadata: Vec<(String, String)>,
    /// Each operator with its count, the most frequent first.
    pub operators: Vec<(String, usize)>,
    /// What it takes, as the file declares it.
    pub inputs: Vec<Port>,
    /// What it gives, as the file declares it.
    pub outputs: Vec<Port>,
}

/// A model, ready to be called from any number of threads, each with a [`Scratch`] of its own.
#[derive(Debug)]
pub struct Model {
    description: Description,
    backend: Backend,
    /// Why back-ends before this one do not take it.
    passed: Vec<String>,
    engine: Engine,
}

#[derive(Debug)]
enum Engine {
    Native(Box<Program>),
    #[cfg_attr(
        not(any(feature = "onnxruntime", feature = "tract")),
        expect(dead_code, reason = "this build has no other back-end")
    )]
    Other(Box<dyn Loaded>),
}

/// What one worker calls a model with: the memory of the native back-end, or a session of another.
pub struct Scratch(Room);

enum Room {
    Native(Box<Memory>),
    Other(Box<dyn Session>),
}

impl fmt::Debug for Scratch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Scratch")
    }
}

/// The outputs of one row, in the order of the signature.
#[derive(Clone, Copy)]
pub struct Outputs<'a> {
    engine: &'a Engine,
    room: &'a Room,
    row: usize,
}

impl Model {
    /// Reads a file, and gives it to the first back-end that takes it.
    ///
    /// # Errors
    ///
    /// What [`File::read`] refuses; a file that no back-end takes, with the reason of each.
    pub fn load(bytes: &[u8], options: &Options) -> Result<Self, Refusal> {
        let file = File::read(bytes, &options.limits)?;
        let description = Description::new(&file);
        let order: &[Backend] = match options.backend {
            Choice::Auto => &[Backend::Native, Backend::OnnxRuntime, Backend::Tract],
            Choice::Only(Backend::Native) => &[Backend::Native],
            Choice::Only(Backend::OnnxRuntime) => &[Backend::OnnxRuntime],
            Choice::Only(Backend::Tract) => &[Backend::Tract],
        };
        let mut passed = Vec::new();
        for backend in order {
            match engine(*backend, bytes, &file, options) {
                Ok(engine) => return Ok(Self { description, backend: *backend, passed, engine }),
                // What is wrong with the file is wrong for all.
                Err(refusal @ (Refusal::Malformed(_) | Refusal::Forbidden(_))) => return Err(refusal),
                Err(refusal) if order.len() == 1 => return Err(refusal),
                Err(refusal) => passed.push(format!("{backend}: {refusal}")),
            }
        }
        Err(Refusal::Unsupported(format!("no back-end runs this model; {}", passed.join("; "))))
    }

    /// What it takes and gives for one row.
    pub fn signature(&self) -> &Signature {
        match &self.engine {
            Engine::Native(program) => &program.signature,
            Engine::Other(loaded) => loaded.signature(),
        }
    }

    /// What the file is.
    pub fn description(&self) -> &Description {
        &self.description
    }

    /// What runs it.
    pub fn backend(&self) -> Backend {
        self.backend
    }

    /// Why back-ends that were asked before do not take it.
    pub fn passed(&self) -> &[String] {
        &self.passed
    }

    /// What a row costs: steps, trees, elementary operations; nothing for back-ends that do not say.
    pub fn cost(&self) -> Option<(usize, usize, usize)> {
        match &self.engine {
            Engine::Native(program) => Some((program.len(), program.trees, program.work)),
            Engine::Other(_) => None,
        }
    }

    /// Whether several rows in one call cost less than one by one.
    pub fn gains_by_batches(&self) -> bool {
        matches!(self.engine, Engine::Other(_)) && self.signature().inputs.iter().all(Port::is_batched)
    }

    /// What a worker needs to call it.
    ///
    /// # Errors
    ///
    /// A back-end that opens no session.
    pub fn scratch(&self) -> Result<Scratch, Failure> {
        Ok(Scratch(match &self.engine {
            Engine::Native(program) => Room::Native(Box::new(program.memory())),
            Engine::Other(loaded) => Room::Other(loaded.session()?),
        }))
    }

    /// Computes one row: a value of each input of the signature.
    ///
    /// # Errors
    ///
    /// Inputs that are not those of the signature, values without an answer, a back-end that fails, a scratch of another kind of model.
    #[inline]
    pub fn score<'a>(
        &'a self,
        scratch: &'a mut Scratch,
        inputs: &[Input<'_>],
    ) -> Result<Outputs<'a>, Failure> {
        match (&self.engine, &mut scratch.0) {
            (Engine::Native(program), Room::Native(memory)) => program.run(memory, inputs, 0)?,
            (Engine::Other(_), Room::Other(session)) => session.run(1, inputs)?,
            _ => return Err(Failure::Inputs("the scratch is of another model".into())),
        }
        Ok(Outputs { engine: &self.engine, room: &scratch.0, row: 0 })
    }

    /// Computes some rows, each input holding the values of all of them one row after the other; `each` is given the outputs row by row.
    ///
    /// # Errors
    ///
    /// As [`Model::score`]; rows before the one that fails may have been answered.
    pub fn score_batch(
        &self,
        scratch: &mut Scratch,
        rows: usize,
        inputs: &[Input<'_>],
        mut each: impl FnMut(usize, Outputs<'_>),
    ) -> Result<(), Failure> {
        if let (Engine::Other(_), Room::Other(session)) = (&self.engine, &mut scratch.0) {
            session.run(rows, inputs)?;
            (0..rows).for_each(|row| each(row, Outputs { engine: &self.engine, room: &scratch.0, row }));
            return Ok(());
        }
        for row in 0..rows {
            match (&self.engine, &mut scratch.0) {
                (Engine::Native(program), Room::Native(memory)) => program.run(memory, inputs, row)?,
                _ => return Err(Failure::Inputs("the scratch is of another model".into())),
            }
            each(row, Outputs { engine: &self.engine, room: &scratch.0, row });
        }
        Ok(())
    }
}

impl<'a> Outputs<'a> {
    /// An output of the signature.
    pub fn get(&self, nth: usize) -> Option<Output<'a>> {
        match (self.engine, self.room) {
            (Engine::Native(program), Room::Native(memory)) => program.output(memory, nth),
            (Engine::Other(_), Room::Other(session)) => session.columns().get(nth)?.row(self.row),
            _ => None,
        }
    }
}

impl Description {
    pub(crate) fn new(file: &File) -> Self {
        Self {
            producer: file.producer.clone(),
            ir_version: file.ir_version,
            opset: file.opset,
            ml_opset: file.ml_opset,
            bytes: file.bytes,
            sha256: file.sha256.iter().map(|byte| format!("{byte:02x}")).collect(),
            metadata: file.metadata.clone(),
            operators: file.operators().into_iter().map(|(name, count)| (name.to_owned(), count)).collect(),
            inputs: file.inputs().to_vec(),
            outputs: file.outputs().to_vec(),
        }
    }
}

#[cfg_attr(
    not(any(feature = "onnxruntime", feature = "tract")),
    expect(unused_variables, reason = "for other back-ends")
)]
fn engine(backend: Backend, bytes: &[u8], file: &File, options: &Options) -> Result<Engine, Refusal> {
    match backend {
        Backend::Native => Ok(Engine::Native(Box::new(native::lower(file, &options.limits)?))),
        #[cfg(feature = "onnxruntime")]
        Backend::OnnxRuntime => {
            let loaded = crate::onnxruntime::load(bytes, file, options.onnxruntime.as_deref())?;
            Ok(Engine::Other(Box::new(loaded)))
        }
        #[cfg(feature = "tract")]
        Backend::Tract => Ok(Engine::Other(Box::new(crate::tract::load(bytes, file)?))),
        #[cfg(not(all(feature = "onnxruntime", feature = "tract")))]
        other => Err(Refusal::Absent(format!("this build has no {other}"))),
    }
}
