/**
 * What clients ask of the server, and which answers are right.
 *
 * @module
 */

import { isFinished, type TaskRecord } from "../../lib/task/record.ts";
import { debounce, type DebounceOperation } from "./debounce.ts";
import { type Circumstances, expect, isLost, missing } from "./expect_answer.ts";
import { holds } from "./invariants.ts";
import { FILE } from "./script.ts";
import type { Labels } from "../../lib/task/labels.ts";
import {
  type KnownTask,
  numberIn,
  OWNER,
  type Reference,
  type Submission,
  type UsedKey,
} from "./reference.ts";
import { targetsFor } from "./webhooks.ts";
import type { World } from "./world.ts";

/** A request of a client. The number of a task is taken modulo the number of tasks, and so on. */
export type Operation =
  | { do: "submit"; shape: Shape }
  | { do: "submit with an upload"; shape: Shape; size: number }
  | { do: "submit with a key"; shape: Shape; key: number; same: boolean; twice: boolean }
  | { do: "run a schedule"; schedule: number }
  | DebounceOperation
  | { do: "cancel" | "retry" | "delete" | "signal" | "signal twice"; task: number };

/** A submission without its nonce, labels and webhooks. */
export type Shape = Omit<Submission, "input" | "notify" | keyof Labels> & {
  input: Omit<Submission["input"], "nonce">;
};

/** Performs an operation, and asserts that the answer is right. */
export async function perform(
  operation: Operation,
  reference: Reference,
  world: World,
  circumstances: Circumstances,
): Promise<void> {
  switch (operation.do) {
    case "submit":
      return await submit(
        named(operation.shape, reference, world),
        reference,
        world,
        circumstances,
      );
    case "submit with an upload": {
      const upload = await world.upload(operation.size);
      if (upload === null) return missing("an upload", null, world, circumstances);
      const { input } = operation.shape;
      const shape = { ...operation.shape, input: { ...input, upload } };
      return await submit(named(shape, reference, world), reference, world, circumstances);
    }
    case "submit with a key":
      return await submitWithKey(operation, reference, world, circumstances);
    case "debounce":
      return await debounce(operation, reference, world, circumstances);
    case "run a schedule":
      return await runSchedule(operation.schedule, reference, world, circumstances);
    default: {
      const task = reference.pick(operation.task);
      if (!task) return;
      return await DECIDE[operation.do](task, reference, world, circumstances);
    }
  }
}

function named({ input, ...shape }: Shape, reference: Reference, { hooks }: World): Submission {
  const nonce = reference.nonce();
  const notify = targetsFor(numberIn(nonce), hooks.url);
  return { ...shape, ...labelsFor(nonce), ...notify, input: { nonce, ...input } };
}

/** The labels of a task: an owner, tags, both or none. */
function labelsFor(nonce: string): Labels {
  const n = numberIn(nonce);
  return {
    ...(n % 2 === 0 ? { owner: OWNER } : {}),
    ...(n % 3 === 0 ? {} : { tags: ["each", `tag ${n % 3}`] }),
  };
}

async function submit(
  submission: Submission,
  reference: Reference,
  world: World,
  circumstances: Circumstances,
): Promise<void> {
  reference.unanswered.set(submission.input.nonce, submission);
  const answer = await world.ask("POST", "/tasks", { body: submission });
  if (isLost(answer)) return missing("a submit", answer, world, circumstances);
  expect("I1", answer, [201], "a submit");
  reference.add(String(answer.body!.task_id), submission);
}

/** Asks for a run of a schedule now. */
async function runSchedule(
  number: number,
  reference: Reference,
  world: World,
  circumstances: Circumstances,
): Promise<void> {
  const open = [...reference.schedules].filter(([, { over }]) => !over);
  const [id, schedule] = open[number % open.length] ?? [];
  if (id === undefined || schedule === undefined) return;
  // Counted before the answer: the task may be made even if no answer comes.
  schedule.runs++;
  const answer = await world.ask("POST", `/schedules/${id}/run`);
  if (isLost(answer)) return missing("a run now", answer, world, circumstances);
  expect("I25", answer, [201], `a run of ${id}`);
  schedule.runs--;
  const { task_id, priority } = answer.body as unknown as TaskRecord;
  const slot = { schedule: id, time: null };
  reference.add(task_id, { ...schedule.submission, priority }, { keyed: true, slot });
}

