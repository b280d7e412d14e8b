//! Rule sets kept compiled, so that a start need not parse, check and link what has not changed.
//!
//! ```text
//! entry = "WEIRHIR\0" version (2) name (32) length (8) body checksum (16)
//! body  = what goes beside the rule set, rule set (`weir_compiler::bundle`)
//! ```
//!
//! Numbers are little-endian; the checksum is SipHash-1-3 of 128 bits over all before it. The name is SHA-256 of all that the rule
//! set is made of: every text, what was asked for, and the very program, for the encoding is that of one build. An entry that is damaged,
//! cut off or of something else is as good as none, and is written anew; nothing of it is believed before its checksum.
//!
//! Entries are written beside their place and put there whole, for the owner alone. The folder holds so many entries and so
//! many bytes; what was used longest ago leaves.

use std::cell::RefCell;
use std::fs::{self, File};
use std::io::{Read as _, Write as _};
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use siphasher::sip128::{Hasher128 as _, SipHasher13};
use smol_str::SmolStr;
use weir_compiler::analysis::Selection;
use weir_compiler::bundle;
use weir_compiler::hir::Hir;

use crate::replay::choice::Texts;

const MAGIC: &[u8; 8] = b"WEIRHIR\0";
const VERSION: u16 = 1;
const HEAD: usize = 8 + 2 + 32 + 8;
const CHECK: usize = 16;
/// The largest entry, in bytes.
const LARGEST: u64 = 256 << 20;
/// How many entries a folder holds, and how many bytes in them.
const MOST: usize = 64;
const MOST_BYTES: u64 = 512 << 20;
const ENDING: &str = "weirhir";

/// What an entry is called.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Name([u8; 32]);

/// Makes a [`Name`] of all that a rule set is made of.
pub(crate) struct Naming(Sha256);

impl Naming {
    /// Begins with the program itself; nothing where that cannot be told.
    pub(crate) fn begin() -> Option<Self> {
        let program = std::env::current_exe().and_then(fs::metadata).ok()?;
        let changed = program.modified().ok()?.duration_since(SystemTime::UNIX_EPOCH).ok()?;
        let mut naming = Self(Sha256::new());
        naming.add(env!("CARGO_PKG_VERSION").as_bytes());
        naming.add(&VERSION.to_le_bytes());
        naming.add(&program.len().to_le_bytes());
        naming.add(&changed.as_nanos().to_le_bytes());
        Some(naming)
    }

    /// Adds a part, so that no two rows of parts are alike.
    pub(crate) fn add(&mut self, part: &[u8]) {
        self.0.update((part.len() as u64).to_le_bytes());
        self.0.update(part);
    }

    pub(crate) fn end(self) -> Name {
        Name(self.0.finalize().into())
    }
}

/// What is kept beside a rule set.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(crate) struct Kept {
    /// What was selected.
    pub(crate) selection: Selection,
    /// Policies left out, and why.
    pub(crate) left_out: Vec<(SmolStr, SmolStr)>,
    /// Names of the files it is made of, in order.
    pub(crate) files: Vec<SmolStr>,
    pub(crate) texts: Texts,
    pub(crate) notes: Vec<String>,
}

/// A folder of compiled rule sets.
#[derive(Debug)]
pub(crate) struct Cache {
    dir: PathBuf,
    /// Says what becomes of entries.
    talks: bool,
    said: RefCell<Vec<String>>,
}

impl Cache {
    /// In `dir`, or where the platform keeps such things; nothing where that cannot be told.
    pub(crate) fn new(dir: Option<&Path>, talks: bool) -> Option<Self> {
        let platform = || {
            let named =
                |name: &str| std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
            let home = || named("HOME").map(|home| home.join(".cache"));
            named("XDG_CACHE_HOME")
                .filter(|path| path.is_absolute())
                .or_else(home)
                .map(|dir| dir.join("weir"))
        };
        Some(Self { dir: dir.map(Path::to_path_buf).or_else(platform)?, talks, said: RefCell::default() })
    }

