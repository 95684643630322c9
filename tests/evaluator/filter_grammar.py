"""Random filters of every kind, and random calendars of news."""

import random as randoms
from datetime import datetime, timedelta, timezone

from names import TIMEFRAMES

SESSIONS = ["London", "NewYork", "new york", "Tokyo", "sydney", "LONDON", "Asian", "New_York", "london"]
DAYS = ["Monday", "tue", "Wednesday", "THU", "friday", "Fri", "Saturday", "sat", "Sunday", "sun", "Mon"]
SYMBOLS = ["EURUSD", "EURUSD.m", "GBPUSD", "usdjpy", "AUDUSD", "NZDJPY", "USDCADpro", "XAUUSD", "BTCUSD", "#EURGBP"]
REGIMES = ["TRENDING", "trending_up", "Trending Down", "RANGING", "volatile", "trend", "range", "uptrend"]
TITLES = ["Non-Farm Employment Change", "Nonfarm Payrolls", "CPI y/y", "Core CPI m/m", "Retail Sales, m/m", "GDP (q/q)",
          "Federal Funds Rate", "FOMC Statement", "Bank Holiday", "German \"Ifo\" Business Climate; flash", "Unemployment Rate"]
WANTED = ["NFP", "CPI", "FOMC", "Retail Sales", "gdp", "Business climate", "Employment Change", "Rate"]
IMPACTS = ["high", "High", "medium", "Moderate", "LOW", "low", "none", "holiday"]


def typical_pips(market):
    """The usual range of a bar."""
    ranges = (market.bars.high - market.bars.low).abs() / market.pip
    return round(float(ranges[(ranges > 0) & (ranges < 1e9)].median()), 1)


def currencies_of(symbol):
    letters = [letter for letter in symbol.upper() if "A" <= letter <= "Z"]
    return "".join(letters[:3]), "".join(letters[3:6])


