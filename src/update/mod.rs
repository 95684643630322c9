//! A newer version of this program: offered by a signed text at an address that the settings name, fetched beside the data,
//! installed only after consent. What the text does not prove is refused: its signature covers version, file and digest, so an
//! old installer cannot be offered as a new one.

mod address;
mod manifest;
mod package;

#[cfg(test)]
mod tests;

pub use address::{Address, FetchError};
pub use manifest::{Offer, PublicKey, Refusal, Verdict, Version, verdict};
pub use package::{Kept, Package, PackageError};
