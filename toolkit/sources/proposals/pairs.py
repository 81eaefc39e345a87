"""Original and translation, paired where both stand: in either order, labelled or not."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import regex

from toolkit.sources.proposals.paragraphs import Paragraph, is_foreign, is_translation_of
from toolkit.sources.proposals.prose import prose_score
from toolkit.text.language import language
from toolkit.text.script import letter_counts

_LETTERS = regex.compile(r"\p{L}")
_ENOUGH = 60
_SAMPLE = 600


class Tongues:
    """Tells the report's own language from others; languages of one script by detection, asked only where it matters."""

    def __init__(self, script: str, found: Sequence[Paragraph]) -> None:
        self.script = script
        self._prose = " ".join(p.text[:_SAMPLE] for p in found if p.role in (None, "analysis", "title"))[:4000]
        self._known: dict[str, str] = {}

    def foreign(self, text: str) -> bool | None:
        """Return whether a text is in another language than the report; None where it is too short to tell."""
        if is_foreign(text, self.script):
            return True
        if self.script not in letter_counts(text[:_SAMPLE]) or len(_LETTERS.findall(text[:_SAMPLE])) < _ENOUGH:
            return None
        own, its = self._language(self._prose), self._language(text)
        return None if "und" in (own, its) else own != its

    def _language(self, text: str) -> str:
        sample = text[:4000] if text is self._prose else text[:_SAMPLE]
        if sample not in self._known:
            self._known[sample] = language(sample)
        return self._known[sample]


def pair(found: Sequence[Paragraph], tongues: Tongues) -> None:
    """Turn the one of two neighbouring posts that is in the report's language into the other's translation."""
    _split_boxes(found, tongues)
    run: list[Paragraph] = []
    for paragraph in [*found, None]:
        if paragraph is not None and (paragraph.joined or paragraph.role == ""):
            continue
        if paragraph is not None and paragraph.role == "post" and not paragraph.attributes.get("numbered"):
            run.append(paragraph)
            continue
        _pair_run(run, tongues)
        run = []
        if paragraph is not None and paragraph.role == "post":
            run = [paragraph]
    _unquoted(found, tongues)


def _split_boxes(found: Sequence[Paragraph], tongues: Tongues) -> None:
    """Part a block quote whose paragraphs are in two languages."""
    for before, paragraph in pairwise(found):
        if paragraph.joined and paragraph.role == "post" and before.role == "post":
            one, other = is_foreign(before.text, tongues.script), is_foreign(paragraph.text, tongues.script)
            if one != other:
                paragraph.joined = False


def _pair_run(run: list[Paragraph], tongues: Tongues) -> None:
    if len(run) < 2:
        return
    foreign = [tongues.foreign(paragraph.words) for paragraph in run]
    if True not in foreign:
        return
    # Which comes first is what the run begins with, where it goes on in turns.
    translation_first = foreign[0] is False and foreign[-1] is True and len(run) % 2 == 0
    at = 0
    while at + 1 < len(run):
        one, other = (at + 1, at) if translation_first else (at, at + 1)
        if (
            foreign[one]
            and foreign[other] is not True
            and (foreign[other] is False or is_foreign(run[one].words, tongues.script))
        ):
            run[other].role = "translation"
            run[other].attributes["of"] = run[one]
            run[other].rule = f"{run[other].rule}, in the report's language beside one that is not"
            at += 2
        else:
            at += 1


def orphans(found: Sequence[Paragraph], tongues: Tongues) -> None:
    """Turn labelled translations beside which no original stands into posts: the report gives the post in translation alone.

    The original may be in an image, as below "Figure 3: a comment".
    """
    for number, paragraph in enumerate(found):
        if paragraph.role != "translation" or paragraph.attributes.get("of") is not None or paragraph.joined:
            continue
        near = [p for p in found[max(0, number - 4) : number] if p.role != ""][-2:]
        behind = next((p for p in found[number + 1 :] if p.role != "" and not p.joined), None)
        if any(
            p.role in ("post", "photo_text", "translation", "translator_note") or _quotes_foreign(p, tongues)
            for p in near
        ):
            continue
        if behind is not None and behind.label == "original":
            continue
        paragraph.settle("post", "translation without its original", 0.6)


def _quotes_foreign(paragraph: Paragraph, tongues: Tongues) -> bool:
    words = (paragraph.text[i.start - paragraph.start : i.end - paragraph.start] for i in paragraph.inner)
    return any(tongues.foreign(text) for text in words)


def _unquoted(found: Sequence[Paragraph], tongues: Tongues) -> None:
    """Settle a plain paragraph right behind a post in another script as its translation, where the lengths agree."""
    for before, paragraph in pairwise(found):
        if before.role != "post" or paragraph.role is not None or paragraph.kind not in ("paragraph", "quote"):
            continue
        fits = is_translation_of(paragraph.text, before.words, tongues.script)
        if fits and not paragraph.text.endswith(":") and prose_score(paragraph.text) < 2:
            paragraph.settle("translation", "behind its original", 0.5, of=before)
