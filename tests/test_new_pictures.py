"""Pictures that came in after a training: they are found, predicted beside the rest, and the pages follow."""

from pathlib import Path

import numpy as np
import pytest
from conftest import write_picture
from reading_pages import button, open_page, said
from typer.testing import CliRunner

from app import resources
from hmgc_core import evaluation, worker
from hmgc_core.cli import app as commands
from hmgc_core.errors import UnknownRun
from hmgc_core.learning.checkpoints import load_checkpoint
from hmgc_core.learning.inference import predict
from hmgc_core.learning.pixel_cache import decode_pictures
from hmgc_core.records import Run, RunConfig, Stopped
from hmgc_core.store import predictions
from hmgc_core.workflow import embeddings, heads, new_pictures, seeing, tasks, training
from hmgc_core.workflow.pictures import import_images
from hmgc_core.workflow.workspaces import Workspace

SMALL = RunConfig(model="flat", backbone="resnet_mini", image_size=16, epochs=1, batch_size=8, device="cpu")
OLD, NEW = 24, 5


@pytest.fixture
def grown(labelled_workspace: Workspace, tmp_path: Path) -> Workspace:
    """A finished run 1 over 24 pictures, and five that came in after it, one of them broken since."""
    training.queue_run(labelled_workspace, SMALL)
    worker.work(labelled_workspace, once=True)
    assert new_pictures.lacking(labelled_workspace, 1) == []
    for number in range(NEW):
        write_picture(tmp_path / "new" / f"{number}.png", 100 + number)
    import_images(labelled_workspace, tmp_path / "new")
    (tmp_path / "new" / "4.png").write_bytes(b"broken")
    return labelled_workspace


def stored(ws: Workspace, run_id: int = 1) -> dict[int, tuple[str, float]]:
    """Image id -> the class and its probability, of all that a run says."""
    with ws.reading() as connection:
        found = predictions.get_many(connection, run_id, range(OLD + NEW + 1))
    return {image_id: (one.node, one.probability) for image_id, one in found.items()}


def test_new_pictures_are_predicted_beside_the_others(grown: Workspace) -> None:
    ws = grown
    before, metrics = stored(ws), training.run(ws, 1).metrics
    lacking = new_pictures.lacking(ws, 1)
    assert lacking == [25, 26, 27, 28, 29] and not set(lacking) & set(before)
    task = new_pictures.ask(ws, 1)
    assert new_pictures.ask(ws, 1) == task  # it waits already
    worker.work(ws, once=True)
    result = tasks.task(ws, task).result
    assert (result["predicted"], len(result["unread"])) == (NEW - 1, 1)
    after = stored(ws)
    assert {image_id: after[image_id] for image_id in before} == before and len(after) == OLD + NEW - 1
    assert training.run(ws, 1).metrics == metrics
    assert new_pictures.lacking(ws, 1) == []  # what it cannot read is not offered again

    # Each of them says what the model says of it alone.
    records = new_pictures.records(ws, [one for one in lacking if one not in result["unread"]])
    pixels = decode_pictures([one.path for one in records], size=16, folder=ws.cache)
    checkpoint = load_checkpoint(training.checkpoint_folder(training.run(ws, 1)))
    for record, alone in zip(records, predict(checkpoint, pixels, device="cpu"), strict=True):
        node, probability = after[record.id]
        assert node == checkpoint.taxonomy.keys[alone.node]
        assert probability == pytest.approx(alone.path[-1][1], abs=1e-5)


def test_they_are_compared_with_the_others_from_then_on(grown: Workspace) -> None:
    ws = grown
    before = embeddings.embeddings(ws.run_folder(1))
    stamp = resources.labels_stamp(ws)
    assert before is not None and len(resources.prediction_table(ws, 1).image_ids) == OLD
    new_pictures.ask(ws, 1)
    worker.work(ws, once=True)
    seen = embeddings.embeddings(ws.run_folder(1))
    assert seen is not None and set(seen.images) == set(stored(ws)) and len(seen.images) == OLD + NEW - 1
    rows = seen.rows(before.images)
    # Likeness among the old is the same but for how vectors are made compact.
    assert np.allclose(seen.vectors[rows] @ seen.vectors[rows].T, before.vectors @ before.vectors.T, atol=0.05)
    assert resources.labels_stamp(ws) != stamp
    assert len(resources.prediction_table(ws, 1).image_ids) == OLD + NEW - 1
    label_offer = heads.offer(ws)
    assert label_offer is not None and label_offer.seen == OLD + NEW - 1  # a head needs no second look at them


