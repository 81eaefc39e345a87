"""The language of a text: scripts and telling letters first, langdetect for the rest.

langdetect knows neither Uyghur nor Kazakh (it calls them Arabic and Russian) and calls most traditional Chinese Korean, so
it is asked only where the script leaves a choice it knows, and about the languages of that script alone
(:mod:`toolkit.text.detecting`).
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import regex

from toolkit.text import letters, telling
from toolkit.text.detecting import ASKED, UNDETERMINED, detect

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
_ENTITIES = regex.compile(r"https?://\S+|[#@＃＠][\p{L}\p{N}_.·]+")
_WEIGHTS = np.array([2 if code in ("Hani", "Kana", "Hang") else 1 for code in letters.CODES])
_ANSWERS = np.array([_BY_SCRIPT.get(code) for code in letters.CODES], object)
_HANI, _KANA = letters.CODES.index("Hani"), letters.CODES.index("Kana")
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
    whose, alone = places.tolist(), (passages[places] == 1).tolist()

    def words(passage: int) -> str:
        text = bare[whose[passage]]
        return text if alone[passage] else _of_script(text, letters.CODES[columns[passage]])

    codes = _ANSWERS[columns]
    codes[begins[totals < _ENOUGH]] = UNDETERMINED
    for place, code in enumerate(known):
        if code is not None:
            codes[begins[place]] = code
    unsettled = _unsettled(codes)
    for column, script in enumerate(letters.CODES):
        own = np.flatnonzero((columns == column) & unsettled)
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
    signs, colons = marks & (letters.TAG | letters.AT), marks & letters.COLON
    signed = [place for place in np.flatnonzero(signs | colons).tolist() if signs[place] or "://" in texts[place]]
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
