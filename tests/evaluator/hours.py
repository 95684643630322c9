"""The filters by the clock, by docs/filters.md, "Time"."""

import re
from decimal import Decimal

import numpy as np

from names import Refused
from section import Section, plain_name

SESSIONS = {"sydney": (22, 7), "tokyo": (0, 9), "london": (8, 17), "newyork": (13, 22)}
ALSO = {"asian": "tokyo", "asia": "tokyo"}
PAIRS = {
    "sydney": "AUDUSD NZDUSD".split(),
    "tokyo": "USDJPY EURJPY AUDJPY NZDJPY".split(),
    "london": "EURUSD GBPUSD EURGBP USDCHF".split(),
    "newyork": "EURUSD USDCAD USDJPY GBPUSD".split(),
}
DAYS = ["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"]
WEEKEND = (5, 6)


def day_of(value):
    name = value.strip().lower() if isinstance(value, str) else None
    for number, day in enumerate(DAYS):
        if name in (day, day[:3]):
            return number
    raise Refused(f"day {value}")


def pair_of(symbol):
    return "".join(re.findall("[A-Za-z]", symbol)[:6]).upper()


def minute_of(value):
    found = re.fullmatch(r"\s*(\d{1,2}):(\d{1,2})\s*", value) if isinstance(value, str) else None
    minute = int(found[1]) * 60 + int(found[2]) if found else 1441
    if minute > 1440 or int(found[2]) > 59:
        raise Refused(f"time {value}")
    return minute


class Clock:
    """Days of the week, 0 is Monday, and minutes of the day."""

    def __init__(self, second):
        self.day, self.minute = (second // 86400 + 3) % 7, second % 86400 // 60

    def within(self, begins, ends):
        if begins < ends:
            return (self.minute >= begins) & (self.minute < ends)
        return (self.minute >= begins) | (self.minute < ends)

    def at(self, times):
        found = np.zeros(len(self.day), bool)
        for day, begins, ends in times:
            found |= (self.day == day) & (self.minute >= begins) & (self.minute < ends)
        return found


def read_times(section, key):
    times = []
    for one in section.items(key) or []:
        one = Section(one)
        day, begins, ends = day_of(one.get("day")), one.whole("startHour", 0, 24), one.whole("endHour", 0, 24)
        if begins is None or ends is None or begins >= ends:
            raise Refused(f"{key} without its hours")
        one.skip("description")
        one.close()
        times.append((day, begins * 60, ends * 60))
    return times


def read_session(section, symbol):
    """(sessions with their factors or None, days with their hours and factors or None)"""
    mode = section.get("mode")
    mode = None if mode is None else str(mode).strip().lower()
    if mode not in (None, "weekend", "weekday", "weekdays", "session", "sessions"):
        raise Refused(f"mode {mode}")
    names = []
    for name in section.names("allowedSessions") or []:
        name = plain_name(name).replace("_", "")
        name = ALSO.get(name, name)
        if name not in SESSIONS:
            raise Refused(f"session {name}")
        names.append(name)
    days = section.names("allowedDays")
    if days is None and mode == "weekend":
        raise Refused("a weekend without days")
    if days is not None and not days:
        raise Refused("no day")
    days = None if days is None else {day_of(day) for day in days}
    given = mode == "weekend" or any(section.node.get(key) is not None for key in ("allowedDays", "avoidTimes", "optimalTimes"))
    avoid, best = read_times(section, "avoidTimes"), read_times(section, "optimalTimes")
    if not names and not given:
        raise Refused("no session, day or hour")
    optimal_only = section.flag("useOptimalPairs") if names else section.skip("useOptimalPairs")

    optimal = suboptimal = Decimal(1)
    multipliers = section.part("aggressivenessMultiplier")
    pair = pair_of(symbol)
    listed = any(pair in pairs for pairs in PAIRS.values())
    if multipliers:
        multipliers.skip("suboptimal")
        optimal = multipliers.factor("optimal")
        if best or (names and listed and not optimal_only):
            suboptimal = multipliers.factor("suboptimal")
        if optimal == 0 and (best or not names):
            raise Refused("optimal 0")
    hours = None
    if given:
        of_hours = (optimal, suboptimal) if best else (optimal, optimal) if not names else (Decimal(1), Decimal(1))
        hours = (days, avoid, best, *of_hours)
    if not names:
        return None, hours
    if best:
        optimal = suboptimal = Decimal(1)
    sessions = []
    for name in names:
        suits = not listed or pair in PAIRS[name]
        factor = optimal if suits else Decimal(0) if optimal_only else suboptimal
        if factor > 0:
            sessions.append((name, factor))
    if not sessions:
        raise Refused("no session is left")
    return sessions, hours


def session_factor(sessions, clock):
    found = np.zeros(len(clock.day))
    for name, factor in sessions:
        begins, ends = SESSIONS[name]
        found = np.maximum(found, np.where(clock.within(begins * 60, ends * 60), float(factor), 0.0))
    return found


def days_factor(hours, clock):
    days, avoid, best, inside, outside = hours
    factor = np.where(clock.at(best), float(inside), float(outside)) if best else np.full(len(clock.day), float(inside))
    allowed = ~clock.at(avoid)
    if days is not None:
        allowed &= np.isin(clock.day, list(days))
    return np.where(allowed, factor, 0.0)


def read_hours(section):
    """What the time filter leaves out: (allowed hours, weekends, Friday from, Sunday until)."""
    allowed = section.get("allowedHours")
    if allowed is not None:
        parts = allowed.replace("–", "-").split("-") if isinstance(allowed, str) else []
        if len(parts) != 2:
            raise Refused(f"hours {allowed}")
        allowed = (minute_of(parts[0]), minute_of(parts[1]))
        if allowed[0] == allowed[1]:
            raise Refused("no hours")
    weekends = section.flag("excludeWeekends")
    bounds = []
    for key, bound in (("excludeFriday", "after"), ("excludeSunday", "before")):
        part = section.switched(key)
        bounds.append(None if part is None else minute_of(part.get(bound)))
    if allowed is None and not weekends and bounds == [None, None]:
        raise Refused("no times")
    return allowed, weekends, *bounds


def hours_pass(hours, clock):
    allowed, weekends, friday, sunday = hours
    passes = clock.within(*allowed) if allowed else np.ones(len(clock.day), bool)
    if weekends:
        passes &= ~np.isin(clock.day, WEEKEND)
    if friday is not None:
        passes &= ~((clock.day == 4) & (clock.minute >= friday))
    if sunday is not None:
        passes &= ~((clock.day == 6) & (clock.minute < sunday))
    return passes
