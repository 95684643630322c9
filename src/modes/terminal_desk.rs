//! The real terminals behind the window's MetaTrader page. What was previewed is kept here until a person agrees: consent
//! is to exactly that.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::mpsc;

use crate::setup::{
    ExpertSource, ExpertState, Places, Plan, Presence, Progress, Removal, Terminal, Wish, find,
};
use crate::ui::{
    ExpertInTerminal, FoundTerminal, FoundTerminals, Preview, PreviewStep, SetupStep, SetupWish,
    TerminalPresence, TerminalSetup,
};

/// MetaEditor takes a second or two; its first start on a slow disk more.
pub(super) const COMPILE_LIMIT: Duration = Duration::from_secs(90);
/// More steps than an installation has.
const STEPS_WAITING: usize = 32;

pub(super) struct TerminalDesk {
    /// Looks around on this computer.
    look: Arc<dyn Fn() -> Places + Send + Sync>,
    shown: Mutex<Shown>,
}

impl TerminalDesk {
    pub(super) fn new(look: Arc<dyn Fn() -> Places + Send + Sync>) -> Self {
        Self {
            look,
            shown: Mutex::default(),
        }
    }
}

/// The last preview.
#[derive(Default)]
struct Shown {
    number: u64,
    what: Option<What>,
}

enum What {
    Install(Box<Plan>),
    Remove(Box<Removal>),
}

impl TerminalSetup for TerminalDesk {
    fn find(&self) -> FoundTerminals {
        let found = find(&(self.look)(), ExpertSource::EMBEDDED);
        FoundTerminals {
            terminals: found.terminals.into_iter().map(in_words).collect(),
            notes: found.leftovers,
        }
    }

    fn preview(&self, wish: &SetupWish) -> Result<Preview, String> {
        let found = find(&(self.look)(), ExpertSource::EMBEDDED);
        let id = wish.terminal();
        let terminal = found.terminals.into_iter().find(|one| one.id == id);
        let terminal =
            terminal.ok_or_else(|| format!("the terminal {id} is not there any more"))?;
        let can_start = terminal.presence == Presence::Closed;
        let (what, steps) = match wish {
            SetupWish::Install { start, .. } => {
                let wish = Wish {
                    start: *start,
                    symbol: None,
                };
                let plan = Plan::install(&terminal, ExpertSource::EMBEDDED, &wish)
                    .map_err(|error| error.to_string())?;
                let steps = plan.steps.iter();
                let steps = steps
                    .map(|step| shown(step.title(), step.detail()))
                    .collect();
                (What::Install(Box::new(plan)), steps)
            }
            SetupWish::Remove { .. } => {
                let removal = Removal::of(&terminal)
                    .map_err(|error| error.to_string())?
                    .ok_or_else(|| nothing_to_remove(&terminal))?;
                let steps = removal_steps(&removal);
                (What::Remove(Box::new(removal)), steps)
            }
        };
        let mut kept = self.shown.lock().unwrap_or_else(PoisonError::into_inner);
        kept.number += 1;
        kept.what = Some(what);
        Ok(Preview {
            number: kept.number,
            wish: wish.clone(),
            steps,
            can_start,
        })
    }

    fn carry_out(&self, preview: u64) -> mpsc::Receiver<SetupStep> {
        let (steps, out) = mpsc::channel(STEPS_WAITING);
        let look = Arc::clone(&self.look);
        let mut kept = self.shown.lock().unwrap_or_else(PoisonError::into_inner);
        let what = if kept.number == preview {
            kept.what.take()
        } else {
            None
        };
        drop(kept);
        let spawned = std::thread::Builder::new()
            .name("setup".to_owned())
            .spawn(move || {
                let tell = |progress: Progress| {
                    // The page may be gone; the steps are finished all the same.
                    drop(steps.blocking_send(SetupStep {
                        name: progress.step,
                        ok: progress.ok,
                        detail: progress.detail,
                    }));
                };
                match what {
                    Some(what) => carry_out(what, &*look, tell),
                    None => tell(Progress {
                        step: "Nothing was done".to_owned(),
                        ok: Some(false),
                        detail: "other steps were shown meanwhile; look at them again".to_owned(),
                    }),
                }
            });
        if let Err(error) = spawned {
            tracing::error!(target: "setup", "The installation cannot be run: {error}");
        }
        out
    }
}

