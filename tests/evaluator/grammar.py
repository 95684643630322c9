"""Random entry rules in every stored shape, and the catalogue of all indicators."""

import random as randoms

from names import TIMEFRAMES

COMPARE = ["greater_than", "gt", ">", "above", "greater_than_or_equal", "greater_or_equal", "gte", ">=",
           "less_than", "lt", "<", "below", "less_than_or_equal", "less_or_equal", "lte", "<=", "Greater Than"]
CROSS = ["crosses_above", "crosses_below", "breaks_above", "breaks_below", "CROSSES_ABOVE"]
EQUAL = ["equals", "eq", "==", "not_equals", "!="]
OPPOSITE = {"greater_than": "less_than", "crosses_above": "crosses_below", "gte": "lte", ">": "<",
            "breaks_above": "breaks_below"}
PRICES = ["price", "close", "open", "ema_{n}", "sma_{n}", "EMA", "SMA", "ma_{n}", "sar", "vwap", "VWAP", "tenkan", "kijun",
          "senkou_a", "senkou_span_b", "bollinger_upper", "bb_lower_{n}", "middle_band", "resistance", "support",
          "resistance_{n}", "support_{n}", "h1_high", "h1_low", "d1_high", "h4_low", "high", "low"]
PERCENTS = ["rsi", "RSI", "rsi_{n}", "adx", "adx_{n}", "stochastic", "stochastic_k", "stoch_d", "Stochastic"]
DIFFERENCES = ["macd", "macd_signal", "macd_histogram", "macd_hist", "MACD", "atr", "ATR", "atr_{n}"]
VOLUMES = ["volume", "volume_ma", "sma_volume", "Volume MA", "average_volume_{n}"]
NOTES = {"buy": ["BUY: {}", "Buy Signal: {}", "LONG: {}", "BUY 1: {}", "long when {}", "Long ({})"],
         "sell": ["SELL: {}", "Sell when {}", "short entry {}", "SHORT if {}", "SELL 3: {}", "Short 2) {}"]}
# Phrases that are no direction.
PHRASES = ["Short-term {}", "Short, medium {}", "short - {}", "Long (200) {}", "Short 9-EMA {}", "Short and long {}",
           "Sell – off {}", "Long 50 bars {}", "Sell-off {}", "long candle {}", "Buy/Sell {}", "Long wick (sell signal)"]


