//! `fx-executor forget-account`: nothing waits any longer for an account that does not come back.

use std::path::Path;
use std::process::ExitCode;

use super::stop_all::{TAKEN_WITHIN, fail, within};
use crate::core::Durable;
use crate::journal;
use crate::market::AccountId;
use crate::os::{Request, say};
use crate::settings::{DataDir, DataDirError};

pub(super) fn run(data_dir: Option<&Path>, login: Option<u64>, server: Option<&str>) -> ExitCode {
    let data_dir = match DataDir::open(data_dir) {
        Ok(data_dir) => data_dir,
        Err(error) => return fail(&error.to_string()),
    };
    match forget(&data_dir, login, server) {
        Ok(text) => {
            say(text);
            ExitCode::SUCCESS
        }
        Err(reason) => fail(&reason),
    }
}

fn forget(data_dir: &DataDir, login: Option<u64>, server: Option<&str>) -> Result<String, String> {
    let known = read(data_dir)?;
    let left = known.accounts_left();
    let Some(login) = login else {
        return Ok(list(&left));
    };
    let mut meant = left.iter().filter(|account| {
        account.login == login && server.is_none_or(|server| account.server == server)
    });
    let account = match (meant.next(), meant.next()) {
        (Some(account), None) => (*account).clone(),
        (Some(_), Some(_)) => {
            return Err(format!(
                "several accounts have this number; name one with --server. {}",
                list(&left)
            ));
        }
        (None, _) => return Err(format!("nothing waits for this account. {}", list(&left))),
    };
    if !matches!(data_dir.lock(), Err(DataDirError::InUse { .. })) {
        return Err(
            "no executor is running on this data folder; start it (fx-executor --headless), then ask again"
                .to_owned(),
        );
    }
    Request::ForgetAccount
        .write(data_dir.path(), &named(&account))
        .map_err(|error| format!("the request cannot be written: {error}"))?;
    let done = within(TAKEN_WITHIN, || {
        read(data_dir).is_ok_and(|known| known.forgotten.contains(&account))
    });
    if done {
        return Ok(format!(
            "Account {} is forgotten. What is open there stays open: close it in MetaTrader.",
            account.login
        ));
    }
    if Request::ForgetAccount.is_waiting(data_dir.path()) {
        Request::ForgetAccount
            .clear(data_dir.path())
            .map_err(|error| {
                format!("the running executor did not take the request, and it cannot be withdrawn: {error}")
            })?;
    }
    Err("the running executor did not forget it; look at its log".to_owned())
}

pub(super) fn read(data_dir: &DataDir) -> Result<Durable, String> {
    let path = data_dir.join("journal.sqlite");
    if !path.exists() {
        return Ok(Durable::default());
    }
    journal::read(&path).map_err(|error| error.to_string())
}

fn list(accounts: &[&AccountId]) -> String {
    if accounts.is_empty() {
        return "Nothing waits for an account that the terminal is not logged in to.".to_owned();
    }
    let lines = accounts
        .iter()
        .map(|account| format!("  {} on {}", account.login, account.server));
    let lines: Vec<String> = lines.collect();
    format!(
        "Own positions or orders without outcome are on these accounts, and the terminal is logged in to another one:\n{}",
        lines.join("\n")
    )
}

/// How a request names an account.
pub(super) fn named(account: &AccountId) -> String {
    format!("{} {}", account.login, account.server)
}

/// The account that a request names.
pub(super) fn account_of(text: &str) -> Option<AccountId> {
    let (login, server) = text.trim().split_once(' ')?;
    Some(AccountId {
        login: login.parse().ok()?,
        server: server.to_owned(),
    })
}
