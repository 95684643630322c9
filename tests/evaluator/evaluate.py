"""Decides bars by docs/rules.md alone, for the program's decisions to be compared with.

    evaluate.py OUT RULES... --strategies N --bars N --seed N

Writes to OUT the bars of each market (CSV) and for each strategy its rules (case.json) and what they say at each bar: the truth of
every comparison (truth.bin, one byte: 0 no, 1 yes, 2 unknown), its values (left.bin, right.bin, 8 bytes) and the signals (signal.bin,
two bytes, buy and sell). RULES are stored strategies whose entries are decided too.
"""

import argparse
import json
import pathlib

import numpy as np

from charts import Charts
from grammar import Grammar, catalogue
from markets import markets
from names import Refused
from rules import read_entry
from verdict import decide



def cases_of(market, number, total, stored, arguments):
    for at, one in enumerate(catalogue(market)):
        yield f"catalogue {at + 1}", *one
    for path in stored:
        row = json.loads(path.read_text())
        # On every market and its timeframe: what cannot be meant there is refused by both.
        if "rules" in row:
            yield path.stem, row["rules"], "buy"
    for at in range(number, arguments.strategies, total):
        yield f"random {at}", *Grammar(arguments.seed * 100_000 + at, market).rules()


def write(folder, name, rules, chosen, market, charts):
    folder.mkdir()
    case = {"name": f"{name} on {market.name}", "market": market.name, "symbol": market.symbol, "timeframe": market.timeframe,
            "pip": market.pip, "rules": rules, "chosen": chosen, "refused": None, "comparisons": 0}
    try:
        truths, lefts, rights, signals = decide(read_entry(rules, market.timeframe, chosen), charts, market.pip)
        case["comparisons"] = len(truths)
        for file, columns in (("truth", truths), ("left", lefts), ("right", rights), ("signal", signals)):
            np.column_stack(columns).tofile(folder / f"{file}.bin")
    except Refused as reason:
        case["refused"] = str(reason)
    (folder / "case.json").write_text(json.dumps(case))


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
        for timeframe, bars in market.terminal.items():
            bars.to_csv(arguments.out / f"{market.name}-{timeframe}.csv", index=False)
        charts = Charts(market.bars, market.timeframe, market.terminal)
        for name, rules, chosen in cases_of(market, number, len(everything), arguments.stored, arguments):
            write(arguments.out / f"case-{count:03}", name, rules, chosen, market, charts)
            count += 1


main()
