//! One file per page. A page draws from a [`super::view::View`] and its own small state, and pushes
//! [`super::app::Act`]s.

pub mod about;
pub mod command_detail;
pub mod commands;
pub mod journal;
pub mod metatrader;
mod metatrader_checklist;
mod metatrader_install;
mod metatrader_jobs;
mod metatrader_link;
mod metatrader_pictures;
pub mod overview;
pub mod positions;
pub mod settings;
mod settings_changes;
mod settings_fields;
mod settings_jobs;
pub mod strategies;

use super::icons::Icon;
use super::text::Text;
use crate::core::snapshot::{Snapshot, StrategyState};

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Page {
    Overview,
    Commands,
    Strategies,
    Positions,
    Journal,
    MetaTrader,
    Settings,
}

impl Page {
    /// In the order of the rail and of Ctrl+1 to Ctrl+7.
    pub const ALL: [Self; 7] = [
        Self::Overview,
        Self::Commands,
        Self::Strategies,
        Self::Positions,
        Self::Journal,
        Self::MetaTrader,
        Self::Settings,
    ];

    pub const fn name(self, text: &Text) -> &'static str {
        match self {
            Self::Overview => text.nav_overview,
            Self::Commands => text.nav_commands,
            Self::Strategies => text.nav_strategies,
            Self::Positions => text.nav_positions,
            Self::Journal => text.nav_journal,
            Self::MetaTrader => text.nav_metatrader,
            Self::Settings => text.nav_settings,
        }
    }

    pub const fn icon(self) -> Icon {
        match self {
            Self::Overview => Icon::Overview,
            Self::Commands => Icon::Commands,
            Self::Strategies => Icon::Strategies,
            Self::Positions => Icon::Positions,
            Self::Journal => Icon::Journal,
            Self::MetaTrader => Icon::Terminal,
            Self::Settings => Icon::Settings,
        }
    }

    /// The number beside the name: commands received, strategies that run, positions that are open.
    pub fn badge(self, snapshot: &Snapshot) -> Option<u64> {
        let number = match self {
            Self::Commands => snapshot.counts.received,
            Self::Strategies => {
                let running = |state| state == StrategyState::Running;
                snapshot
                    .strategies
                    .iter()
                    .filter(|row| running(row.state))
                    .count() as u64
            }
            Self::Positions => snapshot.positions.len() as u64,
            Self::Overview | Self::Journal | Self::MetaTrader | Self::Settings => 0,
        };
        (number > 0).then_some(number)
    }
}
