//! The models that policies call: their files, held against what the policies declare, and their answers.
//!
//! ```text
//!  model risk(a: float, b: bool) -> probability from "risk.onnx"
//!    Models::load ──signature fits──▶ Fit: which input takes what, which output answers
//!  Pending { calls } ──Scorer::answers──▶ outcomes ──▶ Engine::resume
//! ```
//!
//! A file that does not fit its declaration, or that no back-end runs, is an error of its policy. One that is not there is a note: what asks it is
//! unknown, as where a model fails on some inputs or its answer is no number.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use smol_str::SmolStr;
use weir_compiler::hir::{Hir, Model as Declared};
use weir_compiler::ids::{IdVec, ModelId};
use weir_compiler::project::Manifest;
use weir_compiler::types::Type;
use weir_compiler::value::Value;
use weir_dsl::{Code, Diagnostic, Severity};
use weir_engine::{CallRequest, Outcome};
use weir_models::{Element, Input, Keys, Kind, Model, Output, Port, Scratch, Signature};

use crate::args::ModelBackend;
use crate::command;
use crate::contents::is_inside;

/// The most bytes of a file that are read.
const MOST_BYTES: u64 = 64 << 20;

/// The models of a rule set; nothing for those that nobody calls.
#[derive(Debug, Default)]
pub struct Models {
    loaded: IdVec<ModelId, Option<Loaded>>,
}

/// A model with what it is declared as.
#[derive(Debug)]
struct Loaded {
    model: Model,
    fit: Fit,
    within: Option<Duration>,
}

/// How a declaration and a file come together.
#[derive(Clone, Debug, PartialEq)]
struct Fit {
    inputs: Inputs,
    /// The types of the arguments.
    types: Vec<Type>,
    /// The output that answers, and how.
    output: usize,
    reading: Reading,
}

/// Which input takes which arguments.
#[derive(Clone, Debug, PartialEq)]
enum Inputs {
    /// One input takes all of them, in order.
    Together(Element),
    /// Each input takes one: by input, its argument.
    Apart(Vec<(Element, usize)>),
}

/// What is read of an output.
#[derive(Clone, Debug, PartialEq)]
enum Reading {
    /// This value, as a number from 0 to 1.
    Probability(usize),
    /// This value, as a number.
    Float(usize),
    Int,
    Bool,
    /// A label: the variant of that name, or at that position.
    Variant(Arc<[SmolStr]>),
}

impl Models {
    /// Loads the models that a rule set calls: the file that `weir.toml` names or the declaration does, in the project. What cannot be read,
    /// or fits the declaration badly, is said at the declaration.
    pub(crate) fn load(manifest: &Manifest, hir: &Hir, root: Option<&Path>) -> (Self, Vec<Diagnostic>) {
        let mut diagnostics = Vec::new();
        let mut loaded: IdVec<ModelId, Option<Loaded>> =
            hir.declarations.models.ids().map(|_| None).collect();
        let called: BTreeSet<ModelId> = hir.calls.values().map(|call| call.model).collect();
        for id in called {
            let (Some(declared), Some(place)) = (hir.declarations.models.get(id), loaded.get_mut(id)) else {
                continue;
            };
            if declared.output == Type::Error || declared.inputs.iter().any(|(_, ty)| *ty == Type::Error) {
                continue; // said where it is declared
            }
            let named = manifest.models.get(&declared.named.name);
            let file = named.map_or(declared.file.as_str(), |named| named.file.as_str());
            let sha256 = named.and_then(|named| named.sha256.as_deref());
            match Loaded::new(declared, file, sha256, root) {
                Ok(model) => *place = Some(model),
                Err(wrong) => {
                    let code = if wrong.is_missing { Code::MISSING_FILE } else { Code::BAD_MODEL };
                    let mut diagnostic = Diagnostic::new(code, declared.named.at, wrong.title);
                    diagnostic.help = wrong.help;
                    if wrong.is_missing {
                        // Policies with models run where the models are not: what asks one is unknown.
                        diagnostic.severity = Severity::Note;
                    }
                    diagnostics.push(diagnostic);
                }
            }
        }
        (Self { loaded }, diagnostics)
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.loaded.values().all(Option::is_none)
    }
}

