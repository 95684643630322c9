//! What a data folder tells about its terminal: the build and the company from its log, the server from `common.ini`.

use std::path::{Path, PathBuf};

use super::text_file::decode;

/// Log files to look through, newest first.
const LOGS: usize = 3;
/// A terminal's log of a day; a larger one is not worth reading for two words.
const MOST_BYTES: u64 = 16 * 1024 * 1024;

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Facts {
    pub build: Option<u32>,
    pub broker: Option<String>,
    pub server: Option<String>,
}

pub fn facts(data: &Path) -> Facts {
    let (build, broker) = newest_logs(&data.join("logs"))
        .into_iter()
        .find_map(|path| started(&read(&path)?))
        .unzip();
    Facts {
        build,
        broker,
        server: common_ini(data).and_then(|path| server(&read(&path)?)),
    }
}

/// The terminal writes `config`; older builds wrote `Config`.
pub fn common_ini(data: &Path) -> Option<PathBuf> {
    ["config", "Config"]
        .into_iter()
        .map(|folder| data.join(folder).join("common.ini"))
        .find(|path| path.is_file())
}

fn read(path: &Path) -> Option<String> {
    let length = std::fs::metadata(path).ok()?.len();
    (length <= MOST_BYTES)
        .then(|| std::fs::read(path).ok())
        .flatten()
        .map(|bytes| decode(&bytes))
}

/// Logs are named by their day, so the names sort by time.
fn newest_logs(folder: &Path) -> Vec<PathBuf> {
    let Ok(entries) = std::fs::read_dir(folder) else {
        return Vec::new();
    };
    let mut logs: Vec<PathBuf> = entries
        .filter_map(|entry| Some(entry.ok()?.path()))
        .filter(|path| path.extension().is_some_and(|end| end == "log"))
        .collect();
    logs.sort();
    logs.reverse();
    logs.truncate(LOGS);
    logs
}

/// `… MetaTrader 5 x64 build 4150 started for MetaQuotes Ltd.`; the last such line counts.
fn started(log: &str) -> Option<(u32, String)> {
    log.lines().rev().find_map(|line| {
        let (before, company) = line.split_once(" started for ")?;
        let (_, build) = before.rsplit_once(" build ")?;
        Some((build.trim().parse().ok()?, company.trim().to_owned()))
    })
}

fn server(ini: &str) -> Option<String> {
    let mut common = false;
    ini.lines().map(str::trim).find_map(|line| {
        if line.starts_with('[') {
            common = line.eq_ignore_ascii_case("[Common]");
        }
        let value = line.strip_prefix("Server=").filter(|_| common)?.trim();
        (!value.is_empty()).then(|| value.to_owned())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_start_in_a_log_counts() {
        let log = "\
KS\t0\t09:00:01.123\tTerminal\tMetaTrader 5 x64 build 4150 started for MetaQuotes Ltd.
KS\t0\t09:00:02.000\tNetwork\t'5001234': authorized on Demo
KS\t0\t18:12:01.123\tTerminal\tBroker MetaTrader 5 x64 build 4755 started for Broker (Pty) Ltd
";
        assert_eq!(started(log), Some((4755, "Broker (Pty) Ltd".to_owned())));
        assert_eq!(started("nothing of the kind"), None);
        assert_eq!(started("x build many started for nobody"), None);
    }

    #[test]
    fn the_server_is_the_one_of_the_common_section() {
        let ini = "[Proxy]\r\nServer=proxy:80\r\n[Common]\r\nLogin=1\r\nServer=Broker-Demo\r\n";
        assert_eq!(server(ini).as_deref(), Some("Broker-Demo"));
        assert_eq!(server("[Common]\r\nServer=\r\n"), None);
    }
}
