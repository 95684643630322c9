"""The news calendar and the news filter, by docs/filters.md, "News, correlation, risk sentiment"."""

import csv
import re
from collections import namedtuple
from datetime import datetime, timezone
from math import ceil

import numpy as np

from names import Refused

Event = namedtuple("Event", "second currency impact words")
COLUMNS = {"datetime": "time", "country": "currency", "importance": "impact", "event": "title"}
IMPACTS = {"high": "high", "medium": "medium", "moderate": "medium", "low": "low", "none": "low", "holiday": "low"}
WRITTEN_OUT = {"nfp": (["non", "farm"], ["nonfarm"]), "fomc": (["federal", "funds", "rate"],)}


def words_of(text):
    return [word for word in re.split(r"[\W_]+", text.lower()) if word]


def moment(text):
    text = re.sub(r"^(\d{4})[./](\d\d)[./](\d\d)", r"\1-\2-\3", text.strip())
    time = datetime.fromisoformat(text)
    return int((time if time.tzinfo else time.replace(tzinfo=timezone.utc)).timestamp())


def read_calendar(path):
    text = path.read_text()
    header = text.split("\n", 1)[0]
    separator = next((one for one in ";\t" if one in header), ",")
    rows = csv.reader(text.splitlines(), delimiter=separator)
    names = [COLUMNS.get(name, name) for name in (name.strip().lower() for name in next(rows))]
    events = []
    for row in rows:
        one = dict(zip(names, row))
        time = f"{one['date'].strip()} {one['time'].strip()}" if "date" in one else one["time"]
        events.append(Event(moment(time), one["currency"].strip().upper(), IMPACTS[one["impact"].strip().lower()],
                            set(words_of(one["title"]))))
    return sorted(events, key=lambda event: event.second)


def minutes_of(section, before, after):
    """Seconds before and after; None where neither is said."""
    found = []
    for key in (before, after):
        minutes = section.number(key)
        if minutes is not None and not 0 <= minutes <= 10080:
            raise Refused(f"{key} of {minutes}")
        found.append(None if minutes is None else ceil(minutes) * 60)
    return None if found == [None, None] else [seconds or 0 for seconds in found]


def read_news(section):
    """([(impacts, titles, seconds before, seconds after)], further currencies)"""
    pauses = []
    for key in ("highImpact", "mediumImpact", "lowImpact"):
        part = section.switched(key)
        if part:
            around = minutes_of(part, "pauseMinutesBefore", "pauseMinutesAfter")
            if around is None:
                raise Refused(f"{key} without minutes")
            pauses.append(([key.removesuffix("Impact")], [], *around))
    around = minutes_of(section, "pauseBeforeMinutes", "pauseAfterMinutes")
    impacts = ["high"] if section.flag("highImpactOnly") else ["high", "medium", "low"]
    titles = [words for words in map(words_of, section.names("majorEvents") or []) if words]
    if around:
        pauses.append((impacts, titles, *around))
    elif titles:
        raise Refused("majorEvents without minutes")
    if not pauses:
        raise Refused("no minutes")
    return pauses, [name.strip().upper() for name in section.names("symbols") or []]


def news_pass(filter, events, currencies, second):
    pauses, further = filter
    concerned = {"ALL", *currencies, *further}
    held = np.zeros(len(second) + 1, int)
    for impacts, titles, before, after in pauses:
        titles = titles + [other for title in titles for other in WRITTEN_OUT.get(" ".join(title), ())]
        for event in events:
            if event.currency in concerned and (event.impact in impacts or any(event.words.issuperset(one) for one in titles)):
                held[np.searchsorted(second, event.second - before, "left")] += 1
                held[np.searchsorted(second, event.second + after, "right")] -= 1
    day = second // 86400
    covered = (day >= events[0].second // 86400) & (day <= events[-1].second // 86400)
    return covered & (np.cumsum(held)[:-1] == 0)
