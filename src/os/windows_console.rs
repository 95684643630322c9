//! The console of whoever started the program. As a program with a window it gets none of its own; started from a command
//! line it speaks there, and where its output goes to a file or a pipe it stays so.
#![expect(unsafe_code, reason = "consoles have no safe interface")]

use windows_sys::Win32::Foundation::{HANDLE, INVALID_HANDLE_VALUE};
use windows_sys::Win32::System::Console::{
    ATTACH_PARENT_PROCESS, AttachConsole, GetStdHandle, STD_ERROR_HANDLE, STD_HANDLE,
    STD_INPUT_HANDLE, STD_OUTPUT_HANDLE, SetStdHandle,
};

const STREAMS: [STD_HANDLE; 3] = [STD_INPUT_HANDLE, STD_OUTPUT_HANDLE, STD_ERROR_HANDLE];

pub fn attach_console() {
    let redirected = STREAMS.map(|stream| (stream, redirected(stream)));
    // SAFETY: no pointers; without a parent's console it fails and changes nothing.
    let attached = unsafe { AttachConsole(ATTACH_PARENT_PROCESS) };
    if attached == 0 {
        return;
    }
    // Attaching points all three at the console, those too that led elsewhere.
    for (stream, handle) in redirected {
        if let Some(handle) = handle {
            // SAFETY: the handle was this process's own a moment ago and nobody closed it.
            unsafe { SetStdHandle(stream, handle) };
        }
    }
}

fn redirected(stream: STD_HANDLE) -> Option<HANDLE> {
    // SAFETY: no pointers go in; what comes out is only compared and handed back.
    let handle = unsafe { GetStdHandle(stream) };
    (!handle.is_null() && handle != INVALID_HANDLE_VALUE).then_some(handle)
}
