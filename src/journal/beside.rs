//! Small files beside the journal, so that it cannot be lost without a word.
//!
//! SQLite opens an empty file, or one whose last part is gone, as if nothing had ever been there. `journal.mark` has the number
//! of the last stored record: a journal that knows fewer lost some. `emergency-stop.latched` is there while the emergency
//! stop is on: the one record that must outlive the journal. `emergency-stop.reserve` becomes it on a disk that is full.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Seek as _, Write as _};
use std::path::{Path, PathBuf};

use jiff::Timestamp;

use crate::core::{Durable, EmergencyStop, Record};

/// A number is written over the one before it, so all have one width.
const WIDTH: usize = 20;

#[derive(Debug)]
pub(super) struct Beside {
    mark: PathBuf,
    stop: PathBuf,
    /// The number that the mark had when it was opened.
    reached: i64,
    file: Option<File>,
    /// The extent of the stop that was written down.
    stopped: Option<Extent>,
    trouble_told: bool,
}

fn stop_of(journal: &Path) -> PathBuf {
    journal.with_file_name("emergency-stop.latched")
}

/// Whether an emergency stop is latched, for those who may not open the journal.
pub fn stop_stands(journal: &Path) -> bool {
    stop_of(journal).exists()
}

/// Latches a stop that cannot be written into the journal: the next start finds it.
///
/// # Errors
/// It cannot be written beside the journal either.
pub fn stop_beside(journal: &Path, stop: &EmergencyStop) -> io::Result<()> {
    keep(&stop_of(journal), stop)
}

impl Beside {
    pub fn of(journal: &Path) -> Self {
        let mark = journal.with_extension("mark");
        let reached = fs::read_to_string(&mark).ok();
        Self {
            reached: reached
                .and_then(|text| text.trim().parse().ok())
                .unwrap_or(0),
            stop: stop_of(journal),
            mark,
            file: None,
            stopped: None,
            trouble_told: false,
        }
    }

    /// Whether a journal whose last record has this number lost what was stored before.
    pub const fn misses_records(&self, last: i64) -> bool {
        self.reached > last
    }

    /// A stop that is on and that the journal does not know, or not in its whole extent: it could not be written, or the journal
    /// was lost. One that the journal knows goes on in it.
    pub fn forgotten_stop(&self, known: &Durable, now: Timestamp) -> Option<EmergencyStop> {
        // A file that is empty, broken or cannot be read says enough: only a stop makes one.
        let stands = match self.read()? {
            Ok(stop) => stop,
            Err(_) => EmergencyStop::given(
                "it was on before, and its reason is lost".to_owned(),
                known.stop.as_ref().map_or(now, |stop| stop.since),
            ),
        };
        // The program may have been killed between lifting it and removing the file.
        if known.lifted_stop == Some(stands.since) {
            return None;
        }
        let Some(stop) = &known.stop else {
            return Some(EmergencyStop {
                completed_at: None,
                ..stands
            });
        };
        let both = EmergencyStop {
            opened_before: stop.opened_before.zip(stands.opened_before).map(latest),
            last_given: stop.last_given.zip(stands.last_given).map(latest),
            completed_at: None,
            told_failed: stop.told_failed.clone(),
            gone: stop.gone.clone(),
            ..stands
        };
        (extent(&both) != extent(stop)).then_some(both)
    }

