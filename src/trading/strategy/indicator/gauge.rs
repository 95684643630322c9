//! Calculators that take one closed bar at a time. TA-Lib's streams give, bit for bit, what its batch functions give for the
//! same bars; what TA-Lib does not have (VWAP, Ichimoku, levels, the age of a squeeze) is counted here from its parts.

use ta_lib::{
    AdxStream, AtrStream, BbandsStream, CciStream, Core, EmaStream, MAType, MacdStream, MaxStream,
    MinStream, RetCode, RsiStream, SarStream, SmaStream, StochStream, WillrStream,
};

use super::spike::Spike;
use super::{Band, Ichimoku, SQUEEZE_BARS, Series};
use crate::market::Bar;

/// Bars by which Ichimoku's spans are shown ahead.
const SPAN_SHIFT: usize = 26;
/// Widths of the bands that differ by less are the same: a billionth of the price, below which roundings decide.
const SAME_WIDTH: f64 = 1e-9;
/// Most numbers that one calculator gives.
pub(in crate::strategy) const MOST_OUTPUTS: usize = 5;

/// The numbers that a calculator gives at a bar; NaN where it gives none.
pub(in crate::strategy) type Outputs = [f64; MOST_OUTPUTS];

/// What a calculator gives before it has begun.
pub(in crate::strategy) const UNKNOWN: Outputs = [f64::NAN; MOST_OUTPUTS];

/// What calculates a series; series with the same one share it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Bar,
    Ema(u32),
    Sma(u32),
    VolumeSma(u32),
    Rsi(u32),
    Macd(u32, u32, u32),
    Atr(u32),
    Adx(u32),
    Cci(u32),
    WilliamsR(u32),
    Sar,
    Vwap,
    Bollinger(u32, u32),
    Stochastic(u32, u32, u32),
    Ichimoku,
    Levels(u32),
    Spike(u32, u32, u32),
}

impl Kind {
    /// The calculator of a series, and which of its numbers the series is.
    const fn of(series: Series) -> (Self, usize) {
        match series {
            Series::Open => (Self::Bar, 0),
            Series::High => (Self::Bar, 1),
            Series::Low => (Self::Bar, 2),
            Series::Price => (Self::Bar, 3),
            Series::Volume => (Self::Bar, 4),
            Series::Ema(period) => (Self::Ema(period), 0),
            Series::Sma(period) => (Self::Sma(period), 0),
            Series::VolumeSma(period) => (Self::VolumeSma(period), 0),
            Series::Rsi(period) => (Self::Rsi(period), 0),
            Series::Macd { fast, slow, signal } => (Self::Macd(fast, slow, signal), 0),
            Series::MacdSignal { fast, slow, signal } => (Self::Macd(fast, slow, signal), 1),
            Series::MacdHistogram { fast, slow, signal } => (Self::Macd(fast, slow, signal), 2),
            Series::Atr(period) => (Self::Atr(period), 0),
            Series::Adx(period) => (Self::Adx(period), 0),
            Series::Cci(period) => (Self::Cci(period), 0),
            Series::WilliamsR(period) => (Self::WilliamsR(period), 0),
            Series::Sar => (Self::Sar, 0),
            Series::Vwap => (Self::Vwap, 0),
            Series::Bollinger {
                period,
                deviations,
                band,
            } => (
                Self::Bollinger(period, deviations),
                match band {
                    Band::Upper => 0,
                    Band::Middle => 1,
                    Band::Lower => 2,
                    Band::Width => 3,
                    Band::SinceNarrowest => 4,
                },
            ),
            Series::StochasticK { k, slowing, d } => (Self::Stochastic(k, slowing, d), 0),
            Series::StochasticD { k, slowing, d } => (Self::Stochastic(k, slowing, d), 1),
            Series::Ichimoku(line) => (
                Self::Ichimoku,
                match line {
                    Ichimoku::Tenkan => 0,
                    Ichimoku::Kijun => 1,
                    Ichimoku::SpanA => 2,
                    Ichimoku::SpanB => 3,
                },
            ),
            Series::Resistance(bars) => (Self::Levels(bars), 0),
            Series::Support(bars) => (Self::Levels(bars), 1),
            Series::SinceSpike {
                period,
                thousandths,
                most,
            } => (Self::Spike(period, thousandths, most), 0),
        }
    }
}

