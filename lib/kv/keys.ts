/**
 * Every key Headway keeps in Deno KV. This comment is the schema.
 *
 * | key | value | |
 * | --- | --- | --- |
 * | `["task", id]` | {@link ./head.ts Head} | the record and what its owner must know |
 * | `["input", id]` | JSON text, UTF-8 | an input too large for the head |
 * | `["result", id]` | JSON text, UTF-8 | a result too large for the head |
 * | `["checkpoint", id]` | JSON text, UTF-8 | what the task last saved; see `../task/checkpoint_text.ts` |
 * | `["answer", id, name]` | {@link ../task/answer.ts Answer} as text, UTF-8 | what came of a step, a sleep, a signal or children of this name |
 * | `["signal", id, name]` | {@link ./answers.ts signalValue} | a signal that the task has not taken yet; no value where none may come any more |
 * | `["event", id, lastSeq]` | UTF-8 lines `type seq json` | log, output, step, rewind and state rows, those of some seconds in one value |
 * | `["index", kind, status, id]` | {@link Indexed}; `null` for nothing in it | for lists: one entry a task |
 * | `["expires", until, id]` | `null` | a finished task that itself says until when it is kept |
 * | `["submitted", token, id]` | `null` | for the lists of those who see their own tasks alone: by the name of the token that submitted it |
 * | `["owned", owner, id]` | `null` | for lists: the tasks of an owner |
 * | `["tagged", tag, id]` | `null` | likewise, of a tag: one entry for each of a task's |
 * | `["children", parent, id]` | `null` | likewise, of the task that made it |
 * | `["child", parent, name, n]` | {@link ../task/child.ts GroupedChild} | the n-th child of the group of this name: its task and its state |
 * | `["parent", id]` | `null` | a task that may have children which have not ended |
 * | `["kind", kind]` | `null` | every kind that has tasks, for merging the index; see {@link ./old_kinds.ts} |
 * | `["described", kind]` | {@link ./told_kinds.ts DescribedKind}, JSON, UTF-8 | the newest description of a kind by its module |
 * | `["module", sid, n]` | {@link ./told_kinds.ts ToldModule}, JSON, UTF-8 | what a process that runs tasks says of its n-th module of kinds |
 * | `["paused", kind]` | {@link ./paused_kinds.ts Pause} | the pause of a kind: no task of it starts |
 * | `["paused-head"]` | id | changes with each pause and resume: what claims check and `watch()` waits for |
 * | `["queue", line, -priority, run_at, id]` | `null` | pending tasks that may run, in their order: of a kind, or of each of its keys |
 * | `["later", kind, -priority, run_at, id]` | `null`, or its key | pending and waiting tasks that wait for a time: they may run from then on, in the same order |
 * | `["removed", id]` | `null` | a task that was deleted and whose rows have yet to go |
 * | `["cancel", id]` | a name, or `null` | who asked for a cancel through a process that does not own the task |
 * | `["audit", kind, list, ulid]` | {@link ./audit.ts AuditEntry} | who changed a kind, or deleted a task of it |
 * | `["slot", name, n]` | id | a slot under the cluster-wide concurrency of a kind, or of a key of it: the task that has it |
 * | `["rate", name, n]` | number | when a run took this slot in the rate of a kind, or of a key of it, milliseconds since the epoch |
 * | `["rated", kind]` | {@link ./slot_counts.ts StoredRate} | the rate of a kind that is in force: what starts check |
 * | `["notify", id]` | {@link ../task/notify.ts StoredTarget}s, JSON, UTF-8 | the targets of webhooks about a task |
 * | `["delivery", id, n]` | {@link ./deliveries.ts Delivery} | a webhook that was sent to one of them, or is to be |
 * | `["delivery-body", id, n]` | JSON text, UTF-8 | the body of that webhook |
 * | `["outbox", id, target, n]` | number | a webhook to be delivered, and since when: milliseconds since the epoch |
 * | `["delivery-due", at, id, target]` | its origin | a webhook to a target may be due then: whoever sees this key looks |
 * | `["outbox-head"]` | id | changes when a webhook is to be delivered now: what `watch()` waits for |
 * | `["debounce", kind, key]` | id | the task whose input a submit with this key replaces; it has not begun |
 * | `["idempotency", key]` | `{ id, digest, expires_at }` | who used an Idempotency-Key |
 * | `["session", sid]` | {@link ./sessions.ts SessionInfo} | a live process; renewed, reaped when silent |
 * | `["dead", sid]` | {@link ./sessions.ts DeadSession} | a session that was reaped and whose tasks have yet to be returned |
 * | `["janitor"]` | sid | the one process that sweeps |
 * | `["journal", versionstamp]` | {@link ./journal_entry.ts} | what happened, for minutes: lines `type id kind seq json`; rows and checkpoints are here first, and in their own keys seconds later |
 * | `["journal-part", n, versionstamp]` | bytes | the rest of an entry that is larger than one value |
 * | `["journal-head"]` | sid | changes with each commit: what `watch()` waits for |
 * | `["journal-floor"]` | versionstamp | the newest journal entry removed |
 * | `["upload", id]` | {@link ./upload_values.ts StoredUpload} | an upload's description |
 * | `["artifact", task, name]` | {@link ./artifacts.ts StoredArtifact} | an artifact's description |
 * | `["arriving", id]` | {@link ./arrival.ts Arriving} | an upload or an artifact that is not whole yet, or is being removed |
 * | `["piece", id, n]` | bytes | its n-th chunk |
 * | `["upload-hold", id, holder]` | `null` | a task that names it waits or runs, or a schedule names it; see {@link ./upload_life.ts} |
 * | `["upload-until", id]` | number | until when it is kept after the last such task, milliseconds since the epoch |
 * | `["uploads-removed"]` | id | changes with each removal of one |
 * | `["uploads-size"]` | KvU64 | bytes that all uploads take together |
 * | `["artifacts-size"]` | KvU64 | bytes that all artifacts take together |
 * | `["schedule", id]` | {@link ./schedules.ts StoredSchedule} | a schedule, and up to when its times are done with |
 * | `["schedule-input", id]` | JSON text, UTF-8 | the input of these tasks, where there is one |
 * | `["scheduled", id, task]` | `null` | a task of a schedule that has not ended |
 * | `["schedules"]` | {@link ./schedules.ts SchedulesHead} | changes with each schedule that is made, changed or removed |
 * | `["revoked", token]` | {@link ./revoked.ts Revoked} | sessions of the page, begun with the token of this name, that were ended |
 * | `["revoked-head"]` | id | changes with each of them: what `watch()` waits for |
 * | `["meta", "epoch"]` | text | tells this store from one that was wiped and begun again |
 * | `["meta", "restored"]` | number | when the store was last restored from a backup, milliseconds |
 * | `["meta", "schema"]` | number | the layout that this table describes, see {@link ./migrations.ts} |
 * | `["meta", "secret"]` | 32 bytes | signs sessions and tasks' tokens; made once, where tokens are needed |
 *
 * @module
 */

