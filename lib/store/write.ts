/**
 * The writes that the journal takes, and their results.
 *
 * @module
 */

import type { Key } from "../kv/keys.ts";
import type { TaskEvent } from "../task/event.ts";

export interface Part {
  /** What must still hold; at most a few. An object that several parts share counts once. */
  checks?: Deno.AtomicCheck[];
  /** Key, value, about how many bytes the value takes, and milliseconds after which KV may remove it. */
  sets?: [key: Key, value: unknown, size: number, expireIn?: number][];
  deletes?: Key[];
  /** They are passed on to everybody who watches. */
  events?: TaskEvent[];
  /** Not everything fit: `render` has to be called again. */
  more?: boolean;
}

/** The result of a write. A failed check is a value: the caller reads again and decides again. */
export type WriteResult =
  | { ok: true; versionstamp: string }
  | { ok: false; reason: "conflict" | "fenced" | "closed" | "refused" };

export interface Write {
  /** What to write now, with journal lines of at most `room` bytes; `null` when none of it fits. */
  render(room: number): Part | null;
  /** Called once for each part rendered. */
  onresult(result: WriteResult): void;
  /** Called once for each part that was written, after its events were passed on. */
  onpassed?(): void;
  /** Whether it goes into the next commit, before everything queued. @default {false} */
  readonly urgent?: boolean;
}
