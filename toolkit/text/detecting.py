"""langdetect's answers about texts, of its languages in one script: computed where the compiled loop is there
(:mod:`toolkit.kernels`), else asked of langdetect-rs or of langdetect itself. All three answer the same.

It is seeded, and its profiles are loaded in sorted order by factories of our own: as shipped, its answers differ from run to run.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from importlib.resources import files
from typing import Any

import numpy as np
import numpy.typing as npt
import regex

from toolkit.kernels import code_points, compiled
from toolkit.text import profiles

UNDETERMINED = "und"
ASKED = {
    "Arab": "ar fa ur",
    "Cyrl": "bg mk ru uk",
    "Deva": "hi mr ne",
    "Latn": "af ca cs cy da de en es et fi fr hr hu id it lt lv nl no pl pt ro sk sl so sq sv sw tl tr vi",
}
"""The scripts of which langdetect is asked, and those of its languages that are written in each: a text in Latin letters is
not held against Russian, which takes less time and lets no Cyrillic name in it win."""
_NOT_LETTERS = regex.compile(r"[^\p{L}\p{M}\s'’-]+")
# Answers are kept, since copies of a post stand anywhere; as many as take some 20 MB.
_REMEMBERED = 60_000
_remembered: dict[tuple[str, str], str] = {}


def detect(texts: Sequence[str], script: str) -> list[str]:
    """Return langdetect's answers about texts in a script of :data:`ASKED`: ``und`` where it has none.

    Equal texts are looked at once, also in calls to come.
    """
    # Looked up once each: workers of some engines are threads of one process, and another may forget all meanwhile.
    found = {text: _remembered.get((script, text)) for text in dict.fromkeys(texts)}
    unknown = [text for text, answer in found.items() if answer is None]
    fresh = dict(zip(unknown, _answers(unknown, script), strict=True))
    if len(_remembered) + len(fresh) > _REMEMBERED:
        _remembered.clear()
    _remembered.update(((script, text), answer) for text, answer in fresh.items())
    return [found[text] or fresh[text] for text in texts]


def _answers(texts: Sequence[str], script: str) -> list[str]:
    if not texts:
        return []
    if compiled(len(texts)):
        return _computed(texts, script)
    return _asked(texts, script)


def _computed(texts: Sequence[str], script: str) -> list[str]:
    """Return langdetect's answers, computed by the compiled loop; those that it leaves to langdetect are asked for."""
    from toolkit.kernels import detecting as loops

    codes, *known = _profiles(script)
    found = np.empty(len(texts), np.int64)
    looked_up = *profiles.characters(_NOT_LETTERS), *known, len(codes) - 2
    loops.detect(*code_points(texts), *looked_up, *profiles.draws(0), profiles.LONGEST, found)
    answers: list[str] = codes[found].tolist()
    left = np.flatnonzero(found == loops.ASK).tolist()
    for place, answer in zip(left, _asked([texts[place] for place in left], script), strict=True):
        answers[place] = answer
    return answers


@cache
def _profiles(script: str) -> tuple[npt.NDArray[Any], ...]:
    """Return the codes of a script's languages, for each number that a loop may answer, and what it finds n-grams by."""
    from langdetect.detector_factory import DetectorFactory

    from toolkit.kernels import detecting as loops

    factory = factory_of(DetectorFactory, script)
    read = profiles.profiles(factory)
    size = 1 << (2 * len(read.words)).bit_length()
    keys, rows = np.zeros(size, np.uint64), np.zeros(size, np.int32)
    loops.index(read.words, keys, rows)
    codes = [code.partition("-")[0] for code in factory.langlist]
    return (
        np.array([*codes, None, UNDETERMINED], object),
        keys,
        rows,
        np.pad(read.chances, ((0, 0), (0, -len(codes) % 8))),
    )


def _asked(texts: Sequence[str], script: str) -> list[str]:
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