import type { Status } from "../task/record.ts";

export type Key = Deno.KvKey;

/** Sorts before every id. */
export const FIRST_ID = "";

/** Sorts after every id. */
export const BEHIND_IDS = "~";

/** The `ended` of a finished task that itself says how long it is kept: until a time, or for ever. */
export const OWN_EXPIRY = "own";

/** What the value of an `index` key says about its task, so that lists need not read the head. */
export interface Indexed {
  /** The task has a parent. */
  child?: true;
  /**
   * When it ended, milliseconds since the epoch, or {@link OWN_EXPIRY}; absent if it has not ended, or
   * if an older version wrote the key.
   */
  ended?: number | typeof OWN_EXPIRY;
}

export const keys = {
  task: (id: string): Key => ["task", id],
  tasks: ["task"] as Key,
  input: (id: string): Key => ["input", id],
  result: (id: string): Key => ["result", id],
  checkpoint: (id: string): Key => ["checkpoint", id],
  answer: (id: string, name: string): Key => ["answer", id, name],
  answers: (id: string): Key => ["answer", id],
  signal: (id: string, name: string): Key => ["signal", id, name],
  signalsOf: (id: string): Key => ["signal", id],
  signals: ["signal"] as Key,
  event: (id: string, lastSeq: number): Key => ["event", id, lastSeq],
  events: (id: string): Key => ["event", id],
  index: (kind: string, status: Status, id: string): Key => ["index", kind, status, id],
  indexOf: (kind: string, status: Status): Key => ["index", kind, status],
  indexesOf: (kind: string): Key => ["index", kind],
  expires: (until: number, id: string): Key => ["expires", until, id],
  expirings: ["expires"] as Key,
  submitted: (token: string, id: string): Key => ["submitted", token, id],
  owned: (owner: string, id: string): Key => ["owned", owner, id],
  tagged: (tag: string, id: string): Key => ["tagged", tag, id],
  children: (parent: string, id: string): Key => ["children", parent, id],
  child: (parent: string, name: string, index: number): Key => ["child", parent, name, index],
  group: (parent: string, name: string): Key => ["child", parent, name],
  groups: (parent: string): Key => ["child", parent],
  parent: (id: string): Key => ["parent", id],
  parents: ["parent"] as Key,
  kind: (kind: string): Key => ["kind", kind],
  kinds: ["kind"] as Key,
  described: (kind: string): Key => ["described", kind],
  describeds: ["described"] as Key,
  module: (sid: string, n: number): Key => ["module", sid, n],
  modulesOf: (sid: string): Key => ["module", sid],
  modules: ["module"] as Key,
  pausedKind: (kind: string): Key => ["paused", kind],
  pausedKinds: ["paused"] as Key,
  pausedHead: ["paused-head"] as Key,
  queue: (line: string, priority: number, runAt: number, id: string): Key => [
    "queue",
    line,
    lowness(priority),
    runAt,
    id,
  ],
  queueOf: (line: string): Key => ["queue", line],
  later: (kind: string, priority: number, runAt: number, id: string): Key => [
    "later",
    kind,
    lowness(priority),
    runAt,
    id,
  ],
  laterOf: (kind: string, priority: number): Key => ["later", kind, lowness(priority)],
  latersOf: (kind: string): Key => ["later", kind],
  laters: ["later"] as Key,
  removed: (id: string): Key => ["removed", id],
  removeds: ["removed"] as Key,
  cancel: (id: string): Key => ["cancel", id],
  audit: (kind: string, list: "changed" | "deleted", id: string): Key => ["audit", kind, list, id],
  audits: (kind: string, list: "changed" | "deleted"): Key => ["audit", kind, list],
  auditAll: ["audit"] as Key,
  slot: (name: string, n: number): Key => ["slot", name, n],
  slotsOf: (name: string): Key => ["slot", name],
  debounce: (kind: string, name: string): Key => ["debounce", kind, name],
  rateSlot: (name: string, n: number): Key => ["rate", name, n],
  rateSlotsOf: (name: string): Key => ["rate", name],
  rated: (kind: string): Key => ["rated", kind],
  notify: (id: string): Key => ["notify", id],
  delivery: (id: string, n: number): Key => ["delivery", id, n],
  deliveries: (id: string): Key => ["delivery", id],
  deliveryBody: (id: string, n: number): Key => ["delivery-body", id, n],
  outbox: (id: string, target: number, n: number): Key => ["outbox", id, target, n],
  outboxOf: (id: string, target: number): Key => ["outbox", id, target],
  outboxes: ["outbox"] as Key,
  deliveryDue: (at: number, id: string, target: number): Key => ["delivery-due", at, id, target],
  allDue: ["delivery-due"] as Key,
  deliveriesDue: (at: number): Key => ["delivery-due", at],
  outboxHead: ["outbox-head"] as Key,
  idempotency: (key: string): Key => ["idempotency", key],
  idempotencies: ["idempotency"] as Key,
  session: (sid: string): Key => ["session", sid],
  sessions: ["session"] as Key,
  dead: (sid: string): Key => ["dead", sid],
  deads: ["dead"] as Key,
  janitor: ["janitor"] as Key,
  journal: ["journal"] as Key,
  journalEntry: (versionstamp: string): Key => ["journal", versionstamp],
  journalParts: ["journal-part"] as Key,
  journalHead: ["journal-head"] as Key,
  journalFloor: ["journal-floor"] as Key,
  upload: (id: string): Key => ["upload", id],
  uploads: ["upload"] as Key,
  artifact: (task: string, name: string): Key => ["artifact", task, name],
  artifactsOf: (task: string): Key => ["artifact", task],
  artifacts: ["artifact"] as Key,
  arriving: (id: string): Key => ["arriving", id],
  arrivings: ["arriving"] as Key,
  uploadHold: (id: string, holder: string): Key => ["upload-hold", id, holder],
  uploadHolds: (id: string): Key => ["upload-hold", id],
  uploadUntil: (id: string): Key => ["upload-until", id],
  uploadsRemoved: ["uploads-removed"] as Key,
  uploadsSize: ["uploads-size"] as Key,
  artifactsSize: ["artifacts-size"] as Key,
  chunk: (id: string, n: number): Key => ["piece", id, n],
  chunks: (id: string): Key => ["piece", id],
  schedule: (id: string): Key => ["schedule", id],
  schedules: ["schedule"] as Key,
  scheduleInput: (id: string): Key => ["schedule-input", id],
  scheduled: (id: string, task: string): Key => ["scheduled", id, task],
  scheduledOf: (id: string): Key => ["scheduled", id],
  schedulesHead: ["schedules"] as Key,
  revoked: (token: string): Key => ["revoked", token],
  revokeds: ["revoked"] as Key,
  revokedHead: ["revoked-head"] as Key,
  epoch: ["meta", "epoch"] as Key,
  restored: ["meta", "restored"] as Key,
  schema: ["meta", "schema"] as Key,
  secret: ["meta", "secret"] as Key,
} as const;

