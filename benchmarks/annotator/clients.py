"""Annotators without a screen: they ask and send as the browser does, as fast as they are answered."""

import gzip
import http.client
import json
import threading
import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass

from app import security
from hmgc_core.workflow.workspaces import Workspace


class Client:
    """One person: one connection, one token."""

    def __init__(self, ws: Workspace, port: int, name: str) -> None:
        self.connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
        self.headers = {security.TOKEN_HEADER: security.sign(ws.secret(), name), "content-type": "application/json"}

    def get(self, path: str, **headers: str) -> bytes:
        return self._ask("GET", path, None, headers)

    def label(self, image_id: int, node: str, version: int) -> str:
        """Send one label, as many times as it takes to be acknowledged; returns its uid."""
        uid = str(uuid.uuid4())
        said = {"uid": uid, "image_id": image_id, "node": node, "kind": "is", "taxonomy": version, "seconds": 1.5}
        self._ask("POST", "/api/labels", json.dumps({"labels": [{**said, "shown": {}}]}), {})
        return uid

    def _ask(self, method: str, path: str, body: str | None, headers: dict[str, str]) -> bytes:
        for attempt in range(3):  # the server may have closed a connection that was idle
            try:
                self.connection.request(method, path, body, {**self.headers, **headers})
                answer = self.connection.getresponse()
                content = answer.read()
            except (http.client.HTTPException, OSError):
                self.connection.close()
                if attempt == 2:
                    raise
                continue
            if answer.status != 200:
                raise SystemExit(f"{method} {path}: {answer.status} {content[:200]!r}")
            return content
        raise AssertionError("not reached")


@dataclass(frozen=True)
class Together:
    """What many clients did at once. lost, doubled: labels that are not, or twice, in the database."""

    labels_per_s: float
    sent: int
    lost: int
    doubled: int


def label_together(ws: Workspace, port: int, *, clients: int, labels: int, nodes: list[str], version: int) -> Together:
    """`clients` people send `labels` labels each, one after the other without a pause."""
    sent: list[list[str]] = [[] for _ in range(clients)]

    def person(number: int) -> None:
        client = Client(ws, port, f"client {number}")
        for place in range(labels):
            image_id = 1 + number * labels + place
            sent[number].append(client.label(image_id, nodes[image_id % len(nodes)], version))

    start = time.perf_counter()
    _at_once([lambda number=number: person(number) for number in range(clients)])
    took = time.perf_counter() - start
    uids = {uid for by_one in sent for uid in by_one}
    with ws.reading() as connection:
        rows = connection.exec_driver_sql(
            "SELECT a.uid FROM annotation a JOIN annotator n ON n.id = a.annotator_id WHERE n.name LIKE 'client %'"
        )
        stored = rows.scalars().all()
    return Together(len(uids) / took, len(uids), len(uids - set(stored)), len(stored) - len(set(stored)))


def _at_once(tasks: list[Callable[[], None]]) -> None:
    threads = [threading.Thread(target=task) for task in tasks]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def tree_bytes(client: Client, content_hash: str) -> tuple[int, int, int]:
    """Size of the class tree as it travels: (all of it, its keys and parents alone, number of classes)."""
    packed = client.get(f"/api/taxonomy/{content_hash}", **{"accept-encoding": "gzip"})
    tree = json.loads(gzip.decompress(packed))
    bare = json.dumps([tree["keys"], tree["parents"]], ensure_ascii=False, separators=(",", ":"))
    return len(packed), len(gzip.compress(bare.encode())), len(tree["keys"])
