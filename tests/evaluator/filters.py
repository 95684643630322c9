"""Which filters rules have and what each says at every bar, by docs/filters.md.

A verdict is the factor on the volume: 0 holds back, 1 passes; one for a buy and one for a sell.
"""

from collections import namedtuple
from decimal import Decimal
from math import ceil

import numpy as np
import talib

import hours
import news
from names import TIMEFRAMES, Refused, Series
from rules import AVERAGE_VOLUME, CLOSE, VOLUME, Source, ema
from section import Section, is_off, plain_name, timeframe_of, timeframes_of

# What a filter needs to know of the strategy and the computer; `without` are names of `runWithout`.
Setting = namedtuple("Setting", "symbol timeframe calendar without")
# What filters look at: bars, the moments of decisions and their spreads in pips.
Look = namedtuple("Look", "charts second spread pip currencies events")
# `verdict` makes (factors of a buy, factors of a sell) of a look.
Filter = namedtuple("Filter", "kind verdict")

BILLIONTH = 1e-9
CONFIRMING = ["primary", "secondary", "tertiary", "quaternary"]
REGIMES = {
    "trending": ("up", "down"), "trend": ("up", "down"), "trending_up": ("up",), "uptrend": ("up",),
    "trending_down": ("down",), "downtrend": ("down",), "ranging": ("ranging",), "range": ("ranging",), "volatile": ("volatile",),
}


def at_most(values, limit):
    return values <= float(limit) + abs(float(limit)) * BILLIONTH


def at_least(values, limit):
    return values >= float(limit) - abs(float(limit)) * BILLIONTH


def now(look, series, timeframe=None):
    return look.charts.values(Source(series, timeframe or look.charts.own))[1]


def average(kind, period):
    return Series(kind, (period,), "", ())


def both(kind, factors):
    """A filter whose verdict is the same for both directions."""
    def verdict(look):
        found = np.asarray(factors(look), float)
        return found, found
    return Filter(kind, verdict)


def read_session(section, setting):
    sessions, days = hours.read_session(section, setting.symbol)
    if sessions:
        yield both("session", lambda look: hours.session_factor(sessions, hours.Clock(look.second)))
    if days:
        yield both("days", lambda look: hours.days_factor(days, hours.Clock(look.second)))


def read_time(section, _):
    found = hours.read_hours(section)
    yield both("hours", lambda look: hours.hours_pass(found, hours.Clock(look.second)))


def read_spread(section, _):
    most = section.positive("maxSpread", needed=True)
    action, factor = section.action("action", "skip", "reduce_size"), 0.0
    section.flag("adjustForSession")
    if action == "reduce_size":
        factor = section.number("reduceFactor")
        if factor is not None and not 0 < factor < 1:
            raise Refused(f"a factor of {factor}")
        factor = float(factor or 0)
    section.skip("reduceFactor")

    def factors(look):
        return np.where(np.isfinite(look.spread), np.where(at_most(look.spread, most), 1.0, factor), 0.0)
    yield both("spread", factors)


def read_volatility(section, setting):
    least, most = section.positive("minATR"), section.positive("maxATR")
    if least is not None and most is not None and least > most:
        raise Refused("no band")
    period = section.whole("period", 1, 1000) or 14
    section.skip("optimalATRRange")
    action = section.part("action")
    if action:
        for key in ("belowMin", "aboveMax"):
            action.action(key, "skip", "reduce_size")
        action.action("inOptimal", "normal")
    spike = section.switched("volatilitySpike")
    if least is None and most is None and not spike:
        raise Refused("neither band nor spike")
    if least is not None or most is not None:
        def band(look):
            atr = now(look, average("atr", period)) / look.pip
            return np.isfinite(atr) & (True if least is None else at_least(atr, least)) & (
                True if most is None else at_most(atr, most))
        yield both("volatility", band)
    if spike:
        yield read_spike(spike, period, setting)


