//! What the other evaluator wrote: rules, bars, and what it found at each of them.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use fx_executor::market::{Bar, Side, Timeframe};
use fx_executor::strategy::{Allowances, NewsCalendar};
use serde_json::Value;

use crate::compare::Sides;

/// The bars of a market, each with the broker's clock less UTC in seconds.
pub struct Market {
    pub bars: Vec<(Bar, i64)>,
    /// The terminal's own bars of higher timeframes.
    pub terminal: Vec<(Timeframe, Vec<Bar>)>,
    /// When is decided after each bar, in seconds, and the spread then in points where it is known.
    pub quotes: Vec<(i64, Option<i64>)>,
    pub news: Option<NewsCalendar>,
}

pub struct Case {
    pub name: String,
    pub symbol: String,
    pub timeframe: Timeframe,
    pub pip: f64,
    pub rules: Value,
    pub chosen: Option<Side>,
    pub allowances: Allowances,
    /// Of the symbol: base and profit.
    pub currencies: [String; 2],
    pub refused: Option<String>,
    pub comparisons: usize,
    /// The kinds of filters that the other evaluator follows.
    pub filters: Vec<String>,
    pub market: Arc<Market>,
    folder: PathBuf,
}

/// What was found at each bar, comparison by comparison.
pub struct Found {
    pub truths: Vec<u8>,
    pub lefts: Vec<f64>,
    pub rights: Vec<f64>,
    /// Buys and sells.
    pub signals: Vec<[u8; 2]>,
}

impl Found {
    /// What was compared at a place, and at the bar before, one row of comparisons earlier.
    pub fn sides(&self, place: usize, row: usize) -> Sides {
        let of = |values: &[f64]| {
            let before = place.checked_sub(row).map_or(f64::NAN, |at| values[at]);
            [before, values[place]]
        };
        Sides {
            left: of(&self.lefts),
            right: of(&self.rights),
        }
    }
}

pub fn side_of(name: &str) -> Side {
    if name == "buy" { Side::Buy } else { Side::Sell }
}

impl Case {
    pub fn all(out: &Path) -> Vec<Self> {
        let mut markets = BTreeMap::new();
        let mut folders: Vec<PathBuf> = fs::read_dir(out)
            .unwrap()
            .map(|entry| entry.unwrap().path())
            .filter(|path| path.is_dir())
            .collect();
        folders.sort();
        folders
            .into_iter()
            .map(|folder| {
                let text = fs::read_to_string(folder.join("case.json")).unwrap();
                let case: Value = serde_json::from_str(&text).unwrap();
                let text = |key: &str| case[key].as_str().map(str::to_owned);
                let texts = |key: &str| -> Vec<String> {
                    let items = case[key].as_array().unwrap().iter();
                    items.map(|one| one.as_str().unwrap().to_owned()).collect()
                };
                let allowances = Allowances {
                    news_calendar: case["calendar"].as_bool().unwrap(),
                    ..Allowances::without(&texts("without").join(",")).unwrap()
                };
                let market = markets
                    .entry(text("market").unwrap())
                    .or_insert_with_key(|name| Arc::new(Market::read(out, name)));
                Self {
                    name: text("name").unwrap(),
                    symbol: text("symbol").unwrap(),
                    timeframe: text("timeframe").unwrap().parse().unwrap(),
                    pip: case["pip"].as_f64().unwrap(),
                    rules: case["rules"].clone(),
                    chosen: text("chosen").map(|name| side_of(&name)),
                    allowances,
                    currencies: texts("currencies").try_into().unwrap(),
                    refused: text("refused"),
                    comparisons: usize::try_from(case["comparisons"].as_u64().unwrap()).unwrap(),
                    filters: texts("filters"),
                    market: Arc::clone(market),
                    folder,
                }
            })
            .collect()
    }

    pub fn found(&self) -> Found {
        let bytes = |name: &str| fs::read(self.folder.join(name)).unwrap();
        Found {
            truths: bytes("truth.bin"),
            lefts: self.numbers("left.bin"),
            rights: self.numbers("right.bin"),
            signals: bytes("signal.bin").as_chunks().0.to_vec(),
        }
    }

    /// The factors of each filter on a buy and a sell, and of all of them together, bar by bar.
    pub fn filter_factors(&self) -> Vec<f64> {
        self.numbers("filter.bin")
    }

    fn numbers(&self, name: &str) -> Vec<f64> {
        let bytes = fs::read(self.folder.join(name)).unwrap();
        let numbers = bytes.as_chunks().0.iter();
        numbers.map(|one| f64::from_le_bytes(*one)).collect()
    }
}

impl Market {
    fn read(out: &Path, name: &str) -> Self {
        let terminal = Timeframe::ALL
            .into_iter()
            .filter_map(|timeframe| {
                let path = out.join(format!("{name}-{}.csv", timeframe.name()));
                let bars = path.exists().then(|| read_bars(&path))?;
                Some((timeframe, bars.into_iter().map(|(bar, _)| bar).collect()))
            })
            .collect();
        Self {
            bars: read_bars(&out.join(format!("{name}.csv"))),
            terminal,
            quotes: read_quotes(&out.join(format!("{name}-quotes.csv"))),
            news: Some(read_news(&out.join(format!("{name}-news.csv")))),
        }
    }
}

fn read_bars(path: &Path) -> Vec<(Bar, i64)> {
    let text = fs::read_to_string(path).unwrap();
    text.lines()
        .skip(1)
        .map(|line| {
            let fields: Vec<&str> = line.split(',').collect();
            let price = |at: usize| fields[at].parse::<f64>().unwrap();
            let bar = Bar {
                time: jiff::Timestamp::from_second(fields[0].parse().unwrap()).unwrap(),
                open: price(2),
                high: price(3),
                low: price(4),
                close: price(5),
                tick_volume: fields[6].parse().unwrap(),
            };
            (bar, fields[1].parse().unwrap())
        })
        .collect()
}

fn read_quotes(path: &Path) -> Vec<(i64, Option<i64>)> {
    let text = fs::read_to_string(path).unwrap();
    text.lines()
        .skip(1)
        .map(|line| {
            let (second, points) = line.split_once(',').unwrap();
            let points = points
                .strip_suffix(".0")
                .map(|points| points.parse().unwrap());
            (second.parse().unwrap(), points)
        })
        .collect()
}

fn read_news(path: &Path) -> NewsCalendar {
    let text = fs::read_to_string(path).unwrap();
    NewsCalendar::parse(&text).unwrap()
}
