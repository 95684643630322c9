//! `link.txt`: where the Expert Advisor finds this run's pipe, port and secret. Written whole and readable by its owner
//! alone; a new secret at each start, and taken back at a clean end.

use std::fs::{self, File};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use super::handshake::{LinkSecret, PROTOCOL};

const FOLDER: &str = "FX-Executor";
const FILE: &str = "link.txt";

pub fn path(common_files: &Path) -> PathBuf {
    common_files.join(FOLDER).join(FILE)
}

/// An empty pipe or port 0 says that there is none.
pub fn write(
    common_files: &Path,
    pipe: &str,
    port: u16,
    secret: &LinkSecret,
) -> io::Result<PathBuf> {
    let path = path(common_files);
    fs::create_dir_all(common_files.join(FOLDER))?;
    let beside = path.with_extension(format!("tmp-{}", std::process::id()));
    let text = format!(
        "proto={PROTOCOL}\npipe={pipe}\nport={port}\nsecret={}\n",
        secret.text()
    );
    // Left over by a crash: its rights are not known.
    drop(fs::remove_file(&beside));
    let written = create_private(&beside)
        .and_then(|mut file| {
            file.write_all(text.as_bytes())?;
            file.sync_all()
        })
        .and_then(|()| fs::rename(&beside, &path));
    if let Err(error) = written {
        // The first error is the one that matters.
        drop(fs::remove_file(&beside));
        return Err(error);
    }
    Ok(path)
}

/// What the file says now.
#[derive(Debug, PartialEq, Eq)]
pub enum Names {
    Nobody,
    Us,
    /// Another run, or a run that was killed.
    Other {
        pipe: String,
        port: u16,
    },
}

pub fn names(common_files: &Path, secret: &LinkSecret) -> Names {
    let Ok(text) = fs::read_to_string(path(common_files)) else {
        return Names::Nobody;
    };
    let value = |key: &str| {
        let mut lines = text.lines();
        lines.find_map(|line| line.strip_prefix(key)?.strip_prefix('='))
    };
    if value("secret") == Some(secret.text()) {
        return Names::Us;
    }
    Names::Other {
        pipe: value("pipe").unwrap_or_default().to_owned(),
        port: value("port")
            .and_then(|port| port.parse().ok())
            .unwrap_or_default(),
    }
}

/// Takes the file back, and its folder when nothing else is in it. A file that tells another secret belongs to another
/// run and stays; one that cannot be removed opens nothing any more.
pub fn remove(common_files: &Path, secret: &LinkSecret) {
    let path = path(common_files);
    let own = format!("secret={}\n", secret.text());
    if fs::read_to_string(&path).is_ok_and(|text| text.ends_with(&own)) {
        drop(fs::remove_file(&path));
        drop(fs::remove_dir(common_files.join(FOLDER)));
    }
}

#[cfg(unix)]
fn create_private(path: &Path) -> io::Result<File> {
    use std::os::unix::fs::OpenOptionsExt as _;
    fs::OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(path)
}

#[cfg(windows)]
fn create_private(path: &Path) -> io::Result<File> {
    super::windows::create_private_file(path)
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]

    use super::*;

    #[test]
    fn the_file_is_the_contracts_and_the_owners() {
        let dir = tempfile::tempdir().unwrap();
        let secret = LinkSecret::of([0xab; 32]);
        fs::create_dir_all(dir.path().join(FOLDER)).unwrap();
        fs::write(path(dir.path()), "old and longer than what comes").unwrap();
        let written = write(dir.path(), "fx-1", 4_321, &secret).unwrap();
        assert_eq!(
            fs::read_to_string(&written).unwrap(),
            format!(
                "proto=1\npipe=fx-1\nport=4321\nsecret={}\n",
                "ab".repeat(32)
            )
        );
        assert_eq!(fs::read_dir(written.parent().unwrap()).unwrap().count(), 1);
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt as _;
            assert_eq!(
                fs::metadata(&written).unwrap().permissions().mode() & 0o777,
                0o600
            );
        }
    }

    #[test]
    fn only_the_file_of_this_run_is_taken_back() {
        let dir = tempfile::tempdir().unwrap();
        let (own, other) = (LinkSecret::of([1; 32]), LinkSecret::of([2; 32]));
        let written = write(dir.path(), "fx-1", 1, &own).unwrap();
        remove(dir.path(), &other);
        assert!(written.exists());
        remove(dir.path(), &own);
        assert!(!written.exists());
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 0);
    }

    #[test]
    fn a_folder_that_cannot_be_written_is_said() {
        let dir = tempfile::tempdir().unwrap();
        fs::write(dir.path().join(FOLDER), "in the way").unwrap();
        assert!(write(dir.path(), "", 1, &LinkSecret::of([1; 32])).is_err());
    }
}
