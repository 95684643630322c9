//! Windows' own calls for the link: objects that only this user may open, and acknowledging TCP at once. The only unsafe
//! code of the link; each call is checked and every handle and allocation has an owner.
#![expect(
    unsafe_code,
    reason = "security descriptors and WSAIoctl have no safe interface"
)]

use std::ffi::c_void;
use std::fs::File;
use std::io;
use std::os::windows::ffi::OsStrExt as _;
use std::os::windows::io::{AsRawHandle as _, AsRawSocket as _, FromRawHandle as _, OwnedHandle};
use std::path::Path;
use std::ptr;

use tokio::net::TcpStream;
use tokio::net::windows::named_pipe::{NamedPipeServer, PipeMode, ServerOptions};
use windows_sys::Win32::Foundation::{GENERIC_WRITE, INVALID_HANDLE_VALUE, LocalFree};
use windows_sys::Win32::Networking::WinSock::{SIO_TCP_SET_ACK_FREQUENCY, SOCKET, WSAIoctl};
use windows_sys::Win32::Security::Authorization::{
    ConvertSidToStringSidW, ConvertStringSecurityDescriptorToSecurityDescriptorW, SDDL_REVISION_1,
};
use windows_sys::Win32::Security::{
    GetTokenInformation, PSECURITY_DESCRIPTOR, SECURITY_ATTRIBUTES, TOKEN_QUERY, TOKEN_USER,
    TokenUser,
};
use windows_sys::Win32::Storage::FileSystem::{CREATE_NEW, CreateFileW, FILE_ATTRIBUTE_NORMAL};
use windows_sys::Win32::System::Threading::{GetCurrentProcess, OpenProcessToken};

const BUFFER: u32 = 1 << 20;
/// Connections of all guests and the active one.
const INSTANCES: usize = 16;

/// A security descriptor that gives everything to this user and the system, nothing to anybody else.
struct OwnerOnly {
    descriptor: PSECURITY_DESCRIPTOR,
}

impl OwnerOnly {
    fn new() -> io::Result<Self> {
        let text: Vec<u16> = format!("D:P(A;;GA;;;{})(A;;GA;;;SY)", user_sid()?)
            .encode_utf16()
            .chain([0])
            .collect();
        let mut descriptor: PSECURITY_DESCRIPTOR = ptr::null_mut();
        // SAFETY: `text` ends with 0 and lives through the call; the result is owned by `Self`.
        let done = unsafe {
            ConvertStringSecurityDescriptorToSecurityDescriptorW(
                text.as_ptr(),
                SDDL_REVISION_1,
                &raw mut descriptor,
                ptr::null_mut(),
            )
        };
        if done == 0 {
            return Err(io::Error::last_os_error());
        }
        Ok(Self { descriptor })
    }

    /// Valid as long as `self`.
    fn attributes(&self) -> SECURITY_ATTRIBUTES {
        SECURITY_ATTRIBUTES {
            nLength: size_of::<SECURITY_ATTRIBUTES>() as u32,
            lpSecurityDescriptor: self.descriptor,
            bInheritHandle: 0,
        }
    }
}

impl Drop for OwnerOnly {
    fn drop(&mut self) {
        // SAFETY: allocated by ConvertStringSecurityDescriptorToSecurityDescriptorW, freed once.
        unsafe { LocalFree(self.descriptor) };
    }
}

/// The signed-in user's security identifier as text.
fn user_sid() -> io::Result<String> {
    let mut token = ptr::null_mut();
    // SAFETY: the pseudo handle of this process needs no closing; `token` receives a handle.
    if unsafe { OpenProcessToken(GetCurrentProcess(), TOKEN_QUERY, &raw mut token) } == 0 {
        return Err(io::Error::last_os_error());
    }
    // SAFETY: a fresh handle that nobody else owns.
    let token = unsafe { OwnedHandle::from_raw_handle(token) };

    // u64 gives the alignment that TOKEN_USER needs; a SID is at most 68 bytes.
    let mut buffer = [0_u64; 32];
    let mut length = 0;
    // SAFETY: the buffer is as long as told.
    let done = unsafe {
        GetTokenInformation(
            token.as_raw_handle(),
            TokenUser,
            buffer.as_mut_ptr().cast::<c_void>(),
            size_of_val(&buffer) as u32,
            &raw mut length,
        )
    };
    if done == 0 {
        return Err(io::Error::last_os_error());
    }
    // SAFETY: the call above filled the buffer with a TOKEN_USER, whose SID points into it.
    let sid = unsafe { (*buffer.as_ptr().cast::<TOKEN_USER>()).User.Sid };
    let mut text = ptr::null_mut();
    // SAFETY: a valid SID; `text` receives an allocation that is freed below.
    if unsafe { ConvertSidToStringSidW(sid, &raw mut text) } == 0 {
        return Err(io::Error::last_os_error());
    }
    let mut letters = Vec::new();
    for index in 0..256 {
        // SAFETY: the string ends with 0, where reading stops.
        let letter = unsafe { *text.add(index) };
        if letter == 0 {
            break;
        }
        letters.push(letter);
    }
    // SAFETY: allocated by ConvertSidToStringSidW, freed once.
    unsafe { LocalFree(text.cast()) };
    String::from_utf16(&letters).map_err(io::Error::other)
}

/// One instance of the pipe: byte mode, no remote clients, this user only. The first one fails when the name is taken.
pub fn create_pipe(path: &str, first: bool) -> io::Result<NamedPipeServer> {
    let owner = OwnerOnly::new()?;
    let mut attributes = owner.attributes();
    // SAFETY: the attributes and their descriptor live through the call.
    unsafe {
        ServerOptions::new()
            .pipe_mode(PipeMode::Byte)
            .reject_remote_clients(true)
            .first_pipe_instance(first)
            .max_instances(INSTANCES)
            .in_buffer_size(BUFFER)
            .out_buffer_size(BUFFER)
            .create_with_security_attributes_raw(path, (&raw mut attributes).cast::<c_void>())
    }
}

/// A new file that only this user can open; fails when there is one already.
pub fn create_private_file(path: &Path) -> io::Result<File> {
    let owner = OwnerOnly::new()?;
    let attributes = owner.attributes();
    let name: Vec<u16> = path.as_os_str().encode_wide().chain([0]).collect();
    // SAFETY: the name ends with 0; it, the attributes and their descriptor live through the call.
    let handle = unsafe {
        CreateFileW(
            name.as_ptr(),
            GENERIC_WRITE,
            0,
            &raw const attributes,
            CREATE_NEW,
            FILE_ATTRIBUTE_NORMAL,
            ptr::null_mut(),
        )
    };
    if handle == INVALID_HANDLE_VALUE {
        return Err(io::Error::last_os_error());
    }
    // SAFETY: a fresh handle that nobody else owns.
    Ok(unsafe { File::from_raw_handle(handle) })
}

/// Every segment is acknowledged at once instead of after up to 200 ms.
pub fn acknowledge_at_once(stream: &TcpStream) -> io::Result<()> {
    let frequency: u32 = 1;
    let mut returned = 0;
    // SAFETY: the socket is open as long as `stream`; the input is one u32, there is no output.
    let failed = unsafe {
        WSAIoctl(
            stream.as_raw_socket() as SOCKET,
            SIO_TCP_SET_ACK_FREQUENCY,
            (&raw const frequency).cast::<c_void>(),
            size_of::<u32>() as u32,
            ptr::null_mut(),
            0,
            &raw mut returned,
            ptr::null_mut(),
            None,
        )
    };
    if failed != 0 {
        return Err(io::Error::last_os_error());
    }
    Ok(())
}
