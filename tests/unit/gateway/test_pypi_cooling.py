"""Young files are not on the pages that pip is given."""

from datetime import timedelta
from pathlib import Path

import pytest

from safeinstall.cooldown import Cooldown, Mode
from safeinstall.gateway.pypi import PypiGateway
from safeinstall.gateway.upstream import Upstream
from safeinstall.gateway.withholding import Withholding
from safeinstall.model import EcosystemName
from tests.builders.wheels import wheel
from tests.fakes import NOW
from tests.registries.pypi import PypiRegistry
from tests.unit.gateway.gateways import names, page, target

YOUNG = NOW - timedelta(hours=1)


def listed(index: PypiRegistry, held: Withholding) -> list[object]:
    """Return the versions of `lib` that pip is shown."""
    made = PypiGateway(
        upstream=Upstream(),
        target=target(),
        vet_file=lambda _: False,
        vet_url=lambda _: False,
        cache=Path("unused"),
        withholding=held,
    )
    made.close()
    return [str(name).split("-")[1] for name in names(page(made, index, "lib"))]


def held(mode: Mode = Mode.WITHHOLD, *, prereleases: bool = False) -> Withholding:
    """Return what withholds."""
    return Withholding(
        ecosystem=EcosystemName.PYPI, cooldown=Cooldown(mode=mode), now=NOW, prereleases=lambda: prereleases
    )


@pytest.mark.parametrize("mode", [Mode.BLOCK, Mode.OFF])
def test_only_one_mode_withholds(pypi: PypiRegistry, mode: Mode) -> None:
    """The others plan as without us."""
    pypi.add(wheel("lib", "1.0"))
    pypi.add(wheel("lib", "2.0"), upload_time=YOUNG)

    assert listed(pypi, held(mode)) == ["1.0", "2.0"]
    assert listed(pypi, held()) == ["1.0"]


def test_no_prerelease_stands_in_for_a_release_that_is_withheld(pypi: PypiRegistry) -> None:
    """Pip takes one where it finds nothing else; nobody asked for one by asking for patience."""
    pypi.add(wheel("lib", "1.0"), wheel("lib", "1.0rc1"), wheel("lib", "2.0rc1"))
    pypi.add(wheel("lib", "2.0"), upload_time=YOUNG)

    assert listed(pypi, held()) == ["1.0", "1.0rc1"]
    assert listed(pypi, held(prereleases=True)) == ["1.0", "1.0rc1", "2.0rc1"]


def test_a_young_prerelease_hides_no_other(pypi: PypiRegistry) -> None:
    """Only a withheld final release makes prereleases count that would not have counted."""
    pypi.add(wheel("lib", "1.0rc1"))
    pypi.add(wheel("lib", "1.0rc2"), upload_time=YOUNG)

    assert listed(pypi, held()) == ["1.0rc1"]
