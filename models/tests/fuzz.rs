//! The loader on mutated models, for `WEIR_FUZZ_SECONDS` (default 2) seconds.
//!
//! `WEIR_FUZZ_SEED` says where to begin; the seed is printed, and the input of a failure is written below the target folder.
#![allow(
    dead_code,
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::print_stdout,
    reason = "a test may panic and print"
)]

#[path = "common/make.rs"]
mod make;
#[path = "../src/proto.rs"]
mod proto;
#[path = "common/random.rs"]
mod runtime;

use std::path::Path;
use std::time::{Duration, Instant};

use prost::Message as _;
use runtime::Random;
use weir_models::fuzzing::fuzz_load;

/// Bytes changed without regard to what they mean.
fn mutate(bytes: &mut Vec<u8>, other: &[u8], random: &mut Random) {
    let at = random.below(bytes.len() + 1);
    let end = (at + random.below(24)).min(bytes.len());
    match random.below(7) {
        0 if at < end => bytes[at] ^= 1 << random.below(8),
        1 if at < end => bytes[at] = random.next() as u8,
        2 => bytes.insert(at, random.next() as u8),
        3 => drop(bytes.drain(at..end)),
        4 => drop(bytes.splice(at..at, [0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01])),
        5 => {
            let copy = bytes[at..end].repeat(random.below(40));
            drop(bytes.splice(at..at, copy));
        }
        _ => {
            let from = random.below(other.len() + 1);
            let part = &other[from..(from + random.below(200)).min(other.len())];
            drop(bytes.splice(at..end, part.iter().copied()));
        }
    }
}

/// A model that decodes still: its lists, numbers and names changed one by one.
fn rewrite(bytes: &[u8], random: &mut Random) -> Option<Vec<u8>> {
    let mut model = proto::Model::decode(bytes).ok()?;
    let mut graph = proto::Graph::decode(model.graph.take()?).ok()?;
    let at = random.below(graph.node.len());
    let mut node = proto::Node::decode(graph.node.get(at)?.clone()).ok()?;
    let odd = [0, 1, -1, 2, i64::MAX, i64::MIN, 1 << 31, 1 << 20, 7];
    match random.below(5) {
        0 => {
            let tensors = &mut graph.initializer;
            let which = random.below(tensors.len());
            let mut tensor = proto::Tensor::decode(tensors.get(which)?.clone()).ok()?;
            match random.below(3) {
                0 => tensor.dims.push(*random.choose(&odd)),
                1 => tensor.int64_data.iter_mut().for_each(|value| *value = *random.choose(&odd)),
                _ => tensor.data_type = random.below(14) as i32,
            }
            tensors[which] = tensor.encode_to_vec().into();
        }
        1 => {
            let names: Vec<String> = node.input.iter().chain(&node.output).cloned().collect();
            let name = names.get(random.below(names.len()))?.clone();
            let count = node.input.len();
            *node.input.get_mut(random.below(count))? = name;
        }
        2 => {
            node.op_type = (*random
                .choose(&["Add", "Concat", "Reshape", "Gather", "TopK", "ZipMap", "MatMul", "Slice"]))
            .into()
        }
        _ => {
            let which = random.below(node.attribute.len());
            let mut attribute = proto::Attribute::decode(node.attribute.get(which)?.clone()).ok()?;
            attribute.i = *random.choose(&odd);
            attribute.f = *random.choose(&[f32::NAN, f32::INFINITY, -0.0]);
            let (ints, floats, texts) =
                (attribute.ints.len(), attribute.floats.len(), attribute.strings.len());
            if ints > 0 {
                attribute.ints[random.below(ints)] = *random.choose(&odd);
            }
            if floats > 0 {
                attribute.floats[random.below(floats)] = f32::NAN;
            }
            if random.chance(3) {
                attribute.ints.truncate(random.below(ints + 1));
                attribute.floats.truncate(random.below(floats + 1));
                attribute.strings.truncate(random.below(texts + 1));
            }
            node.attribute[which] = attribute.encode_to_vec().into();
        }
    }
    graph.node[at] = node.encode_to_vec().into();
    model.graph = Some(graph.encode_to_vec().into());
    Some(model.encode_to_vec())
}

#[test]
fn models_are_loaded_or_refused() {
    let number = |name: &str, otherwise: u64| {
        std::env::var(name).ok().map_or(otherwise, |value| value.parse().unwrap())
    };
    let (seconds, seed) = (number("WEIR_FUZZ_SECONDS", 2), number("WEIR_FUZZ_SEED", 1));
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/corpus");
    let mut seeds: Vec<Vec<u8>> = Vec::new();
    let mut paths: Vec<_> = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    for path in paths.iter().filter(|path| path.extension().is_some_and(|extension| extension == "onnx")) {
        let bytes = std::fs::read(path).unwrap();
        if bytes.len() < 8_000 {
            fuzz_load(&bytes);
            seeds.push(bytes);
        }
    }
    let mut random = Random(seed);
    let start = Instant::now();
    let mut rounds = 0_u64;
    while start.elapsed() < Duration::from_secs(seconds) {
        let mut bytes =
            if random.chance(2) { make::model(&mut random).bytes } else { random.choose(&seeds).clone() };
        for _ in 0..random.below(4) {
            if let Some(other) = rewrite(&bytes, &mut random) {
                bytes = other;
            }
        }
        if random.chance(3) {
            let other = random.choose(&seeds).clone();
            mutate(&mut bytes, &other, &mut random);
        }
        if let Err(panic) = std::panic::catch_unwind(|| fuzz_load(&bytes)) {
            let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join("models_are_loaded_or_refused.crash");
            std::fs::write(&path, &bytes).unwrap();
            println!("seed {seed}, round {rounds}: input written to {}", path.display());
            std::panic::resume_unwind(panic);
        }
        rounds += 1;
    }
    println!("seed {seed}: {rounds} rounds in {seconds} s");
    assert!(rounds > 0);
}
