//! The list of files that this program wrote into a terminal, with their hashes: what may be taken back.

use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

pub const NAME: &str = "installed-by-fx-executor.json";

/// What was written, by file name. Names are plain: nothing outside the Expert Advisor's folder can stand here.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Manifest {
    /// SHA-256 of each file as it was written, in hex.
    pub files: BTreeMap<String, String>,
}

#[derive(Debug, thiserror::Error)]
pub enum ManifestError {
    #[error("{} cannot be read: {source}", path.display())]
    Unreadable {
        path: PathBuf,
        #[source]
        source: io::Error,
    },
    #[error("{} is damaged ({reason}); nothing is removed by it; look at its folder yourself", path.display())]
    Damaged { path: PathBuf, reason: String },
}

impl Manifest {
    /// The manifest of a folder; an empty one when there is none.
    pub fn read(folder: &Path) -> Result<Self, ManifestError> {
        let path = folder.join(NAME);
        let bytes = match std::fs::read(&path) {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Self::default()),
            Err(source) => return Err(ManifestError::Unreadable { path, source }),
        };
        let damaged = |reason: String| ManifestError::Damaged {
            path: path.clone(),
            reason,
        };
        let manifest: Self =
            serde_json::from_slice(&bytes).map_err(|error| damaged(error.to_string()))?;
        match manifest.files.keys().find(|name| !is_plain(name)) {
            Some(name) => Err(damaged(format!("\"{name}\" is not a plain file name"))),
            None => Ok(manifest),
        }
    }

    /// Written whole or not at all.
    pub fn write(&self, folder: &Path) -> io::Result<()> {
        let part = folder.join(format!("{NAME}.part"));
        std::fs::write(&part, serde_json::to_vec_pretty(self)?)?;
        std::fs::rename(&part, folder.join(NAME))
    }

    pub fn add(&mut self, name: &str, bytes: &[u8]) {
        self.files.insert(name.to_owned(), hash(bytes));
    }

    /// Whether this file is as it was written.
    pub fn has(&self, name: &str, bytes: &[u8]) -> bool {
        self.files
            .get(name)
            .is_some_and(|kept| *kept == hash(bytes))
    }
}

fn is_plain(name: &str) -> bool {
    !name.is_empty() && !name.starts_with('.') && !name.contains(['/', '\\', ':'])
}

fn hash(bytes: &[u8]) -> String {
    hex::encode(Sha256::digest(bytes))
}
