//! Starts this program again with the folders it has: after an update, and, where the settings ask for it, when its engine
//! hangs or has failed.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use super::stop_all::within;
use crate::os::detached;
use crate::settings::{DataDir, DataDirError, DataDirLock};

/// The program that failed is gone by then, and with it its hold on the data folder.
const GONE_WITHIN: Duration = Duration::from_secs(20);

/// The program, with the folders of the one that runs.
pub(super) fn executor(
    program: &Path,
    data_dir: &Path,
    config: Option<&Path>,
    headless: bool,
) -> Command {
    let mut command = Command::new(program);
    command.arg("--data-dir").arg(data_dir);
    if let Some(config) = config {
        command.arg("--config").arg(config);
    }
    if headless {
        command.arg("--headless");
    }
    command
}

/// Starts it and leaves it alone.
pub(super) fn leave(mut command: Command) -> std::io::Result<()> {
    detached(&mut command)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .map(drop)
}

/// What takes this process' place when it fails.
#[derive(Clone, Debug)]
pub(super) struct Successor {
    pub data_dir: PathBuf,
    pub config: Option<PathBuf>,
    pub headless: bool,
    /// This process is such a one itself.
    pub is_one: bool,
}

impl Successor {
    /// One that fails again so soon would do so for ever.
    const HEALTHY_AFTER: Duration = Duration::from_secs(600);

    pub fn may_start(&self, uptime: Duration) -> bool {
        !self.is_one || uptime >= Self::HEALTHY_AFTER
    }

    /// Starts it. It waits for the data folder, so this process must end.
    pub fn start(&self) -> std::io::Result<()> {
        let program = std::env::current_exe()?;
        let config = self.config.as_deref();
        let mut command = executor(&program, &self.data_dir, config, self.headless);
        command.arg("--after-failure");
        leave(command)
    }
}

/// The hold on the data folder, once the process before has let go of it.
pub(super) fn lock_after_failure(data_dir: &DataDir) -> Result<DataDirLock, DataDirError> {
    let mut last = data_dir.lock();
    within(GONE_WITHIN, || {
        if matches!(last, Err(DataDirError::InUse { .. })) {
            last = data_dir.lock();
        }
        !matches!(last, Err(DataDirError::InUse { .. }))
    });
    last
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_that_fails_again_soon_is_not_replaced_once_more() {
        let successor = |is_one| Successor {
            data_dir: PathBuf::new(),
            config: None,
            headless: true,
            is_one,
        };
        let minutes = |minutes: u64| Duration::from_secs(60 * minutes);
        assert!(successor(false).may_start(minutes(0)));
        assert!(!successor(true).may_start(minutes(9)));
        assert!(successor(true).may_start(minutes(10)));
    }
}
