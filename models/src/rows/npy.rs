//! NumPy's files: `.npy`, one array, and `.npz`, several by name in a zip archive.
//!
//! The format is that of NumPy's NEP 1: a magic number, a version, the header as a Python dictionary, the values. Read are floats of 32 and 64 bits, whole
//! numbers, truths and fixed-width texts (`U`, `S`), in C order and little-endian.

use std::io::{Cursor, Read as _};

use crate::call::Values;
use crate::refusal::Failure;
use crate::rows::values_of;
use crate::tensor::Element;

/// Bytes that an archive may grow to.
const MOST: u64 = 256 << 20;

/// An array, in row-major order.
#[derive(Clone, Debug, PartialEq)]
pub struct Array {
    /// Its dimensions.
    pub shape: Vec<usize>,
    /// Its values.
    pub numbers: Numbers,
}

/// Values of an array.
#[derive(Clone, Debug, PartialEq)]
pub enum Numbers {
    /// Floats.
    Reals(Vec<f64>),
    /// Whole numbers and truths.
    Ints(Vec<i64>),
    /// Texts.
    Texts(Vec<String>),
}

impl Array {
    /// Its values as an element of a model; nothing where they cannot be.
    pub fn values(&self, element: Option<Element>) -> Option<Values> {
        values_of(&self.numbers, element)
    }

