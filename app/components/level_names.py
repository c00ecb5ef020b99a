"""Names for the levels of a tree: their number, and two of their classes as examples."""

from hmgc_core.taxonomy import Taxonomy

LONGEST_EXAMPLE = 14


def level_name(level: int, depth: int) -> str:
    """`Level 2`; the ends say which end they are."""
    if level == 0:
        return "Root"
    end = " (coarsest)" if level == 1 and depth > 1 else " (finest)" if level == depth and depth > 1 else ""
    return f"Level {level}{end}"


def with_examples(taxonomy: Taxonomy) -> list[str]:
    """One name per depth, the root's first: `Level 1: bird, ship, …`."""
    names = ["Root: cannot tell"]
    for level, nodes in enumerate(taxonomy.levels, start=1):
        examples = [taxonomy.name(int(node)) for node in nodes[:2]]
        shown = [name if len(name) <= LONGEST_EXAMPLE else name[: LONGEST_EXAMPLE - 1] + "…" for name in examples]
        names.append(f"Level {level}: {', '.join(shown)}{', …' if len(nodes) > 2 else ''}")
    return names
