//! What chunks become, as text: for people and for golden files.

use std::ops::Range;
use std::thread;

use weir_plan::Plan;

use crate::chunk::chunks;
use crate::compile::{Backend, Bench, Fault, Generation};
use crate::compiler::STACK;
use crate::refusal::Refusal;

/// A chunk as text.
#[derive(Clone, Debug, PartialEq)]
pub struct Texts {
    /// What it does.
    pub chunk: String,
    /// The intermediate form.
    pub clif: String,
    /// The instructions, as the code generator names them.
    pub asm: String,
}

/// The texts of each chunk of a plan; where one is refused, why. The instructions are this machine's. Cost: that of compiling.
pub fn texts(plan: &Plan, generation: Generation) -> Vec<(Range<usize>, Result<Texts, Refusal>)> {
    let work = || {
        let backend = Backend::new(generation);
        let mut bench = Bench::default();
        let texts = chunks(plan).into_iter().map(|(groups, chunk)| {
            let texts = backend.as_ref().map_err(Refusal::clone).and_then(|backend| {
                let chunk = chunk?;
                let compiled = backend.compile(&chunk, &mut bench, Fault::None, true)?;
                let (clif, asm) = compiled.into_texts();
                Ok(Texts { chunk: chunk.text().to_owned(), clif, asm })
            });
            (groups, texts)
        });
        texts.collect()
    };
    thread::scope(|scope| {
        let thread = thread::Builder::new().stack_size(STACK).spawn_scoped(scope, work);
        let refused = |refusal| vec![(0..plan.groups().len(), Err(refusal))];
        match thread {
            Ok(thread) => thread.join().unwrap_or_else(|_| refused(Refusal::Panicked)),
            Err(error) => refused(Refusal::Unsupported(format!("no thread to compile on: {error}"))),
        }
    })
}
