"""Search for good settings: one training after the other, each chosen by what the ones before it gave.

Optuna's TPE sampler chooses (Bergstra et al., 2011), its median pruner ends what is worse by then than half of the
others were. Every trial learns from the same frozen labels and is judged on the validation images alone. All that was
tried is in `sweeps.db` after each epoch: a search that was stopped or killed takes up its interrupted trial where its
training was saved.
"""

import hashlib
import json
import math
import shutil
import time
import warnings
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from hmgc_core.errors import Diverged, HmgcError, NotTrainable, OutOfMemory
from hmgc_core.learning.training import FitResult, fit
from hmgc_core.recipes import switches_of
from hmgc_core.records import READING, EpochMetrics, Progress, RunConfig, Stopped
from hmgc_core.search_space import all_choices, settled, suggested
from hmgc_core.store import sweeps as store
from hmgc_core.store.sweeps import AGAIN, WEIGHTS, WHY
from hmgc_core.tasks.job import Job
from hmgc_core.workflow import sweeps, training
from hmgc_core.workflow.sweeps import Sweep
from hmgc_core.workflow.training import RunLabels

if TYPE_CHECKING:
    import optuna
    from optuna.trial import FrozenTrial

PRUNE_AFTER = 4  # finished trials: the median of fewer says little
CHOOSE_AFTER = 8  # trials: before, values are drawn by chance
WEIGH_AFTER = 6  # finished trials: before, nobody can tell what mattered
BEST_SHARE = 0.25  # a setting matters if it tells the best quarter of the trials from the rest
TRIES = 2  # a trial that ends its worker each time is given up
BAR = 10_000
STOPPED, TIME_UP, KILLED = "it was stopped", "the time was up", "the worker ended"


class _Pruned(Exception):
    """Leaves a training whose trial is to be ended early."""


def search(job: Job) -> dict[str, Any]:
    """The task: returns how many trials there are of each state, and the best.

    Raises NotTrainable where no trial could be finished, what `fit` raises, and Stopped.
    """
    job.step("looking at the labels", 0, 1)
    asked = sweeps.of_task(job.task)
    labels = training.frozen_labels(job.ws, asked.config, taxonomy=asked.taxonomy, upto=asked.upto)
    with store.named_errors(job.ws.folder):
        search = _Search(job, asked, labels, store.study(job.ws.folder, asked.name, asked=asked.asked))
        search.take_up()
        while search.goes_on():
            search.one_trial()
        return search.result()


