"""
Measures the typosquat check on labelled squats, little known names, real trees and left-out popular names.

    python bench/typosquat.py DATA_DIR [--misses] [--part dev] [--halves 20] [--no-times]

DATA_DIR holds `popular/` and `squats/`. All is judged by name alone: no fact damps anything. Each figure that has a
limit is followed by it and by `ok` or `MISSED`; the exit code is 1 when one is missed. In brackets stands the interval
in which the true share lies with 95 % (Wilson): the labels are few, so a figure at its limit may be luck. A starred
group leaves out the squats whose target is not on the list of popular names.

`--halves` splits labels and little known names at random, sets both thresholds on one half so that the limits for
little known names just hold there, and tells what the other half, which nothing was set by, then shows.
"""

import argparse
import csv
import math
import random
import statistics
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path

from safeinstall.model import EcosystemName
from safeinstall.names.index import Index, open_index
from safeinstall.names.pack import pack
from safeinstall.names.popular import FOLDER, names_file
from safeinstall.names.score import NOTE, STRONG, Level, Likeness, judge

SPELLING = (
    *("insert", "omit", "subst_kbd", "subst_other", "transpose", "repeat"),
    *("edit2", "homoglyph", "separator", "plural"),
)
GROUPS = {
    "SPELLING": SPELLING,
    "SWAP+REPEAT": ("transpose", "repeat"),
    "COMBOS": ("combo", "combo_glued", "combo_edit"),
}
LEFT_OUT = 4
ADDED = ("language", "combined")
"""Ways that count as combosquats: words were added to a popular name."""

PYPI, NPM = EcosystemName.PYPI, EcosystemName.NPM
LEAST_NOTED = {PYPI: 0.95, NPM: 0.90}
MOST_STRONG_TAIL = {PYPI: 0.0030, NPM: 0.0050}
MOST_NOTED_TAIL = {PYPI: 0.013, NPM: 0.024}
MUST: Mapping[EcosystemName, Mapping[str, str]] = {
    PYPI: {
        **dict.fromkeys(("reqeusts", "requests2"), "strong"),
        **dict.fromkeys(("pampyio", "nmap-python"), "note"),
        **dict.fromkeys(("ctx", "colorama", "python_nmap"), "none"),
    },
    NPM: {
        **dict.fromkeys(("jqeury", "crossenv", "@typess/node", "types-node"), "strong"),
        "event-stream-utils": "note",
        **dict.fromkeys(("event-stream", "node-ipc"), "none"),
    },
}
LARGEST_DATA = 6_000_000


@dataclass(slots=True)
class Limits:
    """What was held to a limit, and how often it was missed."""

    missed: list[str] = field(default_factory=list)

    def told(self, what: str, value: float, *, least: float | None = None, most: float | None = None) -> str:
        """Return the limit of *what* and whether *value* keeps it."""
        kept = (least is None or value >= least) and (most is None or value <= most)
        if not kept:
            self.missed.append(what)
        limit = f">= {least:g}" if least is not None else f"<= {most:g}"
        return f"[limit {limit}: {'ok' if kept else 'MISSED'}]"

    def share(self, what: str, part: int, whole: int, *, least: float | None = None, most: float | None = None) -> str:
        """Return a share with its interval, its limit and whether it is kept."""
        low, high = interval(part, whole)
        verdict = self.told(what, part / whole, least=least, most=most)
        return f"{part} of {whole} = {part / whole:.2%} ({low:.2%} to {high:.2%}) {verdict}"


def interval(part: int, whole: int) -> tuple[float, float]:
    """Return the bounds between which the true share lies with 95 % (Wilson)."""
    z, share = 1.96, part / whole
    middle = (share + z * z / (2 * whole)) / (1 + z * z / whole)
    reach = z * math.sqrt(share * (1 - share) / whole + z * z / (4 * whole * whole)) / (1 + z * z / whole)
    return max(middle - reach, 0.0), min(middle + reach, 1.0)


