"""How the house hangs together: what may not grow, measured by `benchmarks.house`."""

import pytest

from benchmarks import house

ANY = 47  # lines that say so; they may only become less


@pytest.fixture
def planted(tmp_path, monkeypatch):
    """Return a function that writes a small package in the place of ours."""

    def plant(**sources):
        package = tmp_path / "hamodel"
        for name, text in sources.items():
            path = package / f"{name.replace('__', '/')}.py"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
        for folder in [package, *(p for p in package.iterdir() if p.is_dir())]:
            (folder / "__init__.py").touch()
        monkeypatch.setattr(house, "PACKAGE", package)
        monkeypatch.setattr(house, "LESSONS", tmp_path / "none")
        monkeypatch.setattr(house, "ROOT", tmp_path)
        (tmp_path / "README.md").write_text("ha.tools.praised", encoding="utf-8")
        forget()

    yield plant
    monkeypatch.undo()
    forget()


def forget():
    for value in vars(house).values():
        if hasattr(value, "cache_clear"):
            value.cache_clear()


def test_no_private_import_across_rooms():
    assert house.private_imports() == []


def test_no_circle_of_files_and_no_island():
    assert house.circles() == []
    assert house.islands() == {}


def test_no_further_line_says_any():
    assert len(house.any_lines()) <= ANY, "\n".join(house.any_lines())


def test_a_line_that_says_any_is_seen(planted):
    planted(a="from typing import Any\n\nx: Any = 1  # Any\n", b="# Any\n")
    assert house.any_lines() == ["hamodel.a:3: x: Any = 1  # Any"]


def test_a_private_import_is_seen(planted):
    planted(
        one__a="from hamodel.two import _b, c\nfrom hamodel.one._own import x\n",
        one___own="x = 1",
        two___b="",
        two__c="",
        three="from hamodel.two.c import _hidden\n",
    )
    assert house.private_imports() == [
        "hamodel.one.a -> hamodel.two._b",
        "hamodel.three -> hamodel.two.c",
    ]


def test_a_circle_is_seen_in_functions_and_types_too(planted):
    planted(
        a="def f():\n    from hamodel import b\n",
        b="if TYPE_CHECKING:\n    from hamodel.c import X\n",
        c="import hamodel.a\n",
        d="from hamodel import a\n",
    )
    assert house.circles() == [["hamodel.a", "hamodel.b", "hamodel.c"]]


def test_an_island_is_seen(planted):
    planted(
        cli="from hamodel import tools\n\ndef main():\n    tools.used()\n",
        tools=(
            "def used():\n    _deep()\n\ndef _deep():\n    pass\n\n"
            "def lost():\n    _lost()\n\n@cache\ndef _lost():\n    pass\n\n"
            "def praised():\n    pass\n"
        ),
    )
    assert house.islands() == {"hamodel.tools.lost": 2, "hamodel.tools._lost": 3}


def test_the_way_of_a_number_passes_the_loader_and_the_assessment():
    files, functions = house.way("minutes")
    assert any("specfile" in name for name in files)
    assert any("assessment" in name for name in functions)
    assert set(files) < set(house.way("latency")[0])
