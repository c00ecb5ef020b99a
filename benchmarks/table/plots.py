"""The figures of the table as pictures: small SVG files, the same bytes for the same figures."""

from collections import Counter
from pathlib import Path

import matplotlib as mpl

from table.cells import LONG
from table.figures import Mean, Table, is_default
from table.goals import GOALS, Outcome, outcomes
from table.rows import ROWS

mpl.use("Agg")
from matplotlib import pyplot as plt
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import PercentFormatter

PAYS, COARSE, MEASURES, DIFFERENCES = (
    "models-pays.svg", "models-coarse.svg", "models-measures.svg", "models-differences.svg",
)  # fmt: skip
WORDS = {
    PAYS: "Finest level right at the largest share made coarse, long budget",
    COARSE: "Finest level right, by the share of labels made coarse, long budget",
    MEASURES: "Every measure at the largest share made coarse, long budget",
    DIFFERENCES: "Differences to be shown, with 95 % intervals",
}
# metric -> what stands above its panel
PANELS = {
    "leaf_accuracy": "finest level right",
    "full_path_accuracy": "whole path right",
    "tice": "answers that contradict\nthemselves (tice)",
    "info_recall_at_95_tempered": "information told\nat 95 % right",
    "ac_info_tempered": "AC(info)",
    "ece_node_tempered": "node ECE\nafter the temperature",
    "seconds": "seconds of one thread",
    "images_per_s": "pictures trained\nin a second",
}
# What people read who have not seen the table.
PLAIN_WORDS = {
    "oracle": "all labels exact",
    "exact_quarter": "a quarter of each step exact",
    "self_taught": "… and sure guesses learned",
    "flat_balanced": "half of each step exact",
    "flat": "coarse labels as sums of their classes",
    "coarse_dropped": "coarse labels left out",
    "per_level": "one answer for each level",
    "hrn": "HRN as published",
}
SET_WORDS = {
    "cifar": "CIFAR-100",
    "grocery": "shop photos",
    "drawn": "drawn pictures",
    "drawn_hard": "drawn pictures: the hardest",
}
# Told apart by more than colour: line, mark and shade.
STYLES = {
    "flat": ("#0072b2", "o", "-"),
    "flat_balanced": ("#56b4e9", "s", "-"),
    "exact_quarter": ("#e69f00", "H", "-"),
    "coarse_dropped": ("#999999", "v", "--"),
    "self_taught": ("#d55e00", "D", "-"),
    "hrn": ("#009e73", "^", "-."),
    "per_level": ("#cc79a7", "P", "--"),
    "oracle": ("#222222", "*", ":"),
    "ps": ("#8c6d1f", "<", "--"),
    "soft_margin": ("#5f4690", ">", "--"),
    "hrn_logits": ("#73af48", "X", ":"),
    "hmgn": ("#94346e", "p", ":"),
    "coarse_fine": ("#1d6996", "h", ":"),
    "graphconvnet_ti": ("#6f4070", "d", ":"),
}
MARKS = {"cifar": "o", "grocery": "s", "drawn": "^"}
SETTINGS = {"svg.hashsalt": "table", "svg.fonttype": "none", "font.size": 9, "axes.spines.top": False,
            "axes.spines.right": False, "axes.grid": True, "grid.color": "#dddddd", "axes.axisbelow": True}  # fmt: skip


def draw(table: Table, folder: Path) -> list[Path]:
    """Write the pictures that the figures suffice for; the others are taken away. Returns their paths."""
    drawn = []
    makers = {PAYS: _pays, COARSE: _by_share, MEASURES: _measures, DIFFERENCES: _differences}
    with mpl.rc_context(SETTINGS):
        for name, make in makers.items():
            figure = make(table)
            if figure is None:
                (folder / name).unlink(missing_ok=True)
                continue
            figure.savefig(folder / name, metadata={"Date": None}, facecolor="white", bbox_inches="tight")
            plt.close(figure)
            drawn.append(folder / name)
    return drawn


def _pays(table: Table) -> Figure | None:
    """One panel for each set of pictures, one bar for each row; what a new training of the app does stands out.

    A set of which less is known than of another waits.
    """
    share = table.shares[-1] if table.shares else 0
    found = {
        (name, row): mean
        for name in table.workspaces
        for row in PLAIN_WORDS
        if (mean := table.mean(name, row, share, LONG, "leaf_accuracy")) is not None
    }
    if not found:
        return None
    known_of = Counter(name for name, _ in found)
    names = [name for name in table.workspaces if known_of[name] == max(known_of.values())]
    rows = [row for row in PLAIN_WORDS if any((name, row) in found for name in names)][::-1]
    size = (3.2 + 2.6 * len(names), 0.7 + 0.28 * len(rows))
    figure, panels = plt.subplots(1, len(names), figsize=size, sharey=True, squeeze=False, layout="constrained")
    for panel, name in zip(panels[0], names, strict=True):
        known = {row: found[name, row] for row in rows if (name, row) in found}
        places = [rows.index(row) for row in known]
        colours = ["#00796b" if is_default(row) else "#b7bcb8" for row in known]
        panel.barh(places, [mean.mean for mean in known.values()], xerr=_half(list(known.values())), color=colours,
                   error_kw={"ecolor": "#222222", "elinewidth": 1, "capsize": 2})  # fmt: skip
        for place, mean in zip(places, known.values(), strict=True):
            panel.annotate(
                f"{mean.mean:.0%}",
                (mean.high or mean.mean, place),
                (4, 0),
                textcoords="offset points",
                va="center",
                fontsize=8,
            )
        panel.set_title(f"{SET_WORDS.get(name, name)}\n{share:.0%} made coarse", fontsize=9)
        panel.set_yticks(range(len(rows)), [PLAIN_WORDS[row] for row in rows])
        panel.xaxis.set_major_formatter(PercentFormatter(1.0, decimals=0))
        panel.margins(x=0.15)
        panel.grid(visible=False, axis="y")
    return figure


