//! Netting accounts: what of a position is ours, and that nothing else is ever closed, reduced or called ours.

use jiff::{SignedDuration, Timestamp};
use rust_decimal::Decimal;
use serde_json::{Value, json};

use super::buy;
use super::emergency::stop_here;
use super::terminal::{Manner, Terminal, decimal};
use super::world::World;
use crate::core::own_book::{OwnBook, Part};
use crate::core::snapshot::{CommandState, UiCommand};
use crate::market::{
    Cid, Deal, DealEntry, DealReason, Fill, IntentAction, MarginMode, OrderIntent, Position,
    Refusal, RefusalClass, Side, TerminalEvent, Ticket,
};

const START: &str = "2026-03-02T09:00:00Z";
const OURS: u64 = Cid::new(0, 900).0;

impl Terminal {
    /// Somebody's order on the net position of EURUSD.
    pub(super) fn net(
        &mut self,
        side: Side,
        volume: Decimal,
        magic: u64,
        stop: Option<Decimal>,
    ) -> Deal {
        self.next_ticket += 1;
        let ticket = Ticket(self.next_ticket);
        let seconds = i64::try_from(self.next_ticket - 1_000).unwrap();
        let time = START.parse::<Timestamp>().unwrap() + SignedDuration::from_secs(seconds);
        let fresh = |volume| Position {
            ticket,
            symbol: "EURUSD".to_owned(),
            side,
            volume,
            open_price: decimal("1.1"),
            stop_loss: stop,
            take_profit: None,
            profit: Decimal::ZERO,
            price: Decimal::ZERO,
            magic,
            comment: String::new(),
            opened_at: time,
        };
        let entry = match self.positions.first_mut() {
            None => {
                self.ident = ticket.0;
                self.positions.push(fresh(volume));
                DealEntry::In
            }
            Some(open) if open.side == side => {
                open.volume += volume;
                open.stop_loss = stop.or(open.stop_loss);
                DealEntry::In
            }
            Some(open) if open.volume < volume => {
                *open = fresh(volume - open.volume);
                DealEntry::InOut
            }
            Some(open) => {
                open.volume -= volume;
                self.positions.retain(|open| !open.volume.is_zero());
                DealEntry::Out
            }
        };
        let deal = Deal {
            ticket,
            position: Ticket(self.ident),
            symbol: "EURUSD".to_owned(),
            side,
            entry,
            reason: DealReason::Order,
            volume,
            price: decimal("1.1"),
            profit: Decimal::ZERO,
            magic,
            time,
        };
        self.untold.push(deal.clone());
        deal
    }

    /// As the Expert Advisor does it: it looks at the position, and what others do comes between that and the broker.
    pub(super) fn fill_net(
        &mut self,
        intent: &OrderIntent,
        part: Decimal,
    ) -> Result<Fill, Refusal> {
        let (side, volume, stop) = match &intent.action {
            IntentAction::Open {
                side,
                volume,
                stop_loss,
                ..
            } => (*side, *volume, *stop_loss),
            IntentAction::Close { ticket, volume } => {
                if self.meddles_early
                    && let Some((side, volume)) = self.meddling.take()
                {
                    // What was turned round is found by its identifier.
                    self.net(side, decimal(volume), 0, None);
                    if let Some(open) = self.positions.first_mut() {
                        open.ticket = *ticket;
                    }
                }
                let mut open = self.positions.iter();
                let open = open.find(|open| open.ticket == *ticket);
                let Some(open) = open else {
                    return Err(Refusal {
                        retcode: 10_036,
                        class: RefusalClass::AlreadySo,
                        message: "Position is closed".to_owned(),
                    });
                };
                if volume.is_none() && self.tells_no_deals {
                    return Err(Refusal {
                        retcode: -7,
                        class: RefusalClass::Wait,
                        message: "the history does not show yet what is ours".to_owned(),
                    });
                }
                let volume = volume.unwrap_or(open.volume) * part;
                (open.side.opposite(), volume, None)
            }
            IntentAction::Modify { .. } | IntentAction::Cancel { .. } => unreachable!(),
        };
        if let Some((side, volume)) = self.meddling.take() {
            self.net(side, decimal(volume), 0, None);
        }
        let deal = self.net(side, volume, intent.cid.0, stop);
        let fill = Fill {
            ticket: match intent.action {
                IntentAction::Close { ticket, .. } => ticket,
                _ => deal.position,
            },
            deal: Some(deal.ticket),
            volume,
            price: deal.price,
            profit: Decimal::ZERO,
        };
        self.executed.insert(intent.cid, fill.clone());
        Ok(fill)
    }

