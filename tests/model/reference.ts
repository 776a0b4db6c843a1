import { existsSync } from "node:fs";
import type { NotifyTarget } from "../../lib/task/notify.ts";
import type { Labels } from "../../lib/task/labels.ts";
import type { TaskRecord } from "headway";
import type { EventRow } from "../helpers/api.ts";
import type { DebouncedSubmit } from "./debounce.ts";
import { Starts } from "./starts.ts";
import type { Fate } from "./trace.ts";

/** The owner of some of the tasks. */
export const OWNER = "acme";

/** A body of `POST /tasks`. */
export interface Submission extends Labels {
  /** One of {@link MODULES}. */
  kind: string;
  /** What the task is to do. */
  input: Fate["script"];
  /** See the API. */
  priority: number;
  /** See the API. */
  delay_ms: number;
  /** See the API. */
  max_attempts: number;
  /** See the API. */
  timeout_ms: number | null;
  /** See the API. */
  notify?: readonly NotifyTarget[];
}

/** A task that the server accepted. */
export interface KnownTask {
  /** Its id. */
  readonly id: string;
  /** What was submitted; for a debounced task, the last submit that it took. */
  submission: Submission;
  /** Its parent; `null` if it is not a child. */
  readonly parent: KnownTask | null;
  /** The schedule that made it, and for which time; absent if none did. */
  readonly slot?: Slot | undefined;
  /** What may have happened to it. */
  readonly fate: Fate;
  /** What clients asked of it. */
  readonly asked: Asked;
  /** Whether it was deleted; `"maybe"` if a delete got no answer. */
  gone: boolean | "maybe";
  /** As last seen. */
  record: TaskRecord | null;
  /** As last seen. */
  rows: EventRow[];
  /** The `seq` of its last row when the clock was last set back. */
  rowsBefore: number;
  /** Whether its oldest logs may be gone. */
  trimmed: boolean;
  /** Whether it may have been submitted with an Idempotency-Key. */
  readonly keyed: boolean;
}

/** A time of a schedule. */
export interface Slot {
  /** Its id. */
  schedule: string;
  /** ISO 8601; `null` where somebody said "run now". */
  time: string | null;
}

/** What clients asked of a task. */
export interface Asked {
  /** A cancel. */
  cancel: boolean;
  /** The most retries that it may have had. */
  retries: number;
  /** Signals that were sent; `taken` if an answer said so. */
  signals: { value: number; taken: boolean }[];
}

export interface KnownSchedule {
  /** The submission of each of its tasks. */
  submission: Submission;
  /** What happens to times that came while no server was looking. */
  missed: "skip" | "one" | "all";
  /** What happens to times that come while an earlier time's task is under way. */
  overlap: "skip" | "queue" | "allow";
  /** `"looked"` once it was audited after a pause, `"said"` until then. */
  paused: "no" | "said" | "looked";
  /** Whether it was ever paused. */
  rested: boolean;
  /** Tasks that a "run now" without an answer may have made or still make. */
  runs: number;
  /** Its known tasks, and those under way, at the last audit. */
  seen: { known: ReadonlySet<string>; underWay: ReadonlySet<string> };
  /** When it was made, in milliseconds of the server's clock. */
  since: number;
  /** Whether it was deleted. */
  over: boolean;
}

/** The kinds of each module. Each module has task processes of its own. */
export const MODULES = {
  "kinds.ts": [
    "model",
    "model-limited",
    "model-keyed",
    "model-rated",
    "model-debounced",
    "model-parent",
  ],
  "other_kinds.ts": ["model-staged"],
} as const;

/** An Idempotency-Key that was used. */
export interface UsedKey {
  /** The submission that the server last accepted with it. */
  submission: Submission;
  /** The task that it made; `null` if there was no answer. */
  id: string | null;
  /** When it was first used, in milliseconds of the server's clock; `null` if not known. */
  at: number | null;
  /** Bodies that it may stand for: several, if some got no answer or were sent at the same time. */
  bodies: Set<Submission>;
}

/** Log rows that a task keeps: those of the longest scripts are trimmed. */
export const MAX_LOG = 20;

/** Log rows from which on trimming may have begun, which may let the bound be exceeded a little. */
const TRIMS_FROM = MAX_LOG + 55;

/** Milliseconds for which an Idempotency-Key is valid. */
const KEY_MS = 24 * 3600_000;

/** What the server should know, according to the requests so far. */
export class Reference {
  /** All tasks in the order in which they were noted, deleted ones included. */
  readonly tasks: KnownTask[] = [];
  /** Idempotency-Keys that were used, by key and owner. */
  readonly keys = new Map<string, UsedKey>();
  /** By nonce, submissions without an answer: they may have been accepted. */
  readonly unanswered = new Map<string, Submission>();
  /** Submits of debounced tasks, by nonce. */
  readonly debounced = new Map<string, DebouncedSubmit>();
  readonly schedules = new Map<string, KnownSchedule>();
  /** By paused kind, the starts of each task at the first audit after the pause; `null` until then. */
  readonly paused = new Map<string, Map<string, number> | null>();
  /** The starts of the tasks of `model-rated`. */
  readonly starts = new Starts();
  /** Milliseconds by which the server's clock is ahead of ours. */
  shift = 0;
  /** Whether the server's clock was ever set back. */
  wasSetBack = false;
  #numbers = 0;
  /** Nonces of submissions that were not known to be accepted when the clock jumped. */
  readonly #jumpedOver = new Set<string>();
  /** By module, the kills of its task processes. */
  readonly #deaths: Record<string, Death[]> = {};
  /** For each nonce, the deaths in each module that were over before it was given. */
  readonly #before: Record<string, number>[] = [];

