//! Another program on the account uses the number of one of our orders.

use super::buy;
use super::terminal::{Manner, decimal};
use super::world::World;
use crate::core::snapshot::CommandState;
use crate::market::{Deal, DealEntry, DealReason, Side, TerminalEvent, Ticket};

#[test]
fn a_deal_of_another_program_takes_nothing_back() {
    let mut world = World::ready();
    world.terminal.manners.push_back(Manner::LoseOrder);
    world.pusher("o", "OPEN_POSITION", &buy());
    world.wait(400);
    world.assert_ends("o", CommandState::Failed, "not executed");
    let magic = world.terminal.submitted[0].cid.0;
    let deal = |ticket, symbol: &str, side| {
        TerminalEvent::Deal(Deal {
            ticket: Ticket(ticket),
            position: Ticket(ticket),
            symbol: symbol.to_owned(),
            side,
            entry: DealEntry::In,
            reason: DealReason::Order,
            volume: decimal("0.1"),
            price: decimal("1.1"),
            profit: decimal("0"),
            magic,
            time: world.now.utc,
        })
    };
    let foreign = vec![
        deal(7_001, "GBPUSD", Side::Buy),
        deal(7_002, "EURUSD", Side::Sell),
    ];
    let ours = vec![deal(7_003, "EURUSD", Side::Buy)];
    world.terminal_says(foreign);
    assert!(!world.has_logged("Correction"));
    world.terminal_says(ours);
    assert!(world.has_logged("Correction"));
}
