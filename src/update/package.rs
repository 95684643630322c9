//! An offered installer on this computer: fetched, proved by size and SHA-256, and proved again right before it is run.

use std::fs::{self, File};
use std::io::{self, Read as _, Write as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustls::ClientConfig;
use sha2::{Digest as _, Sha256};

use super::address::{Address, FetchError};
use super::manifest::{Offer, PublicKey, Refusal};
use crate::net::proxy::ProxySetting;

/// The signed text beside the installer, so that whoever runs it can prove it anew.
const OFFER_FILE: &str = "offer.json";

/// Why an installer is not on this computer.
#[derive(Debug, thiserror::Error)]
pub enum PackageError {
    #[error(transparent)]
    Fetch(#[from] FetchError),
    #[error("{path} cannot be written: {source}")]
    Write { path: PathBuf, source: io::Error },
    #[error("{path} cannot be read: {source}")]
    Read { path: PathBuf, source: io::Error },
    #[error("only {came} of {size} bytes came; the download was cut off")]
    Cut { came: u64, size: u64 },
    #[error("more than the offered {0} bytes came")]
    TooMuch(u64),
    #[error(
        "the file is not the one that was signed (its SHA-256 differs); it was damaged on the way, or somebody changed it"
    )]
    NotTheSigned,
    #[error(transparent)]
    Refused(#[from] Refusal),
}

/// An installer that was proved.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Package {
    pub offer: Offer,
    pub path: PathBuf,
}

/// The folder that installers are fetched into.
#[derive(Clone, Debug)]
pub struct Kept {
    folder: PathBuf,
}

impl Kept {
    pub fn in_data_dir(data_dir: &Path) -> Self {
        Self {
            folder: data_dir.join("updates"),
        }
    }

    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// Fetches the installer of `offer`, whose signed text is `text`, from beside `address`. `told` hears how many bytes
    /// are there. Nothing stays of one that cannot be proved.
    pub async fn fetch(
        &self,
        (address, offer, text): (&Address, &Offer, &[u8]),
        tls: &Arc<ClientConfig>,
        proxy: &ProxySetting,
        told: impl FnMut(u64),
    ) -> Result<Package, PackageError> {
        let path = self.folder.join(&offer.file);
        let part = path.with_extension("part");
        self.start_anew()?;
        let fetched = self
            .fetch_into(&part, (address, offer), tls, proxy, told)
            .await
            .and_then(|()| {
                write(&self.folder.join(OFFER_FILE), text)?;
                fs::rename(&part, &path).map_err(|source| PackageError::Write {
                    path: path.clone(),
                    source,
                })
            });
        if let Err(error) = fetched {
            // The first error is the one that matters.
            drop(fs::remove_file(&part));
            return Err(error);
        }
        Ok(Package {
            offer: offer.clone(),
            path,
        })
    }

    /// Earlier downloads are of no use.
    fn start_anew(&self) -> Result<(), PackageError> {
        let failed = |source| PackageError::Write {
            path: self.folder.clone(),
            source,
        };
        match fs::remove_dir_all(&self.folder) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(failed(error)),
            _ => {}
        }
        fs::create_dir_all(&self.folder).map_err(failed)
    }

    async fn fetch_into(
        &self,
        part: &Path,
        (address, offer): (&Address, &Offer),
        tls: &Arc<ClientConfig>,
        proxy: &ProxySetting,
        mut told: impl FnMut(u64),
    ) -> Result<(), PackageError> {
        let failed = |source| PackageError::Write {
            path: part.to_owned(),
            source,
        };
        let mut source = address.beside(&offer.file).open(tls, proxy).await?;
        let mut file = File::create(part).map_err(failed)?;
        let (mut digest, mut came) = (Sha256::new(), 0);
        while let Some(piece) = source.piece().await? {
            came += piece.len() as u64;
            if came > offer.size {
                return Err(PackageError::TooMuch(offer.size));
            }
            digest.update(&piece);
            file.write_all(&piece).map_err(failed)?;
            told(came);
        }
        if came < offer.size {
            let size = offer.size;
            return Err(PackageError::Cut { came, size });
        }
        if digest.finalize()[..] != offer.sha256 {
            return Err(PackageError::NotTheSigned);
        }
        file.sync_all().map_err(failed)
    }

    /// The installer that lies here, proved anew: others may write into the folder, too.
    pub fn proved(&self, key: &PublicKey) -> Result<Package, PackageError> {
        let offer = Offer::read(&read(&self.folder.join(OFFER_FILE))?, key)?;
        let path = self.folder.join(&offer.file);
        if digest_of(&path)? != offer.sha256 {
            return Err(PackageError::NotTheSigned);
        }
        Ok(Package { offer, path })
    }
}

fn digest_of(path: &Path) -> Result<[u8; 32], PackageError> {
    let failed = |source| PackageError::Read {
        path: path.to_owned(),
        source,
    };
    let mut file = File::open(path).map_err(failed)?;
    let (mut digest, mut piece) = (Sha256::new(), vec![0; 64 * 1024]);
    loop {
        let count = file.read(&mut piece).map_err(failed)?;
        if count == 0 {
            return Ok(digest.finalize().into());
        }
        digest.update(&piece[..count]);
    }
}

fn read(path: &Path) -> Result<Vec<u8>, PackageError> {
    fs::read(path).map_err(|source| PackageError::Read {
        path: path.to_owned(),
        source,
    })
}

fn write(path: &Path, bytes: &[u8]) -> Result<(), PackageError> {
    fs::write(path, bytes).map_err(|source| PackageError::Write {
        path: path.to_owned(),
        source,
    })
}
