"""
Measures the typosquat check on labelled squats, little known names, real trees and left-out popular names.

    python bench/typosquat.py DATA_DIR [--misses] [--part dev]

DATA_DIR holds `popular/` and `squats/`. All is judged by name alone: no fact damps anything. A starred group leaves out
the squats whose target is not on the list of popular names, which no list of popular names can find.
"""

import argparse
import csv
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import date
from pathlib import Path

from safeinstall.model import EcosystemName
from safeinstall.names.index import Index, open_index
from safeinstall.names.pack import pack
from safeinstall.names.popular import names_file
from safeinstall.names.score import Level, judge

SPELLING = (
    *("insert", "omit", "subst_kbd", "subst_other", "transpose", "repeat"),
    *("edit2", "homoglyph", "separator", "plural"),
)
COMBOS = ("combo", "combo_glued", "combo_edit")
SURE = ("transpose", "repeat")
LEFT_OUT = 4
ADDED = ("language", "combined")
"""Ways that count as combosquats: words were added to a popular name."""


def main(argv: Sequence[str] | None = None) -> int:
    """Print all figures for both ecosystems."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path)
    parser.add_argument("--part", default="dev", help="the half of the labels: `dev`")
    parser.add_argument("--misses", action="store_true", help="list what was missed and what was flagged")
    options = parser.parse_args(argv)
    for ecosystem in EcosystemName:
        print(f"== {ecosystem.value} ==")
        index = open_index(names_file(ecosystem))
        squats(index, options.data / "squats" / f"squats-{options.part}.csv", misses=options.misses)
        for title in ("long-tail", "real-trees"):
            path = options.data / "squats" / f"{title}-{ecosystem.value}-{options.part}.txt"
            flagged(index, title, path.read_text(encoding="utf-8").split(), misses=options.misses)
        left_out(ecosystem, options.data / "popular" / f"{ecosystem.value}.tsv", misses=options.misses)
        speed(index, options.data / "squats", options.part)
    startup()
    return 0


def squats(index: Index, table: Path, *, misses: bool) -> None:
    """Print the recall of each class and of the groups the targets are set for."""
    with table.open(encoding="utf-8") as file:
        rows = [row for row in csv.DictReader(file) if row["ecosystem"] == index.ecosystem.value]
    rows = [row for row in rows if row["in_scope"] == "1" and index.rank(row["name"]) is None]
    total, noted, strong, right = Counter[str](), Counter[str](), Counter[str](), Counter[str]()
    for row in rows:
        kind = row["class"]
        groups = [kind, *[group for group, kinds in GROUPS.items() if kind in kinds], "all"]
        if index.rank(row["target"]) is not None:
            groups += [f"{group}*" for group, kinds in GROUPS.items() if kind in kinds]
        found = judge(index, row["name"])
        total.update(groups)
        if found is not None:
            noted.update(groups)
            right.update(groups if found.target == row["target"] else ())
            strong.update(groups if found.level is Level.STRONG else ())
        if misses and (found is None or found.level is not Level.STRONG or found.target != row["target"]):
            print(f"     {kind}: {row['name']} ({row['target']}): {told(found)}")
    for kind in sorted(total, key=lambda key: (key.rstrip("*") not in GROUPS, key)):
        count = total[kind]
        print(
            f"  {kind:12} {count:4}  note {noted[kind] / count:7.1%}  strong {strong[kind] / count:7.1%}"
            f"  right target {right[kind] / max(noted[kind], 1):7.1%}"
        )


GROUPS = {"SPELLING": SPELLING, "SWAP+REPEAT": SURE, "COMBOS": COMBOS}


def told(found: object) -> str:
    """Return a likeness in short."""
    target, score, how = (getattr(found, key, None) for key in ("target", "score", "how"))
    if target is None:
        return "nothing"
    ways = "+".join(edit.slip.value for edit in how) if isinstance(how, tuple) else getattr(how, "value", "")
    return f"{target} {score:.1f} {ways}"


def flagged(index: Index, title: str, names: Iterable[str], *, misses: bool) -> None:
    """Print which share of legitimate *names* is flagged at each level, combosquats counted apart."""
    judged = {name: judge(index, name) for name in names}
    hits = {name: found for name, found in judged.items() if found is not None}
    strong = [name for name, found in hits.items() if found.level is Level.STRONG]
    kinds = Counter(
        (f"{len(found.how)} edits" if isinstance(found.how, tuple) else found.how.value) for found in hits.values()
    )
    added = sum(kinds[way] for way in ADDED)
    size = len(judged)
    print(
        f"  {title}: {size} names, strong {len(strong)} ({len(strong) / size:.2%}), all without added words"
        f" {len(hits) - added} ({(len(hits) - added) / size:.2%}), by added words {added} ({added / size:.2%})"
    )
    print("     " + ", ".join(f"{count} by {kind}" for kind, count in kinds.most_common()))
    if misses:
        shown = sorted(hits.items(), key=lambda pair: -pair[1].score)
        print("     " + " | ".join(f"{name}: {told(found)}" for name, found in shown))


def left_out(ecosystem: EcosystemName, table: Path, *, misses: bool) -> None:
    """Print how many popular names would be flagged if they were not popular: every fourth is left out."""
    ranked = [line.split("\t")[0] for line in table.read_text(encoding="utf-8").splitlines()[1:]]
    kept = [name for place, name in enumerate(ranked) if place % LEFT_OUT != LEFT_OUT - 1]
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "left-out.names"
        path.write_bytes(pack(ecosystem, kept, date(2026, 1, 1)))
        flagged(open_index(path), "left-out popular", ranked[LEFT_OUT - 1 :: LEFT_OUT], misses=misses)


def speed(index: Index, folder: Path, part: str) -> None:
    """Print what opening and judging cost in processor time: 2,000 popular names, 2,000 unknown ones."""
    begin = time.process_time()
    fresh = open_index(names_file(index.ecosystem))
    opened = time.process_time() - begin
    fresh.verify()
    verified = time.process_time() - begin - opened
    tail = (folder / f"long-tail-{index.ecosystem.value}-{part}.txt").read_text(encoding="utf-8").split()
    unknown = [name for name in tail if index.rank(name) is None][:2000]
    popular = [index.name(ident) for ident in range(0, index.size, index.size // 2000)][:2000]
    took = []
    for names in (popular, unknown):
        begin = time.process_time()
        for name in names:
            judge(index, name)
        took.append(time.process_time() - begin)
    print(
        f"  opened in {opened * 1000:.2f} ms, verified in {verified * 1000:.2f} ms;"
        f" 2,000 popular names in {took[0] * 1000:.0f} ms, 2,000 unknown in {took[1] * 1000:.0f} ms"
    )


def startup() -> None:
    """Print how long importing the check takes in a fresh interpreter."""
    code = (
        "import safeinstall.contracts, time; begin = time.process_time(); "
        "import safeinstall.checks.typosquat; print(time.process_time() - begin)"
    )
    took = min(
        float(subprocess.run([sys.executable, "-c", code], capture_output=True, check=True).stdout) for _ in "abc"
    )
    print(f"import of the check: {took * 1000:.0f} ms")


if __name__ == "__main__":
    raise SystemExit(main())
