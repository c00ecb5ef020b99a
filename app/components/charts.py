"""Plotly figures of counts and curves, in colours that read on light and dark."""

from collections.abc import Mapping, Sequence

import plotly.graph_objects as go
import streamlit as st

from app.components.wording import number

TEAL, TEAL_LIGHT, GREY = "#14a394", "#9bd8d0", "#8b98a5"
LEVELS = ("#14a394", "#4c7bd9", "#c2559d", "#d98a2b", "#7a68d8", "#6b9e3f")
INK_ON_LIGHT, INK_ON_DARK = "#31333f", "#fafafa"
QUIET = {"displayModeBar": False, "scrollZoom": False, "doubleClick": False}


def as_plain(text: str) -> str:
    """User text for plotly, which reads some HTML: the text is shown letter by letter."""
    for letter, entity in (("&", "&amp;"), ("<", "&lt;"), (">", "&gt;"), ("$", "&#36;")):
        text = text.replace(letter, entity)
    return text


def draw(figure: go.Figure, *, key: str, alt: str) -> None:
    """A figure without tools around it, its names as readable as the text of the page."""
    ink = INK_ON_DARK if st.context.theme.type == "dark" else INK_ON_LIGHT
    figure.update_xaxes(tickfont={"size": 13, "color": ink})
    figure.update_yaxes(tickfont={"size": 13, "color": ink})
    figure.update_annotations(font={"size": 13, "color": ink})
    st.plotly_chart(figure, key=key, config=QUIET, alt=alt)


def level_bars(names: Sequence[str], train: Sequence[int], all_splits: Sequence[int]) -> go.Figure:
    """One bar per level, the coarsest on top: labels of training pictures, then those of the others if any."""
    rest = [total - trained for total, trained in zip(all_splits, train, strict=True)]
    labels = [as_plain(name) for name in names]
    figure = go.Figure(go.Bar(y=labels, x=list(train), name="training pictures", marker_color=TEAL))
    if any(rest):
        figure.add_bar(y=labels, x=rest, name="validation and test", marker_color=TEAL_LIGHT)
    for label, total in zip(labels, all_splits, strict=True):
        figure.add_annotation(x=total, y=label, text=number(total), showarrow=False, xanchor="left", xshift=6)
        # Above the bar a name has the width of the page; beside it a telephone would cut it off.
        figure.add_annotation(x=0, y=label, text=label, showarrow=False, xanchor="left", xshift=-1, yshift=18)
    figure.update_traces(orientation="h", hovertemplate="%{x:,} labels of %{fullData.name}<extra></extra>")
    _still(figure, height=(60 if any(rest) else 10) + 52 * len(labels))
    figure.update_layout(barmode="stack", bargap=0.65, margin={"l": 0, "r": 48, "t": 2, "b": 0})
    figure.update_yaxes(autorange="reversed", showticklabels=False)
    figure.update_xaxes(visible=False)
    return figure


def curves(series: Mapping[str, Sequence[float | None]], *, shares: bool = False) -> go.Figure:
    """Lines over epochs 1, 2, …; `shares` are drawn from 0 to 100%."""
    figure = go.Figure(
        [
            go.Scatter(
                x=list(range(1, len(values) + 1)),
                y=list(values),
                name=name,
                mode="lines+markers" if len(values) < 3 else "lines",
                line={"color": LEVELS[place % len(LEVELS)], "width": 2.5},
            )
            for place, (name, values) in enumerate(series.items())
        ]
    )
    _still(figure, height=230)
    figure.update_layout(showlegend=len(series) > 1, hovermode="x unified", margin={"l": 0, "r": 8, "t": 8, "b": 0})
    figure.update_layout(legend_y=-0.25)  # below the numbers of the axis
    most = max(map(len, series.values()), default=1)
    figure.update_xaxes(range=[0, 1.02 * most], title=None, dtick=1 if most < 8 else None)  # epochs are whole numbers
    figure.update_yaxes(rangemode="tozero", automargin=True)
    if shares:
        figure.update_yaxes(range=[0, 1.02], tickvals=[0, 0.25, 0.5, 0.75, 1], tickformat=".0%")
    return figure


def _still(figure: go.Figure, *, height: int) -> None:
    legend = {"orientation": "h", "yanchor": "top", "y": -0.1, "x": 0, "title": None, "traceorder": "normal"}
    figure.update_layout(height=height, dragmode=False, legend=legend)