fn carry_out(what: What, look: &dyn Fn() -> Places, mut tell: impl FnMut(Progress)) {
    match what {
        What::Install(plan) => {
            let terminal = plan.terminal.clone();
            let done = plan.agreed().carry_out(
                COMPILE_LIMIT,
                &|| look().running.presence_of(&terminal.install_dir),
                &mut tell,
            );
            match done {
                Ok(_) => {
                    tracing::info!(target: "setup", "The Expert Advisor is installed in {}", terminal.name);
                }
                Err(error) => {
                    tracing::error!(target: "setup", "The Expert Advisor is not installed in {}: {error}", terminal.name);
                    // Before the first step nobody has heard of it yet.
                    tell(Progress {
                        step: "Not finished".to_owned(),
                        ok: Some(false),
                        detail: error.to_string(),
                    });
                }
            }
        }
        What::Remove(removal) => {
            let name = removal.terminal.name.clone();
            for progress in removed_in_words(*removal) {
                tell(progress);
            }
            tracing::info!(target: "setup", "The Expert Advisor was removed from {name}");
        }
    }
}

/// Removes, and says what was done with each file.
pub(super) fn removed_in_words(removal: Removal) -> Vec<Progress> {
    let progress = |step: &str, ok, detail: String| Progress {
        step: step.to_owned(),
        ok: Some(ok),
        detail,
    };
    let removed = match removal.agreed().carry_out() {
        Ok(removed) => removed,
        Err(error) => return vec![progress("Nothing was removed", false, error.to_string())],
    };
    let mut told = Vec::new();
    for path in removed.removed {
        let step = format!("Removed {}", file_name(&path));
        told.push(progress(&step, true, path.display().to_string()));
    }
    for path in removed.left {
        let step = format!("Left {}", file_name(&path));
        let why = format!("{} was changed since it was written", path.display());
        told.push(progress(&step, true, why));
    }
    for (path, why) in removed.failed {
        let step = format!("Could not remove {}", file_name(&path));
        told.push(progress(&step, false, format!("{}: {why}", path.display())));
    }
    told
}

pub(super) fn nothing_to_remove(terminal: &Terminal) -> String {
    format!(
        "this program has written nothing into {}, so there is nothing to take back",
        terminal.name
    )
}

fn file_name(path: &std::path::Path) -> String {
    path.file_name()
        .unwrap_or_default()
        .to_string_lossy()
        .into_owned()
}

const fn shown(title: String, detail: String) -> PreviewStep {
    PreviewStep { title, detail }
}

/// The removal's own lines: one for each file.
fn removal_steps(removal: &Removal) -> Vec<PreviewStep> {
    let text = removal.to_string();
    let lines = text.lines().skip(1).map(str::trim);
    lines
        .map(|line| match line.split_once(": ") {
            Some((what, path)) => shown(first_upper(what), path.to_owned()),
            None => shown(line.to_owned(), String::new()),
        })
        .collect()
}

fn first_upper(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map_or_else(String::new, |first| {
        first.to_uppercase().chain(letters).collect()
    })
}

