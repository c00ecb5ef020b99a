"""The plain values that travel between the wings. No torch, no SQL: anything may import this."""

from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from datetime import datetime
from pathlib import Path, PurePath
from typing import Any, Literal, Self, get_args

from hmgc_core.errors import BadConfig, BadRequest

Kind = Literal["is", "is_not", "none_here", "unusable"]
KINDS: tuple[Kind, ...] = ("is", "is_not", "none_here", "unusable")

# Codes of the kinds a loss can learn from, as they stand in `Targets.kinds`.
IS, IS_NOT, NONE_HERE = 0, 1, 2
KIND_CODES: dict[str, int] = {"is": IS, "is_not": IS_NOT, "none_here": NONE_HERE}

Split = Literal["train", "val", "test"]
SPLITS: tuple[Split, ...] = ("train", "val", "test")

RunStatus = Literal["queued", "running", "done", "failed", "cancelled"]
ACTIVE: tuple[RunStatus, ...] = ("queued", "running")
ENDED_EARLY: tuple[RunStatus, ...] = ("failed", "cancelled")

# How people read the state of a run, on screen and in the terminal.
STATUS_WORDS: dict[RunStatus, str] = {
    "queued": "waiting",
    "running": "training",
    "done": "finished",
    "failed": "failed",
    "cancelled": "stopped",
}


# --- labels ---------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class NewAnnotation:
    """What an annotator says about one image, before it is stored.

    uid: made by the sender, so that sending twice stores once. node: a key, "" for `unusable`. taxonomy: the id of the
    version the label was made in. seconds: time spent looking. shown: what was on screen (suggestion, source).
    """

    uid: str
    image_id: int
    node: str
    kind: Kind
    taxonomy: int
    seconds: float = 0.0
    shown: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Annotation:
    """One stored statement. `withdrawn`: a later row takes it back; the row itself stays for ever."""

    id: int
    uid: str
    image_id: int
    annotator: str
    node: str
    kind: Kind
    taxonomy: int
    seconds: float
    created_at: datetime
    withdrawn: bool = False


@dataclass(frozen=True)
class Word:
    """What one annotator currently says about one image: the last statement that was not withdrawn."""

    image_id: int
    annotator: str
    node: str
    kind: Kind
    annotation_id: int


@dataclass(frozen=True)
class Sample:
    """One training example: a picture file, a node index of the run's taxonomy, a kind code and a weight > 0."""

    path: Path
    node: int
    kind: int = IS
    weight: float = 1.0


@dataclass(frozen=True)
class Targets:
    """A batch of targets for a loss: nodes (B,) int node indices, kinds (B,) int codes, weights (B,) float > 0.

    The arrays are torch tensors in a training step; nothing here needs to know.
    """

    nodes: Any
    kinds: Any
    weights: Any


# --- queues ---------------------------------------------------------------------------------------------------------

QueueKind = Literal["unlabelled", "unsure", "contradicted", "second-look", "folder", "class", "predicted", "selection"]
QUEUE_KINDS: tuple[QueueKind, ...] = get_args(QueueKind)
NAMED_QUEUES: tuple[QueueKind, ...] = ("folder", "class", "predicted", "selection")  # these need an `of`
# Gone through once more by each person, whether a picture has its labels or not.
REVIEWS: tuple[QueueKind, ...] = ("contradicted", "second-look", "class", "selection")
LONGEST_QUEUE = 2000


@dataclass(frozen=True)
class QueueChoice:
    """Which pictures an annotator wants next; as a text `kind` or `kind:of`, in addresses and in the database.

    of: the key of a class, the number of a selection, `FOLDER` or `FOLDER/inner/path` with the number of a folder.
    """

    kind: QueueKind = "unlabelled"
    of: str = ""

    @classmethod
    def parse(cls, text: str) -> Self:
        """The choice that `str` wrote; "" is what nobody has labelled. Raises BadRequest for anything else."""
        name, _, of = text.partition(":")
        kind = next((known for known in QUEUE_KINDS if known == (name or QUEUE_KINDS[0])), None)
        if kind is None or len(text) > LONGEST_QUEUE or bool(of) != (kind in NAMED_QUEUES):
            raise BadRequest(f"there is no queue {text[:60]!r}", remedy="choose which pictures come next")
        return cls(kind, of)

    def __str__(self) -> str:
        return f"{self.kind}:{self.of}" if self.of else self.kind

    @property
    def is_review(self) -> bool:
        """Pictures may stand in it that have all their labels; each person goes through them once in a pass."""
        return self.kind in REVIEWS


