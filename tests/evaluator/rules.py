"""From entry rules to comparisons, by docs/rules.md, sections 3 and 4."""

import re
from collections import namedtuple

from names import TIMEFRAMES, Refused, Series, number, normalise, series_of, token

# A series at the close of the strategy's bars; `earlier`: as it stood one bar of the strategy before.
Source = namedtuple("Source", "series timeframe earlier", defaults=(False,))
Line = namedtuple("Line", "source times pips", defaults=(1.0, 0.0))
# `right` is a number, a pair of bounds or a Line.
Comparison = namedtuple("Comparison", "left operator right")
Item = namedtuple("Item", "side comparisons")

OPERATORS = {
    ">": ("greater_than", "gt", ">", "above"),
    ">=": ("greater_than_or_equal", "greater_or_equal", "gte", ">="),
    "<": ("less_than", "lt", "<", "below"),
    "<=": ("less_than_or_equal", "less_or_equal", "lte", "<="),
    "=": ("equals", "equal", "eq", "==", "="),
    "!=": ("not_equals", "not_equal", "ne", "!="),
    "crosses above": ("crosses_above", "breaks_above"),
    "crosses below": ("crosses_below", "breaks_below"),
    "between": ("between",), "outside": ("outside",),
    "bounces": ("bounces_from",), "rejects": ("rejects_from",),
    "squeeze up": ("squeeze_expansion_up",), "squeeze down": ("squeeze_expansion_down",),
    "breaks upper": ("price_breaks_upper",), "breaks lower": ("price_breaks_lower",),
    "bullish": ("bullish",), "bearish": ("bearish",),
    "histogram up": ("histogram_positive",), "histogram down": ("histogram_negative",),
    "k above d": ("k_crosses_above_d",), "k below d": ("k_crosses_below_d",),
}
WORDS = {name: word for word, names in OPERATORS.items() for name in names}
MIRROR = {">": "<", ">=": "<=", "crosses above": "crosses below", "was above": "was below"}
MIRROR |= {other: one for one, other in MIRROR.items()}
# A price or an average of prices: where one is above another, the market rises.
LEADING = ("open", "high", "low", "close", "ema", "sma", "vwap")
UPWARD = (">", ">=", "crosses above", "was above")
# Which series says first where the market goes.
BAR_PRICES = {"close": 0, "open": 1, "high": 2, "low": 2}
LATE_LINES = ("vwap", "sar", "tenkan", "kijun", "span_a", "span_b")
LEADERS = (("macd", "macd_signal"), ("stoch_k", "stoch_d"), ("tenkan", "kijun"), ("span_a", "span_b"))
MIDDLES = {"rsi": 50, "stoch_k": 50, "stoch_d": 50, "willr": -50, "cci": 0, "macd": 0, "macd_signal": 0,
           "macd_histogram": 0}

CLOSE, OPEN = Series("close", (), "price", ()), Series("open", (), "price", ())
HIGH, LOW = Series("high", (), "price", ()), Series("low", (), "price", ())
VOLUME = Series("volume", (), "volume", ())
AVERAGE_VOLUME = Series("volume_sma", (20,), "volume", ("period",))


def ema(period):
    return Series("ema", (period,), "price", ("period",))


def check(left, right):
    """What cannot be compared (R6)."""
    unit = left.series.unit
    if isinstance(right, Line):
        if right.source.series.unit != unit:
            raise Refused("two kinds")
        if same(right.source, left) and right.times == 1:
            raise Refused("with itself")
    elif unit == "price":
        if right <= 0:
            raise Refused("not a price")
        if left.series.kind != "close" and 2 <= right <= 400 and right == int(right):
            raise Refused("a price or a period")
    elif unit == "percent" and not 0 < right < 100:
        raise Refused("not a percentage")
    elif unit == "negative percent" and not -100 < right < 0:
        raise Refused("not between -100 and 0")
    elif unit == "volume" and right < 0:
        raise Refused("not a volume")


