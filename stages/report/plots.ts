/** Numbers -> plots as SVG that takes its colours from the page, so that it is readable by day, by night and on paper. */
// All of the library in one file: as hundreds of modules it takes eight times as long to load.
import { init } from "echarts/dist/echarts.esm.min.mjs";
import type { Bin } from "./report.ts";

/** Colours of the page by the stand-ins that the library is given: it knows no CSS variables. */
const INK = "#010101";
const FAINT = "#020202";
const COLOURS: Readonly<Record<string, string>> = {
  ...{ train: "#030303", validation: "#040404", test: "#050505", rejected: "#060606" },
  ...{ [INK]: INK, [FAINT]: FAINT },
};

/** One set of bars. */
export interface Series {
  readonly name: string;
  readonly colour: "train" | "validation" | "test" | "rejected";
  readonly values: readonly number[];
}

/** What is drawn. `id` tells plots of a page apart. */
export interface Plot {
  readonly id: string;
  readonly categories: readonly string[];
  readonly series: readonly Series[];
  readonly x: string;
  readonly y: string;
  /** Bars of one place on top of one another; else side by side. */
  readonly stacked?: boolean;
  /** Bars from left to right, the first on top. */
  readonly lying?: boolean;
  readonly height?: number;
  /** Where the axis of the values ends, if that is known. */
  readonly most?: number;
}

/** A plot as SVG. Same numbers, same bytes. */
export function plotSvg(plot: Plot): string {
  const { categories, series, x, y, stacked = false, lying = false, height = 250 } = plot;
  const chart = init(null, null, { renderer: "svg", ssr: true, width: 520, height });
  const label = { color: INK, fontSize: 12, fontFamily: "system-ui, sans-serif" };
  const name = { nameTextStyle: { ...label, color: FAINT }, nameLocation: "middle" as const };
  const places = {
    type: "category" as const,
    data: [...categories],
    axisLabel: { ...label, hideOverlap: true },
    axisTick: { show: false },
    axisLine: { lineStyle: { color: FAINT } },
    ...(lying && { inverse: true }),
    ...name,
    ...{ name: lying ? y : x, nameGap: 30 },
  };
  const values = {
    type: "value" as const,
    axisLabel: { ...label, formatter: short },
    splitLine: { lineStyle: { color: FAINT, opacity: 0.25 } },
    splitNumber: 4,
    ...(plot.most !== undefined && { max: plot.most, interval: plot.most / 5 }),
    ...name,
    ...{ name: lying ? x : y, nameGap: lying ? 30 : 48 },
  };
  chart.setOption({
    animation: false,
    textStyle: { fontFamily: "system-ui, sans-serif" },
    grid: { left: lying ? 86 : 66, right: 16, top: series.length > 1 ? 36 : 14, bottom: 50 },
    ...(series.length > 1 && { legend: { top: 0, right: 8, itemWidth: 12, itemHeight: 12, textStyle: label } }),
    xAxis: lying ? values : places,
    yAxis: lying ? places : values,
    series: series.map((each) => ({
      type: "bar" as const,
      name: each.name,
      data: [...each.values],
      itemStyle: { color: COLOURS[each.colour] },
      barCategoryGap: "22%",
      barGap: "10%",
      ...(stacked && { stack: "all" }),
    })),
  });
  const svg = chart.renderToSVGString();
  chart.dispose();
  return onPage(svg, plot.id);
}

/** Every place from the least to the most, those without a bar among them. */
function withoutGaps(found: readonly number[], next: (from: number) => number): number[] {
  const places: number[] = [];
  const most = Math.max(...found);
  for (let from = Math.min(...found); from <= most; from = next(from)) places.push(from);
  return places;
}

/** Bars of several kinds over the same places; `next` says where the bar after one begins, `name` what it is called. */
export function binned(
  {
    id,
    bins,
    kinds,
    colours,
  }: { id: string; bins: readonly Bin[]; kinds: readonly string[]; colours: readonly Series["colour"][] },
  next: (from: number) => number,
  name: (from: number) => string,
) {
  const places = withoutGaps(
    bins.map(({ from }) => from),
    next,
  );
  const series = kinds.map((kind, at): Series => {
    const own = new Map(bins.filter((bin) => bin.kind === kind).map(({ from, count }) => [from, count]));
    return { name: kind, colour: colours[at] ?? "train", values: places.map((from) => own.get(from) ?? 0) };
  });
  return { id, categories: places.map(name), series: series.filter(({ values }) => values.some((value) => value > 0)) };
}

/** Page colours in place of the stand-ins, and names that no other plot of the page has: the library numbers them through. */
function onPage(svg: string, id: string): string {
  const variables: Record<string, string> = { [INK]: "ink", [FAINT]: "muted" };
  for (const name of ["train", "validation", "test", "rejected"]) variables[COLOURS[name] as string] = name;
  const coloured = svg.replaceAll(/#0[1-6]0[1-6]0[1-6]/g, (stand) => `var(--${variables[stand]})`);
  const names = new Map<string, string>();
  const named = (given: string) => {
    const own = names.get(given) ?? `${id}-${names.size}`;
    names.set(given, own);
    return own;
  };
  return coloured
    .replaceAll(/zr\d+-[a-z]+-?\d+/g, named)
    .replace(/<svg width="\d+" height="\d+"/, '<svg role="img" aria-hidden="true"');
}

function short(value: number): string {
  if (value >= 1e6) return `${value / 1e6}M`;
  return value >= 1e3 ? `${value / 1e3}k` : String(value);
}
