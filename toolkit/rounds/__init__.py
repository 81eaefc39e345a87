"""Rounds of labelling: training, calibration, production, repeat. What a push gives to whom.

::

    plan.py       each project with its tasks, made of items, assignments and what was judged
    standing.py   who passed a calibration
    push.py       a plan, and a push of all projects
    answers.py    the answers of a training round, shown to those who have submitted theirs
"""

from toolkit.rounds.push import plan, push

__all__ = ["plan", "push"]
