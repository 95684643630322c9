//! Who is there: HMAC-SHA256 both ways over fresh nonces (docs/metatrader-link.md, "Handshake"). Macs are compared in
//! constant time; the secret is never shown.

use std::fmt;

use hmac::{Hmac, KeyInit as _, Mac as _};
use secrecy::{ExposeSecret as _, SecretString};
use sha2::Sha256;

/// The version of the link that this program speaks.
pub const PROTOCOL: u32 = 1;
/// Hex digits of a nonce and of the secret.
pub const NONCE_DIGITS: usize = 64;

/// The secret of this run: 64 hex digits of 32 random bytes; the key is the text itself.
#[derive(Clone)]
pub struct LinkSecret(SecretString);

impl fmt::Debug for LinkSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("LinkSecret")
    }
}

impl LinkSecret {
    pub fn of(random: [u8; 32]) -> Self {
        Self(SecretString::from(hex::encode(random)))
    }

    /// For `link.txt` alone.
    pub(super) fn text(&self) -> &str {
        self.0.expose_secret()
    }

    fn mac(&self, text: &str) -> Option<Hmac<Sha256>> {
        // HMAC takes keys of any length.
        let mut mac = Hmac::<Sha256>::new_from_slice(self.0.expose_secret().as_bytes()).ok()?;
        mac.update(text.as_bytes());
        Some(mac)
    }

    /// Whether `mac` proves that the EA knows the secret, for this account and these nonces.
    pub fn proves_ea(
        &self,
        mac: &str,
        ea_nonce: &str,
        own_nonce: &str,
        login: u64,
        server: &str,
    ) -> bool {
        let text = ea_text(ea_nonce, own_nonce, login, server);
        let (Some(expected), Ok(given)) = (self.mac(&text), hex::decode(mac)) else {
            return false;
        };
        expected.verify_slice(&given).is_ok()
    }

    /// The executor's own proof.
    pub fn own_mac(&self, ea_nonce: &str, own_nonce: &str) -> String {
        self.hex(&format!("ex|{own_nonce}|{ea_nonce}"))
    }

    /// That it is this program which does not serve a proven EA: the dead-man switch of one that waits believes nobody else.
    pub fn refusal_mac(&self, reason: &str, ea_nonce: &str, own_nonce: &str) -> String {
        self.hex(&format!("{reason}|{own_nonce}|{ea_nonce}"))
    }

    /// What an EA sends; here for scripted ones.
    pub fn ea_mac(&self, ea_nonce: &str, own_nonce: &str, login: u64, server: &str) -> String {
        self.hex(&ea_text(ea_nonce, own_nonce, login, server))
    }

    fn hex(&self, text: &str) -> String {
        self.mac(text)
            .map_or_else(String::new, |mac| hex::encode(mac.finalize().into_bytes()))
    }
}

fn ea_text(ea_nonce: &str, own_nonce: &str, login: u64, server: &str) -> String {
    format!("ea|{ea_nonce}|{own_nonce}|{login}|{server}|{PROTOCOL}")
}

/// 64 hex digits, as everybody's nonce must be.
pub fn is_nonce(text: &str) -> bool {
    text.len() == NONCE_DIGITS && text.bytes().all(|byte| byte.is_ascii_hexdigit())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_macs_are_the_contracts() {
        let secret = LinkSecret::of([0x0b; 32]);
        let (ea, own) = ("a".repeat(64), "b".repeat(64));
        // python3: hmac.new(("0b"*32).encode(), b"ea|aa…|bb…|5012345|Demo|1", "sha256").hexdigest()
        let mac = secret.ea_mac(&ea, &own, 5_012_345, "Demo");
        assert_eq!(
            mac,
            "0a2269cdd7eb6f31497624f3486ecdca60769074efb4e18d6b0e40d3e8e55848"
        );
        assert_eq!(
            secret.own_mac(&ea, &own),
            "81d42489c0a2f4da1e4b52bd7660239abc8f9a3a4bc7293fc975740f69b6aa0b"
        );
        // A refusal is no welcome, and one reason is not another.
        let refusals = ["taken", "other_account"].map(|why| secret.refusal_mac(why, &ea, &own));
        assert_ne!(refusals[0], refusals[1]);
        assert!(!refusals.contains(&secret.own_mac(&ea, &own)));
        assert!(secret.proves_ea(&mac, &ea, &own, 5_012_345, "Demo"));
        assert!(secret.proves_ea(&mac.to_uppercase(), &ea, &own, 5_012_345, "Demo"));
    }

    #[test]
    fn another_account_nonce_secret_or_nothing_proves_nothing() {
        let secret = LinkSecret::of([1; 32]);
        let (ea, own) = ("a".repeat(64), "b".repeat(64));
        let mac = secret.ea_mac(&ea, &own, 1, "Demo");
        assert!(!secret.proves_ea(&mac, &ea, &own, 2, "Demo"));
        assert!(!secret.proves_ea(&mac, &ea, &own, 1, "Real"));
        assert!(!secret.proves_ea(&mac, &own, &ea, 1, "Demo"));
        assert!(!LinkSecret::of([2; 32]).proves_ea(&mac, &ea, &own, 1, "Demo"));
        for wrong in ["", "zz", &mac[..62], &secret.own_mac(&ea, &own)] {
            assert!(!secret.proves_ea(wrong, &ea, &own, 1, "Demo"));
        }
        assert_eq!(format!("{secret:?}"), "LinkSecret");
    }
}
