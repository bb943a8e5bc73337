"""Which command lines of Python run a pip; read as Python itself reads them."""

from pathlib import Path

import pytest

from safeinstall.ways.startup import is_name, pip_in

PIP = [
    (["python", "-m", "pip", "install", "x"], ""),
    (["python", "-mpip", "install", "x"], ""),
    (["python", "-m", "pip3", "install", "x"], ""),
    (["python3.11", "-Im", "pip", "install", "x"], "I"),
    (["python", "-I", "-m", "pip", "install", "x"], "I"),
    (["python", "-Ismpip", "install", "x"], "Is"),
    (["python", "-W", "ignore", "-m", "pip", "install", "x"], ""),
    (["python", "-Wignore", "-X", "utf8", "-u", "-m", "pip", "install", "x"], "u"),
    (["python", "-IXutf8", "-mpip.__main__", "install", "x"], "I"),
    (["python", "--check-hash-based-pycs", "always", "-m", "pip", "install", "x"], ""),
    (["python", "-m", "runpy", "pip", "install", "x"], ""),
    (["/venv/bin/python", "{pip}", "install", "x"], ""),
    (["/venv/bin/python", "--", "{pip}", "install", "x"], ""),
    (["python", "/site-packages/pip/__main__.py", "install", "x"], ""),
    (["python", "/site-packages/pip/__pip-runner__.py", "install", "x"], ""),
]
OTHERS = [
    ["python"],
    ["python", "-"],
    ["python", "-m"],
    ["python", "-c", "import pip", "install", "x"],
    ["python", "-cimport pip", "install"],
    ["python", "script.py", "-m", "pip", "install", "x"],
    ["python", "-m", "pipx", "install", "x"],
    ["python", "-m", "pipenv", "install"],
    ["python", "-m", "ensurepip"],
    ["python", "-m", "venv", "pip"],
    ["python", "-W", "-m", "script.py", "pip"],
    ["python", "/nowhere/pip-24.0-py3-none-any.whl/pip", "install", "x"],
    ["python", "/safeinstall/ecosystems/pypi/hook/runner.py", "install", "pip"],
]


@pytest.mark.parametrize(("words", "flags"), PIP, ids=lambda value: " ".join(value) if isinstance(value, list) else "")
def test_every_spelling_of_pip_is_seen(words: list[str], flags: str, tmp_path: Path) -> None:
    """Clusters of flags, values glued to their flag or not, scripts and folders: with the words that are pip's."""
    script = tmp_path / "pip3.11"
    script.write_text("")
    found = pip_in([word.replace("{pip}", str(script)) for word in words])

    assert found == (flags, ["install", "x"])


@pytest.mark.parametrize("words", OTHERS, ids=" ".join)
def test_what_runs_no_pip_is_left_alone(words: list[str]) -> None:
    """A word `pip` somewhere is not pip; our own runs of pip are none either, so nothing guards itself."""
    assert pip_in(words) is None


def test_names_of_pip() -> None:
    """`pip3.11` is pip; `pipx`, `pip4` and `pip3.x` are other tools."""
    assert [
        name for name in ("pip", "pip3", "pip3.11", "pip3.", "pip3.x", "pipx", "pip-run", "PIP") if is_name(name)
    ] == [
        "pip",
        "pip3",
        "pip3.11",
    ]
