"""HTML said as Markdown, where every word of the page is still there."""

from __future__ import annotations

import html
import re
from collections import Counter
from importlib import import_module

_DOCUMENT = re.compile(r"\s*<(?:!doctype\s+html|html)\b", re.IGNORECASE)
_TAG = re.compile(r"</?([a-zA-Z][a-zA-Z0-9:-]*)")
_WORD = re.compile(r"[^\W_]+")
_MARKS = str.maketrans("", "", "*_`~\\")
# they part no words: <b>12</b>.50 is one figure
_INLINE = re.compile(
    "abbr|b|bdi|bdo|big|cite|code|data|del|dfn|em|font|i|ins|kbd|mark|q|s|samp|small|span|strike|strong|sub|sup|time|tt|u"
    "|var|wbr"
)
_BLOCK = re.compile(
    "a|address|area|article|aside|audio|base|blockquote|body|br|button|canvas|caption|center|col|colgroup|datalist|dd"
    "|details|dialog|dir|div|dl|dt|embed|fieldset|figcaption|figure|footer|form|frame|frameset|h[1-6]|head|header|hgroup"
    "|hr|html|iframe|img|input|label|legend|li|link|main|map|menu|meta|meter|nav|noscript|object|ol|optgroup|option"
    "|output|p|param|picture|pre|progress|rp|rt|ruby|script|search|section|select|slot|source|style|summary|svg|table"
    "|tbody|td|template|textarea|tfoot|th|thead|title|tr|track|ul|video"
)
# what stands in them is no text of the page
_SILENT = frozenset({"script", "style", "svg"})


def markdown(page: str) -> str | None:
    """A document, or a fragment of nothing but HTML's own elements, as Markdown; None where a word would be lost.

    Layout, scripts, styles, comments and attributes go; links and alternative texts stay. A page that carries data in
    a script (JSON-LD) is left alone, since nothing shows whether its text says the same.
    """
    text = page.strip()
    if not (text.startswith("<") and text.endswith(">")):
        return None
    words = _words(text, foreign=_DOCUMENT.match(text) is not None)
    if not words:
        return None
    library = import_module("html_to_markdown")
    options = library.ConversionOptions(
        preprocessing=library.PreprocessingOptions(enabled=False),
        hidden_content="all",
        inline_data_media="alt_text_only",
        compact_tables=True,
    )
    try:
        made = str(library.convert(text, options).content or "").strip()
    except (library.ConversionError, ValueError):
        return None
    return None if words - Counter(_WORD.findall(made.translate(_MARKS))) else made


def _words(page: str, *, foreign: bool) -> Counter[str] | None:
    """The words a page shows; None where it is broken, holds data in scripts or, unless `foreign`, other elements."""
    said: list[str] = []
    folded, at = page.lower(), 0
    while (start := page.find("<", at)) >= 0:
        said.append(page[at:start])
        if page.startswith(("<!", "<?"), start):
            mark = "-->" if page.startswith("<!--", start) else ">"
            end = page.find(mark, start)
            if end < 0:
                return None
            at = end + len(mark)
            continue
        tag = _TAG.match(page, start)
        if tag is None:
            said.append("<")
            at = start + 1
            continue
        after = _after(page, folded, tag, foreign=foreign)
        if after is None:
            return None
        said.append("" if _INLINE.fullmatch(tag[1].lower()) else " ")
        at = after
    said.append(page[at:])
    return Counter(_WORD.findall(html.unescape("".join(said)).translate(_MARKS)))


def _after(page: str, folded: str, tag: re.Match[str], *, foreign: bool) -> int | None:
    """Where the text goes on after a tag, behind its element where that is silent."""
    name, end = tag[1].lower(), page.find(">", tag.end())
    if end < 0 or not (foreign or _INLINE.fullmatch(name) or _BLOCK.fullmatch(name)):
        return None
    if name not in _SILENT or tag[0].startswith("</") or page[end - 1] == "/":
        return end + 1
    if name == "script" and "json" in folded[tag.end() : end]:
        return None
    close = folded.find(f"</{name}", end)
    return close if close >= 0 else None
