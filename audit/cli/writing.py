"""Files that commands write: there whole, or not at all."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from errno import EACCES
from pathlib import Path

from audit.errors import AuditError


@contextmanager
def new_file(output: str | Path, *, parents: bool = False) -> Iterator[Path]:
    """The place to write a file to, which then takes the name `output`; what stood there before stays until then.

    A pipe or a device is written as it is. Raises AuditError where it can't be written, and leaves nothing behind: a
    table or a set that ends in the middle would be taken for a whole one. `parents` makes the folders it stands in.
    """
    path = Path(output)
    try:
        path = path.resolve() if path.is_symlink() else path
        if parents:
            path.parent.mkdir(parents=True, exist_ok=True)
        if path.is_file() and not os.access(path, os.W_OK):
            raise PermissionError(EACCES, os.strerror(EACCES))
        special = path.exists() and not path.is_file()
        aside = path if special else path.with_name(f".{path.stem}.{os.getpid()}{path.suffix}")
        try:
            yield aside
            if aside != path:
                os.replace(aside, path)
        finally:
            if aside != path:
                with suppress(OSError):
                    aside.unlink(missing_ok=True)
    except BrokenPipeError:
        raise
    except OSError as error:
        raise AuditError(
            f"can't write {output}: {error.strerror or error}", "choose another file, or make room"
        ) from error


def write_file(output: str | Path, text: str) -> None:
    """Write a text as UTF-8 the way of `new_file`."""
    with new_file(output) as path:
        path.write_text(text, encoding="utf-8")
