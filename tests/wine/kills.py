"""Kills the Windows program among commands; afterwards each command has had its effect once and the platform its status.

    kills.py PROGRAM FOLDER FOLDER-AS-LINUX-SEES-IT LINUX-PROGRAM

The practice platform runs in a process of its own outside of Wine, which nobody kills.
"""

import json
import os
import random
import signal
import subprocess
import sys
import time
import urllib.request

PROGRAM, FOLDER, HERE, LINUX_PROGRAM = sys.argv[1:]
KILLS, COMMANDS = 12, 60
SERVE, DATA = os.path.join(HERE, "serve"), os.path.join(HERE, "killed")


def wine(folder, *arguments, output):
    return subprocess.Popen(
        ["wine", PROGRAM, *arguments, "--data-dir", f"{FOLDER}\\{folder}"],
        stdin=subprocess.DEVNULL, stdout=open(output, "w"), stderr=subprocess.STDOUT, start_new_session=True)


def within(seconds, what, look):
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        found = look()
        if found:
            return found
        time.sleep(0.05)
    sys.exit(f"not within {seconds} s: {what}")


def call(method, path, body=None):
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(settings["platformUrl"] + path, data=data, method=method,
                                     headers={"Content-Type": "application/json"})
    return json.loads(urllib.request.urlopen(request, timeout=10).read())


def state():
    return call("GET", "/practice/state")


def printed_settings():
    lines = [line for line in open(os.path.join(HERE, "serve.txt"), errors="replace") if line.startswith('{"apiKey')]
    return json.loads(lines[0]) if lines else None


def pids():
    """The processes of the executor, by its data folder."""
    found = []
    for entry in filter(str.isdigit, os.listdir("/proc")):
        try:
            line = open(f"/proc/{entry}/cmdline", "rb").read()
        except OSError:
            continue
        if b"\\killed" in line and b"fx-executor" in line and b"kills.py" not in line:
            found.append(int(entry))
    return found


serving = subprocess.Popen(
    [LINUX_PROGRAM, "practice", "--serve-only", "--speed", "20", "--data-dir", SERVE],
    stdin=subprocess.DEVNULL, stdout=open(os.path.join(HERE, "serve.txt"), "w"), stderr=subprocess.STDOUT)
settings = within(60, "the practice platform", printed_settings)
settings["terminal"] = "paper"
os.makedirs(os.path.join(DATA, "config"))
json.dump(settings, open(os.path.join(DATA, "config", "executor-config.json"), "w"))

chance = random.Random(7)
given = []


def start():
    process = wine("killed", "--headless", output=os.path.join(HERE, "killed.txt"))
    within(60, "a subscription", lambda: state()["pusher"]["subscribed"])
    return process


for _ in range(KILLS):
    process = start()
    for _ in range(COMMANDS // KILLS):
        command = {"command": "OPEN_POSITION", "priority": "NORMAL",
                   "parameters": {"symbol": "EURUSD", "type": "BUY", "volume": 0.01}}
        answer = call("POST", f"/api/executor/{settings['executorId']}/command", command)
        given.append(answer["command"]["id"])
        time.sleep(chance.uniform(0, 0.08))
    for pid in pids():
        try:
            os.kill(pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
    process.wait(30)
    within(30, "the end of the killed one", lambda: not pids())

start()


def settled():
    rows = {row["id"]: row for row in state()["commands"]}
    final = [rows[one] for one in given if rows.get(one, {}).get("status") in ("executed", "failed")]
    return final if len(final) == len(given) and not any((row.get("result") or {}).get("interim") for row in final) else None


rows = within(120, "a final status of every command", settled)
executed = [row for row in rows if row["status"] == "executed"]
wine("killed", "end", output=os.path.join(HERE, "end.txt")).wait(60)
within(30, "the end of the executor", lambda: not pids())
serving.terminate()
tickets = [row["result"].get("ticket") for row in executed]
if None in tickets or len(set(tickets)) != len(tickets):
    sys.exit(f"two commands have one effect: {tickets}")
deals = json.load(open(os.path.join(DATA, "paper-account.json")))["deals"]
opened = [deal["position"] for deal in deals if deal["entry"] == "In"]
if sorted(map(str, opened)) != sorted(map(str, tickets)):
    sys.exit(f"{len(executed)} commands were executed, {len(opened)} positions were opened: {tickets}, {opened}")
if len(executed) < COMMANDS // 2:
    sys.exit(f"only {len(executed)} commands were executed: {rows[:3]}")
print(f"{KILLS} kills among {len(given)} commands: {len(executed)} executed, as many positions opened; lost 0, doubled 0, unreported 0")
