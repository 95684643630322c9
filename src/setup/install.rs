//! Carries out an agreed installation, step by step, and keeps the manifest ahead of every file it writes.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;
use std::{fs, io};

use super::detect::Presence;
use super::expert;
use super::manifest::{Manifest, ManifestError};
use super::metaeditor::{CompileError, Compiled, compile};
use super::plan::{Change, Plan, Step};
use super::start_ini;

/// A plan that a person agreed to.
#[derive(Debug)]
pub struct Agreed {
    plan: Plan,
}

/// How far the installation is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Progress {
    pub step: String,
    /// `None` while it runs.
    pub ok: Option<bool>,
    pub detail: String,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Installed {
    pub compiled: Compiled,
    /// The terminal was started by us.
    pub started: bool,
}

#[derive(Debug, thiserror::Error)]
pub enum InstallError {
    #[error("{} cannot be written: {source}", path.display())]
    Write {
        path: PathBuf,
        #[source]
        source: io::Error,
    },
    #[error(transparent)]
    Manifest(#[from] ManifestError),
    #[error(transparent)]
    Compile(#[from] CompileError),
    #[error("{} cannot be started: {source}", path.display())]
    Start {
        path: PathBuf,
        #[source]
        source: io::Error,
    },
    #[error(
        "the terminal was started meanwhile and is left alone; drag FX-Executor onto a chart yourself"
    )]
    RunsMeanwhile,
    #[error("the terminal's files changed after the steps were shown; look at them again")]
    ChangedMeanwhile,
    #[error("the terminal has no data folder")]
    NoDataFolder,
}

impl Agreed {
    pub(super) const fn of(plan: Plan) -> Self {
        Self { plan }
    }

    /// Does the steps in order and stops at the first that fails. `presence` looks whether the terminal runs just before
    /// it would be started; `tell` hears each step twice.
    ///
    /// # Errors
    /// [`InstallError`], told with its step as well. What was written until then is in the manifest.
    pub fn carry_out(
        &self,
        limit: Duration,
        presence: &dyn Fn() -> Presence,
        tell: &mut dyn FnMut(Progress),
    ) -> Result<Installed, InstallError> {
        let data = self
            .plan
            .terminal
            .data_dir()
            .ok_or(InstallError::NoDataFolder)?;
        let folder = expert::folder(data);
        fs::create_dir_all(&folder).map_err(write_error(&folder))?;
        if !self.plan.still_holds(&folder) {
            return Err(InstallError::ChangedMeanwhile);
        }
        let mut manifest = Manifest::read(&folder)?;
        let mut compiled = None;
        let mut started = false;
        for step in &self.plan.steps {
            if matches!(step, Step::DragByHand(_)) {
                // The trader's own step: it is not done yet, and the window and the console say it afterwards.
                continue;
            }
            let title = step.title();
            tell(Progress {
                step: title.clone(),
                ok: None,
                detail: step.detail(),
            });
            let done = match step {
                Step::KeepEdited { from, to } => fs::rename(from, to)
                    .map(|()| String::new())
                    .map_err(write_error(to)),
                Step::WriteSource {
                    change: Change::Unchanged,
                    ..
                } => Ok(String::new()),
                Step::WriteSource { path, .. } => {
                    let bytes = self.plan.expert.text.as_bytes();
                    put(&folder, &mut manifest, path, bytes).map(|()| path.display().to_string())
                }
                Step::Compile {
                    metaeditor,
                    source,
                    log,
                    ..
                } => build(&folder, &mut manifest, metaeditor, source, log, limit).map(|result| {
                    let words = words_of(&result);
                    compiled = Some(result);
                    words
                }),
                Step::Start {
                    program,
                    portable,
                    ini,
                    content,
                    ..
                } => (presence() == Presence::Closed)
                    .then_some(())
                    .ok_or(InstallError::RunsMeanwhile)
                    .and_then(|()| put(&folder, &mut manifest, ini, &content.bytes()))
                    .and_then(|()| start(program, *portable, ini))
                    .map(|()| {
                        started = true;
                        "waiting for the Expert Advisor to connect".to_owned()
                    }),
                Step::DragByHand(_) => Ok(String::new()),
            };
            let (ok, detail) = match &done {
                Ok(detail) => (true, detail.clone()),
                Err(error) => (false, error.to_string()),
            };
            tell(Progress {
                step: title,
                ok: Some(ok),
                detail,
            });
            done?;
        }
        // A plan always compiles.
        let compiled = compiled.ok_or(InstallError::NoDataFolder)?;
        Ok(Installed { compiled, started })
    }
}

