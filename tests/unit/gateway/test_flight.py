"""Several threads that want one thing make one of it."""

import threading

import pytest

from safeinstall.gateway.pypi_flight import SingleFlight


def test_one_makes_it_for_all() -> None:
    """Whoever comes while it is made waits for it."""
    flight: SingleFlight[int] = SingleFlight()
    made, got = [], []
    gate = threading.Event()

    def make() -> int:
        gate.wait(10)
        made.append(1)
        return 7

    threads = [threading.Thread(target=lambda: got.append(flight.get("key", make))) for _ in range(8)]
    for thread in threads:
        thread.start()
    gate.set()
    for thread in threads:
        thread.join()

    assert (made, got) == ([1], [7] * 8)
    assert flight.peek("key") == 7


def test_a_failure_is_nobody_elses() -> None:
    """Another's error is not handed on: the next one tries for itself."""
    flight: SingleFlight[int] = SingleFlight()

    def fail() -> int:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        flight.get("key", fail)

    assert flight.peek("key") is None
    assert flight.get("key", lambda: 1) == 1
