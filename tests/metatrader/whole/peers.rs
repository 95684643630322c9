//! Whoever cannot prove the secret, and the second Expert Advisor of an account, are refused with words.

use super::world::buy;
use super::{BOTH, Kind, Whole};
use crate::emulated::{Emulated, Folders, Options};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_expert_advisor_with_the_wrong_secret_trades_nothing() {
    for kind in BOTH {
        let mut whole = Whole::start(kind).await;
        let file = whole.terminal.folders.link_file();
        let right = std::fs::read_to_string(&file).unwrap();
        let wrong: String = right
            .lines()
            .map(|line| match line.split_once('=') {
                Some(("secret", _)) => format!("secret={}\n", "ab".repeat(32)),
                _ => format!("{line}\n"),
            })
            .collect();
        std::fs::write(&file, wrong).unwrap();
        whole.terminal.reload();
        whole.hears("came with the wrong secret").await;
        let waiting = whole.send("OPEN_POSITION", buy()).await;
        whole
            .trading_says("the terminal is away: an Expert Advisor came with the wrong secret")
            .await;
        assert!(whole.entries().is_empty());
        std::fs::write(&file, right).unwrap();
        whole.comes_up().await;
        whole.is_executed(&waiting).await;
        assert_eq!(whole.entries().len(), 1);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_second_expert_advisor_is_refused() {
    let mut whole = Whole::start(Kind::Pipe).await;
    // Another terminal on this computer; it shares the folder that the link's place is written into.
    let folders = Folders::new();
    std::fs::copy(whole.terminal.folders.link_file(), folders.link_file()).unwrap();
    let second = Emulated::start(folders, Options::default().input("InpTcp", true));
    whole
        .hears("a second Expert Advisor of account …001 on Broker-Demo was refused: remove FX-Executor from all charts but one")
        .await;
    whole.open(buy()).await;
    assert_eq!(whole.entries().len(), 1);
    assert!(second.truth("deals").is_empty());
}
