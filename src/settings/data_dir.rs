//! The folder that holds what the program remembers, and the lock that keeps two programs out of it.

use std::env;
use std::fs::{self, File, OpenOptions, TryLockError};
use std::io;
use std::path::{Path, PathBuf};

use super::durable;

/// An existing folder that only its owner can enter.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DataDir {
    root: PathBuf,
}

/// Held while the program runs; the operating system frees it even when the program is killed.
#[derive(Debug)]
pub struct DataDirLock {
    _file: File,
    /// The folder itself: the file in it may be deleted by somebody who takes it for a leftover.
    #[cfg(unix)]
    _folder: File,
    owner: PathBuf,
}

#[derive(Debug, thiserror::Error)]
pub enum DataDirError {
    #[error(
        "there is no place for the program's data: neither HOME nor APPDATA is set; name one with --data-dir"
    )]
    NoPlace,
    #[error("the data folder {} cannot be used: {source}; name another with --data-dir", path.display())]
    Unusable {
        path: PathBuf,
        #[source]
        source: io::Error,
    },
    #[error("{} is in use by {}; end that program, or name another folder with --data-dir",
        path.display(), owner.map_or_else(|| "another FX Executor".to_owned(), |pid| format!("process {pid}")))]
    InUse { path: PathBuf, owner: Option<u32> },
}

impl DataDir {
    /// The given folder, or the usual one: `~/.local/share/fx-executor` (or under `XDG_DATA_HOME`),
    /// `%APPDATA%\FX Executor` on Windows. It is made when it is not there.
    pub fn open(chosen: Option<&Path>) -> Result<Self, DataDirError> {
        let root = match chosen {
            Some(path) => path.to_owned(),
            None => Self::usual_place().ok_or(DataDirError::NoPlace)?,
        };
        let unusable = |source| DataDirError::Unusable {
            path: root.clone(),
            source,
        };
        let mut builder = fs::DirBuilder::new();
        builder.recursive(true);
        #[cfg(unix)]
        std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
        builder.create(&root).map_err(unusable)?;
        let root = std::path::absolute(&root).map_err(unusable)?;
        Ok(Self { root })
    }

    /// Where it is when none is chosen; nothing is made.
    pub fn usual_place() -> Option<PathBuf> {
        usual(|name| env::var_os(name).map(PathBuf::from), cfg!(windows))
    }

    pub fn path(&self) -> &Path {
        &self.root
    }

    pub fn join(&self, name: &str) -> PathBuf {
        self.root.join(name)
    }

    /// Takes the folder for this process, or says which process has it.
    pub fn lock(&self) -> Result<DataDirLock, DataDirError> {
        let unusable = |source| DataDirError::Unusable {
            path: self.root.clone(),
            source,
        };
        // The process id has a file of its own: Windows does not let others read a locked one.
        let owner = self.join("lock.pid");
        let take = |file: &File| match file.try_lock() {
            Ok(()) => Ok(()),
            Err(TryLockError::WouldBlock) => Err(DataDirError::InUse {
                path: self.root.clone(),
                owner: fs::read_to_string(&owner)
                    .ok()
                    .and_then(|text| text.trim().parse().ok()),
            }),
            Err(TryLockError::Error(source)) => Err(unusable(source)),
        };
        #[cfg(unix)]
        let folder = File::open(&self.root).map_err(unusable)?;
        #[cfg(unix)]
        take(&folder)?;
        let file = OpenOptions::new()
            .create(true)
            .truncate(false)
            .write(true)
            .open(self.join("lock"))
            .map_err(unusable)?;
        take(&file)?;
        // Only a message names it: a disk without room must not keep a stop from being given. It names no dead process then.
        drop(fs::remove_file(&owner));
        drop(durable::write(
            &owner,
            std::process::id().to_string().as_bytes(),
        ));
        Ok(DataDirLock {
            _file: file,
            #[cfg(unix)]
            _folder: folder,
            owner,
        })
    }
}

impl Drop for DataDirLock {
    fn drop(&mut self) {
        // A leftover file does no harm: it is only read while somebody holds the lock.
        drop(fs::remove_file(&self.owner));
    }
}

