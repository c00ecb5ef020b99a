"""Figures of a search for good settings: what each trial reached, what mattered, and each setting against the score."""

import math
from collections.abc import Mapping, Sequence

import plotly.graph_objects as go

from app.components.charts import GREY, LEVELS, TEAL, as_plain
from hmgc_core.workflow.sweeps import Dimension, Trial, value_words

SHARE = ".0%"


def scored(trials: Sequence[Trial]) -> list[Trial]:
    """Those that can be drawn: finished, or ended early after an epoch."""
    return [one for one in trials if one.state in ("done", "pruned") and one.score is not None]


def history(trials: Sequence[Trial]) -> go.Figure:
    """Each trial where it ended, a line for the best so far; what was ended early is a cross."""
    shown = scored(trials)
    figure = go.Figure()
    done = [one for one in shown if one.state == "done"]
    best = [max(one.score or 0.0 for one in done[: place + 1]) for place in range(len(done))]
    figure.add_scatter(
        x=[one.number for one in done],
        y=best,
        name="best so far",
        mode="lines",
        line={"color": LEVELS[1], "width": 2, "shape": "hv"},
        hovertemplate="best so far: %{y:.1%}<extra></extra>",
    )
    _points(figure, shown, [one.number for one in shown])
    last = max(one.number for one in shown)
    figure.update_xaxes(title="trial", range=[0.5, last + 0.5], tickformat="d", dtick=max(1, round(last / 10)), tick0=1)
    return _framed(figure, height=260)


def against(dimension: Dimension, trials: Sequence[Trial]) -> go.Figure:
    """The values of one setting against what the trials reached."""
    shown = [one for one in scored(trials) if dimension.name in one.values]
    values = [one.values[dimension.name] for one in shown]
    figure = go.Figure()
    _points(figure, shown, [as_plain(value_words(value)) for value in values] if dimension.choices else values)
    if dimension.choices:
        order = [as_plain(value_words(choice)) for choice in dimension.choices]
        figure.update_xaxes(type="category", categoryorder="array", categoryarray=order)
    else:
        figure.update_xaxes(type="log" if dimension.log else "linear", nticks=5, range=_ends(dimension))
        if dimension.log:
            marks = [mark for mark in _powers(dimension) if dimension.low <= mark <= dimension.high]
            figure.update_xaxes(tickvals=marks, ticktext=[f"{mark:g}" for mark in marks])
    return _framed(figure, height=200).update_layout(showlegend=False)


def _ends(dimension: Dimension) -> list[float]:
    """The whole range of the setting, with room for points at its ends; on a log scale as powers, as plotly wants."""
    ends = [math.log10(end) if dimension.log else end for end in (dimension.low, dimension.high)]
    room = 0.06 * (ends[1] - ends[0])
    return [ends[0] - room, ends[1] + room]


def _powers(dimension: Dimension) -> list[float]:
    """0.01, 0.1, 1 …; where those are few, 0.03, 0.3 … too."""
    powers = range(math.floor(math.log10(dimension.low)), math.ceil(math.log10(dimension.high)) + 1)
    return [digit * 10.0**power for power in powers for digit in ((1, 3) if len(powers) < 5 else (1,))]


def importance(shares: Mapping[str, float], words: Mapping[str, str]) -> go.Figure:
    """One bar for each setting, the one that mattered most on top, its name above it."""
    labels = [as_plain(words.get(name, name)) for name in shares]
    figure = go.Figure(go.Bar(y=labels, x=list(shares.values()), orientation="h", marker_color=TEAL))
    figure.update_traces(hovertemplate="%{y}: %{x:.0%}<extra></extra>")
    for label, share in zip(labels, shares.values(), strict=True):
        figure.add_annotation(x=share, y=label, text=f"{share:.0%}", showarrow=False, xanchor="left", xshift=6)
        # Above the bar a name has the width of the figure; beside it a telephone would cut it off.
        figure.add_annotation(x=0, y=label, text=label, showarrow=False, xanchor="left", xshift=-1, yshift=18)
    figure.update_layout(
        height=10 + 52 * len(labels), dragmode=False, bargap=0.65, margin={"l": 0, "r": 48, "t": 2, "b": 0}
    )
    figure.update_yaxes(autorange="reversed", showticklabels=False)
    figure.update_xaxes(visible=False, range=[0, max([*shares.values(), 0.01])])
    return figure


def _points(figure: go.Figure, shown: Sequence[Trial], places: Sequence[object]) -> None:
    """Finished trials as dots, those that were ended early as crosses: told apart without colours too."""
    looks = {
        "done": ("finished", {"color": TEAL, "size": 9}),
        "pruned": ("ended early", {"color": GREY, "size": 8, "symbol": "x-thin", "line": {"color": GREY, "width": 2}}),
    }
    for state, (name, marker) in looks.items():
        mine = [(one, place) for one, place in zip(shown, places, strict=True) if one.state == state]
        if mine:
            figure.add_scatter(
                x=[place for _, place in mine],
                y=[one.score for one, _ in mine],
                name=name,
                mode="markers",
                marker=marker,
                customdata=[one.number for one, _ in mine],
                hovertemplate="trial %{customdata}: %{y:.1%}<extra></extra>",
            )


def _framed(figure: go.Figure, *, height: int) -> go.Figure:
    legend = {"orientation": "h", "yanchor": "bottom", "y": 1.02, "x": 0, "title": None}
    margin = {"l": 0, "r": 8, "t": 8, "b": 0}
    figure.update_layout(height=height, dragmode=False, legend=legend, margin=margin)
    figure.update_yaxes(tickformat=SHARE, automargin=True, nticks=5)
    return figure