def same(one, other):
    return (one.series.kind, one.series.parameters, one.timeframe, one.earlier) == (
        other.series.kind, other.series.parameters, other.timeframe, other.earlier)


class Condition:
    """One condition object without its `and`."""

    def __init__(self, node, own, on, volume_times):
        self.node, self.own, self.on, self.comparisons = node, own, on, []
        self.keys = {"indicator", "condition", "operator", "timeframe", "timeframes", "period", "description",
                     "name", "id", "value", "and", "enabled", "confirmation"}
        if not isinstance(node, dict) or node.get("indicator") is None:
            raise Refused("names no indicator")
        operator = node.get("condition") if node.get("condition") is not None else node.get("operator")
        if not isinstance(operator, str) or normalise(operator) not in WORDS:
            raise Refused(f"operator {operator}")
        for self.timeframe in self.timeframes():
            before = len(self.comparisons)
            self.read(WORDS[normalise(operator)])
            if self.timeframe not in (own, on) and not any(self.here_is(one) for one in self.comparisons[before:]):
                raise Refused("asks for one timeframe and names another")
        if node.get("volumeConfirmation") is True:
            self.keys.add("volumeConfirmation")
            self.add(Source(VOLUME, own), ">", Line(Source(AVERAGE_VOLUME, own), volume_times))
        for key, value in node.items():
            if key not in self.keys and value not in (None, False, "", [], {}):
                raise Refused(f"{key} is not known here")

    def timeframes(self):
        wanted = [self.node["timeframe"]] if self.node.get("timeframe") is not None else []
        several = self.node.get("timeframes")
        if several is not None:
            wanted += several if isinstance(several, list) else [several]
        names = []
        for name in wanted:
            name = self.not_shorter(str(name).strip().upper())
            if name not in names:
                names.append(name)
        return names or [self.not_shorter(self.on)]

    def not_shorter(self, timeframe):
        if timeframe not in TIMEFRAMES or TIMEFRAMES[timeframe] < TIMEFRAMES[self.own]:
            raise Refused(f"timeframe {timeframe}")
        return timeframe

    def add(self, left, operator, right):
        self.comparisons.append(Comparison(left, operator, right))

    def here_is(self, comparison):
        lines = [comparison.left] + ([comparison.right.source] if isinstance(comparison.right, Line) else [])
        return any(line.timeframe == self.timeframe for line in lines)

    def positive(self, key, usual):
        if self.node.get(key) is None:
            return usual
        self.keys.add(key)
        value = number(self.node[key])
        if value is None or value <= 0:
            raise Refused(f"{key} is not above zero")
        return value

    def here(self, series):
        return Source(series, self.timeframe)

    def read(self, word):
        named = token(normalise(self.node["indicator"])) if isinstance(self.node["indicator"], str) else None
        left = None if named else series_of(self.node["indicator"], self.node, "period")
        kind = left.kind if left else None
        if word in ("bullish", "bearish"):
            operator = ">" if word == "bullish" else "<"
            if named and named[0] == "trend":
                timeframe = self.not_shorter(named[1])
                self.add(Source(ema(20), timeframe), operator, Line(Source(ema(50), timeframe)))
            elif kind == "close" or (named and named[0] == "candle"):
                timeframe = self.not_shorter(named[1]) if named else self.timeframe
                self.add(Source(CLOSE, timeframe), operator, Line(Source(OPEN, timeframe)))
            else:
                raise Refused("no candle and no trend")
        elif word in ("squeeze up", "squeeze down") and kind == "bands":
            self.keys |= {"stdDev"}
            band = lambda what, unit="price": self.here(left._replace(kind=what, unit=unit))
            self.add(band("squeeze_age", "index"), "was below", 5.0)
            self.add(band("bb_width", "index"), "rises", 0.0)
            outside = (">", "bb_upper") if word == "squeeze up" else ("<", "bb_lower")
            self.add(self.here(CLOSE), outside[0], Line(band(outside[1])))
        elif word in ("breaks upper", "breaks lower") and kind == "bands":
            self.keys |= {"stdDev"}
            pips = self.positive("minBreakPips", 0.0)
            crosses, line, pips = (("crosses above", "bb_upper", pips) if word == "breaks upper"
                                   else ("crosses below", "bb_lower", -pips))
            self.add(self.here(CLOSE), crosses, Line(self.here(left._replace(kind=line)), 1.0, pips))
        elif word in ("histogram up", "histogram down") and kind in ("macd", "macd_histogram"):
            self.keys |= set(left.keys)
            self.add(self.here(left._replace(kind="macd_histogram")), ">" if word == "histogram up" else "<", 0.0)
        elif word in ("k above d", "k below d") and kind == "stoch_k":
            self.keys |= set(left.keys)
            k, d = self.here(left), self.here(left._replace(kind="stoch_d"))
            crosses, was = ("crosses above", "was below") if word == "k above d" else ("crosses below", "was above")
            self.add(k, crosses, Line(d))
            level = self.positive("fromLevel", None)
            if level is not None:
                check(k, level)
                self.add(k, was, level)
        elif word in ("bounces", "rejects") and kind == "close":
            self.touch(word)
        elif word in ("between", "outside"):
            left = self.left(left, named)
            bounds = self.node.get("value")
            bounds = [number(bound) for bound in bounds] if isinstance(bounds, list) else []
            if len(bounds) != 2 or None in bounds or bounds[0] >= bounds[1]:
                raise Refused("no two bounds")
            for bound in bounds:
                check(left, bound)
            self.add(left, word, tuple(bounds))
        elif word in MIRROR or word in ("=", "!="):
            left = self.left(left, named)
            right = self.right(left)
            check(left, right)
            self.add(left, word, right)
        else:
            raise Refused(f"{word} says nothing about {self.node['indicator']}")

    def left(self, series, named):
        if named and named[0] in ("high", "low"):
            return Source(HIGH if named[0] == "high" else LOW, self.not_shorter(named[1]), True)
        if named or series.kind == "bands":
            raise Refused("not one line")
        self.keys |= set(series.keys)
        return self.here(series)

    def right(self, left):
        value, compared = self.node.get("value"), self.node.get("compareIndicator")
        if (value is None) == (compared is None):
            raise Refused("not one right side")
        if compared is not None:
            self.keys |= {"compareIndicator", "comparePeriod"}
            name, key = compared, "comparePeriod"
        else:
            plain = number(value)
            if plain is not None:
                return plain
            name, key = value, "comparePeriod" if "period" in left.series.keys else "period"
        times, named = 1.0, token(normalise(name)) if isinstance(name, str) else None
        if named and named[0] == "average volume":
            times, source = named[1], self.here(AVERAGE_VOLUME)
        elif named and named[0] in ("high", "low"):
            source = Source(HIGH if named[0] == "high" else LOW, self.not_shorter(named[1]), True)
        else:
            series = None if named else series_of(name, self.node, key)
            if series is None or series.kind == "bands":
                raise Refused("not one line")
            self.keys |= set(series.keys) | {key}
            source = self.here(series)
        return Line(source, times * self.positive("multiplier", 1.0))

    def touch(self, word):
        line = self.right(self.here(CLOSE))
        if not isinstance(line, Line) or line.source.series.unit != "price":
            raise Refused("no line to touch")
        self.keys.add("tolerance")
        pips = self.positive("tolerance", 10.0)
        extreme, beyond = (LOW, ">") if word == "bounces" else (HIGH, "<")
        self.add(self.here(extreme), ">=", line._replace(pips=-pips))
        self.add(self.here(extreme), "<=", line._replace(pips=pips))
        self.add(self.here(CLOSE), beyond, line)
        self.add(self.here(CLOSE), beyond, Line(self.here(OPEN)))