@dataclass(frozen=True)
class QueueRules:
    """How the people of a workspace share the work.

    people: labels by different people that a picture needs; above 1 nobody sees what the others said. reserve_s: how
    long a picture handed to someone is kept from the others, renewed while their page is open.
    """

    people: int = 1
    reserve_s: int = 600


@dataclass(frozen=True)
class Selection:
    """A saved selection. total: how many images are in it."""

    id: int
    name: str
    total: int


@dataclass(frozen=True)
class Labelling:
    """A named set of training labels. settings: how it was made. taxonomy_id: version of the tree its keys are of."""

    id: int
    name: str
    protocol: str
    settings: dict[str, Any]
    taxonomy_id: int
    labels: int
    created_at: datetime


# --- images ---------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class ImageRecord:
    """One distinct picture. path: the first place where its content was found. sizes in pixels, upright.

    originals: of a copy, the paths or names of the files that it was made from.
    """

    id: int
    path: Path
    sha256: str
    width: int
    height: int
    split: Split
    originals: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        """What people call its file."""
        return PurePath(self.originals[0]).name if self.originals else self.path.name


# --- training -------------------------------------------------------------------------------------------------------


OptionValue = bool | float | str


@dataclass(frozen=True)
class RunConfig:
    """All that a training run is asked to do. Raises BadConfig when a number is out of range.

    image_size: side in pixels of the square the model sees. lr: peak learning rate, of which loaded weights and AdamW
    take shares (`models.base`). device: auto, cpu or cuda. weights: a file with backbone weights, or the name they are
    published by; "" for a random start. labelling: a named set of labels, "" for the current ones. drop_coarse: learn
    only from labels that leave one leaf possible. options: what only this model or backbone can be told, see
    `models.options`. recipe, switches: how the labels are learned, whatever the model, see `recipes`. freeze_backbone:
    only the head learns, on what the model of run `start_from` sees in the pictures; 0 where there is no such run.
    """

    model: str = "hrn"
    backbone: str = "resnet18"
    image_size: int = 64
    epochs: int = 20
    batch_size: int = 64
    lr: float = 0.1
    weight_decay: float = 5e-4
    label_smoothing: float = 0.1
    device: str = "auto"
    seed: int = 0
    weights: str = ""
    labelling: str = ""
    drop_coarse: bool = False
    options: dict[str, OptionValue] = field(default_factory=dict, hash=False)
    recipe: str = "plain"
    switches: dict[str, OptionValue] = field(default_factory=dict, hash=False)
    freeze_backbone: bool = False
    start_from: int = 0

    def __post_init__(self) -> None:
        for name, low, high in (
            ("image_size", 8, 1024),
            ("epochs", 1, 10_000),
            ("batch_size", 2, 4096),
            ("lr", 1e-7, 10.0),
            ("weight_decay", 0.0, 1.0),
            ("label_smoothing", 0.0, 0.9),
            ("seed", 0, 2**31 - 1),
        ):
            value = getattr(self, name)
            if not low <= value <= high:
                raise BadConfig(f"{name} is {value}", remedy=f"choose a value from {low} to {high}")
        if self.device not in ("auto", "cpu", "cuda"):
            raise BadConfig(f"device is {self.device!r}", remedy="choose auto, cpu or cuda")

    @property
    def what_learned(self) -> str:
        """For people: `head only, from run 3`; "" where all of the model learned."""
        return f"head only, from run {self.start_from}" if self.freeze_backbone else ""

    def to_dict(self) -> dict[str, Any]:
        """A JSON-ready dict; `from_dict` takes it back."""
        return asdict(self)

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> Self:
        """The config of `to_dict`; settings that this version does not know are left out."""
        return cls(**{name: values[name] for name in cls.__dataclass_fields__ if name in values})


OnProgress = Callable[[int, int], None]  # told how much is done, of how much in all


def quiet(_done: int, _total: int, _what: str = "") -> None:
    """Nobody watches how far it is."""


