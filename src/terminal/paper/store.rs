//! Keeps the paper account's ledger on disk: written whole, atomically, and never overwritten when it cannot be read.

use std::fs::{self, File};
use std::io::{self, BufWriter, IntoInnerError};
use std::path::{Path, PathBuf};

use jiff::Timestamp;

use super::PaperError;
use super::ledger::{Ledger, VERSION};

#[derive(Debug, thiserror::Error)]
#[error("the paper account cannot be stored in {}: {source}; free some space or check the folder's permissions", .path.display())]
pub struct StoreError {
    pub path: PathBuf,
    pub source: io::Error,
}

/// Where a ledger is kept. After `Ok` it is there after a crash; after `Err` the one before still is.
pub trait Store: Send + 'static {
    fn save(&mut self, ledger: &Ledger) -> Result<(), StoreError>;
}

/// Keeps nothing: the account lives as long as the program.
#[derive(Clone, Copy, Debug, Default)]
pub struct Forgetful;

impl Store for Forgetful {
    fn save(&mut self, _: &Ledger) -> Result<(), StoreError> {
        Ok(())
    }
}

#[derive(Clone, Debug)]
pub struct FileStore {
    path: PathBuf,
}

impl FileStore {
    pub fn new(path: PathBuf) -> Self {
        Self { path }
    }

    /// The stored ledger; `None` when there is no file. A file that cannot be understood is kept under another name and
    /// reported; a new account is then made only when the trader starts again.
    pub fn load(&self) -> Result<Option<Ledger>, PaperError> {
        let bytes = match fs::read(&self.path) {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                if let Some(kept) = self.kept_copy() {
                    tracing::warn!(
                        target: "terminal",
                        "The paper account starts afresh; the earlier one could not be read and is kept in {}",
                        kept.display()
                    );
                }
                return Ok(None);
            }
            Err(source) => {
                return Err(PaperError::Unreadable {
                    path: self.path.clone(),
                    source,
                });
            }
        };
        let ledger: Ledger = match serde_json::from_slice(&bytes) {
            Ok(ledger) => ledger,
            Err(error) => return Err(self.set_aside(error.to_string())),
        };
        if ledger.version != VERSION {
            return Err(self.set_aside(format!(
                "its version is {}, this program reads version {VERSION}",
                ledger.version
            )));
        }
        Ok(Some(ledger))
    }

    fn set_aside(&self, problem: String) -> PaperError {
        let stamp = Timestamp::now().strftime("%Y%m%dT%H%M%SZ").to_string();
        let kept = self.sibling(&format!("broken-{stamp}"));
        match fs::rename(&self.path, &kept) {
            Ok(()) => PaperError::Broken {
                path: self.path.clone(),
                kept,
                problem,
            },
            Err(source) => PaperError::Unreadable {
                path: self.path.clone(),
                source,
            },
        }
    }

    fn sibling(&self, suffix: &str) -> PathBuf {
        let mut name = self.path.file_name().unwrap_or_default().to_owned();
        name.push(".");
        name.push(suffix);
        self.path.with_file_name(name)
    }

    fn kept_copy(&self) -> Option<PathBuf> {
        let prefix = self.sibling("broken-");
        let prefix = prefix.file_name()?.to_str()?.to_owned();
        fs::read_dir(self.folder())
            .ok()?
            .filter_map(Result::ok)
            .find(|entry| {
                entry
                    .file_name()
                    .to_str()
                    .is_some_and(|name| name.starts_with(&prefix))
            })
            .map(|entry| entry.path())
    }

    fn folder(&self) -> &Path {
        match self.path.parent() {
            Some(folder) if !folder.as_os_str().is_empty() => folder,
            _ => Path::new("."),
        }
    }

    fn write(&self, ledger: &Ledger) -> io::Result<()> {
        let temporary = self.sibling("tmp");
        let mut writer = BufWriter::new(File::create(&temporary)?);
        serde_json::to_writer(&mut writer, ledger)?;
        let file = writer.into_inner().map_err(IntoInnerError::into_error)?;
        file.sync_all()?;
        drop(file);
        fs::rename(&temporary, &self.path)
    }

    /// Makes the rename itself last through a power cut. The new file is in place by now, so a failure is only logged.
    fn settle(&self) {
        if cfg!(unix)
            && let Err(error) = File::open(self.folder()).and_then(|folder| folder.sync_all())
        {
            tracing::warn!(
                target: "terminal",
                "The folder {} cannot be synced: {error}",
                self.folder().display()
            );
        }
    }
}

impl Store for FileStore {
    fn save(&mut self, ledger: &Ledger) -> Result<(), StoreError> {
        self.write(ledger).map_err(|source| StoreError {
            path: self.path.clone(),
            source,
        })?;
        self.settle();
        Ok(())
    }
}