def read_condition(node, own, on, volume_times):
    comparisons, depth = [], 0
    while node is not None:
        depth += 1
        if depth > 8:
            raise Refused("nests too deep")
        comparisons += Condition(node, own, on, volume_times).comparisons
        node = node.get("and")
    return comparisons


SIDES = {"BUY": "buy", "LONG": "buy", "SELL": "sell", "SHORT": "sell"}
AFTER_AN_ORDER = set("""above after and as at because below condition conditions entries entry every from group if in into limit
    on once only or order position rule setup signal signals trade trigger when while""".split())
AFTER_A_SIDE = set("""condition conditions entries entry if once only order position rule rules setup signal signals trade trigger
    when""".split())
IN_A_NAME = set("""breakout breakouts condition conditions continuation criteria entries entry group limit only order position pullback
    pullbacks reversal reversals rule rules scalp scalping setup setups signal signals swing trade trades trigger triggers""".split())
BETWEEN = set("""a be condition conditions if is must on order our position rule setup should signal signals the to trade trigger
    we""".split())
ENDS = set("closed closing closure end ended ending ends exit exited exiting exits liquidate".split())
DONE = set("all half if immediately it now on once order out position the them trade when".split())
MAKES_A_PHRASE = {"term", "dated", "lived", "off", "side"}


