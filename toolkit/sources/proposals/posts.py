"""Posts and what belongs to them: by label, by quotation, by hashtag, by lead-in, by the block that they stand in."""

from __future__ import annotations

import re
from collections.abc import Sequence

from toolkit.sources.proposals.attribution import heads_post, names_poster, names_posts, pictures_post, told_by_others
from toolkit.sources.proposals.labels import Label, Labels
from toolkit.sources.proposals.paragraphs import Paragraph, is_foreign, is_translation_of
from toolkit.sources.proposals.prose import is_attribution, leads_to_other, leads_to_post, prose_score
from toolkit.sources.proposals.quotes import BULLET, is_quoted, quotations
from toolkit.text.entities import hashtags

NOTE = re.compile(r"\[[^\[\]]+\]")
_DESCRIBED = re.compile(
    r"\[(?:an? |the )?(?:photo|image|picture|poster|video|screenshot|graphic|cartoon|meme|drawing)\b[^:\[\]]{0,40}[:：]\s*",
    re.IGNORECASE,
)
_READS = re.compile(
    r"\b(?:text|words?|banner|sign|slogan|poster|placard|card|headline|reads?|says|reading|saying|captioned)\b[^“”\"«»]{0,40}[“\"«„]",
    re.I,
)
_DAY = (
    r"(?:[0-9]{1,2}[./][0-9]{1,2}[./][0-9]{2,4}|[0-9]{4}-[0-9]{2}-[0-9]{2}|[0-9]{1,2} [^\W\d_]{3,9}\.? [0-9]{4}|"
    r"[^\W\d_]{3,9}\.? [0-9]{1,2}, [0-9]{4})"
)
_TIMED = re.compile(
    rf"[\[(]?(?:{_DAY},?(?: at)? ?)?[0-2]?[0-9]:[0-5][0-9](?::[0-5][0-9])?(?: ?[ap]m)?[\])]?\s*(?:[-–—:|]\s+|(?<=[\])])\s+)"
)
# What a post's entry says besides its words: "Date: 3 May", "Likes: 14".
ABOUT_POST = re.compile(
    r"(?:account|user|username|handle|author|page|channel|platform|date|time|posted(?: on| at| by)?|published|url|link|source|"
    r"archived?|language|likes|shares|retweets|reposts|views|comments|replies|reactions|engagement|interactions|followers)"
    r"\s*[:：]\s*\S.{0,120}",
    re.IGNORECASE,
)
_TEXT = re.compile(r"(?:text|content|body|wording|message)\s*[:：]\s*(?=\S)", re.IGNORECASE)
_NOTHING = re.compile(r"\W*(?:n/?a|none|not (?:available|needed|applicable))?\W*", re.IGNORECASE)
_ROLES = {"original": "post", "caption": "photo_text", "note": "translator_note"}
_NUMBERED = re.compile(r"\(?[0-9]{1,2}[.)]\s+")
OPEN = ("post", "translation", "photo_text", "translator_note")


def labelled(found: Sequence[Paragraph], labels: Labels) -> None:
    """Settle paragraphs that begin with a label, and those that a label alone on its line announces."""
    waiting: Label | None = None
    for number, paragraph in enumerate(found):
        line = paragraph.text
        if paragraph.role == "heading":
            waiting = Label("post", 0, True, True) if labels.alone(line) else None
            continue
        if paragraph.role is not None:
            continue
        label = labels.match(line)
        if label is None and labels.alone(line):
            label = Label("post", len(line), True, True)
        if label and label.kind == "note" and not label.bracketed and not _in_posts(found, number):
            label = None
        if label and label.alone:
            paragraph.settle("", "label", 0.9)
            waiting = label
        elif label and label.kind == "translation" and _NOTHING.fullmatch(line[label.end :]):
            paragraph.settle("", "no translation", 0.7)
        elif label and label.kind != "narrative":
            _announce(paragraph, label, paragraph.start + label.end)
            waiting = None
        elif (waiting or _in_posts(found, number)) and ABOUT_POST.fullmatch(line):
            paragraph.settle("", "field of a post", 0.7)
        elif waiting and not leads_to_post(line):
            text = _TEXT.match(line)
            _announce(paragraph, waiting, paragraph.start + text.end() if text else None)
            waiting = None


def _announce(paragraph: Paragraph, label: Label, content: int | None) -> None:
    paragraph.settle(_ROLES.get(label.kind, label.kind), f"{label.kind} label".replace("_", " "), 0.9, content)
    paragraph.label = label.kind
    paragraph.attributes["numbered"] = label.numbered


