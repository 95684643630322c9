//! The Windows Credential Manager as secret store.

use std::collections::HashMap;
use std::fmt;
use std::path::Path;
use std::sync::Arc;

use keyring_core::api::CredentialStoreApi as _;
use keyring_core::{Entry, Error};
use secrecy::{ExposeSecret as _, SecretString};
use windows_native_keyring_store::Store;

use super::secret::{SecretName, SecretStore, SecretStoreError};

/// Credentials of the signed-in user that stay on this computer (persistence "Local": they do not roam with a domain
/// profile). One program folder has its own.
pub(super) struct CredentialManager {
    store: Arc<Store>,
    folder: String,
}

impl fmt::Debug for CredentialManager {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("CredentialManager")
    }
}

impl CredentialManager {
    pub(super) fn new(data_dir: &Path) -> Result<Self, SecretStoreError> {
        Ok(Self {
            store: Store::new().map_err(fault("reached in"))?,
            folder: data_dir.display().to_string(),
        })
    }

    fn entry(&self, name: SecretName) -> Result<Entry, Error> {
        let user = format!("{} of {}", name.name(), self.folder);
        let local = HashMap::from([("persistence", "Local")]);
        if refuses_for_a_test() {
            let refusal = std::io::Error::from_raw_os_error(NO_SUCH_LOGON_SESSION);
            return Err(Error::NoStorageAccess(Box::new(refusal)));
        }
        self.store.build("FX Executor", &user, Some(&local))
    }
}

impl SecretStore for CredentialManager {
    fn get(&self, name: SecretName) -> Result<Option<SecretString>, SecretStoreError> {
        match self.entry(name).and_then(|entry| entry.get_password()) {
            Ok(secret) => Ok(Some(SecretString::from(secret))),
            Err(Error::NoEntry) => Ok(None),
            Err(error) => Err(fault("read from")(error)),
        }
    }

    fn set(&self, name: SecretName, secret: &SecretString) -> Result<(), SecretStoreError> {
        self.entry(name)
            .and_then(|entry| entry.set_password(secret.expose_secret()))
            .map_err(fault("kept in"))
    }

    fn remove(&self, name: SecretName) -> Result<(), SecretStoreError> {
        match self.entry(name).and_then(|entry| entry.delete_credential()) {
            Ok(()) | Err(Error::NoEntry) => Ok(()),
            Err(error) => Err(fault("removed from")(error)),
        }
    }

    fn place(&self) -> String {
        "the Windows Credential Manager, for this user on this computer".to_owned()
    }
}

/// What Windows says to services and tasks that run without the person's password.
const NO_SUCH_LOGON_SESSION: i32 = 1_312;

/// `FX_EXECUTOR_NO_CREDENTIALS=1` makes it refuse, as it does to a service. Only debug builds look at it.
fn refuses_for_a_test() -> bool {
    cfg!(debug_assertions)
        && std::env::var("FX_EXECUTOR_NO_CREDENTIALS").is_ok_and(|value| value == "1")
}

/// An error of the store may carry the bytes of the secret; only harmless kinds are put into words.
fn fault(action: &'static str) -> impl Fn(Error) -> SecretStoreError {
    move |error| SecretStoreError {
        action,
        place: "the Windows Credential Manager".to_owned(),
        refused: matches!(error, Error::PlatformFailure(_) | Error::NoStorageAccess(_)),
        reason: match error {
            Error::PlatformFailure(reason) => reason.to_string(),
            Error::NoStorageAccess(reason) => format!(
                "it is closed to this session, as to a service or a scheduled task that runs without a stored password ({reason})"
            ),
            Error::TooLong(part, limit) => format!("{part} is longer than {limit}"),
            _ => "it gave no usable answer".to_owned(),
        },
    }
}
