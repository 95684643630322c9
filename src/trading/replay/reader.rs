//! Reads a history file bar by bar, packed or not, without holding more than a line of it.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Read};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use flate2::read::MultiGzDecoder;
use jiff::Timestamp;

use super::clock::ServerClock;
use super::continuity::Continuity;
use super::field::{self, Moment};
use super::layout::{Layout, MOST_COLUMNS};
use crate::market::{Bar, Timeframe};

const BUFFER: usize = 1 << 18;
/// No line of a history is longer.
const LONGEST_LINE: u64 = 1 << 12;

/// A closed bar with what the history says of its spread.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct HistoryBar {
    pub bar: Bar,
    /// In points; `None` when the history has no such column.
    pub spread_points: Option<u32>,
    /// The server's clock minus UTC, in seconds.
    pub offset_s: i64,
}

/// Why a history cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum HistoryError {
    #[error("{file}: {source}")]
    Io { file: String, source: io::Error },
    #[error("{file}, line {line}, column {column}: found {found}, expected {expected}")]
    BadLine {
        file: String,
        line: u64,
        /// In characters, from 1.
        column: usize,
        found: String,
        expected: String,
    },
    #[error("{0}")]
    Unsuitable(String),
}

/// The bars of one file, oldest first. Bars that come twice are counted and left out; disorder is an error.
pub struct BarReader {
    file: String,
    input: Box<dyn BufRead>,
    line: Vec<u8>,
    number: u64,
    layout: Option<Layout>,
    /// The line at hand is a bar that was read while looking for a header.
    kept: bool,
    clock: ServerClock,
    timeframe: Option<Timeframe>,
    last: i64,
    /// Bars up to here came from the file before.
    known: i64,
    pub continuity: Continuity,
}

impl std::fmt::Debug for BarReader {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("BarReader")
            .field("file", &self.file)
            .field("line", &self.number)
            .finish_non_exhaustive()
    }
}

/// Counts the bytes that were read of a file.
struct Counting<R> {
    inner: R,
    read: Arc<AtomicU64>,
}

impl<R: Read> Read for Counting<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.inner.read(buffer)?;
        self.read.fetch_add(count as u64, Ordering::Relaxed);
        Ok(count)
    }
}

impl BarReader {
    /// `read` counts the bytes taken from the file, for whoever shows progress.
    ///
    /// # Errors
    /// The file cannot be opened.
    pub fn open(
        path: &Path,
        clock: ServerClock,
        timeframe: Option<Timeframe>,
        read: Arc<AtomicU64>,
    ) -> Result<Self, HistoryError> {
        let name = path.display().to_string();
        let file = File::open(path).map_err(|source| HistoryError::Io {
            file: name.clone(),
            source,
        })?;
        let counted = Counting { inner: file, read };
        let packed = path
            .extension()
            .is_some_and(|end| end.eq_ignore_ascii_case("gz"));
        let input: Box<dyn BufRead> = if packed {
            let unpacked = MultiGzDecoder::new(BufReader::with_capacity(BUFFER, counted));
            Box::new(BufReader::with_capacity(BUFFER, unpacked))
        } else {
            Box::new(BufReader::with_capacity(BUFFER, counted))
        };
        Ok(Self::new(name, input, clock, timeframe))
    }

    /// Reads from anything, under a name for messages. Without a timeframe, how far bars are apart is not checked.
    pub fn new(
        file: String,
        input: Box<dyn BufRead>,
        clock: ServerClock,
        timeframe: Option<Timeframe>,
    ) -> Self {
        Self {
            file,
            input,
            line: Vec::with_capacity(256),
            number: 0,
            layout: None,
            kept: false,
            clock,
            timeframe,
            last: i64::MIN,
            known: i64::MIN,
            continuity: Continuity::default(),
        }
    }

    /// Goes on where another file ended: its bars do not come again.
    pub const fn continue_after(&mut self, second: i64) {
        self.known = second;
    }

