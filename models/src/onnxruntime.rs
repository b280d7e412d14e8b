//! ONNX Runtime, opened at run time through [`ort`]: every operator, one session per worker.
//!
//! The library is not part of the program: it comes from the operating system's packages or from the Python wheel `onnxruntime`, version 1.24 or later. One library
//! is opened per process, the first that is asked for. Sessions use one thread each: a worker has its own, and two cores
//! would wait for one another over a few microseconds of work.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, OnceLock};

use ort::session::builder::GraphOptimizationLevel;
use ort::session::{Session as OrtSession, SessionInputValue};
use ort::value::{DynMap, DynValue, Tensor, TensorRef};

use crate::call::{Input, Values};
use crate::file::File;
use crate::refusal::{Failure, Refusal};
use crate::session::{Column, Loaded, Session};
use crate::signature::{Dimension, Keys, Kind, Port, Signature};
use crate::tensor::Element;

/// What to do where there is no library.
const HELP: &str = "install ONNX Runtime 1.24 or later (`pip install onnxruntime` or your system's package), and name \
                    `libonnxruntime.so` in ORT_DYLIB_PATH or put it beside this program";

static OPENED: OnceLock<Result<(PathBuf, ort::environment::Environment), String>> = OnceLock::new();

/// A model that ONNX Runtime takes.
#[derive(Debug)]
pub(crate) struct Runtime {
    bytes: Arc<[u8]>,
    signature: Signature,
    /// The session that the file was tried with, for the first worker: large graphs take seconds to load.
    first: Mutex<Option<OrtSession>>,
}

struct Running {
    session: OrtSession,
    signature: Signature,
    columns: Vec<Column>,
    /// Rows that a call is split into where the model takes one at a time.
    is_batched: bool,
}

/// Where the library is: the path given, `ORT_DYLIB_PATH`, beside the program, or where systems put it.
pub fn find(given: Option<&Path>) -> Option<PathBuf> {
    let named = given.map(Path::to_owned).or_else(|| std::env::var_os("ORT_DYLIB_PATH").map(PathBuf::from));
    if let Some(named) = named {
        return Some(named);
    }
    let name = if cfg!(target_os = "macos") {
        "libonnxruntime.dylib"
    } else if cfg!(windows) {
        "onnxruntime.dll"
    } else {
        "libonnxruntime.so"
    };
    let beside = std::env::current_exe().ok().and_then(|program| Some(program.parent()?.to_owned()));
    let places = beside.iter().flat_map(|folder| [folder.clone(), folder.join("lib"), folder.join("../lib")]);
    let usual = [
        "/usr/local/lib",
        "/usr/lib",
        "/usr/lib64",
        "/usr/lib/x86_64-linux-gnu",
        "/usr/lib/aarch64-linux-gnu",
    ];
    places.chain(usual.map(PathBuf::from)).map(|folder| folder.join(name)).find(|path| path.is_file())
}

/// Checks that ONNX Runtime takes a file, and gives what sessions are made from.
pub(crate) fn load(bytes: &[u8], file: &File, library: Option<&Path>) -> Result<Runtime, Refusal> {
    let environment = environment(library)?;
    let mut signature = Signature { inputs: file.inputs().to_vec(), outputs: file.outputs().to_vec() };
    for output in &mut signature.outputs {
        if let (Kind::Map { keys }, Some(node)) = (&mut output.kind, file.maker(&output.name)) {
            let texts = node.texts("classlabels_strings");
            *keys = if texts.is_empty() {
                Keys::Ints(node.ints("classlabels_int64s").to_vec())
            } else {
                Keys::Texts(texts.to_vec())
            };
        }
    }
    for port in signature.inputs.iter().chain(&signature.outputs) {
        if matches!(port.element(), None | Some(Element::Other(_))) {
            return Err(Refusal::unsupported(format!("{port} is nothing that can be passed")));
        }
    }
    let first = session(environment, bytes).map_err(|error| Refusal::unsupported(error.to_string()))?;
    Ok(Runtime { bytes: bytes.into(), signature, first: Mutex::new(Some(first)) })
}

