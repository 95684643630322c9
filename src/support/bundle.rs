//! The texts that go into the file, and the file.

use std::fs::File;
use std::io::{self, Write as _};
use std::path::Path;

use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, ZipWriter};

use crate::logs::Redactor;

/// One text of the bundle.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Part {
    /// As in the zip, with `/`.
    pub name: String,
    pub text: String,
}

/// What is put together. Nothing is written before [`Bundle::write`].
#[derive(Debug, Default)]
pub struct Bundle {
    parts: Vec<Part>,
}

impl Bundle {
    /// Takes a text in, without what the redactor hides.
    pub fn add(&mut self, name: &str, text: &str, redactor: &Redactor) {
        self.parts.push(Part {
            name: name.to_owned(),
            text: redactor.clean(text).into_owned(),
        });
    }

    pub fn parts(&self) -> &[Part] {
        &self.parts
    }

    /// # Errors
    /// The file cannot be written; what was written of it is removed.
    pub fn write(&self, path: &Path) -> io::Result<()> {
        let written = self.write_to(path);
        if written.is_err() {
            drop(std::fs::remove_file(path));
        }
        written
    }

    fn write_to(&self, path: &Path) -> io::Result<()> {
        let mut zip = ZipWriter::new(File::create(path)?);
        let options = SimpleFileOptions::default().compression_method(CompressionMethod::Deflated);
        for part in &self.parts {
            zip.start_file(part.name.as_str(), options)?;
            zip.write_all(part.text.as_bytes())?;
        }
        zip.finish()?.sync_all()
    }
}
