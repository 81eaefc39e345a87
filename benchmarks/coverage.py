"""How often do the 95 % intervals of agreement hold the true value? Simulated annotators of known accuracy.

    python benchmarks/coverage.py [--designs 2000] [--draws 1000] [--docs docs]

Each line is one kind of design: items, annotators, how many items have the label, how often an annotator sees right, and the
share of answers that are missing. The true value is that of a design of 2,000,000 items. ``told`` is the share of designs
for which an interval is given at all.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).parent.parent))

from toolkit.agreement import bootstrap as bs
from toolkit.agreement import coefficients as co
from toolkit.agreement.ballots import Ints
from toolkit.agreement.distances import Nominal
from toolkit.agreement.units import Units, units

DESIGNS = [
    (30, 3, 0.5, 0.85, 0.0),
    (50, 3, 0.3, 0.9, 0.2),
    (50, 2, 0.5, 0.9, 0.0),
    (60, 3, 0.4, 0.9, 0.2),
    (100, 3, 0.1, 0.95, 0.2),
    (100, 5, 0.2, 0.9, 0.5),
    (150, 3, 0.1, 0.95, 0.2),
    (200, 3, 0.05, 0.97, 0.0),
    (500, 2, 0.05, 0.97, 0.0),
    (1000, 3, 0.02, 0.99, 0.3),
]

PAGE = """# Agreement: how often the intervals hold

Written by `python benchmarks/coverage.py --designs {designs} --draws {draws} --docs docs`.

How often the 95 % intervals of α and AC1 hold the true value: {designs:,} simulated designs a line, {draws:,} draws each.
`share`: of items that have the label; `right`: how often an annotator sees right; `missing`: of answers; `told`: of designs for
which an interval is given at all. Between {least:.3f} and {most:.3f}; chance alone moves a line by {noise:.3f} either way.

{table}
"""


def design(rng: np.random.Generator, items: int, people: int, share: float, right: float, missing: float) -> Units:
    """Return the answers of a random design, yes (1) or no (0)."""
    true = rng.random(items) < share
    given = np.where(rng.random((items, people)) < right, true[:, None], ~true[:, None])
    item, who = np.nonzero(rng.random((items, people)) >= missing)
    return units(item, given[item, who].astype(np.int64), 2)


def alpha(found: Units) -> tuple[bs.Statistic, Ints]:
    """Return α of what has two answers."""
    return co.alpha(found.rated, Nominal(2)), found.rated.times


def ac1(found: Units) -> tuple[bs.Statistic, Ints]:
    """Return AC1."""
    return co.gwet_ac1(found), found.times


def main() -> None:
    """Simulate, and print a line a kind of design."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--designs", type=int, default=2000)
    parser.add_argument("--draws", type=int, default=1000)
    parser.add_argument("--docs", type=Path, help="write benchmarks-intervals.md there")
    asked = parser.parse_args()
    lines = [
        "| items | annotators | share | right | missing | | true | covered | told |",
        "|---|---|---|---|---|---|---|---|---|",
    ]
    shares = []
    for number, kind in enumerate(DESIGNS):
        rng = np.random.default_rng([17, number])
        large = design(rng, 2_000_000, *kind[1:])
        made = [design(rng, *kind) for _ in range(asked.designs)]
        for name, statistic in (("α", alpha), ("AC1", ac1)):
            true = bs.value(*statistic(large)) or 0.0
            ends = [bs.interval(*statistic(found), asked.draws, seed) for seed, found in enumerate(made)]
            told = [(low, high) for low, high in ends if low is not None and high is not None]
            shares.append(sum(low <= true <= high for low, high in told) / max(1, len(told)))
            cells = (*kind, name, f"{true:.3f}", f"{shares[-1]:.3f}", f"{len(told) / len(ends):.2f}")
            lines.append(f"| {' | '.join(map(str, cells))} |")
            print(lines[-1], flush=True)
    if asked.docs:
        text = PAGE.format(
            **{"designs": asked.designs, "draws": asked.draws, "table": "\n".join(lines)},
            **{"least": min(shares), "most": max(shares), "noise": 2 * (0.95 * 0.05 / asked.designs) ** 0.5},
        )
        (asked.docs / "benchmarks-intervals.md").write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
