//! What the operating system gives: requests between processes, signals. Honest no-ops where a system lacks something.

mod autostart;
mod clock_watch;
mod console;
mod detached;
mod message;
mod own_signature;
mod request;
mod system_event;
mod toast;
mod tray;
#[cfg(windows)]
mod windows_autostart;
#[cfg(windows)]
mod windows_console;
#[cfg(windows)]
mod windows_foreground;
#[cfg(windows)]
mod windows_hidden;
#[cfg(windows)]
mod windows_session;
#[cfg(windows)]
mod windows_toast;
#[cfg(windows)]
mod windows_tray;
#[cfg(target_os = "linux")]
mod x11_lost;

pub use autostart::{Autostart, start_command};
pub use clock_watch::{ClockNews, ClockWatch};
pub use console::say;
pub use detached::detached;
pub use message::show_message;
pub use own_signature::own_signature;
pub use request::Request;
pub use system_event::{EndReason, SessionChange, SystemEvent};
pub use toast::Toast;
pub use tray::{TrayPicture, TrayShape, TrayWish};
#[cfg(windows)]
pub use windows_autostart::{autostart, forget_autostart, set_autostart};
#[cfg(windows)]
pub use windows_console::attach_console;
#[cfg(windows)]
pub use windows_foreground::allow_foreground;
#[cfg(windows)]
pub use windows_session::{SystemWatch, watch_system};
#[cfg(windows)]
pub use windows_toast::Toasts;
#[cfg(windows)]
pub use windows_tray::{Tray, show_tray};
#[cfg(not(windows))]
pub use without_windows::{
    SystemWatch, Toasts, Tray, autostart, forget_autostart, set_autostart, show_tray, watch_system,
};

#[cfg(target_os = "linux")]
pub use x11_lost::on_display_lost;

/// A program of this system has its console from the beginning.
#[cfg(not(windows))]
pub const fn attach_console() {}

/// A program of this system may ask for the foreground by itself.
#[cfg(not(windows))]
pub const fn allow_foreground(_pid: u32) {}

#[cfg(not(windows))]
mod without_windows {
    use std::io;
    use std::path::Path;
    use std::sync::Arc;
    use std::sync::atomic::AtomicBool;

    use super::{Autostart, SystemEvent, Toast, TrayPicture, TrayWish};

    /// Starting at sign-in is the desktop's matter here.
    ///
    /// # Errors
    /// None; on Windows there are some.
    pub const fn autostart(_command: &str) -> io::Result<Autostart> {
        Ok(Autostart::NotHere)
    }

    /// Changes nothing here.
    ///
    /// # Errors
    /// None; on Windows there are some.
    pub const fn set_autostart(_on: bool, _command: &str) -> io::Result<Autostart> {
        Ok(Autostart::NotHere)
    }

    /// This system tells a program nothing of the kind; signals end it.
    #[derive(Debug)]
    pub struct SystemWatch;

    /// Tells nothing here.
    ///
    /// # Errors
    /// None; on Windows there are some.
    pub fn watch_system(_listener: Box<dyn Fn(SystemEvent) + Send>) -> io::Result<SystemWatch> {
        Ok(SystemWatch)
    }

    impl SystemWatch {
        /// Nothing here holds sleep off.
        pub const fn hold_awake(&self, _on: bool) -> bool {
            false
        }
    }

    /// This program shows no notifications on this system.
    #[derive(Debug)]
    pub struct Toasts;

    impl Toasts {
        /// # Errors
        /// Always: there are none.
        pub fn open() -> io::Result<Self> {
            Err(io::ErrorKind::Unsupported.into())
        }

        /// # Errors
        /// Always: there are none.
        pub fn show(
            &self,
            _toast: &Toast,
            _clicked: Arc<dyn Fn() + Send + Sync>,
        ) -> io::Result<()> {
            Err(io::ErrorKind::Unsupported.into())
        }
    }

    /// This program has no icon beside the clock of this system.
    #[derive(Debug)]
    pub struct Tray;

    /// Shows nothing here.
    ///
    /// # Errors
    /// Always: there is none.
    pub fn show_tray(
        _first: TrayPicture,
        _listener: Box<dyn Fn(TrayWish) + Send>,
    ) -> io::Result<Tray> {
        Err(io::ErrorKind::Unsupported.into())
    }

    impl Tray {
        pub fn picture(&self, _picture: TrayPicture) {}

        /// Never.
        pub fn is_there(&self) -> Arc<AtomicBool> {
            Arc::default()
        }
    }

    /// There is no entry here.
    ///
    /// # Errors
    /// None; on Windows there are some.
    pub const fn forget_autostart(_program: &Path) -> io::Result<bool> {
        Ok(false)
    }
}
