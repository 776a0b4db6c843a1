/**
 * What a client that watches a task over restarts of the server must have seen in the end.
 *
 * @module
 */

import { assertEquals } from "@std/assert";
import { finished, storedEvents } from "../helpers/api.ts";
import type { follow } from "../helpers/follow.ts";
import { checkRows } from "./check_rows.ts";

/** What a client saw of a task. */
export type Seen = Awaited<ReturnType<typeof follow>>;

/** Asserts that a client saw every stored row of a task that completed, once and in order. */
export async function assertSawAll(base: string, id: string, seen: Seen): Promise<void> {
  const kept = (await storedEvents(base, id)).filter(({ event }) => event !== "message");
  const got = seen.events.filter(({ event }) => event !== "message");
  assertEquals(
    got.map(({ id, event, data }) => ({ seq: Number(id), event, data: JSON.parse(data) })),
    kept,
  );
}

/**
 * Asserts that a `numbered` task completed at its first attempt and did nothing twice, however
 * often it was stopped on the way.
 *
 * @returns How often it was started.
 */
export async function assertDoneOnce(
  base: string,
  id: string,
  shape: { rows: number; every: number },
): Promise<number> {
  const { status, attempt } = await finished(base, id);
  assertEquals([status, attempt], ["completed", 1]);
  const rows = await storedEvents(base, id);
  const numbers = rows.flatMap(({ event, data }) => event === "log" ? data.data?.row ?? [] : []);
  assertEquals(numbers, Array.from({ length: shape.rows }, (_, n) => n + 1));
  return checkRows(rows, { every: shape.every, count: shape.rows });
}
