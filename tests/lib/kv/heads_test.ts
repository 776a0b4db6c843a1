import { assertEquals } from "@std/assert";
import { PendingProgress } from "../../../lib/feed/pending_progress.ts";
import { pack } from "../../../lib/kv/head.ts";
import { Heads } from "../../../lib/kv/heads.ts";
import { keys } from "../../../lib/kv/keys.ts";
import { seqOf } from "../../../lib/task/json_text.ts";
import { newTask } from "../../../lib/task/state.ts";
import { kvWith } from "../../helpers/kv_with.ts";

const ID = "01J00000000000000000000000";

/** What a task's head, its progress and its next state say. */
function recordAt(seq: number) {
  const spec = { id: ID, kind: "a", maxAttempts: 1, priority: 0, runAt: 0, timeoutMs: null };
  const task = newTask(spec, 0);
  return { ...task, record: { ...task.record, status: "running" as const, seq } };
}

function event(type: "progress" | "message" | "head", seq: number) {
  return { type, id: ID, kind: "a", seq, json: JSON.stringify(recordAt(seq).record) };
}

Deno.test("Heads takes back no progress that was shown, when the head is written while it reads", async () => {
  using kv = await Deno.openKv(":memory:");
  await kv.atomic()
    .set(keys.task(ID), pack(recordAt(10), null, null))
    .set(keys.index("a", "running", ID), null)
    .set(keys.kind("a"), null)
    .commit();
  for (const written of ["message", "head"] as const) {
    const pending = new PendingProgress();
    /** What was read is as old as it can be: its task went on since. */
    const late = <T>(read: T): T => {
      pending.note(event(written, 21));
      return read;
    };
    const heads = new Heads(
      kvWith(kv, {
        get: async <T>(key: Deno.KvKey) => late(await kv.get<T>(key)),
        getMany: async <T extends readonly unknown[]>(wanted: readonly [...Deno.KvKey[]]) =>
          late(await kv.getMany<T>(wanted as never)),
        list: <T>(selector: Deno.KvListSelector, options?: Deno.KvListOptions) => {
          const entries = kv.list<T>(selector, options);
          if ("prefix" in selector || selector.start[0] !== "task") return entries;
          const next = entries.next.bind(entries);
          entries.next = async () => late(await next());
          return entries;
        },
      }),
      pending,
    );
    const reads: Record<string, () => Promise<string>> = {
      "one": async () => (await heads.get(ID))!.record,
      "many": async () => (await heads.getMany([ID]))[0]!.value!.record,
      "a kind": async () => (await heads.list({ kinds: ["a"], limit: 1 })).records[0]!,
      "all": async () => (await heads.list({ limit: 1 })).records[0]!,
    };
    for (const [name, read] of Object.entries(reads)) {
      pending.note(event("progress", 20));
      assertEquals([name, seqOf(await read())], [name, 20]);
      // Whoever reads later finds the head.
      assertEquals(pending.get(ID), undefined);
    }
  }
});
