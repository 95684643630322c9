//! `fx-executor allow-real`: trading with real money is allowed on one account, for an executor without a window.
//!
//! The same deliberate local act as in the window: a person types it here, the platform never can.

use std::path::Path;
use std::process::ExitCode;

use jiff::Timestamp;

use super::forget_account::{named, read};
use super::resume::says_yes;
use super::stop_all::{PATIENCE, TAKEN_WITHIN, fail, within};
use crate::core::{Durable, Record};
use crate::journal::Journal;
use crate::market::AccountId;
use crate::os::{Request, say};
use crate::settings::{DataDir, DataDirError};

pub(super) fn run(
    data_dir: Option<&Path>,
    login: Option<u64>,
    server: Option<&str>,
    yes: bool,
) -> ExitCode {
    let data_dir = match DataDir::open(data_dir) {
        Ok(data_dir) => data_dir,
        Err(error) => return fail(&error.to_string()),
    };
    match allow(&data_dir, login, server, yes) {
        Ok(text) => {
            say(text);
            ExitCode::SUCCESS
        }
        Err(reason) => fail(&reason),
    }
}

fn allow(
    data_dir: &DataDir,
    login: Option<u64>,
    server: Option<&str>,
    yes: bool,
) -> Result<String, String> {
    let known = read(data_dir)?;
    let Some(login) = login else {
        return Ok(list(&known));
    };
    let account = meant(&known, login, server)?;
    if known.confirmed.contains(&account) {
        return Ok(format!(
            "Real money is allowed already on account {} on {}.",
            account.login, account.server
        ));
    }
    let question = format!(
        "Allow trading with real money on account {} on {}? Type yes:",
        account.login, account.server
    );
    if !yes && !says_yes(&question) {
        return Err("real money stays forbidden; type yes, or pass --yes".to_owned());
    }
    match data_dir.lock() {
        Ok(_lock) => write_down(data_dir, &account)?,
        Err(DataDirError::InUse { .. }) => ask(data_dir, &account)?,
        Err(error) => return Err(error.to_string()),
    }
    Ok(format!(
        "Trading with real money is allowed on account {} on {}.",
        account.login, account.server
    ))
}

/// The account of this number; its server is known where the terminal was logged in to it last.
fn meant(known: &Durable, login: u64, server: Option<&str>) -> Result<AccountId, String> {
    if let Some(server) = server.map(str::trim) {
        if login == 0 || server.is_empty() || server.chars().any(char::is_control) {
            return Err(
                "an account has a number and the name of its server, as MetaTrader shows them"
                    .to_owned(),
            );
        }
        return Ok(AccountId {
            login,
            server: server.to_owned(),
        });
    }
    let account = known.account.as_ref();
    account
        .filter(|account| account.login == login)
        .cloned()
        .ok_or_else(|| {
            let seen = account.map_or_else(
                || "no terminal was connected yet".to_owned(),
                |seen| format!("the terminal is logged in to {} on {}", seen.login, seen.server),
            );
            format!("account {login} is not known: {seen}. Log in to it in MetaTrader first, or name its server with --server")
        })
}

fn ask(data_dir: &DataDir, account: &AccountId) -> Result<(), String> {
    Request::AllowReal
        .write(data_dir.path(), &named(account))
        .map_err(|error| format!("the request cannot be written: {error}"))?;
    let done = within(TAKEN_WITHIN, || {
        read(data_dir).is_ok_and(|known| known.confirmed.contains(account))
    });
    if done {
        return Ok(());
    }
    if Request::AllowReal.is_waiting(data_dir.path()) {
        // Unlike a stop it must not be obeyed later, when nobody expects it.
        Request::AllowReal.clear(data_dir.path()).map_err(|error| {
            format!(
                "the running executor did not take the request, and it cannot be withdrawn: {error}"
            )
        })?;
    }
    Err("the running executor did not allow it; look at its log".to_owned())
}

fn write_down(data_dir: &DataDir, account: &AccountId) -> Result<(), String> {
    let (mut journal, _) =
        Journal::open(&data_dir.join("journal.sqlite")).map_err(|error| error.to_string())?;
    let record = Record::AccountConfirmed {
        account: account.clone(),
        at: Timestamp::now(),
    };
    journal.append(&[record], PATIENCE)?;
    journal.close();
    Ok(())
}

fn list(known: &Durable) -> String {
    let seen = match &known.account {
        Some(account) => format!(
            "The terminal was logged in last to {} on {}.",
            account.login, account.server
        ),
        None => "No terminal was connected yet.".to_owned(),
    };
    let allowed = known
        .confirmed
        .iter()
        .map(|account| format!("\n  {} on {}", account.login, account.server));
    let allowed: String = allowed.collect();
    if allowed.is_empty() {
        format!("{seen}\nReal money is allowed on no account.")
    } else {
        format!("{seen}\nReal money is allowed on:{allowed}")
    }
}