fn words_of(compiled: &Compiled) -> String {
    let seconds = compiled.took.as_secs_f32();
    match compiled.warnings {
        0 => format!("0 errors, a new {} in {seconds:.1} s", expert::PROGRAM),
        1 => format!(
            "0 errors, 1 warning, a new {} in {seconds:.1} s",
            expert::PROGRAM
        ),
        more => format!(
            "0 errors, {more} warnings, a new {} in {seconds:.1} s",
            expert::PROGRAM
        ),
    }
}

fn write_error(path: &Path) -> impl Fn(io::Error) -> InstallError {
    let path = path.to_owned();
    move |source| InstallError::Write {
        path: path.clone(),
        source,
    }
}

/// Writes a file of ours, whole or not at all, after the manifest knows it.
fn put(
    folder: &Path,
    manifest: &mut Manifest,
    path: &Path,
    bytes: &[u8],
) -> Result<(), InstallError> {
    let name = name_of(path);
    manifest.add(&name, bytes);
    manifest.write(folder).map_err(write_error(folder))?;
    let part = folder.join(format!("{name}.part"));
    fs::write(&part, bytes)
        .and_then(|()| fs::rename(&part, path))
        .map_err(write_error(path))
}

fn build(
    folder: &Path,
    manifest: &mut Manifest,
    metaeditor: &Path,
    source: &Path,
    log: &Path,
    limit: Duration,
) -> Result<Compiled, InstallError> {
    let result = compile(metaeditor, source, log, limit);
    // The log is read; it is ours and of no further use. One that cannot be removed harms nobody.
    drop(fs::remove_file(log));
    // What was somebody else's was moved aside before, so what is there now is ours to take back, whatever the log says.
    let program = folder.join(expert::PROGRAM);
    match fs::read(&program) {
        Ok(bytes) => {
            manifest.add(expert::PROGRAM, &bytes);
            manifest.write(folder).map_err(write_error(folder))?;
        }
        Err(error) if result.is_ok() => return Err(write_error(&program)(error)),
        Err(_) => {}
    }
    Ok(result?)
}

fn name_of(path: &Path) -> String {
    path.file_name()
        .unwrap_or_default()
        .to_string_lossy()
        .into_owned()
}

fn start(program: &Path, portable: bool, ini: &Path) -> Result<(), InstallError> {
    let mut command = Command::new(program);
    config_argument(&mut command, ini);
    if portable {
        command.arg("/portable");
    }
    command
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .current_dir(program.parent().unwrap_or_else(|| Path::new(".")))
        .spawn()
        .map(drop)
        .map_err(|source| InstallError::Start {
            path: program.to_owned(),
            source,
        })
}

#[cfg(windows)]
fn config_argument(command: &mut Command, ini: &Path) {
    use std::os::windows::process::CommandExt as _;
    command.raw_arg(format!("/config:\"{}\"", ini.display()));
}

#[cfg(not(windows))]
fn config_argument(command: &mut Command, ini: &Path) {
    command.arg(format!("/config:{}", ini.display()));
}

/// Names that an installation may leave behind when it is interrupted.
pub(super) fn unfinished() -> [String; 3] {
    [expert::SOURCE, start_ini::NAME, super::manifest::NAME].map(|name| format!("{name}.part"))
}
