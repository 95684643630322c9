//! What a watcher of the market is owed: history first, then every bar once as it closes, in order, and quotes not
//! faster than the eye.

use std::collections::BTreeMap;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

use crate::market::{Quote, TerminalEvent, Timeframe};
use crate::terminal::market::Market;

/// At most four quotes a second for a symbol.
const QUOTE_PAUSE: Duration = Duration::from_millis(250);
/// At most so many bars of a series at once; the rest follows.
const BARS_AT_ONCE: i64 = 500;

#[derive(Debug)]
struct Series {
    /// No bar that opens before this moment is owed any more.
    next: Timestamp,
    /// History that was asked for and not yet sent.
    owed: Option<usize>,
}

#[derive(Debug, Default)]
pub struct Feed {
    series: BTreeMap<(String, Timeframe), Series>,
    quotes: BTreeMap<String, (Duration, Quote)>,
}

impl Feed {
    pub fn watch(&mut self, symbol: String, timeframe: Timeframe, history: usize, now: Timestamp) {
        self.series
            .entry((symbol, timeframe))
            .or_insert_with(|| Series {
                next: forming(timeframe, now),
                owed: None,
            })
            .owed = Some(history);
    }

    pub fn unwatch(&mut self, symbol: &str, timeframe: Timeframe) {
        self.series
            .retain(|(name, frame), _| name != symbol || *frame != timeframe);
        let series = &self.series;
        self.quotes
            .retain(|name, _| series.keys().any(|(watched, _)| watched == name));
    }

    pub fn is_idle(&self) -> bool {
        self.series.is_empty()
    }

    /// The bars that have closed and the history that is owed, in the order of their closing. `true` when there is more.
    pub fn bars(&mut self, market: &Market, now: Timestamp) -> (Vec<TerminalEvent>, bool) {
        let reach = |timeframe: Timeframe, next: Timestamp| {
            next.saturating_add(SignedDuration::from_secs(
                timeframe.seconds() * BARS_AT_ONCE,
            ))
            .unwrap_or(Timestamp::MAX)
        };
        let horizon = self
            .series
            .iter()
            .map(|((_, timeframe), series)| reach(*timeframe, series.next))
            .fold(now, Timestamp::min);
        let mut closed = Vec::new();
        let mut histories = Vec::new();
        for ((symbol, timeframe), series) in &mut self.series {
            for bar in market.closed_bars(symbol, *timeframe, series.next, horizon) {
                let closing = bar.time.as_second() + timeframe.seconds();
                closed.push((
                    closing,
                    TerminalEvent::BarClosed {
                        symbol: symbol.clone(),
                        timeframe: *timeframe,
                        bar,
                    },
                ));
            }
            series.next = series.next.max(forming(*timeframe, horizon));
            if let Some(history) = series.owed.take_if(|_| horizon == now) {
                histories.push(TerminalEvent::Bars {
                    symbol: symbol.clone(),
                    timeframe: *timeframe,
                    bars: market.last_bars(symbol, *timeframe, history, now),
                });
            }
        }
        // Stable: series that close together stay in the order of symbol and timeframe.
        closed.sort_by_key(|(closing, _)| *closing);
        let events = closed
            .into_iter()
            .map(|(_, event)| event)
            .chain(histories)
            .collect();
        (events, horizon < now)
    }

    /// The quotes that changed since they were sent last, each symbol at most every 250 ms of real time.
    pub fn quotes(
        &mut self,
        market: &Market,
        now: Timestamp,
        mono: Duration,
    ) -> Vec<TerminalEvent> {
        let mut symbols: Vec<&String> = self.series.keys().map(|(symbol, _)| symbol).collect();
        symbols.dedup();
        let mut events = Vec::new();
        for symbol in symbols {
            let last = self.quotes.get(symbol);
            if last.is_some_and(|(sent, _)| mono.saturating_sub(*sent) < QUOTE_PAUSE) {
                continue;
            }
            let Some(quote) = market.quote(symbol, now) else {
                continue;
            };
            if last.is_some_and(|(_, known)| *known == quote) {
                continue;
            }
            self.quotes.insert(symbol.clone(), (mono, quote));
            events.push(TerminalEvent::Quote {
                symbol: symbol.clone(),
                quote,
            });
        }
        events
    }

    /// A new connection starts with fresh quotes.
    pub fn forget_quotes(&mut self) {
        self.quotes.clear();
    }
}

/// When the bar that is forming at `now` opened.
fn forming(timeframe: Timeframe, now: Timestamp) -> Timestamp {
    Market::next_close(timeframe, now)
        .saturating_sub(SignedDuration::from_secs(timeframe.seconds()))
        .unwrap_or(now)
}
