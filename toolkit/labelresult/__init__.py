"""A Label Studio annotation's ``result``, read into a submission and written back as the browser would write it.

::

    model.py   what an annotator answered: votes, evidence, regions
    read.py    a result → a submission, and what does not hold of it
    write.py   a submission → the result that the browser would make of it
"""

from toolkit.labelresult.model import (
    DECISION,
    DISTRESSING,
    EVIDENCE,
    IMAGE,
    MODE,
    MODES,
    REGION,
    TEXT,
    UNABLE,
    Free,
    Mode,
    Region,
    Result,
    Span,
    Submission,
    Vote,
    canonical,
)
from toolkit.labelresult.read import parse_result, strings
from toolkit.labelresult.write import build_result, result_item

__all__ = [
    "DECISION",
    "DISTRESSING",
    "EVIDENCE",
    "IMAGE",
    "MODE",
    "MODES",
    "REGION",
    "TEXT",
    "UNABLE",
    "Free",
    "Mode",
    "Region",
    "Result",
    "Span",
    "Submission",
    "Vote",
    "build_result",
    "canonical",
    "parse_result",
    "result_item",
    "strings",
]
