//! What an installation would do, step by step, before anybody agreed to it.

use std::fmt;
use std::path::{Path, PathBuf};

use super::detect::{Presence, Terminal};
use super::expert::{self, ExpertSource, ExpertState};
use super::install::Agreed;
use super::manifest::{Manifest, ManifestError};
use super::start_ini::{self, StartIni, SymbolChoice, choose_symbol};

/// The steps of an installation, in order. Making one changes nothing.
#[derive(Clone, Debug)]
pub struct Plan {
    pub terminal: Terminal,
    pub steps: Vec<Step>,
    pub(super) expert: ExpertSource,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    /// A source or a program that is not as we left it is moved aside, not lost.
    KeepEdited { from: PathBuf, to: PathBuf },
    WriteSource {
        path: PathBuf,
        change: Change,
        version: Option<String>,
    },
    Compile {
        metaeditor: PathBuf,
        source: PathBuf,
        log: PathBuf,
        /// It may be on a chart now: the terminal then takes the new program at once.
        reloads: bool,
    },
    /// Start the closed terminal with the Expert Advisor on a chart.
    Start {
        program: PathBuf,
        portable: bool,
        ini: PathBuf,
        content: StartIni,
        symbol: SymbolChoice,
    },
    /// The trader drags it onto a chart.
    DragByHand(WhyByHand),
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Change {
    New,
    Replaces { version: Option<String> },
    Unchanged,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WhyByHand {
    /// A running terminal is never restarted by us.
    TerminalRuns,
    /// Whether it runs cannot be seen.
    MayRun,
    NotAsked,
}

#[derive(Debug, thiserror::Error)]
pub enum PlanError {
    #[error(
        "{name} has never been started, so it has no data folder yet; start it once, then look again"
    )]
    NeverStarted { name: String },
    #[error("{} is missing; install the terminal again, with MetaEditor", path.display())]
    NoMetaEditor { path: PathBuf },
    #[error("the symbol \"{0}\" has characters that no symbol has")]
    BadSymbol(String),
    #[error(
        "{path} is there and cannot be read ({source}); give this Windows user access to it, or move it away"
    )]
    Unreadable {
        path: PathBuf,
        source: std::io::Error,
    },
    #[error(transparent)]
    Manifest(#[from] ManifestError),
}

/// What is wanted beyond the files.
#[derive(Clone, Debug, Default)]
pub struct Wish {
    /// Start the terminal afterwards, when it is closed.
    pub start: bool,
    /// The chart's symbol; none chooses one that the terminal has.
    pub symbol: Option<String>,
}

impl Plan {
    /// What installing `expert` in `terminal` takes.
    ///
    /// # Errors
    /// [`PlanError`] when it cannot be installed there as things are.
    pub fn install(
        terminal: &Terminal,
        expert: ExpertSource,
        wish: &Wish,
    ) -> Result<Self, PlanError> {
        let Some(data) = terminal.data_dir() else {
            return Err(PlanError::NeverStarted {
                name: terminal.name.clone(),
            });
        };
        let metaeditor = terminal.metaeditor();
        if !metaeditor.is_file() {
            return Err(PlanError::NoMetaEditor { path: metaeditor });
        }
        let folder = expert::folder(data);
        let source = folder.join(expert::SOURCE);
        let mut steps = source_steps(&folder, expert)?;
        steps.push(Step::Compile {
            metaeditor,
            log: folder.join("FX-Executor.compile.log"),
            source,
            reloads: terminal.presence != Presence::Closed
                && matches!(terminal.expert, ExpertState::Compiled { .. }),
        });
        steps.push(start_step(terminal, data, &folder, wish)?);
        Ok(Self {
            terminal: terminal.clone(),
            steps,
            expert,
        })
    }

    /// Whether the files are still as they were when the steps were shown.
    pub(super) fn still_holds(&self, folder: &Path) -> bool {
        source_steps(folder, self.expert).is_ok_and(|steps| self.steps.starts_with(&steps))
    }

    /// A person has seen the steps and wants them done.
    pub fn agreed(self) -> Agreed {
        Agreed::of(self)
    }
}

fn source_steps(folder: &Path, expert: ExpertSource) -> Result<Vec<Step>, PlanError> {
    let manifest = Manifest::read(folder)?;
    let path = folder.join(expert::SOURCE);
    let mut steps = Vec::new();
    let change = match std::fs::read(&path) {
        Ok(bytes) if bytes == expert.text.as_bytes() => Change::Unchanged,
        Ok(bytes) => {
            if !manifest.has(expert::SOURCE, &bytes) {
                steps.push(Step::KeepEdited {
                    from: path.clone(),
                    to: free_name(folder, "txt"),
                });
            }
            let text = super::decode(&bytes);
            Change::Replaces {
                version: expert::version_of(&text).map(str::to_owned),
            }
        }
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Change::New,
        // Whoever wrote it may miss it.
        Err(source) => return Err(PlanError::Unreadable { path, source }),
    };
    let program = folder.join(expert::PROGRAM);
    if std::fs::read(&program).is_ok_and(|bytes| !manifest.has(expert::PROGRAM, &bytes)) {
        steps.push(Step::KeepEdited {
            from: program,
            to: free_name(folder, "bin"),
        });
    }
    steps.push(Step::WriteSource {
        path,
        change,
        version: expert.version().map(str::to_owned),
    });
    Ok(steps)
}