    /// A rule set by its name. Whatever is wrong with the entry, there is none.
    pub(crate) fn get(&self, name: Name) -> Option<(Kept, Hir)> {
        let path = self.path(name);
        let file = File::open(&path).ok()?;
        let mut bytes = Vec::new();
        file.take(LARGEST).read_to_end(&mut bytes).ok()?;
        match decode(name, &bytes) {
            Ok(found) => {
                // What is used stays; where the time cannot be set, it leaves earlier.
                let _ = File::options()
                    .append(true)
                    .open(&path)
                    .and_then(|file| file.set_modified(SystemTime::now()));
                self.note(|| format!("compiled rules from `{}`", path.display()));
                Some(found)
            }
            Err(why) => {
                self.note(|| format!("`{}` is passed over: {why}", path.display()));
                None
            }
        }
    }

    /// Keeps a rule set. That it cannot be kept is no failure.
    pub(crate) fn put(&self, name: Name, kept: &Kept, hir: &Hir) {
        let path = self.path(name);
        match encode(name, kept, hir)
            .ok_or_else(|| "it is too large".to_owned())
            .and_then(|bytes| self.write(&path, &bytes).map_err(|error| error.to_string()))
        {
            Ok(()) => self.note(|| format!("compiled rules kept in `{}`", path.display())),
            Err(why) => self.note(|| format!("compiled rules are not kept in `{}`: {why}", path.display())),
        }
        self.tidy();
    }

    fn path(&self, name: Name) -> PathBuf {
        let hex: String = name.0.iter().map(|byte| format!("{byte:02x}")).collect();
        self.dir.join(hex).with_extension(ENDING)
    }

    fn write(&self, path: &Path, bytes: &[u8]) -> std::io::Result<()> {
        let mut dir = fs::DirBuilder::new();
        let mut options = File::options();
        #[cfg(unix)]
        {
            std::os::unix::fs::DirBuilderExt::mode(&mut dir, 0o700);
            std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        }
        dir.recursive(true).create(&self.dir)?;
        let beside = path.with_extension(format!("{}.part", std::process::id()));
        let written = options.write(true).create(true).truncate(true).open(&beside);
        let written =
            written.and_then(|mut file| file.write_all(bytes)).and_then(|()| fs::rename(&beside, path));
        if written.is_err() {
            let _ = fs::remove_file(&beside);
        }
        written
    }

    /// Removes what was used longest ago, past the bounds.
    fn tidy(&self) {
        let mut entries: Vec<(SystemTime, PathBuf, u64)> = fs::read_dir(&self.dir)
            .into_iter()
            .flatten()
            .flatten()
            .filter_map(|entry| {
                let (path, facts) = (entry.path(), entry.metadata().ok()?);
                let ending = path.extension()?;
                let is_ours = ending == ENDING || (ending == "part" && path.to_string_lossy().len() > 64);
                (is_ours && facts.is_file()).then_some((facts.modified().ok()?, path, facts.len()))
            })
            .collect();
        entries.sort_unstable_by(|a, b| b.cmp(a));
        let mut bytes = 0;
        for (at, (_, path, size)) in entries.into_iter().enumerate() {
            bytes += size;
            if at >= MOST || bytes > MOST_BYTES {
                let _ = fs::remove_file(path);
            }
        }
    }

    /// What has become of entries, where that is to be said.
    pub(crate) fn said(&self) -> Vec<String> {
        self.said.take()
    }

    fn note(&self, text: impl FnOnce() -> String) {
        if self.talks {
            self.said.borrow_mut().push(text());
        }
    }
}

fn check(bytes: &[u8]) -> [u8; CHECK] {
    let mut hasher = SipHasher13::new_with_key(b"weir bundle sums");
    std::hash::Hasher::write(&mut hasher, bytes);
    hasher.finish128().as_bytes()
}

