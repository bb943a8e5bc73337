"""A headless Chromium, driven over its DevTools pipe: pages, what they say of themselves, and pictures of them."""

import base64
import json
import os
import selectors
import struct
import subprocess
import time
import zlib
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

_PATIENCE = 60.0
"""Seconds in which any single answer must be there, on a machine that has other things to do."""
# The browser asks for nothing by itself, and a machine without a sandbox for it (a container) can start it.
_FLAGS = ("--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--hide-scrollbars",
          "--disable-background-networking", "--disable-component-update", "--disable-sync", "--disable-dev-shm-usage",
          "--remote-debugging-pipe")  # fmt: skip


@dataclass(frozen=True, slots=True)
class Picture:
    """The pixels of a screenshot."""

    width: int
    height: int
    colours: Counter[tuple[int, int, int]]
    """How many pixels there are of each colour."""

    def share(self, colour: tuple[int, int, int]) -> float:
        """Return which part of the picture has this very colour."""
        return self.colours[colour] / (self.width * self.height)


@dataclass(slots=True)
class Browser:
    """One page of a running browser."""

    _to: int
    _from: int
    _session: str = ""
    _count: int = 0
    _read: bytes = b""
    _events: list[dict[str, object]] = field(default_factory=list)

    def attach(self) -> None:
        """Make the page that everything else is about."""
        target = self.ask("Target.createTarget", url="about:blank")["targetId"]
        self._session = str(self.ask("Target.attachToTarget", targetId=target, flatten=True)["sessionId"])
        for domain in ("Page", "Runtime", "Log", "Network"):
            self.ask(f"{domain}.enable")

    def look(self, *, width: int, height: int = 1000, dark: bool = False) -> None:
        """Give the page a window of this size on a machine that likes it dark or light; a narrow one is a phone."""
        phone = width < 600
        self.ask("Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=phone)
        scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        self.ask("Emulation.setEmulatedMedia", features=[scheme])
        self._drawn()

    def open(self, page: Path) -> None:
        """Open the file *page*, and wait until it is loaded and drawn."""
        self._events.clear()
        self.ask("Page.navigate", url=page.as_uri())
        while not any(one.get("method") == "Page.loadEventFired" for one in self._events):
            self._events.append(self._next())
        self._drawn()

    def run(self, script: str) -> object:
        """Return what *script* evaluates to in the page, a promise awaited; the page's own policy does not bind it."""
        answer = self.ask("Runtime.evaluate", expression=script, awaitPromise=True, returnByValue=True)
        assert "exceptionDetails" not in answer, answer["exceptionDetails"]
        result = answer["result"]
        assert isinstance(result, dict)
        return result.get("value")

    def _drawn(self) -> None:
        # The second frame from now on comes when the first one has been drawn.
        self.run("new Promise(done => requestAnimationFrame(() => requestAnimationFrame(() => done(0))))")

    def press(self, key: str, code: int) -> None:
        """Press and release a key: `Tab`, 9."""
        for kind in ("rawKeyDown", "keyUp"):
            self.ask("Input.dispatchKeyEvent", type=kind, key=key, code=key, windowsVirtualKeyCode=code)

    def complaints(self) -> list[str]:
        """Return what the browser refused or the page's script failed at since it was opened."""
        bad = ("Log.entryAdded", "Runtime.exceptionThrown")
        return [json.dumps(one["params"]) for one in self._events if one.get("method") in bad]

    def requested(self) -> list[str]:
        """Return the URLs that the page asked for since it was opened, its own first."""
        sent = [one["params"] for one in self._events if one.get("method") == "Network.requestWillBeSent"]
        return [str(one["request"]["url"]) for one in sent if isinstance(one, dict)]

    def shot(self, selector: str | None = None, *, to: Path | None = None) -> Picture:
        """Return a picture of the window, or of what *selector* finds as far as the window shows it."""
        clip: dict[str, object] = {}
        if selector is not None:
            box = self.run(
                f"(() => {{ const one = document.querySelector({json.dumps(selector)}); one.scrollIntoView();"
                "const box = one.getBoundingClientRect();"
                "return [box.x + scrollX, box.y + scrollY, box.width, Math.min(box.height, innerHeight)] })()"
            )
            assert isinstance(box, list)
            clip = {"clip": {**dict(zip(("x", "y", "width", "height"), box, strict=True)), "scale": 1}}
        data = base64.b64decode(str(self.ask("Page.captureScreenshot", format="png", **clip)["data"]))
        if to is not None:
            to.write_bytes(data)
        return _decoded(data)

    def ask(self, method: str, **params: object) -> dict[str, object]:
        """Return the answer to one command of the DevTools protocol."""
        self._count += 1
        message = {"id": self._count, "method": method, "params": params}
        if self._session:
            message["sessionId"] = self._session
        left = json.dumps(message).encode() + b"\0"
        while left:
            left = left[os.write(self._to, left) :]
        while True:
            said = self._next()
            if said.get("id") == self._count:
                assert "error" not in said, f"{method}: {said['error']}"
                result = said["result"]
                assert isinstance(result, dict)
                return result
            self._events.append(said)

    def _next(self) -> dict[str, object]:
        ends = time.monotonic() + _PATIENCE
        with selectors.DefaultSelector() as ready:
            ready.register(self._from, selectors.EVENT_READ)
            while b"\0" not in self._read:
                assert ready.select(max(ends - time.monotonic(), 0)), "the browser does not answer"
                more = os.read(self._from, 1 << 20)
                assert more, "the browser is gone"
                self._read += more
        said, _, self._read = self._read.partition(b"\0")
        message = json.loads(said)
        assert isinstance(message, dict)
        return message


@contextmanager
def browsing(chromium: Path, profile: Path) -> Iterator[Browser]:
    """Start *chromium* with an empty *profile* for as long as the context lasts."""
    theirs_in, ours_out = os.pipe()
    ours_in, theirs_out = os.pipe()
    # The browser reads file 3 and writes file 4; the shell is what puts them there. By path: not every shell knows
    # files of two digits by their number.
    line = f'exec "$0" "$@" 3</dev/fd/{theirs_in} 4>/dev/fd/{theirs_out}'
    process = subprocess.Popen(
        ["sh", "-c", line, str(chromium), *_FLAGS, f"--user-data-dir={profile}"],
        pass_fds=(theirs_in, theirs_out),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    os.close(theirs_in)
    os.close(theirs_out)
    browser = Browser(ours_out, ours_in)
    try:
        browser.attach()
        yield browser
    finally:
        os.close(ours_out)  # The browser ends with its pipe.
        os.close(ours_in)
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _decoded(png: bytes) -> Picture:
    """Return the pixels of a PNG of 8 bits a channel, not interlaced: what the browser makes."""
    assert png.startswith(b"\x89PNG\r\n\x1a\n")
    at, packed = 8, b""
    width = height = size = 0
    while at < len(png):
        length, kind = struct.unpack_from(">I4s", png, at)
        chunk = png[at + 8 : at + 8 + length]
        if kind == b"IHDR":
            width, height, depth, colour, _, _, interlaced = struct.unpack(">IIBBBBB", chunk)
            assert (depth, interlaced) == (8, 0)
            size = {2: 3, 6: 4}[colour]
        elif kind == b"IDAT":
            packed += chunk
        at += length + 12
    return Picture(width, height, _counted(zlib.decompress(packed), width, height, size))


def _counted(raw: bytes, width: int, height: int, size: int) -> Counter[tuple[int, int, int]]:
    """Count the colours of filtered rows (PNG specification, section 9)."""
    colours: Counter[tuple[int, int, int]] = Counter()
    stride = width * size
    above = bytearray(stride)
    for row in range(height):
        start = row * (stride + 1)
        line = bytearray(raw[start + 1 : start + 1 + stride])
        _unfiltered(raw[start], line, above, size)
        colours.update(zip(line[0::size], line[1::size], line[2::size], strict=True))
        above = line
    return colours


def _unfiltered(kind: int, line: bytearray, above: bytearray, size: int) -> None:
    if kind == 2:  # Up, the usual one, is worth a way of its own.
        line[:] = bytes((one + other) & 255 for one, other in zip(line, above, strict=True))
        return
    for at in range(len(line)) if kind else ():
        left = line[at - size] if at >= size else 0
        up, corner = above[at], above[at - size] if at >= size else 0
        match kind:
            case 1:
                guess = left
            case 3:
                guess = (left + up) // 2
            case _:
                far = [(abs(up - corner), left), (abs(left - corner), up), (abs(left + up - 2 * corner), corner)]
                guess = min(far, key=lambda one: one[0])[1]
        line[at] = (line[at] + guess) & 255
