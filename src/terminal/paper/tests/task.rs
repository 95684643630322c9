//! The whole terminal over its channels, in virtual time.

use std::path::PathBuf;
use std::time::Duration;

use tokio::time::{Instant, timeout};
use tokio_util::sync::CancellationToken;

use super::{WEDNESDAY, at, cid, close, dec, intent, open};
use crate::market::{
    Bar, Book, Deal, DealEntry, Fill, Found, IntentAction, LevelChange, OrderIntent, Outcome, Side,
    TerminalEvent, TerminalRequest, Timeframe,
};
use crate::terminal::paper::{FaultRates, PaperControl, PaperError, PaperOptions, spawn};
use crate::terminal::{Terminal, spawn_absent};

fn options(speed: f64) -> PaperOptions {
    PaperOptions {
        seed: 1,
        speed,
        start: at(WEDNESDAY),
        faults: FaultRates::default(),
        skip_weekends: false,
        state_file: None,
        balance: dec("10000"),
        retell_deals: false,
    }
}

struct Desk {
    terminal: Terminal,
    control: PaperControl,
    end: CancellationToken,
}

impl Desk {
    fn start(options: PaperOptions) -> Self {
        let end = CancellationToken::new();
        let (terminal, control) = spawn(options, end.clone()).unwrap();
        Self {
            terminal,
            control,
            end,
        }
    }

    async fn send(&self, request: TerminalRequest) {
        self.terminal.requests.send(request).await.unwrap();
    }

    async fn next(&mut self) -> TerminalEvent {
        timeout(Duration::from_secs(60), self.terminal.events.recv())
            .await
            .unwrap()
            .unwrap()
    }

    /// Reads on to the first event that `pick` takes.
    async fn until<T>(&mut self, pick: impl Fn(TerminalEvent) -> Option<T>) -> T {
        loop {
            if let Some(found) = pick(self.next().await) {
                return found;
            }
        }
    }

    async fn submit(&mut self, order: &OrderIntent) -> Outcome {
        self.send(TerminalRequest::Submit(order.clone())).await;
        let wanted = order.cid;
        self.until(|event| match event {
            TerminalEvent::Answer { cid, outcome } if cid == wanted => Some(outcome),
            _ => None,
        })
        .await
    }

    async fn fill(&mut self, order: &OrderIntent) -> Fill {
        super::filled(self.submit(order).await)
    }

    async fn find(&mut self, counter: u64) -> Found {
        self.send(TerminalRequest::Find {
            cid: cid(counter),
            since: None,
            twice: crate::market::Twice::Opens,
            ordered: None,
        })
        .await;
        self.until(|event| match event {
            TerminalEvent::Found { found, .. } => Some(found),
            _ => None,
        })
        .await
    }

    async fn book(&mut self) -> Book {
        self.send(TerminalRequest::SendBook).await;
        self.until(|event| match event {
            TerminalEvent::Book(book) => Some(book),
            _ => None,
        })
        .await
    }

    /// Collects deals to the next sign of life.
    async fn deals(&mut self) -> Vec<Deal> {
        let mut deals = Vec::new();
        loop {
            match self.next().await {
                TerminalEvent::Deal(deal) => deals.push(deal),
                TerminalEvent::Alive { .. } => return deals,
                _ => {}
            }
        }
    }

    /// Ends the task and waits for its last word on disk.
    async fn stop(mut self) {
        self.end.cancel();
        while timeout(Duration::from_secs(60), self.terminal.events.recv())
            .await
            .unwrap()
            .is_some()
        {}
    }
}

#[tokio::test(start_paused = true)]
async fn it_says_who_it_is_first_and_lives_every_second() {
    let mut desk = Desk::start(options(1.0));
    match desk.next().await {
        TerminalEvent::Up {
            account,
            permissions,
            symbols,
        } => {
            assert!(account.demo);
            assert_eq!(account.balance, dec("10000"));
            assert_eq!(permissions.missing(), None);
            let names: Vec<&str> = symbols.iter().map(|spec| spec.name.as_str()).collect();
            assert_eq!(names, ["EURUSD", "GBPUSD", "USDJPY", "XAUUSD", "BTCUSD"]);
        }
        other => panic!("{other:?}"),
    }
    let mut last = Instant::now();
    for _ in 0..5 {
        let market_time = desk
            .until(|event| match event {
                TerminalEvent::Alive { market_time, .. } => Some(market_time),
                _ => None,
            })
            .await;
        assert!(market_time >= at(WEDNESDAY));
        assert!(last.elapsed() <= Duration::from_secs(1));
        last = Instant::now();
    }
}