    pub(super) fn deals(&mut self) -> Vec<TerminalEvent> {
        if self.tells_no_deals {
            return Vec::new();
        }
        let deals = std::mem::take(&mut self.untold);
        deals.into_iter().map(TerminalEvent::Deal).collect()
    }

    /// What there is of the net position: below zero when it is sold.
    pub(super) fn net_lots(&self) -> Decimal {
        self.positions.first().map_or(Decimal::ZERO, |open| {
            if open.side == Side::Buy {
                open.volume
            } else {
                -open.volume
            }
        })
    }
}

impl World {
    pub(super) fn netting() -> Self {
        let mut world = Self::ready();
        world.terminal_down();
        world.terminal.account.margin_mode = MarginMode::Netting;
        world.terminal_up();
        world
    }

    /// The same with 0.1 lots of ours; their ticket.
    fn netting_with_ours() -> (Self, u64) {
        let mut world = Self::netting();
        world.pusher("open", "OPEN_POSITION", &buy());
        world.assert_executed("open");
        let ticket = world.terminal.positions[0].ticket.0;
        (world, ticket)
    }

    /// The trader himself.
    pub(super) fn by_hand(&mut self, side: Side, volume: &str) {
        self.terminal.net(side, decimal(volume), 0, None);
        let deals = self.terminal.deals();
        self.terminal_says(deals);
        self.send_book();
    }

    /// Our lots, as the window shows them, and all of the position.
    pub(super) fn shown(&mut self) -> Option<(Option<Decimal>, Decimal)> {
        let snapshot = self.state.snapshot(self.now);
        let row = snapshot.positions.first()?;
        let ours = row.own.then(|| row.part.unwrap_or(row.position.volume));
        Some((ours, row.position.volume))
    }
}

use DealEntry::{In, InOut, Out};
use Side::{Buy, Sell};