/// Why a model cannot be used.
struct Wrong {
    is_missing: bool,
    title: String,
    help: Option<String>,
}

impl Wrong {
    fn misfit(title: String, signature: &Signature) -> Self {
        let of = |ports: &[Port]| ports.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
        let help = format!("the file takes {}; it answers {}", of(&signature.inputs), of(&signature.outputs));
        Self { is_missing: false, title, help: Some(help) }
    }
}

impl Loaded {
    fn new(
        declared: &Declared,
        file: &str,
        sha256: Option<&str>,
        root: Option<&Path>,
    ) -> Result<Self, Wrong> {
        let name = &declared.named.name;
        let missing = |title| Wrong { is_missing: true, title, help: None };
        if !is_inside(file) {
            return Err(missing(format!("the file of model `{name}` is outside the project: `{file}`")));
        }
        let Some(path) = root.map(|root| root.join(file)).filter(|path| path.is_file()) else {
            return Err(missing(format!("there is no `{file}`, the file of model `{name}`")));
        };
        let unreadable =
            |why: &dyn std::fmt::Display| missing(format!("cannot read `{}`: {why}", path.display()));
        if fs::metadata(&path).map_err(|error| unreadable(&error))?.len() > MOST_BYTES {
            return Err(unreadable(&format!("it has more than {} MiB", MOST_BYTES >> 20)));
        }
        let model = command::model::load(&path, ModelBackend::Auto).map_err(|failure| Wrong {
            is_missing: false,
            title: format!("model `{name}` cannot run"),
            help: Some(failure.to_string()),
        })?;
        if let Some(wanted) = sha256
            && !wanted.eq_ignore_ascii_case(&model.description().sha256)
        {
            let title = format!("`{file}` is not the file of model `{name}` that `weir.toml` names");
            let help = Some(format!("its SHA-256 is {}", model.description().sha256));
            return Err(Wrong { is_missing: false, title, help });
        }
        let fit = Fit::new(declared, model.signature()).map_err(|why| {
            Wrong::misfit(format!("model `{name}` does not fit its file: {why}"), model.signature())
        })?;
        let within = declared.within.and_then(|ms| u64::try_from(ms).ok()).map(Duration::from_millis);
        Ok(Self { model, fit, within })
    }
}

impl Fit {
    fn new(declared: &Declared, signature: &Signature) -> Result<Self, String> {
        let inputs = Inputs::new(&declared.inputs, &signature.inputs)?;
        // Classifiers answer a label and then numbers: the last that can be read so is meant.
        let found = signature
            .outputs
            .iter()
            .enumerate()
            .rev()
            .find_map(|(nth, port)| Some((nth, Reading::new(&declared.output, port)?)));
        let (output, reading) =
            found.ok_or_else(|| format!("none of its outputs is a `{}`", declared.output))?;
        let types = declared.inputs.iter().map(|(_, ty)| ty.clone()).collect();
        Ok(Self { inputs, types, output, reading })
    }
}

impl Inputs {
    fn new(declared: &[(SmolStr, Type)], ports: &[Port]) -> Result<Self, String> {
        let element = |port: &Port| {
            let element = port.element().filter(|element| !matches!(element, Element::Other(_)));
            element.ok_or_else(|| format!("its input `{}` is {}", port.name, port.kind))
        };
        if let [port] = ports
            && (declared.len() != 1 || port.width() == Some(1))
        {
            let element = element(port)?;
            if let Some(width) = port.width().filter(|width| *width != declared.len()) {
                return Err(format!("it takes {width} values, and {} are declared", declared.len()));
            }
            declared.iter().try_for_each(|(name, ty)| convertible(name, ty, element))?;
            return Ok(Self::Together(element));
        }
        if ports.len() != declared.len() {
            return Err(format!("it has {} inputs, and {} are declared", ports.len(), declared.len()));
        }
        // By name where it has all of them, otherwise in order.
        let is_named = declared.iter().all(|(name, _)| ports.iter().any(|port| port.name == **name));
        let apart = ports.iter().enumerate().map(|(nth, port)| {
            let argument = if is_named {
                declared.iter().position(|(name, _)| port.name == **name).unwrap_or(nth)
            } else {
                nth
            };
            let element = element(port)?;
            if port.width().is_some_and(|width| width != 1) {
                return Err(format!(
                    "its input `{}` takes {}, and one value is declared",
                    port.name, port.kind
                ));
            }
            if let Some((name, ty)) = declared.get(argument) {
                convertible(name, ty, element)?;
            }
            Ok((element, argument))
        });
        Ok(Self::Apart(apart.collect::<Result<_, String>>()?))
    }
}

