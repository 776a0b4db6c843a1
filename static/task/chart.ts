/**
 * The points of a task as lines: its progress and its rate.
 *
 * @module
 */

import type { Sample } from "./samples.ts";

/** The size of the drawing, in units of its `viewBox`; y is 0 at the top. */
export const WIDTH = 1000;
export const HEIGHT = 100;

/** The part of the whole time over which a rate is measured, and its least milliseconds. */
const SPAN = 1 / 25;
const MIN_SPAN = 500;

export interface ChartPoint extends Sample {
  /** From the left, 0 to {@link WIDTH}. */
  readonly x: number;
  /** From the top, 0 to {@link HEIGHT}. */
  readonly y: number;
  /** Units or percent per second; `null` if too little is known. */
  readonly rate: number | null;
}

export interface Chart {
  /** Oldest first. */
  readonly points: readonly ChartPoint[];
  /** SVG path of the progress. */
  readonly line: string;
  /** The area below {@link Chart.line}, as an SVG path. */
  readonly area: string;
  /** SVG path of the rate. */
  readonly rateLine: string;
  readonly maxRate: number;
  /** Whether the rate is in units, not in percent. */
  readonly counted: boolean;
}

/** Makes a chart; `null` if there are fewer than two points in time, or no progress. */
export function chart(samples: readonly Sample[]): Chart | null {
  const first = samples[0];
  const last = samples.at(-1);
  if (first === undefined || last === undefined || last.at <= first.at) return null;
  const counted = last.done !== null;
  const value = (sample: Sample) => (counted ? sample.done : sample.percent) ?? 0;
  const known = samples.some(({ percent }) => percent !== null && percent > 0);
  if (!known && samples.every((sample) => value(sample) === 0)) return null;
  const most = known ? 100 : Math.max(1, ...samples.map(value));
  const span = Math.max(MIN_SPAN, SPAN * (last.at - first.at));
  // Where counting began or started over: the jump there is not a rate.
  let begin = 0;
  const points = samples.map((sample, n): ChartPoint => {
    const before = samples[n - 1];
    const restarts = before !== undefined &&
      (value(sample) < value(before) || (counted && before.done === null));
    if (restarts || (n > 1 && n - 1 === begin && value(before!) === 0)) begin = n;
    let from = n;
    while (from > begin && sample.at - samples[from]!.at < span) from--;
    const moved = value(sample) - value(samples[from]!);
    const took = sample.at - samples[from]!.at;
    return {
      ...sample,
      x: WIDTH * (sample.at - first.at) / (last.at - first.at),
      y: HEIGHT * (1 - (known ? sample.percent ?? 0 : value(sample)) / most),
      rate: took >= MIN_SPAN ? 1000 * moved / took : null,
    };
  });
  const maxRate = Math.max(0, ...points.map(({ rate }) => rate ?? 0));
  const line = path(points.map(({ x, y }) => [x, y]));
  const rated = points.filter(({ rate }) => rate !== null);
  return {
    points,
    line,
    area: `${line}V${HEIGHT}H0Z`,
    rateLine: maxRate === 0 ? "" : path(
      rated.map(({ x, rate }) => [x, HEIGHT * (1 - 0.9 * rate! / maxRate)]),
    ),
    maxRate,
    counted,
  };
}

/** The point nearest to `x`. */
export function nearest({ points }: Chart, x: number): ChartPoint {
  let low = 0;
  let high = points.length - 1;
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((points[middle]!.x + points[middle + 1]!.x) / 2 < x) low = middle + 1;
    else high = middle;
  }
  return points[low]!;
}

function path(places: readonly (readonly [x: number, y: number])[]): string {
  return places.map(([x, y], n) => `${n === 0 ? "M" : "L"}${round(x)} ${round(y)}`).join("");
}

function round(value: number): number {
  return Math.round(value * 10) / 10;
}
