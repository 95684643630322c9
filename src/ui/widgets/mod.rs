//! The window's own building blocks. Each draws, names itself for screen readers, and reports what was pressed.

mod basics;
mod confirm;
mod pill;
mod timeline;

pub use basics::{
    badge_button, card, chip, empty_state, heading, key_value, muted, primary_button, side_text,
    steady, strong, table_card, tone_icon, tool_button, truncated,
};
pub use confirm::{Answer, Question, confirm};
pub use pill::{Pill, pill};
pub use timeline::timeline;
