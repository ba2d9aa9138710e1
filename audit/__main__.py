"""Entry point: run a command, turn errors into one line and an exit code."""

from __future__ import annotations

import io
import os
import sys

from audit.errors import ReaderGoneError


def main() -> None:
    """Run `audit` and exit by the contract: 0 done, 1 failed, 2 usage or consent, 3 gate not met, 4 stopped."""
    _settle_streams()
    debug = "--debug" in sys.argv[1:]
    arguments = [argument for argument in sys.argv[1:] if argument != "--debug"]
    code = run(arguments, debug=debug)
    try:
        sys.stdout.flush()
    except OSError as error:
        # whoever read has enough, or there is no room: either way nothing more can be written
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        code = code if isinstance(error, BrokenPipeError) else code or 1
    # a Ctrl-C that passed through an `exec`, as dataclasses and named tuples are made by, is remembered by the
    # interpreter, which under `python -m` dies of it at the end, whatever the code; to run anything makes it forget
    exec("")
    sys.exit(code)


def _settle_streams() -> None:
    """A closed stream becomes an empty one, and what a terminal has no letter for is spelled out."""
    for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
        if getattr(sys, name) is None:
            setattr(sys, name, open(os.devnull, mode, encoding="utf-8"))  # noqa: SIM115 - lives as long as the process
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


def run(arguments: list[str], *, debug: bool = False) -> int:
    """Run one command line and return its exit code; with `debug` errors are raised instead."""
    try:
        return _command(arguments, debug)
    except KeyboardInterrupt:
        # a command that writes says itself what it kept
        sys.stderr.write("interrupted; nothing was changed\n")
        return 4
    except ReaderGoneError:
        return 0
    except OSError as error:
        if debug:
            raise
        sys.stderr.write(f"error: {error.filename or 'output'}: {error.strerror or error}\n")
        return 1
    except Exception as error:
        return _unexpected(error, debug)


def _command(arguments: list[str], debug: bool) -> int:
    """Parse and run; what stops a command, a reader that has enough among it, is left to the caller as it came."""
    import typer

    from audit.cli import app
    from audit.errors import AuditError, Interrupted

    command = typer.main.get_command(app)
    try:
        with command.make_context("audit", arguments) as context:
            command.invoke(context)
    except typer.Exit as stop:
        return int(stop.exit_code)
    except Interrupted as stop:
        sys.stderr.write(f"{stop.message}{f'; {stop.hint}' if stop.hint else ''}\n")
        return stop.exit_code
    except AuditError as error:
        if debug:
            raise
        from audit import console

        console.failure(error)
        return error.exit_code
    return 0


def _unexpected(error: Exception, debug: bool) -> int:
    """Usage errors of the parser exit 2 with its own words; anything else is a defect and says how to report it."""
    show = getattr(error, "show", None)
    if show is not None and hasattr(error, "exit_code"):
        show()
        return int(error.exit_code)
    if debug:
        raise error
    sys.stderr.write(f"error: {type(error).__name__}: {str(error).splitlines()[0][:500] if str(error) else ''}\n")
    sys.stderr.write("hint: this is a defect; run again with --debug and report what it prints\n")
    return 1


if __name__ == "__main__":
    main()