    /// What stands in the file of a stop, if it is there.
    fn read(&self) -> Option<io::Result<EmergencyStop>> {
        match fs::read(&self.stop) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => None,
            read => Some(read.and_then(|bytes| Ok(serde_json::from_slice(&bytes)?))),
        }
    }

    /// The file of a stop that is on is there, whatever took it away; else only the one that could become it.
    pub fn stands_for(&mut self, known: &Durable) {
        let stands = match &known.stop {
            Some(stop) => match self.read() {
                Some(Ok(written)) if written.since == stop.since => Ok(()),
                _ => keep(&self.stop, stop),
            },
            // What is there is a stop that was lifted.
            None => remove(&self.stop).and_then(|()| put_by(&self.stop)),
        };
        if let Err(error) = stands {
            self.trouble(&self.stop.clone(), &error);
        }
    }

    /// Before the records are stored: what is written down too early latches once too often, too late never.
    pub fn before(&mut self, records: &[Record]) {
        let Some(Record::EmergencyStopped { stop }) = last_word(records) else {
            return;
        };
        if self.stopped == Some(extent(stop)) {
            return;
        }
        match keep(&self.stop, stop) {
            Ok(()) => self.stopped = Some(extent(stop)),
            Err(error) => self.trouble(&self.stop.clone(), &error),
        }
    }

    /// After the records are stored.
    pub fn after(&mut self, records: &[Record]) {
        if !matches!(last_word(records), Some(Record::EmergencyLifted { .. })) {
            return;
        }
        self.stopped = None;
        let removed = remove(&self.stop).and_then(|()| put_by(&self.stop));
        if let Err(error) = removed {
            self.trouble(&self.stop.clone(), &error);
        }
    }

    /// The record of this number is on the disk. The mark itself need not be: it is never ahead of the journal, and what it
    /// is for, a journal that was lost while the computer ran on, it sees all the same.
    pub fn reach(&mut self, last: i64) {
        if let Err(error) = self.write_mark(last) {
            self.file = None;
            self.trouble(&self.mark.clone(), &error);
        }
    }

    fn write_mark(&mut self, last: i64) -> io::Result<()> {
        let file = match &mut self.file {
            Some(file) => file,
            None => {
                let mut options = OpenOptions::new();
                let file = options.write(true).create(true).truncate(false);
                self.file.insert(file.open(&self.mark)?)
            }
        };
        file.rewind()?;
        file.write_all(format!("{last:0WIDTH$}\n").as_bytes())
    }

    fn trouble(&mut self, path: &Path, error: &io::Error) {
        if !std::mem::replace(&mut self.trouble_told, true) {
            tracing::warn!(target: "journal", "{} cannot be kept up to date: {error}. That alone stops nothing; should the journal be lost, that may not be noticed.", path.display());
        }
    }
}

/// Whether these records leave the stop on or lifted.
fn last_word(records: &[Record]) -> Option<&Record> {
    records.iter().rev().find(|record| {
        matches!(
            record,
            Record::EmergencyStopped { .. } | Record::EmergencyLifted { .. }
        )
    })
}

/// Which stop it is, what it spares, and until when an order to resume is older than it.
type Extent = (Timestamp, Option<Timestamp>, Option<Timestamp>);

fn extent(stop: &EmergencyStop) -> Extent {
    (stop.since, stop.opened_before, stop.last_given)
}

fn latest((one, other): (Timestamp, Timestamp)) -> Timestamp {
    one.max(other)
}

fn keep(path: &Path, stop: &EmergencyStop) -> io::Result<()> {
    let Err(error) = write(path, stop) else {
        return Ok(());
    };
    // No room. That a stop is on needs none: a file without words says it as well.
    let wordless = if path.exists() {
        File::create(path).map(|_| ())
    } else {
        fs::rename(reserve_of(path), path)
    };
    wordless.map_err(|_| error)?;
    sync_folder(path)
}

fn write(path: &Path, stop: &EmergencyStop) -> io::Result<()> {
    let text = serde_json::to_string(stop)?;
    // Written over what was there: that needs no room on a full disk, and what a kill leaves half done cannot be read.
    let mut options = OpenOptions::new();
    let mut file = options
        .write(true)
        .create(true)
        .truncate(false)
        .open(path)?;
    file.write_all(text.as_bytes())?;
    file.set_len(text.len() as u64)?;
    file.sync_all()?;
    sync_folder(path)
}

fn remove(path: &Path) -> io::Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

fn reserve_of(stop: &Path) -> PathBuf {
    stop.with_extension("reserve")
}

fn put_by(stop: &Path) -> io::Result<()> {
    let mut options = OpenOptions::new();
    let reserve = options.write(true).create(true).truncate(false);
    reserve.open(reserve_of(stop)).map(|_| ())
}

fn sync_folder(path: &Path) -> io::Result<()> {
    // A new file is durable only once its folder is; Windows has no such call and needs none.
    match path.parent() {
        Some(folder) if cfg!(unix) => File::open(folder)?.sync_all(),
        _ => Ok(()),
    }
}
