//! What the system tells a program: sleep and waking, the person's session, the end. Windows' messages are put into words here,
//! by their numbers, so that any system can test it.

use std::fmt;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SystemEvent {
    /// Sleep begins in at most two seconds.
    Suspending,
    /// Awake again. One sleep may be told twice: once for the computer, once for the person.
    Resumed,
    /// The system wants to end the session, or this program alone; it may still change its mind.
    EndAsked(EndReason),
    /// The program is ended as soon as this has been dealt with.
    Ending(EndReason),
    /// It changed its mind.
    EndCancelled,
    Session(SessionChange),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EndReason {
    Shutdown,
    SignOut,
    /// An installer, or whoever else needs the program's files.
    Replaced,
}

impl fmt::Display for EndReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Shutdown => "the computer is shut down or restarted",
            Self::SignOut => "the person signs out",
            Self::Replaced => "its files are replaced",
        })
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SessionChange {
    Locked,
    Unlocked,
    RemoteConnected,
    RemoteDisconnected,
    ConsoleConnected,
    ConsoleDisconnected,
}

impl fmt::Display for SessionChange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Locked => "The screen was locked.",
            Self::Unlocked => "The screen was unlocked.",
            Self::RemoteConnected => "A remote desktop was connected.",
            Self::RemoteDisconnected => "The remote desktop was disconnected.",
            Self::ConsoleConnected => "The person works at the computer's own screen.",
            Self::ConsoleDisconnected => "The computer's own screen was left.",
        })
    }
}

const WM_QUERYENDSESSION: u32 = 0x11;
const WM_ENDSESSION: u32 = 0x16;
const WM_POWERBROADCAST: u32 = 0x218;
const WM_WTSSESSION_CHANGE: u32 = 0x2B1;
/// Bits of the last two's second number.
const ENDSESSION_CLOSEAPP: isize = 0x1;
const ENDSESSION_LOGOFF: isize = 0x8000_0000;

/// A window message of Windows; `None` for every other one.
#[cfg_attr(not(any(windows, test)), expect(dead_code, reason = "Windows only"))]
pub(super) fn of_message(message: u32, first: usize, second: isize) -> Option<SystemEvent> {
    use SessionChange as Session;
    match (message, first) {
        (WM_POWERBROADCAST, 4) => Some(SystemEvent::Suspending),
        // Automatically, in a critical state, by the person.
        (WM_POWERBROADCAST, 18 | 6 | 7) => Some(SystemEvent::Resumed),
        (WM_QUERYENDSESSION, _) => Some(SystemEvent::EndAsked(end_reason(second))),
        (WM_ENDSESSION, 0) => Some(SystemEvent::EndCancelled),
        (WM_ENDSESSION, _) => Some(SystemEvent::Ending(end_reason(second))),
        (WM_WTSSESSION_CHANGE, change) => Some(SystemEvent::Session(match change {
            1 => Session::ConsoleConnected,
            2 => Session::ConsoleDisconnected,
            3 => Session::RemoteConnected,
            4 => Session::RemoteDisconnected,
            7 => Session::Locked,
            8 => Session::Unlocked,
            _ => return None,
        })),
        _ => None,
    }
}

const fn end_reason(bits: isize) -> EndReason {
    if bits & ENDSESSION_CLOSEAPP != 0 {
        EndReason::Replaced
    } else if bits & ENDSESSION_LOGOFF != 0 {
        EndReason::SignOut
    } else {
        EndReason::Shutdown
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn windows_messages_are_put_into_words() {
        for (message, first, second, event) in [
            (0x218, 4, 0, Some(SystemEvent::Suspending)),
            (0x218, 18, 0, Some(SystemEvent::Resumed)),
            (0x218, 7, 0, Some(SystemEvent::Resumed)),
            // The power plug.
            (0x218, 10, 0, None),
            (0x11, 0, 0, Some(SystemEvent::EndAsked(EndReason::Shutdown))),
            // As Windows hands it over: a 32-bit number with its sign carried on.
            (
                0x11,
                0,
                -0x8000_0000,
                Some(SystemEvent::EndAsked(EndReason::SignOut)),
            ),
            (0x16, 1, 1, Some(SystemEvent::Ending(EndReason::Replaced))),
            (0x16, 1, 0, Some(SystemEvent::Ending(EndReason::Shutdown))),
            (0x16, 0, 0, Some(SystemEvent::EndCancelled)),
            (
                0x2B1,
                7,
                1,
                Some(SystemEvent::Session(SessionChange::Locked)),
            ),
            (
                0x2B1,
                3,
                1,
                Some(SystemEvent::Session(SessionChange::RemoteConnected)),
            ),
            (0x2B1, 5, 1, None),
            (0x10, 4, 0, None),
        ] {
            assert_eq!(
                of_message(message, first, second),
                event,
                "{message:#x} {first} {second}"
            );
        }
    }
}
