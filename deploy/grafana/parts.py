"""What the dashboards are made of: numbers and lines, each with its queries, its unit and what it says.

Input: titles and PromQL. Output: builders of Grafana's panels and dashboards. State: none.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final

from grafana_foundation_sdk.builders import common, dashboard, prometheus, stat, timeseries
from grafana_foundation_sdk.models import common as common_model
from grafana_foundation_sdk.models import dashboard as model

#: The dashboards ask whichever Prometheus is chosen.
SOURCE: Final = model.DataSourceRef(type_val="prometheus", uid="${datasource}")

GREEN: Final = "green"
#: From which value on a number is shown in which colour; what lies below the first is green.
Steps = Iterable[tuple[float, str]]
BAD_ABOVE_ZERO: Final[Steps] = ((1, "red"),)
CALM: Final[Steps] = ()

Panel = stat.Panel | timeseries.Panel
#: A line's PromQL, and what it is called.
Query = tuple[str, str]

_HALF: Final = 0.5
_NEARLY_ALL: Final = 0.99
#: Letters that are read from four metres away, in pixels.
_BIG: Final = 96


def board(
    uid: str, title: str, says: str, panels: Sequence[Panel], *, refresh: str = "10s", back: str = "now-1h"
) -> dashboard.Dashboard:
    """A dashboard in the time zone of whoever looks, with the choice of Prometheus."""
    made = (
        dashboard.Dashboard(title)
        .uid(uid)
        .description(says)
        .tags(["siaga"])
        .refresh(refresh)
        .time(back, "now")
        .timezone(common_model.TimeZoneBrowser)
        .readonly()
        .with_variable(dashboard.DatasourceVariable("datasource").label("Prometheus").type("prometheus"))
    )
    for panel in panels:
        made = made.with_panel(panel)
    return made


def number(
    title: str,
    says: str,
    query: str,
    *,
    unit: str = "short",
    steps: Steps = CALM,
    width: int = 4,
    height: int = 5,
    decimals: int = 0,
) -> stat.Panel:
    """One number as it is now, on a ground that says how bad it is."""
    return (
        stat.Panel()
        .title(title)
        .description(says)
        .datasource(SOURCE)
        .unit(unit)
        .decimals(decimals)
        .span(width)
        .height(height)
        .no_value("?")
        .color_mode(common_model.BigValueColorMode.BACKGROUND)
        .graph_mode(common_model.BigValueGraphMode.NONE)
        .reduce_options(common.ReduceDataOptions().calcs(["lastNotNull"]).values(False))
        .thresholds(_thresholds(steps))
        .with_target(_query(query, "__auto", 0).instant())
    )


def big(title: str, says: str, query: str, steps: Steps, *, unit: str = "short", decimals: int = 0) -> stat.Panel:
    """A number for a quarter of the wall."""
    made = number(title, says, query, unit=unit, steps=steps, width=6, height=9, decimals=decimals)
    return made.text(common.VizTextDisplayOptions().value_size(_BIG))


def lines(
    title: str,
    says: str,
    *queries: Query,
    unit: str = "short",
    width: int = 12,
    limit: float | None = None,
) -> timeseries.Panel:
    """Lines over time; ``limit`` is drawn in red."""
    made = (
        timeseries.Panel()
        .title(title)
        .description(says)
        .datasource(SOURCE)
        .unit(unit)
        .min(0)
        .span(width)
        .height(8)
        .fill_opacity(10)
        .line_width(2)
        .show_points(common_model.VisibilityMode.NEVER)
        .legend(
            common.VizLegendOptions()
            .display_mode(common_model.LegendDisplayMode.LIST)
            .placement(common_model.LegendPlacement.BOTTOM)
            .show_legend(True)
        )
        .tooltip(common.VizTooltipOptions().mode(common_model.TooltipDisplayMode.MULTI))
    )
    for place, (query, legend) in enumerate(queries):
        made = made.with_target(_query(query, legend, place))
    if limit is not None:
        made = made.thresholds(_thresholds([(limit, "red")])).thresholds_style(
            common.GraphThresholdsStyleConfig().mode(common_model.GraphTresholdsStyleMode.LINE)
        )
    return made


def seconds(title: str, says: str, metric: str, where: str = "", *, limit: float | None = None) -> timeseries.Panel:
    """How long something took: half of the times, and 99 % of them, out of a histogram."""
    half, nearly_all = quantile(_HALF, metric, where=where), quantile(_NEARLY_ALL, metric, where=where)
    return lines(title, says, (half, "half"), (nearly_all, "99 %"), unit="s", limit=limit)


def quantile(share: float, metric: str, by: str = "", where: str = "") -> str:
    """A quantile of a histogram over the interval that a screen shows."""
    labels = f"le, {by}" if by else "le"
    return f"histogram_quantile({share:g}, sum by ({labels}) (rate({metric}_bucket{where}[$__rate_interval])))"


def rate(metric: str, by: str, where: str = "") -> str:
    """How often something happens in a second, by a label."""
    return f"sum by ({by}) (rate({metric}{where}[$__rate_interval]))"


def _thresholds(steps: Steps) -> dashboard.ThresholdsConfig:
    made = [model.Threshold(value=None, color=GREEN)]
    made += [model.Threshold(value=value, color=colour) for value, colour in steps]
    return dashboard.ThresholdsConfig().mode(model.ThresholdsMode.ABSOLUTE).steps(made)


def _query(query: str, legend: str, place: int) -> prometheus.Dataquery:
    return prometheus.Dataquery().expr(query).legend_format(legend).ref_id(chr(ord("A") + place)).datasource(SOURCE)