/// Whether values of a type can stand as elements.
fn convertible(name: &str, ty: &Type, element: Element) -> Result<(), String> {
    let is_text = matches!(ty, Type::Text | Type::Id(_) | Type::Fingerprint | Type::Country);
    let is_number = matches!(
        ty,
        Type::Int
            | Type::Float
            | Type::Bool
            | Type::Probability
            | Type::Rate
            | Type::Duration
            | Type::Timestamp
            | Type::Asn
    );
    let fits = match element {
        Element::String => is_text || matches!(ty, Type::Enum(_)),
        Element::Other(_) => false,
        _ => is_number || matches!(ty, Type::Enum(_)),
    };
    if fits { Ok(()) } else { Err(format!("`{name}` is {ty}, and the file takes {element} there")) }
}

impl Reading {
    /// How an output answers a type; nothing where it cannot.
    fn new(ty: &Type, port: &Port) -> Option<Self> {
        let element = port.element()?;
        let is_float = matches!(element, Element::Float | Element::Double);
        let is_int = matches!(element, Element::Int64 | Element::Int32 | Element::Bool);
        let width = match &port.kind {
            Kind::Map { keys: Keys::Ints(keys) } => keys.len(),
            Kind::Map { keys: Keys::Texts(keys) } => keys.len(),
            _ => port.width().unwrap_or(1),
        };
        Some(match (ty, width) {
            // Of two classes the second is the one that is asked for.
            (Type::Probability, 2) if is_float => Self::Probability(1),
            (Type::Probability, 1) if is_float => Self::Probability(0),
            (Type::Float, 1) if is_float => Self::Float(0),
            (Type::Int, 1) if is_int => Self::Int,
            (Type::Bool, 1) if is_int => Self::Bool,
            (Type::Enum(variants), 1) if is_int || element == Element::String => {
                Self::Variant(Arc::clone(variants))
            }
            _ => return None,
        })
    }

    /// The answer; nothing where it is none, as NaN is, or a probability beyond 1.
    fn read(&self, output: Output<'_>) -> Option<Value> {
        // What a sum of rounded numbers may be beyond.
        const ROUNDING: f64 = 1e-6;
        match self {
            Self::Probability(nth) => {
                let number = output.number(*nth).filter(|p| (-ROUNDING..=1.0 + ROUNDING).contains(p))?;
                Value::float(number.clamp(0.0, 1.0))
            }
            Self::Float(nth) => Value::float(output.number(*nth)?),
            Self::Int => integer(output).map(Value::Int),
            Self::Bool => match integer(output)? {
                0 => Some(Value::Bool(false)),
                1 => Some(Value::Bool(true)),
                _ => None,
            },
            Self::Variant(variants) => {
                let at = match output.text(0) {
                    Some(label) => variants.iter().position(|variant| **variant == *label)?,
                    None => usize::try_from(integer(output)?).ok().filter(|at| *at < variants.len())?,
                };
                u16::try_from(at).ok().map(Value::Variant)
            }
        }
    }
}

fn integer(output: Output<'_>) -> Option<i64> {
    match output {
        Output::Int(values) => values.first().copied(),
        _ => None,
    }
}

/// The arguments of one input.
enum Cells {
    Float(Vec<f32>),
    Double(Vec<f64>),
    Int(Vec<i64>),
    Text(Vec<SmolStr>),
}

impl Cells {
    /// Arguments as elements; nothing where one has no such form.
    fn new<'v>(element: Element, arguments: impl Iterator<Item = (&'v Value, &'v Type)>) -> Option<Self> {
        Some(match element {
            Element::Float => {
                Self::Float(arguments.map(|(value, _)| Some(number(value)? as f32)).collect::<Option<_>>()?)
            }
            Element::Double => {
                Self::Double(arguments.map(|(value, _)| number(value)).collect::<Option<_>>()?)
            }
            Element::Int64 | Element::Int32 | Element::Bool => {
                Self::Int(arguments.map(|(value, _)| whole(value)).collect::<Option<_>>()?)
            }
            Element::String => {
                Self::Text(arguments.map(|(value, ty)| text(value, ty)).collect::<Option<_>>()?)
            }
            Element::Other(_) => return None,
        })
    }
}

