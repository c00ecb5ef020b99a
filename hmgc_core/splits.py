"""Train, validation or test, decided by content: stable over imports, machines and time."""

from hmgc_core.records import Split

VAL_SHARE, TEST_SHARE = 0.1, 0.1


def split_of(sha256: str) -> Split:
    """The split of a picture whose table names none: about 80 % train, 10 % val, 10 % test, by its content hash."""
    place = int(sha256[:8], 16) / 0x1_0000_0000
    if place < TEST_SHARE:
        return "test"
    return "val" if place < TEST_SHARE + VAL_SHARE else "train"


def priority_of(sha256: str) -> int:
    """Place in the labelling queue, in [0, 2**31): a stable shuffle, so that neighbours are not of one class."""
    return int(sha256[8:16], 16) >> 1