fn environment(library: Option<&Path>) -> Result<&'static ort::environment::Environment, Refusal> {
    let opened = OPENED.get_or_init(|| {
        let path = find(library).ok_or_else(|| format!("ONNX Runtime is not here: {HELP}"))?;
        let failed =
            |error: String| format!("ONNX Runtime at `{}` cannot be used: {error}; {HELP}", path.display());
        let builder = ort::init_from(&path).map_err(|error| failed(error.to_string()))?;
        let environment = builder
            .with_name("weir")
            .with_telemetry(false)
            .build()
            .map_err(|error| failed(error.to_string()))?;
        // What a model prints is no business of a terminal.
        environment.set_log_level(ort::logging::LogLevel::Fatal);
        Ok((path, environment))
    });
    match opened {
        Ok((_, environment)) => Ok(environment),
        Err(error) => Err(Refusal::Absent(error.clone())),
    }
}

fn session(environment: &ort::environment::Environment, bytes: &[u8]) -> ort::Result<OrtSession> {
    let builder = OrtSession::builder(environment)?;
    let builder = builder.with_optimization_level(GraphOptimizationLevel::All)?;
    let builder = builder.with_intra_threads(1)?;
    let builder = builder.with_inter_threads(1)?;
    let builder = builder.with_intra_op_spinning(false)?;
    let mut builder = builder.with_log_level(ort::logging::LogLevel::Fatal)?;
    builder.commit_from_memory(bytes)
}

