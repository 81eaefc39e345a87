"""The language of a text: scripts and telling letters first, langdetect for the rest.

langdetect knows neither Uyghur nor Kazakh (it calls them Arabic and Russian) and calls most traditional Chinese Korean, so
it is asked only where the script leaves a choice it knows. It is seeded, and its profiles are loaded in sorted order by a
factory of our own: as shipped, its answers differ from run to run.
"""

from __future__ import annotations

from functools import cache
from importlib.resources import files
from typing import Any

import regex

from toolkit.text.script import letter_counts

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
# In this order: Kurdish and Pashto share letters with Uyghur and Persian, and have some that those lack. Words that begin
# with ئ are Uyghur where the text is not Kurdish; within a word Arabic has it too.
_TELLING = (
    ("ku", regex.compile(r"[ێڵڕ]")),
    ("ps", regex.compile(r"[ښځڅډړږڼ]")),
    ("ug", regex.compile(r"[ۇۈۋڭ]|(?<!\p{L})ئ")),
    ("ur", regex.compile(r"[ٹڈڑںے]")),
    ("fa", regex.compile(r"[پچژگ]")),
    ("kk", regex.compile(r"[әғқңұһӘҒҚҢҰҺ]")),
)
_TELLING_SCRIPT = {"ku": "Arab", "ps": "Arab", "ug": "Arab", "ur": "Arab", "fa": "Arab", "kk": "Cyrl"}
_NOT_LETTERS = regex.compile(r"https?://\S+|[#@＃＠][\p{L}\p{N}_.·]+|[^\p{L}\p{M}\s'’-]+")


def language(text: str) -> str:
    """Return the ISO 639 code of the language that most of a text is in, ``und`` where there is too little to tell."""
    bare = _NOT_LETTERS.sub(" ", text)
    counts = letter_counts(bare)
    weighed = {code: count * (2 if code in ("Hani", "Kana", "Hang") else 1) for code, count in counts.items()}
    if sum(weighed.values()) < _ENOUGH:
        return UNDETERMINED
    if weighed.get("Kana", 0) and "Hani" in weighed:
        return "ja"
    most = max(sorted(weighed), key=weighed.__getitem__)
    if settled := _BY_SCRIPT.get(most):
        return settled
    for code, letters in _TELLING:
        if _TELLING_SCRIPT[code] == most and letters.search(bare):
            return code
    return _detect(bare) if sum(weighed.values()) >= _ENOUGH_TO_DETECT else UNDETERMINED


def _detect(text: str) -> str:
    from langdetect.lang_detect_exception import LangDetectException

    detector = _factory().create()
    detector.append(text)
    try:
        found = str(detector.detect())
    except LangDetectException:
        return UNDETERMINED
    return UNDETERMINED if found == "unknown" else found.partition("-")[0]


@cache
def _factory() -> Any:
    from langdetect.detector_factory import DetectorFactory

    profiles = sorted(files("langdetect").joinpath("profiles").iterdir(), key=lambda profile: profile.name)
    factory = DetectorFactory()
    factory.load_json_profile([profile.read_text(encoding="utf-8") for profile in profiles])
    factory.set_seed(0)
    return factory
