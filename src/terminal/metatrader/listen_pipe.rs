//! The pipe: byte mode, this computer only, this user only, its name new at each start. Elsewhere than on Windows a Unix
//! socket of the same rights stands in for it, `pipe/<name>` beside the terminals' `Files`; MetaTrader itself cannot reach
//! that one.

use std::io;
use std::path::Path;
use std::time::Duration;

use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use super::peer::{Arrival, Stream};

const PAUSE: Duration = Duration::from_millis(200);

/// Begins to listen under `name`.
#[cfg(windows)]
pub fn listen(
    name: &str,
    _common_files: &Path,
    arrivals: mpsc::Sender<Arrival>,
    end: CancellationToken,
) -> io::Result<()> {
    let path = format!(r"\\.\pipe\{name}");
    let first = super::windows::create_pipe(&path, true)?;
    tokio::spawn(async move {
        end.run_until_cancelled(accept(first, &path, arrivals))
            .await;
    });
    Ok(())
}

#[cfg(windows)]
async fn accept(
    first: tokio::net::windows::named_pipe::NamedPipeServer,
    path: &str,
    arrivals: mpsc::Sender<Arrival>,
) {
    let mut waiting = Some(first);
    loop {
        let Some(instance) = waiting.take() else {
            match super::windows::create_pipe(path, false) {
                Ok(instance) => waiting = Some(instance),
                Err(error) => {
                    tracing::warn!(target: "terminal", "The link's pipe could not be opened again: {error}.");
                    tokio::time::sleep(PAUSE).await;
                }
            }
            continue;
        };
        if let Err(error) = instance.connect().await {
            tracing::warn!(target: "terminal", "The link's pipe could not take a connection: {error}.");
            tokio::time::sleep(PAUSE).await;
            continue;
        }
        // The next instance stands before this one is served, so that nobody finds no pipe.
        waiting = super::windows::create_pipe(path, false).ok();
        let arrival = Arrival {
            link: "pipe",
            stream: Box::new(instance) as Box<dyn Stream>,
        };
        if arrivals.send(arrival).await.is_err() {
            return;
        }
    }
}

/// Begins to listen under `name`.
#[cfg(unix)]
pub fn listen(
    name: &str,
    common_files: &Path,
    arrivals: mpsc::Sender<Arrival>,
    end: CancellationToken,
) -> io::Result<()> {
    use std::fs::{self, Permissions};
    use std::os::unix::fs::PermissionsExt as _;
    let folder = common_files.parent().unwrap_or(common_files).join("pipe");
    fs::create_dir_all(&folder)?;
    let path = folder.join(name);
    let listener = tokio::net::UnixListener::bind(&path)?;
    fs::set_permissions(&path, Permissions::from_mode(0o600))?;
    tokio::spawn(async move {
        end.run_until_cancelled(accept(listener, arrivals)).await;
        // Its name is of no use to anybody any more.
        drop(fs::remove_file(&path));
    });
    Ok(())
}

#[cfg(unix)]
async fn accept(listener: tokio::net::UnixListener, arrivals: mpsc::Sender<Arrival>) {
    loop {
        let stream = match listener.accept().await {
            Ok((stream, _)) => stream,
            Err(error) => {
                tracing::warn!(target: "terminal", "The link's pipe could not take a connection: {error}.");
                tokio::time::sleep(PAUSE).await;
                continue;
            }
        };
        let arrival = Arrival {
            link: "pipe",
            stream: Box::new(stream) as Box<dyn Stream>,
        };
        if arrivals.send(arrival).await.is_err() {
            return;
        }
    }
}

/// Whether anybody listens under `name`.
#[cfg(unix)]
pub async fn is_served(name: &str, common_files: &Path) -> bool {
    let folder = common_files.parent().unwrap_or(common_files).join("pipe");
    tokio::net::UnixStream::connect(folder.join(name))
        .await
        .is_ok()
}

/// Whether anybody listens under `name`; a pipe whose instances are all taken is served too.
#[cfg(windows)]
#[expect(clippy::unused_async, reason = "as elsewhere than on Windows")]
pub async fn is_served(name: &str, _common_files: &Path) -> bool {
    let path = format!(r"\\.\pipe\{name}");
    let opened = tokio::net::windows::named_pipe::ClientOptions::new().open(path);
    !matches!(opened, Err(error) if error.kind() == io::ErrorKind::NotFound)
}
