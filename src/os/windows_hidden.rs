//! Windows that nobody sees, for threads that only listen.
#![expect(unsafe_code, reason = "windows have no safe interface")]

use std::io;
use std::ptr::{null, null_mut};

use windows_sys::Win32::Foundation::{HWND, LPARAM, LRESULT, WPARAM};
use windows_sys::Win32::System::LibraryLoader::GetModuleHandleW;
use windows_sys::Win32::UI::WindowsAndMessaging::{
    CreateWindowExW, DispatchMessageW, GetMessageW, MSG, RegisterClassW, WNDCLASSW,
};

pub(super) type Procedure = unsafe extern "system" fn(HWND, u32, WPARAM, LPARAM) -> LRESULT;

/// As Windows takes texts: UTF-16 with a zero at the end.
pub(super) fn wide(text: &str) -> Vec<u16> {
    text.encode_utf16().chain([0]).collect()
}

/// A window at the top that is never shown, with its title as its class.
///
/// # Errors
/// Windows refuses to make it.
pub(super) fn hidden_window(name: &str, procedure: Procedure) -> io::Result<HWND> {
    let name = wide(name);
    // SAFETY: the texts outlive the calls, and Windows copies them; the procedure lives as long as the program.
    let window = unsafe {
        let instance = GetModuleHandleW(null());
        let class = WNDCLASSW {
            lpfnWndProc: Some(procedure),
            hInstance: instance,
            lpszClassName: name.as_ptr(),
            ..Default::default()
        };
        // A second window of this class in one program finds the class there already.
        RegisterClassW(&raw const class);
        CreateWindowExW(
            0,
            name.as_ptr(),
            name.as_ptr(),
            0,
            0,
            0,
            0,
            0,
            null_mut(),
            null_mut(),
            instance,
            null(),
        )
    };
    if window.is_null() {
        return Err(io::Error::last_os_error());
    }
    Ok(window)
}

/// Hands out this thread's messages until it is told to quit.
pub(super) fn pump() {
    let mut message = MSG::default();
    // SAFETY: the message is this thread's own, and lives as long as the loop.
    while unsafe { GetMessageW(&raw mut message, null_mut(), 0, 0) } > 0 {
        // SAFETY: as above.
        unsafe { DispatchMessageW(&raw const message) };
    }
}
