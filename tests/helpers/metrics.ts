/**
 * What `GET /metrics` says, for the tests.
 *
 * @module
 */

import { assertEquals, assertMatch } from "@std/assert";

export class Figures {
  readonly #values: ReadonlyMap<string, number>;

  /** By series, as `name{label="value"}`. */
  constructor(values: ReadonlyMap<string, number>) {
    this.#values = values;
  }

  /** One of them; 0 where nothing was counted yet. */
  of(series: string): number {
    return this.#values.get(series) ?? 0;
  }

  /** Every series of a name, without the name. */
  all(name: string): Record<string, number> {
    const found = [...this.#values].filter(([series]) => series.split("{", 1)[0] === name);
    return Object.fromEntries(found.map(([series, value]) => [series.slice(name.length), value]));
  }
}

/** Reads a text in the format of Prometheus, line by line. */
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
