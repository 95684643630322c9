//! On made-up trees, with stand-ins for MetaEditor and the terminal that behave as the real ones were seen to.
#![allow(clippy::unwrap_used, clippy::panic, reason = "tests")]
// The stand-ins are shell scripts; under Wine the same is tested with the Windows program (tests/wine).
#![cfg(unix)]

mod compiling;
mod finding;
mod installing;
mod removing;

use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};

use super::*;

pub const EXPERT: ExpertSource = ExpertSource {
    text: "#property strict\n#property version \"0.10\"\nint OnInit() { return 0; }\n",
};

/// A made-up computer.
pub struct Computer {
    root: tempfile::TempDir,
    pub places: Places,
}

impl Computer {
    pub fn new() -> Self {
        let root = tempfile::tempdir().unwrap();
        let data_root = root.path().join("Roaming/MetaQuotes/Terminal");
        for shared in ["Common", "Community", "Help"] {
            fs::create_dir_all(data_root.join(shared).join("Files")).unwrap();
        }
        Self {
            root,
            places: Places {
                data_root: Some(data_root),
                ..Default::default()
            },
        }
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.root.path().join(name)
    }

    pub fn data_root(&self) -> &Path {
        self.places.data_root.as_deref().unwrap()
    }

    /// An installation with the stand-ins; it was never started.
    pub fn install(&self, name: &str) -> PathBuf {
        let folder = self.path("Program Files").join(name);
        fs::create_dir_all(folder.join("MQL5/Experts")).unwrap();
        let stand_ins = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/setup/tests");
        symlink(stand_ins.join("terminal.sh"), folder.join("terminal64.exe")).unwrap();
        symlink(
            stand_ins.join("metaeditor.sh"),
            folder.join("metaeditor64.exe"),
        )
        .unwrap();
        folder
    }

    /// The data folder of a started terminal, with `origin.txt` as these bytes.
    pub fn data(&self, id: &str, origin: &[u8]) -> PathBuf {
        let folder = self.data_root().join(id);
        fs::create_dir_all(folder.join("MQL5/Experts")).unwrap();
        fs::write(folder.join("origin.txt"), origin).unwrap();
        folder
    }

    /// A started terminal.
    pub fn terminal(&self, name: &str, id: &str) -> Terminal {
        let folder = self.install(name);
        self.data(id, &encode(folder.to_str().unwrap()));
        self.one(id)
    }

    pub fn find(&self) -> Found {
        find(&self.places, EXPERT)
    }

    pub fn one(&self, id: &str) -> Terminal {
        let found = self.find();
        let mut matching = found.terminals.into_iter().filter(|one| one.id == id);
        matching.next().unwrap()
    }
}

/// Every file below a folder with its bytes; links as what they point to.
pub fn tree(folder: &Path) -> Vec<(PathBuf, Vec<u8>)> {
    let mut found = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else {
                let bytes = fs::read(&path).unwrap();
                found.push((path, bytes));
            }
        }
    }
    found.sort();
    found
}

pub fn mode(terminal: &Terminal, mode: &str) {
    fs::write(terminal.install_dir.join("mode"), mode).unwrap();
}

pub fn folder(terminal: &Terminal) -> PathBuf {
    expert::folder(terminal.data_dir().unwrap())
}