#[tokio::test(start_paused = true)]
async fn an_order_shows_its_deal_and_the_book_before_its_answer() {
    let mut desk = Desk::start(options(1.0));
    desk.until(|event| matches!(event, TerminalEvent::Alive { .. }).then_some(()))
        .await;
    desk.send(TerminalRequest::Submit(intent(
        1,
        open("EURUSD", Side::Buy, "0.10"),
    )))
    .await;
    let mut kinds = Vec::new();
    loop {
        match desk.next().await {
            TerminalEvent::Deal(deal) => {
                assert_eq!(deal.magic, cid(1).0);
                kinds.push("deal");
            }
            TerminalEvent::Book(book) => {
                assert_eq!(book.positions.len(), 1);
                assert!(book.positions[0].is_own());
                kinds.push("book");
            }
            TerminalEvent::Answer { outcome, .. } => {
                super::filled(outcome);
                break;
            }
            _ => {}
        }
    }
    assert_eq!(kinds, ["deal", "book"]);
}

#[tokio::test(start_paused = true)]
async fn at_six_hundred_times_speed_every_bar_still_comes_once_in_order() {
    let mut desk = Desk::start(options(600.0));
    desk.send(TerminalRequest::Watch {
        symbol: "BTCUSD".to_owned(),
        timeframe: Timeframe::M1,
        history: 50,
    })
    .await;
    let bars: Vec<Bar> = desk
        .until(|event| match event {
            TerminalEvent::Bars { bars, .. } => Some(bars),
            _ => None,
        })
        .await;
    assert_eq!(bars.len(), 50);
    let mut last = bars.last().unwrap().time;
    for _ in 0..200 {
        let time = desk
            .until(|event| match event {
                TerminalEvent::BarClosed { bar, .. } => Some(bar.time),
                TerminalEvent::Bars { .. } => panic!("nobody asked again"),
                _ => None,
            })
            .await;
        assert_eq!(time.as_second(), last.as_second() + 60);
        last = time;
    }
}

#[tokio::test(start_paused = true)]
async fn lost_answers_are_unknown_and_then_found() {
    let mut desk = Desk::start(options(1.0));
    desk.control.lose_next_answer(true);
    assert!(matches!(
        desk.submit(&intent(1, open("EURUSD", Side::Buy, "0.10")))
            .await,
        Outcome::Unknown { .. }
    ));
    desk.control.lose_next_answer(false);
    assert!(matches!(
        desk.submit(&intent(2, open("EURUSD", Side::Buy, "0.10")))
            .await,
        Outcome::Unknown { .. }
    ));
    assert!(matches!(desk.find(1).await, Found::Executed(_)));
    assert_eq!(desk.find(2).await, Found::Absent);
    assert_eq!(desk.book().await.positions.len(), 1);
    desk.control.reject_next(10_012);
    let timed_out = desk
        .submit(&intent(4, open("EURUSD", Side::Buy, "0.10")))
        .await;
    assert!(matches!(timed_out, Outcome::Unknown { .. }));
    assert_eq!(desk.find(4).await, Found::Absent);
    desk.control.reject_next(10_006);
    assert_eq!(
        super::refused(
            desk.submit(&intent(3, open("EURUSD", Side::Buy, "0.10")))
                .await
        )
        .retcode,
        10_006
    );
}

#[tokio::test(start_paused = true)]
async fn while_down_it_says_so_executes_nothing_and_cannot_tell() {
    let mut desk = Desk::start(options(60.0));
    desk.send(TerminalRequest::Watch {
        symbol: "BTCUSD".to_owned(),
        timeframe: Timeframe::M1,
        history: 5,
    })
    .await;
    let first = desk
        .until(|event| match event {
            TerminalEvent::BarClosed { bar, .. } => Some(bar.time.as_second()),
            _ => None,
        })
        .await;
    desk.control.go_down("somebody pulled the cable");
    let reason = desk
        .until(|event| match event {
            TerminalEvent::Down { reason } => Some(reason),
            _ => None,
        })
        .await;
    assert_eq!(reason, "somebody pulled the cable");
    assert!(matches!(
        desk.submit(&intent(1, open("EURUSD", Side::Buy, "0.10")))
            .await,
        Outcome::Unknown { .. }
    ));
    assert!(matches!(desk.find(1).await, Found::NotYet { .. }));
    let quiet = timeout(Duration::from_secs(30), desk.terminal.events.recv()).await;
    assert!(quiet.is_err(), "{quiet:?}");
    desk.control.come_back();
    desk.until(|event| matches!(event, TerminalEvent::Up { .. }).then_some(()))
        .await;
    assert_eq!(desk.find(1).await, Found::Absent);
    // The bars that closed meanwhile are not lost.
    let mut desk = desk;
    let next = desk
        .until(|event| match event {
            TerminalEvent::BarClosed { bar, .. } => Some(bar.time.as_second()),
            _ => None,
        })
        .await;
    assert!(next > first);
    assert_eq!(desk.book().await.positions.len(), 0);
}

