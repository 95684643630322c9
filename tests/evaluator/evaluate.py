"""Decides bars by docs/rules.md and docs/filters.md alone, for the program's decisions to be compared with.

    evaluate.py OUT RULES... --strategies N --bars N --seed N

Writes to OUT the bars of each market, the quotes after them and a calendar of news (CSV), and for each strategy its rules (case.json)
and what they say at each bar: the truth of every comparison (truth.bin, one byte: 0 no, 1 yes, 2 unknown), its values (left.bin,
right.bin, 8 bytes), the signals (signal.bin, two bytes, buy and sell), and the factor on the volume of every filter and of all
(filter.bin, 8 bytes each, buy and sell). RULES are stored strategies whose entries and filters are decided too.
"""

import argparse
import json
import pathlib

import numpy as np

from charts import Charts
from filter_grammar import FilterGrammar, currencies_of, write_calendar
from filters import Look, Setting, read_filters, verdicts, volume_factor
from grammar import Grammar, catalogue
from markets import markets
from names import Refused
from news import read_calendar
from rules import read_entry
from verdict import decide

# Filters by themselves, behind one plain condition, on each market; and such as are mostly refused.
ALONE, ODD = 3, 14
PLAIN = {"entry": {"conditions": [{"indicator": "price", "condition": ">", "value": "open", "description": "BUY"}]}}
# What looks at the market without asking much of it, so that only what is unknown or equal holds back.
MILD = {"regimeDetection": {}, "volumeConfirmation": {"minVolumeMultiplier": 1}, "volatilityFilter": {"maxATR": 1e9},
        "dynamicRisk": {"reduceInHighVolatility": True, "volatilityThreshold": 0.9}}
OTHERS = ("correlationFilter",)


def cases_of(market, number, total, stored, arguments):
    """(name, rules, the trader's choice of a direction, symbol, whether there is a calendar, what rules may run without)"""
    usual = (market.symbol, True, [])
    for at, one in enumerate(catalogue(market)):
        yield f"catalogue {at + 1}", *one, *usual
    for path in stored:
        row = json.loads(path.read_text())
        # On every market and its timeframe: what cannot be meant there is refused by both.
        if "rules" in row:
            yield path.stem, row["rules"], "buy", *usual
    for at in range(number, arguments.strategies, total):
        seed = arguments.seed * 100_000 + at
        (rules, chosen), (found, *where) = Grammar(seed, market).rules(), FilterGrammar(seed, market).filters(3)
        yield f"random {at}", rules | found, chosen, *where
    yield "mild filters", PLAIN | MILD | {"multiTimeframeAnalysis": {"higherTimeframes": [market.timeframe]}}, None, *usual
    grammar = FilterGrammar(f"{arguments.seed} {number}", market)
    for at in range(ALONE):
        found, *where = grammar.filters(6)
        yield f"filters {at + 1}", PLAIN | found, None, *where
    for at in range(ODD):
        found, *where = grammar.oddity()
        yield f"odd filters {at + 1}", PLAIN | found, None, *where


def without_filters(rules):
    return {key: rules[key] for key in ("entry", "rules") if key in rules}


def write(folder, name, rules, chosen, symbol, calendar, without, market, look):
    """Whether the filters were refused."""
    folder.mkdir()
    rules = {key: value for key, value in rules.items() if key not in OTHERS}
    if isinstance(rules.get("filters"), dict):
        rules["filters"] = {key: value for key, value in rules["filters"].items() if key not in OTHERS}
    look = look._replace(currencies=currencies_of(symbol))
    case = {"name": f"{name} on {market.name}", "market": market.name, "symbol": symbol, "timeframe": market.timeframe,
            "pip": market.pip, "rules": rules, "chosen": chosen, "calendar": calendar, "without": without,
            "currencies": look.currencies, "refused": None, "comparisons": 0, "filters": []}
    refused = False
    try:
        try:
            filters = read_filters(rules, Setting(symbol, market.timeframe, calendar, without))
        except Refused:
            refused = True
            raise
        entry = read_entry(rules, market.timeframe, chosen, volume_factor(rules))
        truths, lefts, rights, signals = decide(entry, look.charts, market.pip)
        case["comparisons"], case["filters"] = len(truths), [filter.kind for filter in filters]
        for file, columns in (("truth", truths), ("left", lefts), ("right", rights), ("signal", signals)):
            np.column_stack(columns).tofile(folder / f"{file}.bin")
        if filters:
            verdicts(filters, look).tofile(folder / "filter.bin")
    except Refused as reason:
        case["refused"] = str(reason)
    (folder / "case.json").write_text(json.dumps(case))
    return refused


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("out", type=pathlib.Path)
    parser.add_argument("stored", type=pathlib.Path, nargs="*")
    parser.add_argument("--strategies", type=int, required=True)
    parser.add_argument("--bars", type=int, required=True)
    parser.add_argument("--seed", type=int, required=True)
    arguments = parser.parse_args()
    everything = list(markets(arguments.seed, arguments.bars))
    count = 0
    for number, market in enumerate(everything):
        market.bars.to_csv(arguments.out / f"{market.name}.csv", index=False, na_rep="nan")
        market.quotes.to_csv(arguments.out / f"{market.name}-quotes.csv", index=False, na_rep="nan")
        for timeframe, bars in market.terminal.items():
            bars.to_csv(arguments.out / f"{market.name}-{timeframe}.csv", index=False)
        calendar = arguments.out / f"{market.name}-news.csv"
        write_calendar(calendar, arguments.seed, market)
        look = Look(Charts(market.bars, market.timeframe, market.terminal), market.quotes.second.to_numpy(),
                    market.quotes.points.to_numpy() * (market.pip / 10.0) / market.pip, market.pip, None, read_calendar(calendar))
        for name, rules, *where in cases_of(market, number, len(everything), arguments.stored, arguments):
            refused = write(arguments.out / f"case-{count:03}", name, rules, *where, market, look)
            count += 1
            if refused and not name.startswith("odd"):
                write(arguments.out / f"case-{count:03}", name, without_filters(rules), *where, market, look)
                count += 1


main()
