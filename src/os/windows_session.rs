//! A window that nobody sees, on a thread of its own: Windows tells sleep, sessions and the end to windows alone, and to those
//! at the top only, so a message-only window would not do.
#![expect(unsafe_code, reason = "windows have no safe interface")]

use std::cell::RefCell;
use std::ffi::c_void;
use std::io;
use std::sync::mpsc::{SyncSender, sync_channel};
use std::time::Duration;

use windows_sys::Win32::Foundation::{HWND, LPARAM, LRESULT, WPARAM};
use windows_sys::Win32::System::Power::{
    ES_CONTINUOUS, ES_SYSTEM_REQUIRED, RegisterSuspendResumeNotification, SetThreadExecutionState,
};
use windows_sys::Win32::System::RemoteDesktop::{
    NOTIFY_FOR_THIS_SESSION, WTSRegisterSessionNotification, WTSUnRegisterSessionNotification,
};
use windows_sys::Win32::UI::WindowsAndMessaging::{
    DEVICE_NOTIFY_WINDOW_HANDLE, DefWindowProcW, DestroyWindow, PostMessageW, PostQuitMessage,
    SMTO_ABORTIFHUNG, SendMessageTimeoutW, WM_APP, WM_CLOSE, WM_DESTROY, WM_QUERYENDSESSION,
};

use super::system_event::{SystemEvent, of_message};
use super::windows_hidden::{hidden_window, pump};

/// `tests/wine` finds the window by it.
const NAME: &str = "FX Executor system";
/// Asks the window's thread to hold sleep off (1) or no longer (0): Windows counts that by thread.
const HOLD_AWAKE: u32 = WM_APP + 1;
const STARTED_WITHIN: Duration = Duration::from_secs(5);
const ANSWERED_WITHIN_MS: u32 = 1_000;

type Listener = Box<dyn Fn(SystemEvent) + Send>;

thread_local! {
    static LISTENER: RefCell<Option<Listener>> = const { RefCell::new(None) };
}

/// The window; it goes when this goes.
#[derive(Debug)]
pub struct SystemWatch {
    /// An HWND, which is a number to everybody but its thread.
    window: isize,
}

/// Calls `listener` for everything that the system tells, on the window's thread. Windows ends the program when the listener
/// has returned from [`SystemEvent::Ending`], or after five seconds.
///
/// # Errors
/// The thread or the window cannot be made; the program then hears nothing of the kind.
pub fn watch_system(listener: Listener) -> io::Result<SystemWatch> {
    let (made, making) = sync_channel(1);
    std::thread::Builder::new()
        .name("system-window".to_owned())
        .spawn(move || run(listener, &made))?;
    let window = making
        .recv_timeout(STARTED_WITHIN)
        .map_err(|_| io::Error::from(io::ErrorKind::TimedOut))??;
    Ok(SystemWatch { window })
}

impl SystemWatch {
    /// Holds the computer's sleep off, or no longer. True when it is held off now. Waits a second at most.
    pub fn hold_awake(&self, on: bool) -> bool {
        let mut held = 0;
        // SAFETY: the window's number is only looked up; the result is written while this waits.
        let answered = unsafe {
            SendMessageTimeoutW(
                handle(self.window),
                HOLD_AWAKE,
                WPARAM::from(on),
                0,
                SMTO_ABORTIFHUNG,
                ANSWERED_WITHIN_MS,
                &raw mut held,
            )
        };
        answered != 0 && held != 0
    }
}

impl Drop for SystemWatch {
    fn drop(&mut self) {
        // SAFETY: numbers only; a window that is gone already makes it fail, which changes nothing.
        unsafe { PostMessageW(handle(self.window), WM_CLOSE, 0, 0) };
    }
}

fn handle(window: isize) -> HWND {
    window as *mut c_void
}

fn run(listener: Listener, made: &SyncSender<io::Result<isize>>) {
    LISTENER.with(|slot| slot.replace(Some(listener)));
    let window = match hidden_window(NAME, heard) {
        Ok(window) => window,
        Err(error) => {
            drop(made.send(Err(error)));
            return;
        }
    };
    // SAFETY: the window is this thread's own; where the system lacks one of them, it fails and changes nothing.
    let (told_of_sleep, told_of_session) = unsafe {
        (
            RegisterSuspendResumeNotification(window, DEVICE_NOTIFY_WINDOW_HANDLE) != 0,
            WTSRegisterSessionNotification(window, NOTIFY_FOR_THIS_SESSION) != 0,
        )
    };
    if !told_of_sleep || !told_of_session {
        tracing::debug!(target: "engine", "Windows tells sleep: {told_of_sleep}, sessions: {told_of_session}.");
    }
    drop(made.send(Ok(window as isize)));
    pump();
    LISTENER.with(RefCell::take);
}

unsafe extern "system" fn heard(
    window: HWND,
    message: u32,
    first: WPARAM,
    second: LPARAM,
) -> LRESULT {
    if let Some(event) = of_message(message, first, second) {
        LISTENER.with(|slot| {
            if let Ok(slot) = slot.try_borrow()
                && let Some(listener) = slot.as_ref()
            {
                listener(event);
            }
        });
    }
    match message {
        HOLD_AWAKE => LRESULT::from(hold_awake(first != 0)),
        // Nothing here stands against the end.
        WM_QUERYENDSESSION => 1,
        // SAFETY: the window is this thread's own.
        WM_CLOSE => unsafe {
            WTSUnRegisterSessionNotification(window);
            DestroyWindow(window);
            0
        },
        WM_DESTROY => {
            // SAFETY: a number; it ends this thread's loop.
            unsafe { PostQuitMessage(0) };
            0
        }
        // SAFETY: what Windows handed over goes back to it.
        _ => unsafe { DefWindowProcW(window, message, first, second) },
    }
}

/// Whether sleep is held off now.
fn hold_awake(on: bool) -> bool {
    let wanted = if on {
        ES_CONTINUOUS | ES_SYSTEM_REQUIRED
    } else {
        ES_CONTINUOUS
    };
    // SAFETY: a number goes in; Windows remembers it for this thread until it ends.
    let before = unsafe { SetThreadExecutionState(wanted) };
    on && before != 0
}