async function submitWithKey(
  { shape, key: number, same, twice }: Extract<Operation, { do: "submit with a key" }>,
  reference: Reference,
  world: World,
  circumstances: Circumstances,
): Promise<void> {
  const key = `key-${number}`;
  const known = [OWNER, undefined].map((owner) => reference.keys.get(ownKey(key, owner)));
  const before = same ? known.find((used) => used !== undefined) : undefined;
  const submission = before?.submission ?? named(shape, reference, world);
  // Each owner has keys of their own.
  const used = reference.keys.get(ownKey(key, submission.owner));
  const send = () => sendWithKey(key, submission, used, reference, world, circumstances);
  const ids = await Promise.all(twice ? [send(), send()] : [send()]);
  const made = new Set(ids.filter((id) => id !== null));
  // The key's old task may be deleted between the two submits.
  if (!circumstances.alone && used?.id) made.delete(used.id);
  holds("I6", made.size <= 1, () => `one key made ${[...made]}`);
}

function ownKey(key: string, owner: string | undefined): string {
  return `${key} of ${owner ?? "nobody"}`;
}

/** @returns The task's id; `null` when there is none, or no answer. */
async function sendWithKey(
  key: string,
  submission: Submission,
  used: UsedKey | undefined,
  reference: Reference,
  world: World,
  circumstances: Circumstances,
): Promise<string | null> {
  const good = used === undefined ? false : reference.keyIsGood(used);
  const same = used?.submission === submission;
  // Looked up before the request: of two submits, one may make the task that the other one finds.
  const first = same
    ? reference.tasks.findLast((task) => task.submission === submission)
    : undefined;
  const at = reference.now();
  const own = ownKey(key, submission.owner);
  const known = reference.keys.get(own) ??
    { submission, id: null, at, bodies: new Set<Submission>() };
  // Noted before the answer: the submit may be accepted even if no answer comes.
  known.bodies.add(submission);
  reference.keys.set(own, known);
  reference.unanswered.set(submission.input.nonce, submission);
  const answer = await world.ask("POST", "/tasks", {
    body: submission,
    headers: { "idempotency-key": key },
  });
  if (isLost(answer)) {
    // If its task was deleted, or it had expired, the key may have begun again.
    if (used !== undefined) known.at = null;
    missing("a submit with a key", answer, world, circumstances);
    return null;
  }
  const others = [...known.bodies].filter((it) => it !== submission && it !== used?.submission);
  const contested = !circumstances.alone || others.length > 0 ||
    (used !== undefined && used.id === null && !same);
  if (answer.status === 422) {
    const right = contested || (used !== undefined && !same && good !== false);
    holds("I6", right, () => `${key} was refused`);
    known.bodies.delete(submission);
    reference.unanswered.delete(submission.input.nonce);
    return null;
  }
  if (!same && good === true && !contested) {
    expect("I6", answer, [422], "a key with another body");
  }
  expect("I6", answer, [200, 201], `a submit with ${key}`);
  const id = String(answer.body!.task_id);
  if (first && first.gone === false && good === true && !contested) {
    const right = id === first.id && answer.status === 200;
    holds("I6", right, () => `${key} made ${id}, answered ${answer.status}, of ${first.id}`);
  }
  reference.add(id, submission, { keyed: true });
  const bodies = circumstances.alone ? new Set([submission]) : known.bodies;
  const found = good === true && first?.gone === false ? used!.at : null;
  const begun = answer.status === 201 || used === undefined ? at : found;
  reference.keys.set(own, { submission, id, at: begun, bodies });
  return id;
}

type Decide = (
  task: KnownTask,
  reference: Reference,
  world: World,
  circumstances: Circumstances,
) => Promise<void>;

/** Whether a task had ended at the last audit, and nothing can have changed that since. */
function hadEnded({ record, gone, parent }: KnownTask, circumstances: Circumstances): boolean {
  if (!circumstances.alone || gone !== false) return gone === true;
  // A parent that has not ended may retry its children.
  return record !== null && isFinished(record.status) &&
    (parent === null || hadEnded(parent, circumstances));
}

