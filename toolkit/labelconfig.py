"""Rendering a codebook: the Label Studio form (XML) and the annotators' guide (HTML, Markdown).

Templates lie beside the codebooks: ``<task>/config.xml`` for each task, and for all of them ``controls.xml`` (the
parts that forms share), ``guide.html`` and ``guide.md``. Everything a template prints is escaped; a corpus text
reaches a form only as task data (``$text``), never through a template.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from toolkit.codebook import LANGUAGES, Codebook
from toolkit.errors import InputError
from toolkit.fsio import sha256_text
from toolkit.precedents import Precedent, in_guide
from toolkit.resources import resource

if TYPE_CHECKING:
    from jinja2 import Environment


def render_config(codebook: Codebook, *, form: str = "default", language: str = "en", blur: bool = False) -> str:
    """Return the Label Studio labelling configuration of one form, in one language; ``blur``: images until clicked.

    What annotators choose is stored by label id (Label Studio's ``alias``), so that forms in different languages give
    the same data. :class:`InputError` for a form or language that the codebook does not have.
    """
    if form not in codebook.forms:
        raise InputError(
            f"the codebook {codebook.task} has no form {form!r}", hint=f"its forms are {', '.join(codebook.forms)}"
        )
    xml = _render(codebook, f"{codebook.task}/config.xml", language, form=form, blur=blur)
    return "".join(f"{line}\n" for line in xml.split("\n") if line.strip())


def render_guide(
    codebook: Codebook,
    language: str = "en",
    *,
    markup: Literal["html", "md"] = "html",
    precedents: Sequence[Precedent] = (),
) -> str:
    """Return the annotators' guide in one language: HTML for a project's instructions, or Markdown for reading.

    ``precedents`` are what was ruled on since the codebook was written.
    """
    return _render(codebook, f"guide.{markup}", language, precedents=list(in_guide(precedents)))


def guide_sha256(codebook: Codebook, precedents: Sequence[Precedent] = ()) -> str:
    """Return the hex SHA-256 of the guide in all its languages."""
    return sha256_text("".join(render_guide(codebook, language, precedents=precedents) for language in LANGUAGES))


def _render(codebook: Codebook, template: str, language: str, **values: Any) -> str:
    from jinja2 import TemplateError

    if language not in LANGUAGES:
        raise InputError(f"no forms in the language {language!r}", hint=f"the languages are {', '.join(LANGUAGES)}")
    values |= {"codebook": codebook, "language": language, "say": lambda en, zh: zh if language == "zh" else en}
    try:
        return _environment(codebook.folder, escaped=not template.endswith(".md")).get_template(template).render(values)
    except TemplateError as error:
        raise InputError(f"{codebook.folder / template}: {error}") from error


@cache
def _environment(folder: Path, *, escaped: bool) -> Environment:
    """Return the templates of a folder, the shipped ones where it has none; each is compiled once."""
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    return Environment(
        loader=FileSystemLoader([folder, resource("annotation_configs")]),
        autoescape=escaped,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
