//! Opens the database file, checks it, and brings its tables to this version.

use std::path::{Path, PathBuf};
use std::time::Duration;

use jiff::Timestamp;
use rusqlite::Connection;

use super::JournalError;

/// Another program (a backup, a viewer) may hold the file so long at the start.
const BUSY: Duration = Duration::from_secs(3);
const VERSION: i64 = 2;

/// The commands as the window pages through them.
pub(super) const COMMANDS: &str = "CREATE TABLE command (
        id TEXT PRIMARY KEY,
        received_ms INTEGER NOT NULL,
        name TEXT NOT NULL,
        subject TEXT NOT NULL,
        source TEXT NOT NULL,
        state TEXT NOT NULL,
        duration_ms INTEGER,
        message TEXT NOT NULL,
        reported INTEGER
    ) STRICT, WITHOUT ROWID";

const TABLES: &str = "
    CREATE TABLE record (
        seq INTEGER PRIMARY KEY,
        command_id TEXT,
        body TEXT NOT NULL
    ) STRICT;
    CREATE INDEX command_received ON command (received_ms);
    CREATE TABLE checkpoint (
        one INTEGER PRIMARY KEY CHECK (one = 1),
        seq INTEGER NOT NULL,
        body TEXT NOT NULL
    ) STRICT;
";

/// What is read off the records and belongs to them: which are a command's, and how far they are read.
const STORY: &str = "
    CREATE TABLE story (
        command_id TEXT,
        seq INTEGER,
        PRIMARY KEY (command_id, seq)
    ) STRICT, WITHOUT ROWID;
    CREATE TABLE projected (
        one INTEGER PRIMARY KEY CHECK (one = 1),
        seq INTEGER NOT NULL
    ) STRICT;
    INSERT INTO story (command_id, seq) SELECT command_id, seq FROM record WHERE command_id IS NOT NULL;
    INSERT INTO projected (one, seq) SELECT 1, coalesce(max(seq), 0) FROM record;
";

/// The connection, and where a damaged file was put.
pub(super) fn open(path: &Path) -> Result<(Connection, Option<PathBuf>), JournalError> {
    if let Some(folder) = path.parent() {
        std::fs::create_dir_all(folder).map_err(|source| JournalError::Folder {
            path: folder.to_owned(),
            source,
        })?;
    }
    match connect(path) {
        Ok(connection) => Ok((connection, None)),
        Err(error) if is_damage(&error) => {
            let kept = put_aside(path)?;
            let connection = connect(path).map_err(|source| JournalError::Sqlite {
                path: path.to_owned(),
                source,
            })?;
            Ok((connection, Some(kept)))
        }
        Err(source) => Err(JournalError::Sqlite {
            path: path.to_owned(),
            source,
        }),
    }
}

pub(super) fn set_synchronous(connection: &Connection, how: &str) -> rusqlite::Result<()> {
    connection.pragma_update(None, "synchronous", how)
}

fn connect(path: &Path) -> rusqlite::Result<Connection> {
    let connection = Connection::open(path)?;
    connection.busy_timeout(BUSY)?;
    connection.pragma_update(None, "journal_mode", "WAL")?;
    // Pages of records are written and hardly ever read again.
    connection.pragma_update(None, "cache_size", "-512")?;
    // NORMAL may lose the last commits when the power goes; an acknowledged command must not be lost.
    set_synchronous(&connection, "FULL")?;
    let check: String = connection.query_row("PRAGMA quick_check(1)", [], |row| row.get(0))?;
    if check != "ok" {
        return Err(rusqlite::Error::SqliteFailure(
            rusqlite::ffi::Error::new(rusqlite::ffi::SQLITE_CORRUPT),
            Some(check),
        ));
    }
    let version: i64 = connection.query_row("PRAGMA user_version", [], |row| row.get(0))?;
    let missing = match version {
        0 => [COMMANDS, ";", TABLES, STORY].concat(),
        1 => ["DROP INDEX record_command;", STORY].concat(),
        _ => String::new(),
    };
    if !missing.is_empty() {
        // In one transaction: a program killed in between must find either nothing or all of it.
        connection.execute_batch(&format!(
            "BEGIN IMMEDIATE; {missing} PRAGMA user_version = {VERSION}; COMMIT;"
        ))?;
    } else if version > VERSION {
        return Err(rusqlite::Error::SqliteFailure(
            rusqlite::ffi::Error::new(rusqlite::ffi::SQLITE_MISMATCH),
            Some(format!(
                "it was written by a newer version of FX Executor (format {version})"
            )),
        ));
    }
    Ok(connection)
}

fn is_damage(error: &rusqlite::Error) -> bool {
    matches!(
        error.sqlite_error_code(),
        Some(rusqlite::ErrorCode::DatabaseCorrupt | rusqlite::ErrorCode::NotADatabase)
    )
}

fn put_aside(path: &Path) -> Result<PathBuf, JournalError> {
    let stamp = Timestamp::now().strftime("%Y%m%dT%H%M%SZ").to_string();
    let aside = |path: &Path| {
        let mut name = path.as_os_str().to_owned();
        name.push(format!(".corrupt-{stamp}"));
        PathBuf::from(name)
    };
    let kept = aside(path);
    std::fs::rename(path, &kept).map_err(|source| JournalError::Aside {
        path: path.to_owned(),
        source,
    })?;
    for suffix in ["-wal", "-shm"] {
        let mut name = path.as_os_str().to_owned();
        name.push(suffix);
        let beside = PathBuf::from(name);
        if beside.exists() {
            let target = aside(&beside);
            std::fs::rename(&beside, target).map_err(|source| JournalError::Aside {
                path: beside.clone(),
                source,
            })?;
        }
    }
    Ok(kept)
}
