"""What to do next in a workspace, as one sentence and one button."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import streamlit as st

from app.components.wording import number
from hmgc_core.records import Run
from hmgc_core.workflow.heads import Offer
from hmgc_core.workflow.labelling import LabelCounts

ENOUGH_LABELS = 20


@dataclass(frozen=True)
class Step:
    """A sentence, and the page that it leads to: a key of navigation.CONTENTS. address: what its address says."""

    sentence: str
    page: str
    label: str
    address: Mapping[str, str] = field(default_factory=dict)


def next_step(
    *,
    has_tree: bool,
    counts: LabelCounts,
    runs: Sequence[Run],
    offer: Offer | None = None,
    unpredicted: int = 0,
    better: Run | None = None,
) -> Step:
    """The first thing that is missing, in the order of the work.

    offer: what can be learned in seconds. unpredicted: pictures that came in after the newest finished run.
    better: the run before the newest one, which is clearly worse and suggests.
    """
    if not has_tree:
        return Step("Start with the classes: bring in a class tree.", "taxonomy", "Import a class tree")
    if not counts.images:
        return Step("The class tree is there. Now bring in pictures.", "data", "Add pictures")
    if any(run.is_active for run in runs):
        return Step("A model is being trained on your labels.", "runs", "Watch its progress")
    return _after_first_pictures(counts, runs, offer, unpredicted, better)


def _after_first_pictures(
    counts: LabelCounts, runs: Sequence[Run], offer: Offer | None, unpredicted: int, better: Run | None
) -> Step:
    taught = sum(counts.train_by_level[1:])
    if taught < ENOUGH_LABELS:
        said = (
            "No training picture is labelled yet" if not taught else f"Only {number(taught, 'label')} to learn from yet"
        )
        return Step(f"{said}. Label some, at whatever level you are sure of.", "annotate", "Label pictures")
    if runs and (step := _last_training(runs[0], better)):
        return step
    if offer and not offer.obstacle and offer.new >= ENOUGH_LABELS:
        return Step(f"{number(offer.new, 'label')} were made since run {offer.run.id}.", "train", "Learn from them")
    if any(run.status == "done" for run in runs):
        return _with_model(counts, unpredicted)
    return Step(f"{number(taught, 'label')} to learn from: train a first model.", "train", "Train a model")


def _last_training(run: Run, better: Run | None) -> Step | None:
    """What to do where it did not go well."""
    if run.status == "failed":
        return Step("The last training failed.", "train", "See why")
    if run.can_resume:
        return Step("The last training was stopped; it can go on where it was.", "train", "See the training")
    if better:
        said = f"Run {run.id} is clearly worse than run {better.id}, and makes the suggestions."
        return Step(said, "runs", "See it, or set it aside", {"run": str(run.id)})
    return None


def _with_model(counts: LabelCounts, unpredicted: int) -> Step:
    if unpredicted:
        said = f"The model has no prediction for {number(unpredicted, 'picture')} yet."
        return Step(said, "predictions", "Have it predict " + ("it" if unpredicted == 1 else "them"))
    unseen = next((split for split in ("test", "val") if counts.by_split.get(split, (0, 0))[1]), "")
    address = {"chart": "classes"} | ({"split": unseen} if unseen else {})
    said = "A model is trained. See what it gets right, and where it goes wrong."
    return Step(said, "predictions", "See where it is weak", address)


def show(step: Step) -> None:
    """The step in a frame, its button beside it."""
    with (
        st.container(border=True),
        st.container(horizontal=True, horizontal_alignment="distribute", vertical_alignment="center"),
    ):
        st.markdown(f"**Next:** {step.sentence}", width="content")
        if st.button(step.label, type="primary", icon=":material/arrow_forward:"):
            st.switch_page(f"pages/{step.page}.py", query_params=dict(step.address))
