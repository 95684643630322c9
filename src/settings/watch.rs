//! Notices that the settings file was changed by somebody else.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use sha2::{Digest as _, Sha256};

use super::file::read_bounded;

/// How often the file is looked at.
const PERIOD: Duration = Duration::from_secs(1);

/// A change within the file system's time grain keeps its stamp: so long a file is read again all the same.
const GRAIN: Duration = Duration::from_secs(3);

/// What the file looked like; `None` when it was not there.
type Seen = Option<(SystemTime, u64, [u8; 32])>;

#[derive(Debug)]
pub struct FileWatch {
    path: PathBuf,
    seen: Seen,
}

impl FileWatch {
    /// Starts from what the file holds now.
    pub fn new(path: &Path) -> Self {
        let mut watch = Self {
            path: path.to_owned(),
            seen: None,
        };
        watch.acknowledge();
        watch
    }

    /// Takes the present content as known: after our own save.
    pub fn acknowledge(&mut self) {
        // A file that cannot be read now will be reported once it can.
        if let Ok(seen) = look(&self.path, self.seen) {
            self.seen = seen;
        }
    }

    /// Whether the content differs from what was last known; tells each change once.
    pub fn poll(&mut self) -> bool {
        // A file that cannot be read for a moment (an editor replaces it) is looked at again later.
        let Ok(now) = look(&self.path, self.seen) else {
            return false;
        };
        let content = |seen: Seen| seen.map(|(_, _, digest)| digest);
        let changed = content(now) != content(self.seen);
        self.seen = now;
        changed
    }

    /// Waits for the next change. Dropping the future in the middle loses nothing.
    pub async fn changed(&mut self) {
        loop {
            tokio::time::sleep(PERIOD).await;
            if self.poll() {
                return;
            }
        }
    }
}

fn look(path: &Path, seen: Seen) -> io::Result<Seen> {
    let metadata = match fs::metadata(path) {
        Ok(metadata) => metadata,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error),
    };
    let (stamp, length) = (metadata.modified()?, metadata.len());
    if let Some((old_stamp, old_length, _)) = seen {
        let settled = SystemTime::now()
            .duration_since(stamp)
            .is_ok_and(|age| age > GRAIN);
        if settled && old_stamp == stamp && old_length == length {
            return Ok(seen);
        }
    }
    let digest = Sha256::digest(read_bounded(path)?).into();
    Ok(Some((stamp, length, digest)))
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]

    use super::*;

    #[test]
    fn each_change_is_told_once() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("a.json");
        let mut watch = FileWatch::new(&path);
        assert!(!watch.poll());
        fs::write(&path, "one").unwrap();
        assert!(watch.poll());
        assert!(!watch.poll());
        // Same length within the same tick of the clock.
        fs::write(&path, "two").unwrap();
        assert!(watch.poll());
        // Touched, but the same.
        fs::write(&path, "two").unwrap();
        assert!(!watch.poll());
        fs::remove_file(&path).unwrap();
        assert!(watch.poll());
        assert!(!watch.poll());
    }

    #[test]
    fn our_own_save_is_no_change() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("a.json");
        let mut watch = FileWatch::new(&path);
        fs::write(&path, "one").unwrap();
        watch.acknowledge();
        assert!(!watch.poll());
    }

    #[test]
    fn an_old_file_with_a_new_stamp_is_read_again() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("a.json");
        let hour_ago = SystemTime::now() - Duration::from_secs(3600);
        let put = |text: &str, at: SystemTime| {
            fs::write(&path, text).unwrap();
            fs::File::options()
                .write(true)
                .open(&path)
                .unwrap()
                .set_modified(at)
                .unwrap();
        };
        put("one", hour_ago);
        let mut watch = FileWatch::new(&path);
        assert!(!watch.poll());
        put("two", hour_ago + Duration::from_secs(60));
        assert!(watch.poll());
    }

    #[tokio::test(start_paused = true)]
    async fn waiting_ends_with_the_change() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("a.json");
        let mut watch = FileWatch::new(&path);
        let started = tokio::time::Instant::now();
        let write = async {
            tokio::time::sleep(Duration::from_millis(2_500)).await;
            fs::write(&path, "one").unwrap();
        };
        tokio::join!(watch.changed(), write);
        assert_eq!(started.elapsed(), Duration::from_secs(3));
    }

    #[cfg(unix)]
    #[test]
    fn a_file_without_end_is_not_read_to_its_end() {
        let mut watch = FileWatch::new(Path::new("/dev/zero"));
        assert!(!watch.poll());
    }
}
