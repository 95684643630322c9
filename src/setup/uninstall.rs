//! Takes back exactly what was written: the manifest's files, as long as they are as they were written.

use std::path::PathBuf;
use std::{fmt, fs, io};

use super::detect::{Presence, Terminal};
use super::expert;
use super::install::unfinished;
use super::manifest::{self, Manifest, ManifestError};

/// What would be removed. Making one changes nothing.
#[derive(Clone, Debug)]
pub struct Removal {
    pub terminal: Terminal,
    pub folder: PathBuf,
    /// Each file of the manifest, by name.
    pub files: Vec<(String, Fate)>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fate {
    /// As it was written: it is removed.
    Remove,
    /// Somebody changed it since: it stays.
    Changed,
    /// It is not there any more.
    Gone,
}

#[derive(Debug)]
pub struct RemovalAgreed {
    removal: Removal,
}

/// What was done.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Removed {
    pub removed: Vec<PathBuf>,
    /// Files that stay because somebody changed them.
    pub left: Vec<PathBuf>,
    /// Files that could not be removed, and why.
    pub failed: Vec<(PathBuf, String)>,
}

impl Removal {
    /// Looks at what this program wrote into `terminal`; `None` when there is nothing.
    pub fn of(terminal: &Terminal) -> Result<Option<Self>, ManifestError> {
        let Some(data) = terminal.data_dir() else {
            return Ok(None);
        };
        let folder = expert::folder(data);
        let manifest = Manifest::read(&folder)?;
        if manifest.files.is_empty() {
            return Ok(None);
        }
        let files = manifest
            .files
            .keys()
            .map(|name| {
                let fate = match fs::read(folder.join(name)) {
                    Ok(bytes) if manifest.has(name, &bytes) => Fate::Remove,
                    Ok(_) => Fate::Changed,
                    Err(error) if error.kind() == io::ErrorKind::NotFound => Fate::Gone,
                    Err(_) => Fate::Changed,
                };
                (name.clone(), fate)
            })
            .collect();
        Ok(Some(Self {
            terminal: terminal.clone(),
            folder,
            files,
        }))
    }

    /// A person has seen the list and wants it done.
    pub const fn agreed(self) -> RemovalAgreed {
        RemovalAgreed { removal: self }
    }
}

impl RemovalAgreed {
    /// Removes what is still as it was written, then the manifest, then the folder when nothing else is in it.
    pub fn carry_out(&self) -> Result<Removed, ManifestError> {
        let folder = &self.removal.folder;
        // Looked at again: a file may have changed while the question was open.
        let mut manifest = Manifest::read(folder)?;
        let mut done = Removed::default();
        for (name, _) in &self.removal.files {
            let path = folder.join(name);
            match fs::read(&path) {
                Ok(bytes) if manifest.has(name, &bytes) => match fs::remove_file(&path) {
                    Ok(()) => {
                        manifest.files.remove(name);
                        done.removed.push(path);
                    }
                    Err(error) => done.failed.push((path, error.to_string())),
                },
                Ok(_) => {
                    manifest.files.remove(name);
                    done.left.push(path);
                }
                Err(error) if error.kind() == io::ErrorKind::NotFound => {
                    manifest.files.remove(name);
                }
                Err(error) => done.failed.push((path, error.to_string())),
            }
        }
        for name in unfinished() {
            // Left over only by an interrupted installation; a failure leaves a harmless file.
            drop(fs::remove_file(folder.join(name)));
        }
        if manifest.files.is_empty() {
            let path = folder.join(manifest::NAME);
            match fs::remove_file(&path) {
                Ok(()) => done.removed.push(path),
                Err(error) => done.failed.push((path, error.to_string())),
            }
            // Fails, as it should, while something of somebody else is in it.
            drop(fs::remove_dir(folder));
        } else if let Err(error) = manifest.write(folder) {
            done.failed
                .push((folder.join(manifest::NAME), error.to_string()));
        }
        Ok(done)
    }
}

/// The dry-run view.
impl fmt::Display for Removal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({})", self.terminal.name, self.terminal.id)?;
        for (name, fate) in &self.files {
            let path = self.folder.join(name);
            let words = match fate {
                Fate::Remove => "remove",
                Fate::Changed => "leave (changed since it was written)",
                Fate::Gone => "gone already",
            };
            write!(f, "\n  {words}: {}", path.display())?;
        }
        let first = "remove FX-Executor from its chart first (right click, Expert List, Remove).";
        match self.terminal.presence {
            Presence::Closed => Ok(()),
            Presence::Running => write!(f, "\nThe terminal is running: {first}"),
            Presence::Unknown => write!(f, "\nIf the terminal is running, {first}"),
        }
    }
}