def words_of(text):
    return [word.upper() for word in re.split(r"[\W_]+", text) if word]


def tells_of_an_end(words):
    """Whether what follows a direction is about the end of such a position."""
    at = next((at for at, word in enumerate(words) if word not in BETWEEN), None)
    if at is None:
        return False
    word, rest = words[at], words[at + 1:]
    if word in ("close", "closes"):
        return not rest or rest[0] in DONE
    if word == "take":
        return rest[:1] in (["profit"], ["profits"])
    if word == "stop":
        return at > 0 and (not rest or rest[0] in ("loss", "out"))
    left = [one for one in rest if one not in ("from", "of", "the")]
    return word in ENDS and left[:1] not in (["oversold"], ["overbought"])


def side_of(text):
    """The direction that a description begins with."""
    found = re.match(r"[\W_]*([^\W_]+)(.*)", text, re.DOTALL) if isinstance(text, str) else None
    first = SIDES.get(found[1].upper()) if found else None
    if not first:
        return None
    title = words_of(text.split(":")[0])
    if tells_of_an_end([one.lower() for one in words_of(text)][1:]):
        return None
    between, word, rest = re.match(r"([\W_]*)([^\W_]*)(.*)", found[2], re.DOTALL).groups()
    mark = re.match(r"[\W_]*", rest)[0]
    number = bool(re.fullmatch("[0-9]+", word))
    if found[1].upper() in ("LONG", "SHORT"):
        if any(SIDES.get(one, first) != first for one in title):
            return None
        begins = between.strip()[:1]
        if not word or begins == ":":
            return first
        if begins == "(":
            return first if text.rstrip().endswith(")") and text.count("(") == 1 else None
        if begins:
            return None
        return first if word.lower() in AFTER_A_SIDE or (number and mark.strip()[:1] in (":", ")")) else None
    named = [one for one in title[1:] if one not in ("OR", "AND")]
    if named and SIDES.get(named[0], first) != first:
        return None
    if any(one in ("BUY", "SELL") and SIDES[one] != first for one in title):
        return None
    if len(title) > 1 and title[1].lower() in MAKES_A_PHRASE:
        return None
    if between.strip():
        return first if not word or between not in ("-", "/", "'", "\u2019", "_", "\u2011") else None
    if not word or word.lower() in AFTER_AN_ORDER:
        return first
    return first if number and (mark.strip() or mark == "") else None


def side_of_name(name):
    """The direction of a group by its name."""
    words = words_of(name) if isinstance(name, str) else []
    first = SIDES.get(words[0]) if words else None
    says = all(len(word) == 1 or re.fullmatch("[0-9]+", word) or word.lower() in IN_A_NAME for word in words[1:])
    return first if first and says else None