/// A name under which a file can be kept, out of the compiler's and the terminal's way.
fn free_name(folder: &Path, kind: &str) -> PathBuf {
    let name = |number: u32| folder.join(format!("FX-Executor.kept-{number}.{kind}"));
    let taken = (1..u32::MAX).find(|number| !name(*number).exists());
    name(taken.unwrap_or(u32::MAX))
}

fn start_step(
    terminal: &Terminal,
    data: &Path,
    folder: &Path,
    wish: &Wish,
) -> Result<Step, PlanError> {
    match terminal.presence {
        Presence::Running => return Ok(Step::DragByHand(WhyByHand::TerminalRuns)),
        Presence::Unknown => return Ok(Step::DragByHand(WhyByHand::MayRun)),
        Presence::Closed if !wish.start => return Ok(Step::DragByHand(WhyByHand::NotAsked)),
        Presence::Closed => {}
    }
    let symbol = match &wish.symbol {
        Some(symbol) if symbol.is_empty() || symbol.contains(char::is_control) => {
            return Err(PlanError::BadSymbol(symbol.clone()));
        }
        Some(symbol) => SymbolChoice::Given(symbol.clone()),
        None => choose_symbol(data),
    };
    Ok(Step::Start {
        program: terminal.program(),
        portable: terminal.is_portable(),
        ini: folder.join(start_ini::NAME),
        content: StartIni {
            symbol: symbol.symbol().to_owned(),
            period: "H1".to_owned(),
            parameters: None,
        },
        symbol,
    })
}

impl Step {
    /// What it does, in a few words.
    pub fn title(&self) -> String {
        match self {
            Self::KeepEdited { .. } => "Keep what somebody else made of it".to_owned(),
            Self::WriteSource {
                change, version, ..
            } => {
                let version = version.as_deref().unwrap_or("of this program");
                match change {
                    Change::New => format!("Write the Expert Advisor {version}"),
                    Change::Replaces { version: Some(old) } => {
                        format!("Replace the Expert Advisor {old} by {version}")
                    }
                    Change::Replaces { version: None } => {
                        format!("Replace the Expert Advisor by {version}")
                    }
                    Change::Unchanged => format!("The Expert Advisor {version} is there already"),
                }
            }
            Self::Compile { .. } => "Compile it by this terminal's own MetaEditor".to_owned(),
            Self::Start { symbol, .. } => {
                format!(
                    "Start the terminal with the Expert Advisor on a {} chart",
                    symbol.symbol()
                )
            }
            Self::DragByHand(_) => "Then you drag it onto a chart".to_owned(),
        }
    }

    /// Which files, and what else there is to know.
    pub fn detail(&self) -> String {
        match self {
            Self::KeepEdited { from, to } => {
                format!("{} is renamed to {}", from.display(), name(to))
            }
            Self::WriteSource { path, .. } => path.display().to_string(),
            Self::Compile {
                metaeditor,
                source,
                reloads,
                ..
            } => {
                let reload = if *reloads {
                    " If it is on a chart, the terminal takes the new one at once; the link breaks for a moment."
                } else {
                    ""
                };
                format!(
                    "{} compiles {}; it counts only with 0 errors and a new {}.{reload}",
                    metaeditor.display(),
                    name(source),
                    expert::PROGRAM
                )
            }
            Self::Start { ini, symbol, .. } => {
                let doubt = match symbol {
                    SymbolChoice::Guessed(_) => {
                        " Whether your broker has this symbol is not known; name another if not."
                    }
                    _ => "",
                };
                format!(
                    "By {}: Algo Trading on for Expert Advisors, DLL imports off. The chart stays in the terminal's profile.{doubt}",
                    ini.display()
                )
            }
            Self::DragByHand(why) => match why {
                WhyByHand::TerminalRuns => "The terminal is running and is left alone.",
                WhyByHand::MayRun => {
                    "Whether the terminal is running cannot be seen from here, so it is left alone."
                }
                WhyByHand::NotAsked => "From Navigator, Expert Advisors, FX-Executor.",
            }
            .to_owned(),
        }
    }
}

fn name(path: &Path) -> String {
    path.file_name()
        .unwrap_or_default()
        .to_string_lossy()
        .into_owned()
}

/// The dry-run view.
impl fmt::Display for Plan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{} ({})", self.terminal.name, self.terminal.id)?;
        for (place, step) in self.steps.iter().enumerate() {
            writeln!(f, "  {}. {}", place + 1, step.title())?;
            writeln!(f, "     {}", step.detail())?;
        }
        write!(
            f,
            "Not touched: the list of allowed addresses, accounts, passwords, other Expert Advisors."
        )
    }
}
