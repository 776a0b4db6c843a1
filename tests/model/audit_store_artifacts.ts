import type { Arriving } from "../../lib/kv/arrival.ts";
import type { StoredArtifact } from "../../lib/kv/artifacts.ts";
import { HEAD_BYTES } from "../../lib/kv/stored_size.ts";
import { isFinished, type TaskRecord } from "../../lib/task/record.ts";
import { holds } from "./invariants.ts";

/** Asserts that the stored artifacts are whole, listed by their records, and counted. */
export function checkArtifacts(
  entries: readonly Deno.KvEntry<unknown>[],
  records: ReadonlyMap<string, TaskRecord>,
): void {
  const bytes = new Map<string, number>();
  const kept = new Map<string, Record<string, number>>();
  let sum = 0;
  let counted = 0;
  for (const { key, value } of entries) {
    if (key[0] === "piece") {
      const id = String(key[1]);
      bytes.set(id, (bytes.get(id) ?? 0) + (value as Uint8Array).length);
    }
    if (key[0] === "artifacts-size") counted = Number((value as Deno.KvU64).value);
  }
  for (const { key, value } of entries) {
    if (key[0] === "arriving") {
      const { task, size } = value as Arriving;
      if (task !== undefined) sum += HEAD_BYTES + size;
    }
    if (key[0] !== "artifact") continue;
    const stored = value as StoredArtifact;
    const whole = bytes.get(stored.id) === stored.size;
    holds("I22", whole, () => `${key}: ${bytes.get(stored.id)} of ${stored.size} bytes`);
    sum += HEAD_BYTES + stored.size;
    kept.set(String(key[1]), { ...kept.get(String(key[1])), [String(key[2])]: stored.size });
  }
  holds("I22", sum === counted, () => `files of ${sum} bytes are counted as ${counted}`);
  for (const [id, { status, artifacts = [] }] of records) {
    const files = kept.get(id) ?? {};
    // The head of a running task may not list the newest artifact yet.
    const same = artifacts.every(({ name, size }) =>
      isFinished(status) ? files[name] === size : files[name] !== undefined
    );
    const right = same && (!isFinished(status) || artifacts.length === Object.keys(files).length);
    holds("I22", right, () => `${id}: ${JSON.stringify(artifacts)}, not ${JSON.stringify(files)}`);
  }
}