def pace(series):
    """How late a series of prices follows the market; None for others."""
    if series.kind in BAR_PRICES:
        return BAR_PRICES[series.kind]
    if series.kind in ("ema", "sma", "bb_middle"):
        return 2 + series.parameters[0]
    return 1000 if series.kind in LATE_LINES else None


def turns_first(left, right):
    """True when the left one leads, False when the right one does, None when neither is known to."""
    if left.timeframe != right.timeframe or left.earlier or right.earlier:
        return None
    one, other = left.series, right.series
    for quick, slow in LEADERS:
        own = one.parameters == other.parameters
        if (one.kind, other.kind) == (quick, slow):
            return True if own else None
        if (one.kind, other.kind) == (slow, quick):
            return False if own else None
    one, other = pace(one), pace(other)
    if one is None or other is None or one == other or max(one, other) == 2:
        return None
    if max(one, other) == 1000 and min(one, other) > 2:
        return None
    return one < other


def speaks(comparison):
    """True for buying, False for selling, None for neither."""
    if comparison.operator not in MIRROR:
        return None
    up, right = comparison.operator in UPWARD, comparison.right
    if isinstance(right, Line):
        if right.times != 1 or right.pips != 0:
            return None
        first = turns_first(comparison.left, right.source)
        return None if first is None else up == first
    middle = MIDDLES.get(comparison.left.series.kind)
    if middle is None or comparison.operator.startswith("was"):
        return None
    return up if (right <= middle if up else right >= middle) else None


def mirrored(items):
    """The directions of two halves that mirror each other, or None."""
    half = len(items) // 2
    if len(items) % 2 or any(item.side for item in items):
        return None
    pairs = list(zip(items[:half], items[half:]))
    if any(len(one.comparisons) != len(other.comparisons) for one, other in pairs):
        return None
    said, trend = set(), False
    for one, other in ((a, b) for x, y in pairs for a, b in zip(x.comparisons, y.comparisons)):
        numbers = isinstance(one.right, float) and isinstance(other.right, float)
        rights = numbers or one.right == other.right or (
            isinstance(one.right, Line) and isinstance(other.right, Line) and same(one.right.source, other.right.source)
            and one.right[1:] == other.right[1:])
        if not same(one.left, other.left) or MIRROR.get(one.operator) != other.operator or not rights:
            return None
        own = speaks(one)
        said.add(None if own is None or speaks(other) is not (not own) else own)
        line = isinstance(one.right, Line)
        trend |= line and one.left.series.kind in LEADING and one.right.source.series.kind in LEADING
    if not trend or len(said) != 1 or None in said:
        return None
    return ("buy", "sell") if said.pop() else ("sell", "buy")


ABOVE, BELOW = {">": False, ">=": True, "crosses above": False}, {"<": False, "<=": True, "crosses below": False}


def never_together(comparisons):
    """Whether one of them asks for more than another allows."""
    for above in (one for one in comparisons if one.operator in ABOVE):
        for below in (one for one in comparisons if one.operator in BELOW and same(one.left, above.left)):
            both_at = ABOVE[above.operator] and BELOW[below.operator]
            least, most = above.right, below.right
            if isinstance(least, float) and isinstance(most, float):
                if most < least or (most == least and not both_at):
                    return True
            elif isinstance(least, Line) and isinstance(most, Line) and not both_at:
                if same(least.source, most.source) and least[1:] == most[1:]:
                    return True
    return False


def switched_on(nodes):
    if not isinstance(nodes, list):
        raise Refused("no list of conditions")
    nodes = [node for node in nodes if not (isinstance(node, dict) and node.get("enabled") in (False, "false"))]
    if not nodes or len(nodes) > 64:
        raise Refused("no condition, or too many")
    return nodes


def read_list(holder, side):
    """(direction, logic, conditions that are on, confirmations)"""
    nodes = switched_on(holder.get("conditions"))
    logic = holder.get("logic")
    if logic is None and (len(nodes) == 1 or holder.get("action") is not None):
        logic = "AND"
    if not isinstance(logic, str) or logic.strip().upper() not in ("AND", "OR"):
        raise Refused("no logic")
    return side, logic.strip().upper(), nodes, []


