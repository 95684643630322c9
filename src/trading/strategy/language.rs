//! The languages that a plan is told in. Only its sentence has them, and what `plan` prints around it: decisions, logs and
//! refusals are English, as they also go to the platform and into reports.
//!
//! Each clause is written in all of them where it is made, by [`tell!`]. A clause without its translation does not compile,
//! and so does a language that some clause does not have.

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Language {
    English,
    /// As traders and brokers in Indonesia write it: stop loss, lot, pip and the names of indicators stay as they are.
    Indonesian,
}

impl Language {
    /// The words that say it in this language, where they hold no value.
    pub const fn pick(self, english: &'static str, indonesian: &'static str) -> &'static str {
        match self {
            Self::English => english,
            Self::Indonesian => indonesian,
        }
    }
}

/// One clause in every language, each a format string and what it needs: `tell!(language; "stop {pips} pips"; "stop loss
/// {pips} pip")`.
#[macro_export]
macro_rules! tell {
    ($language:expr; $english:literal; $indonesian:literal) => {
        match $language {
            $crate::strategy::Language::English => format!($english),
            $crate::strategy::Language::Indonesian => format!($indonesian),
        }
    };
}

pub use tell;
