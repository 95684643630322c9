//! Two places for secrets: the usual one, and another for sessions that are refused by the usual one.

use std::fmt;

use secrecy::SecretString;

use super::secret::{SecretName, SecretStore, SecretStoreError};

/// What the second place holds was put there last, because a secret that reaches the first one leaves the second.
pub(super) struct WithFallback {
    first: Box<dyn SecretStore>,
    second: Box<dyn SecretStore>,
}

impl fmt::Debug for WithFallback {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}, else {:?}", self.first, self.second)
    }
}

impl WithFallback {
    #[cfg_attr(not(any(windows, test)), expect(dead_code, reason = "Windows only"))]
    pub(super) fn new(first: Box<dyn SecretStore>, second: Box<dyn SecretStore>) -> Self {
        Self { first, second }
    }

    fn is_in_use(&self) -> bool {
        SecretName::ALL
            .into_iter()
            .any(|name| matches!(self.second.get(name), Ok(Some(_))))
    }
}

impl SecretStore for WithFallback {
    fn get(&self, name: SecretName) -> Result<Option<SecretString>, SecretStoreError> {
        let unreadable = match self.second.get(name) {
            Ok(Some(secret)) => return Ok(Some(secret)),
            Ok(None) => None,
            Err(error) => Some(error),
        };
        match (self.first.get(name), unreadable) {
            (Ok(found), None) => Ok(found),
            // An older one would be used in place of the one that was given last.
            (Ok(_), Some(error)) => Err(error),
            (Err(error), None) => Err(error),
            (Err(first), Some(second)) => Err(both(first, &second)),
        }
    }

    fn set(&self, name: SecretName, secret: &SecretString) -> Result<(), SecretStoreError> {
        match self.first.set(name, secret) {
            Ok(()) => self.second.remove(name),
            Err(first) if first.refused => self
                .second
                .set(name, secret)
                .map_err(|second| both(first, &second)),
            Err(error) => Err(error),
        }
    }

    /// A first place that refuses to be asked keeps what it may have; this session could not read it either.
    fn remove(&self, name: SecretName) -> Result<(), SecretStoreError> {
        self.second.remove(name)?;
        match self.first.remove(name) {
            Err(error) if !error.refused => Err(error),
            _ => Ok(()),
        }
    }

    fn place(&self) -> String {
        if self.is_in_use() {
            self.second.place()
        } else {
            self.first.place()
        }
    }
}

fn both(first: SecretStoreError, second: &SecretStoreError) -> SecretStoreError {
    SecretStoreError {
        reason: format!(
            "{}; nor {} {}: {}",
            first.reason, second.action, second.place, second.reason
        ),
        ..first
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]

    use std::sync::Arc;
    use std::sync::atomic::{AtomicBool, Ordering};

    use secrecy::ExposeSecret as _;

    use super::*;
    use crate::settings::FileStore;

    /// A place that can refuse.
    #[derive(Debug)]
    struct Moody {
        inner: FileStore,
        refuses: Arc<AtomicBool>,
    }

    impl Moody {
        fn asked(&self, action: &'static str) -> Result<(), SecretStoreError> {
            if !self.refuses.load(Ordering::Relaxed) {
                return Ok(());
            }
            Err(SecretStoreError {
                action,
                place: "the vault".to_owned(),
                reason: "no such logon session".to_owned(),
                refused: true,
            })
        }
    }

    impl SecretStore for Moody {
        fn get(&self, name: SecretName) -> Result<Option<SecretString>, SecretStoreError> {
            self.asked("read from").and_then(|()| self.inner.get(name))
        }

        fn set(&self, name: SecretName, secret: &SecretString) -> Result<(), SecretStoreError> {
            self.asked("kept in")
                .and_then(|()| self.inner.set(name, secret))
        }

        fn remove(&self, name: SecretName) -> Result<(), SecretStoreError> {
            self.asked("removed from")
                .and_then(|()| self.inner.remove(name))
        }

        fn place(&self) -> String {
            "the vault".to_owned()
        }
    }

    struct Places {
        store: WithFallback,
        refuses: [Arc<AtomicBool>; 2],
        _folders: [tempfile::TempDir; 2],
    }

    impl Places {
        fn new() -> Self {
            let folders = [tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap()];
            let refuses: [Arc<AtomicBool>; 2] = Default::default();
            let moody = |place: usize| {
                Box::new(Moody {
                    inner: FileStore::new(folders[place].path()),
                    refuses: Arc::clone(&refuses[place]),
                })
            };
            Self {
                store: WithFallback::new(moody(0), moody(1)),
                refuses,
                _folders: folders,
            }
        }

        fn refuse(&self, first: bool, second: bool) {
            self.refuses[0].store(first, Ordering::Relaxed);
            self.refuses[1].store(second, Ordering::Relaxed);
        }

        fn keep(&self, secret: &str) -> Result<(), SecretStoreError> {
            self.store
                .set(SecretName::ApiSecret, &SecretString::from(secret))
        }

        fn kept(&self) -> Option<String> {
            let found = self.store.get(SecretName::ApiSecret).unwrap();
            found.map(|secret| secret.expose_secret().to_owned())
        }
    }

    #[test]
    fn the_secret_that_was_given_last_is_found_wherever_it_had_to_go() {
        let places = Places::new();
        assert_eq!(places.kept(), None);
        places.keep("one").unwrap();
        places.refuse(true, false);
        places.keep("two").unwrap();
        assert_eq!(places.kept().as_deref(), Some("two"));
        places.refuse(false, false);
        assert_eq!(places.kept().as_deref(), Some("two"), "not the older one");
        places.keep("three").unwrap();
        assert_eq!(places.kept().as_deref(), Some("three"));
        assert_eq!(
            places
                .store
                .second
                .get(SecretName::ApiSecret)
                .unwrap()
                .map(|_| ()),
            None
        );
    }

    #[test]
    fn a_session_without_the_first_place_can_take_its_secret_back() {
        let places = Places::new();
        places.refuse(true, false);
        places.keep("one").unwrap();
        places.store.remove(SecretName::ApiSecret).unwrap();
        let told = places.store.get(SecretName::ApiSecret).unwrap_err();
        assert!(told.to_string().contains("no such logon session"), "{told}");
    }

    #[test]
    fn where_both_refuse_both_are_named_and_the_secret_is_not() {
        let places = Places::new();
        places.refuse(true, true);
        let told = places.keep("marked").unwrap_err().to_string();
        assert_eq!(told.matches("the vault").count(), 2, "{told}");
        assert_eq!(told.matches("no such logon session").count(), 2, "{told}");
        assert!(!told.contains("marked"));
    }

    #[test]
    fn an_older_secret_never_stands_in_for_one_that_cannot_be_read() {
        let places = Places::new();
        places.keep("old").unwrap();
        places.refuse(false, true);
        assert!(places.store.get(SecretName::ApiSecret).is_err());
    }
}