#[tokio::test(start_paused = true)]
async fn an_order_slower_than_its_time_to_live_is_late() {
    let slow = Duration::from_millis(800);
    let mut desk = Desk::start(PaperOptions {
        faults: FaultRates {
            latency: (slow, slow),
            ..FaultRates::default()
        },
        ..options(1.0)
    });
    let mut order = intent(1, open("EURUSD", Side::Buy, "0.10"));
    order.ttl_ms = 500;
    assert_eq!(super::refused(desk.submit(&order).await).retcode, -2);
    let mut patient = intent(2, open("EURUSD", Side::Buy, "0.10"));
    patient.ttl_ms = 2_000;
    let sent = Instant::now();
    desk.fill(&patient).await;
    assert!(sent.elapsed() >= slow);
}

#[tokio::test(start_paused = true)]
async fn orders_never_overtake_each_other() {
    let mut desk = Desk::start(PaperOptions {
        faults: FaultRates {
            latency: (Duration::from_millis(1), Duration::from_millis(900)),
            ..FaultRates::default()
        },
        ..options(1.0)
    });
    for counter in 1..=20 {
        desk.send(TerminalRequest::Submit(intent(
            counter,
            open("EURUSD", Side::Buy, "0.01"),
        )))
        .await;
        desk.send(TerminalRequest::Find {
            cid: cid(counter),
            since: None,
            twice: crate::market::Twice::Opens,
            ordered: None,
        })
        .await;
    }
    for counter in 1..=20 {
        let answered = desk
            .until(|event| match event {
                TerminalEvent::Answer { cid, .. } => Some(cid),
                TerminalEvent::Found { .. } => panic!("found before answered"),
                _ => None,
            })
            .await;
        assert_eq!(answered, cid(counter));
        desk.until(|event| matches!(event, TerminalEvent::Found { .. }).then_some(()))
            .await;
    }
}

#[tokio::test(start_paused = true)]
async fn faults_come_at_their_rates_and_the_link_comes_back_by_itself() {
    let mut desk = Desk::start(PaperOptions {
        faults: FaultRates {
            requote: 0.3,
            reject: 0.2,
            lost_before: 0.1,
            lost_after: 0.1,
            ..FaultRates::default()
        },
        ..options(1.0)
    });
    let (mut done, mut requoted, mut rejected, mut lost) = (0, 0, 0, 0);
    for counter in 1..=200 {
        match desk
            .submit(&intent(counter, open("EURUSD", Side::Buy, "0.01")))
            .await
        {
            Outcome::Done(_) => done += 1,
            Outcome::Refused(refusal) if refusal.retcode == 10_004 => requoted += 1,
            Outcome::Refused(refusal) => {
                assert_eq!(refusal.retcode, 10_006);
                rejected += 1;
            }
            Outcome::Unknown { .. } => lost += 1,
        }
    }
    let text = format!("{done} done, {requoted} requoted, {rejected} rejected, {lost} lost");
    assert!(
        (35..85).contains(&requoted) && (20..60).contains(&rejected) && (20..60).contains(&lost),
        "{text}"
    );
    assert!(done > 30, "{text}");

    desk.control.set_faults(FaultRates {
        disconnect: 0.2,
        ..FaultRates::default()
    });
    for _ in 0..3 {
        desk.until(|event| matches!(event, TerminalEvent::Down { .. }).then_some(()))
            .await;
        desk.until(|event| matches!(event, TerminalEvent::Up { .. }).then_some(()))
            .await;
    }
}

