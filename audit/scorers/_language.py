"""A cheap guess of a text's language: its script, and function words for the Latin script."""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from functools import lru_cache

_FUNCTION_WORDS = {
    "English": "the of and to in is that for it with was on are you this be have not from your which can will",
    "German": "der die das und ist nicht ein eine ich sie wir den dem mit für auf von zu sich auch wird bei sind",
    "French": "le la les et est des une un du que pour dans vous nous pas sur avec au ce qui sont votre cette",
    "Spanish": "el la los las y es de que en una un por para con no se su del al como más está son",
    "Portuguese": "o a os as e é de que em uma um por para com não se sua do da ao como mais está são você",
    "Italian": "il la lo gli e è di che in una un per con non si su del della al come più sono questo",
    "Dutch": "de het een en is van niet dat in te voor met zijn op aan u wordt naar ook bij maar",
}
_INDEX: dict[str, list[str]] = {}
for _name, _words in _FUNCTION_WORDS.items():
    for _word in _words.split():
        _INDEX.setdefault(_word, []).append(_name)
_SCRIPTS = {
    "CJK": "Chinese", "HIRAGANA": "Japanese", "KATAKANA": "Japanese", "HANGUL": "Korean", "CYRILLIC": "Cyrillic script",
    "ARABIC": "Arabic script", "HEBREW": "Hebrew", "DEVANAGARI": "Devanagari script", "THAI": "Thai", "GREEK": "Greek",
}  # fmt: skip
_WORD = re.compile(r"[^\W\d_]+")
_SAMPLE = 1500
_MIN_WORDS = 8
_MIN_HITS = 3


@lru_cache(maxsize=512)
def language(text: str) -> str | None:
    """Language or script of a text, None when it is short, mixed, or not prose in a language known here."""
    sample = text[:_SAMPLE]
    if "```" in sample or sample.lstrip()[:1] in ("{", "["):
        return None
    if not sample.isascii():
        script = _script(sample)
        if script != "LATIN":
            return _SCRIPTS.get(script) if script else None
    # a capital that stands alone is an option or an initial, not the article or the "and" of some language
    found = [word.casefold() for word in _WORD.findall(sample) if len(word) > 1 or word.islower()]
    if len(found) < _MIN_WORDS:
        return None
    hits = Counter(name for word in found for name in _INDEX.get(word, ()))
    ranked = [*hits.most_common(2), ("", 0), ("", 0)]
    (best, most), (_, second) = ranked[0], ranked[1]
    return best if most >= max(_MIN_HITS, len(found) // 8) and most >= 1.5 * second else None


def _script(sample: str) -> str | None:
    """The script most letters are in; kana decide for Japanese however many characters are Chinese."""
    letters = [character for character in sample if character.isalpha()]
    if len(letters) < _MIN_WORDS:
        return None
    counted = Counter(unicodedata.name(letter, "?").split()[0] for letter in letters)
    for kana in ("HIRAGANA", "KATAKANA"):
        if counted[kana] >= 0.1 * len(letters):
            return kana
    script, most = counted.most_common(1)[0]
    return script if most >= 0.6 * len(letters) else None
