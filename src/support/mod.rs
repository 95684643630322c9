//! One file for whoever is to help: what the program knows about itself, without secrets.
//!
//! Everything goes through the redactor once more, whatever it went through before, and what is put together can be read
//! before it is sent: a zip of plain texts.

mod bundle;
mod gather;

#[cfg(test)]
mod tests;

pub use bundle::{Bundle, Part};
pub use gather::{crash_files, crashes, logs, settings};
