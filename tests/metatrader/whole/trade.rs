//! What a platform orders becomes deals, over both links.

use std::time::{Duration, Instant};

use fx_executor::practice::SCALPER;
use serde_json::json;

use super::world::{buy, is};
use super::{BOTH, Kind, LONG, Whole};
use crate::emulated::Options;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_order_is_opened_changed_and_closed() {
    for kind in BOTH {
        let whole = Whole::start(kind).await;
        let opened = whole.executes("OPEN_POSITION", buy()).await;
        let ticket = opened["ticket"].as_u64().unwrap();
        let entries = whole.entries();
        assert_eq!(entries.len(), 1, "{kind:?}: {entries:?}");
        assert_eq!(entries[0]["pos"], ticket.to_string());
        assert!(is(&entries[0], "vol", 0.1), "{entries:?}");
        let message = opened["message"].as_str().unwrap();
        assert!(message.contains("EURUSD filled at 1.1001"), "{message}");
        let stop_is = |level| is(&whole.position(ticket).unwrap(), "sl", level);
        assert!(stop_is(1.09));

        let change = json!({"ticket": ticket, "stopLoss": 1.0950, "takeProfit": 1.12});
        whole.executes("MODIFY_POSITION", change).await;
        let position = whole.position(ticket).unwrap();
        assert!(is(&position, "sl", 1.095), "{position:?}");
        assert!(is(&position, "tp", 1.12), "{position:?}");

        // The wrong side of the market.
        let wrong = json!({"ticket": ticket, "stopLoss": 1.15});
        let reason = whole.fails("MODIFY_POSITION", wrong).await;
        assert!(reason.contains("on the wrong side of it"), "{reason}");
        assert!(stop_is(1.095));

        let part = json!({"ticket": ticket, "volume": 0.04});
        let reason = whole.fails("CLOSE_POSITION", part).await;
        assert!(reason.contains("closing a part"), "{reason}");
        assert_eq!(whole.exits().len(), 0);

        let closed = whole
            .executes("CLOSE_POSITION", json!({"ticket": ticket}))
            .await;
        let message = closed["message"].as_str().unwrap();
        assert!(message.contains("1 position closed"), "{message}");
        assert_eq!(whole.exits().len(), 1, "{kind:?}");
        assert!(whole.position(ticket).is_none());
        assert_eq!(whole.entries().len(), 1);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_others_opened_is_left_alone() {
    let whole = Whole::start(Kind::Tcp).await;
    let by_hand: u64 = whole
        .terminal
        .cmd("by_hand buy EURUSD 0.2")
        .parse()
        .unwrap();
    whole.terminal.cmd("by_hand sell EURUSD 0.3 magic=777");
    let others = whole.terminal.truth("positions");
    assert_eq!(others.len(), 2);
    let ours = whole.open(buy()).await;
    for (name, parameters, words) in [
        (
            "CLOSE_POSITION",
            json!({"ticket": by_hand}),
            "was not opened by this program; close it in MetaTrader",
        ),
        (
            "MODIFY_POSITION",
            json!({"ticket": by_hand, "stopLoss": 1.09}),
            "was not opened by this executor; it is left alone",
        ),
    ] {
        let reason = whole.fails(name, parameters).await;
        assert!(reason.contains(words), "{reason}");
    }
    whole
        .executes("CLOSE_BY_SYMBOL", json!({"symbol": "EURUSD"}))
        .await;
    assert!(whole.position(ours).is_none());
    let nothing = whole.executes("CLOSE_ALL_POSITIONS", json!({})).await;
    let message = nothing["message"].as_str().unwrap();
    assert!(message.contains("no own position matches"), "{message}");
    let strip = |mut rows: Vec<crate::emulated::Row>| {
        for row in &mut rows {
            row.remove("changed_ms");
        }
        rows
    };
    assert_eq!(strip(whole.terminal.truth("positions")), strip(others));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_plain_name_finds_the_brokers_symbol() {
    let whole = Whole::start(Kind::Pipe).await;
    let gold = json!({"symbol": "XAUUSD", "type": "SELL", "volume": 0.1, "stopLoss": 2450});
    let opened = whole.executes("OPEN_POSITION", gold).await;
    let message = opened["message"].as_str().unwrap();
    assert!(message.contains("XAUUSD.r filled"), "{message}");
    assert!(message.contains("ordered as XAUUSD"), "{message}");
    assert_eq!(whole.entries()[0]["sym"], "XAUUSD.r");
    // The twin that cannot be traded is not taken for EURUSD.
    whole.open(buy()).await;
    assert_eq!(whole.entries()[1]["sym"], "EURUSD");
    let reason = whole
        .fails(
            "OPEN_POSITION",
            json!({"symbol": "NOSUCH", "type": "BUY", "volume": 0.1}),
        )
        .await;
    assert!(reason.contains("no symbol for NOSUCH"), "{reason}");
    whole
        .executes("CLOSE_BY_SYMBOL", json!({"symbol": "XAUUSD"}))
        .await;
    assert_eq!(whole.own_positions().len(), 1);
}

/// The practice platform's own strategy, warmed up on the terminal's history, trades at the close of a bar.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_strategy_is_warmed_up_and_trades() {
    let options = Options::default().setup("late_history on");
    let whole = Whole::with(Kind::Pipe, options).await;
    let start = whole.platform.world.activate(SCALPER).await.unwrap();
    whole.platform.is_executed(&start, LONG).await;
    let message = whole.platform.message(&start);
    assert!(message.contains("running"), "{message}");
    // Down and up by more than the averages' distance: one of the two makes them cross.
    let began = Instant::now();
    let mut up = false;
    while whole.entries().is_empty() {
        assert!(
            began.elapsed() < Duration::from_secs(250),
            "the strategy never traded: {}",
            whole.executor.printed()
        );
        up = !up;
        let bid = if up { "1.10400" } else { "1.09600" };
        let ask = if up { "1.10410" } else { "1.09610" };
        whole.terminal.cmd(&format!("price EURUSD {bid} {ask}"));
        let minute = jiff::Timestamp::now().as_second() / 60;
        // A quote every second, as a market has, until the minute is over.
        while jiff::Timestamp::now().as_second() / 60 == minute {
            tokio::time::sleep(Duration::from_millis(800)).await;
            whole.terminal.cmd(&format!("price EURUSD {bid} {ask}"));
        }
        tokio::time::sleep(Duration::from_millis(600)).await;
    }
    let entry = &whole.entries()[0];
    assert_eq!(entry["sym"], "EURUSD");
    assert!(is(entry, "vol", 0.01), "{entry:?}");
    let magic: u64 = entry["magic"].parse().unwrap();
    assert_ne!(magic >> 40 & 0xFFFF, 0, "the deal names its strategy");
    let position = &whole.own_positions()[0];
    assert!(!is(position, "sl", 0.0), "{position:?}");
    assert!(!is(position, "tp", 0.0), "{position:?}");
    let strategy = whole.platform.world.strategy_id(SCALPER).unwrap();
    whole
        .executes(
            "STOP_STRATEGY",
            json!({"strategyId": strategy, "closePositions": true}),
        )
        .await;
    assert!(whole.own_positions().is_empty());
}