  /** The server's time, in milliseconds. */
  now(): number {
    return Date.now() + this.shift;
  }

  /** A new name for a submission. */
  nonce(): string {
    const over = Object.entries(this.#deaths)
      .map(([module, deaths]) => [module, deaths.filter(isOver).length] as const);
    return `n${this.#before.push(Object.fromEntries(over))}`;
  }

  /** The next number: each is given only once. */
  number(): number {
    return ++this.#numbers;
  }

  /** Tasks that are not deleted. */
  get present(): KnownTask[] {
    return this.tasks.filter(({ gone }) => gone !== true);
  }

  /** A task by any number, taken modulo the number of tasks; `undefined` if there are none. */
  pick(n: number): KnownTask | undefined {
    const { present } = this;
    return present[n % present.length];
  }

  /** A task by its id, even if it is deleted. */
  find(id: string): KnownTask | undefined {
    return this.tasks.find((task) => task.id === id);
  }

  /** Notes a task that the server has, unless it is known. */
  add(
    id: string,
    submission: Submission,
    { keyed = false, parent = null, slot }: {
      keyed?: boolean;
      parent?: KnownTask | null;
      slot?: Slot;
    } = {},
  ): void {
    if (this.find(id)) return;
    const { kind, input, max_attempts, timeout_ms } = submission;
    const module = moduleOf(kind);
    const before = this.#before[numberIn(input.nonce) - 1]![module] ?? 0;
    const died = () => (this.#deaths[module]?.length ?? 0) - before;
    const asked: Asked = { cancel: false, retries: 0, signals: [] };
    if (!parent && !slot) this.unanswered.delete(input.nonce);
    const task: KnownTask = {
      id,
      submission,
      keyed,
      parent,
      slot,
      asked,
      gone: false,
      record: null,
      rows: [],
      rowsBefore: 0,
      trimmed: false,
      fate: {
        get script() {
          return task.submission.input;
        },
        maxAttempts: max_attempts,
        timeoutMs: timeout_ms,
        staged: kind === "model-staged",
        debounced: kind === "model-debounced",
        hasTurn: (parent?.submission.input.at_once ?? 0) > 0,
        get mayBeCanceled() {
          return asked.cancel || (parent !== null && mayBeLeft(task));
        },
        jumped: parent?.fate.jumped ?? this.#jumpedOver.has(input.nonce),
        get deaths() {
          return died();
        },
        get mayBeAlone() {
          return died() >= 2;
        },
        get mayDie() {
          return died() >= 3;
        },
        get retries() {
          return asked.retries + (parent ? attemptsOf(parent) : 0);
        },
        get trims() {
          const logs = task.rows.filter(({ event }) => event === "log").length;
          return task.trimmed ||= logs + 2 * input.rows > TRIMS_FROM;
        },
      },
    };
    this.tasks.push(task);
  }

  /** The clock was set back: earlier times must not be compared with later ones. */
  newEra(): void {
    this.wasSetBack = true;
    for (const task of this.tasks) {
      task.rowsBefore = Math.max(task.record?.seq ?? 0, task.rows.at(-1)?.seq ?? 0);
    }
  }

  /** The clock jumps: how long anything under way takes can no longer be told from its times. */
  jumped(): void {
    this.starts.jumped();
    for (const { fate } of this.tasks) fate.jumped = true;
    // The server may have accepted these, and list them only later.
    for (const nonce of [...this.unanswered.keys(), ...this.debounced.keys()]) {
      this.#jumpedOver.add(nonce);
    }
  }

  /** Notes that the task processes of a module are being killed. */
  died(module: string, pids: readonly number[]): void {
    (this.#deaths[module] ??= []).push({ pids });
  }

  /** Whether a key must still be valid; `null` if either is right. */
  keyIsGood({ at }: UsedKey): boolean | null {
    if (at === null) return null;
    const left = at + KEY_MS - this.now();
    return Math.abs(left) < 60_000 ? null : left > 0;
  }
}

/** Whether a child may be canceled because a sibling failed or because its parent ended. */
function mayBeLeft({ parent, asked }: KnownTask): boolean {
  const { fate, submission } = parent!;
  const { on_failure } = submission.input;
  return asked.retries > 0 || on_failure === "cancel" || fate.timeoutMs !== null ||
    fate.mayBeCanceled || fate.mayDie;
}

/** Attempts that a task may have made: each may retry its children. */
function attemptsOf({ fate: { maxAttempts, retries } }: KnownTask): number {
  return maxAttempts * (1 + retries);
}

/** A kill of task processes. Until the server notices, it may still give them a task. */
interface Death {
  pids: readonly number[];
}

/** Whether the server has noticed: it has reaped each process. */
function isOver({ pids }: Death): boolean {
  return pids.every((pid) => !existsSync(`/proc/${pid}`));
}

/** The number of a nonce. */
export function numberIn(nonce: string): number {
  return Number.parseInt(nonce.slice(1));
}

function moduleOf(kind: string): string {
  const [name] = Object.entries<readonly string[]>(MODULES).find(([, kinds]) =>
    kinds.includes(kind)
  )!;
  return name;
}
