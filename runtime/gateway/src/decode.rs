//! Decompression, told by the first bytes, streaming and with bounded memory.
//!
//! | format | magic | members | largest window |
//! |---|---|---|---|
//! | gzip | `1f 8b` | any number | 32 KiB, by the format |
//! | xz | `fd 37 7a 58 5a 00` | any number, padding between | 64 MiB: what `xz -9` needs |
//! | zstd | `28 b5 2f fd`, or a skippable frame | any number | 128 MiB: what `zstd` itself accepts unasked |
//!
//! A stream that asks for more is refused before anything is allocated.

use std::io::{self, BufRead, BufReader, Read};

use flate2::bufread::MultiGzDecoder;
use lzma_rust2::XzReader;
use ruzstd::decoding::errors::{FrameDecoderError, ReadFrameHeaderError};
use ruzstd::decoding::{BlockDecodingStrategy, FrameDecoder};

/// Memory an xz block may ask for, in KiB: a 64 MiB dictionary and the decoder's own.
const XZ_MEMORY_KIB: u32 = 64 * 1024 + 1024;
/// Largest zstd window, in bytes.
const ZSTD_WINDOW: u64 = 128 * 1024 * 1024;
/// Buffer between a decompressor and its reader, in bytes.
const BUFFER: usize = 64 * 1024;
/// Bytes of an input needed to tell its compression.
pub(crate) const MAGIC_LEN: usize = 6;

const GZIP: [u8; 2] = [0x1f, 0x8b];
const XZ: [u8; 6] = [0xfd, b'7', b'z', b'X', b'Z', 0];
const ZSTD: [u8; 4] = [0x28, 0xb5, 0x2f, 0xfd];
/// Last three bytes of a skippable zstd frame's magic; the first is `0x50` to `0x5f`.
const ZSTD_SKIPPABLE: [u8; 3] = [0x2a, 0x4d, 0x18];

/// How an input is compressed.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Compression {
    /// Not at all.
    None,
    /// gzip (RFC 1952).
    Gzip,
    /// xz.
    Xz,
    /// Zstandard (RFC 8878).
    Zstd,
}

impl Compression {
    /// Tells the compression from an input's first bytes. An input that ends inside the magic of xz or zstd
    /// counts as that format, cut.
    pub(crate) fn of(start: &[u8]) -> Compression {
        let cut = |magic: &[u8]| start.len() >= 2 && start.len() < MAGIC_LEN && magic.starts_with(start);
        if start.starts_with(&GZIP) {
            Compression::Gzip
        } else if start.starts_with(&XZ) || cut(&XZ) {
            Compression::Xz
        } else if start.starts_with(&ZSTD) || cut(&ZSTD) || is_skippable(start) {
            Compression::Zstd
        } else {
            Compression::None
        }
    }

    /// Wraps a compressed input in its decompressor.
    pub(crate) fn decode<R: BufRead + Send + 'static>(self, input: R) -> Box<dyn BufRead + Send> {
        match self {
            Compression::None => Box::new(input),
            Compression::Gzip => buffered(MultiGzDecoder::new(input)),
            Compression::Xz => buffered(XzReader::new_mem_limit(input, true, XZ_MEMORY_KIB)),
            Compression::Zstd => buffered(ZstdReader::new(input)),
        }
    }
}

fn is_skippable(start: &[u8]) -> bool {
    matches!(start, [0x50..=0x5f, rest @ ..] if rest.starts_with(&ZSTD_SKIPPABLE))
}

fn buffered<R: Read + Send + 'static>(decoder: R) -> Box<dyn BufRead + Send> {
    Box::new(BufReader::with_capacity(BUFFER, Fused { decoder, failed: false }))
}

/// Tells a cut stream and a refused window from damage, as the other decoders do.
fn zstd_error(error: FrameDecoderError) -> io::Error {
    if matches!(error, FrameDecoderError::WindowSizeTooBig { .. }) {
        return io::Error::new(io::ErrorKind::OutOfMemory, error.to_string());
    }
    let mut cause: Option<&(dyn std::error::Error + 'static)> = Some(&error);
    while let Some(inner) = cause {
        if let Some(read) = inner.downcast_ref::<io::Error>() {
            return io::Error::new(read.kind(), error.to_string());
        }
        cause = inner.source();
    }
    io::Error::new(io::ErrorKind::InvalidData, error.to_string())
}

/// Never reads a decoder again after an error: what it would do then is nobody's promise.
struct Fused<R> {
    decoder: R,
    failed: bool,
}

impl<R: Read> Read for Fused<R> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        if self.failed {
            return Ok(0);
        }
        let read = self.decoder.read(buf);
        self.failed = matches!(&read, Err(e) if e.kind() != io::ErrorKind::Interrupted);
        read
    }
}

/// Concatenated zstd frames, skippable ones skipped, checksums checked. `ruzstd`'s own streaming reader stops
/// after the first frame.
struct ZstdReader<R> {
    input: R,
    decoder: FrameDecoder,
    in_frame: bool,
}

impl<R: BufRead> ZstdReader<R> {
    fn new(input: R) -> Self {
        let mut decoder = FrameDecoder::new();
        decoder.set_max_window_size(ZSTD_WINDOW);
        ZstdReader { input, decoder, in_frame: false }
    }

    /// Starts the next frame; `false` at the end of the input.
    fn start_frame(&mut self) -> io::Result<bool> {
        loop {
            if self.input.fill_buf()?.is_empty() {
                return Ok(false);
            }
            match self.decoder.reset(&mut self.input) {
                Ok(()) => return Ok(true),
                Err(FrameDecoderError::ReadFrameHeaderError(ReadFrameHeaderError::SkipFrame {
                    length,
                    ..
                })) => {
                    let skipped = io::copy(&mut (&mut self.input).take(u64::from(length)), &mut io::sink())?;
                    if skipped < u64::from(length) {
                        return Err(io::ErrorKind::UnexpectedEof.into());
                    }
                }
                Err(error) => return Err(zstd_error(error)),
            }
        }
    }

    fn check_sum(&self) -> io::Result<()> {
        match (self.decoder.get_checksum_from_data(), self.decoder.get_calculated_checksum()) {
            (Some(told), Some(found)) if told != found => {
                Err(io::Error::new(io::ErrorKind::InvalidData, "the content checksum does not match"))
            }
            _ => Ok(()),
        }
    }
}

impl<R: BufRead> Read for ZstdReader<R> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        loop {
            if !self.in_frame {
                if !self.start_frame()? {
                    return Ok(0);
                }
                self.in_frame = true;
            }
            while self.decoder.can_collect() == 0 && !self.decoder.is_finished() {
                self.decoder
                    .decode_blocks(&mut self.input, BlockDecodingStrategy::UptoBlocks(1))
                    .map_err(zstd_error)?;
            }
            let read = self.decoder.read(buf)?;
            if read > 0 || buf.is_empty() {
                return Ok(read);
            }
            self.check_sum()?;
            self.in_frame = false;
        }
    }
}
