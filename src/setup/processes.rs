//! Which programs run, by the Tool Help snapshot. The only place of this folder that calls Windows directly; it reads
//! and never touches a process.
#![expect(
    unsafe_code,
    reason = "Windows tells which programs run through its C interface alone"
)]

use std::os::windows::ffi::OsStringExt as _;
use std::path::PathBuf;

use windows_sys::Win32::Foundation::{CloseHandle, HANDLE, INVALID_HANDLE_VALUE};
use windows_sys::Win32::System::Diagnostics::ToolHelp::{
    CreateToolhelp32Snapshot, PROCESSENTRY32W, Process32FirstW, Process32NextW, TH32CS_SNAPPROCESS,
};
use windows_sys::Win32::System::Threading::{
    OpenProcess, PROCESS_NAME_WIN32, PROCESS_QUERY_LIMITED_INFORMATION, QueryFullProcessImageNameW,
};

use super::places::RunningPrograms;

/// The longest path that Windows gives, in UTF-16 units.
const LONGEST_PATH: usize = 32_768;

/// A handle that is closed when it goes.
struct Handle(HANDLE);

impl Drop for Handle {
    fn drop(&mut self) {
        // SAFETY: the handle is valid and owned by this value alone.
        unsafe { CloseHandle(self.0) };
    }
}

/// The running programs of this file name, in any case of letters.
pub fn running(name: &str) -> RunningPrograms {
    let mut found = RunningPrograms::default();
    // SAFETY: plain values; the result is checked before it is used.
    let snapshot = unsafe { CreateToolhelp32Snapshot(TH32CS_SNAPPROCESS, 0) };
    if snapshot == INVALID_HANDLE_VALUE {
        // Nothing can be said about what runs.
        found.hidden = true;
        return found;
    }
    let snapshot = Handle(snapshot);
    let mut entry = PROCESSENTRY32W {
        dwSize: size_of::<PROCESSENTRY32W>() as u32,
        ..Default::default()
    };
    // SAFETY: the snapshot is valid, and the entry has its size filled in.
    let mut more = unsafe { Process32FirstW(snapshot.0, &raw mut entry) };
    while more != 0 {
        if text(&entry.szExeFile).eq_ignore_ascii_case(name) {
            match path_of(entry.th32ProcessID) {
                Some(path) => found.programs.push(path),
                None => found.hidden = true,
            }
        }
        // SAFETY: as above.
        more = unsafe { Process32NextW(snapshot.0, &raw mut entry) };
    }
    found
}

fn text(units: &[u16]) -> String {
    let end = units.iter().position(|unit| *unit == 0);
    String::from_utf16_lossy(&units[..end.unwrap_or(units.len())])
}

fn path_of(process: u32) -> Option<PathBuf> {
    // SAFETY: plain values; a null handle is refused below.
    let handle = unsafe { OpenProcess(PROCESS_QUERY_LIMITED_INFORMATION, 0, process) };
    if handle.is_null() {
        return None;
    }
    let handle = Handle(handle);
    let mut units = vec![0u16; LONGEST_PATH];
    let mut length = LONGEST_PATH as u32;
    // SAFETY: the buffer is as long as `length` says.
    let done = unsafe {
        QueryFullProcessImageNameW(
            handle.0,
            PROCESS_NAME_WIN32,
            units.as_mut_ptr(),
            &raw mut length,
        )
    };
    (done != 0).then(|| PathBuf::from(std::ffi::OsString::from_wide(&units[..length as usize])))
}