def _in_posts(found: Sequence[Paragraph], number: int) -> bool:
    before = _before(found, number)
    return before is not None and before.role in OPEN


def _before(found: Sequence[Paragraph], number: int) -> Paragraph | None:
    """Return the paragraph before one, past labels and attributions."""
    return next((found[n] for n in range(number - 1, max(-1, number - 4), -1) if found[n].role != ""), None)


def tables(found: Sequence[Paragraph], labels: Labels) -> None:
    """Settle the cells of tables whose first row says which column holds posts and which their translations."""
    columns: dict[str, str | None] = {}
    for paragraph in found:
        if not paragraph.box or not paragraph.box.startswith("cell "):
            columns = {}
            continue
        _, row, column = paragraph.box.split(" ")[1].split(".")
        if row == "1":
            columns[column] = labels.names(paragraph.text)
            if columns[column]:
                paragraph.settle("heading", "heading of a column", 0.7)
        elif paragraph.role is None and (kind := columns.get(column)):
            role = _ROLES.get(kind, kind)
            if role in ("post", "translation", "photo_text"):
                paragraph.settle(role, "column of a table", 0.8)
                paragraph.label = kind
                paragraph.attributes["row"] = row


def quoted(found: Sequence[Paragraph], script: str) -> None:
    """Settle block quotes, paragraphs in quotation marks, leading hashtags and paragraphs in another script as posts."""
    foreign = [p for p in found if p.role is None and p.kind != "quote" and is_foreign(p.text, script)]
    strange = len(foreign) * 2 < len([p for p in found if p.role is None])
    # Lines that are set in, as block quotes are, in a plain text that sets most lines out.
    set_in = sum(p.indented for p in found) * 2 < len(found)
    other = False
    said = " ".join(" ".join(p.text for p in found if not is_quoted(p.text)).split())
    for number, paragraph in enumerate(found):
        line, before = paragraph.text, found[number - 1] if number else None
        tag = hashtags(line[:100])
        if paragraph.role is not None:
            continue
        if NOTE.fullmatch(line) and paragraph.tag == "line" and _in_posts(found, number):
            continue
        if (item := _NUMBERED.match(line)) and paragraph.tag == "line" and is_quoted(line[item.end() :]):
            paragraph.settle("post", "paragraph in quotation marks", 0.8, paragraph.start + item.end())
            continue
        if (
            paragraph.kind == "quote"
            or line.startswith(">")
            or (set_in and paragraph.indented and paragraph.tag == "line")
        ):
            other = (before is not None and leads_to_other(before.text)) or (
                other and before is not None and _same_box(before, paragraph)
            )
            _quote(paragraph, before, other)
        elif tag and tag[0].start == 0:
            paragraph.settle("post", "leading hashtag", 0.9)
        elif paragraph.kind == "caption" and (is_quoted(line) or (strange and is_foreign(line, script))):
            paragraph.settle("photo_text", "caption in quotation marks", 0.6)
        elif (
            paragraph.kind == "caption" and _READS.search(line[:600]) and not (names_posts(line) or pictures_post(line))
        ):
            paragraph.settle("photo_text", "caption that says what is written", 0.6)
        elif is_quoted(line) and " ".join(line[1:-1].split()) in said:
            paragraph.settle("analysis", "pull quote of the report's own words", 0.8)
        elif is_quoted(line) and not (before is not None and leads_to_other(before.text)):
            paragraph.settle("post", "paragraph in quotation marks", 0.8)
        elif strange and number > 2 and is_foreign(line, script) and not names_posts(line):
            paragraph.settle("post", "paragraph in another script", 0.7)


def _same_box(before: Paragraph, paragraph: Paragraph) -> bool:
    return paragraph.box is not None and paragraph.box == before.box


def _quote(paragraph: Paragraph, before: Paragraph | None, other: bool) -> None:
    if match := re.match(r"[>\s]+", paragraph.text):
        paragraph.start += match.end()
        paragraph.text = paragraph.text[match.end() :]
    same = before is not None and (
        _same_box(before, paragraph) or (paragraph.kind != "quote" and before.group == paragraph.group)
    )
    if same and before is not None and (paragraph.tag in ("cite", "footer") or is_attribution(paragraph.text)):
        # An embedded post ends with its account and date; words with a name behind them are a person's.
        paragraph.settle("", "attribution of a quote", 0.8)
        if not names_poster(paragraph.text) and before.rule == "block quote":
            before.settle("analysis", "quotation with its speaker", 0.5)
    elif other or told_by_others(paragraph.text):
        paragraph.settle("analysis", "quotation that is no post", 0.5)
    else:
        paragraph.settle("post", "block quote", 0.9)
        paragraph.joined = same and before is not None and before.role == "post" and before.rule == "block quote"


