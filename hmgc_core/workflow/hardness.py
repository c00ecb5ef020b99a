"""How hard pictures are: for a run that has seen them, or by how little there is to see in them."""

from concurrent.futures import ThreadPoolExecutor

import numpy as np
from numpy.typing import NDArray

from hmgc_core.errors import BadRequest, NotTrainable, PictureError, UnknownRun
from hmgc_core.leading import read_on
from hmgc_core.pictures import read_picture
from hmgc_core.records import ImageRecord, OnProgress, Prediction
from hmgc_core.store import predictions, runs, taxonomies
from hmgc_core.store.workspace import Workspace
from hmgc_core.taxonomy import BoolArray, IntArray, Taxonomy

SIDE = 64  # pixels that a picture is shrunk to before its detail is measured
CHUNK = 500


def by_run(
    ws: Workspace, run_id: int, taxonomy: Taxonomy, records: list[ImageRecord], nodes: IntArray
) -> NDArray[np.float64]:
    """(n,) 1 - P(own class) as the run's stored predictions have it, in [0, 1]; 1 where the class is not in them.

    nodes: (n,) own classes in `taxonomy`, the tree in use. Raises UnknownRun, NotTrainable for a run that has not
    finished, BadRequest where it has no prediction of some of these pictures.
    """
    with ws.reading() as connection:
        run = runs.get(connection, run_id)
        if run is None:
            raise UnknownRun(f"there is no run {run_id}", remedy="see the runs page, or `hmgc runs`")
        if run.status != "done":
            raise NotTrainable(f"run {run_id} is {run.state}", remedy="take a finished run, or none")
        said = predictions.get_many(connection, run_id, [record.id for record in records])
        steps = taxonomies.moves_after(connection, run.taxonomy)
    lacking = sum(record.id not in said for record in records)
    if lacking:
        raise BadRequest(
            f"run {run_id} has no prediction of {lacking} of {len(records)} pictures",
            remedy="train a new run on the pictures as they are now, or leave --run away",
        )

    def probability(own: str, prediction: Prediction) -> float:
        known = dict((*prediction.top, *prediction.path))
        led = ((read_on("is", key, steps), share) for key, share in known.items())
        return sum(share for reading, share in led if reading and reading.key == own)

    pairs = zip(records, nodes, strict=True)
    return np.array([1 - min(1.0, probability(taxonomy.keys[node], said[record.id])) for record, node in pairs])


def by_detail(records: list[ImageRecord], wanted: BoolArray, *, on_progress: OnProgress) -> NDArray[np.float64]:
    """(n,) minus the mean gradient energy of each picture, shrunk or grown to a square of SIDE; 0 where not `wanted`.

    A picture that cannot be read shows nothing: its hardness is 0, the highest.
    """
    hard = np.zeros(len(records))
    places = np.flatnonzero(wanted)
    with ThreadPoolExecutor(max_workers=4) as pool:
        for start in range(0, len(places), CHUNK):
            some = places[start : start + CHUNK]
            hard[some] = list(pool.map(lambda place: -_detail(records[place]), some))
            on_progress(min(start + CHUNK, len(places)), len(places))
    return hard


def _detail(record: ImageRecord) -> float:
    try:
        picture = read_picture(record.path, smallest_side=SIDE)
    except PictureError:
        return 0.0
    grey = np.asarray(picture.convert("L").resize((SIDE, SIDE)), dtype=np.float64) / 255
    return float((np.diff(grey, axis=0) ** 2).mean() + (np.diff(grey, axis=1) ** 2).mean())
