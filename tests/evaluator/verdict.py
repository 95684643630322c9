"""The truth of comparisons and the signal, by docs/rules.md, sections 2 to 4."""

import math

import numpy as np

from names import TIMEFRAMES
from rules import CLOSE, Line, Source

FALSE, TRUE, UNKNOWN = 0, 1, 2


def truth(comparison, charts, pip):
    """(truth, left, right) at each bar."""
    before, now = charts.values(comparison.left)
    right = comparison.right
    if isinstance(right, Line):
        right_before, right_now = (values * right.times + right.pips * pip for values in charts.values(right.source))
    else:
        low, high = right if isinstance(right, tuple) else (right, right)
        right_before, right_now = np.full(charts.count, float(low)), np.full(charts.count, float(high))
    with np.errstate(invalid="ignore"):
        holds = {
            ">": lambda: now > right_now,
            ">=": lambda: now >= right_now,
            "<": lambda: now < right_now,
            "<=": lambda: now <= right_now,
            "=": lambda: np.abs(now - right_now) <= 1e-4,
            "!=": lambda: np.abs(now - right_now) > 1e-4,
            "crosses above": lambda: (before <= right_before) & (now > right_now),
            "crosses below": lambda: (before >= right_before) & (now < right_now),
            "was above": lambda: before > right_before,
            "was below": lambda: before < right_before,
            "between": lambda: (right_before <= now) & (now <= right_now),
            "outside": lambda: (now < right_before) | (now > right_now),
            "rises": lambda: now > before,
        }[comparison.operator]()
        known = np.isfinite(before) & np.isfinite(now) & np.isfinite(right_before) & np.isfinite(right_now)
        if comparison.left.series.unit == "price" and not isinstance(right, Line):
            close = charts.values(Source(CLOSE, charts.own))[1]
            for bound in (right_before, right_now):
                known &= (close / 5.0 <= bound) & (bound <= close * 5.0)
        if comparison.left.series.unit == "difference" and not isinstance(right, Line):
            close = charts.values(Source(CLOSE, charts.own))[1]
            most = close * (0.1 * math.sqrt(TIMEFRAMES[comparison.left.timeframe] / 60 / 1440.0))
            least = 0.0 if comparison.left.series.kind == "atr" else -most
            for bound in (right_before, right_now):
                known &= (least <= bound) & (bound <= most)
    return np.where(known, holds, UNKNOWN).astype(np.uint8), now, right_now


def all_of(truths):
    truths = np.array(truths)
    return np.where((truths == FALSE).any(axis=0), FALSE, np.where((truths == UNKNOWN).any(axis=0), UNKNOWN, TRUE))


def any_of(truths, count):
    if not truths:
        return np.full(count, FALSE)
    truths = np.array(truths)
    return np.where((truths == TRUE).any(axis=0), TRUE, np.where((truths == UNKNOWN).any(axis=0), UNKNOWN, FALSE))


def decide(entry, charts, pip):
    """The truths, lefts and rights of all comparisons, and the signal of each direction."""
    truths, lefts, rights, signals = [], [], [], []
    for side in ("buy", "sell"):
        alternatives = []
        for comparisons in entry[side]:
            found = [truth(one, charts, pip) for one in comparisons]
            truths += [one[0] for one in found]
            lefts += [one[1] for one in found]
            rights += [one[2] for one in found]
            alternatives.append(all_of([one[0] for one in found]))
        signals.append(any_of(alternatives, charts.count).astype(np.uint8))
    return truths, lefts, rights, signals