def signed(found: Sequence[Paragraph]) -> None:
    """Settle the lines below posts that say who posted them and when: they are neither posts nor prose."""
    for number, paragraph in enumerate(found):
        if paragraph.role is None and _in_posts(found, number) and signs(paragraph.text):
            paragraph.settle("", "attribution of a post", 0.7)


def signs(line: str) -> bool:
    """Tell whether a line only says by which account, where and when something was posted."""
    return is_attribution(line) and names_poster(line)


def led_in(found: Sequence[Paragraph]) -> None:
    """Settle what follows a line such as "One account wrote:" as a post; a whole list where the items stand in one."""
    leading: Paragraph | None = None
    # Where blank lines set paragraphs apart, lines below one that announces a post are the post's.
    spaced = found and found[-1].group * 4 > len(found)
    before: Paragraph | None = None
    within = False
    for paragraph, following in zip(found, [*found[1:], None], strict=True):
        last, before = before, paragraph
        if paragraph.role is None and leads_to_post(paragraph.text):
            paragraph.settle("analysis", "line before a post", 0.7)
            leading, within = paragraph, False
        elif paragraph.role is None and heads_post(paragraph.text) and _is_below(following, paragraph):
            paragraph.settle("", "heading of a post", 0.7)
            leading, within = paragraph, False
        elif leading is not None and paragraph.role is None and paragraph.kind != "caption":
            bullet = BULLET.match(paragraph.text)
            listed = paragraph.listed or bullet is not None
            ended = within or paragraph.text.endswith((":", "：")) or prose_score(paragraph.text) >= 4
            if not listed and ended:
                leading = None
                continue
            within = listed
            begin = bullet.end() if bullet else 0
            if (quotes := quotations(paragraph.text)) and quotes[0].start == begin:
                # What stands behind the quotation is the report's.
                paragraph.attributes["announced"] = True
            else:
                paragraph.settle(
                    "post", "behind a line that announces it", 0.6, paragraph.start + begin if begin else None
                )
            leading = leading if listed else None
        elif (
            spaced
            and last is not None
            and last.rule in ("behind a line that announces it", "goes on")
            and (paragraph.role, paragraph.tag, paragraph.group) == (None, "line", last.group)
            and not paragraph.text.endswith((":", "："))
            and not NOTE.fullmatch(paragraph.text)
            and prose_score(paragraph.text) < 2
        ):
            paragraph.settle("post", "goes on", 0.6)
            paragraph.joined = True
        elif paragraph.role != "":
            leading = None


def _is_below(following: Paragraph | None, heading: Paragraph) -> bool:
    """Tell whether a paragraph stands right below the heading of a post, and may be the post."""
    return following is not None and following.role is None and following.group == heading.group


def timed(found: Sequence[Paragraph]) -> None:
    """Settle lines that begin with the time of day at which they were posted, where there are several."""
    lines = [(p, match) for p in found if p.role is None and (match := _TIMED.match(p.text[:80]))]
    for paragraph, match in lines if len(lines) > 1 else ():
        paragraph.settle("post", "time of posting before it", 0.7, paragraph.start + match.end())
        paragraph.label = "post"
        paragraph.attributes["numbered"] = True


def notes(found: Sequence[Paragraph], script: str) -> None:
    """Settle whole lines in square brackets behind posts: pictures, translations, the translator's notes."""
    for number, paragraph in enumerate(found):
        if paragraph.role is not None or not NOTE.fullmatch(paragraph.text) or not _in_posts(found, number):
            continue
        if match := _DESCRIBED.match(paragraph.text):
            paragraph.settle("photo_text", "picture in brackets", 0.7, paragraph.start + match.end())
        elif (
            (before := _before(found, number))
            and before.role == "post"
            and (is_translation_of(paragraph.text, before.words, script) or is_quoted(paragraph.text[1:-1]))
        ):
            paragraph.settle("translation", "in brackets behind its original", 0.6, of=before)
        else:
            paragraph.settle("translator_note", "whole line in brackets", 0.8)
