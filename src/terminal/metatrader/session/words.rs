//! What the trader reads while the terminal is not there: what happened and what to do.

use crate::market::AccountId;

pub const STARTING: &str = "";
pub const WAITING: &str = "waiting for the Expert Advisor: open MetaTrader 5, drag FX-Executor from the Navigator onto any chart and tick Allow Algo Trading";
pub const OPENING: &str =
    "the Expert Advisor is connected and tells its account, symbols and positions";
pub const PROGRAM_ENDS: &str = "the program ends";
pub const WRONG_SECRET: &str = "an Expert Advisor came with the wrong secret: it read another link.txt (another Windows user, or another copy of this program is running); end the other copy, the Expert Advisor then tries again by itself";

pub fn not_listening(reason: &str) -> String {
    format!(
        "the Expert Advisor cannot reach this program: {reason}; is another copy of it running? It is tried again"
    )
}

pub fn version(ea: &str, theirs: u32, ours: u32) -> String {
    format!(
        "the Expert Advisor{} speaks version {theirs} of the link and this program version {ours}: install the Expert Advisor that came with this program (Settings, MetaTrader)",
        if ea.is_empty() {
            String::new()
        } else {
            format!(" {ea}")
        }
    )
}

pub fn lost(why: &str) -> String {
    format!(
        "the link to the Expert Advisor was lost ({why}); is MetaTrader 5 still running with it on a chart?"
    )
}

pub fn damaged(why: &str) -> String {
    format!(
        "the Expert Advisor's lines cannot be understood ({why}); install the Expert Advisor that came with this program"
    )
}

pub fn silent(seconds: u64) -> String {
    format!(
        "the Expert Advisor was silent for {seconds} s; is MetaTrader 5 frozen, or was the Expert Advisor removed from its chart?"
    )
}

pub fn silent_in_order(seconds: u64) -> String {
    format!(
        "the terminal has been busy with an order for {seconds} s and says nothing else; see its Trade tab and its connection"
    )
}

pub fn listless(seconds: u64) -> String {
    format!(
        "the Expert Advisor has not told its positions for {seconds} s, though it answers; the link begins anew"
    )
}

pub fn opening_slow(what: &str, seconds: u64) -> String {
    format!("the Expert Advisor did not tell its {what} within {seconds} s; the link begins anew")
}

/// The EA said good-bye.
pub fn goodbye(reason: &str) -> String {
    match reason {
        "account" => {
            "the terminal logs in to another account; the Expert Advisor greets again".to_owned()
        }
        "reload" => "the Expert Advisor is being loaded anew; it comes back by itself".to_owned(),
        "shutdown" => {
            "the Expert Advisor was removed or MetaTrader 5 was closed; start it again with the Expert Advisor on a chart".to_owned()
        }
        "auth" => "the Expert Advisor did not accept this program's proof; it reads link.txt again and retries".to_owned(),
        other => lost(&format!("it said good-bye: {other}")),
    }
}

pub fn taken(account: &AccountId) -> String {
    format!(
        "a second Expert Advisor of account {} was refused: remove FX-Executor from all charts but one",
        account.masked()
    )
}

/// Both with their servers: two brokers may have given out one number.
pub fn other_account(account: &AccountId, served: &AccountId) -> String {
    format!(
        "the Expert Advisor of account {} was refused: account {} is connected; one account is traded at a time",
        account.masked(),
        served.masked()
    )
}