fn in_words(terminal: Terminal) -> FoundTerminal {
    let unknown = || "of unknown number".to_owned();
    FoundTerminal {
        data_dir: terminal.data_dir().map(|path| path.display().to_string()),
        portable: terminal.is_portable(),
        install_dir: terminal.install_dir.display().to_string(),
        id: terminal.id,
        name: terminal.name,
        build: terminal.build,
        broker: terminal.broker,
        server: terminal.server,
        presence: match terminal.presence {
            Presence::Closed => TerminalPresence::Closed,
            Presence::Running => TerminalPresence::Running,
            Presence::Unknown => TerminalPresence::Unknown,
        },
        expert: match terminal.expert {
            ExpertState::Absent => ExpertInTerminal::Absent,
            ExpertState::NotCompiled { .. } => ExpertInTerminal::NotCompiled,
            ExpertState::Compiled {
                version,
                current: true,
            } => ExpertInTerminal::Current {
                version: version.unwrap_or_else(unknown),
            },
            ExpertState::Compiled { version, .. } => ExpertInTerminal::Other {
                version: version.unwrap_or_else(unknown),
            },
        },
    }
}

#[cfg(all(test, unix))]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use std::os::unix::fs::symlink;
    use std::path::Path;

    use super::*;

    /// A computer with one started terminal, and the desk over it.
    fn desk() -> (tempfile::TempDir, TerminalDesk) {
        let root = tempfile::tempdir().unwrap();
        let program = root.path().join("MetaTrader 5");
        let data = root.path().join("Terminal/AAAA");
        std::fs::create_dir_all(&program).unwrap();
        std::fs::create_dir_all(data.join("MQL5/Experts")).unwrap();
        std::fs::write(data.join("origin.txt"), program.to_str().unwrap()).unwrap();
        let stand_ins = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/setup/tests");
        for (script, name) in [
            ("terminal.sh", "terminal64.exe"),
            ("metaeditor.sh", "metaeditor64.exe"),
        ] {
            symlink(stand_ins.join(script), program.join(name)).unwrap();
        }
        let places = Places {
            data_root: Some(root.path().join("Terminal")),
            ..Default::default()
        };
        (root, TerminalDesk::new(Arc::new(move || places.clone())))
    }

    fn install() -> SetupWish {
        SetupWish::Install {
            terminal: "AAAA".to_owned(),
            start: false,
        }
    }

    fn all(mut steps: mpsc::Receiver<SetupStep>) -> Vec<SetupStep> {
        std::iter::from_fn(|| steps.blocking_recv()).collect()
    }

    #[test]
    fn what_was_shown_is_done_once_and_taken_back() {
        let (_root, desk) = desk();
        assert_eq!(desk.find().terminals[0].expert, ExpertInTerminal::Absent);
        let preview = desk.preview(&install()).unwrap();
        assert!(preview.can_start);
        assert_eq!(desk.find().terminals[0].expert, ExpertInTerminal::Absent);
        let steps = all(desk.carry_out(preview.number));
        assert!(steps.iter().all(|step| step.ok != Some(false)), "{steps:?}");
        let expert = desk.find().terminals[0].expert.clone();
        assert!(
            matches!(expert, ExpertInTerminal::Current { .. }),
            "{expert:?}"
        );
        let again = all(desk.carry_out(preview.number));
        assert_eq!(again[0].ok, Some(false), "one consent, one installation");

        let remove = SetupWish::Remove {
            terminal: "AAAA".to_owned(),
        };
        let preview = desk.preview(&remove).unwrap();
        assert!(preview.steps[0].title.starts_with("Remove"), "{preview:?}");
        all(desk.carry_out(preview.number));
        assert_eq!(desk.find().terminals[0].expert, ExpertInTerminal::Absent);
        let nothing = desk.preview(&remove).unwrap_err();
        assert!(nothing.contains("nothing to take back"), "{nothing}");
    }

    #[test]
    fn consent_to_older_steps_does_nothing() {
        let (_root, desk) = desk();
        let old = desk.preview(&install()).unwrap();
        desk.preview(&install()).unwrap();
        let steps = all(desk.carry_out(old.number));
        assert_eq!(steps.len(), 1);
        assert_eq!(steps[0].ok, Some(false));
        assert_eq!(desk.find().terminals[0].expert, ExpertInTerminal::Absent);
    }
}
