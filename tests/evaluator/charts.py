"""Values of series at the close of each bar, by docs/rules.md, sections 1 and 2."""

import numpy as np
import pandas as pd
import talib

from names import TIMEFRAMES

COLUMNS = ["open", "high", "low", "close", "volume"]
SUNDAY = 4 * 86400  # 1 January 1970 was a Thursday.


def period_starts(local, timeframe):
    """Where the periods begin that hold these moments, by the broker's clock."""
    length, shift = TIMEFRAMES[timeframe], SUNDAY if timeframe == "W1" else 0
    return (local + shift) // length * length - shift


def higher_bars(bars, own, timeframe, terminal):
    """The bars of a higher timeframe, and for each own bar how many of them count at its close."""
    local = (bars.time + bars.offset).to_numpy()
    starts = period_starts(local, timeframe)
    reaches = local + TIMEFRAMES[own] >= starts + TIMEFRAMES[timeframe]
    rows = bars.assign(start=starts, row=np.arange(len(bars)), reaches=reaches)
    # What comes after a period has been closed is in no bar.
    rows = rows[rows.groupby("start").reaches.cumsum() - rows.reaches == 0]
    built = rows.groupby("start", sort=True).agg(
        open=("open", "first"), high=("high", "max"), low=("low", "min"), close=("close", "last"), volume=("volume", "sum"),
        row=("row", "last"), reaches=("reaches", "last")).reset_index()
    built = built.assign(local=built.start, counts_from=np.where(built.reaches, built.row, built.row + 1))
    if local[0] != starts[0]:
        built = built[1:]
    if terminal is not None:
        # The terminal's bars before the first that is built; they count once they have closed, by the own bar that closes them.
        past = terminal.assign(local=terminal.time + terminal.offset)
        past = past[past.local < (built.local.iloc[0] if len(built) else local[-1])]
        closes = (past.local + TIMEFRAMES[timeframe]).to_numpy()
        past = past.assign(counts_from=np.searchsorted(local + TIMEFRAMES[own], closes, "left"))
        built = pd.concat([past, built])
    built = built[built.counts_from < len(bars)].reset_index(drop=True)
    return built, np.searchsorted(built.counts_from, np.arange(len(bars)), "right")


def shifted(values, by):
    out = np.full(len(values), np.nan)
    out[by:] = values[:len(values) - by]
    return out


def from_bar(values, count):
    """Nothing before the bar with this number, counted from one."""
    out = values.copy()
    out[:count - 1] = np.nan
    return out


def vwap(bars):
    typical = (bars.high + bars.low + bars.close) / 3.0
    day = bars.local // 86400
    traded = (typical * bars.volume).groupby(day).cumsum()
    volume = bars.volume.groupby(day).cumsum()
    return np.where(volume > 0, traded / volume.where(volume > 0), typical)


def squeeze_age(width):
    out = np.full(len(width), np.nan)
    for at in range(49, len(width)):
        window = width[at - 49:at + 1][::-1]
        if np.isfinite(window[-1]):
            out[at] = np.argmax(window <= window.min() + 1e-9)
    return out


def middle(bars, count):
    return (bars.high.rolling(count).max() + bars.low.rolling(count).min()).to_numpy() / 2.0


def rsi(close, period):
    """TA-Lib's, but where its averages are so small that the C library takes them for nothing: there by the formula."""
    out = talib.RSI(close, period)
    changes = np.diff(close)
    if len(changes) < period:
        return out
    gain, loss = np.maximum(changes, 0.0), np.maximum(-changes, 0.0)
    up, down = gain[:period].mean(), loss[:period].mean()
    for at in range(period, len(close)):
        if at > period:
            up = (up * (period - 1) + gain[at - 1]) / period
            down = (down * (period - 1) + loss[at - 1]) / period
        if up + down < 1e-12:
            out[at] = 100.0 * up / (up + down) if up + down > 0.0 else 50.0
    return out