const DECIDE: Record<Extract<Operation, { task: number }>["do"], Decide> = {
  signal,

  async "signal twice"(...args) {
    await Promise.all([signal(...args), signal(...args)]);
  },

  async cancel(task, _reference, world, circumstances) {
    const ended = hadEnded(task, circumstances);
    // Noted before the answer, which may come after the task has stopped.
    if (!ended) task.asked.cancel = true;
    const answer = await world.ask("POST", `/tasks/${task.id}/cancel`);
    if (isLost(answer)) return missing("a cancel", answer, world, circumstances);
    const right = ended
      ? [409]
      : [200, 202, 409, ...task.gone || !circumstances.alone ? [404] : []];
    expect("I2", answer, right, `a cancel of ${task.id}`);
  },

  async retry(task, reference, world, circumstances) {
    const ended = hadEnded(task, circumstances);
    task.asked.retries++;
    // A retry of a completed task makes a new task, even if no answer comes.
    const again = { ...task.submission, delay_ms: 0 };
    const { nonce } = again.input;
    reference.unanswered.set(nonce, again);
    const answer = await world.ask("POST", `/tasks/${task.id}/retry`);
    if (isLost(answer)) return missing("a retry", answer, world, circumstances);
    const other = task.gone || !circumstances.alone ? [404] : [];
    // A child whose parent has ended is retried only with its parent.
    const right = ended
      ? [task.record!.status === "completed" ? 201 : task.parent ? 409 : 200]
      : [200, 201, 409, ...other];
    // Its upload is kept for a day, which a jump of the clock may have ended.
    if (task.submission.input.upload !== "" && task.fate.jumped) right.push(409, 422);
    expect("I2", answer, right, `a retry of ${task.id}`);
    if (answer.status !== 200) task.asked.retries--;
    if (answer.status === 201) reference.add(String(answer.body!.task_id), again);
    else if (circumstances.alone) reference.unanswered.delete(nonce);
  },

  async delete(task, _reference, world, circumstances) {
    const ended = hadEnded(task, circumstances);
    const answer = await world.ask("DELETE", `/tasks/${task.id}`);
    if (isLost(answer)) {
      if (task.gone === false) task.gone = "maybe";
      return missing("a delete", answer, world, circumstances);
    }
    const right = ended ? [204] : [204, 409, ...task.gone || !circumstances.alone ? [404] : []];
    expect("I5", answer, right, `a delete of ${task.id}`);
    if (answer.status !== 204) return;
    task.gone = true;
    const file = await world.ask("GET", `/tasks/${task.id}/artifacts/${FILE}`);
    if (!isLost(file)) expect("I22", file, [404], `a file of ${task.id}, deleted`);
    const after = await world.ask("GET", `/tasks/${task.id}`);
    if (!isLost(after)) expect("I5", after, [404], `${task.id}, deleted`);
  },
};

async function signal(...[task, reference, world, circumstances]: Parameters<Decide>) {
  const ended = hadEnded(task, circumstances);
  const { signals } = task.asked;
  const sent = { value: reference.number(), taken: false };
  // Noted before the answer: the signal may be taken even if no answer comes.
  signals.push(sent);
  const answer = await world.ask("POST", `/tasks/${task.id}/signals/go`, { body: sent.value });
  if (isLost(answer)) return missing("a signal", answer, world, circumstances);
  const right = ended ? [409] : [200, 409, ...task.gone || !circumstances.alone ? [404] : []];
  expect("I20", answer, right, `a signal to ${task.id}`);
  if (answer.status === 200) {
    sent.taken = true;
    const taken = signals.filter((signal) => signal.taken);
    // A signal that the task never used is removed when it ends; a retry may take another one.
    const once = taken.length === 1 || task.fate.retries > 0;
    holds("I20", once, () => `${task.id} took ${JSON.stringify(taken)}`);
  } else {
    signals.splice(signals.indexOf(sent), 1);
    const refused = String(answer.body?.detail).startsWith("Signal 'go' was sent");
    const right = !refused || signals.length > 0 || task.submission.input.naps > 0;
    holds("I20", right, () => `${task.id} was sent none: ${JSON.stringify(answer)}`);
  }
}
