/**
 * Statistics for the measurements of a soak.
 *
 * @module
 */

/** A point of a line. */
export type Point = readonly [x: number, y: number];

/**
 * The slope of the line of best fit (least squares), in units of y for one of x. It is 0 for fewer
 * than two points, or if all have the same x.
 */
export function slope(points: readonly Point[]): number {
  const count = points.length;
  const meanX = points.reduce((sum, [x]) => sum + x, 0) / count;
  const meanY = points.reduce((sum, [, y]) => sum + y, 0) / count;
  let above = 0;
  let below = 0;
  for (const [x, y] of points) {
    above += (x - meanX) * (y - meanY);
    below += (x - meanX) ** 2;
  }
  return below > 0 ? above / below : 0;
}

/** A histogram as text: a line for each bin of `width`, from the first non-empty one to the last. */
export function histogram(values: readonly number[], width: number, unit: string): string {
  const bins = new Map<number, number>();
  for (const value of values) {
    const bin = Math.floor(value / width);
    bins.set(bin, (bins.get(bin) ?? 0) + 1);
  }
  if (bins.size === 0) return "nothing";
  const first = Math.min(...bins.keys());
  const last = Math.max(...bins.keys());
  const most = Math.max(...bins.values());
  const digits = String(last * width).length;
  return Array.from({ length: last - first + 1 }, (_, n) => {
    const count = bins.get(first + n) ?? 0;
    const from = String((first + n) * width).padStart(digits);
    return `${from} ${unit} ${"#".repeat(Math.ceil(40 * count / most))} ${count}`;
  }).join("\n");
}