#[tokio::test(start_paused = true)]
async fn everything_survives_a_restart() {
    let folder = tempfile::tempdir().unwrap();
    let file: PathBuf = folder.path().join("account.json");
    let stored = || PaperOptions {
        state_file: Some(file.clone()),
        ..options(60.0)
    };

    let mut desk = Desk::start(stored());
    let kept = desk
        .fill(&intent(1, open("BTCUSD", Side::Buy, "0.10")))
        .await;
    let closed = desk
        .fill(&intent(2, open("BTCUSD", Side::Sell, "0.10")))
        .await;
    desk.fill(&intent(3, close(closed.ticket))).await;
    tokio::time::sleep(Duration::from_secs(30)).await;
    let book = desk.book().await;
    let market_time = desk
        .until(|event| match event {
            TerminalEvent::Alive { market_time, .. } => Some(market_time),
            _ => None,
        })
        .await;
    desk.stop().await;

    let mut desk = Desk::start(stored());
    let again = desk.book().await;
    assert_eq!(again.positions.len(), 1);
    assert_eq!(again.positions[0].ticket, kept.ticket);
    assert!(again.revision >= book.revision);
    let later = desk
        .until(|event| match event {
            TerminalEvent::Alive { market_time, .. } => Some(market_time),
            _ => None,
        })
        .await;
    assert!(later >= market_time);
    // The first order again: its first answer, no second deal.
    assert_eq!(
        desk.fill(&intent(1, open("BTCUSD", Side::Buy, "0.10")))
            .await,
        kept
    );
    assert_eq!(desk.book().await.positions.len(), 1);
    desk.stop().await;

    let other = spawn(
        PaperOptions {
            seed: 2,
            ..stored()
        },
        CancellationToken::new(),
    );
    assert!(matches!(
        other,
        Err(PaperError::OtherMarket {
            found: 1,
            wanted: 2,
            ..
        })
    ));
    std::fs::write(&file, "{").unwrap();
    let broken = spawn(stored(), CancellationToken::new());
    assert!(matches!(broken, Err(PaperError::Broken { .. })));
}

#[tokio::test(start_paused = true)]
async fn an_order_that_cannot_be_stored_is_not_executed() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("account.json");
    let mut desk = Desk::start(PaperOptions {
        state_file: Some(file),
        ..options(1.0)
    });
    desk.until(|event| matches!(event, TerminalEvent::Alive { .. }).then_some(()))
        .await;
    let block = folder.path().join("account.json.tmp");
    std::fs::create_dir(&block).unwrap();
    assert_eq!(
        super::refused(
            desk.submit(&intent(1, open("EURUSD", Side::Buy, "0.10")))
                .await
        )
        .retcode,
        -8
    );
    assert!(desk.book().await.positions.is_empty());
    assert_eq!(desk.find(1).await, Found::Absent);
    std::fs::remove_dir(&block).unwrap();
    desk.fill(&intent(2, open("EURUSD", Side::Buy, "0.10")))
        .await;
}

#[tokio::test(start_paused = true)]
async fn a_reader_that_sleeps_gets_its_answers_in_the_end_and_bars_in_order() {
    let mut desk = Desk::start(options(10_000.0));
    desk.send(TerminalRequest::Watch {
        symbol: "BTCUSD".to_owned(),
        timeframe: Timeframe::M1,
        history: 0,
    })
    .await;
    tokio::time::sleep(Duration::from_secs(120)).await;
    desk.send(TerminalRequest::Submit(intent(
        1,
        open("BTCUSD", Side::Buy, "0.10"),
    )))
    .await;
    let mut last = None;
    let mut bars = 0;
    loop {
        match desk.next().await {
            TerminalEvent::BarClosed { bar, .. } => {
                bars += 1;
                if let Some(last) = last {
                    assert_eq!(bar.time.as_second(), last + 60);
                }
                last = Some(bar.time.as_second());
            }
            TerminalEvent::Answer { outcome, .. } => {
                super::filled(outcome);
                break;
            }
            _ => {}
        }
    }
    assert!(bars > 1_000);
}

#[tokio::test(start_paused = true)]
async fn an_absent_terminal_says_why_and_executes_nothing() {
    let mut terminal = spawn_absent("no link to MetaTrader yet");
    assert_eq!(
        terminal.events.recv().await,
        Some(TerminalEvent::Down {
            reason: "no link to MetaTrader yet".to_owned()
        })
    );
    terminal
        .requests
        .send(TerminalRequest::Submit(intent(
            1,
            open("EURUSD", Side::Buy, "0.10"),
        )))
        .await
        .unwrap();
    match terminal.events.recv().await {
        Some(TerminalEvent::Answer { outcome, .. }) => {
            assert_eq!(super::refused(outcome).message, "no link to MetaTrader yet");
        }
        other => panic!("{other:?}"),
    }
}

