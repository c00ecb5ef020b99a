"""How a change of the class tree is said: what it would do, and what was done. Text only; names are escaped."""

from collections.abc import Callable
from typing import Any

from app.components.wording import number
from app.security import escape_markdown
from hmgc_core.taxonomy import Taxonomy
from hmgc_core.workflow.tree_edits import TreeEdit

BUTTONS = {
    "add": "Add this class",
    "rename": "Save",
    "move": "Move",
    "merge": "Merge",
    "split": "Split",
    "retire": "Retire",
}


def done(edit: dict[str, Any], source: str = "") -> str:
    """A change in a sentence without its full stop. source: the file, where it was no edit."""
    if "verb" not in edit:
        return f"A class tree was brought in: {escape_markdown(source or str(edit.get('source', '')))}"
    return _DONE[edit["verb"]](edit)


def _renamed(edit: dict[str, Any]) -> str:
    own = _name(edit, "key")
    if edit["name"] is None or _bold(edit["name"]) == own:
        return f"The other names or the note of {own} were changed"
    return f"{own} is now called {_bold(edit['name'])}"


_DONE: dict[str, Callable[[dict[str, Any]], str]] = {
    "add": lambda edit: f"{_bold(edit['name'])} was added below {_name(edit, 'parent')}",
    "rename": _renamed,
    "move": lambda edit: f"{_name(edit, 'key')} was moved below {_name(edit, 'under')}",
    "merge": lambda edit: f"{_name(edit, 'key')} was merged into {_name(edit, 'into')}",
    "retire": lambda edit: f"{_name(edit, 'key')} was retired",
    "split": lambda edit: f"{_name(edit, 'key')} was split into {_list(edit['children'])}",
}


def preview(plan: TreeEdit, taxonomy: Taxonomy) -> list[str]:
    """What a change of this tree would do, one line each, the most important first."""
    edit = plan.edit
    lines = [f"Taken back: {done(edit)}."] if plan.is_undo else _LINES[edit["verb"]](plan, taxonomy)
    if plan.namesakes:
        lines.append(_namesakes(plan, taxonomy))
    if plan.is_undo and plan.labels:
        lines.append(f"{_labels(plan)} read again as before. What was said since stays as near to it as can be.")
    if plan.silenced:
        lines.append(f"{number(plan.silenced, 'label')} “it is not …” will say nothing any more.")
    if plan.loosened:
        lines.append(
            f"{number(plan.loosened, 'label')} “none of the classes below” will only say what the picture is, "
            "for they were given without the new class."
        )
    if plan.second_looks:
        their = "The picture" if plan.second_looks == 1 else "The pictures"
        lines.append(f"{their} of {number(plan.second_looks, 'label')} will wait for a second look.")
    return lines + _runs(plan)


def _namesakes(plan: TreeEdit, taxonomy: Taxonomy) -> str:
    node = taxonomy.index(plan.namesakes[0])
    parent = int(taxonomy.parents[node])
    where = f"below {_bold(taxonomy.name(parent))}" if parent >= 0 else "the one above all"
    more = f", and {number(len(plan.namesakes) - 1, 'more')}" if len(plan.namesakes) > 1 else ""
    return f"Another class is called {_bold(taxonomy.name(node))} already ({where}{more}); annotators may mix them up."


def _add(plan: TreeEdit, _taxonomy: Taxonomy) -> list[str]:
    return [f"{_bold(plan.edit['name'])} can be chosen below {_name(plan.edit, 'parent')}. No label changes its class."]


def _rename(plan: TreeEdit, _taxonomy: Taxonomy) -> list[str]:
    return [f"{done(plan.edit)}.", _stay(plan)]


def _move(plan: TreeEdit, taxonomy: Taxonomy) -> list[str]:
    below = int(taxonomy.subtree_sizes[taxonomy.index(plan.edit["key"])]) - 1
    along = f", and {number(below, 'class', 'classes')} below it with it" if below else ""
    return [f"{_name(plan.edit, 'key')} goes below {_name(plan.edit, 'under')}{along}.", _stay(plan)]


def _merge(plan: TreeEdit, taxonomy: Taxonomy) -> list[str]:
    own, into = _name(plan.edit, "key"), _name(plan.edit, "into")
    lines = [f"Nobody can choose {own} any more; {_led(plan)} go to {into}, which is found by its name too."]
    return lines + _children(plan, taxonomy, into)


def _retire(plan: TreeEdit, taxonomy: Taxonomy) -> list[str]:
    parent = _bold(taxonomy.name(int(taxonomy.parents[taxonomy.index(plan.edit["key"])])))
    lines = [f"Nobody can choose {_name(plan.edit, 'key')} any more; {_led(plan)} go to {_name(plan.edit, 'to')}."]
    return lines + _children(plan, taxonomy, parent)


def _split(plan: TreeEdit, _taxonomy: Taxonomy) -> list[str]:
    own = _name(plan.edit, "key")
    return [f"Below {own} there will be {_list(plan.edit['children'])}.", _stay(plan)]


_LINES = {"add": _add, "rename": _rename, "move": _move, "merge": _merge, "retire": _retire, "split": _split}


def _children(plan: TreeEdit, taxonomy: Taxonomy, to: str) -> list[str]:
    count = len(taxonomy.children(taxonomy.index(plan.edit["key"])))
    return [f"{number(count, 'class', 'classes')} directly below it will be below {to}."] if count else []


def _stay(plan: TreeEdit) -> str:
    return f"{_labels(plan)} stay as they are." if plan.labels else "No label is concerned."


def _led(plan: TreeEdit) -> str:
    labels = sum(count for _, _, count in plan.led)
    if not labels:
        return "labels that are still on their way"
    return f"its {number(labels, 'label')} of {number(plan.people, 'person', 'people')}"


def _labels(plan: TreeEdit) -> str:
    return f"{number(plan.labels, 'label')} of {number(plan.people, 'person', 'people')}"


def _runs(plan: TreeEdit) -> list[str]:
    if not plan.runs:
        return []
    newest, *others = plan.runs
    who = f"Run {newest}" + (f" and {number(len(others), 'earlier one')}" if others else "")
    learned = f"{who} learned the tree as it is now: train again afterwards for figures and suggestions that fit."
    places = f" Run {newest} finds {number(plan.predicted, 'picture')} in what changes." if plan.predicted else ""
    return [learned + places]


def _name(edit: dict[str, Any], part: str) -> str:
    key = edit.get(part, "")
    return _bold(edit.get("names", {}).get(key, key))


def _bold(name: str) -> str:
    return f"**{escape_markdown(name)}**"


def _list(names: list[str]) -> str:
    return ", ".join(_bold(name) for name in names)
