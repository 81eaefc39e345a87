"""What a curator should know: of a file that was added, what it lacks; of proposals, what was not found and is a guess."""

from __future__ import annotations

from collections.abc import Sequence

from toolkit.sources.around import platforms_of
from toolkit.sources.html_page import ends_early
from toolkit.sources.metadata import unknown_fields
from toolkit.sources.model import Segment
from toolkit.sources.proposals.quotes import is_long, quotations
from toolkit.sources.source import Source

_SURE = 0.7
_QUOTING = ("post", "photo_text", "translation", "translator_note", "footnote")
_BY_HAND = (
    "if the report says what announces its posts, name it under [markers] in source.toml (post = ['Text:']) and run this again;",
    "else mark each (docposts source mark {id} --role post --quote 'first words … last words'), or write the text with its "
    "spans in brackets (docposts source export {id} -o FILE) and set them there",
)


def remarks(source_id: str, text: str, spans: Sequence[Segment]) -> list[str]:
    """Return what to say of a source's proposals, a line each; nothing where all was found and is sure. Pure."""
    posts = [span for span in spans if span.role == "post"]
    said: list[str] = []
    if not posts:
        said.append("no posts were found: nothing in the text announces one in a way that the rules know")
    elif guessed := sum((span.confidence or 0) < _SURE for span in posts):
        said.append(f"{guessed} of {_count(posts, 'post')} by guess (confidence under {_SURE}): look at them first")
    if quotes := _unclaimed(text, spans):
        where = ", ".join(str(text.count("\n", 0, at) + 1) for at in quotes[:5])
        more = ", …" if len(quotes) > 5 else ""
        said.append(
            f"not taken for posts: {_count(quotes, 'longer quotation')} in lines {where}{more} (is one of them a post?)"
        )
    if not posts:
        said += [line.format(id=source_id) for line in _BY_HAND]
    return said + _notes(spans)


def _count(things: Sequence[object], name: str) -> str:
    return f"{len(things)} {name}{'' if len(things) == 1 else 's'}"


def _unclaimed(text: str, spans: Sequence[Segment]) -> list[int]:
    """Return where quotations as long as posts stand that are in no post, photo text, translation or note."""
    taken = [(s.char_start, s.char_end) for s in spans if s.role in _QUOTING]
    found, at = [], 0
    for line in text.split("\n"):
        for quote in quotations(line):
            start, end = at + quote.inner, at + quote.inner_end
            if is_long(text[start:end]) and not any(low < end and start < high for low, high in taken):
                found.append(start)
        at += len(line) + 1
    return found


def _notes(spans: Sequence[Segment]) -> list[str]:
    markers = [span.footnote for span in spans if span.role == "footnote_marker" and span.footnote]
    notes = [span for span in spans if span.role == "footnote"]
    known = {note.footnote for note in notes}
    unnumbered = [note for note in notes if note.footnote is None]
    inferred = [note for note in notes if "footnote" in note.inferred]
    lost = list(dict.fromkeys(label for label in markers if label not in known))
    said = []
    if lost:
        few = f"{', '.join(lost[:8])}{', …' if len(lost) > 8 else ''}"
        said.append(f"footnotes: {_count(lost, 'number')} of the text without a note of that number ({few})")
    if unnumbered:
        said.append(
            f"footnotes: {_count(unnumbered, 'note')} without a number; which belongs to which is for you to say"
        )
    if inferred:
        said.append(f"footnotes: {_count(inferred, 'note')} without a number, given one by their order: check it")
    return said


def of_file(source: Source) -> list[str]:
    """Return what to say of a report that was just added: what is not known, not held, not readable, perhaps not whole."""
    said = []
    if unknown := unknown_fields(source.meta):
        said.append(f"not known yet, to be filled in there: {', '.join(unknown)}")
    named = [] if source.meta.platforms else list(platforms_of(source.text))
    if named:
        said.append(f"platforms that the text names: {', '.join(named)}; put those of its posts into source.toml")
    if source.file.format == "html" and ends_early((source.folder / "raw" / source.file.name).read_bytes()):
        said.append("the page's markup ends without </body> or </html>: was it saved whole?")
    if lost := [block["image"] for block in source.blocks if "image" in block and "media" not in block]:
        said.append(f"{_count(lost, 'image')} not held, not being files of the page's folder: {', '.join(lost[:3])}")
    if source.file.replaced:
        said.append(f"{source.file.replaced} characters that the text cannot hold are U+FFFD in it; raw/ keeps them")
    return said