def read_spike(section, period, setting):
    threshold, minutes = section.positive("threshold", needed=True), section.positive("resumeAfter", needed=True)
    section.action("action", "pause", "skip")
    if threshold <= 1 or threshold * 1000 != int(threshold * 1000):
        raise Refused(f"a threshold of {threshold}")
    pause = ceil(ceil(minutes) / (TIMEFRAMES[setting.timeframe] // 60))
    if pause > 1000:
        raise Refused(f"a pause of {pause} bars")

    def passes(look):
        found = np.zeros(look.charts.count, bool)
        for begin, bars in look.charts.stretches:
            high, low, close = (bars[name].to_numpy(float) for name in ("high", "low", "close"))
            if len(close) < period + 21 or len(close) < pause:
                continue
            atr = talib.ATR(high, low, close, period)
            before = np.lib.stride_tricks.sliding_window_view(atr, 20).mean(axis=1)
            usual = np.concatenate([np.full(20, np.nan), before[:-1]])
            last = np.concatenate([[np.nan], close[:-1]])
            ranges = np.maximum(high, last) - np.minimum(low, last)
            quiet = np.isfinite(usual) & ~(ranges > float(threshold) * usual)
            enough = np.lib.stride_tricks.sliding_window_view(quiet, pause).all(axis=1)
            found[begin + pause - 1:begin + len(close)] = enough
        return found
    return both("spike", passes)


def read_volume(section, _):
    times = section.positive("minVolumeMultiplier", needed=True)
    if not section.flag("required", True):
        return

    def passes(look):
        volume, usual = now(look, VOLUME), now(look, AVERAGE_VOLUME)
        return (usual > 0) & at_least(volume / np.where(usual > 0, usual, 1.0), times)
    yield both("volume", passes)


def read_high_volatility(section):
    if not section.flag("reduceInHighVolatility"):
        return
    threshold = section.positive("volatilityThreshold", needed=True)
    if threshold >= 1:
        raise Refused(f"a threshold of {threshold}")
    yield both("high volatility", lambda look: at_most(now(look, average("atr", 14)) / now(look, CLOSE), threshold))


def trend(timeframes, least):
    def verdict(look):
        up, down = np.zeros(look.charts.count), np.zeros(look.charts.count)
        for timeframe in timeframes:
            fast, slow = now(look, ema(20), timeframe), now(look, ema(50), timeframe)
            up, down = up + (fast > slow), down + (fast < slow)
        return (up >= least).astype(float), (down >= least).astype(float)
    return Filter("trend", verdict)


def read_aligned(section, setting):
    named, confirmations = section.part("timeframes"), section.part("confirmations")
    if named is None or confirmations is None:
        raise Refused("no timeframes or no confirmations")
    values = [named.get(key) for key in CONFIRMING]
    timeframes = timeframes_of([value for value in values if value is not None], setting.timeframe)
    if not timeframes:
        raise Refused("no timeframes")
    confirmations.flag("weightedScore")
    confirmations.skip("weights", "minimumAligned")
    if confirmations.flag("trendAlignment", True):
        yield trend(timeframes, confirmations.whole("minimumAligned", 1, len(timeframes)) or len(timeframes))


def read_higher(section, setting):
    listed = section.items("higherTimeframes")
    if section.flag("confirmationRequired", True):
        timeframes = timeframes_of(listed, setting.timeframe)
        if not timeframes:
            raise Refused("no timeframes")
        yield trend(timeframes, len(timeframes))


def regime_at(look, timeframe):
    """(name, confidence) at each bar; an empty name where it is unknown."""
    ratio = now(look, average("atr", 7), timeframe) / now(look, average("atr", 28), timeframe)
    adx, fast, slow = now(look, average("adx", 14), timeframe), now(look, ema(20), timeframe), now(look, ema(50), timeframe)
    cases = [~np.isfinite(ratio + adx + fast + slow), ratio >= 1.5, (adx >= 25) & (fast > slow), (adx >= 25) & (fast < slow)]
    names = np.select(cases, ["", "volatile", "up", "down"], "ranging")
    trending = np.minimum(2 * adx, 100)
    return names, np.select(cases, [np.nan, np.minimum(100 * ratio / 3, 100), trending, trending], np.maximum(100 - 2 * adx, 0))


def read_regime(section, setting):
    primary = section.get("primaryTimeframe")
    primary = setting.timeframe if primary is None else timeframe_of(primary, setting.timeframe)
    confirming = section.items("confirmationTimeframes")
    confirming = timeframes_of(confirming, setting.timeframe) if section.flag("enableMTFAnalysis", True) else []
    preferred = section.names("preferredRegimes")
    if preferred is None:
        preferred = ["trending", "ranging", "volatile"]
    if not preferred or any(plain_name(name) not in REGIMES for name in preferred):
        raise Refused("no regime, or an unknown one")
    preferred = {one for name in preferred for one in REGIMES[plain_name(name)]}
    least = section.number("minConfidence") or Decimal(0)
    if not 0 <= least <= 100:
        raise Refused(f"a confidence of {least}")
    section.skip("trendPeriod", "trendThreshold", "volatilityPeriod", "volatilityThreshold", "rangePeriod", "rangeThreshold",
                 "weightTrend", "weightVolatility", "weightRange", "enableTransitionDetection", "weekendMode", "regimeSpecific",
                 "lookbackPeriod", "minDataPoints", "updateFrequency")

    def passes(look):
        names, confidence = regime_at(look, primary)
        family = np.where(names == "down", "up", names)
        with np.errstate(invalid="ignore"):
            found = np.isin(names, list(preferred)) & at_least(confidence, least)
        for timeframe in confirming:
            if timeframe != primary:
                other = regime_at(look, timeframe)[0]
                found &= np.where(other == "down", "up", other) == family
        return found
    yield both("regime", passes)


def read_news(section, _):
    found = news.read_news(section)
    yield both("news", lambda look: news.news_pass(found, look.events, look.currencies, look.second))


READERS = {
    "sessionFilter": read_session, "timeFilter": read_time, "spreadFilter": read_spread, "volatilityFilter": read_volatility,
    "volumeConfirmation": read_volume, "regimeDetection": read_regime, "multiTimeframe": read_aligned,
    "multiTimeframeAnalysis": read_higher, "newsFilter": read_news,
}
NEVER = ("riskSentimentMonitor", "mtfSettings")


def holders(rules):
    yield rules
    nested = rules.get("filters")
    if isinstance(nested, dict) and not is_off(nested.get("enabled")):
        yield nested


def switched_on(rules, key):
    found = [holder[key] for holder in holders(rules) if holder.get(key) is not None]
    return [one for one in found if not (isinstance(one, dict) and is_off(one.get("enabled")))]


def read_filters(rules, setting):
    filters = []
    for keys in [["multiTimeframe", "multiTimeframeAnalysis"], *([key] for key in READERS if not key.startswith("multi")),
                 *([key] for key in NEVER)]:
        found = [(key, node) for key in keys for node in switched_on(rules, key)]
        if len(found) > 1:
            raise Refused(f"{keys} twice")
        for key, node in found:
            if (key == "newsFilter" and not setting.calendar) or key in NEVER:
                if {"newsFilter": "news", "riskSentimentMonitor": "riskSentiment"}.get(key) not in setting.without:
                    raise Refused(f"{key} cannot be computed")
            elif not (key == "regimeDetection" and "regime" in setting.without):
                section = Section(node, True)
                filters += READERS[key](section, setting)
                section.close()
    for node in switched_on(rules, "dynamicRisk")[:1]:
        filters += read_high_volatility(Section(node, True))
    return filters


def volume_factor(rules):
    """What conditions that ask for volume multiply the average with."""
    for node in switched_on(rules, "volumeConfirmation"):
        if isinstance(node, dict):
            return float(Section(node).positive("minVolumeMultiplier") or 1)
    return 1.0


def verdicts(filters, look):
    """Two columns for each filter, of a buy and of a sell, and two of all together."""
    columns, whole = [], [np.ones(look.charts.count), np.ones(look.charts.count)]
    with np.errstate(invalid="ignore", divide="ignore"):
        for filter in filters:
            found = filter.verdict(look)
            columns += found
            whole = [one * other for one, other in zip(whole, found)]
    return np.column_stack(columns + whole)
