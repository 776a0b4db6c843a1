import { existsSync } from "node:fs";
import type { NotifyTarget } from "../../lib/task/notify.ts";
import type { Labels } from "../../lib/task/labels.ts";
import type { TaskRecord } from "headway";
import type { EventRow } from "../helpers/api.ts";
import type { DebouncedSubmit } from "./debounce.ts";
import { Starts } from "./starts.ts";
import type { Fate } from "./trace.ts";

/** Whose some of the tasks are. */
export const OWNER = "acme";

/** A body of `POST /tasks`. */
export interface Submission extends Labels {
  /** One of {@link MODULES}. */
  kind: string;
  /** What it is to do. */
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

/** A task that was taken in. */
export interface KnownTask {
  /** Its id. */
  readonly id: string;
  /** What was sent; of one that was submitted again what was sent last. */
  submission: Submission;
  /** Whose child it is; `null` for nobody's. */
  readonly parent: KnownTask | null;
  /** Of which schedule, and for which of its times; absent where it is of none. */
  readonly slot?: Slot | undefined;
  /** What may have happened to it. */
  readonly fate: Fate;
  /** What somebody asked of it. */
  readonly asked: Asked;
  /** It was deleted, or a delete of it got no answer. */
  gone: boolean | "maybe";
  /** As last seen. */
  record: TaskRecord | null;
  /** As last seen. */
  rows: EventRow[];
  /** The `seq` of its last row when the clock was last set back. */
  rowsBefore: number;
  /** Its oldest logs may be gone. */
  trimmed: boolean;
  /** It may have been submitted with a key. */
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
  /** To stop. */
  cancel: boolean;
  /** To be tried again, so often at most. */
  retries: number;
  /** Signals that it has, or may have where no answer told. */
  signals: { value: number; taken: boolean }[];
}

/** A schedule that was made. */
export interface KnownSchedule {
  /** Of each task. */
  submission: Submission;
  /** What becomes of times that nobody saw come. */
  missed: "skip" | "one" | "all";
  /** What becomes of those that come while an earlier one's task is under way. */
  overlap: "skip" | "queue" | "allow";
  /** Since it was paused it was looked at, or not yet. */
  paused: "no" | "said" | "looked";
  /** It was paused at some time. */
  rested: boolean;
  /** Tasks that "run now" may still make: it got no answer yet. */
  runs: number;
  /** Its tasks that were known, and those under way, when it was last looked at. */
  seen: { known: ReadonlySet<string>; underWay: ReadonlySet<string> };
  /** When it was made, by the server's clock: milliseconds. */
  since: number;
  /** It was deleted. */
  over: boolean;
}

/** The modules of kinds, each of which has task processes of its own, and their kinds. */
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
  /** With this. */
  submission: Submission;
  /** What it made; `null` when there was no answer. */
  id: string | null;
  /** When, by the server's clock; `null` where that is not known. */
  at: number | null;
  /** Bodies that it may stand for: more than one where some got no answer, or at the same time. */
  bodies: Set<Submission>;
}

/** Log rows a task keeps: those of the longest scripts are trimmed. */
export const MAX_LOG = 20;

/** So many may be there before the first are: some more are let pass. */
const TRIMS_FROM = MAX_LOG + 55;

/** Milliseconds an Idempotency-Key is good for. */
const KEY_MS = 24 * 3600_000;

/** What the server should know, by what was said to it. */
export class Reference {
  /** Tasks, in the order in which they were taken in, the removed ones too. */
  readonly tasks: KnownTask[] = [];
  /** By key. */
  readonly keys = new Map<string, UsedKey>();
  /** What got no answer, by its nonce: it may have been taken in. */
  readonly unanswered = new Map<string, Submission>();
  /** Submits that may have been taken together, by nonce. */
  readonly debounced = new Map<string, DebouncedSubmit>();
  /** By id. */
  readonly schedules = new Map<string, KnownSchedule>();
  /** By paused kind: how often each task had started when that was answered; `null` before a look. */
  readonly paused = new Map<string, Map<string, number> | null>();
  /** When tasks whose rate is bound started. */
  readonly starts = new Starts();
  /** Milliseconds by which the server's clock is ahead of ours. */
  shift = 0;
  /** It was behind what it had been, at some time. */
  wasSetBack = false;
  #numbers = 0;
  /** By nonce, what was submitted and not known to be there when the clock jumped. */
  readonly #jumpedOver = new Set<string>();
  /** Kills of the task processes of a module. */
  readonly #deaths: Record<string, Death[]> = {};
  /** By nonce: deaths that were over before it was given. */
  readonly #before: Record<string, number>[] = [];

  /** Milliseconds, by the server's clock. */
  now(): number {
    return Date.now() + this.shift;
  }

  /** A name for a submission. */
  nonce(): string {
    const over = Object.entries(this.#deaths)
      .map(([module, deaths]) => [module, deaths.filter(isOver).length] as const);
    return `n${this.#before.push(Object.fromEntries(over))}`;
  }

  /** One that was never given before. */
  number(): number {
    return ++this.#numbers;
  }

  /** Tasks that are there. */
  get present(): KnownTask[] {
    return this.tasks.filter(({ gone }) => gone !== true);
  }

  /** A task that is there, by any number; `undefined` when there is none. */
  pick(n: number): KnownTask | undefined {
    const { present } = this;
    return present[n % present.length];
  }

  /** A task, by its id. */
  find(id: string): KnownTask | undefined {
    return this.tasks.find((task) => task.id === id);
  }

  /** Notes a task that the server has. */
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

  /** The clock was set back: times of before are not to be held against those since. */
  newEra(): void {
    this.wasSetBack = true;
    for (const task of this.tasks) {
      task.rowsBefore = Math.max(task.record?.seq ?? 0, task.rows.at(-1)?.seq ?? 0);
    }
  }

  /** The clock jumps: of times that go on it is not known how long they were. */
  jumped(): void {
    this.starts.jumped();
    for (const { fate } of this.tasks) fate.jumped = true;
    // The server may have them, and tell of them only later.
    for (const nonce of [...this.unanswered.keys(), ...this.debounced.keys()]) {
      this.#jumpedOver.add(nonce);
    }
  }

  /** Notes that the task processes of a module are being killed. */
  died(module: string, pids: readonly number[]): void {
    (this.#deaths[module] ??= []).push({ pids });
  }

  /** Whether a key must be known now; `null` where either is right. */
  keyIsGood({ at }: UsedKey): boolean | null {
    if (at === null) return null;
    const left = at + KEY_MS - this.now();
    return Math.abs(left) < 60_000 ? null : left > 0;
  }
}

/** Whether a child may be canceled with others, or since its parent ended before it. */
function mayBeLeft({ parent, asked }: KnownTask): boolean {
  const { fate, submission } = parent!;
  const { on_failure } = submission.input;
  return asked.retries > 0 || on_failure === "cancel" || fate.timeoutMs !== null ||
    fate.mayBeCanceled || fate.mayDie;
}

/** Attempts that it may have made: each may try its children again. */
function attemptsOf({ fate: { maxAttempts, retries } }: KnownTask): number {
  return maxAttempts * (1 + retries);
}

/** A kill of some processes: until the server knows of it, they may be given a task. */
interface Death {
  pids: readonly number[];
}

/** Whether the server knows: it took note of the end of each. */
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