    /// The next bar; `None` at the end.
    ///
    /// # Errors
    /// The first line that is not what it must be; nothing after it is read.
    pub fn next_bar(&mut self) -> Result<Option<HistoryBar>, HistoryError> {
        if self.layout.is_none() && !self.read_layout()? {
            return Ok(None);
        }
        loop {
            if !std::mem::take(&mut self.kept) && !self.read_line()? {
                return Ok(None);
            }
            if self.line.is_empty() {
                continue;
            }
            let read = self.parse()?;
            let second = read.bar.time.as_second();
            if second == self.last {
                self.continuity.duplicates += 1;
                continue;
            }
            self.check_order(second)?;
            let before = self.last.max(self.known);
            self.last = second;
            if second <= self.known {
                self.continuity.duplicates += 1;
                continue;
            }
            let step = self.timeframe.map(Timeframe::seconds);
            self.continuity.take(before, second, step);
            return Ok(Some(read));
        }
    }

    fn check_order(&self, second: i64) -> Result<(), HistoryError> {
        if self.last == i64::MIN {
            return Ok(());
        }
        let apart = second - self.last;
        if apart < 0 {
            return Err(self.bad(0, "a time after the bar before; the bars must be in order"));
        }
        if let Some(timeframe) = self.timeframe
            && apart < timeframe.seconds()
        {
            let wanted = format!(
                "a bar of {timeframe}, at least {} minutes after the one before",
                timeframe.minutes()
            );
            return Err(self.bad(0, &wanted));
        }
        Ok(())
    }

    /// `false` at the end of the file.
    fn read_line(&mut self) -> Result<bool, HistoryError> {
        self.line.clear();
        let mut limited = (&mut self.input).take(LONGEST_LINE);
        let count = limited
            .read_until(b'\n', &mut self.line)
            .map_err(|source| HistoryError::Io {
                file: format!("{}, after line {}", self.file, self.number),
                source,
            })?;
        if count == 0 {
            return Ok(false);
        }
        self.number += 1;
        if count as u64 == LONGEST_LINE && self.line.last() != Some(&b'\n') {
            self.line.truncate(40);
            return Err(self.bad(
                0,
                "a line of a history, which is shorter than 4096 characters",
            ));
        }
        while let Some(b'\n' | b'\r' | b' ') = self.line.last() {
            self.line.pop();
        }
        Ok(true)
    }

    fn read_layout(&mut self) -> Result<bool, HistoryError> {
        loop {
            if !self.read_line()? {
                return Ok(false);
            }
            if let Some(plain) = self.line.strip_prefix(&[0xEF, 0xBB, 0xBF]) {
                self.line = plain.to_vec();
            }
            if !self.line.is_empty() {
                break;
            }
        }
        if matches!(self.line.as_slice(), [0xFF, 0xFE, ..] | [0xFE, 0xFF, ..]) {
            self.line.clear();
            return Err(self.bad(
                0,
                "text in UTF-8 or ASCII; this file is UTF-16, save it anew",
            ));
        }
        let (layout, header) = Layout::of(&self.line).map_err(|wanted| self.bad(0, &wanted))?;
        self.layout = Some(layout);
        self.kept = !header;
        Ok(true)
    }

