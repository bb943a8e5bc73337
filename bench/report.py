"""
Measures how long a browser takes to open the HTML report of a large tree: `python -m bench.report [--size N]`.

The times are the page's own (`performance`): from asking for the file to its load event, and to its first paint with
content in it. Ends with 1 where the slowest round is over the limit of 2 s.
"""

import argparse
import shutil
import statistics
import sys
import tempfile
import time
from pathlib import Path

from safeinstall.formats.html import Html
from tests.browser import Browser, browsing
from tests.builders.reports import varied

LIMIT = 2.0
_LOADED = "performance.getEntriesByType('navigation')[0].loadEventEnd"
_PAINTED = "Math.max(0, ...performance.getEntriesByName('first-contentful-paint').map(one => one.startTime))"


def main() -> int:
    """Measure on a desk and on a phone, each round with a browser that has not seen the page."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--size", type=int, default=1000)
    parser.add_argument("--rounds", type=int, default=7)
    given = parser.parse_args()
    chromium = shutil.which("chromium")
    if chromium is None:
        raise SystemExit("chromium is not on this machine")
    slowest = 0.0
    with tempfile.TemporaryDirectory() as folder:
        page = Path(folder) / "report.html"
        run = varied(given.size)
        started = time.process_time()
        page.write_text(Html().render(run))
        print(f"written in {time.process_time() - started:.2f} s of processor time, {page.stat().st_size:,} bytes")
        for name, width in (("desk", 1280), ("phone", 375)):
            rounds = [_round(Path(chromium), Path(folder) / f"{name}{one}", page, width) for one in range(given.rounds)]
            slowest = max(slowest, *(loaded for loaded, _ in rounds))
            for what, column in (("loaded", 0), ("painted", 1)):
                times = sorted(one[column] for one in rounds)
                print(f"{name}: {what} median {statistics.median(times):.2f} s ({times[0]:.2f} to {times[-1]:.2f})")
    return int(slowest > LIMIT)


def _round(chromium: Path, profile: Path, page: Path, width: int) -> tuple[float, float]:
    with browsing(chromium, profile) as browser:
        browser.look(width=width)
        browser.open(page)
        while not _seconds(browser, _PAINTED):  # It is told a little after it is done.
            time.sleep(0.05)
        return _seconds(browser, _LOADED), _seconds(browser, _PAINTED)


def _seconds(browser: Browser, script: str) -> float:
    value = browser.run(script)
    assert isinstance(value, int | float)
    return value / 1000


if __name__ == "__main__":
    sys.exit(main())
