//! Bars and quotes of what is watched. History comes in chunks, one at a time for all series, so that an order never waits
//! behind more than one. Nothing is told of a series before it is whole and synchronised.

use std::collections::BTreeMap;
use std::time::Duration;

use super::Context;
use super::active::{Active, Asked};
use crate::market::{Bar, TerminalEvent, Timeframe};
use crate::terminal::metatrader::message::{BarLine, EndLine, TickLine};
use crate::terminal::metatrader::request;
use crate::terminal::retcode;

/// Bars in one answer (docs/metatrader-link.md, RATES).
const CHUNK: usize = 500;
const FIRST_PAUSE: Duration = Duration::from_millis(500);
const LONGEST_PAUSE: Duration = Duration::from_secs(5);

type Key = (String, Timeframe);

#[derive(Debug, Default)]
pub struct SeriesDesk {
    series: BTreeMap<Key, Series>,
    /// The one chunk that is on its way: its request, its series, its shift, the bars that came.
    chunk: Option<(u64, Key, usize, usize)>,
}

#[derive(Debug)]
struct Series {
    history: usize,
    /// By opening time; only while collecting.
    bars: BTreeMap<i64, BarLine>,
    state: State,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// Bars from this shift on are to be asked for, not before this moment.
    Wanted {
        from: usize,
        not_before: Duration,
        pause: Duration,
    },
    /// Told up to the bar that opened then.
    Told { last: i64 },
    /// The terminal has no such series.
    Impossible,
}

const fn wanted(now: Duration) -> State {
    State::Wanted {
        from: 0,
        not_before: now,
        pause: FIRST_PAUSE,
    }
}

impl Active {
    pub(super) fn watch(
        &mut self,
        symbol: &str,
        timeframe: Timeframe,
        history: usize,
        c: &mut Context<'_>,
    ) {
        let key = (symbol.to_owned(), timeframe);
        self.forget_chunk(&key);
        let new = self
            .series
            .series
            .insert(
                key,
                Series {
                    history,
                    bars: BTreeMap::new(),
                    state: wanted(c.now.mono),
                },
            )
            .is_none();
        if new {
            self.subscribe(symbol, c);
        }
        self.series_tick(c);
    }

    pub(super) fn unwatch(&mut self, symbol: &str, timeframe: Timeframe, c: &mut Context<'_>) {
        let key = (symbol.to_owned(), timeframe);
        self.forget_chunk(&key);
        if self.series.series.remove(&key).is_some() {
            self.subscribe(symbol, c);
        }
    }

    /// Tells the EA the periods of a symbol that are watched now.
    fn subscribe(&mut self, symbol: &str, c: &mut Context<'_>) {
        let timeframes: Vec<Timeframe> = self
            .series
            .series
            .keys()
            .filter(|(other, _)| other == symbol)
            .map(|(_, timeframe)| *timeframe)
            .collect();
        let id = self.ask(
            Asked::Subscription {
                symbol: symbol.to_owned(),
            },
            c,
        );
        let line = if timeframes.is_empty() {
            self.quotes.remove(symbol);
            request::unsubscribe(id, symbol)
        } else {
            request::subscribe(id, symbol, &timeframes)
        };
        self.send(line, c);
    }

    fn forget_chunk(&mut self, key: &Key) {
        if let Some((id, _, _, _)) = self.series.chunk.take_if(|(_, other, _, _)| other == key) {
            self.asked.remove(&id);
        }
    }

    /// Something was lost, or the clock moved: every series is read and told anew.
    pub(super) fn collect_again(&mut self, c: &mut Context<'_>) {
        if let Some((id, _, _, _)) = self.series.chunk.take() {
            self.asked.remove(&id);
        }
        for series in self.series.series.values_mut() {
            if series.state != State::Impossible {
                series.bars.clear();
                series.state = wanted(c.now.mono);
            }
        }
        self.series_tick(c);
    }

    /// Asks for the next chunk when none is on its way.
    pub(super) fn series_tick(&mut self, c: &mut Context<'_>) {
        if self.series.chunk.is_some() {
            return;
        }
        let now = c.now.mono;
        let next = self
            .series
            .series
            .iter()
            .find_map(|(key, series)| match series.state {
                State::Wanted {
                    from, not_before, ..
                } if not_before <= now => Some((key.clone(), from, series.history)),
                _ => None,
            });
        if let Some((key, from, history)) = next {
            let id = self.ask(Asked::Rates, c);
            let count = history.saturating_sub(from).clamp(1, CHUNK);
            self.send(request::rates(id, &key.0, key.1, from, count), c);
            self.series.chunk = Some((id, key, from, 0));
        }
    }

