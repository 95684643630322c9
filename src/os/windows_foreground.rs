//! Who may bring its window to the front.
#![expect(unsafe_code, reason = "the foreground has no safe interface")]

use windows_sys::Win32::UI::WindowsAndMessaging::AllowSetForegroundWindow;

/// Passes this process's right to come to the front on to another one. Windows refuses when this process has no such
/// right; the other one's button in the task bar then blinks.
pub fn allow_foreground(pid: u32) {
    // SAFETY: a number goes in, no pointers.
    let allowed = unsafe { AllowSetForegroundWindow(pid) };
    if allowed == 0 {
        tracing::debug!(target: "ui", "Windows does not let the foreground be passed on.");
    }
}
