"""The unfinished state of a training run in one file, so that a stopped or killed run goes on exactly where it was."""

import io
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from hmgc_core.durable_files import write_durably
from hmgc_core.learning.averaging import AveragedModel
from hmgc_core.learning.pseudo_labels import PseudoLabels
from hmgc_core.models.base import HierarchicalModel

FILE = "resume.pt"


@dataclass
class BestEpoch:
    """The best epoch so far. weights: the model's state dict then, on the CPU."""

    epoch: int
    score: float
    metrics: dict[str, Any]
    weights: dict[str, Tensor]


def weights_of(model: HierarchicalModel) -> dict[str, Tensor]:
    """A copy of its state dict on the CPU."""
    return {name: tensor.detach().cpu().clone() for name, tensor in model.state_dict().items()}


@dataclass
class TrainingState:
    """All that changes while a run learns. step: batches done in this epoch; loss_sum, images: over those batches.

    average: the running mean of the weights, pseudo_labels: who narrows down labels, both where the recipe asks for
    them. remarks: what the model had to say of itself when it was built from its first files, and what went on since.
    parts: in how many parts a step learns its batch, so that it fits into the memory.
    """

    model: HierarchicalModel
    optimizer: torch.optim.Optimizer
    average: AveragedModel | None = None
    pseudo_labels: PseudoLabels | None = None
    remarks: tuple[str, ...] = ()
    epoch: int = 0
    step: int = 0
    loss_sum: float = 0.0
    images: int = 0
    parts: int = 1
    best: BestEpoch | None = None


@dataclass
class ResumeFile:
    """Where one run keeps its state. remarks: what people should know about the run.

    fingerprint: names config, tree, labels and pictures. A state with another one does not fit.
    """

    folder: Path
    remarks: list[str] = field(default_factory=list)
    fingerprint: str = ""

    def save(self, state: TrainingState) -> None:
        """Write the state, whole or not at all."""
        buffer = io.BytesIO()
        torch.save(
            {
                "fingerprint": self.fingerprint,
                "model": state.model.state_dict(),
                "optimizer": state.optimizer.state_dict(),
                "epoch": state.epoch,
                "step": state.step,
                "loss_sum": state.loss_sum,
                "images": state.images,
                "parts": state.parts,
                "remarks": list(state.remarks),
                "best": state.best and vars(state.best),
                "average": state.average and state.average.state(),
                "guessed": state.pseudo_labels and state.pseudo_labels.guessed,
            },
            buffer,
        )
        self.folder.mkdir(parents=True, exist_ok=True)
        write_durably(self.folder / FILE, buffer.getvalue())

    def left_behind(self) -> dict[str, Any] | None:
        """What `save` wrote last, not looked at yet; None where there is nothing, or, as a remark says, damage."""
        path = self.folder / FILE
        if not path.exists():
            return None
        try:
            saved: dict[str, Any] = torch.load(path, map_location="cpu", weights_only=True)
            return saved
        except Exception as error:  # a damaged file makes torch.load raise almost anything
            self._start_over(error)
            return None

    def take_up(self, state: TrainingState, saved: dict[str, Any]) -> bool:
        """Fill the state with what was left behind, if it is of this `fingerprint`; else a remark says why it is not.

        Where it is not, the state may be half filled.
        """
        try:
            if saved["fingerprint"] == self.fingerprint:
                _fill(state, saved)
                return True
            self.remarks.append("started over: settings, labels or pictures have changed since the run was stopped")
        except Exception as error:  # as above
            self._start_over(error)
        return False

    def _start_over(self, error: Exception) -> None:
        self.remarks.append(f"started over: the saved state could not be read ({type(error).__name__})")


def _fill(state: TrainingState, saved: dict[str, Any]) -> None:
    state.best = BestEpoch(**saved["best"]) if saved["best"] else None
    state.model.load_state_dict(saved["model"])
    state.optimizer.load_state_dict(saved["optimizer"])
    if state.average:
        state.average.restore(saved["average"])
    if state.pseudo_labels:
        state.pseudo_labels.guessed.copy_(saved["guessed"])
    state.epoch, state.step = saved["epoch"], saved["step"]
    state.loss_sum, state.images = saved["loss_sum"], saved["images"]
    # Earlier versions kept neither.
    state.remarks, state.parts = tuple(saved.get("remarks", state.remarks)), saved.get("parts", 1)


def drop_resume_state(folder: Path) -> None:
    """Remove the state of a run that is done for good."""
    (folder / FILE).unlink(missing_ok=True)