/// A calculator, and the slot in which its numbers stand.
#[derive(Clone, Debug)]
pub(in crate::strategy) struct Gauge {
    kind: Kind,
    pub slot: usize,
    state: State,
}

/// With a tag of its own, which is read at every bar.
#[derive(Clone, Debug)]
#[repr(u8)]
#[expect(
    clippy::large_enum_variant,
    reason = "a handful for each chart, which stay where they are"
)]
enum State {
    /// Too few bars yet.
    Closed,
    Bar,
    Ema(EmaStream),
    Sma(SmaStream),
    VolumeSma(SmaStream),
    Rsi(RsiStream),
    Macd(MacdStream),
    Atr(AtrStream),
    Adx(AdxStream),
    Cci(CciStream),
    WilliamsR(WillrStream),
    Sar(SarStream),
    Vwap(Vwap),
    Bollinger(BbandsStream, Widths),
    Stochastic(StochStream),
    Ichimoku(Box<Cloud>),
    Levels(MaxStream, MinStream),
    Spike(Spike),
}

impl Gauge {
    /// The calculator of a series for this slot, and the place of its number there.
    pub fn of(series: Series, slot: usize) -> (Self, usize) {
        let (kind, output) = Kind::of(series);
        let gauge = Self {
            kind,
            slot,
            state: State::Closed,
        };
        (gauge, output)
    }

    pub fn gives(&self, series: Series) -> Option<usize> {
        let (kind, output) = Kind::of(series);
        (kind == self.kind).then_some(output)
    }

    /// The same calculator without any bars.
    pub const fn begun_anew(&self) -> Self {
        Self {
            kind: self.kind,
            slot: self.slot,
            state: State::Closed,
        }
    }

    pub const fn is_open(&self) -> bool {
        !matches!(self.state, State::Closed)
    }

    /// Takes a bar that closed and puts the numbers at its close into `values`. `history` holds every bar so far, this one last,
    /// until all calculators have begun. `day` counts the broker's days. Prices must be finite.
    pub fn push(&mut self, bar: &Bar, day: i64, history: &[Bar], values: &mut Outputs) {
        if self.is_open() {
            self.take(bar, day, values);
        } else if self.open(history, day, values).is_err() {
            *values = UNKNOWN;
        }
    }

    /// The same, once it has begun.
    #[inline(always)]
    pub fn take(&mut self, bar: &Bar, day: i64, values: &mut Outputs) {
        // Finite prices cannot be refused; should it happen, the value is not known.
        if self.update(bar, day, values).is_err() {
            *values = UNKNOWN;
        }
    }

    #[inline(always)]
    fn update(&mut self, bar: &Bar, day: i64, values: &mut Outputs) -> Result<(), RetCode> {
        match &mut self.state {
            State::Closed => {}
            State::Bar => *values = of_bar(bar),
            State::Ema(stream) => values[0] = stream.update(bar.close)?,
            State::Sma(stream) => values[0] = stream.update(bar.close)?,
            State::VolumeSma(stream) => values[0] = stream.update(volume(bar))?,
            State::Rsi(stream) => values[0] = stream.update(bar.close)?,
            State::Macd(stream) => {
                (values[0], values[1], values[2]) = stream.update(bar.close)?;
            }
            State::Atr(stream) => values[0] = stream.update(bar.high, bar.low, bar.close)?,
            State::Adx(stream) => values[0] = stream.update(bar.high, bar.low, bar.close)?,
            State::Cci(stream) => values[0] = stream.update(bar.high, bar.low, bar.close)?,
            State::WilliamsR(stream) => values[0] = stream.update(bar.high, bar.low, bar.close)?,
            State::Sar(stream) => values[0] = stream.update(bar.high, bar.low)?,
            State::Vwap(vwap) => values[0] = vwap.take(bar, day),
            State::Bollinger(stream, widths) => {
                let lines = stream.update(bar.close)?;
                *values = widths.beside(lines);
            }
            State::Stochastic(stream) => {
                (values[0], values[1]) = stream.update(bar.high, bar.low, bar.close)?;
            }
            State::Ichimoku(cloud) => *values = cloud.take(bar)?,
            State::Levels(highest, lowest) => {
                // Of the bars before this one.
                (values[0], values[1]) = (highest.value(), lowest.value());
                highest.update(bar.high)?;
                lowest.update(bar.low)?;
            }
            State::Spike(spike) => values[0] = spike.take(bar)?,
        }
        Ok(())
    }