class Stopped(Exception):
    """Long work ended early, because its caller's `should_stop` said yes."""


# Stages before and after the training itself.
READING, LOOKING, PREDICTING = "reading pictures", "looking at pictures", "predicting"


@dataclass(frozen=True)
class Progress:
    """How far a long job is. stage: words for people. done of total; images_per_s and left_s are None while unknown."""

    stage: str
    done: int
    total: int
    images_per_s: float | None = None
    left_s: float | None = None


@dataclass(frozen=True)
class EpochMetrics:
    """What one epoch gave. epoch counts from 0. metrics: names of DESIGN, measured on the validation images."""

    epoch: int
    train_loss: float
    images_per_s: float
    left_s: float
    metrics: dict[str, Any]


@dataclass(frozen=True)
class Run:
    """One training run as the database knows it. progress is in [0, 1]. set_aside: it suggests nothing any more."""

    id: int
    config: RunConfig
    status: RunStatus
    taxonomy: int
    last_annotation_id: int
    created_at: datetime
    started_at: datetime | None = None
    finished_at: datetime | None = None
    stage: str = ""
    progress: float = 0.0
    images_per_s: float | None = None
    left_s: float | None = None
    attempts: int = 0
    cancel_requested: bool = False
    error: str = ""
    remedy: str = ""
    remarks: tuple[str, ...] = ()
    checkpoint: str = ""
    metrics: dict[str, Any] = field(default_factory=dict)
    set_aside: bool = False

    @property
    def suggests(self) -> bool:
        """It may be the one that suggests: it has finished, and was not set aside."""
        return self.status == "done" and not self.set_aside

    @property
    def is_active(self) -> bool:
        """It waits or runs: it can still be cancelled."""
        return self.status in ACTIVE

    @property
    def can_resume(self) -> bool:
        """It ended before its time: it can be queued once more, and goes on from its saved state."""
        return self.status in ENDED_EARLY

    @property
    def state(self) -> str:
        """The state in a word for people; never "training" while it is about to stop."""
        if self.set_aside:
            return "set aside"
        return "stopping" if self.is_active and self.cancel_requested else STATUS_WORDS[self.status]


@dataclass(frozen=True)
class Prediction:
    """What a run says about one image. node: key of the decoded leaf. top: (key, probability), the best first.

    path: (key, probability) from the top level down to `node`.
    """

    run_id: int
    image_id: int
    node: str
    probability: float
    path: tuple[tuple[str, float], ...]
    top: tuple[tuple[str, float], ...]


# --- questions and tasks --------------------------------------------------------------------------------------------


# The first one is taken where none is named; the last one is work for the worker.
HEAT_METHODS = ("grad-cam", "layer-cam", "hires-cam", "eigen-cam", "score-cam")


@dataclass(frozen=True)
class Inspection:
    """A question to the inspector about one picture. question: plain JSON. status: queued, done or failed."""

    id: int
    kind: str
    run_id: int
    image_id: int
    question: dict[str, Any]
    status: str
    error: str = ""
    remedy: str = ""


@dataclass(frozen=True)
class Task:
    """Work for the worker that is no training. question, result: plain JSON; run_id: the run it is about, if any."""

    id: int
    kind: str
    run_id: int | None
    question: dict[str, Any]
    status: RunStatus
    created_at: datetime
    finished_at: datetime | None = None
    cancel_requested: bool = False
    stage: str = ""
    progress: float = 0.0
    left_s: float | None = None
    error: str = ""
    remedy: str = ""
    result: dict[str, Any] = field(default_factory=dict)

    @property
    def is_active(self) -> bool:
        """It waits or runs: it can still be cancelled."""
        return self.status in ACTIVE


# --- imports --------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class ImportRecord:
    """One import of pictures as the database knows it.

    source: what people gave, as they named it. done of total: rows read and stored. skips: how many things were left
    out. kept: pictures that stayed when it was taken back.
    """

    id: int
    source: str
    how: str
    started_by: str
    copied: bool
    total: int
    done: int
    images: int
    duplicates: int
    known: int
    annotations: int
    skips: int
    kept: int
    started_at: datetime
    touched_at: datetime
    finished_at: datetime | None
    undone_at: datetime | None