    /// How many values there are.
    pub fn len(&self) -> usize {
        match &self.numbers {
            Numbers::Reals(values) => values.len(),
            Numbers::Ints(values) => values.len(),
            Numbers::Texts(values) => values.len(),
        }
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

/// Reads a `.npy` file.
///
/// # Errors
///
/// What is none, is in Fortran's order, or of a type that is not read.
pub fn read_npy(bytes: &[u8]) -> Result<Array, Failure> {
    let wrong = |what: &str| Failure::Inputs(format!("no NumPy array that is read here: {what}"));
    let rest = bytes.strip_prefix(b"\x93NUMPY").ok_or_else(|| wrong("it does not begin like one"))?;
    let (length, rest) = match rest {
        [1, _, a, b, rest @ ..] => (usize::from(u16::from_le_bytes([*a, *b])), rest),
        [2 | 3, _, a, b, c, d, rest @ ..] => (u32::from_le_bytes([*a, *b, *c, *d]) as usize, rest),
        _ => return Err(wrong("a version that is not known")),
    };
    let (header, values) = rest.split_at_checked(length).ok_or_else(|| wrong("it ends within its header"))?;
    let header = std::str::from_utf8(header).map_err(|_| wrong("a header that is no text"))?;
    let after =
        |key: &str| header.split_once(key).map(|(_, rest)| rest.trim_start_matches([':', ' ', '\'', '"']));
    let kind = after("'descr'").and_then(|rest| rest.split(['\'', '"']).next()).unwrap_or("");
    if after("'fortran_order'").is_none_or(|rest| rest.starts_with("True")) {
        return Err(wrong("it is in Fortran's order; save `numpy.ascontiguousarray` of it"));
    }
    let shape =
        after("'shape'").and_then(|rest| rest.trim_start_matches('(').split(')').next()).unwrap_or("");
    let shape: Vec<usize> = shape
        .split(',')
        .map(str::trim)
        .filter(|size| !size.is_empty())
        .map(|size| size.parse().map_err(|_| wrong("a shape that is none")))
        .collect::<Result<_, _>>()?;
    let count =
        shape.iter().try_fold(1_usize, |product, size| product.checked_mul(*size)).unwrap_or(usize::MAX);
    let numbers = numbers(kind, values, count).ok_or_else(|| {
        wrong(&format!(
            "values of `{kind}`; f4, f8, i4, i8, u1, b1, U and S are read, and {count} of them are needed"
        ))
    })?;
    Ok(Array { shape, numbers })
}

fn numbers(kind: &str, bytes: &[u8], count: usize) -> Option<Numbers> {
    Some(match kind {
        "<f4" => Numbers::Reals(each(bytes, count, |chunk| f64::from(f32::from_le_bytes(chunk)))?),
        "<f8" => Numbers::Reals(each(bytes, count, f64::from_le_bytes)?),
        "<i8" => Numbers::Ints(each(bytes, count, i64::from_le_bytes)?),
        "<i4" => Numbers::Ints(each(bytes, count, |chunk| i32::from_le_bytes(chunk).into())?),
        "|b1" | "|u1" => Numbers::Ints(each(bytes, count, |[byte]| byte.into())?),
        _ => {
            let (width, unit) = match (kind.strip_prefix("<U"), kind.strip_prefix("|S")) {
                (Some(width), _) => (width.parse::<usize>().ok()?.checked_mul(4)?, 4),
                (_, Some(width)) => (width.parse::<usize>().ok()?, 1),
                _ => return None,
            };
            if width == 0 || width.checked_mul(count)? != bytes.len() {
                return None;
            }
            let texts =
                bytes.chunks_exact(width).map(|text| if unit == 4 { wide(text) } else { narrow(text) });
            Numbers::Texts(texts.collect::<Option<_>>()?)
        }
    })
}

fn each<T, const N: usize>(bytes: &[u8], count: usize, read: impl Fn([u8; N]) -> T) -> Option<Vec<T>> {
    let (chunks, rest) = bytes.as_chunks::<N>();
    (rest.is_empty() && chunks.len() == count).then(|| chunks.iter().map(|chunk| read(*chunk)).collect())
}

/// A text of 32-bit characters, filled up with zeros.
fn wide(text: &[u8]) -> Option<String> {
    let characters = text.as_chunks::<4>().0.iter().map(|chunk| u32::from_le_bytes(*chunk));
    characters.take_while(|character| *character != 0).map(char::from_u32).collect()
}

fn narrow(text: &[u8]) -> Option<String> {
    let end = text.iter().rposition(|byte| *byte != 0).map_or(0, |last| last + 1);
    text.get(..end).and_then(|text| String::from_utf8(text.to_vec()).ok())
}

/// Reads a `.npz` file: its arrays by name.
///
/// # Errors
///
/// No archive; more than 256 MiB or 1,024 arrays; arrays that [`read_npy`] refuses.
pub fn read_npz(bytes: &[u8]) -> Result<Vec<(String, Array)>, Failure> {
    let wrong = |what: String| Failure::Inputs(format!("no NumPy archive that is read here: {what}"));
    let mut archive = zip::ZipArchive::new(Cursor::new(bytes)).map_err(|error| wrong(error.to_string()))?;
    if archive.len() > 1_024 {
        return Err(wrong(format!("it holds {} arrays", archive.len())));
    }
    let mut arrays = Vec::new();
    let mut left = MOST;
    for at in 0..archive.len() {
        let entry = archive.by_index(at).map_err(|error| wrong(error.to_string()))?;
        let name =
            entry.name().map_err(|error| wrong(error.to_string()))?.trim_end_matches(".npy").to_owned();
        let mut unpacked = Vec::new();
        entry.take(left).read_to_end(&mut unpacked).map_err(|error| wrong(error.to_string()))?;
        left -= unpacked.len() as u64;
        if left == 0 {
            return Err(wrong(format!("it grows to more than {} MiB", MOST >> 20)));
        }
        arrays.push((name, read_npy(&unpacked)?));
    }
    Ok(arrays)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn npy(header: &str, values: &[u8]) -> Vec<u8> {
        let mut bytes = b"\x93NUMPY\x01\x00".to_vec();
        bytes.extend((header.len() as u16).to_le_bytes());
        bytes.extend(header.as_bytes());
        bytes.extend(values);
        bytes
    }

    #[test]
    fn arrays_are_read_as_numpy_writes_them() {
        let values: Vec<u8> = [1.5_f32, f32::NAN].iter().flat_map(|value| value.to_le_bytes()).collect();
        let array =
            read_npy(&npy("{'descr': '<f4', 'fortran_order': False, 'shape': (1, 2), }   \n", &values))
                .unwrap();
        assert_eq!(array.shape, [1, 2]);
        assert!(matches!(&array.numbers, Numbers::Reals(values) if values[0] == 1.5 && values[1].is_nan()));
        let text: Vec<u8> = ['D', 'Ü', '\0'].iter().flat_map(|c| (*c as u32).to_le_bytes()).collect();
        let array =
            read_npy(&npy("{'descr': '<U3', 'fortran_order': False, 'shape': (1,), }\n", &text)).unwrap();
        assert_eq!(array.numbers, Numbers::Texts(vec!["DÜ".into()]));
        assert_eq!(array.values(Some(Element::Float)), None);
    }

    #[test]
    fn what_is_no_array_is_refused() {
        for bytes in [
            &b""[..],
            b"\x93NUMPY\x01",
            b"\x93NUMPY\x01\x00\xff\xff{}",
            &npy("{'descr': '<f4', 'fortran_order': True, 'shape': (2,), }", &[0; 8]),
            &npy("{'descr': '<f4', 'fortran_order': False, 'shape': (3,), }", &[0; 8]),
            &npy("{'descr': '>f4', 'fortran_order': False, 'shape': (2,), }", &[0; 8]),
            &npy("{'descr': '<f4', 'fortran_order': False, 'shape': (99999999999, 99999999999), }", &[0; 8]),
        ] {
            assert!(read_npy(bytes).is_err());
        }
        assert!(read_npz(b"PK").is_err());
    }
}