def compute(series, bars):
    """One number per bar, NaN where there is none yet."""
    o, h, l, c, v = (bars[name].to_numpy(dtype=float) for name in COLUMNS)
    kind, p = series.kind, series.parameters
    plain = {"open": o, "high": h, "low": l, "close": c, "volume": v}
    if kind in plain:
        return plain[kind]
    if not len(c):
        return c
    if kind == "rsi":
        return rsi(c, p[0])
    if kind in ("ema", "sma"):
        return getattr(talib, kind.upper())(c, p[0])
    if kind == "volume_sma":
        return talib.SMA(v, p[0])
    if kind in ("atr", "adx", "cci", "willr"):
        return getattr(talib, kind.upper())(h, l, c, p[0])
    if kind in ("macd", "macd_signal", "macd_histogram"):
        return talib.MACD(c, *p)[("macd", "macd_signal", "macd_histogram").index(kind)]
    if kind in ("stoch_k", "stoch_d"):
        k, slowing, d = p
        return talib.STOCH(h, l, c, k, slowing, 0, d, 0)[("stoch_k", "stoch_d").index(kind)]
    if kind == "sar":
        return talib.SAR(h, l, 0.02, 0.2)
    if kind in ("bb_upper", "bb_middle", "bb_lower", "bb_width", "squeeze_age"):
        upper, mid, lower = talib.BBANDS(c, p[0], p[1], p[1], 0)
        width = (upper - lower) / mid
        return {"bb_upper": upper, "bb_middle": mid, "bb_lower": lower, "bb_width": width,
                "squeeze_age": squeeze_age(width) if kind == "squeeze_age" else None}[kind]
    if kind == "vwap":
        return vwap(bars)
    if kind == "tenkan":
        return from_bar(middle(bars, 9), 52)
    if kind == "kijun":
        return from_bar(middle(bars, 26), 52)
    if kind == "span_a":
        return shifted(from_bar((middle(bars, 9) + middle(bars, 26)) / 2.0, 52), 26)
    if kind == "span_b":
        return shifted(middle(bars, 52), 26)
    if kind == "resistance":
        return bars.high.rolling(p[0]).max().shift(1).to_numpy()
    if kind == "support":
        return bars.low.rolling(p[0]).min().shift(1).to_numpy()
    raise ValueError(f"{kind} is in no table")


class Charts:
    """The bars of one symbol. `terminal` holds the terminal's own higher bars from before the first bar."""

    def __init__(self, bars, own, terminal):
        self.count, self.own, self.cache = len(bars), own, {}
        usable = (np.isfinite(bars[COLUMNS[:4]]).all(axis=1) & (bars[COLUMNS[:4]] > 0).all(axis=1)).to_numpy()
        # Stretches of usable bars; everything begins anew after an unusable one.
        edges = np.flatnonzero(np.diff(np.concatenate([[False], usable, [False]]).astype(int)))
        self.stretches = [(begin, bars.iloc[begin:end].reset_index(drop=True))
                          for begin, end in zip(edges[::2], edges[1::2])]
        self.terminal = terminal

    def chart(self, number, timeframe):
        begin, bars = self.stretches[number]
        key = (number, timeframe)
        if key not in self.cache:
            if timeframe == self.own:
                self.cache[key] = bars.assign(local=bars.time + bars.offset), np.arange(1, len(bars) + 1)
            else:
                terminal = self.terminal.get(timeframe) if begin == 0 else None
                self.cache[key] = higher_bars(bars, self.own, timeframe, terminal)
        return self.cache[key]

    def values(self, source):
        """(before, now) at the close of each bar."""
        key = (source.series.kind, source.series.parameters, source.timeframe, source.earlier)
        if key in self.cache:
            return self.cache[key]
        before, now = np.full(self.count, np.nan), np.full(self.count, np.nan)
        for number, (begin, bars) in enumerate(self.stretches):
            chart, known = self.chart(number, source.timeframe)
            values = np.concatenate([[np.nan], compute(source.series, chart)])[known]
            if source.earlier:
                values = shifted(values, 1)
            now[begin:begin + len(bars)] = values
            before[begin:begin + len(bars)] = shifted(values, 1)
        self.cache[key] = before, now
        return before, now
