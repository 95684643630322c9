//! The close button where there is an icon beside the clock.

use std::sync::atomic::Ordering;

use egui::{ViewportCommand, ViewportEvent, ViewportId};
use fx_executor::settings::CloseButton;
use fx_executor::ui::{Page, TrayPort as _};

use super::Desk;
use super::world::{noon, snapshot};

const QUESTION: &str = "Keep running in the tray?";

impl Desk {
    fn beside_the_clock(there: bool, answer: CloseButton) -> Self {
        let desk = Self::new(snapshot(noon()), Page::Overview);
        desk.world.tray.is_there.store(there, Ordering::Relaxed);
        desk.world.tray.remember(answer);
        desk
    }

    /// Presses the close button; what the window asks of the system in that frame.
    fn close(&mut self) -> Vec<ViewportCommand> {
        let input = self.harness.input_mut();
        let window = input.viewports.entry(ViewportId::ROOT).or_default();
        window.events.push(ViewportEvent::Close);
        self.frame()
    }

    fn frame(&mut self) -> Vec<ViewportCommand> {
        self.harness.run_steps(1);
        self.harness.output().viewport_output[&ViewportId::ROOT]
            .commands
            .clone()
    }
}

#[test]
fn without_a_place_beside_the_clock_the_window_closes_as_ever() {
    let mut desk = Desk::beside_the_clock(false, CloseButton::Ask);
    assert!(!desk.close().contains(&ViewportCommand::CancelClose));
    desk.settle();
    assert!(!desk.has(QUESTION));
}

#[test]
fn it_is_asked_once_and_the_answer_is_kept() {
    let mut desk = Desk::beside_the_clock(true, CloseButton::Ask);
    assert!(desk.close().contains(&ViewportCommand::CancelClose));
    desk.settle();
    assert!(desk.has(QUESTION));
    desk.press("Cancel");
    assert!(!desk.has(QUESTION));
    assert_eq!(desk.world.tray.close_button(), CloseButton::Ask);

    desk.close();
    desk.settle();
    desk.press("Keep running in the tray");
    assert_eq!(desk.world.tray.close_button(), CloseButton::Tray);
    let commands = desk.close();
    assert!(commands.contains(&ViewportCommand::CancelClose));
    assert!(commands.contains(&ViewportCommand::Visible(false)));
    desk.settle();
    assert!(!desk.has(QUESTION), "asked once");
}

#[test]
fn whoever_chose_the_end_gets_it_at_once() {
    let mut desk = Desk::beside_the_clock(true, CloseButton::Ask);
    desk.close();
    desk.settle();
    desk.press("End the program");
    assert_eq!(desk.world.tray.close_button(), CloseButton::End);
    assert!(!desk.close().contains(&ViewportCommand::CancelClose));
}

#[test]
fn the_end_of_the_program_is_never_held_up_by_the_question() {
    let mut desk = Desk::beside_the_clock(true, CloseButton::Ask);
    desk.world.links.waker.close();
    assert!(!desk.close().contains(&ViewportCommand::CancelClose));
}