fn number(value: &Value) -> Option<f64> {
    match value {
        Value::Float(float) => Some(*float),
        _ => whole(value).map(|whole| whole as f64),
    }
}

/// Durations and times are milliseconds, variants their position.
fn whole(value: &Value) -> Option<i64> {
    match value {
        Value::Int(whole) | Value::Duration(whole) | Value::Time(whole) => Some(*whole),
        Value::Bool(truth) => Some(i64::from(*truth)),
        Value::Asn(asn) => Some(i64::from(*asn)),
        Value::Variant(at) => Some(i64::from(*at)),
        _ => None,
    }
}

fn text(value: &Value, ty: &Type) -> Option<SmolStr> {
    match (value, ty) {
        (Value::Text(text), _) => Some(SmolStr::new(text)),
        (Value::Variant(at), Type::Enum(variants)) => variants.get(usize::from(*at)).cloned(),
        (Value::Country(country), _) => std::str::from_utf8(&country.0).ok().map(SmolStr::new),
        _ => None,
    }
}

/// Calls models, one after the other; without models, every call fails.
#[derive(Debug, Default)]
pub struct Scorer {
    models: Arc<Models>,
    rooms: IdVec<ModelId, Option<Scratch>>,
    /// Whether an answer past its deadline is late. Not where time is that of a log.
    is_live: bool,
}

impl Scorer {
    /// For these models.
    pub fn new(models: Arc<Models>, is_live: bool) -> Self {
        let rooms = models.loaded.values().map(|loaded| loaded.as_ref()?.model.scratch().ok()).collect();
        Self { models, rooms, is_live }
    }

    /// What comes of questions, in their order. A model that is asked the same again is called once.
    pub fn answers(&mut self, calls: &[CallRequest]) -> Vec<Outcome> {
        let mut answers: Vec<Outcome> = Vec::with_capacity(calls.len());
        for (nth, call) in calls.iter().enumerate() {
            let same = |known: &CallRequest| known.model == call.model && known.inputs == call.inputs;
            let known = calls.iter().take(nth).position(same).and_then(|at| answers.get(at).cloned());
            answers.push(known.unwrap_or_else(|| self.answer(call).unwrap_or(Outcome::Failed)));
        }
        answers
    }

    fn answer(&mut self, call: &CallRequest) -> Option<Outcome> {
        let Loaded { model, fit, within } = self.models.loaded.get(call.model)?.as_ref()?;
        let room = self.rooms.get_mut(call.model)?.as_mut()?;
        let began = Instant::now();
        let cells: Vec<Cells> = match &fit.inputs {
            Inputs::Together(element) => vec![Cells::new(*element, call.inputs.iter().zip(&fit.types))?],
            Inputs::Apart(apart) => {
                let cell = |(element, argument): &(Element, usize)| {
                    let argument = (call.inputs.get(*argument)?, fit.types.get(*argument)?);
                    Cells::new(*element, std::iter::once(argument))
                };
                apart.iter().map(cell).collect::<Option<_>>()?
            }
        };
        let texts: Vec<Vec<&str>> = cells
            .iter()
            .map(|cells| {
                if let Cells::Text(texts) = cells {
                    texts.iter().map(|text| &**text).collect()
                } else {
                    Vec::new()
                }
            })
            .collect();
        let inputs: Vec<Input<'_>> = cells
            .iter()
            .zip(&texts)
            .map(|(cells, texts)| match cells {
                Cells::Float(values) => Input::Float(values),
                Cells::Double(values) => Input::Double(values),
                Cells::Int(values) => Input::Int(values),
                Cells::Text(_) => Input::Text(texts),
            })
            .collect();
        let outputs = model.score(room, &inputs).ok()?;
        if self.is_live && within.is_some_and(|within| began.elapsed() > within) {
            return Some(Outcome::Late);
        }
        outputs.get(fit.output).and_then(|output| fit.reading.read(output)).map(Outcome::Answer)
    }
}