def main(argv: Sequence[str] | None = None) -> int:
    """Print all figures for both ecosystems; 1 when a limit is missed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path)
    parser.add_argument("--part", default="dev", help="the half of the labels: `dev`")
    parser.add_argument("--misses", action="store_true", help="list what was missed and what was flagged")
    parser.add_argument("--halves", type=int, default=0, help="how often to split at random")
    parser.add_argument("--no-times", action="store_true", help="leave out what a busy machine would falsify")
    options = parser.parse_args(argv)
    limits = Limits()
    for ecosystem in EcosystemName:
        print(f"== {ecosystem.value} ==")
        index = open_index(names_file(ecosystem))
        rows = labels(index, options.data / "squats" / f"squats-{options.part}.csv")
        tail, trees = (
            (options.data / "squats" / f"{title}-{ecosystem.value}-{options.part}.txt").read_text("utf-8").split()
            for title in ("long-tail", "real-trees")
        )
        squats(index, rows, limits, misses=options.misses)
        must(index, limits)
        flagged(index, "long-tail", tail, limits, misses=options.misses)
        flagged(index, "real-trees", trees, limits, misses=options.misses)
        left_out(ecosystem, options.data / "popular" / f"{ecosystem.value}.tsv", limits, misses=options.misses)
        if options.halves:
            halves(index, rows, tail, options.halves)
        if not options.no_times:
            speed(index, tail, trees, limits)
    size = sum(path.stat().st_size for path in FOLDER.parent.rglob("*") if path.is_file())
    print(f"package data: {size:,} bytes {limits.told('package data', size, most=LARGEST_DATA)}")
    if not options.no_times:
        startup(limits)
    print("missed: " + (", ".join(limits.missed) or "nothing"))
    return 1 if limits.missed else 0


def labels(index: Index, table: Path) -> list[dict[str, str]]:
    """Return the labelled squats that a name check can be expected to find; one that is popular by now is none."""
    with table.open(encoding="utf-8") as file:
        rows = [row for row in csv.DictReader(file) if row["ecosystem"] == index.ecosystem.value]
    return [row for row in rows if row["in_scope"] == "1" and index.rank(row["name"]) is None]


def squats(index: Index, rows: Sequence[Mapping[str, str]], limits: Limits, *, misses: bool) -> None:
    """Print the recall of each class and of the groups the limits are set for."""
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
    for what, group, counts, whole, least in (
        ("spelling noted", "SPELLING", noted, total, LEAST_NOTED[index.ecosystem]),
        ("spelling strong", "SPELLING", strong, total, 0.75),
        ("swaps and repeats strong", "SWAP+REPEAT", strong, total, 1.0),
        ("combosquats noted", "COMBOS", noted, total, 0.55),
        ("right target", "SPELLING", right, noted, 0.95),
    ):
        title = f"{index.ecosystem.value} {what}"
        print(f"  {what}: {limits.share(title, counts[group], whole[group], least=least)}")


def must(index: Index, limits: Limits) -> None:
    """Print whether the names that everybody knows are judged as they must be."""
    wrong = []
    for name, level in MUST[index.ecosystem].items():
        found = judge(index, name)
        is_so = "none" if found is None else found.level.name.lower()
        if is_so != level and (level, is_so) != ("note", "strong"):
            wrong.append(f"{name} is {is_so}, not {level}")
    popular = [index.name(ident) for ident in range(index.size)]
    wrong += [f"{name} is popular and flagged" for name in popular if judge(index, name) is not None]
    verdict = limits.told(f"{index.ecosystem.value} must list", len(wrong), most=0)
    print(f"  must flag, must pass, and all {index.size} popular names: {', '.join(wrong) or 'as they must'} {verdict}")


def told(found: Likeness | None) -> str:
    """Return a likeness in short."""
    if found is None:
        return "nothing"
    ways = "+".join(edit.slip.value for edit in found.how) if isinstance(found.how, tuple) else found.how.value
    return f"{found.target} {found.score:.1f} {ways}"


def added_words(found: Likeness) -> bool:
    """Whether a likeness counts as a combosquat."""
    return not isinstance(found.how, tuple) and found.how.value in ADDED


def flagged(index: Index, title: str, names: Iterable[str], limits: Limits, *, misses: bool) -> None:
    """Print which share of legitimate *names* is flagged at each level, combosquats counted apart."""
    judged = {name: judge(index, name) for name in names}
    hits = {name: found for name, found in judged.items() if found is not None}
    strong = sum(found.level is Level.STRONG for found in hits.values())
    added, size = sum(map(added_words, hits.values())), len(judged)
    ecosystem, plain = index.ecosystem, len(hits) - added
    name = f"{ecosystem.value} {title}"
    if title == "long-tail":
        print(f"  {title} strong: {limits.share(f'{name} strong', strong, size, most=MOST_STRONG_TAIL[ecosystem])}")
        verdict = limits.share(f"{name} noted", plain, size, most=MOST_NOTED_TAIL[ecosystem])
        print(f"  {title} strong or noted, without added words: {verdict}")
        print(f"  {title} noted for added words: {limits.share(f'{name} added words', added, size, most=0.01)}")
    elif title == "real-trees":
        print(f"  {title} strong: {limits.share(f'{name} strong', strong, size, most=0)}; noted: {len(hits) - strong}")
    else:
        print(f"  {title} strong: {limits.share(f'{name} strong', strong, size, most=0.01)}; noted: {plain}, {added}")
    kinds = Counter(
        (f"{len(found.how)} edits" if isinstance(found.how, tuple) else found.how.value) for found in hits.values()
    )
    print("     " + (", ".join(f"{count} by {kind}" for kind, count in kinds.most_common()) or "none"))
    if misses:
        shown = sorted(hits.items(), key=lambda pair: -pair[1].score)
        print("     " + " | ".join(f"{name}: {told(found)}" for name, found in shown))


def left_out(ecosystem: EcosystemName, table: Path, limits: Limits, *, misses: bool) -> None:
    """Print how many popular names would be flagged if they were not popular: every fourth is left out."""
    ranked = [line.split("\t")[0] for line in table.read_text(encoding="utf-8").splitlines()[1:]]
    kept = [name for place, name in enumerate(ranked) if place % LEFT_OUT != LEFT_OUT - 1]
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "left-out.names"
        path.write_bytes(pack(ecosystem, kept, date(2026, 1, 1)))
        flagged(open_index(path), "left-out popular", ranked[LEFT_OUT - 1 :: LEFT_OUT], limits, misses=misses)


def halves(index: Index, rows: Sequence[Mapping[str, str]], tail: Sequence[str], times: int) -> None:
    """Print what the half that nothing was set by shows, over *times* random splits."""
    spelling = [row for row in rows if row["class"] in SPELLING]
    squat_scores = [0.0 if (found := judge(index, row["name"])) is None else found.score for row in spelling]
    tail_scores = [0.0 if (found := judge(index, name)) is None or added_words(found) else found.score for name in tail]
    dice, seen = random.Random(4), Counter[str]()
    figures: dict[str, list[float]] = {}
    for _ in range(times):
        ours, theirs = split(squat_scores, dice)[1], split(tail_scores, dice)
        strong = threshold(theirs[0], MOST_STRONG_TAIL[index.ecosystem], STRONG - 1)
        note = threshold(theirs[0], MOST_NOTED_TAIL[index.ecosystem], NOTE)
        seen[f"{note:.1f}/{strong:.1f}"] += 1
        for what, scores, at in (
            ("squats noted", ours, note),
            ("squats strong", ours, strong),
            ("long tail noted", theirs[1], note),
            ("long tail strong", theirs[1], strong),
        ):
            figures.setdefault(what, []).append(sum(score >= at for score in scores) / len(scores))
    print(f"  other halves, {times} splits; thresholds set on the first ones (shipped: {NOTE}/{STRONG}):")
    print("     " + ", ".join(f"{pair} x{count}" for pair, count in seen.most_common(4)))
    for what, values in figures.items():
        print(f"     {what}: mean {statistics.mean(values):.2%}, {min(values):.2%} to {max(values):.2%}")


def split(scores: Sequence[float], dice: random.Random) -> tuple[list[float], list[float]]:
    """Return two random halves of *scores*."""
    mixed = dice.sample(scores, len(scores))
    return mixed[: len(mixed) // 2], mixed[len(mixed) // 2 :]


def threshold(scores: Sequence[float], most: float, lowest: float) -> float:
    """Return the lowest threshold, in tenths from *lowest* on, that at most the share *most* of *scores* reaches."""
    at = lowest
    while sum(score >= at for score in scores) > most * len(scores):
        at = round(at + 0.1, 1)
    return at


def speed(index: Index, tail: Sequence[str], trees: Sequence[str], limits: Limits) -> None:
    """Print what opening and judging cost in processor time: 2,000 names of real trees, 2,000 unknown ones."""
    opens, verifies = [], []
    for _ in range(9):
        begin = time.process_time()
        fresh = open_index(names_file(index.ecosystem))
        opens.append(time.process_time() - begin)
        fresh.verify()
        verifies.append(time.process_time() - begin - opens[-1])
    opened, verified = statistics.median(opens), statistics.median(verifies)
    unknown = [name for name in tail if index.rank(name) is None][:2000]
    # There are fewer names in PyPI's trees than that: they are judged again.
    tree = (list(trees) * (2000 // len(trees) + 1))[:2000]
    took = []
    for names in (tree, unknown):
        begin = time.process_time()
        for name in names:
            judge(index, name)
        took.append(time.process_time() - begin)
    title = index.ecosystem.value
    print(f"  opened in {opened * 1000:.2f} ms {limits.told(f'{title} opening', opened, most=0.001)}")
    print(f"  verified in {verified * 1000:.2f} ms")
    print(f"  2,000 names of real trees: {took[0] * 1000:.0f} ms {limits.told(f'{title} tree', took[0], most=0.04)}")
    print(f"  2,000 unknown names: {took[1] * 1000:.0f} ms {limits.told(f'{title} unknown', took[1], most=1)}")


def startup(limits: Limits) -> None:
    """Print how long the module of the check, with all that it imports of ours and no other check, takes to import."""
    alone = (
        "import safeinstall.contracts, importlib.util as util, sys, time; "
        "path = util.find_spec('safeinstall').submodule_search_locations[0] + '/checks/typosquat.py'; "
        "spec = util.spec_from_file_location('typosquat', path); module = util.module_from_spec(spec); "
        "sys.modules['typosquat'] = module; begin = time.process_time(); spec.loader.exec_module(module); "
        "print(time.process_time() - begin)"
    )
    every = (
        "import safeinstall.contracts, time; begin = time.process_time(); "
        "import safeinstall.checks; print(time.process_time() - begin)"
    )
    took = [
        min(
            float(subprocess.run([sys.executable, "-c", code], capture_output=True, check=True).stdout) for _ in "abcde"
        )
        for code in (alone, every)
    ]
    print(f"import of the check: {took[0] * 1000:.0f} ms {limits.told('import', took[0], most=0.02)}")
    print(f"import of all checks: {took[1] * 1000:.0f} ms")


if __name__ == "__main__":
    raise SystemExit(main())
