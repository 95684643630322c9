//! What is still worked on when the program ends: an emergency stop that was taken from its sender, and what the platform has
//! answered. Everything else the platform brings again, or a person sees that it was not done.

use tokio::sync::mpsc;

use crate::core::Event;
use crate::core::snapshot::UiCommand;

/// What of all that waits must not be lost with the program.
pub(super) fn last_words(
    ui: &mut mpsc::Receiver<UiCommand>,
    network: &mut mpsc::Receiver<Event>,
) -> Vec<Event> {
    let commands = std::iter::from_fn(|| ui.try_recv().ok()).map(Event::Ui);
    let events = std::iter::from_fn(|| network.try_recv().ok());
    commands.chain(events).filter(must_be_heard).collect()
}

fn must_be_heard(event: &Event) -> bool {
    match event {
        Event::Ui(command) => matches!(command, UiCommand::StopEverything { .. }),
        Event::EmergencyBroadcast { .. } | Event::ReportAnswered { .. } => true,
        // What the text is the core reads; one that only speaks of a stop is an order like any other.
        Event::Delivered(delivery) => {
            let raw = delivery.raw.to_ascii_uppercase();
            raw.contains("EMERGENCY_STOP")
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]

    use super::*;
    use crate::core::snapshot::Source;
    use crate::core::{Delivery, ReportOutcome};

    #[test]
    fn stops_and_answers_are_worked_on_and_nothing_else_is() {
        let (to_ui, mut ui) = mpsc::channel(8);
        let (to_network, mut network) = mpsc::channel(8);
        let stop = UiCommand::StopEverything {
            reason: "by hand".to_owned(),
        };
        for command in [UiCommand::ResumeTrading, stop.clone(), UiCommand::LiftStop] {
            to_ui.try_send(command).unwrap();
        }
        let delivered = |command: &str| {
            Event::Delivered(Delivery {
                source: Source::Pusher,
                raw: format!(r#"{{"command":"{command}"}}"#),
            })
        };
        let public = Event::EmergencyBroadcast {
            data: "{}".to_owned(),
        };
        let of_ours = delivered("EMERGENCY_STOP");
        let answered = Event::ReportAnswered {
            id: "c1".to_owned(),
            interim: false,
            outcome: ReportOutcome::NoSuchCommand,
        };
        for event in [
            delivered("OPEN_POSITION"),
            of_ours.clone(),
            Event::Tick,
            answered.clone(),
            public.clone(),
        ] {
            to_network.try_send(event).unwrap();
        }
        let heard = last_words(&mut ui, &mut network);
        assert_eq!(heard, [Event::Ui(stop), of_ours, answered, public]);
    }
}
