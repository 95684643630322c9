//! Where an offer lies, and how it and its installer are read: with limits on bytes and time, and no further than asked.

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::sync::Arc;
use std::time::Duration;

use rustls::ClientConfig;
use tokio::io::AsyncReadExt as _;
use url::Url;

use super::manifest::MOST_BYTES;
use crate::net::http::{client_for, is_loopback};
use crate::net::proxy::ProxySetting;

const CONNECT: Duration = Duration::from_secs(15);
/// The longest silence within a file.
const SILENCE: Duration = Duration::from_secs(30);
/// An installer over a slow line.
const WHOLE: Duration = Duration::from_secs(20 * 60);

/// A page of the web, or a file of this computer or its network.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Address {
    Web(Url),
    File(PathBuf),
}

impl FromStr for Address {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let text = text.trim();
        if Path::new(text).is_absolute() {
            return Ok(Self::File(PathBuf::from(text)));
        }
        let url = Url::parse(text)
            .ok()
            .filter(|url| url.host().is_some() && matches!(url.scheme(), "https" | "http"))
            .ok_or("An address that begins with https://, or the whole path of a file.")?;
        if url.scheme() == "http" && !is_loopback(&url) {
            return Err("The address must begin with https://.".to_owned());
        }
        Ok(Self::Web(url))
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            // What comes after the path may be a key.
            Self::Web(url) => write!(f, "{}{}", url.origin().ascii_serialization(), url.path()),
            Self::File(path) => path.display().fmt(f),
        }
    }
}

/// Why a file could not be had.
#[derive(Debug, thiserror::Error)]
pub enum FetchError {
    #[error("{0} cannot be read: {1}")]
    File(String, io::Error),
    #[error("{0} cannot be reached: {1}")]
    Away(String, String),
    #[error("{0} answered with HTTP status {1}")]
    Status(String, u16),
    #[error("{0} is larger than {1} bytes")]
    TooLarge(String, u64),
    #[error("no connection can be set up: {0}")]
    Setup(String),
}

/// What is read piece by piece.
pub(super) enum Source {
    Web {
        address: Address,
        answer: reqwest::Response,
    },
    File {
        address: Address,
        file: tokio::fs::File,
    },
}

impl Address {
    /// A file in the same folder.
    pub(super) fn beside(&self, name: &str) -> Self {
        match self {
            // A plain name (the offer's check) always joins.
            Self::Web(url) => Self::Web(
                url.join(&format!("./{name}"))
                    .unwrap_or_else(|_| url.clone()),
            ),
            Self::File(path) => Self::File(path.with_file_name(name)),
        }
    }

    pub(super) async fn open(
        &self,
        tls: &Arc<ClientConfig>,
        proxy: &ProxySetting,
    ) -> Result<Source, FetchError> {
        match self {
            Self::File(path) => match tokio::fs::File::open(path).await {
                Ok(file) => Ok(Source::File {
                    address: self.clone(),
                    file,
                }),
                Err(error) => Err(FetchError::File(self.to_string(), error)),
            },
            Self::Web(url) => {
                let (builder, _) = client_for(url, tls, proxy)
                    .map_err(|error| FetchError::Setup(error.to_string()))?;
                let client = builder
                    .connect_timeout(CONNECT)
                    .read_timeout(SILENCE)
                    .timeout(WHOLE)
                    .build()
                    .map_err(|error| FetchError::Setup(error.without_url().to_string()))?;
                let answer = client
                    .get(url.clone())
                    .send()
                    .await
                    .map_err(|error| self.away(error))?;
                if answer.status().is_success() {
                    Ok(Source::Web {
                        address: self.clone(),
                        answer,
                    })
                } else {
                    let status = answer.status().as_u16();
                    Err(FetchError::Status(self.to_string(), status))
                }
            }
        }
    }

    /// The text of an offer.
    pub async fn offer_text(
        &self,
        tls: &Arc<ClientConfig>,
        proxy: &ProxySetting,
    ) -> Result<Vec<u8>, FetchError> {
        let mut source = self.open(tls, proxy).await?;
        let mut text = Vec::new();
        while let Some(piece) = source.piece().await? {
            text.extend_from_slice(&piece);
            if text.len() > MOST_BYTES {
                return Err(FetchError::TooLarge(self.to_string(), MOST_BYTES as u64));
            }
        }
        Ok(text)
    }

    fn away(&self, error: reqwest::Error) -> FetchError {
        let error = error.without_url();
        let cause = std::error::Error::source(&error).map_or_else(String::new, |cause| {
            format!(" ({cause})").replace("\n", " ")
        });
        FetchError::Away(self.to_string(), format!("{error}{cause}"))
    }
}

impl Source {
    /// The next bytes; `None` at the end.
    pub(super) async fn piece(&mut self) -> Result<Option<Vec<u8>>, FetchError> {
        match self {
            Self::Web { address, answer } => answer
                .chunk()
                .await
                .map(|piece| piece.map(|bytes| bytes.to_vec()))
                .map_err(|error| address.away(error)),
            Self::File { address, file } => {
                let mut piece = vec![0; 64 * 1024];
                let read = file.read(&mut piece).await;
                let count = read.map_err(|error| FetchError::File(address.to_string(), error))?;
                piece.truncate(count);
                Ok((count > 0).then_some(piece))
            }
        }
    }
}
