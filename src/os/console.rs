//! Lines for a person on the console.

use std::fmt::Display;
use std::io::Write as _;

/// Prints a line. The reader may have gone (`| head`); that is no reason to end.
pub fn say(line: impl Display) {
    drop(writeln!(std::io::stdout(), "{line}"));
}
