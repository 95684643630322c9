//! Secrets in files that Windows encrypts for this user: for services and tasks that the Credential Manager refuses.
#![expect(
    unsafe_code,
    reason = "the data protection of Windows has no safe interface"
)]

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::ptr::{null, null_mut};

use secrecy::zeroize::Zeroize as _;
use secrecy::{ExposeSecret as _, SecretString};
use windows_sys::Win32::Foundation::LocalFree;
use windows_sys::Win32::Security::Cryptography::{
    CRYPT_INTEGER_BLOB, CRYPTPROTECT_UI_FORBIDDEN, CryptProtectData, CryptUnprotectData,
};

use super::durable;
use super::secret::{SecretName, SecretStore, SecretStoreError};

/// Bytes of a file beyond which it is none of ours.
const LARGEST: u64 = 64 * 1024;

/// Files in `secrets/` of the data folder, which only this user's sessions on this computer can read.
#[derive(Debug)]
pub(super) struct ProtectedFiles {
    folder: PathBuf,
}

impl ProtectedFiles {
    pub(super) fn new(data_dir: &Path) -> Self {
        Self {
            folder: data_dir.join("secrets"),
        }
    }

    fn path(&self, name: SecretName) -> PathBuf {
        self.folder.join(format!("{}.dpapi", name.name()))
    }

    fn fault(&self, action: &'static str) -> impl Fn(io::Error) -> SecretStoreError {
        move |error| SecretStoreError {
            action,
            place: format!("a protected file in {}", self.folder.display()),
            reason: error.to_string(),
            refused: false,
        }
    }
}

impl SecretStore for ProtectedFiles {
    fn get(&self, name: SecretName) -> Result<Option<SecretString>, SecretStoreError> {
        let path = self.path(name);
        let read = fs::metadata(&path).and_then(|file| {
            if file.len() > LARGEST {
                return Err(io::Error::from(io::ErrorKind::FileTooLarge));
            }
            fs::read(&path)
        });
        match read {
            Ok(bytes) => unprotect(&bytes).map(Some).map_err(self.fault("read from")),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(self.fault("read from")(error)),
        }
    }

    fn set(&self, name: SecretName, secret: &SecretString) -> Result<(), SecretStoreError> {
        fs::create_dir_all(&self.folder)
            .and_then(|()| protect(secret))
            .and_then(|bytes| durable::write(&self.path(name), &bytes))
            .map_err(self.fault("kept in"))
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
            "a file that Windows encrypts for this user, in {}",
            self.folder.display()
        )
    }
}

fn protect(secret: &SecretString) -> io::Result<Vec<u8>> {
    let given = blob(secret.expose_secret().as_bytes())?;
    let mut made = CRYPT_INTEGER_BLOB::default();
    // SAFETY: `given` points at the secret, which outlives the call; `made` is written by it alone.
    let done = unsafe {
        CryptProtectData(
            &raw const given,
            null(),
            null(),
            null(),
            null(),
            CRYPTPROTECT_UI_FORBIDDEN,
            &raw mut made,
        )
    };
    taken(done, made)
}

fn unprotect(bytes: &[u8]) -> io::Result<SecretString> {
    let given = blob(bytes)?;
    let mut made = CRYPT_INTEGER_BLOB::default();
    // SAFETY: as in `protect`.
    let done = unsafe {
        CryptUnprotectData(
            &raw const given,
            null_mut(),
            null(),
            null(),
            null(),
            CRYPTPROTECT_UI_FORBIDDEN,
            &raw mut made,
        )
    };
    let mut bytes = taken(done, made)?;
    let secret = std::str::from_utf8(&bytes)
        .map(SecretString::from)
        .map_err(|_| io::Error::from(io::ErrorKind::InvalidData));
    bytes.zeroize();
    secret
}

fn blob(bytes: &[u8]) -> io::Result<CRYPT_INTEGER_BLOB> {
    Ok(CRYPT_INTEGER_BLOB {
        cbData: u32::try_from(bytes.len()).map_err(io::Error::other)?,
        pbData: bytes.as_ptr().cast_mut(),
    })
}

/// What Windows made; its own copy is wiped and freed.
fn taken(done: i32, made: CRYPT_INTEGER_BLOB) -> io::Result<Vec<u8>> {
    if done == 0 {
        return Err(io::Error::last_os_error());
    }
    // SAFETY: Windows allocated so many bytes there, and hands them over.
    unsafe {
        let bytes = std::slice::from_raw_parts_mut(made.pbData, made.cbData as usize);
        let copy = bytes.to_vec();
        bytes.zeroize();
        LocalFree(made.pbData.cast());
        Ok(copy)
    }
}
