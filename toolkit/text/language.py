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
_ENTITIES = regex.compile(r"https?://\S+|[#@＃＠][\p{L}\p{N}_.·]+")
_NOT_LETTERS = regex.compile(r"[^\p{L}\p{M}\s'’-]+")
_WEIGHTS = np.array([2 if code in ("Hani", "Kana", "Hang") else 1 for code in letters.CODES])
_ANSWERS = [_BY_SCRIPT.get(code) for code in letters.CODES]
_HANI, _KANA = letters.CODES.index("Hani"), letters.CODES.index("Kana")
# Answers are kept, since copies of a post stand anywhere; as many as take some 20 MB.
_REMEMBERED = 60_000
_remembered: dict[str, str] = {}
# A second language is listed from this share of the letters on; less is a name or a quoted word.
_SHARE = 0.2


def language(text: str) -> str:
    """Return the language of one text (:func:`languages`): the first of those it is in."""
    return languages([text], letters.survey([text]))[0][0]


def languages(texts: Sequence[str], survey: letters.Survey, known: Sequence[str | None] = ()) -> list[list[str]]:
    """Return of each text the ISO 639 codes of the languages it is in, by their share; ``und`` alone where there is too
    little to tell. Several are told apart where their scripts differ; ``known`` names the main one where it is not None.

    URLs, hashtags and mentions do not count. ``survey``: of the texts, as they stand.
    """
    bare, weighed = _weighed(texts, survey)
    totals = weighed.sum(axis=1)
    order = np.argsort(-weighed, axis=1, kind="stable")
    enough = (weighed > 0) & ((weighed >= _SHARE * totals[:, None]) & (weighed >= _ENOUGH))
    enough[np.arange(len(texts)), order[:, 0]] = True
    several = (enough.sum(axis=1) > 1).tolist()
    answers = [_ANSWERS[column] for column in order[:, 0].tolist()]
    little = (totals < _ENOUGH).tolist()
    asked: list[tuple[int, int, str]] = []
    found: list[list[str]] = []
    for place, (text, given) in enumerate(zip(bare, known or [None] * len(bare), strict=True)):
        if little[place]:
            found.append([given or UNDETERMINED])
        elif not several[place] and (given or answers[place]):
            found.append([given or answers[place]])
        else:
            own: list[str] = []
            columns = [n for n in order[place].tolist() if enough[place, n]]
            for column in columns:
                words = text if len(columns) == 1 else _of_script(text, letters.CODES[column])
                code = given if not own and given else _settled(words, column, int(weighed[place, column]))
                if code is None:
                    asked.append((place, len(own), words))
                own.append(code or UNDETERMINED)
            found.append(own)
    for (place, number, _), code in zip(asked, detect([words for _, _, words in asked]), strict=True):
        found[place][number] = code
    return [
        own if len(own) == 1 else [c for n, c in enumerate(own) if n == 0 or c not in (UNDETERMINED, *own[:n])]
        for own in found
    ]


def _weighed(texts: Sequence[str], survey: letters.Survey) -> tuple[list[str], letters.Counts]:
    """Return the texts without URLs, hashtags and mentions, and what their letters weigh by script."""
    bare, counts = list(texts), survey.counts
    signed = np.flatnonzero(survey.marks & (letters.TAG | letters.AT | letters.COLON)).tolist()
    if signed:
        for place in signed:
            bare[place] = _ENTITIES.sub(" ", texts[place])
        counts = counts.copy()
        counts[signed] = letters.survey([bare[place] for place in signed]).counts
    weighed = counts * _WEIGHTS
    # Japanese is written in both: Chinese characters beside kana are its own.
    japanese = counts[:, _KANA] > 0
    weighed[japanese, _KANA] += weighed[japanese, _HANI]
    weighed[japanese, _HANI] = 0
    return bare, weighed


def _settled(text: str, column: int, weight: int) -> str | None:
    """Return what script and letters say of words of one script; None where langdetect is to be asked."""
    code = letters.CODES[column]
    found = _ANSWERS[column] or _telling(text, code)
    return found or (UNDETERMINED if weight < _ENOUGH_TO_DETECT else None)


def _of_script(text: str, code: str) -> str:
    """Return the words of one script of a text."""
    return regex.sub(rf"[\p{{L}}--[\p{{Script={letters.SCRIPTS[code]}}}]]+", " ", text, flags=regex.VERSION1)


def _telling(text: str, code: str) -> str | None:
    # Most Latin text is gone through once, and by the quickest means.
    if code != "Latn" or "ə" in text or "ʻ" in text or "‘" in text or "Ə" in text:
        for found, telling in _TELLING.get(code, ()):
            if telling.search(text):
                return found
    return None


def detect(texts: Sequence[str]) -> list[str]:
    """Return langdetect's answers: ``und`` where it has none. Equal texts are looked at once, also in calls to come."""
    fresh = [text for text in dict.fromkeys(texts) if text not in _remembered]
    answers = dict(zip(fresh, _answers(fresh), strict=True))
    found = [answers.get(text) or _remembered[text] for text in texts]
    if len(_remembered) + len(answers) > _REMEMBERED:
        _remembered.clear()
    _remembered.update(answers)
    return found


def _answers(texts: Sequence[str]) -> list[str]:
    words = [_NOT_LETTERS.sub(" ", text) for text in texts]
    factory = _factory()
    if hasattr(factory, "_core"):
        from langdetect_rs._seed import seed_state

        codes = factory._core.detect_batch(words, seed_state(0))
    else:
        codes = [_detect(factory, text) for text in words]
    return [UNDETERMINED if code in (None, "unknown") else code.partition("-")[0] for code in codes]


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