def test_a_run_of_a_head_predicts_them_too(grown: Workspace) -> None:
    ws = grown
    heads.queue(ws, 1)
    worker.work(ws, once=True)
    whole = stored(ws, 2)
    with ws.writing() as connection:
        table = predictions.prediction
        connection.execute(table.delete().where((table.c.image_id == 25) & (table.c.run_id == 2)))
    assert new_pictures.lacking(ws, 2) == [25, 29]
    new_pictures.ask(ws, 2)
    worker.work(ws, once=True)
    assert stored(ws, 2)[25] == (whole[25][0], pytest.approx(whole[25][1], abs=1e-5))
    assert set(stored(ws, 2)) == set(whole)


def test_cut_off_or_stopped_nothing_is_lost_and_it_can_be_done_again(
    grown: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    ws = grown
    run, records = training.run(ws, 1), new_pictures.records(ws, new_pictures.lacking(ws, 1))

    def try_it(run: Run, *, stop: bool = False) -> list[int]:
        return evaluation.predict_new(ws, run, records, on_progress=lambda _: None, should_stop=lambda: stop)

    before = stored(ws)
    with pytest.raises(Stopped):
        try_it(run, stop=True)
    assert stored(ws) == before

    def cut_off(*_: object) -> None:
        raise RuntimeError("the power goes")

    with monkeypatch.context() as patch:
        patch.setattr(predictions, "add", cut_off)
        with pytest.raises(RuntimeError):
            try_it(run)
    assert stored(ws) == before and len(new_pictures.lacking(ws, 1)) == NEW
    assert try_it(run) == [29]
    seen = embeddings.embeddings(ws.run_folder(1))
    assert seen is not None and len(set(seen.images)) == len(seen.images) == OLD + NEW - 1

    # Vectors that are ahead of their images, as after a cut between the two files.
    folder = ws.run_folder(1)
    vectors = np.load(folder / embeddings.VECTORS)
    np.save(folder / embeddings.VECTORS, np.concatenate([vectors, vectors[:3]]))
    embeddings.add(folder, np.array([25]), vectors[:1])
    seen = embeddings.embeddings(folder)
    assert seen is not None and len(set(seen.images)) == len(seen.images) == OLD + NEW - 1


def test_pictures_of_which_none_can_be_read_leave_everything_as_it_was(grown: Workspace, tmp_path: Path) -> None:
    for number in range(NEW):
        (tmp_path / "new" / f"{number}.png").write_bytes(b"broken")
    before = stored(grown)
    task = new_pictures.ask(grown, 1)
    worker.work(grown, once=True)
    assert tasks.task(grown, task).result == {"predicted": 0, "unread": [25, 26, 27, 28, 29]}
    assert stored(grown) == before and new_pictures.lacking(grown, 1) == []


def test_the_pages_offer_it_and_show_them_after(grown: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    ws = grown
    assert "Run 1 has no prediction for 5 pictures yet" in said(open_page(monkeypatch, ws, "train"))
    page = open_page(monkeypatch, ws, "predictions")
    button(page, "Predict them").click().run()
    assert not page.exception and "Predictions of the new pictures" in said(page)
    assert tasks.newest(ws, new_pictures.KIND, run_id=1) is not None
    worker.work(ws, once=True)
    page = open_page(monkeypatch, ws, "predictions")
    assert "no prediction" not in said(page)
    assert len(resources.prediction_table(ws, 1).image_ids) == OLD + NEW - 1
    assert seeing.image_view(ws, 1, 25) is not None


def test_by_command(grown: Workspace) -> None:
    place = ["--workspace", str(grown.folder)]

    def hmgc(*words: str) -> str:
        ended = CliRunner().invoke(commands, [*words, *place])
        assert ended.exit_code == 0, ended.output
        return ended.output

    assert "5 new images" in hmgc("predict", "1", "--new")
    worker.work(grown, once=True)
    assert "every image" in hmgc("predict", "1", "--new")
    assert CliRunner().invoke(commands, ["predict", "1", *place]).exit_code == 1  # no picture is named
    with pytest.raises(UnknownRun):
        new_pictures.ask(grown, 7)
