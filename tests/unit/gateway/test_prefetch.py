"""What pip will ask for next is there already, and nobody is asked whom pip would not ask."""

import threading
import time
from collections.abc import Callable

from safeinstall.gateway.pypi import PypiGateway
from safeinstall.gateway.upstream import Upstream
from tests.builders.wheels import wheel
from tests.registries.pypi import PypiRegistry
from tests.unit.gateway.gateways import ask, page, target


def prefetching() -> PypiGateway:
    """Return a gateway whose prefetcher works."""
    return PypiGateway(
        upstream=Upstream(), target=target(), vet_file=lambda _: False, vet_url=lambda _: False, cache=None
    )


def eventually(condition: Callable[[], bool]) -> bool:
    """Return whether *condition* comes true within ten seconds."""
    end = time.monotonic() + 10
    while time.monotonic() < end:
        if condition():
            return True
        time.sleep(0.02)
    return False


def test_the_closure_is_fetched_ahead(pypi: PypiRegistry) -> None:
    """One page asked for brings metadata of the whole closure: newest that fits, markers and extras obeyed."""
    pypi.add(
        wheel("flask", "2.0", requires=["gone"]),
        wheel(
            "flask", "3.0", requires=["jinja2[i18n]>=3,<4", "never; sys_platform == 'nowhere'", "extra; extra == 'x'"]
        ),
        wheel("flask", "4.0rc1", requires=["gone"]),
        wheel("jinja2", "3.1", requires=["babel; extra == 'i18n'"], extras={"i18n": []}),
        wheel("jinja2", "4.0", requires=["gone"]),
        wheel("babel", "2.0"),
    )
    handler = prefetching()
    try:
        page(handler, pypi, "flask")
        babel = pypi.file_url("babel-2.0-py3-none-any.whl")

        assert eventually(lambda: handler.file(babel) is not None and handler.metadata(babel) is not None)
    finally:
        handler.close()

    asked = {hit.path for hit in pypi.hits()}
    assert not asked & {"/simple/gone/", "/simple/never/", "/simple/extra/"}
    assert pypi.artifact_hits() == ()

    pypi.forget()
    page(handler, pypi, "babel")
    assert pypi.hits() == ()


def test_a_second_index_ends_it(pypi: PypiRegistry) -> None:
    """With two indexes nobody but pip says which name is asked where: nothing is guessed."""
    pypi.add(wheel("flask", requires=["secret"]))
    with PypiRegistry() as other:
        other.add(wheel("flask"))
        handler = prefetching()
        page(handler, other, "flask")
        page(handler, pypi, "flask")
        page(handler, other, "flask")
        time.sleep(0.3)

        assert "/simple/secret/" not in {hit.path for hit in (*pypi.hits(), *other.hits())}


def test_credentials_stay_on_their_host(pypi: PypiRegistry) -> None:
    """The file store is another host than the index: it is not told the index's password."""
    with PypiRegistry("127.0.0.1", "127.0.0.2") as index:
        index.add(wheel("flask"))
        handler = prefetching()
        ask(handler, f"{index.index_url}/flask/", {"accept": "text/html", "authorization": "Basic eDp5"})
        url = index.file_url("flask-1.0-py3-none-any.whl")

        assert eventually(lambda: handler.metadata(url) is not None)
        handler.close()

    told = {hit.path.partition("/")[2].partition("/")[0]: "authorization" in hit.headers for hit in index.hits()}
    assert told == {"simple": True, "files": False}


def test_closing_leaves_no_thread(pypi: PypiRegistry) -> None:
    """When the run is over, so is the guessing."""
    pypi.add(wheel("flask"))
    handler = prefetching()
    page(handler, pypi, "flask")
    handler.close()

    assert eventually(lambda: not any(thread.name.startswith("prefetch-") for thread in threading.enumerate()))


def test_what_cannot_be_prefetched_is_nobodys_failure(pypi: PypiRegistry) -> None:
    """A guess that goes wrong stops neither the others nor pip."""
    pypi.add(wheel("flask", requires=["missing", "forbidden", "odd @ https://h.example/odd.zip", "werkzeug"]))
    pypi.add(wheel("werkzeug"))
    pypi.fail("/simple/forbidden/", 401)
    handler = prefetching()
    page(handler, pypi, "flask")
    werkzeug = pypi.file_url("werkzeug-1.0-py3-none-any.whl")

    assert eventually(lambda: handler.metadata(werkzeug) is not None)
    assert eventually(lambda: {"/simple/missing/", "/simple/forbidden/"} <= {hit.path for hit in pypi.hits()})
    assert handler.failures() == ()
    handler.close()
