//! Who is still there: silence, goodbyes, and the next attempt.

use std::time::{Duration, Instant};

use super::{BRIEF, Outcome, Variant, after_timers, buy, cid, done, ensure, has, sends, soon};
use crate::emulated::{Emulated, Folders, SOON};
use crate::harness::Rig;
use crate::scripted::{Kind, ScriptedExecutor};

/// A program that hangs holds nobody: the link ends, and a new one is made.
pub fn a_silent_program_is_left(variant: &Variant) -> Outcome {
    let mut rig = variant.rig();
    rig.peer.heartbeats(false);
    ensure!(
        rig.peer.closed(2 * BRIEF),
        "the link of a silent program stays"
    );
    ensure!(rig.try_reconnect(BRIEF), "it does not come back");
    Ok(())
}

fn waiting(variant: &Variant) -> (Emulated, ScriptedExecutor) {
    let folders = Folders::new();
    let executor = ScriptedExecutor::listen(&folders, variant.link);
    let options = variant.options().input("InpTcp", variant.link == Kind::Tcp);
    (Emulated::start(folders, options), executor)
}

/// What accepts the connection and does not answer is not waited for.
pub fn who_answers_nothing_is_left(variant: &Variant) -> Outcome {
    let (_terminal, executor) = waiting(variant);
    let peer = executor.accept_raw(SOON);
    soon(&peer, "HELLO", |line| line.kind == "HELLO")?;
    ensure!(peer.closed(2 * BRIEF), "it waits for an answer without end");
    let next = executor.try_accept(BRIEF).ok_or("it does not try again")?;
    executor.handshake(&next);
    Ok(())
}

/// A program that says goodbye is left at once, and looked for again.
pub fn a_goodbye_ends_the_link(variant: &Variant) -> Outcome {
    let mut rig = variant.rig();
    rig.peer.send("BYE\treason=shutdown");
    ensure!(rig.peer.closed(BRIEF), "the link outlives the goodbye");
    ensure!(rig.try_reconnect(BRIEF), "it does not come back");
    Ok(())
}

/// The program is told whether the Expert Advisor is back in a moment or gone with its terminal.
pub fn it_says_why_it_goes(variant: &Variant) -> Outcome {
    let mut rig = variant.rig();
    let goodbye = |rig: &Rig| soon(&rig.peer, "BYE", |line| line.kind == "BYE");
    rig.terminal.reload();
    has(&goodbye(&rig)?, &[("reason", "reload")])?;
    rig.reconnect();
    rig.terminal.close();
    has(&goodbye(&rig)?, &[("reason", "shutdown")])
}

/// The pauses between attempts grow to five seconds and no further, whether the program is away or serves another one; after a
/// connection they are short again.
pub fn the_next_attempt_is_never_far(variant: &Variant) -> Outcome {
    let options = variant.options().input("InpTcp", variant.link == Kind::Tcp);
    let terminal = Emulated::start(Folders::new(), options);
    // Without a link file an attempt is one look for it.
    let attempts = || terminal.cmd("calls FileOpen");
    for pause in 1..=5 {
        let before = attempts();
        let began = Instant::now();
        while attempts() == before {
            ensure!(
                began.elapsed() < Duration::from_millis(6_500),
                "pause {pause} has no end"
            );
            std::thread::sleep(Duration::from_millis(10));
        }
    }
    let executor = ScriptedExecutor::listen(&terminal.folders, variant.link);
    let mut peer = executor.accept_raw(SOON);
    for refusal in 1..=2 {
        executor.refuse(&peer, "taken", true);
        peer = executor
            .try_accept(Duration::from_millis(6_500))
            .ok_or_else(|| format!("the pause after refusal {refusal} has no end"))?;
    }
    executor.handshake(&peer);
    peer.send("BYE\treason=shutdown");
    ensure!(peer.closed(BRIEF), "the link outlives the goodbye");
    ensure!(
        executor.try_accept(Duration::from_secs(4)).is_some(),
        "the pause after a connection is as long as the last one before"
    );
    Ok(())
}

/// A terminal that stood still for longer than the dead-man switch waits finds what the program said meanwhile; one that has
/// run for so long and loads the Expert Advisor anew has not been without the program either.
pub fn a_terminal_that_stood_still_is_not_forsaken(variant: &Variant) -> Outcome {
    let options = variant
        .options()
        .input("InpDeadManSeconds", 4)
        .input("InpDeadManClose", true);
    let mut rig = Rig::start(variant.link, options);
    done(&rig, "ORDER", &buy(&rig.terminal, cid(1), &[]))?;
    // Between the last look at the link and the one at the dead-man switch.
    rig.terminal.cmd("hook AccountInfoDouble 1 stall 6000");
    after_timers(&rig, 200)?;
    ensure!(
        sends(&rig.terminal) == 1,
        "it closed after having stood still"
    );
    rig.terminal.reload();
    rig.reconnect();
    // Served for longer than the switch waits.
    after_timers(&rig, 500)?;
    ensure!(
        sends(&rig.terminal) == 1,
        "it closed after having been loaded anew"
    );
    Ok(())
}