    pub(super) fn rate(&mut self, id: Option<u64>, bar: BarLine) {
        let Some((asked, key, _, came)) = &mut self.series.chunk else {
            return;
        };
        if id == Some(*asked)
            && let Some(series) = self.series.series.get_mut(key)
        {
            *came += 1;
            series.bars.insert(bar.time, bar);
        }
    }

    pub(super) fn rates_told(&mut self, id: u64, end: EndLine, c: &mut Context<'_>) {
        let Some((_, key, from, came)) = self.series.chunk.take_if(|(asked, ..)| *asked == id)
        else {
            return;
        };
        let offset = self.offset_s();
        if let Some(series) = self.series.series.get_mut(&key) {
            if came != end.n || !end.synced {
                series.wait(c.now.mono);
            } else if end.more && end.n > 0 && from + end.n < series.history {
                series.state = State::Wanted {
                    from: from + end.n,
                    not_before: c.now.mono,
                    pause: FIRST_PAUSE,
                };
            } else {
                let bars = series.tell(offset);
                c.emit(TerminalEvent::Bars {
                    symbol: key.0,
                    timeframe: key.1,
                    bars,
                });
            }
        }
        self.series_tick(c);
    }

    pub(super) fn rates_failed(&mut self, id: u64, code: i32, text: &str, c: &mut Context<'_>) {
        let Some((_, key, _, _)) = self.series.chunk.take_if(|(asked, ..)| *asked == id) else {
            return;
        };
        if let Some(series) = self.series.series.get_mut(&key) {
            if code == retcode::UNKNOWN_SYMBOL {
                c.log(
                    true,
                    format!("The terminal has no bars of {}: {text}.", key.0),
                );
                series.state = State::Impossible;
            } else {
                series.wait(c.now.mono);
            }
        }
        self.series_tick(c);
    }

    pub(super) fn bar(&mut self, line: &BarLine, c: &mut Context<'_>) {
        let Some(timeframe) = line.timeframe else {
            return;
        };
        let offset = self.offset_s();
        let key = (line.symbol.clone(), timeframe);
        let Some(series) = self.series.series.get_mut(&key) else {
            return;
        };
        match &mut series.state {
            // One that closed while the history is read belongs to it.
            State::Wanted { .. } => {
                series.bars.insert(line.time, line.clone());
            }
            State::Told { last } if line.time > *last => {
                *last = line.time;
                c.emit(TerminalEvent::BarClosed {
                    symbol: key.0,
                    timeframe,
                    bar: line.bar_at(offset),
                });
            }
            State::Told { .. } | State::Impossible => {}
        }
    }

    pub(super) fn ticked(&mut self, line: &TickLine, c: &mut Context<'_>) {
        let watched = self
            .series
            .series
            .keys()
            .any(|(symbol, _)| *symbol == line.symbol);
        if !watched || self.mending {
            return;
        }
        if let Some(quote) = line.quote_at(self.offset_s()) {
            self.quotes.insert(line.symbol.clone(), (quote, c.now.mono));
            c.emit(TerminalEvent::Quote {
                symbol: line.symbol.clone(),
                quote,
            });
        }
    }
}

impl Series {
    /// The terminal is still loading: asks again later, from the newest on.
    fn wait(&mut self, now: Duration) {
        let pause = match self.state {
            State::Wanted { pause, .. } => pause,
            _ => FIRST_PAUSE,
        };
        self.bars.clear();
        self.state = State::Wanted {
            from: 0,
            not_before: now + pause,
            pause: (pause * 2).min(LONGEST_PAUSE),
        };
    }

    fn tell(&mut self, offset_s: i32) -> Vec<Bar> {
        let lines = std::mem::take(&mut self.bars);
        let last = lines.keys().next_back().copied().unwrap_or(i64::MIN);
        self.state = State::Told { last };
        let extra = lines.len().saturating_sub(self.history);
        lines
            .values()
            .skip(extra)
            .map(|line| line.bar_at(offset_s))
            .collect()
    }
}
