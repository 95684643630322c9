//! The files of a replay: which of them hold the strategy's bars, which its higher timeframes, which are of no use.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::AtomicU64;

use super::clock::ServerClock;
use super::continuity::Continuity;
use super::peers::Place;
use super::reader::{BarReader, HistoryBar, HistoryError};
use super::run::{Replay, Sink};
use super::symbols::named_in;
use crate::market::Timeframe;

/// Bars looked at to tell a file's timeframe.
const LOOKED_AT: usize = 200;

/// Why a replay ended early.
#[derive(Debug, thiserror::Error)]
pub enum ReplayError {
    #[error(transparent)]
    History(#[from] HistoryError),
    #[error("the output cannot be written: {0}")]
    Output(#[from] io::Error),
}

/// A file as its name and its first bars describe it.
#[derive(Debug)]
struct Probe {
    path: PathBuf,
    timeframe: Option<Timeframe>,
    first: i64,
}

/// Files of one timeframe, one after the other.
#[derive(Debug)]
struct Series {
    timeframe: Timeframe,
    clock: ServerClock,
    read: Arc<AtomicU64>,
    /// The next one last.
    rest: Vec<PathBuf>,
    reader: Option<BarReader>,
    last: i64,
    continuity: Continuity,
}

/// All bars of a replay.
#[derive(Debug)]
pub struct History {
    own: Series,
    /// With the bar that comes next.
    higher: Vec<(Series, Option<HistoryBar>)>,
    /// What a correlation filter compares, with the bar that comes next.
    compared: Vec<(Place, Series, Option<HistoryBar>)>,
    /// Files that are not used, and why.
    pub unused: Vec<String>,
    pub has_spread: bool,
}

impl History {
    /// Sorts the files. `read` counts the bytes taken from them.
    ///
    /// # Errors
    /// A file cannot be read, or none has bars of the strategy's symbol and timeframe.
    pub fn open(
        paths: &[PathBuf],
        symbol: &str,
        timeframe: Timeframe,
        higher: &[Timeframe],
        clock: &ServerClock,
        read: &Arc<AtomicU64>,
    ) -> Result<Self, HistoryError> {
        let mut unused = Vec::new();
        let mut probes = Vec::new();
        for path in paths {
            if let Some(other) = other_symbol(path, symbol) {
                unused.push(format!(
                    "{}: bars of {other}, not of {symbol}",
                    path.display()
                ));
                continue;
            }
            probes.push(Probe::of(path, clock)?);
        }
        probes.sort_by_key(|probe| probe.first);
        let series = |wanted: Timeframe| {
            let mut rest: Vec<PathBuf> = probes
                .iter()
                .filter(|probe| probe.timeframe.unwrap_or(timeframe) == wanted)
                .map(|probe| probe.path.clone())
                .collect();
            rest.reverse();
            Series {
                timeframe: wanted,
                clock: clock.clone(),
                read: Arc::clone(read),
                rest,
                reader: None,
                last: i64::MIN,
                continuity: Continuity::default(),
            }
        };
        let own = series(timeframe);
        let higher: Vec<_> = higher
            .iter()
            .map(|timeframe| (series(*timeframe), None))
            .collect();
        for probe in &probes {
            let own_timeframe = probe.timeframe.unwrap_or(timeframe);
            let is_used = own_timeframe == timeframe
                || higher.iter().any(|(one, _)| one.timeframe == own_timeframe);
            if !is_used {
                unused.push(format!(
                    "{}: bars of {own_timeframe}, which the strategy does not look at",
                    probe.path.display()
                ));
            }
        }
        if own.rest.is_empty() {
            let mut text = format!("no file has bars of {symbol} {timeframe}");
            for file in &unused {
                text.push_str("; ");
                text.push_str(file);
            }
            return Err(HistoryError::Unsuitable(text));
        }
        Ok(Self {
            own,
            higher,
            compared: Vec::new(),
            unused,
            has_spread: false,
        })
    }

    /// Adds the files of one timeframe to what is compared. Whether there is any; `usual` is the timeframe of those that do
    /// not tell theirs.
    ///
    /// # Errors
    /// A file cannot be read.
    pub(super) fn add_compared(
        &mut self,
        place: Place,
        paths: &[PathBuf],
        (timeframe, usual): (Timeframe, Timeframe),
        clock: &ServerClock,
    ) -> Result<bool, HistoryError> {
        let mut probes = Vec::new();
        for path in paths {
            let probe = Probe::of(path, clock)?;
            if probe.timeframe.unwrap_or(usual) == timeframe {
                let said = format!("{}: ", path.display());
                self.unused.retain(|unused| !unused.starts_with(&said));
                probes.push(probe);
            } else if matches!(place, Place::Other(_)) {
                self.unused.push(format!(
                    "{}: bars of another timeframe than {timeframe}, which the correlation filter compares",
                    path.display()
                ));
            }
        }
        probes.sort_by_key(|probe| std::cmp::Reverse(probe.first));
        let is_any = !probes.is_empty();
        let series = Series {
            timeframe,
            clock: clock.clone(),
            // What is read for the comparison is small beside the strategy's bars, or the same once more.
            read: Arc::default(),
            rest: probes.into_iter().map(|probe| probe.path).collect(),
            reader: None,
            last: i64::MIN,
            continuity: Continuity::default(),
        };
        self.compared
            .extend(is_any.then_some((place, series, None)));
        Ok(is_any)
    }

    /// What the strategy's own bars lack.
    pub const fn continuity(&self) -> &Continuity {
        &self.own.continuity
    }

    /// Runs a plan over all bars. `passed` is told each bar's number.
    ///
    /// # Errors
    /// A line that is no bar, or an output that cannot be written.
    pub fn run<S: Sink>(
        &mut self,
        replay: &mut Replay,
        sink: &mut S,
        mut passed: impl FnMut(u64),
    ) -> Result<(), ReplayError> {
        for (series, next) in &mut self.higher {
            *next = series.next_bar()?;
        }
        for (_, series, next) in &mut self.compared {
            *next = series.next_bar()?;
        }
        let mut number = 0;
        while let Some(bar) = self.own.next_bar()? {
            let opens = bar.bar.time.as_second();
            for (series, next) in &mut self.higher {
                let length = series.timeframe.seconds();
                while let Some(ready) =
                    next.filter(|next| next.bar.time.as_second() + length <= opens)
                {
                    replay.push_higher(series.timeframe, &ready.bar);
                    *next = series.next_bar()?;
                }
            }
            for (place, series, next) in &mut self.compared {
                let length = series.timeframe.seconds();
                while let Some(ready) =
                    next.filter(|next| next.bar.time.as_second() + length <= opens)
                {
                    replay.push_compared(*place, &ready.bar);
                    *next = series.next_bar()?;
                }
            }
            self.has_spread |= bar.spread_points.is_some();
            if !replay.push(&bar, sink)? {
                break;
            }
            number += 1;
            passed(number);
        }
        self.own.settle();
        replay.finish(sink)?;
        Ok(())
    }
}

impl Series {
    fn next_bar(&mut self) -> Result<Option<HistoryBar>, HistoryError> {
        loop {
            if self.reader.is_none() {
                let Some(path) = self.rest.pop() else {
                    return Ok(None);
                };
                let mut reader = BarReader::open(
                    &path,
                    self.clock.clone(),
                    Some(self.timeframe),
                    Arc::clone(&self.read),
                )?;
                reader.continue_after(self.last);
                self.reader = Some(reader);
            }
            if let Some(reader) = &mut self.reader
                && let Some(bar) = reader.next_bar()?
            {
                self.last = bar.bar.time.as_second();
                return Ok(Some(bar));
            }
            self.settle();
        }
    }

    fn settle(&mut self) {
        if let Some(reader) = self.reader.take() {
            self.continuity.add(&reader.continuity);
        }
    }
}

impl Probe {
    fn of(path: &Path, clock: &ServerClock) -> Result<Self, HistoryError> {
        let mut reader = BarReader::open(path, clock.clone(), None, Arc::default())?;
        let mut first = None;
        let mut last = 0;
        let mut counts = [0_usize; Timeframe::ALL.len()];
        for _ in 0..LOOKED_AT {
            let Some(bar) = reader.next_bar()? else { break };
            let second = bar.bar.time.as_second();
            if first.is_some() {
                let step = second - last;
                if let Some(at) = Timeframe::ALL.iter().position(|one| one.seconds() == step) {
                    counts[at] += 1;
                }
            }
            first.get_or_insert(second);
            last = second;
        }
        let Some(first) = first else {
            let text = format!("{}: there are no bars in it", path.display());
            return Err(HistoryError::Unsuitable(text));
        };
        let by_gaps = Timeframe::ALL
            .into_iter()
            .zip(counts)
            .filter(|(_, count)| *count > 0)
            .max_by_key(|(_, count)| *count)
            .map(|(timeframe, _)| timeframe);
        Ok(Self {
            path: path.to_owned(),
            timeframe: named_timeframe(path).or(by_gaps),
            first,
        })
    }
}

/// MetaTrader's own names say it: `EURUSD_M15_202401020000_202412312345.csv`.
fn named_timeframe(path: &Path) -> Option<Timeframe> {
    name_of(path)
        .split(|letter: char| !letter.is_ascii_alphanumeric())
        .find_map(|word| word.parse().ok())
}

/// The symbol that a file's name names, when it is not the wanted one: one of the usual symbols anywhere in it, or a first
/// word in capitals.
pub(super) fn other_symbol(path: &Path, wanted: &str) -> Option<String> {
    let name = name_of(path);
    let wanted = wanted.to_ascii_uppercase();
    if name.to_ascii_uppercase().contains(&wanted) {
        return None;
    }
    let first = name
        .split(|letter: char| !letter.is_ascii_alphanumeric())
        .next()
        .filter(|word| word.len() >= 5 && !word.contains(|c: char| c.is_ascii_lowercase()))
        .filter(|word| word.starts_with(|c: char| c.is_ascii_uppercase()));
    let named = named_in(&name).or(first)?;
    (!wanted.contains(named)).then(|| named.to_owned())
}

/// Whether a file's name has this symbol in it.
pub(super) fn named(path: &Path, symbol: &str) -> bool {
    let name = name_of(path).to_ascii_uppercase();
    name.contains(&symbol.to_ascii_uppercase())
}

fn name_of(path: &Path) -> String {
    path.file_name()
        .map(|name| name.to_string_lossy().into_owned())
        .unwrap_or_default()
}
