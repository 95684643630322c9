"""The rules of the quarter-hour scalper in the tools that a trader would use instead, over the same file, on one core.

    python peers.py FILE.csv BARS_OF_THE_SLOW_ONES

Prints one JSON object a line: the peer, its bars, the seconds of processor time that it took, the positions it opened. Reading
the file is a line of its own. What a peer compiles is compiled before it is timed.

What no peer is asked to do: parts, risk sizing, the daily loss. vectorbt knows one kind of stop at a time and no holding time
counted from the opening, so there the stop does not trail and nothing is closed after four hours.
"""

import json
import os
import sys
import time
import warnings

for threads in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "NUMBA_NUM_THREADS"):
    os.environ[threads] = "1"
warnings.filterwarnings("ignore")

import backtesting
import numpy as np
import pandas as pd
import talib
import vectorbt as vbt

PIP = 0.0001
SPREAD, STOP, TARGET, TRAIL = 0.8 * PIP, 25 * PIP, 40 * PIP, 15 * PIP
HELD_BARS = 16
ROUNDS = 3


def read(path):
    frame = pd.read_csv(path, sep="\t")
    time_of = pd.to_datetime(frame["<DATE>"] + " " + frame["<TIME>"], format="%Y.%m.%d %H:%M:%S")
    names = {"<OPEN>": "Open", "<HIGH>": "High", "<LOW>": "Low", "<CLOSE>": "Close"}
    return frame[list(names)].rename(columns=names).set_index(pd.DatetimeIndex(time_of))


def indicators(frame):
    high, low, close = (frame[name].to_numpy() for name in ("High", "Low", "Close"))
    macd, signal, _ = talib.MACD(close, 12, 26, 9)
    lines = {"ema9": talib.EMA(close, 9), "ema21": talib.EMA(close, 21), "ema50": talib.EMA(close, 50)}
    return lines | {
        "rsi": talib.RSI(close, 14),
        "macd": macd,
        "signal": signal,
        "atr": talib.ATR(high, low, close, 14),
    }


def crosses(left, right):
    """Where the left one goes above the right one."""
    above = left > right
    return above[1:] & (left[:-1] <= right[:-1])


def signals(frame, of):
    """Buying and selling at the close of each bar, filters included."""
    close = frame["Close"].to_numpy()
    buys, sells = np.zeros(len(close), bool), np.zeros(len(close), bool)
    for at, (high, low) in enumerate([("ema9", "ema21"), ("macd", "signal")]):
        buys[1:] |= crosses(of[high], of[low])
        sells[1:] |= crosses(of[low], of[high])
    buys |= (close > of["ema50"]) & (of["rsi"] > 50)
    sells |= (close < of["ema50"]) & (of["rsi"] < 50)
    hour = frame.index.hour.to_numpy()
    atr = of["atr"]
    passes = (hour >= 8) & (hour < 22) & (atr >= 10 * PIP) & (atr <= 30 * PIP) & (atr / close <= 0.015)
    return buys & ~sells & passes, sells & ~buys & passes


def by_vectorbt(frame):
    buys, sells = signals(frame, indicators(frame))
    close = frame["Close"].to_numpy()
    never = np.zeros(len(close), bool)
    portfolio = vbt.Portfolio.from_signals(
        close,
        entries=buys,
        exits=never,
        short_entries=sells,
        short_exits=never,
        open=frame["Open"].to_numpy(),
        high=frame["High"].to_numpy(),
        low=frame["Low"].to_numpy(),
        size=1_000.0,
        init_cash=1e7,
        fees=SPREAD / 2 / 1.1,
        sl_stop=STOP / close,
        tp_stop=TARGET / close,
        upon_opposite_entry="ignore",
        freq="15min",
    )
    portfolio.total_return()
    return len(portfolio.trades.records_arr)


