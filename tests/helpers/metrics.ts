/**
 * Reads the answer of `GET /metrics`.
 *
 * @module
 */

import { assertEquals, assertMatch } from "@std/assert";

export class Figures {
  readonly #values: ReadonlyMap<string, number>;

  /** Values by series, as `name{label="value"}`. */
  constructor(values: ReadonlyMap<string, number>) {
    this.#values = values;
  }

  /** The value of a series; 0 while nothing is counted. */
  of(series: string): number {
    return this.#values.get(series) ?? 0;
  }

  /** The values of every series of a metric, by labels, as `{label="value"}`. */
  all(name: string): Record<string, number> {
    const found = [...this.#values].filter(([series]) => series.split("{", 1)[0] === name);
    return Object.fromEntries(found.map(([series, value]) => [series.slice(name.length), value]));
  }
}

/** Parses the text format of Prometheus. */
export function parseFigures(text: string): Figures {
  const values = new Map<string, number>();
  for (const line of text.split("\n")) {
    if (line === "" || /^# (HELP|TYPE) [a-z_]+ \S/.test(line)) continue;
    assertMatch(line, /^[a-z_]+(\{[a-z_]+="[^"]*"(,[a-z_]+="[^"]*")*\})? [-+.e\d]+$/);
    const space = line.lastIndexOf(" ");
    assertEquals(values.has(line.slice(0, space)), false, `${line} comes twice`);
    values.set(line.slice(0, space), Number(line.slice(space + 1)));
  }
  return new Figures(values);
}

export async function readMetrics(base: string): Promise<Figures> {
  const response = await fetch(`${base}/metrics`);
  const text = await response.text();
  assertEquals(response.status, 200, text);
  assertMatch(response.headers.get("content-type")!, /^text\/plain; version=0\.0\.4/);
  return parseFigures(text);
}