fn usual(variable: impl Fn(&str) -> Option<PathBuf>, windows: bool) -> Option<PathBuf> {
    let folder = |name| variable(name).filter(|path: &PathBuf| !path.as_os_str().is_empty());
    if windows {
        return folder("APPDATA").map(|path| path.join("FX Executor"));
    }
    // XDG Base Directory Specification: a relative path is to be ignored.
    folder("XDG_DATA_HOME")
        .filter(|path| path.is_absolute())
        .or_else(|| folder("HOME").map(|path| path.join(".local").join("share")))
        .map(|path| path.join("fx-executor"))
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]

    use super::*;

    #[test]
    fn the_usual_place_follows_the_system() {
        for (windows, variables, place) in [
            (
                false,
                vec![("HOME", "/home/joe")],
                Some("/home/joe/.local/share/fx-executor"),
            ),
            (
                false,
                vec![("HOME", "/home/joe"), ("XDG_DATA_HOME", "/data")],
                Some("/data/fx-executor"),
            ),
            (
                false,
                vec![("HOME", "/home/joe"), ("XDG_DATA_HOME", "data")],
                Some("/home/joe/.local/share/fx-executor"),
            ),
            (false, vec![("HOME", "")], None),
            (true, vec![("HOME", "/home/joe")], None),
        ] {
            // On Windows those are no whole paths.
            if cfg!(windows) && !windows {
                continue;
            }
            let find = |name: &str| {
                let found = variables.iter().find(|(key, _)| *key == name);
                found.map(|(_, value)| PathBuf::from(value))
            };
            assert_eq!(
                usual(find, windows),
                place.map(PathBuf::from),
                "{variables:?}"
            );
        }
        let appdata = usual(|name| (name == "APPDATA").then(|| PathBuf::from("R")), true);
        assert_eq!(appdata, Some(Path::new("R").join("FX Executor")));
    }

    #[test]
    fn a_second_program_is_told_who_has_the_folder() {
        let dir = tempfile::tempdir().unwrap();
        let data = DataDir::open(Some(&dir.path().join("new"))).unwrap();
        let lock = data.lock().unwrap();
        let told = data.lock().unwrap_err();
        assert!(
            matches!(told, DataDirError::InUse { owner: Some(pid), .. } if pid == std::process::id()),
            "{told}"
        );
        drop(lock);
        drop(data.lock().unwrap());
    }

    /// Windows does not let an open file be deleted.
    #[cfg(unix)]
    #[test]
    fn a_deleted_lock_file_lets_no_second_program_in() {
        let dir = tempfile::tempdir().unwrap();
        let data = DataDir::open(Some(dir.path())).unwrap();
        let lock = data.lock().unwrap();
        fs::remove_file(data.join("lock")).unwrap();
        let told = data.lock().unwrap_err();
        assert!(matches!(told, DataDirError::InUse { .. }), "{told}");
        drop(lock);
        drop(data.lock().unwrap());
    }

    #[test]
    fn a_lock_left_by_a_killed_program_does_not_hold() {
        let dir = tempfile::tempdir().unwrap();
        let data = DataDir::open(Some(dir.path())).unwrap();
        fs::write(data.join("lock"), "").unwrap();
        fs::write(data.join("lock.pid"), "1").unwrap();
        drop(data.lock().unwrap());
    }

    #[test]
    fn who_has_the_folder_need_not_be_written_down() {
        let dir = tempfile::tempdir().unwrap();
        let data = DataDir::open(Some(dir.path())).unwrap();
        // Nothing can be put in the place of a folder, as little as where no room is.
        fs::create_dir_all(data.join("lock.pid").join("full")).unwrap();
        let lock = data.lock().unwrap();
        let told = data.lock().unwrap_err();
        assert!(
            matches!(told, DataDirError::InUse { owner: None, .. }),
            "{told}"
        );
        drop(lock);
    }

    #[cfg(unix)]
    #[test]
    fn a_dead_process_is_not_named_where_nothing_can_be_written() {
        let dir = tempfile::tempdir().unwrap();
        let data = DataDir::open(Some(dir.path())).unwrap();
        fs::write(data.join("lock.pid"), "1").unwrap();
        // What is to be put in its place cannot be made.
        let temporary = format!("lock.pid.tmp-{}", std::process::id());
        fs::create_dir_all(data.join(&temporary).join("full")).unwrap();
        let _lock = data.lock().unwrap();
        let told = data.lock().unwrap_err();
        assert!(
            matches!(told, DataDirError::InUse { owner: None, .. }),
            "{told}"
        );
    }

    #[test]
    fn a_folder_that_cannot_be_made_is_named() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("file");
        fs::write(&file, "").unwrap();
        let told = DataDir::open(Some(&file.join("data")))
            .unwrap_err()
            .to_string();
        assert!(
            told.contains("file") && told.contains("--data-dir"),
            "{told}"
        );
    }
}