/// Deals of a net position, each with whose it is, against what of it is ours at the end.
#[test]
fn what_is_ours_is_counted_from_everybodys_deals() {
    type Told = (u64, Side, &'static str, DealEntry, u64);
    let cases: [(&str, &[Told], &str); 14] = [
        ("ours alone", &[(OURS, Buy, "0.1", In, 1)], "0.1"),
        (
            "the trader adds",
            &[(OURS, Buy, "0.1", In, 1), (0, Buy, "1", In, 1)],
            "0.1",
        ),
        (
            "he takes his own back, then some of ours",
            &[
                (OURS, Buy, "0.1", In, 1),
                (0, Buy, "1", In, 1),
                (0, Sell, "1.04", Out, 1),
            ],
            "0.06",
        ),
        (
            "what he buys again stays his",
            &[
                (OURS, Buy, "0.1", In, 1),
                (0, Sell, "0.04", Out, 1),
                (0, Buy, "1", In, 1),
            ],
            "0.06",
        ),
        (
            "he turns it round",
            &[(OURS, Buy, "0.1", In, 1), (0, Sell, "1", InOut, 1)],
            "0",
        ),
        (
            "and back",
            &[
                (OURS, Buy, "0.1", In, 1),
                (0, Sell, "1", InOut, 1),
                (0, Buy, "2", InOut, 1),
            ],
            "0",
        ),
        (
            "he closes it and opens another",
            &[
                (OURS, Buy, "0.1", In, 1),
                (0, Sell, "0.1", Out, 1),
                (0, Buy, "1", In, 2),
            ],
            "0",
        ),
        (
            "another one, and nobody told how the first ended",
            &[(OURS, Buy, "0.1", In, 1), (0, Buy, "1", In, 2)],
            "0",
        ),
        (
            "ours only reduces his",
            &[(0, Sell, "0.3", In, 1), (OURS, Buy, "0.1", Out, 1)],
            "0",
        ),
        (
            "the same, and his was never told",
            &[(OURS, Buy, "0.1", Out, 1)],
            "0",
        ),
        (
            "ours turns his round",
            &[(0, Sell, "0.06", In, 1), (OURS, Buy, "0.1", InOut, 1)],
            "0.04",
        ),
        (
            "ours joins his",
            &[(0, Buy, "1", In, 1), (OURS, Buy, "0.1", In, 1)],
            "0.1",
        ),
        (
            "ours is closed",
            &[
                (OURS, Buy, "0.1", In, 1),
                (0, Buy, "1", In, 1),
                (OURS + 1, Sell, "0.1", Out, 1),
            ],
            "0",
        ),
        (
            "the stop closes all of it under our number",
            &[
                (OURS, Buy, "0.1", In, 1),
                (0, Buy, "1", In, 1),
                (OURS, Sell, "1.1", Out, 1),
            ],
            "0",
        ),
    ];
    for (name, deals, ours) in cases {
        let mut book = OwnBook::default();
        let start: Timestamp = START.parse().unwrap();
        let mut held = Decimal::ZERO;
        let mut opened_at = start;
        for (number, (magic, side, volume, entry, position)) in (1..).zip(deals) {
            let volume = decimal(volume);
            let time = start + SignedDuration::from_secs(number);
            let signed = if *side == Buy { volume } else { -volume };
            if *entry != Out && (held + signed).abs() == volume {
                opened_at = time;
            }
            held += signed;
            let deal = Deal {
                ticket: Ticket(u64::try_from(number).unwrap()),
                position: Ticket(*position),
                symbol: "EURUSD".to_owned(),
                side: *side,
                entry: *entry,
                reason: DealReason::Order,
                volume,
                price: decimal("1.1"),
                profit: Decimal::ZERO,
                magic: *magic,
                time,
            };
            book.count(&deal);
            // Told again, it counts once.
            book.count(&deal);
        }
        // As much as there may be, so that nothing but the deals says what is ours.
        for side in [Buy, Sell] {
            let position = Position {
                ticket: Ticket(deals.last().unwrap().4),
                symbol: "EURUSD".to_owned(),
                side,
                volume: decimal("5"),
                open_price: decimal("1.1"),
                stop_loss: None,
                take_profit: None,
                profit: Decimal::ZERO,
                price: Decimal::ZERO,
                magic: 0,
                comment: String::new(),
                opened_at,
            };
            let wanted = if side == Buy { ours } else { "0" };
            let part = book.part_of(&position, Decimal::ZERO);
            assert_eq!(
                part.map_or(Decimal::ZERO, |part| part.volume),
                decimal(wanted),
                "{name}, {side:?}"
            );
        }
    }
}

/// A position of ours whose opening is not in the history that was read.
#[test]
fn what_no_deal_explains_is_the_openers() {
    let mut book = OwnBook::default();
    let time: Timestamp = START.parse().unwrap();
    let mut position = Position {
        ticket: Ticket(1),
        symbol: "EURUSD".to_owned(),
        side: Buy,
        volume: decimal("0.1"),
        open_price: decimal("1.1"),
        stop_loss: None,
        take_profit: None,
        profit: Decimal::ZERO,
        price: Decimal::ZERO,
        magic: OURS,
        comment: String::new(),
        opened_at: time - SignedDuration::from_hours(72),
    };
    let unsure = |volume| Part {
        volume: decimal(volume),
        cid: Cid(OURS),
        sure: false,
    };
    let late = Decimal::ZERO;
    assert_eq!(book.part_of(&position, late), None);
    book.count(&Deal {
        ticket: Ticket(9),
        position: Ticket(1),
        symbol: "EURUSD".to_owned(),
        side: Buy,
        entry: In,
        reason: DealReason::Order,
        volume: decimal("1"),
        price: decimal("1.1"),
        profit: Decimal::ZERO,
        magic: 0,
        time,
    });
    position.volume = decimal("1.1");
    assert_eq!(book.part_of(&position, late), Some(unsure("0.1")));
    position.magic = 0;
    let part = book.part_of(&position, late).unwrap();
    assert_eq!((part.volume, part.sure), (Decimal::ZERO, true));
}

/// Every way to close, with what the trader did by hand before: what is left is exactly his.
#[test]
fn closing_takes_what_is_ours_and_no_more() {
    type ByHand = (Side, &'static str);
    let ways: [(&str, Value); 4] = [
        ("CLOSE_POSITION", json!({})),
        ("CLOSE_ALL_POSITIONS", json!({})),
        ("CLOSE_BY_SYMBOL", json!({ "symbol": "EURUSD" })),
        ("EMERGENCY_STOP", json!({})),
    ];
    // What he does, what is left, and how many closes of ours went out.
    let cases: [(&[ByHand], &str, usize); 6] = [
        (&[], "0", 1),
        (&[(Buy, "1")], "1", 1),
        (&[(Buy, "1"), (Sell, "1.04")], "0", 1),
        (&[(Sell, "0.04"), (Buy, "1")], "1", 1),
        (&[(Sell, "1")], "-0.9", 0),
        (&[(Sell, "0.1"), (Buy, "1")], "1", 0),
    ];
    for (name, args) in &ways {
        for (by_hand, left, closes) in cases {
            for restarted in [false, true] {
                let (mut world, ticket) = World::netting_with_ours();
                for (side, volume) in by_hand {
                    world.by_hand(*side, volume);
                }
                if restarted {
                    world.restart();
                    world.terminal_up();
                }
                let mut args = args.clone();
                if *name == "CLOSE_POSITION" {
                    args["ticket"] = json!(ticket);
                }
                world.pusher("c", name, &args);
                world.wait(20);
                let case = format!("{name} after {by_hand:?}, restarted: {restarted}");
                assert_eq!(world.terminal.net_lots(), decimal(left), "{case}");
                assert_eq!(world.terminal.closes(), closes, "{case}");
                let (state, message) = world.outcome("c");
                if *name != "CLOSE_POSITION" || closes == 1 {
                    assert_eq!(state, CommandState::Executed, "{case}: {message}");
                }
                if closes == 1 {
                    assert!(message.contains("lots closed at"), "{case}: {message}");
                }
                if left == "1" && closes == 1 {
                    let words = "the 1 lots there are not ours and stay";
                    assert!(message.contains(words), "{case}: {message}");
                }
            }
        }
    }
}

/// Others turn, close or enlarge the position while our close is on its way: before the Expert Advisor looks at it, or
/// between that and the broker.
#[test]
fn a_close_is_told_by_what_it_did_to_ours() {
    // When and what they do, what is left at the end, and the words.
    for (early, meddling, left, words) in [
        (
            true,
            (Sell, "1"),
            "-0.8",
            "0.1 lots of it reduced what is theirs",
        ),
        (
            false,
            (Sell, "1"),
            "-0.9",
            "0.1 lots of it opened the other way",
        ),
        (
            false,
            (Sell, "0.1"),
            "0",
            "0.1 lots of it opened the other way",
        ),
        (false, (Sell, "0.04"), "0", "0.06 lots closed at 1.1"),
        (true, (Sell, "0.1"), "0", "nothing of it was ours any more"),
        (true, (Buy, "1"), "1", "0.1 lots closed at 1.1"),
        (false, (Buy, "1"), "1", "0.1 lots closed at 1.1"),
    ] {
        let (mut world, ticket) = World::netting_with_ours();
        world.terminal.meddling = Some(meddling);
        world.terminal.meddles_early = early;
        world.pusher("c", "CLOSE_POSITION", &json!({ "ticket": ticket }));
        world.wait(20);
        let case = format!("{early} {meddling:?}");
        let message = world.assert_executed("c");
        let lots = world.terminal.net_lots();
        assert_eq!(lots, decimal(left), "{case}: {message}");
        assert!(message.contains(words), "{case}: {message}");
        let in_vain = message.starts_with("nothing was closed");
        assert_eq!(in_vain, early && meddling.0 == Sell, "{case}: {message}");
        let told = words.contains("of it reduced") || words.contains("opened the other way");
        let told = told || meddling.1 == "0.04";
        assert_eq!(world.has_logged("just before our order"), told, "{case}");
    }
}

/// Others open the other way, or the same, just before our opening arrives.
#[test]
fn an_opening_is_told_by_what_became_ours() {
    for (meddling, state, words, ours) in [
        (
            (Sell, "0.3"),
            CommandState::Failed,
            "it only reduced a SELL position that somebody else had opened just before",
            None,
        ),
        (
            (Sell, "0.1"),
            CommandState::Failed,
            "no position was opened",
            None,
        ),
        (
            (Sell, "0.04"),
            CommandState::Executed,
            "BUY 0.06 EURUSD filled",
            Some("0.06"),
        ),
        (
            (Buy, "1"),
            CommandState::Executed,
            "BUY 0.1 EURUSD filled at 1.1",
            Some("0.1"),
        ),
    ] {
        let mut world = World::netting();
        world.terminal.meddling = Some(meddling);
        world.pusher("o", "OPEN_POSITION", &buy());
        world.wait(3);
        world.assert_ends("o", state, words);
        assert_eq!(world.terminal.opens(), 1, "{meddling:?}");
        let (_, result) = world.report("o");
        assert_eq!(
            result["ticket"].is_null(),
            state == CommandState::Failed,
            "{result}"
        );
        let shown = world.shown().and_then(|(ours, _)| ours);
        assert_eq!(shown, ours.map(decimal), "{meddling:?}");
        // The stop takes what is ours, whoever opened the position.
        let theirs = world.terminal.net_lots() - shown.unwrap_or_default();
        stop_here(&mut world);
        world.wait(3);
        assert_eq!(world.terminal.net_lots(), theirs, "{meddling:?}");
    }
}

/// The history does not show the deals: answers count, and nothing is closed twice.
#[test]
fn an_answer_counts_when_its_deals_do_not_come() {
    let (mut world, ticket) = World::netting_with_ours();
    world.by_hand(Buy, "1");
    world.terminal.tells_no_deals = true;
    world.pusher("c", "CLOSE_POSITION", &json!({ "ticket": ticket }));
    world.wait(60);
    let message = world.assert_executed("c");
    assert!(message.starts_with("1 position closed"), "{message}");
    assert_eq!(world.terminal.closes(), 1);
    assert_eq!(world.terminal.net_lots(), decimal("1"));
    // It is told in the end, and counts no second time.
    world.terminal.tells_no_deals = false;
    let deals = world.terminal.deals();
    world.terminal_says(deals);
    world.send_book();
    assert_eq!(world.shown(), Some((None, decimal("1"))));
}

#[test]
fn the_window_shows_what_is_ours_and_closes_that() {
    let (mut world, ticket) = World::netting_with_ours();
    assert_eq!(world.shown(), Some((Some(decimal("0.1")), decimal("0.1"))));
    world.by_hand(Buy, "1");
    assert_eq!(world.shown(), Some((Some(decimal("0.1")), decimal("1.1"))));
    world.ui(UiCommand::ClosePosition {
        ticket: Ticket(ticket),
    });
    world.wait(2);
    assert_eq!(world.shown(), Some((None, decimal("1"))));
    // What is not ours is not closed here, by nobody.
    world.ui(UiCommand::ClosePosition {
        ticket: Ticket(ticket),
    });
    world.wait(2);
    assert_eq!(world.newest().state, CommandState::Failed);
    assert_eq!(world.terminal.net_lots(), decimal("1"));
}

/// Somebody else opens the same way just before our opening arrives, and the broker leaves our stop out.
#[test]
fn a_stop_that_was_left_out_is_set_on_a_position_that_others_opened() {
    let mut world = World::netting();
    world.terminal.meddling = Some((Buy, "1"));
    world.terminal.manners.push_back(Manner::FillWithoutStop);
    world.pusher("o", "OPEN_POSITION", &buy());
    world.wait(3);
    assert_eq!(world.terminal.positions[0].stop_loss, Some(decimal("1.09")));
    world.assert_ends("o", CommandState::Executed, "it was set again at 1.09");
}

#[test]
fn an_opening_that_comes_late_and_turns_somebody_elses_position_is_told() {
    let mut world = World::netting();
    world.terminal.manners.push_back(Manner::LoseOrder);
    world.pusher("o", "OPEN_POSITION", &buy());
    world.wait(400);
    world.assert_ends("o", CommandState::Failed, "not executed");
    world.by_hand(Sell, "0.04");
    let intent = world.terminal.submitted[0].clone();
    world.terminal.fill_net(&intent, Decimal::ONE).unwrap();
    let deals = world.terminal.deals();
    world.terminal_says(deals);
    world.send_book();
    world.assert_ends("o", CommandState::Executed, "was carried out late");
    assert_eq!(
        world.shown(),
        Some((Some(decimal("0.06")), decimal("0.06")))
    );
}
