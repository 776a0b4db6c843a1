/**
 * Webhooks in the store: the targets of a task, and what was delivered to each or is to be. All
 * webhooks of a task to one target are a line, and are sent in order.
 *
 * @module
 */

import type { NotifyEvent, StoredTarget } from "../task/notify.ts";
import { readText, textValue } from "./head.ts";
import { type Key, keys } from "./keys.ts";

/** One try to deliver. */
export interface DeliveryAttempt {
  /** Milliseconds since the epoch. */
  at: number;
  /** Milliseconds that it took. */
  ms: number;
  /** The HTTP status; `null` if there was no response. */
  status: number | null;
  /** What went wrong; `null` for nothing. */
  error: string | null;
  /** The beginning of the response's body. */
  response: string;
}

/** The value of a `delivery` key. */
export interface Delivery {
  /** The target's index among those of the task. */
  target: number;
  /** The origin of the target's URL: the rest of that may be a secret. */
  origin: string;
  event: NotifyEvent;
  /** When the event happened, milliseconds since the epoch. */
  at: number;
  /** Since when it is to be delivered, milliseconds since the epoch. */
  since: number;
  state: "waiting" | "delivered" | "given_up";
  /** Tries in all, including those that `attempts` no longer has. */
  tries: number;
  /** It is not sent before this time, milliseconds since the epoch. */
  next: number;
  /** The session that is sending it, until `next`; `null` for none. */
  by: string | null;
  /** The latest tries, newest last. */
  attempts: readonly DeliveryAttempt[];
  /** Who last had it sent again; absent for nobody. */
  resentBy?: string;
  /** Its target, if the task is gone: the delivery is then removed once it has ended. */
  orphan?: StoredTarget;
}

/** The task and the index of the target that a line is for. */
export interface Line {
  readonly id: string;
  readonly target: number;
}

/** About how many bytes a delivery takes. */
export function deliverySize({ attempts, orphan }: Delivery): number {
  let size = 512 + (orphan ? 4096 : 0);
  for (const { error, response } of attempts) {
    size += 128 + 3 * ((error?.length ?? 0) + response.length);
  }
  return size;
}

export function deliverySet(id: string, n: number, delivery: Delivery): [Key, Delivery, number] {
  return [keys.delivery(id, n), delivery, deliverySize(delivery)];
}

/** The change that has some process look at a line at `at`, milliseconds since the epoch. */
export function dueSet({ id, target }: Line, at: number, origin: string): [Key, string, number] {
  return [keys.deliveryDue(at, id, target), origin, 300];
}

/** The change that has every process that sends webhooks look now. */
export function outboxMoved(id: string): [Key, string, number] {
  return [keys.outboxHead, id, 32];
}

/** The change that stores the targets of a task. */
export function targetsSet(
  id: string,
  targets: readonly StoredTarget[],
): [Key, Uint8Array, number] {
  const value = textValue(JSON.stringify(targets));
  return [keys.notify(id), value, value.length];
}

/** The targets of a task; none if it is gone. */
export async function readTargetsOf(kv: Deno.Kv, id: string): Promise<readonly StoredTarget[]> {
  return JSON.parse(await readText(kv, keys.notify(id)) ?? "[]");
}

/** Keys or deliveries handled in one commit. */
const AT_ONCE = 20;

/**
 * Removes the deliveries of a task that is gone. Those that wait are still sent: each keeps its target,
 * and is removed once it has ended.
 */
export async function removeDeliveries(kv: Deno.Kv, id: string): Promise<void> {
  const targets = await readTargetsOf(kv, id);
  if (targets.length === 0) return;
  const options = { batchSize: AT_ONCE };
  for await (const entry of kv.list<Delivery>({ prefix: keys.deliveries(id) }, options)) {
    let { value, versionstamp }: Deno.KvEntryMaybe<Delivery> = entry;
    const { key } = entry;
    while (value !== null) {
      const atomic = kv.atomic().check({ key, versionstamp });
      const orphan = value.orphan ?? targets[value.target];
      if (value.state === "waiting" && orphan) atomic.set(key, { ...value, orphan });
      else atomic.delete(key).delete(keys.deliveryBody(id, deliveryIn(key)));
      if ((await atomic.commit()).ok) break;
      // Another process has changed it: decide again.
      ({ value, versionstamp } = await kv.get<Delivery>(key));
    }
  }
  await kv.delete(keys.notify(id));
}

/** The number of a `delivery` key. */
export function deliveryIn(key: Key): number {
  return Number(key[2]);
}
