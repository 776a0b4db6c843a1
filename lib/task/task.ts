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

/** A gap in a task's event ids, both ends excluded; see {@link ./restored.ts}. */
export type LostIds = readonly [after: number, before: number];

/** The outputs that a rewind took back, by `seq`, both ends excluded; see {@link ./rewind.ts}. */
export interface Rewound {
  after: number;
  /** The rewind's own `seq`. */
  before: number;
  /** Whether some of these outputs may still be stored. */
  left: boolean;
}

/** A task, as the engine knows it. */
export interface Task {
  /** The task as clients see it. `result` is `null` here: it is stored apart, see `../kv/head.ts`. */
  record: TaskRecord;
  /** The session that runs it, or `null`. */
  owner: string | null;
  /** Milliseconds that an attempt may take; `null` for no time-out. */
  timeoutMs: number | null;
  /** Whether the stored input is the schema's output: then no attempt parses it again. */
  parsed?: boolean;
  /** Whether the next start continues the same attempt, because the last run was interrupted. */
  resuming: boolean;
  /** The number of interruptions over the task's life. */
  interruptions: number;
  /** How often its task process died since the last checkpoint or answer was stored. */
  deaths: number;
  checkpointed: boolean;
  /** The number of its slot under the concurrency limit; `null` for none. */
  slot: number | null;
  /** The debounce key under which a later submit postpones it; absent once it began or was canceled. */
  debounce?: string;
  /** The name that its slot belongs to; absent if that is the kind's. */
  slotName?: string;
  /** The stage in which the record's figures were counted; `null` or absent for none. */
  countedIn?: string | null;
  /** The highest percent shown in this attempt: kept here while the record's `progress` is `null`. */
  peak: number;
  /** Log, output and artifact rows stored. */
  rows: number;
  /** Bytes of these rows. */
  rowBytes: number;
  /** How many of these rows are outputs. */
  outputs: number;
  /** Bytes of the outputs. */
  outputBytes: number;
  /** The `seq` of the newest log row that was removed to keep the bound on rows; 0 for none. */
  trimmed: number;
  /** The same for outputs. */
  trimmedOutputs: number;
  /** The `seq` of the last checkpoint; 0 for none. */
  savedSeq: number;
  /** The `seq` of the newest output that counts; at most `savedSeq` if the checkpoint is newer. */
  outputSeq: number;
  /** What the last rewind took back; absent before the first. */
  rewound?: Rewound;
  /** Event ids that clients may know from a history that a restore took back. */
  lostIds: readonly LostIds[];
  /** The stack of the last error; shown only to those who may see the code. */
  stack?: string | null;
  /** The progress of the attempt over time; `null` before the first. */
  trace: Trace | null;
  /** When the current or last run began, milliseconds since the epoch. */
  runSince?: number;
  /** Milliseconds that earlier runs of the attempt took; absent for none. */
  ranMs?: number;
  /** Ids of the uploads that are kept until the task ends; absent for none. */
  uploads?: readonly string[];
  /** The name of the token that submitted it; absent if none was needed. */
  submitter?: string;
  /** How long its kind keeps it after its end; absent if the settings decide. */
  retention?: Retention;
  /** The `traceparent` of its submit; absent if the submit had none. */
  traceparent?: string;
  /** How often an answer was stored; absent for never. */
  answers?: number;
  /** `step` rows stored; absent for none. */
  steps?: number;
  /** Which child of which task it is; absent if it is not a child. */
  child?: ChildPlace;
  /** Roughly how many children it has made; absent if it never called `children()`. */
  children?: number;
  /** The targets of its webhooks; absent for none. */
  notify?: readonly Told[];
  /** Deliveries so far, one for each event and target; absent for none. */
  notified?: number;
}

/** A target of a task's webhooks. */
export interface Told {
  /** The origin of the target's URL. */
  readonly origin: string;
  readonly on: readonly NotifyEvent[];
}
