//! The program: reads the command line and runs the mode it asks for.

// A debug build keeps its console, where panics and test output are read.
#![cfg_attr(not(debug_assertions), windows_subsystem = "windows")]

use std::process::ExitCode;

use clap::Parser as _;

fn main() -> ExitCode {
    fx_executor::os::attach_console();
    fx_executor::modes::run(&fx_executor::cli::Cli::parse())
}