class Scalper(backtesting.Strategy):
    def init(self):
        frame = self.data.df
        of = indicators(frame)
        buys, sells = signals(frame, of)
        self.buys = self.I(lambda: buys, plot=False)
        self.sells = self.I(lambda: sells, plot=False)

    def next(self):
        price = self.data.Close[-1]
        long, short = False, False
        for trade in self.trades:
            if len(self.data) - trade.entry_bar > HELD_BARS:
                trade.close()
            elif trade.is_long:
                long = True
                if price - trade.entry_price >= TRAIL:
                    trade.sl = max(trade.sl or 0, price - TRAIL)
            else:
                short = True
                if trade.entry_price - price >= TRAIL:
                    trade.sl = min(trade.sl or np.inf, price + TRAIL)
        if self.buys[-1] and not long:
            self.buy(size=1_000, sl=price - STOP, tp=price + TARGET)
        elif self.sells[-1] and not short:
            self.sell(size=1_000, sl=price + STOP, tp=price - TARGET)


def by_backtesting(frame):
    backtest = backtesting.Backtest(
        frame, Scalper, cash=1e7, spread=SPREAD / 1.1, hedging=True, exclusive_orders=False, finalize_trades=True
    )
    return int(backtest.run()["# Trades"])


def by_loop(frame):
    frame = frame.assign(**indicators(frame))
    position, opened = None, 0
    for at in range(1, len(frame)):
        before, bar = frame.iloc[at - 1], frame.iloc[at]
        if position is not None:
            side, entry, stop, since = position
            worst = bar["Low"] if side > 0 else bar["High"] + SPREAD
            best = bar["High"] if side > 0 else bar["Low"] + SPREAD
            if (worst - stop) * side <= 0 or (best - entry) * side >= TARGET or at - since >= HELD_BARS:
                position = None
            elif (best - entry) * side >= TRAIL and (best - TRAIL * side - stop) * side > 0:
                position = (side, entry, best - TRAIL * side, since)
        buys = (
            (before["ema9"] <= before["ema21"] and bar["ema9"] > bar["ema21"])
            or (bar["Close"] > bar["ema50"] and bar["rsi"] > 50)
            or (before["macd"] <= before["signal"] and bar["macd"] > bar["signal"])
        )
        sells = (
            (before["ema9"] >= before["ema21"] and bar["ema9"] < bar["ema21"])
            or (bar["Close"] < bar["ema50"] and bar["rsi"] < 50)
            or (before["macd"] >= before["signal"] and bar["macd"] < bar["signal"])
        )
        if position is None and buys != sells:
            hour, atr = bar.name.hour, bar["atr"]
            if 8 <= hour < 22 and 10 * PIP <= atr <= 30 * PIP and atr / bar["Close"] <= 0.015:
                side = 1 if buys else -1
                entry = bar["Close"] + (SPREAD if buys else 0)
                position, opened = (side, entry, entry - STOP * side, at), opened + 1
    return opened


def timed(peer, run, frame, rounds):
    seconds, positions = [], 0
    for _ in range(rounds):
        began = time.process_time()
        positions = run(frame)
        seconds.append(time.process_time() - began)
    tell(peer=peer, bars=len(frame), seconds=min(seconds), positions=positions)


def tell(**line):
    print(json.dumps(line), flush=True)


def main():
    os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
    path, slow = sys.argv[1], int(sys.argv[2])
    began = time.process_time()
    frame = read(path)
    tell(peer="reading", bars=len(frame), seconds=time.process_time() - began, positions=0)
    by_vectorbt(frame.iloc[:2_000])
    timed(f"vectorbt {vbt.__version__}", by_vectorbt, frame, ROUNDS)
    part = frame.iloc[:slow]
    backtesting._util._tqdm = lambda bars, **_: bars
    backtesting.backtesting._tqdm = backtesting._util._tqdm
    timed(f"backtesting.py {backtesting.__version__}", by_backtesting, part, 1)
    timed("a pandas iloc loop", by_loop, part, 1)


main()
