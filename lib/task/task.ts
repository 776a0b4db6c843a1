/**
 * A task as the engine knows it: what everybody sees of it, and what only the engine needs.
 *
 * @module
 */

import type { ChildPlace } from "./child.ts";
import type { NotifyEvent } from "./notify.ts";
import type { TaskRecord } from "./record.ts";
import type { Retention } from "./retention.ts";
import type { Trace } from "./trace.ts";

/** Ids between the two, neither of them included; see {@link ./restored.ts}. */
export type LostIds = readonly [after: number, before: number];

/** What a rewind took back: the outputs between the two, neither of them included; see {@link ./rewind.ts}. */
export interface Rewound {
  after: number;
  /** The rewind's own `seq`. */
  before: number;
  /** Some of them may be stored still. */
  left: boolean;
}

/** A task, as the engine knows it. */
export interface Task {
  /** What everybody sees. Its `result` stays `null` here: it is stored apart, see `../kv/head.ts`. */
  record: TaskRecord;
  /** The session that runs it, or `null`. */
  owner: string | null;
  /** Milliseconds an attempt may take, or `null`. */
  timeoutMs: number | null;
  /** Its input is what the schema of its kind made of it: an attempt takes it as it is. */
  parsed?: boolean;
  /** The next start goes on with the same attempt: the last one was interrupted. */
  resuming: boolean;
  /** How often it was interrupted, in all. */
  interruptions: number;
  /** How often its process died under it since its last checkpoint. */
  deaths: number;
  checkpointed: boolean;
  /** Its place under the kind's concurrency limit, or `null`. */
  slot: number | null;
  /** Under which name others find it to be postponed; absent once it has begun, or was canceled. */
  debounce?: string;
  /** Under which name it has that place; absent where that is its kind's. */
  slotName?: string;
  /** The stage in which the record's figures were counted; `null` or nothing for none. */
  countedIn?: string | null;
  /** The highest percent shown in this attempt, which may be unknown in between. */
  peak: number;
  /** Log and output rows stored. */
  rows: number;
  /** Bytes they take. */
  rowBytes: number;
  /** Of these rows, the outputs. */
  outputs: number;
  /** Bytes they take. */
  outputBytes: number;
  /** The newest log row removed because of the bound on them; 0 for none. */
  trimmed: number;
  /** The newest output removed, likewise. */
  trimmedOutputs: number;
  /** The `seq` of the last checkpoint; 0 for none. */
  savedSeq: number;
  /** Of the newest output that counts; 0, or any up to that of the checkpoint, for none behind it. */
  outputSeq: number;
  /** What the last rewind took back; absent before the first. */
  rewound?: Rewound;
  /** Ids that clients may have from a history that a restore took back. */
  lostIds: readonly LostIds[];
  /** Where the last error was thrown; only those who may see the code get it. */
  stack?: string | null;
  /** How the attempt went up to now; `null` before the first. */
  trace: Trace | null;
  /** When the run under way, or the last one, began: milliseconds since the epoch. */
  runSince?: number;
  /** Milliseconds that earlier runs of the attempt took; absent for none. */
  ranMs?: number;
  /** Ids of the uploads that are kept until it has ended; absent for none. */
  uploads?: readonly string[];
  /** The name of the token that submitted it; absent where none was needed. */
  submitter?: string;
  /** How long it is kept after its end, as its kind said; absent where the settings say. */
  retention?: Retention;
  /** Where its submit was in a trace; absent where nobody said so. */
  traceparent?: string;
  /** How often an answer of a step, sleep or signal was stored; absent for never. */
  answers?: number;
  /** `step` rows stored; absent for none. */
  steps?: number;
  /** Its place among the children of another task; absent where it is none. */
  child?: ChildPlace;
  /** Children it has made, about; absent where it never was to have some. */
  children?: number;
  /** Whom webhooks tell of it, and of what; absent for nobody. */
  notify?: readonly Told[];
  /** What they were told of it, counted for each; absent for nothing yet. */
  notified?: number;
}

/** One whom webhooks tell of a task. */
export interface Told {
  /** Of the target's address. */
  readonly origin: string;
  readonly on: readonly NotifyEvent[];
}
