//! How blocks are sealed.
//!
//! ChaCha20-Poly1305 (RFC 8439). The key is derived from the node's secret by HKDF-SHA-256 (RFC 5869) with the salt in
//! the segment's head, which is random; the nonce is the block's number. So no nonce is used twice under a key, and
//! neither a block out of its place nor one of another segment is taken for what it is not.

use chacha20poly1305::aead::AeadInPlace as _;
use chacha20poly1305::{ChaCha20Poly1305, Key, KeyInit as _, Nonce};
use hkdf::Hkdf;
use sha2::{Digest as _, Sha256};
use weir_engine::Secret;

/// Bytes that sealing adds.
pub(crate) const TAG: usize = 16;

/// Seals and opens the blocks of one segment.
pub(crate) struct Cipher {
    cipher: ChaCha20Poly1305,
    /// SHA-256 of the head: every block vouches for it.
    head: [u8; 32],
}

impl Cipher {
    /// Of the segment that begins with `head`, salt and all.
    pub(crate) fn new(secret: Secret, salt: &[u8], head: &[u8]) -> Self {
        let mut key = [0; 32];
        // 32 bytes are within what HKDF gives.
        let _ = Hkdf::<Sha256>::new(Some(salt), secret.bytes()).expand(b"weir journal 1", &mut key);
        Self { cipher: ChaCha20Poly1305::new(Key::from_slice(&key)), head: Sha256::digest(head).into() }
    }

    fn nonce(number: u64) -> [u8; 12] {
        let mut nonce = [0; 12];
        nonce.iter_mut().zip(number.to_le_bytes()).for_each(|(to, from)| *to = from);
        nonce
    }

    /// Seals a block in place.
    pub(crate) fn seal(&self, number: u64, block: &mut Vec<u8>) -> bool {
        let nonce = Self::nonce(number);
        self.cipher.encrypt_in_place(Nonce::from_slice(&nonce), &self.head, block).is_ok()
    }

    /// Opens a block; nothing when it is not as it was sealed.
    pub(crate) fn open(&self, number: u64, block: &[u8]) -> Option<Vec<u8>> {
        let nonce = Self::nonce(number);
        let mut block = block.to_vec();
        self.cipher.decrypt_in_place(Nonce::from_slice(&nonce), &self.head, &mut block).ok()?;
        Some(block)
    }
}
