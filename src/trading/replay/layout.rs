//! Which column of a history file holds what: MetaTrader's export, a CSV file with a header, or MetaTrader 4's without one.

/// Most columns looked at; what comes after is not read.
pub(super) const MOST_COLUMNS: usize = 16;

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Layout {
    pub separator: u8,
    pub date: usize,
    /// `None`: the date's column holds the time too.
    pub time: Option<usize>,
    /// Open, high, low, close.
    pub prices: [usize; 4],
    pub volume: Option<usize>,
    /// In points.
    pub spread: Option<usize>,
    /// The times are UTC by the name of their column, not the server's.
    pub is_utc: bool,
}

impl Layout {
    /// Reads the first line. The flag says whether it is a header, or a bar already.
    ///
    /// # Errors
    /// What was missing in it.
    pub fn of(line: &[u8]) -> Result<(Self, bool), String> {
        let separator = [b'\t', b';', b',']
            .into_iter()
            .find(|separator| line.contains(separator))
            .ok_or("columns separated by tabs, commas or semicolons")?;
        let fields: Vec<String> = line
            .split(|byte| *byte == separator)
            .take(MOST_COLUMNS)
            .map(plain)
            .collect();
        if fields
            .first()
            .is_some_and(|first| first.starts_with(|letter: char| letter.is_ascii_digit()))
        {
            return Self::without_header(separator, &fields).map(|layout| (layout, false));
        }
        Self::by_names(separator, &fields).map(|layout| (layout, true))
    }

    fn without_header(separator: u8, fields: &[String]) -> Result<Self, String> {
        let apart = fields.get(1).is_some_and(|second| second.contains(':'));
        let first = 1 + usize::from(apart);
        if fields.len() < first + 4 {
            return Err("a header, or date, time, open, high, low and close".to_owned());
        }
        Ok(Self {
            separator,
            date: 0,
            time: apart.then_some(1),
            prices: [first, first + 1, first + 2, first + 3],
            volume: (fields.len() > first + 4).then_some(first + 4),
            spread: None,
            is_utc: false,
        })
    }

    fn by_names(separator: u8, fields: &[String]) -> Result<Self, String> {
        let find = |names: &[&str]| {
            names
                .iter()
                .find_map(|name| fields.iter().position(|field| field == name))
        };
        let price = |names: &[&str]| {
            find(names).ok_or_else(|| format!("a header with a column \"{}\"", names[0]))
        };
        let both = find(&["datetime", "timestamp", "date_time", "gmt time", "utc"]);
        let (date, time) = match (both, find(&["date", "day"]), find(&["time", "hour"])) {
            (Some(both), _, _) => (both, None),
            (None, Some(date), time) => (date, time),
            (None, None, Some(time)) => (time, None),
            (None, None, None) => return Err("a header with a column \"date\" or \"time\"".into()),
        };
        let is_utc = ["gmt time", "utc"].contains(&fields[date].as_str());
        Ok(Self {
            separator,
            date,
            time,
            prices: [
                price(&["open", "o"])?,
                price(&["high", "h"])?,
                price(&["low", "l"])?,
                price(&["close", "c"])?,
            ],
            volume: find(&["tickvol", "tick_volume", "tickvolume", "volume", "vol", "v"]),
            spread: find(&["spread"]),
            is_utc,
        })
    }

    /// Columns that a line must have.
    pub fn needed(&self) -> usize {
        let time = self.time.unwrap_or(0);
        self.prices
            .iter()
            .fold(self.date.max(time), |most, at| most.max(*at))
            + 1
    }
}

fn plain(field: &[u8]) -> String {
    String::from_utf8_lossy(field)
        .trim_matches(|letter: char| letter.is_whitespace() || "<>\"'".contains(letter))
        .to_ascii_lowercase()
}
