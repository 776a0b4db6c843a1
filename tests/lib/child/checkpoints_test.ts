import { assertEquals, assertRejects } from "@std/assert";
import { type AnyTask, defineTask, type StandardSchema } from "headway";
import { z } from "zod";
import { checkSaved, readCheckpoint } from "../../../lib/child/checkpoints.ts";
import { checkpointText } from "../../../lib/task/checkpoint_text.ts";

async function* run() {}

const { signal } = new AbortController();

const checkpoint = z.object({
  offset: z.number(),
  rows: z.array(z.object({ id: z.string() })).default([]),
});

function at(version: number, data: unknown): string {
  return checkpointText(JSON.stringify(data), version);
}

async function refusal(task: AnyTask, stored: string): Promise<string> {
  const error = await assertRejects(() => readCheckpoint(task, stored), Error);
  assertEquals(error.name, "CheckpointError");
  return error.message;
}

Deno.test("checkSaved() names the path that does not fit the schema", async () => {
  const task = defineTask({ kind: "k", checkpoint, run });
  await checkSaved(task, { offset: 1 }, signal);
  const wrong: [unknown, string][] = [
    [{}, "Cannot keep checkpoint.offset: "],
    [{ offset: "1" }, "Cannot keep checkpoint.offset: "],
    [{ offset: 1, rows: [{ id: "a" }, { id: 2 }] }, "Cannot keep checkpoint.rows[1].id: "],
    [null, "Cannot keep checkpoint: "],
    [undefined, "Cannot keep checkpoint: "],
  ];
  for (const [data, start] of wrong) {
    const error = await assertRejects(() => checkSaved(task, data, signal), TypeError);
    assertEquals(error.message.slice(0, start.length), start);
  }
  await checkSaved(defineTask({ kind: "k", run }), { anything: 1 }, signal);
});

Deno.test("checkSaved() awaits asynchronous schemas, and bounds the length of their issues", async () => {
  const path = [{ key: "a" }, Symbol("s"), 7, ..."x".repeat(5000)];
  const issue = { message: "no\n".repeat(9999), path };
  const schema: StandardSchema = {
    "~standard": {
      version: 1,
      vendor: "test",
      validate: () => Promise.resolve({ issues: [issue, issue] }),
    },
  };
  const task = defineTask({ kind: "k", checkpoint: schema, run });
  const { message } = await assertRejects(() => checkSaved(task, 1, signal), TypeError);
  assertEquals(message.length < 1500, true, `${message.length}`);
});

Deno.test("readCheckpoint() returns what the schema makes of the checkpoint, or refuses it", async () => {
  const task = defineTask({ kind: "k", checkpoint, run });
  assertEquals(await readCheckpoint(task, null), undefined);
  assertEquals(await readCheckpoint(task, '{"offset":3}'), { offset: 3, rows: [] });
  assertEquals(
    await refusal(task, '{"ofset":3}').then((message) => message.split(": ")[0]),
    "Cannot go on from the checkpoint as it does not fit its schema",
  );
});

Deno.test("readCheckpoint() returns what was saved if the task has no schema and no version", async () => {
  const task = defineTask({ kind: "k", run });
  for (const value of [{ offset: 3 }, null, [1], "x", 0]) {
    assertEquals(await readCheckpoint(task, JSON.stringify(value)), value);
  }
});

Deno.test("readCheckpoint() migrates an older checkpoint, and then checks it", async () => {
  const seen: unknown[] = [];
  const task = defineTask({
    kind: "k",
    checkpoint,
    version: 3,
    migrate(old, from) {
      seen.push([old, from]);
      if (from === 0) return undefined;
      return from === 1 ? { offset: old.line } : Promise.resolve({ offset: old.line });
    },
    run,
  });
  assertEquals(await readCheckpoint(task, '{"line":1}'), undefined);
  for (const from of [1, 2]) {
    assertEquals(await readCheckpoint(task, at(from, { line: from })), { offset: from, rows: [] });
  }
  assertEquals(await readCheckpoint(task, at(3, { offset: 9 })), { offset: 9, rows: [] });
  assertEquals(seen, [[{ line: 1 }, 0], [{ line: 1 }, 1], [{ line: 2 }, 2]]);
  assertEquals(
    (await refusal(task, at(1, { line: "1" }))).startsWith(
      "Cannot go on from the checkpoint as it does not fit its schema: checkpoint.offset: ",
    ),
    true,
  );
});

Deno.test("readCheckpoint() passes on what migrate throws", async () => {
  const migrate = () => Promise.reject(new RangeError("too old"));
  const task = defineTask({ kind: "k", version: 2, migrate, run });
  await assertRejects(() => readCheckpoint(task, at(1, {})), RangeError, "too old");
});

Deno.test("readCheckpoint() refuses a checkpoint of newer code, and an older one without migrate", async () => {
  const two = defineTask({ kind: "k", version: 2, run });
  assertEquals(
    await refusal(two, at(3, {})),
    "Cannot go on from the checkpoint as it was saved by version 3 of 'k', and this is version 2: " +
      "deploy the newer code again, and retry the task",
  );
  assertEquals(
    await refusal(defineTask({ kind: "k", run }), at(1, {})),
    "Cannot go on from the checkpoint as it was saved by version 1 of 'k', and this is " +
      "code without a version: deploy the newer code again, and retry the task",
  );
  assertEquals(
    await refusal(two, "{}"),
    "Cannot go on from the checkpoint as it was saved by code without a version, and this is " +
      "version 2 of 'k': add 'migrate' to its definition",
  );
});

Deno.test("checkSaved() and readCheckpoint() refuse a value if the schema returns an empty list of issues", async () => {
  const schema: StandardSchema = {
    "~standard": { version: 1, vendor: "test", validate: () => ({ issues: [] }) },
  };
  const task = defineTask({ kind: "k", checkpoint: schema, run });
  await assertRejects(() => checkSaved(task, 1, signal), TypeError, "Cannot keep checkpoint: ");
  await refusal(task, "1");
});
