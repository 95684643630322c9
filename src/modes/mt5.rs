//! `fx-executor mt5`: lists the terminals of this computer, installs the Expert Advisor after consent, takes it back.

use std::io::{self, BufRead as _, IsTerminal as _};
use std::path::PathBuf;
use std::process::ExitCode;

use super::terminal_desk::{COMPILE_LIMIT, nothing_to_remove, removed_in_words};
use crate::cli::{Mt5, Mt5Task, exit};
use crate::os::say;
use crate::setup::{
    ExpertSource, ExpertState, Found, Plan, Presence, Progress, Removal, Terminal, Wish, find,
    this_computer,
};

pub(super) fn run(mt5: &Mt5) -> ExitCode {
    let places = this_computer(&mt5.folder);
    let found = find(&places, ExpertSource::EMBEDDED);
    match &mt5.task {
        Mt5Task::List => {
            list(&found, places.data_root.as_ref());
            ExitCode::SUCCESS
        }
        Mt5Task::Install(wanted) => match choose(&found, wanted.terminal.as_deref()) {
            Ok(terminal) => install(terminal, wanted, &mt5.folder),
            Err(why) => undecided(&why),
        },
        Mt5Task::Uninstall {
            terminal,
            dry_run,
            yes,
        } => match choose(&found, terminal.as_deref()) {
            Ok(terminal) => uninstall(terminal, *dry_run, *yes),
            Err(why) => undecided(&why),
        },
    }
}

fn list(found: &Found, data_root: Option<&PathBuf>) {
    for terminal in &found.terminals {
        say(&terminal.name);
        say(format!("  id        {}", terminal.id));
        say(format!("  program   {}", terminal.install_dir.display()));
        match terminal.data_dir() {
            Some(data) => say(format!("  data      {}", data.display())),
            None => say("  data      none; it was never started"),
        }
        let facts = [
            terminal.build.map(|build| format!("build {build}")),
            terminal.broker.clone(),
            terminal.server.clone(),
        ];
        let facts: Vec<String> = facts.into_iter().flatten().collect();
        if !facts.is_empty() {
            say(format!("  broker    {}", facts.join(", ")));
        }
        let presence = match terminal.presence {
            Presence::Running => "running",
            Presence::Closed => "closed",
            Presence::Unknown => "may be running (it cannot be seen from here)",
        };
        say(format!("  state     {presence}"));
        say(format!("  FX-Executor  {}", expert_words(&terminal.expert)));
    }
    for leftover in &found.leftovers {
        say(format!("Note: {leftover}"));
    }
    if found.terminals.is_empty() {
        match data_root {
            Some(root) => say(format!(
                "No MetaTrader 5 terminal was found (looked in {}).",
                root.display()
            )),
            None => {
                say("No MetaTrader 5 terminal was found (APPDATA is not set on this system).");
            }
        }
        say("A portable copy is found while it runs, or with --folder FOLDER.");
    }
}

fn expert_words(state: &ExpertState) -> String {
    let version = |version: &Option<String>| version.clone().unwrap_or_else(|| "?".to_owned());
    match state {
        ExpertState::Absent => "not installed".to_owned(),
        ExpertState::NotCompiled { version: one } => {
            format!("{} written, not compiled", version(one))
        }
        ExpertState::Compiled {
            version: one,
            current: true,
        } => format!("{} installed", version(one)),
        ExpertState::Compiled { version: one, .. } => {
            format!("{} installed; this program has another", version(one))
        }
    }
}

/// The one that is meant: by id, the beginning of an id, or the name; or the only one.
fn choose<'a>(found: &'a Found, wanted: Option<&str>) -> Result<&'a Terminal, String> {
    let Some(wanted) = wanted else {
        return match found.terminals.as_slice() {
            [only] => Ok(only),
            [] => Err("no MetaTrader 5 terminal was found; see fx-executor mt5 list".to_owned()),
            several => Err(format!(
                "several terminals were found; name one with --terminal:{}",
                names(several.iter())
            )),
        };
    };
    let exact = found.terminals.iter().find(|one| one.id == wanted);
    if let Some(terminal) = exact {
        return Ok(terminal);
    }
    let lower = wanted.to_lowercase();
    let matching: Vec<&Terminal> = found
        .terminals
        .iter()
        .filter(|one| one.id.to_lowercase().starts_with(&lower) || one.name.to_lowercase() == lower)
        .collect();
    match matching.as_slice() {
        [one] => Ok(one),
        [] => Err(format!(
            "no terminal is called \"{wanted}\":{}",
            names(found.terminals.iter())
        )),
        several => Err(format!(
            "\"{wanted}\" means several terminals:{}",
            names(several.iter().copied())
        )),
    }
}

