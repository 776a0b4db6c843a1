/**
 * The writes that the journal takes, and their results.
 *
 * @module
 */

import type { Key } from "../kv/keys.ts";
import type { TaskEvent } from "../task/event.ts";

export interface Part {
  /** What must still hold; at most a few. Those of several parts may be one object: it counts once. */
  checks?: Deno.AtomicCheck[];
  /** Key, value, about how many bytes the value takes, and milliseconds after which KV may remove it. */
  sets?: [key: Key, value: unknown, size: number, expireIn?: number][];
  deletes?: Key[];
  /** What is told to everybody who watches. */
  events?: TaskEvent[];
  /** It did not all fit: ask again. */
  more?: boolean;
}

/** How a write ended. A lost check is a value: the caller reads again and decides again. */
export type WriteResult =
  | { ok: true; versionstamp: string }
  | { ok: false; reason: "conflict" | "fenced" | "closed" | "refused" };

export interface Write {
  /** What to write now, with journal lines of at most `room` bytes; `null` when none of it fits. */
  render(room: number): Part | null;
  /** Told once for each part rendered. */
  onresult(result: WriteResult): void;
  /** Told once for each part that was written, when its events were passed on. */
  onpassed?(): void;
  /** It goes into the next commit, before all that waits. @default {false} */
  readonly urgent?: boolean;
}
