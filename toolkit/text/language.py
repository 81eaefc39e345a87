"""The language of a text: scripts and telling letters first, langdetect for the rest.

langdetect knows neither Uyghur nor Kazakh (it calls them Arabic and Russian) and calls most traditional Chinese Korean, so
it is asked only where the script leaves a choice it knows. It is seeded, and its profiles are loaded in sorted order by a
factory of our own: as shipped, its answers differ from run to run.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from importlib.resources import files
from typing import Any

import numpy as np
import regex

from toolkit.text import letters

UNDETERMINED = "und"
# Fewer letters than this say nothing; a Han character says as much as two.
_ENOUGH = 5
# langdetect is sure of itself and wrong on a few words ("A salt lamp is no crime." is Italian to it).
_ENOUGH_TO_DETECT = 24
_BY_SCRIPT = {
    "Kana": "ja",
    "Hani": "zh",
    "Hang": "ko",
    "Tibt": "bo",
    "Mong": "mn",
    "Grek": "el",
    "Hebr": "he",
    "Thai": "th",
}
# By script, in this order: Kurdish and Pashto share letters with Uyghur and Persian, and have some that those lack; the
# languages written in Cyrillic by Turkic and Mongolian peoples likewise. Words that begin with ئ are Uyghur where the text is
# not Kurdish; within a word Arabic has it too. Kazakh has і beside ө and ү, Kyrgyz ң without it, Mongolian
# neither, and х in most sentences, which Kyrgyz has in loans alone.
_TELLING = {
    "Arab": (
        ("ku", regex.compile(r"[ێڵڕ]")),
        ("ps", regex.compile(r"[ښځڅډړږڼ]")),
        ("ug", regex.compile(r"[ۇۈۋڭ]|(?<!\p{L})ئ")),
        ("ur", regex.compile(r"[ٹڈڑںے]")),
        ("fa", regex.compile(r"[پچژگ]")),
    ),
    "Cyrl": (
        ("tg", regex.compile(r"[ҷӯӣҶӮӢ]")),
        ("uz", regex.compile(r"[ҳҲ]|[қғҚҒ].*ў|ў.*[қғҚҒ]")),
        ("be", regex.compile(r"[ўЎ]")),
        ("tt", regex.compile(r"[җҖ]")),
        ("kk", regex.compile(r"[әғқұһӘҒҚҰҺ]|(?i:[ңөү].*і|і.*[ңөү])")),
        ("ky", regex.compile(r"[ңҢ]|^[^хХ]*[өүӨҮ][^хХ]*$")),
        ("mn", regex.compile(r"[өүӨҮ]")),
    ),
    "Latn": (("az", regex.compile(r"[əƏ]")), ("uz", regex.compile(r"[oOgG][ʻ‘](?=\p{L})"))),
}
_TELLING_LATIN = ("ə", "Ə", "ʻ", "‘")
_ENTITIES = regex.compile(r"https?://\S+|[#@＃＠][\p{L}\p{N}_.·]+")
_NOT_LETTERS = regex.compile(r"[^\p{L}\p{M}\s'’-]+")
_WEIGHTS = np.array([2 if code in ("Hani", "Kana", "Hang") else 1 for code in letters.CODES])
_SIGNS = ("#", "@", "＃", "＠", "://")
_HANI, _KANA = letters.CODES.index("Hani"), letters.CODES.index("Kana")
# A second language is listed from this share of the letters on; less is a name or a quoted word.
_SHARE = 0.2


def language(text: str) -> str:
    """Return the language of one text (:func:`languages`): the first of those it is in."""
    return languages([text], letters.survey([text]).counts)[0][0]


def languages(texts: Sequence[str], counts: letters.Counts, known: Sequence[str | None] = ()) -> list[list[str]]:
    """Return of each text the ISO 639 codes of the languages it is in, by their share; ``und`` alone where there is too
    little to tell. Several are told apart where their scripts differ; ``known`` names the main one where it is not None.

    URLs, hashtags and mentions do not count. ``counts``: the letters of the texts, as they stand.
    """
    bare = list(texts)
    signed = [place for place, text in enumerate(texts) if any(map(text.__contains__, _SIGNS))]
    for place in signed:
        bare[place] = _ENTITIES.sub(" ", texts[place])
    if signed:
        counts = counts.copy()
        counts[signed] = letters.survey([bare[place] for place in signed]).counts
    weighed = counts * _WEIGHTS
    totals = weighed.sum(axis=1)
    # Japanese is written in both; Chinese characters beside kana are its own.
    weighed[:, _KANA] += np.where(counts[:, _KANA] > 0, weighed[:, _HANI], 0)
    weighed[:, _HANI] = np.where(counts[:, _KANA] > 0, 0, weighed[:, _HANI])
    found: list[list[str]] = [[] for _ in texts]
    asked: list[tuple[int, str, int]] = []
    known = known or [None] * len(texts)
    enough = (weighed >= np.maximum(_ENOUGH, _SHARE * totals[:, None])) | (weighed == weighed.max(axis=1)[:, None])
    enough &= weighed > 0
    several = enough.sum(axis=1) > 1
    order = np.argsort(-weighed, axis=1, kind="stable")
    for place, text in enumerate(bare):
        if totals[place] < _ENOUGH:
            found[place] = [known[place] or UNDETERMINED]
            continue
        own = [int(n) for n in order[place] if enough[place, n]] if several[place] else [int(order[place, 0])]
        for number, column in enumerate(own):
            if number == 0 and known[place]:
                found[place].append(str(known[place]))
                continue
            code = letters.CODES[column]
            words = text if len(own) == 1 else _of_script(text, code)
            settled = _BY_SCRIPT.get(code) or _telling(words, code)
            if settled is None and weighed[place, column] < _ENOUGH_TO_DETECT:
                settled = UNDETERMINED
            if settled is None:
                asked.append((place, _NOT_LETTERS.sub(" ", words), len(found[place])))
            found[place].append(settled or UNDETERMINED)
    for (place, _, number), code in zip(asked, detect([words for _, words, _ in asked]), strict=True):
        found[place][number] = code
    return [[code for n, code in enumerate(own) if n == 0 or code not in (UNDETERMINED, *own[:n])] for own in found]


def _of_script(text: str, code: str) -> str:
    """Return the words of one script of a text."""
    return regex.sub(rf"[\p{{L}}--[\p{{Script={letters.SCRIPTS[code]}}}]]+", " ", text, flags=regex.VERSION1)


def _telling(text: str, code: str) -> str | None:
    # Most Latin text is gone through once, and by the quickest means.
    if code != "Latn" or any(letter in text for letter in _TELLING_LATIN):
        for found, telling in _TELLING.get(code, ()):
            if telling.search(text):
                return found
    return None


def detect(texts: Sequence[str]) -> list[str]:
    """Return langdetect's answers: ``und`` where it has none. Equal texts are looked at once."""
    unique = list(dict.fromkeys(texts))
    factory = _factory()
    if hasattr(factory, "_core"):
        from langdetect_rs._seed import seed_state

        answers = factory._core.detect_batch(unique, seed_state(0))
    else:
        answers = [_detect(factory, text) for text in unique]
    codes = (UNDETERMINED if code in (None, "unknown") else code.partition("-")[0] for code in answers)
    known = dict(zip(unique, codes, strict=True))
    return [known[text] for text in texts]


def _detect(factory: Any, text: str) -> str | None:
    from langdetect.lang_detect_exception import LangDetectException

    detector = factory.create()
    detector.append(text)
    try:
        return str(detector.detect())
    except LangDetectException:
        return None


@cache
def _factory() -> Any:
    """Return langdetect's factory, or langdetect-rs's where that is installed, which answers the same and sooner."""
    try:
        from langdetect_rs import DetectorFactory
    except ImportError:
        from langdetect.detector_factory import DetectorFactory
    return factory_of(DetectorFactory)


def factory_of(kind: Any) -> Any:
    """Return a seeded factory with langdetect's profiles, loaded in the order of their names."""
    profiles = sorted(files("langdetect").joinpath("profiles").iterdir(), key=lambda profile: profile.name)
    factory = kind()
    factory.load_json_profile([profile.read_text(encoding="utf-8") for profile in profiles])
    factory.set_seed(0)
    return factory