def _by_share(table: Table) -> Figure | None:
    """One panel for each set of pictures, one line for each row, where there are two shares to join."""
    shares = table.shares
    if len(shares) < 2:
        return None
    figure, panels = plt.subplots(1, len(table.workspaces), figsize=(3.6 * len(table.workspaces), 3.6), squeeze=False)
    for panel, workspace in zip(panels[0], table.workspaces, strict=True):
        for row in ROWS:
            points = {share: table.mean(workspace, row, share, LONG, "leaf_accuracy") for share in shares}
            known = {share: found for share, found in points.items() if found is not None}
            if known:
                colour, mark, line = STYLES[row]
                kept = [found.mean for found in known.values()]
                panel.errorbar(
                    list(known), kept, _half(list(known.values())), color=colour, marker=mark, linestyle=line,
                    markersize=4, linewidth=1.2, capsize=2, elinewidth=0.8, label=row,
                )  # fmt: skip
        panel.set_title(workspace)
        panel.set_xticks(shares, [f"{share:.0%}" for share in shares])
        panel.set_xlabel("labels made coarse")
    panels[0][0].set_ylabel("finest level right")
    _one_legend(figure, list(panels[0]), columns=1 + 2 * len(table.workspaces))
    return figure


def _measures(table: Table) -> Figure | None:
    """One panel for each measure: rows one below the other, a mark for each set of pictures."""
    if not table.shares:
        return None
    share = table.shares[-1]
    rows = [row for row in ROWS if any(table.seeds(name, row, share, LONG) for name in table.workspaces)][::-1]
    if not rows:
        return None
    figure, panels = plt.subplots(2, 4, figsize=(11, 1.6 + 0.5 * len(rows)), sharey=True, layout="constrained")
    for panel, (metric, words) in zip(panels.flat, PANELS.items(), strict=True):
        for number, workspace in enumerate(table.workspaces):
            found = {row: table.mean(workspace, row, share, LONG, metric) for row in rows}
            known = {row: mean for row, mean in found.items() if mean is not None}
            places = [rows.index(row) + 0.22 * (number - 1) for row in known]
            panel.errorbar(
                [mean.mean for mean in known.values()], places, xerr=_half(list(known.values())), linestyle="",
                marker=MARKS.get(workspace, "o"), markersize=4, capsize=2, elinewidth=0.8, label=workspace,
            )  # fmt: skip
        panel.set_title(words, fontsize=9)
        panel.set_yticks(range(len(rows)), rows)
        panel.tick_params(axis="x", labelsize=8)
    _one_legend(figure, list(panels.flat), columns=len(table.workspaces))
    return figure


def _differences(table: Table) -> Figure | None:
    """The goals as intervals, one panel for each, with what was asked for as a line."""
    told = [one for one in outcomes(table) if one.found is not None]
    if not told:
        return None
    places = list(dict.fromkeys(map(_place, told)))[::-1]
    size = (11, 1.2 + 0.24 * len(places))
    figure, panels = plt.subplots(1, len(GOALS), figsize=size, sharey=True, layout="constrained")
    for panel, goal in zip(panels, GOALS, strict=True):
        panel.axvline(0, color="#222222", linewidth=0.8)
        panel.axvline(100 * goal.least, color="#222222", linewidth=1.2, linestyle=":")
        for one in told:
            if one.goal is goal and one.found is not None:
                half = 0 if one.found.high is None else 100 * (one.found.high - one.found.mean)
                colour, mark, _ = STYLES[one.candidate]
                panel.errorbar(100 * one.found.mean, places.index(_place(one)), xerr=half, marker=mark, color=colour,
                               markersize=4, capsize=2)  # fmt: skip
        panel.set_title("over " + goal.words.replace(", ", ",\n"), fontsize=9)
        panel.set_yticks(range(len(places)), places, fontsize=8)
    figure.supxlabel("points of a hundred; dotted: the mean that was asked for", fontsize=9)
    return figure


def _place(one: Outcome) -> str:
    return f"{one.workspace}, {one.budget}: {one.candidate}"


def _half(means: list[Mean]) -> list[float]:
    """Half the width of each interval, 0 where there is none."""
    return [0.0 if mean.high is None else mean.high - mean.mean for mean in means]


def _one_legend(figure: Figure, panels: list[Axes], *, columns: int) -> None:
    """Each name once, below all panels."""
    named = {name: handle for panel in panels for handle, name in zip(*panel.get_legend_handles_labels(), strict=True)}
    figure.legend(
        named.values(), named.keys(), loc="upper center", bbox_to_anchor=(0.5, 0), ncols=columns, frameon=False
    )
