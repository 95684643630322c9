//! The MetaTrader page's slow work, each piece on a short-lived thread of its own, so that no frame waits for a disk.

use std::sync::Arc;
use std::sync::mpsc::{Receiver, sync_channel};

use tokio::sync::mpsc;

use crate::ui::terminal_port::{FoundTerminals, Preview, SetupStep, SetupWish, TerminalSetup};

pub enum Job {
    Find,
    Preview(SetupWish),
    CarryOut(u64),
}

pub enum Done {
    Found(FoundTerminals),
    Previewed(Result<Preview, String>),
    Working(mpsc::Receiver<SetupStep>),
}

/// Starts `job`; its answer comes through the receiver, and the window is asked to draw.
pub fn start(
    ctx: &egui::Context,
    port: &Arc<dyn TerminalSetup>,
    job: Job,
) -> Result<Receiver<Done>, String> {
    let (sender, receiver) = sync_channel(1);
    let (ctx, port) = (ctx.clone(), Arc::clone(port));
    std::thread::Builder::new()
        .name("metatrader-page".to_owned())
        .spawn(move || {
            let done = match job {
                Job::Find => Done::Found(port.find()),
                Job::Preview(wish) => Done::Previewed(port.preview(&wish)),
                Job::CarryOut(number) => Done::Working(port.carry_out(number)),
            };
            if sender.send(done).is_ok() {
                ctx.request_repaint();
            }
        })
        .map_err(|error| error.to_string())?;
    Ok(receiver)
}
