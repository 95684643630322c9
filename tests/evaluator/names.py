"""The names of docs/rules.md, section 2: indicators, tokens and timeframes."""

import re
from collections import namedtuple

TIMEFRAMES = {"M1": 60, "M5": 300, "M15": 900, "M30": 1800, "H1": 3600, "H4": 14400, "D1": 86400, "W1": 604800}

# `kind` and `parameters` say what is computed, `unit` what it may be compared with, `keys` which keys said it.
Series = namedtuple("Series", "kind parameters unit keys")


class Refused(Exception):
    """The rules, or a part of them, cannot be followed."""


def normalise(name):
    return re.sub(r"[ \-_]+", "_", name.strip().replace("%", "")).strip("_").lower()


def number(value):
    """A number, also as text; None for anything else."""
    if isinstance(value, bool) or not isinstance(value, (int, float, str)):
        return None
    try:
        return float(value)
    except ValueError:
        return None


def period_of(node, key, usual=None):
    if node.get(key) is None:
        return usual
    value = number(node[key])
    if value is None or value != int(value):
        raise Refused(f"{key} is not a whole number")
    return checked(int(value))


def checked(period):
    if not 2 <= period <= 500:
        raise Refused(f"a period of {period}")
    return period


# name: (what is computed, unit, usual period or None for "must be said")
WITH_PERIOD = {
    "ema": ("ema", "price", None),
    "sma": ("sma", "price", None),
    "ma": ("sma", "price", None),
    "rsi": ("rsi", "percent", 14),
    "atr": ("atr", "difference", 14),
    "adx": ("adx", "percent", 14),
    "cci": ("cci", "index", 14),
    "williams_r": ("willr", "negative percent", 14),
    "willr": ("willr", "negative percent", 14),
    "williams": ("willr", "negative percent", 14),
    "resistance": ("resistance", "price", 20),
    "support": ("support", "price", 20),
    **{name: ("volume_sma", "volume", 20)
       for name in ("volume_ma", "volume_sma", "sma_volume", "average_volume", "avg_volume")},
}
PLAIN = {
    "price": ("close", "price"), "close": ("close", "price"), "open": ("open", "price"),
    "high": ("high", "price"), "low": ("low", "price"),
    "volume": ("volume", "volume"), "tick_volume": ("volume", "volume"),
    "sar": ("sar", "price"), "psar": ("sar", "price"), "parabolic_sar": ("sar", "price"),
    "vwap": ("vwap", "price"),
    **{name: ("tenkan", "price") for name in ("tenkan", "tenkan_sen", "ichimoku_tenkan")},
    **{name: ("kijun", "price") for name in ("kijun", "kijun_sen", "ichimoku_kijun")},
    **{name: ("span_a", "price") for name in ("senkou_a", "senkou_span_a", "ichimoku_senkou_a")},
    **{name: ("span_b", "price") for name in ("senkou_b", "senkou_span_b", "ichimoku_senkou_b")},
}
MACD = {"macd": "macd", "macd_signal": "macd_signal", "macd_histogram": "macd_histogram", "macd_hist": "macd_histogram"}
STOCHASTIC = {
    **{name: "stoch_k" for name in ("stochastic", "stoch", "stochastic_k", "stoch_k")},
    **{name: "stoch_d" for name in ("stochastic_d", "stoch_d")},
}
BANDS = {
    **{name: "bands" for name in ("bollinger_bands", "bollinger", "bb", "bbands")},
    **{name: "bb_upper" for name in ("bollinger_upper", "bb_upper", "upper_band")},
    **{name: "bb_middle" for name in ("bollinger_middle", "bb_middle", "middle_band")},
    **{name: "bb_lower" for name in ("bollinger_lower", "bb_lower", "lower_band")},
}
MACD_KEYS = ("fastPeriod", "slowPeriod", "signalPeriod")
STOCHASTIC_KEYS = ("kPeriod", "dPeriod", "slowing")


def token(name):
    """`h1_high`, `h4_candle`, `d1_trend` → (what, timeframe); `average_volume_1.5x` → ("average volume", 1.5)."""
    found = re.fullmatch(r"(m1|m5|m15|m30|h1|h4|d1|w1)_(high|low|candle|trend)", name)
    if found:
        return found[2], found[1].upper()
    found = re.fullmatch(r"(?:average|avg)_volume_(\d+(?:\.\d+)?)x", name)
    if found and 0 < float(found[1]) <= 100:
        return "average volume", float(found[1])
    return None


def series_of(name, node, period_key):
    """The series that a name means, its lengths from the name or the keys beside it."""
    if not isinstance(name, str):
        raise Refused("not a name")
    plain = normalise(name)
    found = re.fullmatch(r"(.*)_(\d+)", plain)
    base, suffix = (found[1], int(found[2])) if found else (plain, None)

    def period(usual):
        if suffix is not None:
            return checked(suffix)
        said = period_of(node, period_key, usual)
        if said is None:
            raise Refused(f"{name} has no period")
        return said

    if base in WITH_PERIOD:
        kind, unit, usual = WITH_PERIOD[base]
        return Series(kind, (period(usual),), unit, ("period",))
    if base in BANDS:
        kind, length, deviations = BANDS[base], period(20), 2.0
        if node.get("stdDev") is not None:
            deviations = number(node["stdDev"])
            if deviations is None or not 0.1 <= deviations <= 10:
                raise Refused("stdDev")
            deviations = int(round(deviations * 1e6)) // 1000 / 1000
        return Series(kind, (length, deviations), "price", ("period", "stdDev"))
    if suffix is not None:
        raise Refused(f"{name} is not known")
    if base in PLAIN:
        kind, unit = PLAIN[base]
        return Series(kind, (), unit, ())
    if base in MACD:
        fast, slow, signal = (period_of(node, key, usual) for key, usual in zip(MACD_KEYS, (12, 26, 9)))
        if fast >= slow:
            raise Refused("fast is not below slow")
        return Series(MACD[base], (fast, slow, signal), "difference", MACD_KEYS)
    if base in STOCHASTIC:
        k = period_of(node, "kPeriod") or period_of(node, period_key, 14)
        lengths = (k, period_of(node, "slowing", 3), period_of(node, "dPeriod", 3))
        return Series(STOCHASTIC[base], lengths, "percent", STOCHASTIC_KEYS)
    raise Refused(f"{name} is not known")
