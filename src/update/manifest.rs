//! The signed text that offers a version, and what is to be thought of it. Pure.
//!
//! ```json
//! { "offer": "{\"version\": \"0.2.0\", \"file\": \"FX-Executor-0.2.0-x64.msi\", \"sha256\": \"…\", \"size\": 9000000,
//!              \"changes\": [\"…\"]}",
//!   "signature": "…" }
//! ```
//!
//! `signature` is Ed25519 (RFC 8032) over the bytes of `offer` exactly as they stand there, in hex. Nothing of `offer` is
//! read before the signature holds.

use std::fmt;
use std::str::FromStr;

use ring::signature::{ED25519, UnparsedPublicKey};
use serde::Deserialize;

/// Bytes of the whole text; a page of changes is far below.
pub const MOST_BYTES: usize = 64 * 1024;
/// Bytes of an installer. Ours is below ten million.
const LARGEST_PACKAGE: u64 = 100 * 1024 * 1024;
const MOST_CHANGES: usize = 50;
/// Characters of one change.
const LONGEST_CHANGE: usize = 400;

/// Whose offers are believed: 32 bytes of an Ed25519 public key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PublicKey([u8; 32]);

impl PublicKey {
    /// The key that this build was made with (`FX_UPDATE_KEY`, 64 hex digits, at compile time). Without one no offer can be
    /// proved, so none is taken. Debug builds take it from the environment, for tests.
    pub fn of_this_build() -> Option<Self> {
        let told = if cfg!(debug_assertions) {
            std::env::var("FX_EXECUTOR_UPDATE_KEY").ok()
        } else {
            None
        };
        told.as_deref()
            .or(option_env!("FX_UPDATE_KEY"))
            .and_then(|text| text.parse().ok())
    }

    fn has_signed(&self, text: &str, signature: &[u8]) -> bool {
        UnparsedPublicKey::new(&ED25519, &self.0)
            .verify(text.as_bytes(), signature)
            .is_ok()
    }
}

impl FromStr for PublicKey {
    type Err = hex::FromHexError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let mut bytes = [0; 32];
        hex::decode_to_slice(text.trim(), &mut bytes)?;
        Ok(Self(bytes))
    }
}

/// Three numbers, as Windows Installer compares them (its documentation, "ProductVersion property").
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Version {
    major: u8,
    minor: u8,
    patch: u16,
}

impl Version {
    /// Of the program that runs; `None` only where Cargo's version is not three numbers.
    pub fn of_this_program() -> Option<Self> {
        env!("CARGO_PKG_VERSION").parse().ok()
    }
}

impl FromStr for Version {
    type Err = Refusal;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let wrong = || Refusal::NoVersion(text.chars().take(30).collect());
        let numbers: Vec<&str> = text.split('.').collect();
        let [major, minor, patch] = numbers[..] else {
            return Err(wrong());
        };
        // "+1" and "01" are numbers to Rust and other texts to everybody else.
        let plain = |part: &str| {
            part.bytes().all(|digit| digit.is_ascii_digit())
                && (part == "0" || !part.starts_with('0'))
        };
        if !numbers.iter().all(|part| plain(part)) {
            return Err(wrong());
        }
        Ok(Self {
            major: major.parse().map_err(|_| wrong())?,
            minor: minor.parse().map_err(|_| wrong())?,
            patch: patch.parse().map_err(|_| wrong())?,
        })
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}.{}", self.major, self.minor, self.patch)
    }
}

/// A version that was signed with the key of this build.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Offer {
    pub version: Version,
    /// The installer's name, in the folder of the text that offers it.
    pub file: String,
    pub sha256: [u8; 32],
    /// Bytes.
    pub size: u64,
    /// What is new, one sentence each.
    pub changes: Vec<String>,
}

/// What an offer is to the program that runs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    Newer(Offer),
    /// The newest one runs already.
    Same,
    /// Never installed: an old version has old faults.
    Older(Version),
}

/// Why an offer is not taken.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    #[error("the answer is not an offer of a version: {0}")]
    NoOffer(String),
    #[error(
        "the offer is not signed by the makers of this program; somebody else may have written it, so it is not taken"
    )]
    NotSigned,
    #[error("{0:?} is no version of three numbers, such as 1.4.0")]
    NoVersion(String),
    #[error("the offered file's name {0:?} is not that of an installer (.msi)")]
    FileName(String),
    #[error("the offered file has {0} bytes, and no installer of this program has")]
    Size(u64),
    #[error("the offered file's SHA-256 is not 64 hex digits")]
    Digest,
}

#[derive(Deserialize)]
struct Signed {
    offer: String,
    signature: String,
}

#[derive(Deserialize)]
struct Words {
    version: String,
    file: String,
    sha256: String,
    size: u64,
    #[serde(default)]
    changes: Vec<String>,
}

impl Offer {
    /// Reads the text at the address. Its contents count only when `key` has signed them.
    pub fn read(text: &[u8], key: &PublicKey) -> Result<Self, Refusal> {
        let unreadable = |error: serde_json::Error| Refusal::NoOffer(error.to_string());
        if text.len() > MOST_BYTES {
            return Err(Refusal::NoOffer(format!("more than {MOST_BYTES} bytes")));
        }
        let signed: Signed = serde_json::from_slice(text).map_err(unreadable)?;
        let signature = hex::decode(signed.signature.trim()).map_err(|_| Refusal::NotSigned)?;
        if !key.has_signed(&signed.offer, &signature) {
            return Err(Refusal::NotSigned);
        }
        let words: Words = serde_json::from_str(&signed.offer).map_err(unreadable)?;
        let version = words.version.parse()?;
        let mut sha256 = [0; 32];
        hex::decode_to_slice(&words.sha256, &mut sha256).map_err(|_| Refusal::Digest)?;
        if !(1..=LARGEST_PACKAGE).contains(&words.size) {
            return Err(Refusal::Size(words.size));
        }
        if !is_plain_name(&words.file) {
            return Err(Refusal::FileName(words.file.chars().take(60).collect()));
        }
        Ok(Self {
            version,
            file: words.file,
            sha256,
            size: words.size,
            changes: words
                .changes
                .iter()
                .take(MOST_CHANGES)
                .map(|one| readable(one))
                .collect(),
        })
    }
}

/// A file beside the text and nowhere else.
fn is_plain_name(name: &str) -> bool {
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_');
    name.len() <= 100 && name.chars().all(plain) && !name.starts_with('.') && name.ends_with(".msi")
}

fn readable(text: &str) -> String {
    let whole = text.split_whitespace().collect::<Vec<_>>().join(" ");
    whole
        .chars()
        .filter(|c| !c.is_control())
        .take(LONGEST_CHANGE)
        .collect()
}

/// Whether an offer is one to the version that runs.
pub fn verdict(offer: Offer, running: Version) -> Verdict {
    match offer.version.cmp(&running) {
        std::cmp::Ordering::Greater => Verdict::Newer(offer),
        std::cmp::Ordering::Equal => Verdict::Same,
        std::cmp::Ordering::Less => Verdict::Older(offer.version),
    }
}
