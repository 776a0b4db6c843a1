import type { Delivery } from "../../lib/kv/deliveries.ts";
import { keyText } from "../../lib/kv/keys.ts";
import { holds } from "./invariants.ts";

/** Asserts that each stored delivery that waits is in a line, and that each line has a time. */
export function checkDeliveries(entries: readonly Deno.KvEntry<unknown>[]): void {
  const lines = new Set<string>();
  const heard = new Set<string>();
  const waiting = new Set<string>();
  for (const { key, value } of entries) {
    const [type, ...rest] = key;
    if (type === "outbox") lines.add(keyText(rest));
    if (type === "delivery-due") heard.add(keyText(rest.slice(1)));
    if (type !== "delivery") continue;
    const { target, state } = value as Delivery;
    if (state === "waiting") waiting.add(keyText([rest[0]!, target, rest[1]!]));
  }
  for (const { key } of entries) {
    if (key[0] !== "outbox") continue;
    const [, id, target] = key;
    const told = heard.has(keyText([id!, target!]));
    holds("I29", told, () => `nobody will hear of ${key.join(" ")}`);
  }
  for (const line of waiting) holds("I29", lines.has(line), () => `${line} waits in no line`);
  for (const line of lines) holds("I29", waiting.has(line), () => `${line} waits, and has come`);
}
