//! The window. It draws one immutable [`crate::core::snapshot::Snapshot`] and sends [`crate::core::snapshot::UiCommand`]s.
//!
//! It never decides anything about trading, never waits, and never reads a file or a socket in a frame. It may
//! die at any moment (graphics driver, remote desktop) and be opened again over the same [`UiLinks`].

mod app;
mod fonts;
pub mod format;
mod icons;
mod links;
mod logic;
mod pages;
mod settings_port;
mod shell;
mod strip;
mod terminal_port;
pub mod text;
mod text_metatrader;
mod text_update;
pub mod theme;
mod update_port;
mod view;
mod wake;
mod widgets;
mod window;

pub use app::App;
pub use links::{LogLevel, LogLine, LogSource, TrayPort, UiLinks};
pub use pages::Page;
pub use settings_port::{
    FieldState, SaveEnd, SaveNote, SecretText, SettingsForm, SettingsPort, TestStep,
};
pub use terminal_port::{
    ExpertInTerminal, FoundTerminal, FoundTerminals, Preview, PreviewStep, SetupStep, SetupWish,
    TerminalPresence, TerminalSetup,
};
pub use theme::ThemeChoice;
pub use update_port::{Build, Installing, Newest, UpdatePort};
pub use view::Clock;
pub use wake::Waker;
pub use window::{Renderer, WindowEnd, WindowError, WindowOptions, run};
