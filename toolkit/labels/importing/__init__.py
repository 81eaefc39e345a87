"""Judgements made elsewhere → ``annotations/import.<name>.<task>/``, marked as imported, read like pulled ones.

::

    match.py     which item of the corpus is meant
    table.py     a CSV of item, annotator, label
    export.py    Label Studio's own JSON export
    take.py      either, checked as a whole, then written once
"""

from toolkit.labels.importing.take import Imported, take

__all__ = ["Imported", "take"]
