"""Run by torchrun, in each of its processes: trains as a request file says, and writes what the first one was told."""

import json
import sys
from pathlib import Path

import torch
from small_trainings import StopAfter

from hmgc_core.errors import HmgcError
from hmgc_core.learning import devices
from hmgc_core.learning.processes import launched
from hmgc_core.learning.training import fit
from hmgc_core.records import RunConfig, Sample
from hmgc_core.taxonomy import Taxonomy


def main(request: Path) -> None:
    asked = json.loads(request.read_text())
    torch.set_num_threads(1)
    devices._cpu_has_bf16 = lambda: False  # three digits would hide every difference
    processes = launched()
    samples = [Sample(Path(path), *rest) for path, *rest in asked["samples"]]
    answers = []
    for training in asked["trainings"]:
        told: list[float] = []
        ask = StopAfter(training.get("questions", 10**9))
        try:
            result = fit(
                RunConfig(**training["config"]),
                Taxonomy.from_edges(asked["edges"]),
                samples[: asked["train"]],
                samples[asked["train"] :],
                folder=Path(training["folder"]),
                cache=Path(asked["cache"]),
                on_epoch=lambda epoch, told=told: told.append(epoch.train_loss),
                should_stop=ask,
                processes=processes,
            )
            answers.append({"stopped": result.stopped, "losses": told, "remarks": result.remarks})
        except (HmgcError, OSError) as error:
            answers.append({"error": str(error), "remedy": getattr(error, "remedy", "")})
    (request.parent / f"answers-{processes.number}.json").write_text(json.dumps(answers))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
