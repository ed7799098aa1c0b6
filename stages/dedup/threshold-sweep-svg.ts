import { LineChart } from "echarts/charts";
import { GridComponent, LegendComponent, TitleComponent } from "echarts/components";
import { init, use } from "echarts/core";
import { SVGRenderer } from "echarts/renderers";
import type { ThresholdPoint } from "../../schemas/threshold-point.ts";

use([LineChart, GridComponent, LegendComponent, TitleComponent, SVGRenderer]);

/** Points of the sweep over thresholds as an SVG: two panels, conversations and users, one line a coverage. Same points, same bytes. */
export function thresholdSweepSvg(points: readonly ThresholdPoint[], source: string): string {
  const chart = init(null, null, { renderer: "svg", ssr: true, width: 1100, height: 480 });
  const coverages = [...new Set(points.map((point) => point.coverage))];
  const minCounts = [...new Set(points.map((point) => point.min_count))].map(String);
  const panels = ["conversations", "users"] as const;
  const left = ["7%", "56%"];
  chart.setOption({
    animation: false,
    backgroundColor: "#ffffff",
    title: panels.map((measure, at) => {
      const text = measure === "users" ? "users who lose everything" : "conversations removed";
      return { text: `${source}: ${text}`, left: left[at], textStyle: { fontSize: 14 } };
    }),
    legend: { bottom: 0, data: coverages.map(nameOf) },
    grid: left.map((each) => ({ left: each, width: "37%", top: 50, bottom: 80 })),
    xAxis: panels.map((_, gridIndex) => {
      return { type: "category", data: minCounts, gridIndex, name: "minCount", nameLocation: "middle", nameGap: 28 };
    }),
    yAxis: panels.map((_, gridIndex) => ({ type: "value", gridIndex })),
    series: panels.flatMap((measure, panel) =>
      coverages.map((coverage) => ({
        type: "line",
        name: nameOf(coverage),
        xAxisIndex: panel,
        yAxisIndex: panel,
        data: points.filter((point) => point.coverage === coverage).map((point) => point[measure]),
      })),
    ),
  });
  const svg = chart.renderToSVGString();
  chart.dispose();
  // Each chart of a process has another number in its class names.
  return svg.replaceAll(/zr\d+-/g, "zr0-");
}

function nameOf(coverage: number): string {
  return coverage === 0 ? "any coverage" : `coverage ${coverage}`;
}
