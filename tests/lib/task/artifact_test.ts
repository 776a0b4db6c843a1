import { assertEquals } from "@std/assert";
import { artifact, type ArtifactContent, defineTask, log, output, type OutputsOf } from "headway";
import { runTask } from "headway/testing";
import { ARTIFACT_BLOCK } from "../../../lib/task/artifact_list.ts";
import { tempDir } from "../../helpers/temp_dir.ts";

const encoder = new TextEncoder();

function keeps(content: unknown, name = "a.bin", type?: string) {
  return defineTask({
    kind: "keeps",
    async *run() {
      const options = type === undefined ? {} : { type };
      return yield* artifact(name, content as ArtifactContent, options);
    },
  });
}

Deno.test("artifact() stores bytes, texts, Blobs, streams and files unchanged", async () => {
  await using directory = await tempDir();
  const path = `${directory.path}/a.bin`;
  const bytes = encoder.encode("héllo");
  await Deno.writeFile(path, bytes);
  const contents: [unknown, string][] = [
    [bytes, "application/octet-stream"],
    ["héllo", "text/plain; charset=utf-8"],
    [new Blob([bytes], { type: "text/csv" }), "text/csv"],
    [new Blob([bytes]), "application/octet-stream"],
    [new Blob([bytes]).stream(), "application/octet-stream"],
    [new URL(`file://${path}`), "application/octet-stream"],
    [{ path }, "application/octet-stream"],
  ];
  for (const [content, type] of contents) {
    const { result, artifacts, record } = await runTask(keeps(content));
    assertEquals(artifacts.map((it) => [it.name, it.type, it.bytes]), [["a.bin", type, bytes]]);
    const { bytes: _, ...info } = artifacts[0]!;
    assertEquals<unknown>(result, info);
    assertEquals(record.artifacts, [{ name: "a.bin", size: bytes.length, type }]);
  }
});

Deno.test("artifact() sends content in full blocks, however small the chunks of its stream", async () => {
  for (const size of [0, 1, ARTIFACT_BLOCK - 1, ARTIFACT_BLOCK, 2 * ARTIFACT_BLOCK + 1]) {
    const bytes = Uint8Array.from({ length: size }, (_, n) => n * 7);
    const used = new Uint8Array(1000);
    // The stream reuses one buffer for all of its chunks.
    const stream = new ReadableStream<Uint8Array>({
      pull(controller) {
        const at = size - left;
        const part = bytes.subarray(at, at + used.length);
        used.set(part);
        left -= part.length;
        controller.enqueue(used.subarray(0, part.length));
        if (left === 0) controller.close();
      },
    }, { highWaterMark: 0 });
    let left = size;
    const { artifacts, yields } = await runTask(keeps(stream));
    assertEquals(artifacts[0]!.bytes, bytes);
    assertEquals(yields, Math.ceil(size / ARTIFACT_BLOCK) + 2);
  }
});

Deno.test("artifact() throws in the task for an invalid name, media type or content", async () => {
  const wrong: [unknown, string, string?][] = [
    ["x", "../x"],
    ["x", "result.json"],
    ["x", "a.txt", "text"],
    [7, "a.bin"],
    [null, "a.bin"],
    [new ReadableStream({ start: (it) => it.enqueue("text") }), "a.bin"],
  ];
  for (const [content, name, type] of wrong) {
    const { status, error, artifacts } = await runTask(keeps(content, name, type));
    assertEquals([status, error?.name, artifacts], ["failed", "TypeError", []], name);
    assertEquals(error?.message.startsWith("Cannot keep "), true, error?.message);
  }
  const gone = await runTask(keeps({ path: "/no/such/file" }));
  assertEquals([gone.status, gone.error?.name], ["failed", "NotFound"]);
});

Deno.test("artifact() cancels the stream that it reads when its task is canceled", async () => {
  const stop = new AbortController();
  let canceled = false;
  const endless = new ReadableStream<Uint8Array>({
    pull(controller) {
      controller.enqueue(new Uint8Array(ARTIFACT_BLOCK));
      stop.abort();
    },
    cancel: () => void (canceled = true),
  }, { highWaterMark: 0 });
  const { status, artifacts } = await runTask(keeps(endless), null, { signal: stop.signal });
  assertEquals([status, artifacts, canceled], ["canceled", [], true]);
});

Deno.test("artifact() stores nothing if a crash cuts it off, and the next run stores the artifact whole", async () => {
  const task = defineTask({
    kind: "twice",
    async *run({ attempt: _ }) {
      yield* artifact("a.txt", "old");
      yield log("between");
      yield* artifact("a.txt", "new, and longer");
      throw new Error("enough");
    },
  });
  // The crash comes after the bytes of the second artifact, before its end.
  const { artifacts, events, record } = await runTask(task, null, { crashAfter: 6 });
  const kept = events.filter(({ type }) => type === "artifact").map(({ data }) => data);
  assertEquals(kept.map((it) => "size" in it && it.size), [3, 3, 15]);
  assertEquals(artifacts.map(({ bytes }) => new TextDecoder().decode(bytes)), ["new, and longer"]);
  assertEquals(record.artifacts?.length, 1);
});

Deno.test("artifact() does not change the inferred types of a task's outputs and result", async () => {
  const task = defineTask({
    kind: "typed",
    async *run() {
      yield output(7);
      return (yield* artifact("a", "x")).size;
    },
  });
  const seven: OutputsOf<typeof task> = 7;
  const { outputs, result } = await runTask(task);
  assertEquals([outputs, result], [[seven], 1]);
});

Deno.test("a yielded part that artifact() did not make is refused", async () => {
  const parts: unknown[] = [null, 7, { bytes: new Uint8Array(1) }, { kept: null }, {}];
  for (const part of parts) {
    const task = defineTask({
      kind: "forged",
      async *run() {
        yield { "~headway": "artifact", part } as never;
      },
    });
    const { status, error } = await runTask(task);
    assertEquals([status, error?.name], ["failed", "TypeError"], JSON.stringify(part));
  }
});

Deno.test("runTask() returns a result unchanged, even if it is so large that it is stored as an artifact", async () => {
  const large = { rows: Array.from({ length: 20_000 }, (_, n) => n) };
  const task = defineTask({
    kind: "large",
    // deno-lint-ignore require-yield -- a task that has nothing to tell
    async *run() {
      return large;
    },
  });
  const { result, record, artifacts } = await runTask(task);
  assertEquals(result, large);
  assertEquals([record.result, artifacts.map(({ name }) => name)], [null, ["result.json"]]);
  assertEquals(record.result_url, `tasks/${record.task_id}/artifacts/result.json`);
});
