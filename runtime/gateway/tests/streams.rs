//! Inputs as bytes: compression, damage, several inputs, limits, progress, stopping.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test stops at the first surprise"
)]

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use weir_gateway::{
    Compression, Format, FormatChoice, Input, InputError, Item, Reader, ReaderOptions, RejectReason,
    ReorderLimits,
};

fn data(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/streams").join(name)
}

fn memory(bytes: Vec<u8>) -> Input {
    Input::Memory { name: "memory".into(), bytes: bytes.into() }
}

fn combined() -> ReaderOptions {
    ReaderOptions { format: FormatChoice::Is(Format::Combined), ..ReaderOptions::default() }
}

struct Run {
    paths: Vec<String>,
    rejects: u64,
    failures: Vec<InputError>,
    compression: Vec<Compression>,
}

fn run(inputs: Vec<Input>, options: ReaderOptions) -> Run {
    let mut reader = Reader::new(inputs, options).unwrap();
    let (mut paths, mut failures) = (Vec::new(), Vec::new());
    for item in reader.by_ref() {
        match item {
            Item::Record(record) => match record.parsed {
                weir_gateway::Parsed::Exchange(e) => paths.push(e.path.unwrap_or_default().to_string()),
                weir_gateway::Parsed::Typed(e) => paths.push(e.event.to_string()),
            },
            Item::Failed(error) => failures.push(error),
            Item::Reject(_) => {}
        }
    }
    let progress = reader.progress();
    if failures.is_empty() {
        assert_eq!(Some(progress.bytes_read), progress.bytes_total, "every byte was read");
    }
    Run {
        paths,
        rejects: reader.rejects().total(),
        failures,
        compression: reader.inputs().iter().map(|f| f.compression).collect(),
    }
}

/// Files written by gzip, xz (padding between the streams) and zstd (a skippable frame between), in two members.
#[test]
fn members_written_by_the_real_tools() {
    let want: Vec<_> = (0..8).map(|n| format!("/page/{n}")).collect();
    for (name, compression) in [
        ("two-members.log", Compression::None),
        ("two-members.log.gz", Compression::Gzip),
        ("two-members.log.xz", Compression::Xz),
        ("two-members.log.zst", Compression::Zstd),
    ] {
        let got = run(vec![Input::File(data(name))], ReaderOptions::default());
        assert_eq!(got.paths, want, "{name}");
        assert_eq!((got.rejects, got.failures, got.compression), (0, vec![], vec![compression]), "{name}");
    }
}

#[test]
fn a_stream_cut_anywhere_gives_its_lines_and_one_error() {
    for name in ["two-members.log.gz", "two-members.log.xz", "two-members.log.zst"] {
        let whole = std::fs::read(data(name)).unwrap();
        let all = run(vec![memory(whole.clone())], combined()).paths;
        let mut complete = 0;
        let mut most = 0;
        for cut in 1..whole.len() {
            let got = run(vec![memory(whole[..cut].to_vec())], combined());
            assert!(all.starts_with(&got.paths), "{name} cut at {cut}: {:?}", got.paths);
            if got.failures.is_empty() {
                // One byte, which could begin anything; or the cut fell between members or into padding.
                assert!(cut == 1 || got.paths.len() == 4, "{name} cut at {cut} went unnoticed");
                complete += 1;
            } else {
                assert_eq!(got.failures.len(), 1);
                assert_eq!(got.rejects, 0, "{name} cut at {cut}: a cut line is no line");
                let told = got.failures[0].to_string();
                assert!(told.starts_with("memory: "), "{told}");
                // xz tells a cut in the second stream's magic as damage.
                assert!(
                    name.ends_with("xz") || told.ends_with("ends before its compressed data does"),
                    "{told}"
                );
                assert!(got.failures[0].offset <= cut as u64, "{told}");
            }
            most = most.max(got.paths.len());
        }
        assert!(complete <= 4, "{name}: {complete} cuts went unnoticed");
        assert!(most >= 4, "{name}: no cut gave the first member's lines");
    }
}

#[test]
fn a_stream_damaged_anywhere_never_panics_and_is_noticed() {
    for name in ["two-members.log.gz", "two-members.log.xz", "two-members.log.zst"] {
        let whole = std::fs::read(data(name)).unwrap();
        let all = run(vec![memory(whole.clone())], combined()).paths;
        for at in 0..whole.len() {
            for flip in [0x01, 0x80, 0xff] {
                let mut bytes = whole.clone();
                bytes[at] ^= flip;
                let got = run(vec![memory(bytes)], combined());
                // The first member of each carries a checksum: damage in it is an error or changes nothing.
                assert!(got.failures.len() <= 1);
                let harmless = got.paths == all;
                let noticed = !got.failures.is_empty() || got.rejects > 0;
                assert!(harmless || noticed || at > whole.len() / 2, "{name} damaged at {at} with {flip:#x}");
            }
        }
    }
}

#[test]
fn oversized_windows_are_refused_before_they_are_allocated() {
    for name in ["window-too-large.log.xz", "window-too-large.log.zst"] {
        let got = run(vec![Input::File(data(name))], combined());
        assert_eq!((got.paths.len(), got.failures.len()), (0, 1), "{name}");
        let told = got.failures[0].to_string();
        assert!(told.contains(name) && told.contains("too much memory"), "{told}");
    }
}