fn names<'a>(terminals: impl Iterator<Item = &'a Terminal>) -> String {
    terminals
        .map(|one| format!("\n  {}  {}", one.id, one.name))
        .collect()
}

fn install(terminal: &Terminal, wanted: &crate::cli::Mt5Install, folders: &[PathBuf]) -> ExitCode {
    let wish = Wish {
        start: wanted.start,
        symbol: wanted.symbol.clone(),
    };
    let plan = match Plan::install(terminal, ExpertSource::EMBEDDED, &wish) {
        Ok(plan) => plan,
        Err(error) => return fail(&error.to_string()),
    };
    say(&plan);
    if wanted.dry_run {
        return ExitCode::SUCCESS;
    }
    if let Err(why) = consent("Do this?", wanted.yes) {
        return undecided(why);
    }
    let presence = || {
        this_computer(folders)
            .running
            .presence_of(&terminal.install_dir)
    };
    match plan
        .agreed()
        .carry_out(COMPILE_LIMIT, &presence, &mut |progress| tell(&progress))
    {
        Ok(done) => {
            if done.started {
                say("The terminal is starting. The window's MetaTrader page shows the rest.");
            } else {
                say("Now drag FX-Executor from the Navigator onto any chart.");
            }
            ExitCode::SUCCESS
        }
        Err(error) => fail(&error.to_string()),
    }
}

fn uninstall(terminal: &Terminal, dry_run: bool, yes: bool) -> ExitCode {
    let removal = match Removal::of(terminal) {
        Ok(Some(removal)) => removal,
        Ok(None) => {
            say(format!("Nothing to do: {}.", nothing_to_remove(terminal)));
            return ExitCode::SUCCESS;
        }
        Err(error) => return fail(&error.to_string()),
    };
    say(&removal);
    if dry_run {
        return ExitCode::SUCCESS;
    }
    if let Err(why) = consent("Remove this?", yes) {
        return undecided(why);
    }
    let told = removed_in_words(removal);
    let failed = told.iter().any(|progress| progress.ok == Some(false));
    told.iter().for_each(tell);
    if failed {
        return fail("not everything could be removed; close the terminal and try again");
    }
    ExitCode::SUCCESS
}

fn tell(progress: &Progress) {
    let mark = match progress.ok {
        None => return,
        Some(true) => "✓",
        Some(false) => "✗",
    };
    if progress.detail.is_empty() {
        say(format!("{mark} {}", progress.step));
    } else {
        say(format!("{mark} {}: {}", progress.step, progress.detail));
    }
}

/// Asks the person at the keyboard, unless `--yes` said so already.
fn consent(question: &str, yes: bool) -> Result<(), &'static str> {
    if yes {
        return Ok(());
    }
    let input = io::stdin();
    if !input.is_terminal() {
        return Err("nobody can be asked here; add --yes once you have read the steps");
    }
    say(format!("{question} [y/N]"));
    let mut answer = String::new();
    match input.lock().read_line(&mut answer) {
        Ok(_) if matches!(answer.trim(), "y" | "Y" | "yes") => Ok(()),
        Ok(_) => Err("not agreed"),
        Err(_) => Err("the answer could not be read"),
    }
}

/// Nothing was done, because a person has to decide first.
fn undecided(why: &str) -> ExitCode {
    eprintln!("fx-executor: nothing was done: {why}");
    ExitCode::from(exit::UNDECIDED)
}

fn fail(reason: &str) -> ExitCode {
    eprintln!("fx-executor: {reason}");
    ExitCode::from(exit::FAILED)
}
