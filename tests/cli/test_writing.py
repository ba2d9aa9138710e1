"""Files that commands write are there whole or not at all."""

from __future__ import annotations

import errno
import os
import shutil
from pathlib import Path

import pytest

from audit.cli.writing import new_file, write_file
from audit.errors import AuditError
from tests.cli.conftest import Run


def half_written(target: Path) -> None:
    with new_file(target) as place:
        place.write_text("half of it")
        raise OSError(errno.ENOSPC, "No space left on device")


def test_a_file_that_could_not_be_finished_leaves_the_one_before(tmp_path: Path) -> None:
    target = tmp_path / "routes.yaml"
    write_file(target, "before")
    with pytest.raises(AuditError, match=r"can't write .*routes\.yaml: No space left"):
        half_written(target)
    assert target.read_text() == "before"
    assert os.listdir(tmp_path) == ["routes.yaml"]


def test_a_link_stays_one_and_a_write_protected_file_is_left_alone(tmp_path: Path) -> None:
    target, link = tmp_path / "page.html", tmp_path / "link.html"
    target.write_text("before")
    try:
        link.symlink_to(target)
    except OSError:
        link = target
    write_file(link, "after")
    assert (target.read_text(), os.listdir(tmp_path).count("page.html")) == ("after", 1)


def test_a_routing_table_without_a_route_says_so(audit: Run, sample_db: Path, tmp_path: Path) -> None:
    target = tmp_path / "routes.yaml"
    ran = audit("route", "-o", target, "--db", sample_db)
    assert (ran.code, "routes: []" in target.read_text()) == (0, True)
    assert "Nothing is certified" in ran.out
    assert "From now on" not in ran.out


@pytest.mark.parametrize(
    "command",
    [("review", "--n", "0", "--logged", "5", "-o"), ("answers", "--csv"), ("route", "-o"), ("export",)],
    ids=lambda command: command[0],
)
def test_a_place_that_is_none_is_named(audit: Run, command: tuple[str, ...], sample_db: Path, tmp_path: Path) -> None:
    names = {"review": "x.html", "route": "x.yaml"}
    target = tmp_path / "nowhere" / names.get(command[0], "x.csv")
    ran = audit(*command, target, "--db", shutil.copy(sample_db, tmp_path / "audit.duckdb"))
    assert (ran.code, f"can't write {target}" in ran.err) == (1, True)