    /// Begins as soon as there are bars enough.
    fn open(&mut self, history: &[Bar], day: i64, values: &mut Outputs) -> Result<(), RetCode> {
        let core = Core::new();
        let Some(last) = history.last() else {
            return Ok(());
        };
        let column = |of: fn(&Bar) -> f64| -> Vec<f64> { history.iter().map(of).collect() };
        let close = || column(|bar| bar.close);
        let high = || column(|bar| bar.high);
        let low = || column(|bar| bar.low);
        let enough = |lookback: Result<usize, RetCode>| Ok(history.len() > lookback?);
        self.state = match self.kind {
            Kind::Bar => {
                *values = of_bar(last);
                State::Bar
            }
            Kind::Vwap => {
                let mut vwap = Vwap::default();
                values[0] = vwap.take(last, day);
                State::Vwap(vwap)
            }
            Kind::Ema(period) if enough(core.ema_lookback(length(period)))? => {
                let (stream, value) = core.ema_open(&close(), length(period))?;
                values[0] = value;
                State::Ema(stream)
            }
            Kind::Sma(period) if enough(core.sma_lookback(length(period)))? => {
                let (stream, value) = core.sma_open(&close(), length(period))?;
                values[0] = value;
                State::Sma(stream)
            }
            Kind::VolumeSma(period) if enough(core.sma_lookback(length(period)))? => {
                let (stream, value) = core.sma_open(&column(volume), length(period))?;
                values[0] = value;
                State::VolumeSma(stream)
            }
            Kind::Rsi(period) if enough(core.rsi_lookback(length(period)))? => {
                let (stream, value) = core.rsi_open(&close(), length(period))?;
                values[0] = value;
                State::Rsi(stream)
            }
            Kind::Macd(fast, slow, signal)
                if enough(core.macd_lookback(length(fast), length(slow), length(signal)))? =>
            {
                let (stream, lines) =
                    core.macd_open(&close(), length(fast), length(slow), length(signal))?;
                (values[0], values[1], values[2]) = lines;
                State::Macd(stream)
            }
            Kind::Atr(period) if enough(core.atr_lookback(length(period)))? => {
                let (stream, value) = core.atr_open(&high(), &low(), &close(), length(period))?;
                values[0] = value;
                State::Atr(stream)
            }
            Kind::Adx(period) if enough(core.adx_lookback(length(period)))? => {
                let (stream, value) = core.adx_open(&high(), &low(), &close(), length(period))?;
                values[0] = value;
                State::Adx(stream)
            }
            Kind::Cci(period) if enough(core.cci_lookback(length(period)))? => {
                let (stream, value) = core.cci_open(&high(), &low(), &close(), length(period))?;
                values[0] = value;
                State::Cci(stream)
            }
            Kind::WilliamsR(period) if enough(core.willr_lookback(length(period)))? => {
                let (stream, value) = core.willr_open(&high(), &low(), &close(), length(period))?;
                values[0] = value;
                State::WilliamsR(stream)
            }
            Kind::Sar if enough(core.sar_lookback(0.02, 0.2))? => {
                let (stream, value) = core.sar_open(&high(), &low(), 0.02, 0.2)?;
                values[0] = value;
                State::Sar(stream)
            }
            Kind::Bollinger(period, deviations) => {
                let away = f64::from(deviations) / 1_000.0;
                let (length, average) = (length(period), MAType::SMA);
                if !enough(core.bbands_lookback(length, away, away, average))? {
                    return Ok(());
                }
                let (stream, lines) = core.bbands_open(&close(), length, away, away, average)?;
                let mut widths = Widths::default();
                *values = widths.beside(lines);
                State::Bollinger(stream, widths)
            }
            Kind::Stochastic(k, slowing, d) => {
                let (k, slowing, d) = (length(k), length(slowing), length(d));
                let average = MAType::SMA;
                if !enough(core.stoch_lookback(k, slowing, average, d, average))? {
                    return Ok(());
                }
                let (stream, lines) =
                    core.stoch_open(&high(), &low(), &close(), k, slowing, average, d, average)?;
                (values[0], values[1]) = lines;
                State::Stochastic(stream)
            }
            Kind::Ichimoku if history.len() >= 52 => {
                let (cloud, lines) = Cloud::open(&core, &high(), &low())?;
                *values = lines;
                State::Ichimoku(Box::new(cloud))
            }
            Kind::Levels(bars) if history.len() >= bars as usize => {
                let (highest, _) = core.max_open(&high(), length(bars))?;
                let (lowest, _) = core.min_open(&low(), length(bars))?;
                State::Levels(highest, lowest)
            }
            Kind::Spike(period, thousandths, most)
                if enough(core.atr_lookback(length(period)))? =>
            {
                let (atr, value) = core.atr_open(&high(), &low(), &close(), length(period))?;
                State::Spike(Spike::new(atr, value, thousandths, most, last))
            }
            _ => State::Closed,
        };
        Ok(())
    }
}

