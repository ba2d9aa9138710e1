"""Prompt edits of one's own, as Jinja2 templates: text from a log is only ever a value in them, never a template."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path

from jinja2 import StrictUndefined, Template, TemplateError
from jinja2.sandbox import ImmutableSandboxedEnvironment

from audit.clients import NotReplayableError, Prompt
from audit.errors import ConfigError

BLOCKS = ("system", "user")
"""Blocks a template may have: each replaces the system prompt, or the texts of the last message of the user."""
LARGEST = 1_000_000
FAILED = "the template could not be filled in for it"


def edit(file: str) -> tuple[str, Callable[[Prompt], Prompt | None]]:
    """The name of a template's variant and the change it makes; raises ConfigError for a file that is no template.

    The template sees `system`, `user` (the last message of the user) and `history` (role and text of what came before).
    It runs sandboxed. Its name carries a digest, so that an edited template is another variant.
    """
    path = Path(file)
    try:
        source = path.read_text(encoding="utf-8")
        template = ImmutableSandboxedEnvironment(undefined=StrictUndefined).from_string(source)
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"{file}: not a readable template: {error}", "name a text file") from error
    except TemplateError as error:
        raise ConfigError(f"{file}: not a Jinja2 template: {error}", "see docs/replay.md") from error
    if not template.blocks or set(template.blocks) - set(BLOCKS):
        raise ConfigError(
            f"{file}: a template has a block system, a block user, or both", "write {% block system %}…{% endblock %}"
        )
    digest = hashlib.blake2b(source.encode(), digest_size=4).hexdigest()
    return f"template={path.stem}@{digest}", lambda prompt: _edited(template, prompt)


def _edited(template: Template, prompt: Prompt) -> Prompt | None:
    last = max((place for place, each in enumerate(prompt.messages) if each.role == "user"), default=None)
    values = {
        "system": "\n\n".join(prompt.system),
        "user": "\n\n".join(prompt.messages[last].texts) if last is not None else "",
        "history": [{"role": each.role, "text": "\n\n".join(each.texts)} for each in prompt.messages[: last or 0]],
    }
    made = {name: _filled(template, name, values) for name in template.blocks}
    if all(made[name] == values[name] for name in made):
        return None
    changed = prompt
    if "system" in made:
        changed = replace(changed, system=(made["system"],) if made["system"] else ())
    if "user" in made and last is not None:
        asked = replace(prompt.messages[last], texts=(made["user"],))
        changed = replace(changed, messages=(*prompt.messages[:last], asked, *prompt.messages[last + 1 :]))
    return changed


def _filled(template: Template, name: str, values: Mapping[str, object]) -> str:
    """One block with a prompt's values; raises NotReplayableError."""
    try:
        text = "".join(template.blocks[name](template.new_context(dict(values)))).strip()
    except (TemplateError, ArithmeticError, TypeError, ValueError, LookupError, RecursionError) as error:
        raise NotReplayableError(FAILED) from error
    if len(text) > LARGEST:
        raise NotReplayableError(FAILED)
    return text