@dataclass
class _Search:
    """One task's way through a study. before_s: what trials of this task took before this worker had it."""

    job: Job
    asked: Sweep
    labels: RunLabels
    study: "optuna.Study"
    before_s: float = 0.0
    begun_at_s: float = field(default_factory=time.monotonic)

    def take_up(self) -> None:
        """Try once more what was interrupted; in a new search, begin with the settings as they are."""
        store.end_running(self.study, why=KILLED)
        known = self.study.get_trials(deepcopy=False)
        taken_up = {one.user_attrs.get(AGAIN) for one in known}
        for one in known:
            if one.state.name == "FAIL" and one.params and one.number not in taken_up and not _kills(one, known):
                self.study.enqueue_trial(one.params, user_attrs={AGAIN: one.number})
            began_here = one.datetime_start and one.datetime_start.timestamp() >= self.job.task.created_at.timestamp()
            self.before_s += one.duration.total_seconds() if began_here and one.duration else 0.0
        if not known:
            self.study.enqueue_trial({one.name: one.nearest(one.now) for one in self.asked.over})

    def goes_on(self) -> bool:
        """There is something left to try. Raises Stopped where somebody asked for it, or a training is to go first."""
        ended = self._of("COMPLETE", "PRUNED")
        if len(ended) >= (self.asked.trials or sweeps.MOST_TRIALS) or self._time_is_up():
            return False
        grid = all_choices(self.asked.over, at_most=self.asked.trials or sweeps.MOST_TRIALS)
        left = [values for values in grid or () if values not in [one.params for one in ended]]
        if grid and left and not self._of("WAITING"):
            drawn = np.random.default_rng([self.asked.config.seed, len(ended)]).integers(len(left))
            self.study.enqueue_trial(left[int(drawn)])
        if grid is not None and not left:
            return False
        if self.job.should_stop() or self.job.others_wait():
            raise Stopped
        return True

    def one_trial(self) -> None:
        """Train once, and tell the study how it went, whatever happens."""
        trial = self._begun()
        config = settled(self.asked.config, self.asked.over, trial.params)
        twin = next((one for one in self._of("COMPLETE") if one.params == trial.params), None)
        try:
            score = twin.value if twin else self._score(trial, config)
        except (_Pruned, Diverged, OutOfMemory) as error:
            trial.set_user_attr(WHY, str(error))
            self._tell(trial, "PRUNED")
        except BaseException as error:
            trial.set_user_attr(WHY, self._in_words(error))
            self._tell(trial, "FAIL")
            if isinstance(error, Stopped) and not self.job.should_stop():
                return  # the time is up
            raise
        else:
            self.study.tell(trial, score)
            self._weigh()
        shutil.rmtree(self._folder(config), ignore_errors=True)

    def result(self) -> dict[str, Any]:
        """What the task's row keeps; the trials stay in their own file."""
        found = store.trials(self.job.ws.folder, self.asked.name)
        best = sweeps.best(found)
        if best is None:
            last = found[-1].why if found else ""
            raise NotTrainable(
                f"none of {len(found)} trials could be finished{f': {last}' if last else ''}",
                remedy="begin another search with smaller learning rates, or fewer settings to vary",
            )
        counts = {state: sum(one.state == state for one in found) for state in ("done", "pruned", "failed")}
        return {"trials": counts, "best": {"number": best.number, "score": best.score, "values": best.values}}

    # --- one trial ----------------------------------------------------------------------------------------------------

    def _begun(self) -> "optuna.trial.Trial":
        """The next trial with its values. The same search draws the same ones, wherever it was interrupted."""
        import optuna  # noqa: PLC0415

        config, number = self.asked.config, len(self._of("COMPLETE", "PRUNED"))
        seed = int(np.random.SeedSequence([config.seed, number]).generate_state(1)[0])
        self.study.sampler = optuna.samplers.TPESampler(n_startup_trials=CHOOSE_AFTER, seed=seed)
        # No trial is judged while the learning rate still rises.
        self.study.pruner = optuna.pruners.MedianPruner(
            n_startup_trials=PRUNE_AFTER, n_warmup_steps=math.ceil(self._latest_turn() * config.epochs)
        )
        trial = self.study.ask()
        suggested(trial, self.asked.over)
        again = trial.user_attrs.get(AGAIN)
        if again is not None:
            for epoch, value in self.study.get_trials(deepcopy=False)[again].intermediate_values.items():
                trial.report(value, epoch)
        return trial

    def _latest_turn(self) -> float:
        """The share of its steps after which the learning rate of no trial rises any more."""
        varied = {one.name: one for one in self.asked.over}.get("warm_up")
        if varied is None:
            return switches_of(self.asked.config).warm_up
        return max(map(float, varied.choices)) if varied.choices else varied.high

    def _score(self, trial: "optuna.trial.Trial", config: RunConfig) -> float:
        """`h_recall` on the validation images of the epoch that is kept. Raises Stopped, _Pruned, and as `fit`."""
        told = set(self.study.get_trials(deepcopy=False)[trial.number].intermediate_values)

        def on_epoch(metrics: EpochMetrics) -> None:
            if "h_recall" not in metrics.metrics:
                raise NotTrainable(
                    "no labelled validation picture can be read", remedy="put the files of the pictures back"
                )
            if metrics.epoch not in told:
                trial.report(metrics.metrics["h_recall"], metrics.epoch)
            if metrics.epoch + 1 < config.epochs and trial.should_prune():
                raise _Pruned(f"others were better after epoch {metrics.epoch + 1}")

        result: FitResult = fit(
            config,
            self.labels.taxonomy,
            self.labels.train,
            self.labels.val,
            folder=self._folder(config),
            cache=self.job.ws.cache,
            on_progress=self._report,
            on_epoch=on_epoch,
            should_stop=lambda: self.job.should_stop() or self._time_is_up(),
        )
        if result.stopped or result.metrics is None:
            raise Stopped
        return float(result.metrics["h_recall"])

    def _folder(self, config: RunConfig) -> Path:
        """Where a training with these settings keeps its state: whoever tries them again goes on there."""
        names = (self.asked.name, json.dumps(config.to_dict(), sort_keys=True))
        search, settings = (hashlib.sha256(name.encode()).hexdigest()[:16] for name in names)
        return sweeps.state_folder(self.job.ws) / search / settings

    def _tell(self, trial: "optuna.trial.Trial", state: str) -> None:
        import optuna  # noqa: PLC0415

        self.study.tell(trial, state=optuna.trial.TrialState[state])

    def _in_words(self, error: BaseException) -> str:
        if isinstance(error, Stopped):
            return STOPPED if self.job.should_stop() else TIME_UP
        return str(error) if isinstance(error, HmgcError) else f"{type(error).__name__}: {error}"[:500]

    # --- where the search stands --------------------------------------------------------------------------------------

    def _of(self, *states: str) -> "list[FrozenTrial]":
        return [one for one in self.study.get_trials(deepcopy=False) if one.state.name in states]

    def _spent_s(self) -> float:
        return self.before_s + time.monotonic() - self.begun_at_s

    def _time_is_up(self) -> bool:
        """The minutes are over, and there is something to show for them."""
        minutes = self.asked.minutes
        return minutes is not None and self._spent_s() >= 60 * minutes and bool(self._of("COMPLETE"))

    def _report(self, progress: Progress) -> None:
        part = progress.done / progress.total if progress.total and progress.stage != READING else 0.0
        ended = self._of("COMPLETE", "PRUNED")
        shares = []
        if self.asked.trials is not None:
            shares.append((len(ended) + part) / self.asked.trials)
        if self.asked.minutes is not None:
            shares.append(self._spent_s() / (60 * self.asked.minutes))
        of = f" of {self.asked.trials}" if self.asked.trials is not None else ""
        scores = [one.value for one in ended if one.state.name == "COMPLETE" and one.value is not None]
        best = f", best so far {max(scores):.1%}" if scores else ""
        words = f"trial {len(ended) + 1}{of}, {progress.stage}{best}"
        self.job.report(Progress(words, round(BAR * min(1.0, max(shares, default=0.0))), BAR))

    def _weigh(self) -> None:
        """Keep how much each setting mattered, as far as anybody can tell, beside the trials."""
        from optuna.importance import PedAnovaImportanceEvaluator, get_param_importances  # noqa: PLC0415

        if len(self.asked.over) < 2 or len(self._of("COMPLETE")) < WEIGH_AFTER:
            return
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # that some settings were seldom tried: the page says how many trials
            found = get_param_importances(self.study, evaluator=PedAnovaImportanceEvaluator(target_quantile=BEST_SHARE))
        self.study.set_user_attr(WEIGHTS, {name: share for name, share in found.items() if math.isfinite(share)})


def _kills(cut: "FrozenTrial", known: "list[FrozenTrial]") -> bool:
    """A worker ended so often while it trained with these values that they are not tried again."""
    return sum(one.params == cut.params and one.user_attrs.get(WHY) == KILLED for one in known) >= TRIES
