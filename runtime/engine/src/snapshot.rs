//! Snapshots.
//!
//! A snapshot is `WEIRSNAP`, a version (2 bytes), the length of the body (8), the body and a keyed hash over all of it
//! (16), numbers little-endian. The body is the engine's counters, what stands over its rules, and its [`Image`] in postcard's encoding. The hash is made with the
//! engine's secret and tenant, so a snapshot of another deployment, and one that was damaged, are refused.
//!
//! **Evolution.** A version is never reused. A reader takes its own version and, from the next on, the one before it.
//!
//! A snapshot holds values that policies remember (`first`, `last`, `top`, captured fields, requests in flight), which may be
//! personal: whoever writes it to a disk seals it.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::control::Control;
use crate::engine::{Counters, Engine};
use crate::image::{Carried, Image};
use crate::store::Store;

const MAGIC: &[u8; 8] = b"WEIRSNAP";
const VERSION: u16 = 1;
const HEAD: usize = 8 + 2 + 8;
const SEAL: usize = 16;

/// Why a snapshot was refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SnapshotError {
    /// It does not begin as one.
    #[error("this is not a snapshot")]
    Magic,
    /// Another version of the format.
    #[error("the snapshot has format version {0}; this is version {VERSION}")]
    Version(u16),
    /// It ends before its end, or goes on after it.
    #[error("the snapshot is cut off, or something follows it")]
    Length,
    /// Damaged, or of another secret or tenant.
    #[error("the snapshot is damaged, or was made with another secret or for another tenant")]
    Seal,
    /// The body cannot be read.
    #[error("the snapshot's body cannot be read: {0}")]
    Body(String),
}

#[derive(Serialize, Deserialize)]
struct Body<I> {
    counters: Counters,
    control: Control,
    image: I,
}

impl Engine {
    /// Everything that the engine remembers, in bytes. Two engines that have had the same inputs have the same.
    /// Cost: linear in what is held. Decisions that wait for models are not part of it: resume them first.
    pub fn snapshot(&mut self) -> Vec<u8> {
        let set = Arc::clone(&self.set);
        let image = Image::take(&set, &mut self.store);
        let body = Body { counters: self.counters.clone(), control: self.control.clone(), image: &image };
        // Writing to memory what has only sequences of known length cannot fail.
        let body = postcard::to_allocvec(&body).unwrap_or_default();
        image.give(&set, &mut self.store, &self.options, None);
        let mut bytes = Vec::with_capacity(HEAD + body.len() + SEAL);
        bytes.extend_from_slice(MAGIC);
        bytes.extend_from_slice(&VERSION.to_le_bytes());
        bytes.extend_from_slice(&(body.len() as u64).to_le_bytes());
        bytes.extend_from_slice(&body);
        let seal = self.seal(&bytes);
        bytes.extend_from_slice(&seal.to_le_bytes());
        bytes
    }

    fn seal(&self, bytes: &[u8]) -> u128 {
        let hasher = &self.set.hasher;
        let body = hasher.key(bytes).0.to_le_bytes();
        // The tenant is part of the domain alone.
        hasher.key(&[&hasher.domain("snapshot").to_le_bytes()[..], &body[..]].concat()).0
    }

    /// Goes on from a snapshot, made with this rule set or another. What the engine held before is gone.
    ///
    /// # Errors
    /// When it is no snapshot of this format, secret and tenant, or damaged. The engine stays as it was.
    pub fn restore(&mut self, bytes: &[u8]) -> Result<Carried, SnapshotError> {
        let rest = bytes.strip_prefix(MAGIC).ok_or(SnapshotError::Magic)?;
        let (version, rest) = rest.split_first_chunk::<2>().ok_or(SnapshotError::Length)?;
        let version = u16::from_le_bytes(*version);
        if version != VERSION {
            return Err(SnapshotError::Version(version));
        }
        let (length, rest) = rest.split_first_chunk::<8>().ok_or(SnapshotError::Length)?;
        let (body, seal) = rest.split_last_chunk::<SEAL>().ok_or(SnapshotError::Length)?;
        if u64::from_le_bytes(*length) != body.len() as u64 {
            return Err(SnapshotError::Length);
        }
        let signed = bytes.get(..bytes.len() - SEAL).ok_or(SnapshotError::Length)?;
        if u128::from_le_bytes(*seal) != self.seal(signed) {
            return Err(SnapshotError::Seal);
        }
        let body: Body<Image> =
            postcard::from_bytes(body).map_err(|error| SnapshotError::Body(error.to_string()))?;
        let set = Arc::clone(&self.set);
        self.store = Store::new(&set, &self.options);
        self.counters = body.counters;
        self.control = body.control;
        self.control.bind(&set);
        let now = Some(self.counters.seen).filter(|seen| *seen > i64::MIN);
        Ok(body.image.give(&set, &mut self.store, &self.options, now))
    }
}