    fn parse(&mut self) -> Result<HistoryBar, HistoryError> {
        let Some(layout) = &self.layout else {
            return Err(self.bad(0, "a header"));
        };
        let mut fields = [(0, 0); MOST_COLUMNS];
        let count = split(&self.line, layout.separator, &mut fields);
        if count < layout.needed() {
            let wanted = format!("{} columns, found {count}", layout.needed());
            return Err(self.bad(self.line.len(), &wanted));
        }
        let line = self.line.as_slice();
        let field = |at: usize| trimmed(&line[fields[at].0..fields[at].1]);
        let moment = match layout.time {
            Some(time) => {
                let Some(day) = field::date(field(layout.date)) else {
                    return Err(self.bad(fields[layout.date].0, "a date like 2024.01.31"));
                };
                let Some(second) = field::time(field(time)) else {
                    return Err(self.bad(fields[time].0, "a time like 08:15 or 08:15:00"));
                };
                Moment::Server(day + second)
            }
            None => match field::moment(field(layout.date)) {
                Some(moment) => moment,
                None => {
                    let wanted = "a moment like 2024-01-31 08:15 or seconds since 1970";
                    return Err(self.bad(fields[layout.date].0, wanted));
                }
            },
        };
        let mut prices = [0.0; 4];
        for (price, at) in prices.iter_mut().zip(layout.prices) {
            *price = match field::number(field(at)) {
                Some(number) if number > 0.0 && number < 1e12 => number,
                _ => return Err(self.bad(fields[at].0, "a price above zero")),
            };
        }
        let [open, high, low, close] = prices;
        if high < low || !(low..=high).contains(&open) || !(low..=high).contains(&close) {
            let wanted = "a high that no other price is above and a low that none is below";
            return Err(self.bad(fields[layout.prices[1]].0, wanted));
        }
        let whole = |at: Option<usize>| at.filter(|at| *at < count).map(|at| (at, field(at)));
        let mut tick_volume = 0;
        if let Some((at, text)) = whole(layout.volume) {
            tick_volume = field::count(text)
                .ok_or_else(|| self.bad(fields[at].0, "a volume, zero or more"))?;
        }
        let mut spread_points = None;
        if let Some((at, text)) = whole(layout.spread) {
            let points = field::count(text).and_then(|points| u32::try_from(points).ok());
            spread_points =
                Some(points.ok_or_else(|| self.bad(fields[at].0, "a spread in points"))?);
        }
        let (last, date) = (self.last, fields[layout.date].0);
        // A column may say in its name whose clock it is.
        let moment = match moment {
            Moment::Server(second) if layout.is_utc => Moment::Utc(second),
            moment => moment,
        };
        let utc = match moment {
            Moment::Utc(second) => self.clock.at_utc(second).map(|()| second),
            Moment::Server(second) => self.clock.to_utc(second, last),
        };
        let time = utc.and_then(|second| Timestamp::from_second(second).ok());
        let Some(time) = time else {
            return Err(self.bad(date, "a moment that the server's clock has"));
        };
        Ok(HistoryBar {
            bar: Bar {
                time,
                open,
                high,
                low,
                close,
                tick_volume,
            },
            spread_points,
            offset_s: self.clock.offset_s(),
        })
    }

    /// What is wrong at this byte of the line at hand.
    fn bad(&self, at: usize, expected: &str) -> HistoryError {
        let separator = self
            .layout
            .as_ref()
            .map_or(b'\n', |layout| layout.separator);
        let rest = self.line.get(at..).unwrap_or_default();
        let field = rest.split(|byte| *byte == separator).next();
        let text = String::from_utf8_lossy(field.unwrap_or_default());
        let shown: String = text.chars().filter(|c| !c.is_control()).take(40).collect();
        let before = self.line.get(..at).unwrap_or_default();
        HistoryError::BadLine {
            file: self.file.clone(),
            line: self.number,
            column: String::from_utf8_lossy(before).chars().count() + 1,
            found: if shown.is_empty() {
                "nothing".to_owned()
            } else {
                format!("\"{shown}\"")
            },
            expected: expected.to_owned(),
        }
    }
}

fn split(line: &[u8], separator: u8, fields: &mut [(usize, usize); MOST_COLUMNS]) -> usize {
    let mut from = 0;
    let mut count = 0;
    for (at, byte) in line.iter().enumerate() {
        if *byte == separator {
            fields[count] = (from, at);
            count += 1;
            from = at + 1;
            if count == MOST_COLUMNS {
                return count;
            }
        }
    }
    fields[count] = (from, line.len());
    count + 1
}

fn trimmed(field: &[u8]) -> &[u8] {
    match field {
        [b' ' | b'"', ..] | [.., b' ' | b'"'] => {
            let text = field.trim_ascii();
            text.strip_prefix(b"\"")
                .and_then(|text| text.strip_suffix(b"\""))
                .unwrap_or(text)
        }
        _ => field,
    }
}
