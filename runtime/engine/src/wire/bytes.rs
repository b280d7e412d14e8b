//! Bytes in and out: variable-length integers, lengths and texts.
//!
//! Integers are LEB128 (DWARF 5, section 7.6), signed ones zigzag first; a text is its length and its UTF-8.
//! Reading is total: whatever the bytes, it ends with a value or an [`Error`], and takes no more memory than a
//! constant times their number.

/// Why bytes could not be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// They end too early.
    #[error("the bytes end too early")]
    Short,
    /// They begin with another format's mark.
    #[error("this is no {0}")]
    Magic(&'static str),
    /// They are of a later version.
    #[error("version {0} is not known here")]
    Version(u64),
    /// They cannot mean anything.
    #[error("the bytes are damaged: {0}")]
    Damaged(&'static str),
}

/// Appends an unsigned integer.
pub fn put_u64(out: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        out.push(value as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}

/// Appends a signed integer.
pub fn put_i64(out: &mut Vec<u8>, value: i64) {
    put_u64(out, ((value << 1) ^ (value >> 63)) as u64);
}

/// Appends bytes after their number.
pub fn put_bytes(out: &mut Vec<u8>, bytes: &[u8]) {
    put_u64(out, bytes.len() as u64);
    out.extend_from_slice(bytes);
}

/// Appends a text.
pub fn put_text(out: &mut Vec<u8>, text: &str) {
    put_bytes(out, text.as_bytes());
}

/// Bytes still to be read.
#[derive(Clone, Copy, Debug)]
pub struct Bytes<'a>(&'a [u8]);

impl<'a> Bytes<'a> {
    /// Over all of `bytes`.
    pub fn new(bytes: &'a [u8]) -> Self {
        Self(bytes)
    }

    /// How many are left.
    pub fn left(&self) -> usize {
        self.0.len()
    }

    /// The rest.
    pub fn rest(&self) -> &'a [u8] {
        self.0
    }

    /// True when all have been read.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The next `count` bytes.
    ///
    /// # Errors
    /// When there are fewer.
    pub fn take(&mut self, count: usize) -> Result<&'a [u8], Error> {
        let (head, tail) = self.0.split_at_checked(count).ok_or(Error::Short)?;
        self.0 = tail;
        Ok(head)
    }

    /// The next bytes, as an array.
    ///
    /// # Errors
    /// When there are fewer.
    pub fn array<const N: usize>(&mut self) -> Result<[u8; N], Error> {
        let (head, tail) = self.0.split_first_chunk::<N>().ok_or(Error::Short)?;
        self.0 = tail;
        Ok(*head)
    }

    /// The next byte.
    ///
    /// # Errors
    /// When there is none.
    pub fn byte(&mut self) -> Result<u8, Error> {
        self.array::<1>().map(|[byte]| byte)
    }

    /// A truth value: 0 or 1.
    ///
    /// # Errors
    /// Of any other byte.
    pub fn truth(&mut self) -> Result<bool, Error> {
        match self.byte()? {
            0 => Ok(false),
            1 => Ok(true),
            _ => Err(Error::Damaged("a truth value")),
        }
    }

    /// An unsigned integer, in its shortest form: equal values have equal bytes.
    ///
    /// # Errors
    /// Past 64 bits, and of longer forms.
    pub fn u64(&mut self) -> Result<u64, Error> {
        let mut value = 0_u64;
        for shift in (0..64).step_by(7) {
            let byte = self.byte()?;
            let bits = u64::from(byte & 0x7f);
            if shift == 63 && bits > 1 || shift > 0 && byte == 0 {
                return Err(Error::Damaged("a number"));
            }
            value |= bits << shift;
            if byte & 0x80 == 0 {
                return Ok(value);
            }
        }
        Err(Error::Damaged("a number"))
    }

    /// A signed integer.
    ///
    /// # Errors
    /// As [`Bytes::u64`].
    pub fn i64(&mut self) -> Result<i64, Error> {
        let bits = self.u64()?;
        Ok((bits >> 1) as i64 ^ -((bits & 1) as i64))
    }

    /// An unsigned integer of fewer bits.
    ///
    /// # Errors
    /// When it does not fit, and as [`Bytes::u64`].
    pub fn small<T: TryFrom<u64>>(&mut self) -> Result<T, Error> {
        T::try_from(self.u64()?).map_err(|_| Error::Damaged("a number"))
    }

    /// How many items follow, each of at least one byte: never more than there are bytes.
    ///
    /// # Errors
    /// When there are fewer bytes.
    pub fn count(&mut self) -> Result<usize, Error> {
        let count: usize = self.small()?;
        if count <= self.left() { Ok(count) } else { Err(Error::Short) }
    }

    /// Bytes after their number.
    ///
    /// # Errors
    /// When there are fewer.
    pub fn bytes(&mut self) -> Result<&'a [u8], Error> {
        let count: usize = self.small()?;
        self.take(count)
    }

    /// A text.
    ///
    /// # Errors
    /// When it is no UTF-8.
    pub fn text(&mut self) -> Result<&'a str, Error> {
        std::str::from_utf8(self.bytes()?).map_err(|_| Error::Damaged("a text"))
    }

    /// Nothing may be left.
    ///
    /// # Errors
    /// When something is.
    pub fn end(self) -> Result<(), Error> {
        if self.is_empty() { Ok(()) } else { Err(Error::Damaged("something follows the end")) }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn integers_return(unsigned in any::<u64>(), signed in any::<i64>()) {
            let mut out = Vec::new();
            put_u64(&mut out, unsigned);
            put_i64(&mut out, signed);
            let mut bytes = Bytes::new(&out);
            prop_assert_eq!(bytes.u64(), Ok(unsigned));
            prop_assert_eq!(bytes.i64(), Ok(signed));
            prop_assert_eq!(bytes.end(), Ok(()));
        }
    }

    #[test]
    fn only_the_shortest_form_of_a_number_is_read() {
        assert_eq!(Bytes::new(&[0x80, 0x00]).u64(), Err(Error::Damaged("a number")));
        assert_eq!(Bytes::new(&[0xff; 10]).u64(), Err(Error::Damaged("a number")));
        assert_eq!(Bytes::new(&[0x80]).u64(), Err(Error::Short));
        assert_eq!(Bytes::new(&[0]).u64(), Ok(0));
    }

    #[test]
    fn a_count_never_exceeds_the_bytes() {
        assert_eq!(Bytes::new(&[3, 0, 0]).count(), Err(Error::Short));
        assert_eq!(Bytes::new(&[2, 0, 0]).count(), Ok(2));
    }
}
