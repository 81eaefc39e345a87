"""The language of a text: scripts and telling letters first, langdetect for the rest.

langdetect knows neither Uyghur nor Kazakh (it calls them Arabic and Russian) and calls most traditional Chinese Korean, so
it is asked only where the script leaves a choice it knows, and about the languages of that script alone. It is seeded, and its
profiles are loaded in sorted order by factories of our own: as shipped, its answers differ from run to run.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from importlib.resources import files
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import regex

from toolkit.text import letters, telling

UNDETERMINED = "und"
# Fewer letters than this say nothing; a Han character says as much as two.
_ENOUGH = 5
# langdetect is sure of itself and wrong on a few words ("A salt lamp is no crime." is Italian to it).
_ENOUGH_TO_DETECT = 24
_BY_SCRIPT = {
    "Armn": "hy",
    "Geor": "ka",
    "Grek": "el",
    "Gujr": "gu",
    "Guru": "pa",
    "Hang": "ko",
    "Hani": "zh",
    "Hebr": "he",
    "Kana": "ja",
    "Khmr": "km",
    "Knda": "kn",
    "Laoo": "lo",
    "Mlym": "ml",
    "Mong": "mn",
    "Mymr": "my",
    "Orya": "or",
    "Sinh": "si",
    "Taml": "ta",
    "Telu": "te",
    "Thai": "th",
    "Tibt": "bo",
}
ASKED = {
    "Arab": "ar fa ur",
    "Cyrl": "bg mk ru uk",
    "Deva": "hi mr ne",
    "Latn": "af ca cs cy da de en es et fi fr hr hu id it lt lv nl no pl pt ro sk sl so sq sv sw tl tr vi",
}
"""The scripts of which langdetect is asked, and those of its languages that are written in each: a text in Latin letters is
not held against Russian, which takes less time and lets no Cyrillic name in it win."""
_ENTITIES = regex.compile(r"https?://\S+|[#@＃＠][\p{L}\p{N}_.·]+")
_NOT_LETTERS = regex.compile(r"[^\p{L}\p{M}\s'’-]+")
_WEIGHTS = np.array([2 if code in ("Hani", "Kana", "Hang") else 1 for code in letters.CODES])
_ANSWERS = np.array([_BY_SCRIPT.get(code) for code in letters.CODES], object)
_HANI, _KANA = letters.CODES.index("Hani"), letters.CODES.index("Kana")
# Answers are kept, since copies of a post stand anywhere; as many as take some 20 MB.
_REMEMBERED = 60_000
_remembered: dict[tuple[str, str], str] = {}
# A second language is listed from this share of the letters on; less is a name or a quoted word.
_SHARE = 0.2


def language(text: str) -> str:
    """Return the language of one text (:func:`languages`): the first of those it is in."""
    return str(languages([text], letters.survey([text]))[0][0].as_py())


def languages(texts: Sequence[str], survey: letters.Survey, known: Sequence[str | None] = ()) -> pa.ListArray:
    """Return of each text the ISO 639 codes of the languages it is in, by their share; ``und`` alone where there is too
    little to tell. Several are told apart where their scripts differ; ``known`` names the main one where it is not None.

    URLs, hashtags and mentions do not count. ``survey``: of the texts, as they stand.
    """
    bare, weighed, marks = _weighed(texts, survey)
    totals = weighed.sum(axis=1)
    enough = (weighed > 0) & ((weighed >= _SHARE * totals[:, None]) & (weighed >= _ENOUGH))
    enough[np.arange(len(texts)), weighed.argmax(axis=1)] = True
    # A passage is what a text has in one script; a text's own by their weight.
    places, columns = np.nonzero(enough)
    weights = weighed[places, columns]
    order = np.lexsort((columns, -weights, places))
    places, columns, weights = places[order], columns[order], weights[order]
    passages = np.bincount(places, minlength=len(texts))
    begins = np.cumsum(passages) - passages

    def words(passage: int) -> str:
        text = bare[places[passage]]
        alone = passages[places[passage]] == 1
        return text if alone else _of_script(text, letters.CODES[columns[passage]])

    codes = _ANSWERS[columns]
    codes[begins[totals < _ENOUGH]] = UNDETERMINED
    for place, code in enumerate(known):
        if code is not None:
            codes[begins[place]] = code
    for column, script in enumerate(letters.CODES):
        own = np.flatnonzero((columns == column) & _unsettled(codes))
        if len(own):
            codes[own] = telling.settle(script, marks[places[own]], own.tolist(), words)
        if script in ASKED:
            asked = own[_unsettled(codes[own]) & (weights[own] >= _ENOUGH_TO_DETECT)]
            codes[asked] = detect([words(passage) for passage in asked.tolist()], script)
    codes[_unsettled(codes)] = UNDETERMINED
    kept = np.ones(len(codes), bool)
    for place in np.flatnonzero(passages > 1).tolist():
        first, end = begins[place], begins[place] + passages[place]
        for passage in range(first + 1, end):
            kept[passage] = codes[passage] not in (UNDETERMINED, *codes[first:passage])
    offsets = np.concatenate([[0], np.cumsum(np.bincount(places[kept], minlength=len(texts)))])
    return pa.ListArray.from_arrays(pa.array(offsets, pa.int32()), pa.array(codes[kept], pa.string()))


def _unsettled(codes: npt.NDArray[np.object_]) -> npt.NDArray[np.bool_]:
    found: npt.NDArray[np.bool_] = codes == None  # noqa: E711 (element by element)
    return found


def _weighed(texts: Sequence[str], survey: letters.Survey) -> tuple[list[str], letters.Counts, telling.Marks]:
    """Return the texts without URLs, hashtags and mentions, what their letters weigh by script, and their marks."""
    bare, counts, marks = list(texts), survey.counts, survey.marks
    signed = np.flatnonzero(marks & (letters.TAG | letters.AT | letters.COLON)).tolist()
    if signed:
        for place in signed:
            bare[place] = _ENTITIES.sub(" ", texts[place])
        counts, marks = counts.copy(), marks.copy()
        counts[signed], marks[signed] = letters.survey([bare[place] for place in signed])
    weighed = counts * _WEIGHTS
    # Japanese is written in both: Chinese characters beside kana are its own.
    japanese = counts[:, _KANA] > 0
    weighed[japanese, _KANA] += weighed[japanese, _HANI]
    weighed[japanese, _HANI] = 0
    return bare, weighed, marks


def _of_script(text: str, code: str) -> str:
    """Return the words of one script of a text."""
    return regex.sub(rf"[\p{{L}}--[\p{{Script={letters.SCRIPTS[code]}}}]]+", " ", text, flags=regex.VERSION1)


def detect(texts: Sequence[str], script: str) -> list[str]:
    """Return langdetect's answers about texts in a script of :data:`ASKED`: ``und`` where it has none.

    Equal texts are looked at once, also in calls to come.
    """
    # Taken out at once: workers of some engines are threads of one process, and another may forget all meanwhile.
    answers = {text: known for text in dict.fromkeys(texts) if (known := _remembered.get((script, text)))}
    unknown = [text for text in dict.fromkeys(texts) if text not in answers]
    fresh = dict(zip(unknown, _answers(unknown, script), strict=True))
    if len(_remembered) + len(fresh) > _REMEMBERED:
        _remembered.clear()
    _remembered.update(((script, text), answer) for text, answer in fresh.items())
    answers |= fresh
    return [answers[text] for text in texts]


def _answers(texts: Sequence[str], script: str) -> list[str]:
    if not texts:
        return []
    words = [_NOT_LETTERS.sub(" ", text) for text in texts]
    factory = _factory(script)
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
def _factory(script: str) -> Any:
    """Return langdetect's factory for a script, or langdetect-rs's where that is installed, which answers the same and sooner."""
    try:
        from langdetect_rs import DetectorFactory
    except ImportError:
        from langdetect.detector_factory import DetectorFactory
    return factory_of(DetectorFactory, script)


def factory_of(kind: Any, script: str) -> Any:
    """Return a seeded factory with langdetect's profiles of a script's languages (:data:`ASKED`), sorted by name."""
    folder = files("langdetect").joinpath("profiles")
    factory = kind()
    factory.load_json_profile([folder.joinpath(name).read_text(encoding="utf-8") for name in ASKED[script].split()])
    factory.set_seed(0)
    return factory