fn encode(name: Name, kept: &Kept, hir: &Hir) -> Option<Vec<u8>> {
    let mut body = postcard::to_allocvec(kept).ok()?;
    body.extend(bundle::write(hir));
    if (HEAD + body.len() + CHECK) as u64 > LARGEST {
        return None;
    }
    let mut bytes = Vec::with_capacity(HEAD + body.len() + CHECK);
    bytes.extend_from_slice(MAGIC);
    bytes.extend_from_slice(&VERSION.to_le_bytes());
    bytes.extend_from_slice(&name.0);
    bytes.extend_from_slice(&(body.len() as u64).to_le_bytes());
    bytes.extend_from_slice(&body);
    let sum = check(&bytes);
    bytes.extend_from_slice(&sum);
    Some(bytes)
}

fn decode(name: Name, bytes: &[u8]) -> Result<(Kept, Hir), String> {
    let (signed, sum) = bytes.split_last_chunk::<CHECK>().ok_or("it is cut off")?;
    let rest = signed.strip_prefix(MAGIC).ok_or("it is no bundle")?;
    let (version, rest) = rest.split_first_chunk::<2>().ok_or("it is cut off")?;
    if u16::from_le_bytes(*version) != VERSION {
        return Err("it has another format".to_owned());
    }
    let (of, rest) = rest.split_first_chunk::<32>().ok_or("it is cut off")?;
    let (length, body) = rest.split_first_chunk::<8>().ok_or("it is cut off")?;
    if u64::from_le_bytes(*length) != body.len() as u64 {
        return Err("it is cut off, or something follows it".to_owned());
    }
    if *sum != check(signed) || *of != name.0 {
        return Err("it is damaged, or of other policies".to_owned());
    }
    let (kept, hir) = postcard::take_from_bytes::<Kept>(body).map_err(|error| error.to_string())?;
    Ok((kept, bundle::read(hir).map_err(|error| error.to_string())?))
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test")]
mod tests {
    use super::*;

    fn name() -> Name {
        let mut naming = Naming::begin().unwrap();
        naming.add(b"policy");
        naming.end()
    }

    fn cache(folder: &str) -> Cache {
        let dir = std::env::temp_dir().join(format!("weir-cache-{folder}-{}", std::process::id()));
        let _ = fs::remove_dir_all(&dir);
        Cache::new(Some(&dir), false).unwrap()
    }

    #[test]
    fn an_entry_is_what_was_put_and_damage_makes_it_none() {
        let cache = cache("damage");
        let kept = Kept { notes: vec!["a note".to_owned()], ..Kept::default() };
        assert!(cache.get(name()).is_none());
        cache.put(name(), &kept, &Hir::default());
        assert_eq!(cache.get(name()).unwrap().0.notes, kept.notes);
        let path = cache.path(name());
        let bytes = fs::read(&path).unwrap();
        for at in 0..bytes.len() {
            let mut damaged = bytes.clone();
            damaged[at] ^= 1 << (at % 8);
            assert!(decode(name(), &damaged).is_err(), "byte {at}");
            assert!(decode(name(), &bytes[..at]).is_err(), "cut at {at}");
        }
        fs::write(&path, &bytes[1..]).unwrap();
        assert!(cache.get(name()).is_none());
        fs::remove_dir_all(&cache.dir).unwrap();
    }

    #[test]
    fn what_was_used_longest_ago_leaves() {
        let cache = cache("bounds");
        let named = |n: usize| {
            let mut naming = Naming::begin().unwrap();
            naming.add(&n.to_le_bytes());
            naming.end()
        };
        for n in 0..MOST + 5 {
            cache.put(named(n), &Kept::default(), &Hir::default());
        }
        assert_eq!(fs::read_dir(&cache.dir).unwrap().count(), MOST);
        assert!(cache.get(named(MOST + 4)).is_some());
        fs::remove_dir_all(&cache.dir).unwrap();
    }
}
