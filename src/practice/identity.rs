//! Who is who in the practice world: ids, keys and secrets.
//!
//! What an executor remembers over restarts (executor, owner, strategies, credentials) comes from the seed
//! alone, so that the same seed is the same world; ids of single commands are unique over all runs.

use jiff::Timestamp;
use secrecy::SecretString;

const BASE36: &[u8; 36] = b"0123456789abcdefghijklmnopqrstuvwxyz";

/// Never a real cluster name: a client that ignores the configured host ends in an unknown name,
/// not at Pusher.
const CLUSTER: &str = "practice";

#[derive(Clone, Debug)]
pub(super) struct Identity {
    pub executor_id: String,
    pub executor_name: String,
    pub user_id: String,
    pub api_key: String,
    pub api_secret: SecretString,
    pub pusher_app_id: String,
    pub pusher_key: String,
    pub pusher_secret: SecretString,
    pub pusher_cluster: String,
    /// The executor's row was made at this moment (a constant: it belongs to the seed).
    pub created_at: Timestamp,
}

impl Identity {
    pub(super) fn from_seed(seed: u64) -> Self {
        let mut rng = fastrand::Rng::with_seed(seed ^ 0x7072_6163_7469_6365);
        Self {
            executor_id: seeded_cuid(&mut rng),
            executor_name: "Practice executor".to_owned(),
            user_id: seeded_cuid(&mut rng),
            api_key: format!("exe_{}", lower_hex(&mut rng, 32)),
            api_secret: lower_hex(&mut rng, 64).into(),
            pusher_app_id: format!("{}", rng.u32(1_000_000..2_000_000)),
            pusher_key: lower_hex(&mut rng, 20),
            pusher_secret: lower_hex(&mut rng, 20).into(),
            pusher_cluster: CLUSTER.to_owned(),
            created_at: Timestamp::from_second(1_760_000_000).unwrap_or(Timestamp::UNIX_EPOCH),
        }
    }
}

/// An id shaped like the platform's (25 characters, first one `c`), from the seed alone.
pub(super) fn seeded_cuid(rng: &mut fastrand::Rng) -> String {
    format!("cm{}", base36(rng, 23))
}

/// An id shaped like the platform's that no other run can give out: it carries the moment.
pub(super) fn fresh_cuid(now: Timestamp) -> String {
    let mut rng = fastrand::Rng::new();
    let moment = base36_number(now.as_millisecond());
    let rest = 24_usize.saturating_sub(moment.len());
    format!("c{moment}{}", base36(&mut rng, rest))
}

/// The id of an activation or deactivation: `cmd_<ms>_<9 base36>`.
pub(super) fn fresh_activation_id(now: Timestamp) -> String {
    let mut rng = fastrand::Rng::new();
    format!("cmd_{}_{}", now.as_millisecond(), base36(&mut rng, 9))
}

fn base36(rng: &mut fastrand::Rng, length: usize) -> String {
    (0..length)
        .map(|_| char::from(BASE36[rng.usize(0..BASE36.len())]))
        .collect()
}

fn base36_number(number: i64) -> String {
    let mut left = number.unsigned_abs();
    let mut digits = Vec::new();
    while left > 0 {
        digits.push(char::from(BASE36[(left % 36) as usize]));
        left /= 36;
    }
    digits.iter().rev().collect()
}

fn lower_hex(rng: &mut fastrand::Rng, length: usize) -> String {
    (0..length)
        .map(|_| char::from(BASE36[rng.usize(0..16)]))
        .collect()
}

#[cfg(test)]
mod tests {
    use secrecy::ExposeSecret as _;

    use super::*;

    #[test]
    fn the_same_seed_is_the_same_world_and_another_seed_is_not() {
        let (one, again, other) = (
            Identity::from_seed(1),
            Identity::from_seed(1),
            Identity::from_seed(2),
        );
        assert_eq!(one.executor_id, again.executor_id);
        assert_eq!(
            one.api_secret.expose_secret(),
            again.api_secret.expose_secret()
        );
        assert_ne!(one.executor_id, other.executor_id);
        assert_ne!(one.user_id, one.executor_id);
    }

    #[test]
    fn ids_and_keys_have_the_platforms_shapes() {
        let identity = Identity::from_seed(7);
        let now = Timestamp::from_second(1_761_400_000).unwrap_or(Timestamp::UNIX_EPOCH);
        for id in [identity.executor_id, identity.user_id, fresh_cuid(now)] {
            assert_eq!((id.len(), id.starts_with('c')), (25, true), "{id}");
        }
        assert_eq!(
            (identity.api_key.len(), identity.api_key.starts_with("exe_")),
            (36, true)
        );
        assert_eq!(identity.api_secret.expose_secret().len(), 64);
        assert!(fresh_activation_id(now).starts_with("cmd_1761400000000_"));
    }
}
