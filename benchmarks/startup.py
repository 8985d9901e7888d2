"""How long `monitor` takes to start, beside a bare Python: in ms and as a ratio.

Run it with the interpreter of the installation, on a machine that does nothing else:

    .venv/bin/python benchmarks/startup.py [ROUNDS]

Each round starts every command once, one after another, so that a busy moment hits all alike;
medians over ROUNDS (default 20) are printed. The first round warms the disk cache and doesn't
count. The aim is 300 ms for `monitor --version` and `monitor --help`.
"""

from __future__ import annotations

import statistics
import subprocess
import sys
from pathlib import Path
from time import perf_counter

PYTHON = sys.executable
# Not resolved: a virtual environment's python is a link that leads out of it.
MONITOR = str(Path(PYTHON).with_name("monitor"))
COMMANDS = {
    "python -c pass": [PYTHON, "-c", "pass"],
    "monitor --version": [MONITOR, "--version"],
    "monitor --help": [MONITOR, "--help"],
}


def milliseconds(command: list[str]) -> float:
    """Wall time of one run of `command`; a command that fails ends the benchmark."""
    began = perf_counter()
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    return (perf_counter() - began) * 1000


def main(rounds: int) -> None:
    """Print one line a command: median, fastest and slowest run, ratio of medians to Python's."""
    if not Path(MONITOR).exists():
        sys.exit(f"{MONITOR} does not exist; run: make setup, then .venv/bin/python {__file__}")
    times = [[milliseconds(command) for command in COMMANDS.values()] for _ in range(rounds + 1)]
    columns = list(zip(*times[1:], strict=True))
    bare = statistics.median(columns[0])
    print(f"{'command':<18} {'median ms':>9} {'min':>6} {'max':>6} {'ratio':>6}   n={rounds}")
    for name, column in zip(COMMANDS, columns, strict=True):
        median = statistics.median(column)
        low, high = min(column), max(column)
        print(f"{name:<18} {median:9.0f} {low:6.0f} {high:6.0f} {median / bare:6.2f}")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 20)
