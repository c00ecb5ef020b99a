"""A trained model as a folder that proves it is whole: weights, class tree, and a manifest with hashes of all."""

import hashlib
import json
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import safetensors.torch
import torch

from hmgc_core.checkpoint_files import (
    FORMAT,
    MANIFEST,
    TAXONOMY,
    WEIGHTS,
    hash_of_the_rest,
    read_checked,
    read_manifest,
    trunk_of,
)
from hmgc_core.durable_files import write_durably
from hmgc_core.errors import CheckpointError, HmgcError
from hmgc_core.models.base import HierarchicalModel
from hmgc_core.models.catalog import build_model
from hmgc_core.models.options import without_files
from hmgc_core.records import RunConfig
from hmgc_core.taxonomy import NodeText, Taxonomy


@dataclass(frozen=True)
class Checkpoint:
    """A model read back, in evaluation mode on the CPU, with all that it was trained on and for.

    epoch: the epoch its weights are from, counted from 0. metrics: measured on the validation images then, before any
    calibration. calibration: what was fitted on them afterwards, by name; empty where there were none. trunk: names
    the weights that its features follow from: those of the checkpoint in which they learned, whatever heads learned
    on them since.
    """

    folder: Path
    config: RunConfig
    taxonomy: Taxonomy
    epoch: int
    metrics: dict[str, Any]
    calibration: dict[str, float]
    model: HierarchicalModel
    trunk: str

    @property
    def temperature(self) -> float:
        """What the log-probabilities of its answers are divided by; 1 where it is not calibrated."""
        return self.calibration.get("temperature", 1.0)


def save_checkpoint(
    folder: Path,
    *,
    config: RunConfig,
    taxonomy: Taxonomy,
    weights: dict[str, torch.Tensor],
    epoch: int,
    metrics: dict[str, Any],
    calibration: Mapping[str, float] | None = None,
    trunk: str = "",
) -> Path:
    """Write a checkpoint at `folder`, whole or not at all; one that is there is replaced. Returns `folder`.

    weights: the model's state dict. trunk: of the checkpoint whose frozen weights are among them; "" where all learned.
    """
    draft = folder.with_name(folder.name + ".draft")
    shutil.rmtree(draft, ignore_errors=True)
    draft.mkdir(parents=True)
    tensors = {name: tensor.detach().cpu().contiguous().clone() for name, tensor in weights.items()}
    files = {
        WEIGHTS: safetensors.torch.save(tensors),
        TAXONOMY: json.dumps(taxonomy_to_json(taxonomy), ensure_ascii=False).encode(),
    }
    manifest = {
        "format": FORMAT,
        "config": config.to_dict(),
        "epoch": epoch,
        "metrics": metrics,
        "calibration": dict(calibration or {}),
        "trunk": trunk,
        "torch": torch.__version__,
        "sha256": {name: hashlib.sha256(content).hexdigest() for name, content in files.items()},
    }
    manifest["sha256_of_the_rest"] = hash_of_the_rest(manifest)
    for name, content in files.items():
        write_durably(draft / name, content)
    write_durably(draft / MANIFEST, json.dumps(manifest, ensure_ascii=False, indent=1).encode())
    if folder.exists():
        old = folder.with_name(folder.name + ".old")
        shutil.rmtree(old, ignore_errors=True)
        folder.rename(old)
        draft.rename(folder)
        shutil.rmtree(old)
    else:
        draft.rename(folder)
    return folder


def load_checkpoint(folder: Path) -> Checkpoint:
    """Read a checkpoint back after checking every file's hash; the model is on the CPU in evaluation mode.

    Raises CheckpointError where a file is missing, was changed or cut off, or does not build a model.
    """
    manifest = read_manifest(folder)
    contents = {name: read_checked(folder / name, sha256) for name, sha256 in manifest["sha256"].items()}
    try:
        config = RunConfig.from_dict(manifest["config"])
        taxonomy = taxonomy_from_json(json.loads(contents[TAXONOMY]))
        # The checkpoint holds all weights; the files with the first ones may be gone.
        model = build_model(config.model, taxonomy, without_files(config))
        model.load_state_dict(safetensors.torch.load(contents[WEIGHTS]))
    except (KeyError, TypeError, ValueError, RuntimeError, HmgcError) as error:
        raise CheckpointError(
            f"the checkpoint in {folder} does not build a model: {error}",
            remedy="it may come from another version of this program; train again",
        ) from error
    return Checkpoint(
        folder=folder,
        config=config,
        taxonomy=taxonomy,
        epoch=manifest["epoch"],
        metrics=manifest["metrics"],
        calibration=manifest.get("calibration", {}),
        model=model.eval(),
        trunk=trunk_of(manifest),
    )


def taxonomy_to_json(taxonomy: Taxonomy) -> dict[str, Any]:
    """Keys, parents and texts of a tree as plain JSON values; `taxonomy_from_json` takes it back."""
    texts = {key: [text.name, list(text.synonyms), text.note] for key, text in taxonomy.texts.items()}
    return {"keys": list(taxonomy.keys), "parents": taxonomy.parents.tolist(), "texts": texts}


def taxonomy_from_json(values: dict[str, Any]) -> Taxonomy:
    """The tree of `taxonomy_to_json`, node indices and all."""
    texts = {key: NodeText(name, tuple(synonyms), note) for key, (name, synonyms, note) in values["texts"].items()}
    return Taxonomy(tuple(values["keys"]), np.array(values["parents"], dtype=np.int64), texts)