/// A long stream through each of our own compressors, larger than every buffer on the way.
#[test]
fn long_streams() {
    let mut text = Vec::new();
    for n in 0..30_000_u32 {
        writeln!(text, "192.0.2.1 - - [20/Feb/2016:{:02}:{:02}:{:02} +0000] \"GET /{n} HTTP/1.1\" 200 {} \"-\" \"agent {}\"",
            n / 3600, n / 60 % 60, n % 60, n.wrapping_mul(2_654_435_761), n.wrapping_mul(40_503)).unwrap();
    }
    let mut gz = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    gz.write_all(&text).unwrap();
    let mut xz = lzma_rust2::XzWriter::new(Vec::new(), lzma_rust2::XzOptions::with_preset(1)).unwrap();
    xz.write_all(&text).unwrap();
    let zst = ruzstd::encoding::compress_to_vec(text.as_slice(), ruzstd::encoding::CompressionLevel::Fastest);
    for bytes in [gz.finish().unwrap(), xz.finish().unwrap(), zst, text] {
        let got = run(vec![memory(bytes)], ReaderOptions::default());
        assert_eq!(got.paths.len(), 30_000, "{:?}", got.compression);
        assert!(got.paths.iter().enumerate().all(|(n, path)| *path == format!("/{n}")));
        assert!(got.failures.is_empty());
    }
}

#[test]
fn inputs_in_turn_share_one_numbering_and_trouble_in_one_spares_the_rest() {
    let line = |second: u32| {
        format!("192.0.2.1 - - [20/Feb/2016:00:00:{second:02} +0000] \"GET /{second} HTTP/1.1\" 200 1")
    };
    let first = memory(format!("{}\n{}", line(10), line(30)).into_bytes());
    let cut = memory(std::fs::read(data("two-members.log.gz")).unwrap()[..100].to_vec());
    let last = memory(b"{\"event\":\"login\",\"ts\":1455926420000}\nnoise\n".to_vec());
    let mut reader = Reader::new(vec![first, cut, last], ReaderOptions::default()).unwrap();
    let (mut order, mut failures) = (Vec::new(), 0);
    for item in reader.by_ref() {
        match item {
            Item::Record(r) => order.push((r.seq, r.parsed.ts_ms() - 1_455_926_400_000)),
            Item::Reject(r) => assert_eq!((r.seq, r.reason), (3, RejectReason::NotJson)),
            Item::Failed(_) => failures += 1,
        }
    }
    assert_eq!(order, [(0, 10_000), (2, 20_000), (1, 30_000)]);
    assert_eq!(failures, 1);
    let formats: Vec<_> = reader.inputs().iter().map(|f| f.format).collect();
    assert_eq!(formats, [Some(Format::Combined), None, Some(Format::Ndjson)]);
}

#[test]
fn missing_files_and_folders_are_errors_before_anything_is_read() {
    let missing = Reader::new(vec![Input::File("no/such/file.log".into())], ReaderOptions::default());
    let told = missing.err().unwrap().to_string();
    assert!(told.starts_with("no/such/file.log: "), "{told}");
    let folder = Reader::new(vec![Input::File(data(""))], ReaderOptions::default());
    assert!(folder.err().unwrap().to_string().ends_with("is a directory"));
    assert_eq!(Input::from_argument("-"), Input::Stdin);
}

#[test]
fn a_ten_megabyte_line_is_one_reject() {
    let good = "192.0.2.1 - - [20/Feb/2016:00:00:01 +0000] \"GET /good HTTP/1.1\" 200 1\n";
    let mut text = good.as_bytes().to_vec();
    text.resize(text.len() + 10_000_000, b'a');
    text.push(b'\n');
    text.extend_from_slice(good.as_bytes());
    text.extend(std::iter::repeat_n(0, 2_000_000)); // and one without an end
    let mut reader = Reader::new(vec![memory(text)], ReaderOptions::default()).unwrap();
    let records = reader.by_ref().filter(|i| matches!(i, Item::Record(_))).count();
    assert_eq!(records, 2);
    let tally = &reader.rejects().tallies()[0];
    assert_eq!((tally.reason, tally.count), (RejectReason::TooLong, 2));
    assert_eq!(tally.samples.iter().map(|s| s.seq).collect::<Vec<_>>(), [1, 3]);
    assert_eq!(tally.samples[0].sample.as_ref(), "a".repeat(160));
}

#[test]
fn the_stop_flag_ends_the_run_at_once() {
    let stop = Arc::new(AtomicBool::new(false));
    let reorder = ReorderLimits { horizon_ms: 0, ..ReorderLimits::default() };
    let options = ReaderOptions { stop: Arc::clone(&stop), reorder, ..combined() };
    let mut reader = Reader::new(vec![Input::File(data("two-members.log"))], options).unwrap();
    assert!(matches!(reader.next(), Some(Item::Record(_))));
    assert!(matches!(reader.next(), Some(Item::Record(_))));
    stop.store(true, Ordering::Relaxed);
    assert_eq!(reader.next(), None);
    let progress = reader.progress();
    assert_eq!((progress.lines, progress.records), (2, 2));
    assert!(progress.bytes_read < progress.bytes_total.unwrap());
}

/// What the buffer holds stays within its budget however long the log is.
#[test]
fn what_is_held_does_not_grow_with_the_input() {
    let line = "192.0.2.1 - - [20/Feb/2016:00:00:01 +0000] \"GET / HTTP/1.1\" 200 1\n";
    for lines in [2_000, 20_000] {
        let reorder = ReorderLimits { max_items: 500, ..ReorderLimits::default() };
        let options = ReaderOptions { reorder, ..combined() };
        let mut reader = Reader::new(vec![memory(line.repeat(lines).into_bytes())], options).unwrap();
        let (mut yielded, mut most_held) = (0, 0);
        while let Some(item) = reader.next() {
            assert!(matches!(item, Item::Record(_)));
            yielded += 1;
            most_held = most_held.max(reader.progress().records - yielded);
        }
        assert_eq!((yielded, most_held), (lines as u64, 500));
    }
}