const fn of_bar(bar: &Bar) -> Outputs {
    [bar.open, bar.high, bar.low, bar.close, volume(bar)]
}

#[expect(clippy::cast_precision_loss, reason = "no bar holds 2^53 ticks")]
const fn volume(bar: &Bar) -> f64 {
    bar.tick_volume as f64
}

fn length(period: u32) -> i32 {
    i32::try_from(period).unwrap_or(i32::MAX)
}

/// Volume weighted average price since the broker's midnight.
#[derive(Clone, Debug, Default)]
struct Vwap {
    day: i64,
    traded: f64,
    volume: f64,
}

impl Vwap {
    fn take(&mut self, bar: &Bar, day: i64) -> f64 {
        if day != self.day {
            *self = Self {
                day,
                ..Self::default()
            };
        }
        let typical = (bar.high + bar.low + bar.close) / 3.0;
        self.traded += typical * volume(bar);
        self.volume += volume(bar);
        if self.volume > 0.0 {
            self.traded / self.volume
        } else {
            typical
        }
    }
}

/// The last widths of the bands, newest last.
#[derive(Clone, Debug, Default)]
struct Widths(Vec<f64>);

impl Widths {
    /// The three lines with their width, and the bars since it was narrowest; NaN until so many bars are known.
    fn beside(&mut self, (upper, middle, lower): (f64, f64, f64)) -> Outputs {
        let width = (upper - lower) / middle;
        let most = SQUEEZE_BARS as usize;
        if self.0.len() == most {
            self.0.rotate_left(1);
            self.0.pop();
        }
        self.0.push(width);
        let narrowest = self.0.iter().copied().fold(f64::INFINITY, f64::min);
        let latest = self
            .0
            .iter()
            .rev()
            .position(|known| *known <= narrowest + SAME_WIDTH);
        let since = match latest {
            Some(bars) if self.0.len() == most => u32::try_from(bars).map_or(f64::NAN, f64::from),
            _ => f64::NAN,
        };
        [upper, middle, lower, width, since]
    }
}

/// Ichimoku's lines: middles of the range of 9, 26 and 52 bars.
#[derive(Clone, Debug)]
struct Cloud {
    ranges: [(MaxStream, MinStream); 3],
    /// Spans of the last bars, a ring; the oldest is the one shown under the last bar.
    ahead: [(f64, f64); SPAN_SHIFT],
    next: usize,
}

impl Cloud {
    fn open(core: &Core, high: &[f64], low: &[f64]) -> Result<(Self, Outputs), RetCode> {
        let range = |bars: i32| -> Result<(MaxStream, MinStream), RetCode> {
            Ok((core.max_open(high, bars)?.0, core.min_open(low, bars)?.0))
        };
        let mut cloud = Self {
            ranges: [range(9)?, range(26)?, range(52)?],
            ahead: [(f64::NAN, f64::NAN); SPAN_SHIFT],
            next: 0,
        };
        let lines = cloud.lines();
        Ok((cloud, lines))
    }

    fn take(&mut self, bar: &Bar) -> Result<Outputs, RetCode> {
        for (highest, lowest) in &mut self.ranges {
            highest.update(bar.high)?;
            lowest.update(bar.low)?;
        }
        Ok(self.lines())
    }

    fn lines(&mut self) -> Outputs {
        let middle = |(highest, lowest): &(MaxStream, MinStream)| {
            f64::midpoint(highest.value(), lowest.value())
        };
        let [tenkan, kijun, long] = [
            middle(&self.ranges[0]),
            middle(&self.ranges[1]),
            middle(&self.ranges[2]),
        ];
        let (a, b) = std::mem::replace(
            &mut self.ahead[self.next],
            (f64::midpoint(tenkan, kijun), long),
        );
        self.next = (self.next + 1) % SPAN_SHIFT;
        [tenkan, kijun, a, b, f64::NAN]
    }
}
