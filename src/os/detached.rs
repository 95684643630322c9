//! A process that lives on when this one ends, without a console of its own.

use std::process::Command;

pub fn detached(command: &mut Command) -> &mut Command {
    #[cfg(windows)]
    {
        use std::os::windows::process::CommandExt as _;
        use windows_sys::Win32::System::Threading::{CREATE_NEW_PROCESS_GROUP, DETACHED_PROCESS};
        command.creation_flags(DETACHED_PROCESS | CREATE_NEW_PROCESS_GROUP);
    }
    // Ctrl-C in the terminal of the first is not meant for the second.
    #[cfg(unix)]
    std::os::unix::process::CommandExt::process_group(command, 0);
    command
}