#[tokio::test(start_paused = true)]
async fn deals_made_while_nobody_could_hear_are_told_later_and_only_then() {
    let folder = tempfile::tempdir().unwrap();
    let file: PathBuf = folder.path().join("account.json");
    let stored = || PaperOptions {
        state_file: Some(file.clone()),
        ..options(600.0)
    };
    let mut desk = Desk::start(stored());
    for counter in 1..=4 {
        let side = if counter % 2 == 0 {
            Side::Buy
        } else {
            Side::Sell
        };
        let ticket = desk
            .fill(&intent(counter, open("BTCUSD", side, "0.10")))
            .await
            .ticket;
        let price = desk.book().await.positions.last().unwrap().open_price;
        let (stop_loss, take_profit) = match side {
            Side::Buy => (price - dec("200.0"), price + dec("200.0")),
            Side::Sell => (price + dec("200.0"), price - dec("200.0")),
        };
        let levels = IntentAction::Modify {
            ticket,
            stop_loss: LevelChange::At(stop_loss),
            take_profit: LevelChange::At(take_profit),
        };
        desk.fill(&intent(10 + counter, levels)).await;
    }
    desk.control.go_down("night");
    desk.until(|event| matches!(event, TerminalEvent::Down { .. }).then_some(()))
        .await;
    tokio::time::sleep(Duration::from_secs(120)).await;
    desk.control.come_back();
    let missed = desk.deals().await;
    assert_eq!(missed.len(), 4, "{missed:?}");
    assert!(missed.iter().all(|deal| deal.entry == DealEntry::Out));
    assert!(missed.is_sorted_by_key(|deal| deal.ticket));
    assert_eq!(desk.deals().await, []);
    desk.stop().await;

    // Told and read before a clean end: not told again.
    let mut desk = Desk::start(stored());
    let again = desk.deals().await;
    assert!(again.len() <= 4, "{again:?}");
    desk.stop().await;

    // To one whose journal was lost all are told.
    let mut desk = Desk::start(PaperOptions {
        retell_deals: true,
        ..stored()
    });
    assert_eq!(desk.deals().await.len(), 8);
}

#[tokio::test(start_paused = true)]
async fn a_stop_that_was_reached_while_the_program_was_off_is_filled_at_its_price_then() {
    let folder = tempfile::tempdir().unwrap();
    let stored = |start: &str| PaperOptions {
        state_file: Some(folder.path().join("account.json")),
        start: at(start),
        ..options(1.0)
    };
    let mut desk = Desk::start(stored(WEDNESDAY));
    let ticket = desk
        .fill(&intent(1, open("XAUUSD", Side::Buy, "0.10")))
        .await
        .ticket;
    let price = desk.book().await.positions[0].open_price;
    let (stop, target) = (price - dec("8.00"), price + dec("8.00"));
    let levels = IntentAction::Modify {
        ticket,
        stop_loss: LevelChange::At(stop),
        take_profit: LevelChange::At(target),
    };
    desk.fill(&intent(2, levels)).await;
    desk.stop().await;

    let mut desk = Desk::start(stored("2026-04-08T12:00:00Z"));
    let exit = desk
        .until(|event| match event {
            TerminalEvent::Deal(deal) if deal.entry == DealEntry::Out => Some(deal),
            _ => None,
        })
        .await;
    assert_eq!(exit.position, ticket);
    assert!(exit.time < at("2026-04-08T12:00:00Z"), "{exit:?}");
    assert!(exit.price <= stop || exit.price == target, "{exit:?}");
    assert!(desk.book().await.positions.is_empty());
}

#[tokio::test(start_paused = true)]
async fn an_outage_in_the_middle_of_a_backlog_loses_no_bar() {
    let mut desk = Desk::start(options(10_000.0));
    desk.send(TerminalRequest::Watch {
        symbol: "BTCUSD".to_owned(),
        timeframe: Timeframe::M1,
        history: 0,
    })
    .await;
    tokio::time::sleep(Duration::from_secs(300)).await;
    desk.control.go_down("night");
    desk.until(|event| matches!(event, TerminalEvent::Down { .. }).then_some(()))
        .await;
    tokio::time::sleep(Duration::from_secs(3_600)).await;
    desk.control.come_back();
    let mut last: Option<i64> = None;
    for _ in 0..3_000 {
        let time = desk
            .until(|event| match event {
                TerminalEvent::BarClosed { bar, .. } => Some(bar.time.as_second()),
                _ => None,
            })
            .await;
        assert!(last.is_none_or(|last| time == last + 60));
        last = Some(time);
    }
}

#[test]
fn without_a_runtime_it_says_so() {
    assert!(matches!(
        spawn(options(1.0), CancellationToken::new()),
        Err(PaperError::NoRuntime)
    ));
}