class Grammar:
    def __init__(self, seed, market):
        self.random = randoms.Random(seed)
        self.market = market
        self.longer = [name for name, length in TIMEFRAMES.items()
                       if length >= TIMEFRAMES[market.timeframe] and name in ("M15", "H1", "H4", "D1")]
        closes = market.bars.close
        self.prices = [float(closes.iloc[at]) for at in range(len(closes) // 20, len(closes), max(len(closes) // 9, 1))]
        self.prices = [price for price in self.prices if price > 0 and price < 1e9] or [1.1]

    def one(self, *choices):
        return self.random.choice(choices)

    def of(self, names):
        name = self.random.choice(names)
        plain = name.format(n=self.random.choice([2, 3, 5, 9, 14, 20, 21, 50, 100, 200]))
        # Names of a shorter timeframe than the strategy's would be refused.
        if plain[:2] in ("h1", "h4", "d1") and plain[:2].upper() not in self.longer:
            return "price"
        return plain

    def lengths(self, condition):
        """The keys that the names of the condition need or allow."""
        left, right = condition["indicator"].lower(), condition.get("value")
        if left in ("ema", "sma") or self.random.random() < 0.1:
            condition["period"] = self.one(5, 10, 14, 20, 34, 55, "21")
        if isinstance(right, str) and right.lower() in ("ema", "sma"):
            key = "comparePeriod" if left.rstrip("_0123456789") in (
                "ema", "sma", "ma", "resistance", "support", "bb_lower", "bollinger_upper", "middle_band") else "period"
            condition[key] = self.one(8, 13, 30, 50, 89)
        if "macd" in left and self.random.random() < 0.4:
            condition |= {"fastPeriod": self.one(5, 8, 12), "slowPeriod": self.one(17, 26, 35), "signalPeriod": self.one(5, 9)}
        if "stoch" in left and self.random.random() < 0.4:
            condition |= {"kPeriod": self.one(5, 9, 14), "dPeriod": self.one(3, 5), "slowing": self.one(2, 3)}
        if any("bollinger" in str(name).lower() or "bb_" in str(name) for name in (left, right)) and self.random.random() < 0.4:
            condition["stdDev"] = self.one(1, 1.5, 2, "2.5")
        return condition

    def compare(self):
        kind = self.random.random()
        operator = self.one(*COMPARE, *CROSS, *CROSS, *CROSS)
        if kind < 0.40:
            condition = {"indicator": self.of(PRICES), "condition": operator, "value": self.of(PRICES)}
            if self.random.random() < 0.2:
                condition["compareIndicator"] = condition.pop("value")
                condition["comparePeriod"] = self.one(10, 20, 50)
                if self.random.random() < 0.5:
                    condition["multiplier"] = self.one(0.999, 1.001, "1.0005", 1)
            return self.lengths(condition)
        if kind < 0.48:
            return self.lengths({"indicator": self.one("price", "close", "Price"), "condition": operator,
                                 "value": self.random.choice(self.prices)})
        if kind < 0.62:
            return self.lengths({"indicator": self.of(PERCENTS), "condition": operator,
                                 "value": self.one(20, 30, 35.5, 50, 50.0, "60", 70, 80)})
        if kind < 0.66:
            return self.lengths({"indicator": self.of(PERCENTS), "condition": operator, "value": self.of(PERCENTS)})
        if kind < 0.74:
            value = self.one(0, self.of(DIFFERENCES), self.of(DIFFERENCES))
            return self.lengths({"indicator": self.of(DIFFERENCES), "condition": operator, "value": value})
        if kind < 0.79:
            return {"indicator": self.one("cci", "CCI", "cci_50"), "period": 20, "condition": operator,
                    "value": self.one(-100, 0, 100, 150)}
        if kind < 0.83:
            return {"indicator": self.one("williams_r", "Williams %R", "willr_21"), "condition": operator,
                    "value": self.one(-80, -20, -50)}
        if kind < 0.90:
            if self.random.random() < 0.5:
                return {"indicator": "volume", "condition": self.one(*COMPARE), "compareIndicator": "sma_volume",
                        "comparePeriod": self.one(10, 20), "multiplier": self.one(0.8, 1.2, 1.5)}
            return {"indicator": self.of(VOLUMES), "condition": operator,
                    "value": self.one("average_volume_1.2x", "avg_volume_0.9x", 150, "volume_ma", "average_volume_2x")}
        if kind < 0.94:
            low = self.one(20, 30.5, 40)
            return {"indicator": self.of(PERCENTS), "condition": self.one("between", "outside"), "value": [low, low + self.one(10, 30)]}
        if kind < 0.97:
            return {"indicator": self.one("rsi", "adx", "stochastic"), "condition": self.one(*EQUAL), "value": 50}
        return {"indicator": "price", "condition": self.one("between", "outside"),
                "value": sorted([self.prices[0], self.prices[-1] * 1.002])}

    def special(self):
        kind = self.random.randrange(8)
        if kind == 0:
            condition = {"indicator": "price", "condition": self.one("bounces_from", "rejects_from"),
                         "value": self.one("ema_50", "support", "resistance_10", "vwap", "ema_20", "h1_low")}
            if condition["value"] == "h1_low" and "H1" not in self.longer:
                condition["value"] = "sma_50"
            if self.random.random() < 0.5:
                condition["tolerance"] = self.one(2, 5, 20)
            return condition
        if kind == 1:
            return {"indicator": self.one("bollinger_bands", "Bollinger Bands", "bb_30"),
                    "condition": self.one("squeeze_expansion_up", "squeeze_expansion_down")}
        if kind == 2:
            condition = {"indicator": "bollinger_bands", "period": 20, "stdDev": self.one(1, 2),
                         "condition": self.one("price_breaks_upper", "price_breaks_lower")}
            return condition | ({"minBreakPips": self.one(1, 5)} if self.random.random() < 0.5 else {})
        if kind == 3:
            name = self.random.choice(self.longer).lower()
            return {"indicator": self.one(f"{name}_candle", f"{name}_trend", "price"),
                    "condition": self.one("bullish", "bearish"), "value": None}
        if kind == 4:
            return {"indicator": self.one("macd", "macd_histogram"), "fastPeriod": 12, "slowPeriod": 26, "signalPeriod": 9,
                    "condition": self.one("histogram_positive", "histogram_negative")}
        if kind == 5:
            condition = {"indicator": "stochastic", "kPeriod": 14, "dPeriod": 3,
                         "condition": self.one("k_crosses_above_d", "k_crosses_below_d")}
            return condition | ({"fromLevel": self.one(30, 50, 70)} if self.random.random() < 0.5 else {})
        if kind == 6:
            return {"indicator": "price", "condition": self.one("breaks_above", "breaks_below"),
                    "value": self.one("resistance", "support", "d1_low", "d1_high"), "volumeConfirmation": self.one(True, False)}
        return self.one({"indicator": "unheard_of", "condition": "greater_than", "value": 1},
                        {"indicator": "obv", "condition": "greater_than", "value": 1},
                        {"indicator": "rsi", "condition": "wiggles", "value": 50},
                        {"indicator": "ema_20", "condition": "crosses_above", "value": 50},
                        {"indicator": "rsi", "condition": "greater_than", "value": None},
                        {"indicator": "rsi", "condition": "less_than", "value": "price"},
                        {"indicator": "price", "condition": "greater_than", "value": "ema_20", "timeframe": "M1"},
                        {"indicator": "ema", "condition": "greater_than", "value": "price"})

    def condition(self, odd, depth=0):
        condition = self.special() if self.random.random() < 0.3 else self.compare()
        while not odd and condition["indicator"] in ("unheard_of", "obv"):
            condition = self.compare()
        if self.random.random() < 0.25:
            if self.random.random() < 0.8:
                condition.setdefault("timeframe", self.random.choice(self.longer))
            else:
                condition["timeframes"] = self.random.sample(self.longer, min(2, len(self.longer)))
        if depth < 2 and self.random.random() < 0.3:
            condition["and"] = self.condition(odd, depth + 1)
        return condition

    def noted(self, condition, side):
        return condition | {"description": self.random.choice(NOTES[side]).format("something happens")}

    def turned(self, condition):
        return condition | {"condition": OPPOSITE[condition["condition"]]}

    def rules(self):
        """(rules, the trader's choice of a direction)"""
        shape = self.random.randrange(10)
        few = lambda least, most: range(self.random.randint(least, most))
        if shape < 3:
            conditions = [self.noted(self.condition(True), self.one("buy", "sell")) for _ in few(2, 6)]
            if self.random.random() < 0.3:
                phrase = {"description": self.random.choice(PHRASES).format("something happens")}
                conditions.append(self.condition(False) | (phrase if self.random.random() < 0.5 else {}))
            return {"entry": {"logic": self.one("OR", "or"), "conditions": conditions}}, None
        if shape < 5:
            conditions = [self.noted(self.condition(False), side) for side in ("buy", "sell") for _ in few(1, 3)]
            if self.random.random() < 0.5:
                conditions.insert(1, self.condition(False))
            conditions.append(self.condition(True) | {"enabled": False})
            return {"entry": {"logic": "AND", "conditions": conditions}}, None
        if shape == 5:
            first = [{"indicator": self.of(["ema_{n}", "price"]), "condition": self.one("greater_than", "crosses_above", ">"),
                      "value": self.one("sma_34", "ema_110", "vwap")} for _ in few(1, 2)]
            first.append({"indicator": "cci", "period": 20, "condition": "crosses_above", "value": -100})
            second = [self.turned(one) for one in first]
            second[-1]["value"] = 100
            return {"entry": {"logic": "AND", "conditions": first + second}}, None
        if shape == 6:
            return {"entry": {"logic": self.one("AND", "OR"), "conditions": [self.condition(False) for _ in few(1, 3)]}}, \
                self.one("buy", "sell")
        if shape == 7:
            groups = [{"name": name, "logic": "AND", "conditions": [self.condition(True) for _ in few(1, 3)]}
                      for name in ("long_entry", "short_entry", self.one("Long swing", "SELL-2"))]
            return {"entry": {"logic": "OR", "groups": groups}}, None
        if shape == 8:
            confirmation = [{"timeframe": self.random.choice(self.longer), "required": self.one(True, True, False),
                             "condition": self.condition(False)} for _ in few(1, 2)]
            side = self.one("buy", "sell")
            primary = [self.noted(self.condition(False), side) for _ in few(1, 2)]
            return {"entry": {"primary": primary, "confirmation": confirmation}}, None
        ai = []
        for side in ("buy", "sell"):
            conditions = [self.condition(False) for _ in few(1, 3)]
            for condition in conditions:
                condition["operator"] = condition.pop("condition")
            ai.append({"name": side, "conditions": conditions, "logic": self.one("AND", "OR"),
                       "action": {"type": side, "parameters": {"size": 0.1}}})
        return {"rules": ai}, None


def catalogue(market):
    """Every indicator of the tables, with several lengths, each beside another of its kind."""
    last = market.timeframe
    pairs = [(f"{name}_{n}", "price") for name in ("ema", "sma", "resistance", "support", "bb_upper", "bb_lower", "bb_middle")
             for n in (2, 7, 20, 50, 200)]
    pairs += [(name, "close") for name in ("sar", "vwap", "tenkan", "kijun", "senkou_a", "senkou_b", "open", "high", "low")]
    pairs += [(f"{name}_{n}", 50) for name in ("rsi", "adx") for n in (2, 14, 50)]
    pairs += [(f"atr_{n}", "atr_5") for n in (2, 14, 50)] + [(f"cci_{n}", 100) for n in (2, 20)]
    pairs += [(f"willr_{n}", -50) for n in (2, 14)]
    first = [{"indicator": left, "condition": "crosses_above", "value": right} for left, right in pairs]
    second = [{"indicator": left, "condition": "greater_than", "value": right, **lengths} for left, right, lengths in [
        ("macd", "macd_signal", {}), ("macd_hist", 0, {}), ("macd", 0, {"fastPeriod": 2, "slowPeriod": 3, "signalPeriod": 2}),
        ("macd_signal", 0, {"fastPeriod": 30, "slowPeriod": 90, "signalPeriod": 20}),
        ("stoch_k", "stoch_d", {}), ("stoch_d", 50, {"kPeriod": 2, "slowing": 2, "dPeriod": 2}),
        ("stoch_k", 50, {"kPeriod": 50, "slowing": 5, "dPeriod": 9}),
        ("volume", "average_volume_1.5x", {}), ("volume_ma_5", "volume_ma_50", {}),
    ]]
    for n, deviations in ((2, 2), (20, 2), (50, 0.5)):
        second += [{"indicator": f"bollinger_bands_{n}", "stdDev": deviations, "condition": f"squeeze_expansion_{way}"}
                   for way in ("up", "down")]
    for timeframe in ("H1", "H4", "D1", "W1"):
        if TIMEFRAMES[timeframe] >= TIMEFRAMES[last]:
            name = timeframe.lower()
            second += [{"indicator": left, "condition": "crosses_above", "value": right, "timeframe": timeframe} for left, right in
                       [("rsi_14", 50), ("ema_20", "close"), ("vwap", "open"), ("high", "low"), ("sar", "close")]]
            second += [{"indicator": "price", "condition": "crosses_above", "value": f"{name}_high"},
                       {"indicator": f"{name}_low", "condition": "crosses_above", "value": f"ema_9"},
                       {"indicator": f"{name}_candle", "condition": "bullish"}, {"indicator": f"{name}_trend", "condition": "bearish"}]
    for conditions in (first, second):
        yield {"entry": {"logic": "OR", "conditions": conditions}}, "buy"
