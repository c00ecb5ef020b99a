"""Every error of our own. Each says what was wrong, where, and what to do about it.

HmgcError
├── TaxonomyError        the class tree itself is not a tree, or a file of one cannot be read
│   ├── OrphanedLabels   a new version would drop keys that labels use
│   ├── BadEdit          a change of the class tree that cannot be made
│   └── TreeChanged      somebody else changed the class tree in the meantime
├── UnknownNode          no such node key
├── UnknownImage         no such image
├── UnknownRun           no such training run
├── UnknownInspection    no such question to the inspector
├── UnknownTask          no such task of the worker
├── UnknownSweep         no such search for good settings
├── UnknownModel         no such model or backbone
├── NoGraph              a backbone that connects no patches, or has no such block
├── TableError           a table of labels cannot be read
├── ArchiveError         an archive of pictures cannot be unpacked
├── PictureError         a file is not a picture we can read
├── BadConfig            a training setting is out of range
├── BadProbabilities     numbers that should be probabilities of the classes are not
├── NotTrainable         the labels at hand cannot train a model
│   └── Diverged         a training whose loss or weights stopped being numbers
├── DeviceError          the wanted device cannot be used
│   └── OthersGone       another of the processes that learn together ended
├── OutOfMemory          what was asked for does not fit into the memory
├── WeightsError         a weights file is missing or does not fit
├── CheckpointError      a checkpoint is missing, damaged or of another tree
├── WorkspaceError       the workspace folder or its database cannot be used
├── OutputError          a file that was asked for cannot be written
├── BackupError          a backup cannot be made, or is not one that can be restored
├── NotAllowed           a request without a valid token
├── BadRequest           a request that cannot be understood
└── ServiceAway          the worker or the inspector is not running
"""

from collections.abc import Iterable
from difflib import get_close_matches


class HmgcError(Exception):
    """A mistake that a person can mend. `str(error)` is what is wrong; `error.remedy` is what to do."""

    def __init__(self, message: str, *, remedy: str = "") -> None:
        super().__init__(message)
        self.remedy = remedy


class TaxonomyError(HmgcError):
    """The class tree is not a tree, or its file cannot be read."""


class OrphanedLabels(TaxonomyError):
    """A new taxonomy version would drop keys that labels use.

    counts: dropped key -> labels of people that use it; copies: those of labellings that use any of these keys.
    """

    def __init__(self, message: str, *, remedy: str, counts: dict[str, int], copies: int = 0) -> None:
        super().__init__(message, remedy=remedy)
        self.counts, self.copies = counts, copies


class BadEdit(TaxonomyError):
    """A change of the class tree that cannot be made, or that would change nothing."""


class TreeChanged(TaxonomyError):
    """The class tree is no longer the version that a change was made for."""


class UnknownNode(HmgcError):
    """No node of the taxonomy has this key."""

    def __init__(self, key: str, known: Iterable[str] = (), *, where: str = "") -> None:
        nearest = nearest_names(key, known)
        remedy = (
            f"the nearest keys are {', '.join(map(repr, nearest))}" if nearest else "see the taxonomy page for the keys"
        )
        super().__init__(f"{where}the class tree has no node {key!r}", remedy=remedy)
        self.nearest = nearest


class UnknownImage(HmgcError):
    """No image of the workspace has this id or path."""


class UnknownRun(HmgcError):
    """No training run has this number."""


class UnknownInspection(HmgcError):
    """No question to the inspector has this number."""


class UnknownTask(HmgcError):
    """No task of the worker has this number."""


class UnknownSweep(HmgcError):
    """No search for good settings has this name."""


class UnknownModel(HmgcError):
    """The catalog has no such model or backbone."""


class UnknownRecipe(HmgcError):
    """There is no recipe of that name."""


class NoGraph(HmgcError):
    """The backbone connects no patches of the picture, or has no block of this number."""


class TableError(HmgcError):
    """A table of labels cannot be read."""


class ArchiveError(HmgcError):
    """An archive of pictures cannot be unpacked, or must not be."""


class PictureError(HmgcError):
    """A file is not a picture we can read; its text is the reason shown beside the skipped file."""


class BadConfig(HmgcError):
    """A training setting is out of range."""


class BadProbabilities(HmgcError):
    """Numbers that should be probabilities of all classes are not: NaN, outside [0, 1], or of another shape."""


class NotTrainable(HmgcError):
    """The labels at hand cannot train a model."""


class Diverged(NotTrainable):
    """The loss or the weights stopped being numbers. `checkpoint`: the model of the last good epoch, "" if none."""

    def __init__(self, message: str, *, remedy: str, checkpoint: str = "") -> None:
        super().__init__(message, remedy=remedy)
        self.checkpoint = checkpoint


class DeviceError(HmgcError):
    """The wanted device cannot be used on this machine."""


class OthersGone(DeviceError):
    """Another of the processes that learn together ended, so this one cannot go on."""


class OutOfMemory(HmgcError):
    """What was asked for does not fit into the memory of the device, or of the machine."""


class WeightsError(HmgcError):
    """A weights file is missing or does not fit the backbone."""


class CheckpointError(HmgcError):
    """A checkpoint is missing, damaged, or belongs to another class tree."""


class WorkspaceError(HmgcError):
    """The workspace folder or its database cannot be used."""


class OutputError(HmgcError):
    """A file that was asked for cannot be written."""


class BackupError(HmgcError):
    """A backup cannot be made, or is not one that can be restored here."""


class NotAllowed(HmgcError):
    """A request came without a valid token."""


class BadRequest(HmgcError):
    """A request that cannot be understood."""


class ServiceAway(HmgcError):
    """The worker or the inspector is not running."""


def nearest_names(name: str, known: Iterable[str], count: int = 3) -> list[str]:
    """The `count` names of `known` that look most like `name`, best first; compares without case."""
    by_folded = {candidate.casefold(): candidate for candidate in known}
    return [by_folded[match] for match in get_close_matches(name.casefold(), by_folded, n=count, cutoff=0.0)]
