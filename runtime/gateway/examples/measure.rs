//! Reads logs and prints what a run costs and what it rejected: `cargo run --release --example measure -- FILE…`.
#![expect(clippy::print_stdout, clippy::print_stderr, reason = "a program for people")]

use std::io::{BufRead, BufReader};
use std::process::ExitCode;
use std::time::Instant;

use weir_gateway::{Compression, Format, Input, InputError, Item, Reader, ReaderOptions};

fn main() -> ExitCode {
    let inputs: Vec<Input> = std::env::args().skip(1).map(Input::from_argument).collect();
    let reader = match whole(inputs) {
        Ok(reader) => reader,
        Err(error) => {
            eprintln!("{error}");
            return ExitCode::from(2);
        }
    };
    for facts in reader.inputs() {
        println!("{}: {:?}, {:?}", facts.input, facts.compression, facts.format);
        if let (Input::File(path), Compression::None, Some(format)) =
            (&facts.input, facts.compression, facts.format)
            && let Ok(file) = std::fs::File::open(path)
        {
            parse_only(format, BufReader::new(file));
        }
    }
    ExitCode::SUCCESS
}

/// Inputs to ordered records.
fn whole(inputs: Vec<Input>) -> Result<Reader, InputError> {
    let mut reader = Reader::new(inputs, ReaderOptions::default())?;
    let start = Instant::now();
    let (mut last, mut disorder, mut held) = (i64::MIN, 0_u64, 0);
    for item in reader.by_ref() {
        match item {
            Item::Record(record) => {
                disorder += u64::from(record.parsed.ts_ms() < last);
                last = record.parsed.ts_ms();
                held += record.parsed.held_bytes();
            }
            Item::Reject(_) => {}
            Item::Failed(error) => eprintln!("{error}"),
        }
    }
    let seconds = start.elapsed().as_secs_f64();
    let progress = reader.progress();
    println!("{progress:?}, {disorder} out of order");
    println!("{} bytes held by a record", held as u64 / progress.records.max(1));
    println!(
        "{:.0} lines/s, {:.0} ns/line",
        progress.lines as f64 / seconds,
        seconds * 1e9 / progress.lines as f64
    );
    for tally in reader.rejects().tallies() {
        println!("{:6} {}", tally.count, tally.reason);
        for sample in &tally.samples {
            println!("       {}: {}", sample.seq, sample.sample);
        }
    }
    Ok(reader)
}

/// The parser alone, over uncompressed lines already in memory; the best of ten rounds.
fn parse_only(format: Format, file: impl BufRead) {
    let lines: Vec<Vec<u8>> = file.split(b'\n').map_while(Result::ok).collect();
    let best = (0..10)
        .map(|_| {
            let start = Instant::now();
            let parsed = lines.iter().filter(|line| std::hint::black_box(format.parse(line)).is_ok()).count();
            (start.elapsed(), parsed)
        })
        .min();
    if let Some((time, parsed)) = best {
        let each = time.as_nanos() as f64 / lines.len().max(1) as f64;
        println!("  {parsed} of {} lines parse, {each:.0} ns each", lines.len());
    }
}
