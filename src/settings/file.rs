//! Finding, reading and saving `executor-config.json`.

use std::fs::{self, File};
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};

use jiff::Timestamp;
use secrecy::ExposeSecret as _;

use super::document::{BrokenText, Document, LARGEST};
use super::draft::{Draft, Held};
use super::durable;
use super::field::Field;
use super::secret::{SecretName, SecretStore, SecretStoreError};

pub const FILE_NAME: &str = "executor-config.json";

/// What was read, with the secrets of the store.
#[derive(Clone, Debug)]
pub struct Loaded {
    pub path: PathBuf,
    /// False when there is no file yet; the draft is then empty.
    pub exists: bool,
    pub draft: Draft,
    /// What the trader should know, as sentences.
    pub notices: Vec<String>,
}

#[derive(Debug, thiserror::Error)]
pub enum LoadError {
    #[error("{} cannot be read: {source}", path.display())]
    Unreadable {
        path: PathBuf,
        #[source]
        source: io::Error,
    },
    /// The file stays as it is; a save puts it aside first.
    #[error("{} is not readable as JSON. {reason}", path.display())]
    Broken { path: PathBuf, reason: BrokenText },
}

#[derive(Debug, thiserror::Error)]
pub enum SaveError {
    #[error("{} cannot be written: {source}", path.display())]
    Write {
        path: PathBuf,
        #[source]
        source: io::Error,
    },
    #[error(transparent)]
    Secret(#[from] SecretStoreError),
}

/// What a save did besides saving.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Saved {
    /// What the trader should know, as sentences.
    pub notices: Vec<String>,
    /// What he has to do something about.
    pub warnings: Vec<String>,
    /// Where a broken file was put aside.
    pub broken_kept: Option<PathBuf>,
}

/// The file to use: the one asked for; else the one in the data folder; else the one in the working folder. When
/// there is none, the first save makes the one in the data folder.
pub fn locate(asked: Option<&Path>, data_dir: &Path, working_dir: &Path) -> PathBuf {
    if let Some(path) = asked {
        return path.to_owned();
    }
    let of_data = data_dir.join("config").join(FILE_NAME);
    let of_working = working_dir.join("config").join(FILE_NAME);
    if !of_data.exists() && of_working.exists() {
        of_working
    } else {
        of_data
    }
}

pub fn load(path: &Path, store: &dyn SecretStore) -> Result<Loaded, LoadError> {
    let document = read(path)?;
    let exists = document.is_some();
    Ok(Loaded::new(path, exists, document, store))
}

/// An empty draft in place of a file that cannot be read, with what the store still holds.
pub fn start_over(path: &Path, store: &dyn SecretStore) -> Loaded {
    Loaded::new(path, true, None, store)
}

impl Loaded {
    fn new(path: &Path, exists: bool, document: Option<Document>, store: &dyn SecretStore) -> Self {
        let mut loaded = Self {
            path: path.to_owned(),
            exists,
            draft: document.map_or_else(Draft::default, Draft::of),
            notices: Vec::new(),
        };
        if loaded.draft.secrets().next().is_some() {
            loaded.notices.push(format!(
                "A secret stands in clear text in {}. It works; saving the settings moves it into {}.",
                path.display(),
                store.place()
            ));
        }
        for key in loaded.draft.document.keys() {
            // One that guards trading is a problem of the draft.
            if let Some(meant) = Field::misspelt(key).filter(|field| !field.is_local()) {
                loaded.notices.push(format!(
                    "\"{key}\" in {} means nothing and is not obeyed; did you mean \"{}\"?",
                    path.display(),
                    meant.key()
                ));
            } else if Field::misspelt(key).is_none()
                && let Some(limit) = Field::of_a_limit(key)
            {
                loaded.notices.push(format!(
                    "\"{key}\" in {} limits nothing here; a limit of this program is \"{}\".",
                    path.display(),
                    limit.key()
                ));
            }
        }
        loaded
            .notices
            .extend(nested_limits(&loaded.draft.document, path));
        loaded.take_from_store(store);
        loaded
    }

    fn take_from_store(&mut self, store: &dyn SecretStore) {
        let Draft {
            api_secret,
            proxy_address,
            ..
        } = &mut self.draft;
        for (held, name) in [
            (api_secret, SecretName::ApiSecret),
            (proxy_address, SecretName::ProxyAddress),
        ] {
            if held.value.is_some() {
                continue;
            }
            match store.get(name) {
                Ok(value) => {
                    *held = Held {
                        value,
                        unsaved: false,
                    }
                }
                Err(error) => self.notices.push(format!("{error}.")),
            }
        }
    }
}

