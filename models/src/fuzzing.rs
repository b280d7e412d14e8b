//! For fuzzers: what any bytes may be given to.

use crate::call::Input;
use crate::limits::Limits;
use crate::model::{Backend, Choice, Model, Options};
use crate::tensor::Element;

/// Loads the bytes into the native back-end within small limits, and scores a few odd rows where they are a model.
pub fn fuzz_load(bytes: &[u8]) {
    let limits = Limits {
        bytes: 1 << 20,
        nodes: 5_000,
        elements: 1 << 18,
        tree_nodes: 1 << 17,
        memory: 1 << 18,
        work: 1 << 18,
        ..Limits::default()
    };
    let options = Options { backend: Choice::Only(Backend::Native), limits, onnxruntime: None };
    let Ok(model) = Model::load(bytes, &options) else { return };
    let Ok(mut scratch) = model.scratch() else { return };
    for fill in [0.0_f32, -0.0, 1.5, f32::NAN, f32::INFINITY, f32::NEG_INFINITY, f32::MAX, f32::MIN_POSITIVE]
    {
        let ports = &model.signature().inputs;
        let widths: Vec<usize> = ports.iter().map(|port| port.width().unwrap_or(1)).collect();
        let widest = widths.iter().copied().max().unwrap_or(1);
        let floats = vec![fill; widest];
        let doubles = vec![f64::from(fill); widest];
        let ints = vec![fill as i64; widest];
        let texts = vec![if fill.is_nan() { "" } else { "US" }; widest];
        let inputs: Vec<Input<'_>> = ports
            .iter()
            .zip(&widths)
            .map(|(port, width)| match port.element() {
                Some(Element::Double) => Input::Double(doubles.get(..*width).unwrap_or(&[])),
                Some(Element::Float) | None => Input::Float(floats.get(..*width).unwrap_or(&[])),
                Some(Element::String) => Input::Text(texts.get(..*width).unwrap_or(&[])),
                Some(_) => Input::Int(ints.get(..*width).unwrap_or(&[])),
            })
            .collect();
        if let Ok(outputs) = model.score(&mut scratch, &inputs) {
            for nth in 0..model.signature().outputs.len() {
                std::hint::black_box(outputs.get(nth).map(|output| output.to_owned()));
            }
        }
    }
}
