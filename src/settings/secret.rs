//! Where secrets rest: the operating system's store where there is one, else a file that only the owner can read.

use std::fmt;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use secrecy::{ExposeSecret as _, SecretString};

use super::durable;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SecretName {
    ApiSecret,
    /// The proxy's address with user name and password.
    ProxyAddress,
}

impl SecretName {
    pub(super) const ALL: [Self; 2] = [Self::ApiSecret, Self::ProxyAddress];

    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::ApiSecret => "api-secret",
            Self::ProxyAddress => "proxy-address",
        }
    }
}

/// A place for secrets. Errors say which place and why, never what was to be kept.
pub trait SecretStore: fmt::Debug + Send + Sync {
    fn get(&self, name: SecretName) -> Result<Option<SecretString>, SecretStoreError>;
    fn set(&self, name: SecretName, secret: &SecretString) -> Result<(), SecretStoreError>;
    /// Succeeds when there is none.
    fn remove(&self, name: SecretName) -> Result<(), SecretStoreError>;
    /// Where it is, in words that end a sentence ("kept in …").
    fn place(&self) -> String;
}

#[derive(Debug, thiserror::Error)]
#[error("the secret cannot be {action} {place}: {reason}")]
pub struct SecretStoreError {
    pub(super) action: &'static str,
    pub(super) place: String,
    pub(super) reason: String,
    /// The place gives nothing to this session, and takes nothing; another place may.
    pub(super) refused: bool,
}

/// The store of this computer, for one data folder.
pub fn secret_store(data_dir: &Path) -> Box<dyn SecretStore> {
    #[cfg(windows)]
    {
        let files = Box::new(super::windows_dpapi::ProtectedFiles::new(data_dir));
        match super::windows::CredentialManager::new(data_dir) {
            Ok(store) => Box::new(super::fallback::WithFallback::new(Box::new(store), files)),
            Err(_) => files,
        }
    }
    #[cfg(not(windows))]
    Box::new(FileStore::new(data_dir))
}

/// Files in `secrets/` of the data folder, readable by their owner alone.
#[derive(Debug)]
pub struct FileStore {
    folder: PathBuf,
}

impl FileStore {
    pub fn new(data_dir: &Path) -> Self {
        Self {
            folder: data_dir.join("secrets"),
        }
    }

    fn path(&self, name: SecretName) -> PathBuf {
        self.folder.join(name.name())
    }

    fn fault(&self, action: &'static str) -> impl Fn(io::Error) -> SecretStoreError {
        move |error| SecretStoreError {
            action,
            place: self.folder.display().to_string(),
            reason: error.to_string(),
            refused: false,
        }
    }
}

impl SecretStore for FileStore {
    fn get(&self, name: SecretName) -> Result<Option<SecretString>, SecretStoreError> {
        let path = self.path(name);
        match fs::read_to_string(&path) {
            Ok(text) => {
                make_private(&path, 0o600).map_err(self.fault("protected in"))?;
                Ok(Some(SecretString::from(text)).filter(|text| !text.expose_secret().is_empty()))
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(self.fault("read from")(error)),
        }
    }

    fn set(&self, name: SecretName, secret: &SecretString) -> Result<(), SecretStoreError> {
        let path = self.path(name);
        let kept = fs::create_dir_all(&self.folder)
            .and_then(|()| make_private(&self.folder, 0o700))
            .and_then(|()| durable::write(&path, secret.expose_secret().as_bytes()))
            .and_then(|()| make_private(&path, 0o600));
        kept.map_err(self.fault("kept in"))
    }

    fn remove(&self, name: SecretName) -> Result<(), SecretStoreError> {
        match fs::remove_file(self.path(name)) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                Err(self.fault("removed from")(error))
            }
            _ => Ok(()),
        }
    }

    fn place(&self) -> String {
        format!(
            "a file that only you can read, in {}",
            self.folder.display()
        )
    }
}

#[cfg(unix)]
fn make_private(path: &Path, mode: u32) -> io::Result<()> {
    use std::os::unix::fs::PermissionsExt as _;
    fs::set_permissions(path, fs::Permissions::from_mode(mode))
}

/// The user's profile folder is private already.
#[cfg(not(unix))]
fn make_private(_: &Path, _: u32) -> io::Result<()> {
    Ok(())
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]

    use super::*;

    #[test]
    fn a_secret_is_kept_replaced_and_removed() {
        let dir = tempfile::tempdir().unwrap();
        let store = FileStore::new(dir.path());
        let read = || {
            let found = store.get(SecretName::ApiSecret).unwrap();
            found.map(|secret| secret.expose_secret().to_owned())
        };
        assert_eq!(read(), None);
        store.remove(SecretName::ApiSecret).unwrap();
        for value in ["one", "two"] {
            store
                .set(SecretName::ApiSecret, &SecretString::from(value))
                .unwrap();
            assert_eq!(read().as_deref(), Some(value));
        }
        assert!(store.get(SecretName::ProxyAddress).unwrap().is_none());
        store.remove(SecretName::ApiSecret).unwrap();
        assert_eq!(read(), None);
    }

    #[cfg(unix)]
    #[test]
    fn nobody_else_can_read_it() {
        use std::os::unix::fs::PermissionsExt as _;
        let dir = tempfile::tempdir().unwrap();
        let store = FileStore::new(dir.path());
        store
            .set(SecretName::ApiSecret, &SecretString::from("x"))
            .unwrap();
        let path = store.path(SecretName::ApiSecret);
        let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
        assert_eq!(mode(&store.folder), 0o700);
        assert_eq!(mode(&path), 0o600);
        // Somebody copied the folder without care.
        fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).unwrap();
        assert!(store.get(SecretName::ApiSecret).unwrap().is_some());
        assert_eq!(mode(&path), 0o600);
    }

    #[test]
    fn a_store_that_fails_says_where_and_not_what() {
        let dir = tempfile::tempdir().unwrap();
        fs::write(dir.path().join("secrets"), "in the way").unwrap();
        let error = FileStore::new(dir.path())
            .set(SecretName::ApiSecret, &SecretString::from("marked"))
            .unwrap_err()
            .to_string();
        assert!(
            error.starts_with("the secret cannot be kept in "),
            "{error}"
        );
        assert!(!error.contains("marked"));
    }
}
