//! What the settings' address offers, for the console and the window.

use std::path::Path;
use std::sync::Arc;

use crate::net::proxy::ProxySetting;
use crate::net::tls;
use crate::settings::{self, Field, SecretStore};
use crate::update::{Address, Kept, Offer, Package, PublicKey, Verdict, Version, verdict};

/// One look for a newer version. Everything here waits for disks and networks.
pub struct Look {
    address: Address,
    proxy: ProxySetting,
    tls: Arc<rustls::ClientConfig>,
    key: PublicKey,
    kept: Kept,
}

impl Look {
    /// # Errors
    /// Why nothing can be looked for, for a person.
    pub fn by_settings(
        path: &Path,
        store: &dyn SecretStore,
        data_dir: &Path,
    ) -> Result<Self, String> {
        let draft = settings::load(path, store)
            .map_err(|error| error.to_string())?
            .draft;
        let address = draft.get(Field::UpdateUrl).trim();
        if address.is_empty() {
            return Err(
                "updates are off: no address is set (updateUrl in Settings); its owner tells you one"
                    .to_owned(),
            );
        }
        Ok(Self {
            address: address
                .parse()
                .map_err(|why| format!("updateUrl cannot be used: {why}"))?,
            proxy: draft.proxy(),
            tls: tls::client_config().map_err(|error| error.to_string())?,
            key: PublicKey::of_this_build().ok_or(
                "this build knows no key that updates are signed with, so it takes none; install a new version by hand",
            )?,
            kept: Kept::in_data_dir(data_dir),
        })
    }

    pub const fn kept(&self) -> &Kept {
        &self.kept
    }

    /// What is offered, with its signed text.
    ///
    /// # Errors
    /// Why there is no offer to be believed, for a person.
    pub fn ask(&self) -> Result<(Verdict, Vec<u8>), String> {
        let running = Version::of_this_program()
            .ok_or("this program's own version is not three numbers; nothing can be compared")?;
        let text = runtime()?
            .block_on(self.address.offer_text(&self.tls, &self.proxy))
            .map_err(|error| error.to_string())?;
        let offer = Offer::read(&text, &self.key).map_err(|error| error.to_string())?;
        Ok((verdict(offer, running), text))
    }

    /// Fetches and proves the installer; `told` hears how many bytes of how many are there.
    ///
    /// # Errors
    /// Why it could not be had or proved, for a person.
    pub fn fetch(
        &self,
        offer: &Offer,
        text: &[u8],
        mut told: impl FnMut(u64, u64),
    ) -> Result<Package, String> {
        let fetching = self.kept.fetch(
            (&self.address, offer, text),
            &self.tls,
            &self.proxy,
            |came| told(came, offer.size),
        );
        runtime()?
            .block_on(fetching)
            .map_err(|error| format!("nothing was installed: {error}"))
    }
}

fn runtime() -> Result<tokio::runtime::Runtime, String> {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| format!("no connection can be set up: {error}"))
}
