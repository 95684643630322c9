"""Bars to decide on: random markets with their gaps and clock changes, and bars that break careless arithmetic."""

from collections import namedtuple

import numpy as np
import pandas as pd

from charts import COLUMNS, period_starts
from names import TIMEFRAMES

# `terminal` holds the terminal's own higher bars, by timeframe; `quotes` the moment after each bar at which is decided, and the spread
# then in points (a tenth of a pip each), which may be unknown.
Market = namedtuple("Market", "name symbol timeframe pip bars terminal quotes")

START = 1735855200  # Thursday 2 January 2025, 22:00 UTC: a day of the broker begins.
SUMMER = [(1743296400, 1761440400), (1774746000, 1792890000), (1806195600, 1824944400), (1837645200, 1856394000)]


def offset_at(times):
    """The broker's clock less UTC: two hours, three in Europe's summer."""
    out = np.full(len(times), 7200)
    for begins, ends in SUMMER:
        out[(times >= begins) & (times < ends)] = 10800
    return out


def times_of(random, timeframe, count, start, weekend):
    step = TIMEFRAMES[timeframe]
    times = start // step * step + np.arange(int(count * (2 if weekend else 1.02)) + 50) * step
    local = times + offset_at(times)
    if weekend:
        # Sunday and Saturday by the broker's clock.
        times = times[~np.isin((local // 86400 + 4) % 7, (0, 6))]
    times = times[random.random(len(times)) > 0.004]
    return times[:count]


def walk(random, times, price, sigma, digits):
    count = len(times)
    calm = 0.5 + np.abs(np.sin(np.arange(count) / 700.0)) + random.random(count) * 0.5
    steps = random.normal(0, sigma, count) * calm
    for at in random.integers(0, max(count - 60, 1), count // 600):
        steps[at:at + random.integers(3, 60)] = 0.0
    steps[random.random(count) < 0.002] *= 8
    close = price * np.exp(np.cumsum(steps))
    opened = np.concatenate([[price], close[:-1]]) * np.exp(random.normal(0, sigma / 6, count))
    reach = np.abs(random.normal(0, sigma / 2, (2, count))) * (steps != 0)
    high, low = np.maximum(opened, close) * np.exp(reach[0]), np.minimum(opened, close) * np.exp(-reach[1])
    volume = random.poisson(200 * calm) * (random.random(count) > 0.01)
    return bars_of(times, *(np.round(prices, digits) for prices in (opened, high, low, close)), volume)


def bars_of(times, opened, high, low, close, volume):
    return pd.DataFrame({"time": times, "offset": offset_at(times), "open": opened, "high": high, "low": low,
                         "close": close, "volume": volume.astype(np.int64)})


def terminals(bars, timeframes):
    """A terminal's own bars of these timeframes."""
    out = {}
    for timeframe in timeframes:
        local = bars.time + bars.offset
        groups = bars.assign(start=period_starts(local.to_numpy(), timeframe)).groupby("start")
        found = groups.agg({"offset": "first", "open": "first", "high": "max", "low": "min", "close": "last",
                            "volume": "sum"}).reset_index()
        out[timeframe] = found.assign(time=found.start - found.offset)[list(bars.columns)]
    return out


def broken(random, count):
    """Flat, steep, jumping, empty and unusable bars."""
    times = times_of(random, "M15", count, START, False)
    count = len(times)
    close, part = np.empty(count), max(count // 12, 1)
    for at in range(0, count, part):
        n, kind = min(part, count - at), at // part % 6
        i = np.arange(n)
        close[at:at + n] = (
            np.full(n, 1.1), 1.1 + i * 1e-5, np.where(i % 2, 1.3, 1.1), np.where(i % 97 == 5, 3.3, 1.1),
            1.1 * np.exp(np.cumsum(random.normal(0, 0.02, n)) * 0.5), np.full(n, 145.123),
        )[kind]
    close = np.round(np.maximum(close, 1e-3), 3)
    flat = random.random(count) < 0.3
    reach = np.where(flat, 0.0, np.round(random.random(count) * 0.01, 3))
    low = np.maximum(close - reach, 1e-3)
    volume = np.where(np.arange(count) // part % 3 == 1, 0, random.integers(0, 3, count) * 10**9)
    bars = bars_of(times, close, close + reach, low, close, volume)
    # Unusable: alone, two in a row, with one good bar between, and as the first of all.
    for at, (name, value) in zip(
        [0, count // 3, count // 3 + 1, count // 3 + 3, count // 2, count * 4 // 5],
        [("open", np.nan), ("close", np.inf), ("high", np.nan), ("low", 0.0), ("close", -1.0), ("high", -np.inf)],
    ):
        bars.loc[at, name] = value
    return bars


def quotes(random, bars, timeframe):
    count, length = len(bars), TIMEFRAMES[timeframe]
    late = np.where(random.random(count) < 0.7, 0, random.integers(0, length, count))
    points = random.poisson(14, count) * np.where(random.random(count) < 0.02, 5, 1)
    return pd.DataFrame({"second": bars.time + length + late, "points": np.where(random.random(count) < 0.005, np.nan, points)})


def markets(seed, count):
    for name, symbol, timeframe, pip, bars, terminal in charts_of(seed, count):
        # A generator of its own, so that what is drawn for them changes no bar.
        found = quotes(np.random.default_rng((seed, len(bars), TIMEFRAMES[timeframe])), bars, timeframe)
        yield Market(name, symbol, timeframe, pip, bars, terminal, found)


def charts_of(seed, count):
    random = np.random.default_rng(seed)
    # name, symbol, timeframe, pip, price, sigma, digits, closed at weekends, hours after START
    for name, symbol, timeframe, pip, price, sigma, digits, weekend, hours in [
        ("euro-m5", "EURUSD", "M5", 0.0001, 1.09, 0.0003, 5, True, 0),
        ("euro-m15", "EURUSD", "M15", 0.0001, 1.09, 0.0005, 5, True, 50 * 24 + 7),
        ("euro-h1", "EURUSD", "H1", 0.0001, 1.09, 0.001, 5, True, 3),
        ("euro-h4", "EURUSD", "H4", 0.0001, 1.09, 0.002, 5, True, 0),
        ("gold-m15", "XAUUSD", "M15", 0.1, 2650.0, 0.001, 2, True, 24),
        ("yen-m5", "USDJPY", "M5", 0.01, 148.5, 0.0003, 3, True, 70 * 24 + 1),
        ("bitcoin-h1", "BTCUSD", "H1", 1.0, 60000.0, 0.004, 2, False, 5),
        ("bitcoin-m15", "BTCUSD", "M15", 1.0, 60000.0, 0.002, 2, False, 60 * 24 + 2),
    ]:
        bars = walk(random, times_of(random, timeframe, count, START + hours * 3600, weekend), price, sigma, digits)
        yield name, symbol, timeframe, pip, bars, {}
    # The history of the own timeframe begins late and within longer periods; the terminal has those.
    whole = walk(random, times_of(random, "M15", count * 3 // 2, START, True), 1.09, 0.0005, 5)
    terminal = terminals(whole, ("H1", "H4", "D1"))
    # Within one day of the broker, a quarter of an hour before an H4 bar ends.
    local = (whole.time + whole.offset).to_numpy()
    first = next(at for at in range(len(whole) // 3, len(whole)) if local[at] % 14400 == 9900)
    yield "euro-m15-late", "EURUSD", "M15", 0.0001, whole[first:].reset_index(drop=True), terminal
    yield "broken-m15", "EURUSD", "M15", 0.0001, broken(random, count), {}
    # Long without any move and without a volume at a price whose averages are exact, then a walk.
    bars = walk(random, times_of(random, "M15", min(count, 1500), START, True), 1.25, 0.0005, 5)
    still = bars.index < len(bars) // 2
    bars.loc[still, COLUMNS[:4]] = 1.25
    bars.loc[bars.index < len(bars) // 4, "volume"] = 0
    yield "still-m15", "EURUSD", "M15", 0.0001, bars, {}
