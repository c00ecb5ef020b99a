"""How values are said on screen: shares, times, runs, kinds of labels. Text only; draws nothing."""

from datetime import UTC, datetime

from hmgc_core.metrics.words import number, percent
from hmgc_core.records import Run

# The colour and icon of a run's state.
STATUS = {
    "queued": ("gray", ":material/schedule:"),
    "running": ("blue", ":material/autorenew:"),
    "done": ("green", ":material/check:"),
    "failed": ("red", ":material/error:"),
    "cancelled": ("orange", ":material/block:"),
}

SPLITS = {"train": "Training", "val": "Validation", "test": "Test"}

# What an annotator says with each kind, before the name of the class.
KINDS = {"is": "is", "is_not": "is not", "none_here": "is none of the kinds of", "unusable": "no usable picture"}
KINDS_COUNTED = {
    "is": "say what it is",
    "is_not": "say what it is not",
    "none_here": "say that its kind is missing from the tree",
    "unusable": "say that the picture is unusable",
}

# What comes of work that the worker does beside trainings.
MAP = "The map of all pictures"
COARSE_LABELS = "What the coarse labels bought"


def far(height: int, depth: int) -> str:
    """How far up the tree a class holds both label and answer: `height` levels above the finest, of `depth` in all."""
    if height == depth:
        return "All the way up"
    return "Siblings" if height == 1 else f"{height} levels up"


def size(count: int) -> str:
    """Bytes as people say them: `312 kB`, `1.4 GB`."""
    for unit, length in (("GB", 1e9), ("MB", 1e6), ("kB", 1e3)):
        if count >= length:
            return f"{count / length:.1f} {unit}" if count < 10 * length else f"{count / length:.0f} {unit}"
    return number(count, "byte")


def run_title(run: Run) -> str:
    """The short name of a run: its number, model and backbone, and where it goes on from."""
    config = run.config
    return " · ".join(filter(None, (f"Run {run.id}", f"{config.model} on {config.backbone}", config.what_learned)))


def label_number(run: Run) -> str:
    """The newest label that a run knew. Labels are numbered as they are made; taking one back has a number, too."""
    return f"no. {run.last_annotation_id:,}" if run.last_annotation_id else "none"


def how_far(run: Run) -> str:
    """What an active run does, how far it is, and how long it will take."""
    if run.cancel_requested:
        return "Stopping after the current step; its state is kept"
    if run.status == "queued":
        return "Waiting for its turn" + (f", goes on at {percent(run.progress)}" if run.progress else "")
    if not run.stage:
        return "Starting"
    parts = [run.stage[:1].upper() + run.stage[1:]]
    if run.images_per_s:
        parts.append(f"{run.images_per_s:,.0f} pictures per second")
    if run.left_s:
        parts.append(f"about {lasting(run.left_s)} left")
    return ", ".join(parts)


def lasting(seconds: float) -> str:
    """A duration as people say it: `40 s`, `12 min`, `3 h 20 min`."""
    if seconds < 90:
        return f"{max(1, round(seconds))} s"
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes < 90 else f"{minutes // 60} h {minutes % 60} min"


def ago(moment: datetime) -> str:
    """How long a moment lies back; a date once that is more than a month."""
    seconds = (datetime.now(UTC) - moment).total_seconds()
    if seconds < 60:
        return "just now"
    for unit, length, most in (("minute", 60, 60), ("hour", 3600, 24), ("day", 86400, 30)):
        if seconds < length * most:
            return f"{number(int(seconds // length), unit)} ago"
    return f"{moment:%-d %B %Y}"
