"""What an aggregation model makes of the votes: Dawid-Skene (1979) or MACE (Hovy et al. 2013), both fitted by crowd-kit.

A model weighs annotators by how well they agree with the rest. It decides nothing: decisions are people's, and the release
carries every vote.

Items with the same answers by the same annotators have the same probabilities, and are one item with a weight here: a
million judgements of a few annotators are some dozens of those. crowd-kit knows no weights, so its steps that sum over
items are given them; the rest of the fit is its own, and a test holds the result to what it gives without them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Literal

import numpy as np

from toolkit.agreement.ballots import Ballot, Ints
from toolkit.errors import InputError

Model = Literal["dawid-skene", "mace"]
MODELS: tuple[Model, ...] = ("dawid-skene", "mace")
_RESTARTS = 10
_ITERATIONS = 100


def probabilities(model: Model, ballot: Ballot, item: Ints) -> Any:
    """Return the model's probability of each label on each item (``item``: that of each answer, as a code) × labels.

    None where there is but one annotator. :class:`InputError` where crowd-kit is not installed.
    """
    if len(np.unique(ballot.rater)) < 2:
        return None
    answers = Answers(item, ballot.rater)
    if ballot.kind != "multi":
        return fit(model, answers, ballot.given.argmax(axis=1), range(ballot.given.shape[1]))
    found = np.zeros((int(item.max()) + 1, ballot.given.shape[1]))
    for place in np.flatnonzero(ballot.given.any(axis=0)):
        # Each label is a question of its own, yes or no.
        found[:, place] = fit(model, answers, ballot.given[:, place].astype(np.int64), (0, 1))[:, 1]
    return found


@dataclass(frozen=True)
class Answers:
    """Who answered on which item, as codes: what all questions of a field have in common."""

    item: Ints
    rater: Ints

    @cached_property
    def _places(self) -> tuple[Ints, Ints, int]:
        """The answers in the items' order, then the annotators'; the place of each on its item; how many at most."""
        order = np.lexsort((self.rater, self.item))
        item = self.item[order]
        starts = np.flatnonzero(np.r_[True, item[1:] != item[:-1]])
        sizes = np.diff(np.r_[starts, len(item)])
        return order, np.arange(len(item)) - np.repeat(starts, sizes), int(sizes.max())

    def alike(self, value: Ints) -> tuple[Ints, Ints, Ints]:
        """Return the kind of each item by its answers, one answer of each kind and place, and how often each kind is there.

        The answers are given by their places among all.
        """
        order, place, most = self._places
        kind = np.zeros(int(self.item.max()) + 1, dtype=np.int64)
        code = self.rater * (int(value.max()) + 1) + value + 1
        for number in range(most):
            here = order[place == number]
            own = np.zeros(len(kind), dtype=np.int64)
            own[self.item[here]] = code[here]
            kind = np.unique(kind * (int(code.max()) + 1) + own, return_inverse=True)[1].reshape(-1).astype(np.int64)
        _, first, times = np.unique(kind, return_index=True, return_counts=True)
        shown = np.zeros(len(kind), dtype=np.bool_)
        shown[first] = True
        return kind, order[shown[self.item[order]]], times.astype(np.int64)


def fit(model: Model, answers: Answers, value: Ints, values: Sequence[int], restarts: int = _RESTARTS) -> Any:
    """Return the probability of each of ``values`` on each item (items × values); ``value`` is that of each answer."""
    import pandas as pd

    kind, shown, times = answers.alike(value)
    about = kind[answers.item[shown]]
    votes = pd.DataFrame({"task": about, "worker": answers.rater[shown], "label": value[shown]})
    fitted = _weighted(model, pd.Series(times, dtype=np.float64), restarts)
    likely = fitted.fit_predict_proba(votes)
    return likely.reindex(index=range(len(times)), columns=list(values)).fillna(0.0).to_numpy()[kind]


def _weighted(model: Model, times: Any, restarts: int) -> Any:
    """Return crowd-kit's model that takes task i of its data for ``times[i]`` tasks."""
    import pandas as pd

    try:
        from crowdkit.aggregation.classification import MACE, DawidSkene
    except ImportError as error:
        raise InputError(
            "crowd-kit is not installed, and the aggregation models are its",
            hint="pip install 'documented-posts[aggregate]'",
        ) from error

    class WeightedDawidSkene(DawidSkene):
        prior: Any = None

        def _m_step(self, data: Any, probas: Any, *rest: Any) -> Any:  # type: ignore[override]
            self.prior = probas.mul(times, axis=0).sum() / times.sum()
            return super()._m_step(data, probas.mul(times, axis=0), *rest)

        def _e_step(self, data: Any, priors: Any, errors: Any) -> Any:  # type: ignore[override]
            return super()._e_step(data, self.prior.copy(), errors)

        def _evidence_lower_bound(self, data: Any, probas: Any, priors: Any, errors: Any) -> float:
            each = data.join(np.log(errors), on=["worker", "label"]).drop(columns=["worker", "label"])
            each = each.set_index("task").add(np.log(self.prior.clip(lower=1e-10)))
            own = probas.clip(lower=1e-10)
            weights = times.reindex(each.index)
            joint = (each * probas.reindex(each.index)).mul(weights.to_numpy(), axis=0).to_numpy().sum()
            entropy = -(np.log(own) * own).mul(times, axis=0).to_numpy().sum()
            # Its fit divides by the rows it was given.
            return float((joint + entropy) * len(data) / weights.sum())

    class WeightedMace(MACE):
        def _e_step(  # type: ignore[override]
            self, annotation: Any, tasks: Any, workers: Any, labels: Any, task: Any, worker: Any, label: Any
        ) -> Any:
            # As its own step, by counting; that one takes annotators and labels, in the order in which they come, for sorted.
            weight = times.reindex(tasks).to_numpy()
            spam = self.spamming_[worker, 0] * self.thetas_[worker, label]
            knows = self.spamming_[worker, 1]
            factor = [spam + knows * (label == place) for place in range(len(labels))]
            logs = [np.bincount(task, np.log(each), minlength=len(tasks)) for each in factor]
            gold = np.exp(np.stack(logs, axis=1)) / len(labels)
            instance = gold.sum(axis=1)
            spammed = sum(gold[task, place] / each for place, each in enumerate(factor)) * spam / instance[task]
            known = gold[task, label] * knows / (spam + knows) / instance[task]
            cells = np.bincount(
                worker * len(labels) + label, spammed * weight[task], minlength=len(workers) * len(labels)
            )
            knowing = [np.bincount(worker, each * weight[task], minlength=len(workers)) for each in (spammed, known)]
            return (
                float(weight @ np.log(instance + 1e-8)),
                pd.DataFrame(gold, index=tasks, columns=labels),
                pd.DataFrame(cells.reshape(len(workers), len(labels))),
                pd.DataFrame(np.stack(knowing, axis=1)),
            )

    if model == "dawid-skene":
        return WeightedDawidSkene(n_iter=_ITERATIONS)
    # A number would start every run from the same place.
    state: Any = np.random.RandomState(0)
    return WeightedMace(n_restarts=restarts, random_state=state)
