import { assertEquals } from "@std/assert";
import { PendingTasks } from "../../../lib/feed/pending_tasks.ts";
import { pack } from "../../../lib/kv/head.ts";
import { encodeRows } from "../../../lib/kv/event_text.ts";
import { Heads } from "../../../lib/kv/heads.ts";
import { keys } from "../../../lib/kv/keys.ts";
import { seqOf } from "../../../lib/task/json_text.ts";
import { newTask } from "../../../lib/task/new_task.ts";
import { kvWith } from "../../helpers/kv_with.ts";

const ID = "01J00000000000000000000000";

/** A running task at this `seq`, for its head and for its events. */
function recordAt(seq: number) {
  const spec = { id: ID, kind: "a", maxAttempts: 1, priority: 0, runAt: 0, timeoutMs: null };
  const task = newTask(spec, 0);
  return { ...task, record: { ...task.record, status: "running" as const, seq } };
}

function event(type: "progress" | "message" | "folded", seq: number) {
  return { type, id: ID, kind: "a", seq, json: JSON.stringify(recordAt(seq).record) };
}

Deno.test("Heads still returns shown progress if it is folded into the head during a read", async () => {
  using kv = await Deno.openKv(":memory:");
  await kv.atomic()
    .set(keys.task(ID), pack(recordAt(10), null, null))
    .set(keys.index("a", "running", ID), null)
    .set(keys.kind("a"), null)
    .commit();
  for (const written of ["message", "folded"] as const) {
    const pending = new PendingTasks();
    /** Makes a read as old as it can be: its task's head is written right after it. */
    const late = <T>(read: T): T => {
      pending.note("2", event(written, 21));
      return read;
    };
    const heads = new Heads(
      kvWith(kv, {
        get: async <T>(key: Deno.KvKey) => late(await kv.get<T>(key)),
        getMany: async <T extends readonly unknown[]>(wanted: readonly [...Deno.KvKey[]]) => {
          const entries = await kv.getMany<T>(wanted as never);
          return wanted[0]![0] === "task" ? late(entries) : entries;
        },
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
      pending.note("1", event("progress", 20));
      assertEquals([name, seqOf(await read())], [name, 20]);
      // It is folded: a later read finds it in the head.
      assertEquals(pending.get(ID), undefined);
    }
  }
});

Deno.test("Heads.rows() returns each row once, also if rows are folded during the read", async () => {
  using kv = await Deno.openKv(":memory:");
  const row = (seq: number) => ({ type: "log" as const, seq, json: `{"seq":${seq}}` });
  await kv.set(keys.task(ID), pack(recordAt(2), null, null));
  await kv.set(keys.event(ID, 2), encodeRows([row(1), row(2)]));
  const pending = new PendingTasks();
  for (const seq of [3, 4]) pending.note("1", { ...event("message", seq), ...row(seq) });
  let fold = false;
  const heads = new Heads(
    kvWith(kv, {
      list: <T>(selector: Deno.KvListSelector, options?: Deno.KvListOptions) => {
        const entries = kv.list<T>(selector, options);
        const next = entries.next.bind(entries);
        entries.next = async () => {
          const found = await next();
          if (fold) pending.note("2", event("folded", 4));
          return found;
        };
        return entries;
      },
    }),
    pending,
  );
  const seqs = async (after: number) => (await heads.rows(ID, after, 10))!.rows.map((it) => it.seq);
  assertEquals([await seqs(0), await seqs(2), await seqs(3)], [[1, 2, 3, 4], [3, 4], [4]]);
  // They are folded into the task's keys, but only after these were read.
  fold = true;
  assertEquals(await seqs(0), [1, 2, 3, 4]);
  // They are in the task's keys, and still in the journal.
  fold = false;
  await kv.set(keys.event(ID, 4), encodeRows([row(3), row(4)]));
  for (const seq of [3, 4]) pending.note("1", { ...event("message", seq), ...row(seq) });
  assertEquals([await seqs(0), await seqs(3)], [[1, 2, 3, 4], [4]]);
});

Deno.test("Heads.checkpoint() returns the checkpoint that was saved last, folded or not", async () => {
  using kv = await Deno.openKv(":memory:");
  const pending = new PendingTasks();
  const heads = new Heads(kv, pending);
  assertEquals(await heads.checkpoint(ID), null);
  await kv.set(keys.checkpoint(ID), new TextEncoder().encode("1"));
  assertEquals(await heads.checkpoint(ID), "1");
  pending.note("1", { ...event("message", 5), type: "checkpoint", json: "2" });
  assertEquals(await heads.checkpoint(ID), "2");
});

Deno.test("Heads.get() returns the seq of the newest event, also if the head lacks that event", async () => {
  using kv = await Deno.openKv(":memory:");
  await kv.set(keys.task(ID), pack(recordAt(2), null, null));
  const pending = new PendingTasks();
  const heads = new Heads(kv, pending);
  const seq = async () => seqOf((await heads.get(ID))!.record);
  pending.note("1", { ...event("message", 3), type: "log", json: "{}" });
  assertEquals(await seq(), 3);
  pending.show(event("progress", 4));
  assertEquals(await seq(), 4);
  pending.note("2", { ...event("message", 5), type: "log", json: "{}" });
  assertEquals(await seq(), 5);
});
