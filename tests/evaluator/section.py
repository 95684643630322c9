"""Objects of rules other than entries: what is read of them, by docs/filters.md, "What holds for every filter"."""

from decimal import Decimal, InvalidOperation

from names import TIMEFRAMES, Refused, normalise


def plain_name(value):
    if not isinstance(value, str):
        raise Refused(f"{value} is no name")
    return normalise(value)


def truth_of(value):
    """True and false, also as text or as 1 and 0; None for anything else."""
    if isinstance(value, str):
        return {"true": True, "false": False}.get(value.lower())
    return bool(value) if isinstance(value, (bool, int, float)) and value in (0, 1) else None


def is_off(value):
    return truth_of(value) is False


def asks(value):
    """Whether a key that nobody knows asks for something."""
    if value is None or value is False or value == "" or value == [] or value == {}:
        return False
    if isinstance(value, dict):
        return not is_off(value.get("enabled")) and any(asks(one) for one in value.values())
    if isinstance(value, list) and any(isinstance(one, (dict, list)) for one in value):
        return any(asks(one) for one in value)
    return True


class Section:
    """An object. What is not read of it must ask for nothing when it is closed."""

    def __init__(self, node, switch=False):
        if not isinstance(node, dict):
            raise Refused("no object")
        self.node, self.known, self.parts = node, {"enabled"} if switch else set(), []

    def get(self, key):
        self.known.add(key)
        return self.node.get(key)

    def skip(self, *keys):
        self.known.update(keys)

    def number(self, key):
        value = self.get(key)
        if value is None:
            return None
        if isinstance(value, bool) or not isinstance(value, (int, float, str)):
            raise Refused(f"{key} is no number")
        try:
            found = Decimal(str(value).strip())
        except InvalidOperation:
            raise Refused(f"{key} is no number") from None
        if not found.is_finite():
            raise Refused(f"{key} is no number")
        return found

    def positive(self, key, needed=False):
        found = self.number(key)
        if found is None and needed:
            raise Refused(f"{key} is missing")
        if found is not None and found <= 0:
            raise Refused(f"{key} is not above zero")
        return found

    def factor(self, key):
        """At most 1, which it is where absent."""
        found = self.number(key)
        if found is None:
            return Decimal(1)
        if found < 0:
            raise Refused(f"{key} is below zero")
        return min(found, Decimal(1))

    def whole(self, key, least, most):
        found = self.number(key)
        if found is not None and (found != int(found) or not least <= found <= most):
            raise Refused(f"{key} is not a whole number from {least} to {most}")
        return None if found is None else int(found)

    def flag(self, key, absent=False):
        value = self.get(key)
        found = absent if value is None else truth_of(value)
        if found is None:
            raise Refused(f"{key} is neither true nor false")
        return found

    def items(self, key):
        value = self.get(key)
        if value is not None and not isinstance(value, list):
            raise Refused(f"{key} is no list")
        return value

    def names(self, key):
        items = self.items(key)
        if any(not isinstance(one, str) for one in items or []):
            raise Refused(f"{key} holds what is no name")
        return items

    def part(self, key):
        """An object within, or None."""
        if self.get(key) is None:
            return None
        self.parts.append(Section(self.node[key]))
        return self.parts[-1]

    def switched(self, key):
        """An object within that may be off; None then, too."""
        value = self.get(key)
        if value is None or (isinstance(value, dict) and is_off(value.get("enabled"))):
            return None
        self.parts.append(Section(value, True))
        return self.parts[-1]

    def action(self, key, *known):
        value = self.get(key)
        if value is not None and plain_name(value) not in known:
            raise Refused(f"action {value}")
        return None if value is None else plain_name(value)

    def close(self):
        for key, value in self.node.items():
            if key not in self.known and asks(value):
                raise Refused(f"{key} is not known")
        for part in self.parts:
            part.close()


def timeframe_of(value, own):
    name = value.strip().upper() if isinstance(value, str) else None
    if name not in TIMEFRAMES:
        raise Refused(f"timeframe {value}")
    if TIMEFRAMES[name] < TIMEFRAMES[own]:
        raise Refused(f"{name} is shorter than the strategy's {own}")
    return name


def timeframes_of(values, own):
    return list(dict.fromkeys(timeframe_of(one, own) for one in values or []))
