//! The program: reads the command line and runs the mode it asks for.

use std::process::ExitCode;

use clap::Parser as _;

fn main() -> ExitCode {
    fx_executor::modes::run(&fx_executor::cli::Cli::parse())
}