def write_calendar(path, seed, market):
    """Events about the middle of the market's time, in one of the forms that are about."""
    random = randoms.Random(f"{seed} {market.name}")
    begins, ends = (int(market.bars.time.iloc[at]) for at in (len(market.bars) // 12, -len(market.bars) // 12))
    events = []
    for _ in range(400):
        second = random.randrange(begins, ends)
        step = random.choice([60, 300, 900, 1800])
        time = datetime.fromtimestamp(second // step * step, timezone.utc)
        events.append((time, random.choice(["USD", "EUR", "usd", "GBP", "JPY", "XAU", "BTC", "AUD", "CAD", "All"]),
                       random.choice(IMPACTS), random.choice(TITLES)))
    form = random.randrange(4)
    separator = [",", ";", "\t", ","][form]
    header = [["time", "currency", "impact", "title"], ["Date", "Time", "Country", "Importance", "Event"],
              ["title", "impact", "actual", "time", "currency"], ["datetime", "currency", "impact", "event"]][form]
    lines = [separator.join(header)]
    for time, currency, impact, title in events:
        if separator in title or '"' in title:
            title = '"' + title.replace('"', '""') + '"'
        if form == 0:
            row = [f"{time:%Y-%m-%d %H:%M}", currency, impact, title]
        elif form == 1:
            row = [f"{time:%Y.%m.%d}", f"{time:%H:%M}", currency, impact, title]
        elif form == 2:
            row = [title, impact, "0.3%", f"{time:%Y-%m-%d %H:%M:%S}", currency]
        else:
            row = [(time + timedelta(hours=2)).strftime("%Y-%m-%dT%H:%M:%S+02:00"), currency, impact, title]
        lines.append(separator.join(row))
    path.write_text("\n".join(lines) + "\n")


class FilterGrammar:
    def __init__(self, seed, market):
        self.random = randoms.Random(f"filters {seed}")
        self.own = market.timeframe
        self.longer = [name for name, length in TIMEFRAMES.items()
                       if length >= TIMEFRAMES[market.timeframe] and name in ("M5", "M15", "H1", "H4", "D1")]
        self.usual = typical_pips(market)
        self.market = market

    def one(self, *choices):
        return self.random.choice(choices)

    def some(self, choices, least=1, most=3):
        return self.random.sample(choices, min(self.random.randint(least, most), len(choices)))

    def chance(self, part):
        return self.random.random() < part

    def maybe(self, part, **keys):
        return keys if self.chance(part) else {}

    def times(self):
        found = []
        for _ in range(self.random.randint(1, 3)):
            begins = self.random.randrange(24)
            found.append({"day": self.random.choice(DAYS), "startHour": begins, "endHour": self.random.randint(begins + 1, 24),
                          **self.maybe(0.3, description="quiet")})
        return found

    def session(self):
        form = self.random.randrange(4)
        filter = self.maybe(0.5, mode=self.one("weekday", "sessions")) if form else {"mode": "weekend"}
        if form < 2:
            filter["allowedDays"] = self.some(DAYS, 2, 5)
        if form > 0:
            filter["allowedSessions"] = self.some(SESSIONS)
            filter |= self.maybe(0.4, useOptimalPairs=self.one(True, "true", False))
        elif self.chance(0.5):
            filter["allowedSessions"] = []
        if self.chance(0.4):
            filter["avoidTimes"] = self.times()
        if self.chance(0.3):
            filter["optimalTimes"] = self.times()
        if self.chance(0.6):
            filter["aggressivenessMultiplier"] = {
                **self.maybe(0.8, optimal=self.one(1, 1.2, 0.8, "0.5")), **self.maybe(0.8, suboptimal=self.one(0, 0.0, 0.5, 0.25, 1))}
        return {"sessionFilter": filter}

    def time(self):
        at = lambda: f"{self.random.randrange(24):02}:{self.one('00', '15', '30', '59')}"
        filter = {**self.maybe(0.7, allowedHours=self.one(f"{at()}-{at()}", f"{at()} - 24:00", "8:00–20:30", "22:00-06:00")),
                  **self.maybe(0.5, excludeWeekends=True), **self.maybe(0.5, excludeFriday={"after": at()}),
                  **self.maybe(0.5, excludeSunday={"before": at(), **self.maybe(0.3, enabled=True)}),
                  **self.maybe(0.1, excludeFriday={"enabled": False})}
        return {"timeFilter": filter}

    def spread(self):
        return {"spreadFilter": {"maxSpread": self.one(1, 1.2, 1.4, "1.6", 2, 0.3, 1.3999999995, 1.399),
                                 **self.maybe(0.6, action=self.one("SKIP", "REDUCE_SIZE", "reduce size")),
                                 **self.maybe(0.6, reduceFactor=self.one(0.5, 0.3, "0.75")),
                                 **self.maybe(0.2, adjustForSession=True)}}

    def volatility(self):
        scale = lambda *factors: round(self.usual * self.one(*factors), 2)
        filter = {**self.maybe(0.6, minATR=scale(0.5, 0.8, 1.0)), **self.maybe(0.6, maxATR=scale(1.0, 1.3, 2)),
                  **self.maybe(0.5, period=self.one(1, 2, 7, 10, "21", 50, 200, 1000)),
                  **self.maybe(0.3, action={"belowMin": self.one("SKIP", "REDUCE_SIZE"), "aboveMax": "SKIP", "inOptimal": "NORMAL"}),
                  **self.maybe(0.2, optimalATRRange=[1, 2])}
        if self.chance(0.6):
            filter["volatilitySpike"] = {"threshold": self.one(1.5, 2, 2.25, "3", 1.125),
                                         "resumeAfter": self.one(1, 15, 60, 90.5, 600),
                                         **self.maybe(0.6, action=self.one("PAUSE", "skip")),
                                         **self.maybe(0.3, enabled=self.one(True, True, False))}
        return {"volatilityFilter": filter}

    def volume(self):
        return {"volumeConfirmation": {"minVolumeMultiplier": self.one(0.8, 1, 1.2, "1.5"),
                                       **self.maybe(0.5, required=self.one(True, False, 1, 0, "false"))}}

    def high_volatility(self):
        percent = self.usual * self.market.pip / float(self.market.bars.close.median())
        return {"dynamicRisk": {"reduceInHighVolatility": self.one(True, True, True, False),
                                "volatilityThreshold": round(min(percent * self.one(0.8, 1.0, 1.4), 0.9), 7)}}

    def aligned(self):
        keys = self.some(["primary", "secondary", "tertiary", "quaternary"], 1, 4)
        named = {key: self.random.choice(self.longer) for key in keys}
        confirmations = {**self.maybe(0.6, trendAlignment=self.one(True, True, False)), **self.maybe(0.3, weightedScore=True),
                         **self.maybe(0.3, weights={"primary": 0.5}),
                         **self.maybe(0.6, minimumAligned=self.random.randint(1, len(set(named.values()))))}
        return {"multiTimeframe": {"timeframes": named, "confirmations": confirmations}}

    def higher(self):
        return {"multiTimeframeAnalysis": {"higherTimeframes": self.some(self.longer, 1, 2),
                                           **self.maybe(0.5, confirmationRequired=self.one(True, True, False))}}

    def regime(self):
        return {"regimeDetection": {**self.maybe(0.7, preferredRegimes=self.some(REGIMES)),
                                    **self.maybe(0.5, minConfidence=self.one(0, 30, "50", 60)),
                                    **self.maybe(0.5, primaryTimeframe=self.random.choice(self.longer)),
                                    **self.maybe(0.4, confirmationTimeframes=self.some(self.longer, 0, 2)),
                                    **self.maybe(0.3, enableMTFAnalysis=self.one(True, False)),
                                    **self.maybe(0.3, trendPeriod=20, weekendMode=True, lookbackPeriod=30),
                                    **self.maybe(0.2, regimeSpecific={"trending": {"size": 2}})}}

    def news(self):
        filter = {**self.maybe(0.7, pauseBeforeMinutes=self.one(0, 30, 60, "15", 12.5), pauseAfterMinutes=self.one(0, 30, 45, 240)),
                  **self.maybe(0.3, symbols=self.some(["JPY", "gbp", "XAU", "GOLD"]))}
        if filter.keys() & {"pauseBeforeMinutes"}:
            filter |= self.maybe(0.6, highImpactOnly=True) | self.maybe(0.5, majorEvents=self.some(WANTED))
        if "pauseBeforeMinutes" not in filter or self.chance(0.3):
            for key in self.some(["highImpact", "mediumImpact", "lowImpact"]):
                filter[key] = {**self.maybe(0.8, pauseMinutesBefore=self.one(0, 20, 120)), "pauseMinutesAfter": self.one(0, 15, 300),
                               **self.maybe(0.2, enabled=self.one(True, False))}
        return {"newsFilter": filter}

    def odd(self):
        """What is refused, or asks for nothing."""
        return self.random.choice([
            {"sessionFilter": {"allowedSessions": "London"}}, {"sessionFilter": {"allowedSessions": ["Mars"]}},
            {"sessionFilter": {"avoidTimes": {"day": "Monday", "startHour": 1, "endHour": 2}}},
            {"sessionFilter": {"allowedSessions": []}},
            {"sessionFilter": {"mode": "weekend", "allowedSessions": ["London"]}}, {"sessionFilter": {"allowedDays": ["Someday"]}},
            {"sessionFilter": {"allowedDays": ["Monday"], "aggressivenessMultiplier": {"optimal": 0}}},
            {"sessionFilter": {"allowedDays": ["Monday"], "aggressivenessMultiplier": {"optimal": -1}}},
            {"sessionFilter": {"allowedDays": ["Monday"], "optimalTimes": [{"day": "Monday", "startHour": 5, "endHour": 5}]}},
            {"sessionFilter": {"allowedDays": ["Monday"], "moonPhase": "full"}}, {"timeFilter": {"allowedHours": "8-17"}},
            {"timeFilter": {"allowedHours": "08:00-08:00"}}, {"timeFilter": {"excludeWeekends": False}},
            {"timeFilter": {"excludeFriday": {}, "excludeWeekends": True}}, {"spreadFilter": {"maxSpread": 0}},
            {"spreadFilter": {"maxSpread": 2, "action": "REDUCE_SIZE", "reduceFactor": 50}}, {"spreadFilter": {"action": "SKIP"}},
            {"spreadFilter": {"maxSpread": 2, "action": "HOPE"}}, {"spreadFilter": True}, {"regimeDetection": False},
            {"regimeDetection": True}, {"regimeDetection": {}}, {"regimeDetection": {"preferredRegimes": []}},
            {"regimeDetection": {"preferredRegimes": ["calm"]}}, {"regimeDetection": {"minConfidence": 101}},
            {"regimeDetection": {"confirmationTimeframes": "H4"}}, {"regimeDetection": {"primaryTimeframe": "M1"}},
            {"volatilityFilter": {"minATR": 5, "maxATR": 4}}, {"volatilityFilter": {"period": 14}},
            {"volatilityFilter": {"minATR": 5, "period": 14.5}}, {"volatilityFilter": {"minATR": 5, "action": {"belowMin": "DOUBLE"}}},
            {"volatilityFilter": {"volatilitySpike": {"threshold": 3}}},
            {"volatilityFilter": {"minATR": 0.1, "volatilitySpike": {"enabled": "false", "threshold": 3}}},
            {"volatilityFilter": {"volatilitySpike": {"threshold": 1, "resumeAfter": 60}}}, {"volumeConfirmation": {}},
            {"volatilityFilter": {"volatilitySpike": {"threshold": 2, "resumeAfter": 100000000}}},
            {"volumeConfirmation": {"minVolumeMultiplier": -1}},
            {"volumeConfirmation": {"minVolumeMultiplier": 1, "required": "maybe"}},
            {"dynamicRisk": {"reduceInHighVolatility": True}},
            {"dynamicRisk": {"reduceInHighVolatility": True, "volatilityThreshold": 2}},
            {"multiTimeframe": {"timeframes": {"primary": "H4"}}}, {"multiTimeframe": {"timeframes": {}, "confirmations": {}}},
            {"multiTimeframe": {"timeframes": {"primary": "H4"}, "confirmations": {"minimumAligned": 2}}},
            {"multiTimeframe": {"timeframes": {"primary": "H4", "fifth": "D1"}, "confirmations": {}}},
            {"multiTimeframeAnalysis": {"higherTimeframes": "H4"}}, {"multiTimeframeAnalysis": {"higherTimeframes": []}},
            {"multiTimeframeAnalysis": {"higherTimeframes": ["H5"]}}, {"newsFilter": {}}, {"newsFilter": {"highImpact": {}}},
            {"newsFilter": {"pauseBeforeMinutes": -5}}, {"newsFilter": {"pauseBeforeMinutes": 30, "symbols": "USD"}},
            {"newsFilter": {"pauseBeforeMinutes": 30, "majorEvents": "NFP"}}, {"newsFilter": {"pauseBeforeMinutes": 20000}},
            {"newsFilter": {"highImpact": {"pauseMinutesAfter": 5}, "majorEvents": ["NFP"]}}, {"mtfSettings": {"strength": 3}},
            {"riskSentimentMonitor": {"vix": 20}}, {"filters": {"enabled": False, "spreadFilter": {"maxSpread": -1}}},
            {"spreadFilter": {"maxSpread": 2}, "filters": {"spreadFilter": {"maxSpread": 3}}},
            {"volumeConfirmation": {"minVolumeMultiplier": 2, "required": False},
             "filters": {"volumeConfirmation": {"minVolumeMultiplier": 1.1}}},
            {"multiTimeframe": {"timeframes": {"primary": "H4"}, "confirmations": {"trendAlignment": False}},
             "multiTimeframeAnalysis": {"higherTimeframes": ["H4"]}},
            {"filters": {"enabled": "false", "newsFilter": {"pauseBeforeMinutes": -1}}},
        ])

    def filters(self, most):
        """(filters as keys of rules, symbol, whether there is a calendar, what rules may run without)"""
        kinds = [self.session, self.session, self.time, self.spread, self.volatility, self.volume, self.high_volatility, self.regime,
                 self.one(self.aligned, self.higher), self.news]
        found, nested = {}, {}
        for kind in self.some(kinds, 0, most):
            for key, filter in kind().items():
                filter |= self.maybe(0.3, enabled=self.one(True, 1, "TRUE", False, 0)) if key != "regimeDetection" or self.chance(0.5) else {}
                (nested if key != "dynamicRisk" and self.chance(0.3) else found)[key] = filter
        if nested:
            found["filters"] = nested
        symbol = self.market.symbol if self.chance(0.6) else self.random.choice(SYMBOLS)
        return found, symbol, self.chance(0.95), self.some(["news", "regime", "riskSentiment"], 0, 2) if self.chance(0.1) else []

    def oddity(self):
        return self.odd(), self.market.symbol, True, []