/** The second part of a key that has two: an id, a kind, a session or a versionstamp. */
export function nameIn(key: Key): string {
  return String(key[1]);
}

/** Whether an `index` key's value says that its task has a parent. */
export function isOfChild(value: unknown): boolean {
  return (value as Indexed | null)?.child === true;
}

/** The task of an `index` key. */
export function indexedIn(key: Key): string {
  return String(key[3]);
}

/** The time and the task in an `expires` key; `until` is milliseconds since the epoch. */
export function expiresIn(key: Key): { until: number; id: string } {
  return { until: Number(key[1]), id: String(key[2]) };
}

/** The task of a `submitted`, `owned`, `tagged`, `children` or `scheduled` key. */
export function memberIn(key: Key): string {
  return String(key[2]);
}

/** The task and the name of a `signal` key. */
export function signalIn(key: Key): { id: string; name: string } {
  return { id: String(key[1]), name: String(key[2]) };
}

/** The index of the child within its group, in a `child` key. */
export function childIndexIn(key: Key): number {
  return Number(key[3]);
}

/** The number of a delivery, in an `outbox` key. */
export function outboxIn(key: Key): number {
  return Number(key[3]);
}

/** The time, the task and its target in a `delivery-due` key; `at` is milliseconds since the epoch. */
export function dueIn(key: Key): { at: number; id: string; target: number } {
  return { at: Number(key[1]), id: String(key[2]), target: Number(key[3]) };
}

/** The number of a `slot` or `rate` key. */
export function slotIn(key: Key): number {
  return Number(key[2]);
}

/** Negates a priority, so that higher ones sort first. KV tells 0 from -0: both become -0. */
function lowness(priority: number): number {
  return -(priority + 0);
}

/** About how many bytes a key takes in a commit: an upper bound, to keep under KV's limits. */
export function keySize(key: Key): number {
  let size = 0;
  for (const part of key) {
    size += typeof part === "string" ? part.length * 3 + 2 : 11;
  }
  return size;
}

/** A key as text, to find one that occurs twice in a commit. */
export function keyText(key: Key): string {
  let text = "";
  for (const part of key) text += `${String(part)}\u0000`;
  return text;
}