def read_primary(entry):
    confirmations = []
    for one in entry.get("confirmation") or []:
        if one.get("required") in (False, "false"):
            continue
        timeframe = str(one.get("timeframe")).strip().upper()
        if timeframe not in TIMEFRAMES or one.get("condition") is None:
            raise Refused("a confirmation without a timeframe or a condition")
        confirmations.append((one["condition"], timeframe))
    return None, "AND", switched_on(entry["primary"]), confirmations


def read_shape(rules):
    entry, ai = rules.get("entry"), rules.get("rules")
    if (entry is None) == (ai is None):
        raise Refused("no entry rules, or two sets")
    if ai is not None:
        groups = []
        for rule in ai:
            action = (rule.get("action") or {}).get("type")
            side = side_of(action)
            if action is not None and side is None:
                raise Refused(f"action {action}")
            groups.append(read_list(rule, side))
        return groups
    if entry.get("conditions") is None and entry.get("groups") is None and entry.get("primary") is not None:
        return [read_primary(entry)]
    if (entry.get("conditions") is None) == (entry.get("groups") is None):
        raise Refused("no conditions, or two sets")
    if entry.get("conditions") is not None:
        return [read_list(entry, None)]
    groups = entry["groups"]
    if len(groups) > 1 and str(entry.get("logic")).strip().upper() != "OR":
        raise Refused("groups that are not alternatives")
    return [read_list(group, side_of_name(group.get("name"))) for group in groups]


def read_entry(rules, own, chosen, volume_times):
    """{"buy": alternatives, "sell": alternatives}, each alternative a list of comparisons. `volume_times` multiplies the average that
    confirms a volume."""
    groups = read_shape(rules)
    if not groups:
        raise Refused("no group")
    found = {"buy": [], "sell": []}
    for group_side, logic, nodes, confirmations in groups:
        items, failed = [], 0
        for node, on in [(node, own) for node in nodes] + confirmations:
            try:
                comparisons = read_condition(node, own, on, volume_times)
                items.append(Item(group_side or side_of(node.get("description")), comparisons))
            except Refused:
                failed += 1
        if logic == "AND":
            if failed:
                if len(groups) == 1:
                    raise Refused("a condition of AND")
                continue
            halves = mirrored(items)
            if halves:
                half = len(items) // 2
                items = [item._replace(side=halves[at >= half]) for at, item in enumerate(items)]
            sides = [side for side in found if any(item.side == side for item in items)]
            if not sides:
                if not chosen:
                    raise Refused("no direction")
                sides = [chosen]
            lists = {side: [one for item in items if item.side in (None, side) for one in item.comparisons] for side in sides}
            if any(never_together(comparisons) for comparisons in lists.values()):
                if len(groups) == 1:
                    raise Refused("conditions that exclude each other")
                continue
            for side, comparisons in lists.items():
                found[side].append(comparisons)
        elif items:
            undirected = all(item.side is None for item in items)
            if undirected and not chosen:
                raise Refused("no direction")
            for item in items:
                side = item.side or (chosen if undirected else None)
                if side:
                    found[side].append(item.comparisons)
    if not found["buy"] and not found["sell"]:
        raise Refused("nothing is left")
    for own, other in (("buy", "sell"), ("sell", "buy")):
        if found[own] and found[other] and all(any(within(wider, one) for wider in found[other]) for one in found[own]):
            raise Refused("a direction that never holds without the other")
    return found


def alike(one, other):
    """Whether two comparisons are one."""
    if one.operator != other.operator or not same(one.left, other.left):
        return False
    lines = [isinstance(comparison.right, Line) for comparison in (one, other)]
    if all(lines):
        return same(one.right.source, other.right.source) and one.right[1:] == other.right[1:]
    return not any(lines) and one.right == other.right


def within(some, all_of):
    """Whether every one of some comparisons is one of the others."""
    return all(any(alike(one, other) for other in all_of) for one in some)