impl Loaded for Runtime {
    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn session(&self) -> Result<Box<dyn Session>, Failure> {
        let environment = environment(None).map_err(|refusal| Failure::Backend(refusal.to_string()))?;
        let first = self.first.lock().ok().and_then(|mut first| first.take());
        let session = match first {
            Some(session) => session,
            None => session(environment, &self.bytes).map_err(|error| failure(&error))?,
        };
        Ok(Box::new(Running {
            session,
            signature: self.signature.clone(),
            columns: Vec::new(),
            is_batched: self.signature.inputs.iter().all(Port::is_batched),
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
        if rows == 1 || self.is_batched {
            self.columns = self.call(rows, inputs)?;
            return Ok(());
        }
        let mut all: Vec<Column> = Vec::new();
        for row in 0..rows {
            let inputs: Vec<Input<'_>> = inputs.iter().map(|input| input.row(row, rows)).collect();
            let columns = self.call(1, &inputs)?;
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

impl Running {
    fn call(&mut self, rows: usize, inputs: &[Input<'_>]) -> Result<Vec<Column>, Failure> {
        let mut values = Vec::with_capacity(inputs.len());
        for (port, input) in self.signature.inputs.iter().zip(inputs) {
            values.push(value(port, input, rows)?);
        }
        let outputs = self.session.run(values.as_slice()).map_err(|error| failure(&error))?;
        let mut columns = Vec::with_capacity(self.signature.outputs.len());
        for port in &self.signature.outputs {
            let Some(output) = outputs.get(&port.name) else {
                return Err(Failure::Backend(format!("ONNX Runtime gives no output `{}`", port.name)));
            };
            let values = read(port, output).map_err(|error| failure(&error))?;
            let count = match &values {
                Values::Float(values) => values.len(),
                Values::Double(values) => values.len(),
                Values::Int(values) => values.len(),
                Values::Text(values) => values.len(),
            };
            columns.push(Column { values, width: count / rows.max(1) });
        }
        Ok(columns)
    }
}

/// An input as a tensor; numbers of the model's own type are not copied.
fn value<'a>(port: &Port, input: &Input<'a>, rows: usize) -> Result<SessionInputValue<'a>, Failure> {
    let misfit = || Failure::Inputs(format!("the input {port} was given {input}"));
    let shape = shape(port, input.len(), rows).ok_or_else(misfit)?;
    let made = match (port.element(), input) {
        (Some(Element::Float), Input::Float(values)) => {
            TensorRef::from_array_view((shape, *values)).map(SessionInputValue::from)
        }
        (Some(Element::Double), Input::Double(values)) => {
            TensorRef::from_array_view((shape, *values)).map(SessionInputValue::from)
        }
        (Some(Element::Int64), Input::Int(values)) => {
            TensorRef::from_array_view((shape, *values)).map(SessionInputValue::from)
        }
        (Some(Element::Int32), Input::Int(values)) => {
            let narrow = values.iter().map(|value| i32::try_from(*value)).collect::<Result<Vec<i32>, _>>();
            Tensor::from_array((shape, narrow.map_err(|_| misfit())?)).map(SessionInputValue::from)
        }
        (Some(Element::Bool), Input::Int(values)) => {
            let truths: Vec<bool> = values.iter().map(|value| *value != 0).collect();
            Tensor::from_array((shape, truths)).map(SessionInputValue::from)
        }
        (Some(Element::String), Input::Text(values)) => {
            let owned: Vec<String> = values.iter().map(|value| (*value).to_owned()).collect();
            Tensor::from_string_array((shape, owned.as_slice())).map(SessionInputValue::from)
        }
        _ => return Err(misfit()),
    };
    made.map_err(|error| failure(&error))
}

/// The shape of an input for some rows; one dimension that the file leaves open, but for that of rows, is found from the number of values.
fn shape(port: &Port, count: usize, rows: usize) -> Option<Vec<i64>> {
    let Kind::Tensor { shape: Some(shape), .. } = &port.kind else { return None };
    let mut sizes = Vec::with_capacity(shape.len());
    let mut open = None;
    for (at, dimension) in shape.iter().enumerate() {
        sizes.push(match dimension {
            Dimension::Free(_) if at == 0 => rows,
            Dimension::Fixed(size) => *size,
            Dimension::Free(_) if open.is_none() => {
                open = Some(at);
                1
            }
            Dimension::Free(_) => return None,
        });
    }
    let known: usize = sizes.iter().product();
    if let Some(size) = open.and_then(|at| sizes.get_mut(at)) {
        *size = count.checked_div(known)?;
    }
    (sizes.iter().product::<usize>() == count).then(|| sizes.iter().map(|size| *size as i64).collect())
}

fn read(port: &Port, output: &DynValue) -> ort::Result<Values> {
    if let Kind::Map { keys } = &port.kind {
        return read_maps(keys, output);
    }
    Ok(match port.element() {
        Some(Element::Float) => Values::Float(output.try_extract_tensor::<f32>()?.1.to_vec()),
        Some(Element::Double) => Values::Double(output.try_extract_tensor::<f64>()?.1.to_vec()),
        Some(Element::Int32) => {
            Values::Int(output.try_extract_tensor::<i32>()?.1.iter().map(|value| i64::from(*value)).collect())
        }
        Some(Element::Bool) => Values::Int(
            output.try_extract_tensor::<bool>()?.1.iter().map(|value| i64::from(*value)).collect(),
        ),
        Some(Element::String) => Values::Text(output.try_extract_strings()?.1),
        _ => Values::Int(output.try_extract_tensor::<i64>()?.1.to_vec()),
    })
}

fn read_maps(keys: &Keys, output: &DynValue) -> ort::Result<Values> {
    let mut values = Vec::new();
    for map in output.try_extract_sequence::<ort::value::DynMapValueType>()? {
        let map: DynMap = map;
        match keys {
            Keys::Ints(keys) => {
                let read = map.try_extract_map::<i64, f32>()?;
                values.extend(keys.iter().map(|key| read.get(key).copied().unwrap_or(f32::NAN)));
            }
            Keys::Texts(keys) => {
                let read = map.try_extract_map::<String, f32>()?;
                values.extend(keys.iter().map(|key| read.get(key).copied().unwrap_or(f32::NAN)));
            }
        }
    }
    Ok(Values::Float(values))
}

fn failure(error: &ort::Error) -> Failure {
    Failure::Backend(format!("ONNX Runtime: {error}"))
}