/// Limits one level down, such as `"trading": {"maxLots": 0.1}`, where nobody looks.
fn nested_limits(document: &Document, path: &Path) -> Vec<String> {
    let keys = document
        .keys()
        .filter(|key| *key != "pusher" && !key.starts_with('_'));
    let mut told = Vec::new();
    for outer in keys {
        let inside = document
            .get(outer)
            .and_then(|raw| Document::parse_text(raw).ok());
        let inside = inside.unwrap_or_default();
        for key in inside.keys() {
            let known = Field::ALL
                .into_iter()
                .find(|field| field.is_local() && field.key() == key);
            let misspelt = || Field::misspelt(key).filter(|field| field.is_local());
            let limit = known.or_else(misspelt).or_else(|| Field::of_a_limit(key));
            if let Some(limit) = limit {
                told.push(format!(
                    "\"{key}\" inside \"{outer}\" in {} does nothing here; a limit of this program is \"{}\", beside the other settings.",
                    path.display(),
                    limit.key()
                ));
            }
        }
    }
    told
}

/// Writes the draft's values over what the file holds now, so that a change made beside us in other keys stays.
pub fn save(
    path: &Path,
    draft: &Draft,
    store: &dyn SecretStore,
    now: Timestamp,
) -> Result<Saved, SaveError> {
    let unwritable = |source| SaveError::Write {
        path: path.to_owned(),
        source,
    };
    let mut draft = draft.clone();
    draft.part_proxy_password();

    let mut saved = Saved::default();
    let (mut document, had_secret) = match read(path) {
        Ok(Some(document)) => {
            let had_secret = Draft::of(document.clone()).secrets().next().is_some();
            (document, had_secret)
        }
        Ok(None) => (Document::default(), false),
        Err(LoadError::Unreadable { source, .. }) => return Err(unwritable(source)),
        Err(LoadError::Broken { .. }) => {
            let aside = put_aside(path, now).map_err(unwritable)?;
            saved.warnings.push(format!(
                "The old settings file was not readable; it is kept as {}. Limits and everything else that stood in it count only as Settings shows them now: fill in what is missing.",
                aside.display()
            ));
            saved.broken_kept = Some(aside);
            (Document::default(), false)
        }
    };
    document.fill_from(&draft.document);

    // The store first: should it fail, a secret in the file is still there.
    let moved = store_secrets(&draft, store)?;
    for key in draft.write_into(&mut document) {
        saved.warnings.push(format!(
            "\"{key}\" meant nothing and was taken out of {}; what counts is the value that you gave in its place.",
            path.display()
        ));
    }
    durable::write(path, document.to_text().as_bytes()).map_err(unwritable)?;
    if moved && had_secret {
        saved.notices.push(format!(
            "The secret was moved out of {} into {}.",
            path.display(),
            store.place()
        ));
    }
    Ok(saved)
}

/// Whether anything was put into the store.
fn store_secrets(draft: &Draft, store: &dyn SecretStore) -> Result<bool, SecretStoreError> {
    let mut moved = false;
    for (held, name) in [
        (&draft.api_secret, SecretName::ApiSecret),
        (&draft.proxy_address, SecretName::ProxyAddress),
    ] {
        match &held.value {
            Some(_) if !held.unsaved => {}
            Some(value) => {
                let trimmed = value.expose_secret().trim().into();
                store.set(name, &trimmed)?;
                let kept = store.get(name)?;
                if kept.is_none_or(|kept| kept.expose_secret() != trimmed.expose_secret()) {
                    return Err(SecretStoreError {
                        action: "found again in",
                        place: store.place(),
                        reason: "another value came back".to_owned(),
                        refused: false,
                    });
                }
                moved = true;
            }
            None if held.unsaved => store.remove(name)?,
            None => {}
        }
    }
    if draft.get(Field::Proxy).is_empty() {
        store.remove(SecretName::ProxyAddress)?;
    }
    Ok(moved)
}

/// No more of a file than may be settings, for a device has no end. One byte beyond that tells a file that is too large.
pub fn read_bounded(path: &Path) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    let file = File::open(path)?;
    file.take(LARGEST as u64 + 1).read_to_end(&mut bytes)?;
    Ok(bytes)
}

fn read(path: &Path) -> Result<Option<Document>, LoadError> {
    let bytes = match read_bounded(path) {
        Ok(bytes) => bytes,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(source) => {
            return Err(LoadError::Unreadable {
                path: path.to_owned(),
                source,
            });
        }
    };
    Document::parse(&bytes)
        .map(Some)
        .map_err(|reason| LoadError::Broken {
            path: path.to_owned(),
            reason,
        })
}

fn put_aside(path: &Path, now: Timestamp) -> io::Result<PathBuf> {
    let stamp = now.strftime("broken-%Y%m%d-%H%M%S").to_string();
    let free = (0..100)
        .map(|n| match n {
            0 => durable::beside(path, &stamp),
            n => durable::beside(path, &format!("{stamp}-{n}")),
        })
        .find(|aside| !aside.exists())
        .ok_or_else(|| io::Error::other("too many broken files of this second"))?;
    // A secret may stand in it, and nobody will look at it again soon.
    #[cfg(unix)]
    fs::set_permissions(path, std::os::unix::fs::PermissionsExt::from_mode(0o600))?;
    fs::rename(path, &free)?;
    Ok(free)
}

#[cfg(test)]
#[path = "file_tests.rs"]
mod tests;
