import { assert, assertEquals, assertMatch, assertNotEquals, assertRejects } from "@std/assert";
import { artifact, defineTask, output, progress, step, waitFor } from "headway";
import { keys } from "../../lib/kv/keys.ts";
import { ARTIFACT_BLOCK } from "../../lib/task/artifact_list.ts";
import { bearer, finished, getTask, post, storedEvents, submit, taskWhen } from "../helpers/api.ts";
import { eventually } from "../helpers/eventually.ts";
import { bytesOf, openGate } from "../helpers/kinds.ts";
import { assertProblem } from "../helpers/problem.ts";
import { testApp } from "../helpers/server.ts";
import { openStream } from "../helpers/sse.ts";

const KiB = 1024;

/** Returns a text of as many characters as its input says. */
const returns = defineTask({
  kind: "returns",
  // deno-lint-ignore require-yield -- a task that has nothing to tell
  async *run({ input }) {
    return "x".repeat(input as number);
  },
});

/** Makes `a`, waits for the signal `go`, and then makes `b`. It saves no checkpoint. */
const between = defineTask({
  kind: "between",
  async *run() {
    const seed = yield* step("draw", () => 7);
    yield output("once");
    yield* artifact("a", bytesOf(2 * ARTIFACT_BLOCK, seed));
    const size = yield* waitFor("go");
    yield* artifact("b", bytesOf(size as number, seed));
  },
});

const at = (base: string, id: string, name = "") =>
  `${base}/tasks/${id}/artifacts${name && `/${encodeURIComponent(name)}`}`;

// deno-lint-ignore no-explicit-any -- JSON, whose shape the test asserts
async function listed(base: string, id: string): Promise<any[]> {
  const response = await fetch(at(base, id));
  assertEquals(response.status, 200);
  return (await response.json()).artifacts;
}

async function sha256(bytes: Uint8Array<ArrayBuffer>): Promise<string> {
  return new Uint8Array(await crypto.subtle.digest("SHA-256", bytes)).toHex();
}

Deno.test("an artifact appears in the record, the list and the history, in the order of what was yielded", async () => {
  await using server = await testApp();
  const size = 3 * ARTIFACT_BLOCK + 5;
  const input = {
    files: [{ name: "a.bin", size, seed: 1 }, {
      name: "進捗 'b'.txt",
      size: 0,
      type: "text/plain",
    }],
  };
  const { task_id } = await submit(server.url, "files", input);
  await using stream = await openStream(`${server.url}/tasks/${task_id}/stream`, {
    lastEventId: "1",
  });
  const end = await finished(server.url, task_id);
  assertEquals(end.artifacts, [
    { name: "a.bin", size, type: "application/octet-stream" },
    { name: "進捗 'b'.txt", size: 0, type: "text/plain" },
  ]);
  assertEquals(Object.keys(end).at(-1), "seq");
  const rows = (await storedEvents(server.url, task_id)).filter(({ event }) => event !== "message");
  assertEquals(rows.map(({ event, data }) => data.name ?? data.message ?? event), [
    "before a.bin",
    "a.bin",
    "output",
    "before 進捗 'b'.txt",
    "進捗 'b'.txt",
    "output",
    "complete",
  ]);
  const [, made] = rows;
  const digest = await sha256(bytesOf(size, 1));
  const { seq, time, ...info } = made!.data;
  assertEquals(info, { name: "a.bin", size, type: "application/octet-stream", sha256: digest });
  assertEquals([seq, Number.isNaN(Date.parse(time))], [made!.seq, false]);
  assertEquals(rows[2]!.data.data, info);
  const list = await listed(server.url, task_id);
  assertEquals(list.map(({ name, url }) => [name, url]), [
    ["a.bin", `/tasks/${task_id}/artifacts/a.bin`],
    ["進捗 'b'.txt", `/tasks/${task_id}/artifacts/${encodeURIComponent("進捗 'b'.txt")}`],
  ]);
  const { created_at, url, ...described } = list[0];
  assertEquals(described, info);
  assert(created_at <= end.finished_at! && url !== undefined);
  await stream.until((it) => it.events.some(({ event }) => event === "complete"));
  assertEquals(
    stream.events.filter(({ event }) => event === "artifact").map(({ data }) => JSON.parse(data)),
    rows.filter(({ event }) => event === "artifact").map(({ data }) => data),
  );
});

Deno.test("GET /tasks/{id}/artifacts/{name} returns the bytes as a download that no browser shows as a page", async () => {
  await using server = await testApp();
  const file = { name: "<svg> 'x'.svg", size: 2 * ARTIFACT_BLOCK + 1, type: "image/svg+xml" };
  file.name = "x 'ü'.svg";
  const { task_id } = await submit(server.url, "files", { files: [file] });
  await finished(server.url, task_id);
  const bytes = bytesOf(file.size, 0);
  const expected = {
    "content-type": "image/svg+xml",
    "content-length": String(file.size),
    "content-disposition": "attachment; filename*=UTF-8''x%20%27%C3%BC%27.svg",
    "content-security-policy": "sandbox; default-src 'none'; frame-ancestors 'none'",
    "x-content-type-options": "nosniff",
    "cross-origin-resource-policy": "same-origin",
    "cache-control": "private, no-cache",
    "accept-ranges": "bytes",
    etag: `"${await sha256(bytes)}"`,
  };
  for (const method of ["GET", "HEAD"]) {
    const response = await fetch(at(server.url, task_id, file.name), { method });
    assertEquals(response.status, 200);
    for (const [name, value] of Object.entries(expected)) {
      assertEquals(response.headers.get(name), value, `${method} ${name}`);
    }
    assertEquals(await response.bytes(), method === "GET" ? bytes : new Uint8Array());
  }
  const same = await fetch(at(server.url, task_id, file.name), {
    headers: { "if-none-match": expected.etag },
  });
  assertEquals([same.status, await same.text()], [304, ""]);
});

Deno.test("GET /tasks/{id}/artifacts/{name} answers one Range with 206, or with 416 beyond the end", async () => {
  await using server = await testApp();
  const size = 5 * ARTIFACT_BLOCK;
  const { task_id } = await submit(server.url, "files", { files: [{ name: "a", size }] });
  await finished(server.url, task_id);
  const bytes = bytesOf(size, 0);
  const get = (headers: Record<string, string>, method = "GET") =>
    fetch(at(server.url, task_id, "a"), { method, headers });
  for (
    const [range, start, end] of [
      ["bytes=0-0", 0, 1],
      ["bytes=61439-61440", 61439, 61441],
      [`bytes=${size - 3}-`, size - 3, size],
      ["bytes=-100000", size - 100_000, size],
      [`bytes=7-${10 * size}`, 7, size],
    ] as const
  ) {
    const response = await get({ range });
    assertEquals(response.status, 206);
    assertEquals(response.headers.get("content-range"), `bytes ${start}-${end - 1}/${size}`);
    assertEquals(response.headers.get("content-length"), `${end - start}`);
    assertEquals(await response.bytes(), bytes.subarray(start, end));
  }
  const beyond = await get({ range: `bytes=${size}-` });
  await assertProblem(beyond, 416);
  assertEquals(beyond.headers.get("content-range"), `bytes */${size}`);
  const etag = (await get({}, "HEAD")).headers.get("etag")!;
  const part = await get({ range: "bytes=0-9", "if-range": etag });
  assertEquals([part.status, (await part.bytes()).length], [206, 10]);
  const whole = await get({ range: "bytes=0-9", "if-range": '"other"' });
  assertEquals([whole.status, (await whole.bytes()).length], [200, size]);
});

Deno.test("an artifact appears only once it is complete, and replaces one of the same name at once", async () => {
  await using server = await testApp();
  const gate = crypto.randomUUID();
  const input = {
    files: [{ name: "a", size: 8 * KiB, seed: 1 }, {
      name: "a",
      size: 3 * ARTIFACT_BLOCK,
      seed: 2,
      gate,
    }, { name: "b", size: 1 }],
  };
  const { task_id } = await submit(server.url, "files", input);
  await taskWhen(server.url, task_id, (it) => it.artifacts?.length === 1);
  // The second artifact is arriving.
  await eventually(async () => {
    const { kv } = server.engine.store;
    const arriving = await Array.fromAsync(kv.list({ prefix: keys.arrivings }));
    assertEquals(arriving.length, 1);
  });
  const old = await fetch(at(server.url, task_id, "a"));
  assertEquals(await old.bytes(), bytesOf(8 * KiB, 1));
  await assertProblem(await fetch(at(server.url, task_id, "b")), 404);
  assertEquals((await listed(server.url, task_id)).length, 1);
  openGate(gate);
  const end = await finished(server.url, task_id);
  assertEquals(end.artifacts?.map(({ name, size }) => [name, size]), [
    ["a", 3 * ARTIFACT_BLOCK],
    ["b", 1],
  ]);
  const now = await fetch(at(server.url, task_id, "a"));
  assertEquals(await now.bytes(), bytesOf(3 * ARTIFACT_BLOCK, 2));
  assertNotEquals(now.headers.get("etag"), old.headers.get("etag"));
});

Deno.test("a task that is canceled while it makes an artifact keeps only the complete ones", async () => {
  await using server = await testApp();
  const { artifacts, store } = server.engine;
  const gate = crypto.randomUUID();
  const input = {
    files: [{ name: "a", size: 1 }, { name: "b", size: 4 * ARTIFACT_BLOCK, gate }],
  };
  const { task_id } = await submit(server.url, "files", input);
  await eventually(async () => assert(await artifacts.size() > ARTIFACT_BLOCK));
  await (await post(`${server.url}/tasks/${task_id}/cancel`)).body?.cancel();
  const end = await finished(server.url, task_id);
  assertEquals([end.status, end.artifacts?.map(({ name }) => name)], ["canceled", ["a"]]);
  await eventually(async () => {
    assertEquals(await Array.fromAsync(store.kv.list({ prefix: keys.arrivings })), []);
  });
  const whole = await fetch(at(server.url, task_id, "a"));
  assertEquals(await whole.bytes(), bytesOf(1, 0));
});

Deno.test("DELETE /tasks/{id} removes the task's artifacts", async () => {
  await using server = await testApp();
  const { artifacts, store, uploads } = server.engine;
  const input = { files: [{ name: "a", size: 100_000 }, { name: "b", size: 7 }], fails: true };
  const { task_id } = await submit(server.url, "files", input);
  const end = await finished(server.url, task_id);
  assertEquals([end.status, end.artifacts?.length], ["failed", 2]);
  assertEquals((await fetch(`${server.url}/tasks/${task_id}`, { method: "DELETE" })).status, 204);
  await assertProblem(await fetch(at(server.url, task_id, "a")), 404);
  await assertProblem(await fetch(at(server.url, task_id)), 404);
  await uploads.arrivals.sweepUnfinished();
  const left = await Array.fromAsync(store.kv.list({ prefix: ["piece"] }));
  assertEquals([await artifacts.size(), left], [0, []]);
});

Deno.test("a waiting task keeps its artifacts, a rewind removes none, and a delete removes all of them", async () => {
  await using server = await testApp({}, { tasks: { between } });
  const { store, uploads, artifacts } = server.engine;
  const { task_id } = await submit(server.url, "between");
  const waiting = await taskWhen(server.url, task_id, ({ status }) => status === "waiting");
  const a = { name: "a", size: 2 * ARTIFACT_BLOCK, type: "application/octet-stream" };
  assertEquals([waiting.artifacts, waiting.waiting_for?.name], [[a], "go"]);
  assertEquals(Object.keys(waiting).at(-1), "seq");
  const download = async (name: string) =>
    await (await fetch(at(server.url, task_id, name))).bytes();
  assertEquals(await download("a"), bytesOf(a.size, 7));
  const sent = await post(`${server.url}/tasks/${task_id}/signals/go`, 9);
  await sent.body?.cancel();
  assertEquals(sent.status, 200);
  const end = await finished(server.url, task_id);
  assertEquals([end.status, end.artifacts], ["completed", [a, { ...a, name: "b", size: 9 }]]);
  assertEquals([await download("a"), await download("b")], [bytesOf(a.size, 7), bytesOf(9, 7)]);
  const rows = (await storedEvents(server.url, task_id)).map(({ event, data }) =>
    event === "artifact" ? data.name : event
  );
  assertEquals(rows.filter((it) => ["a", "b", "output", "rewind"].includes(it)), [
    "a",
    "rewind",
    "output",
    "a",
    "b",
  ]);
  const unasked = await post(`${server.url}/tasks/${task_id}/signals/late`, 1);
  await assertProblem(unasked, 409);
  assertEquals((await fetch(`${server.url}/tasks/${task_id}`, { method: "DELETE" })).status, 204);
  await uploads.arrivals.sweepUnfinished();
  const left = await Array.fromAsync(store.kv.list({ prefix: [] }), ({ key }) => key.map(String));
  const journal = (key: string[]) => key[0]!.startsWith("journal");
  assertEquals(left.filter((key) => key.includes(task_id) && !journal(key)), []);
  assertEquals([left.filter(([first]) => first === "piece"), await artifacts.size()], [[], 0]);
});

Deno.test("artifacts are bounded in size, in number and all together; a task beyond that fails and says why", async () => {
  await using server = await testApp({
    HEADWAY_MAX_ARTIFACT: String(300 * KiB),
    HEADWAY_MAX_ARTIFACTS: "2",
    HEADWAY_ARTIFACT_QUOTA: String(700 * KiB),
  });
  const end = async (...files: { name: string; size: number }[]) => {
    const { task_id } = await submit(server.url, "files", { files });
    const { error, artifacts } = await finished(server.url, task_id);
    return [error?.name, error?.message, artifacts?.length];
  };
  assertEquals(await end({ name: "a", size: 300 * KiB + 1 }), [
    "ArtifactError",
    "Cannot keep artifact 'a' as it is larger than 307200 bytes (HEADWAY_MAX_ARTIFACT)",
    undefined,
  ]);
  const small = { size: 1 };
  assertEquals(
    await end({ name: "a", ...small }, { name: "b", ...small }, { name: "c", ...small }),
    ["ArtifactError", "Cannot keep artifact 'c' as a task has at most 2 artifacts", 2],
  );
  assertEquals(await end({ name: "a", size: 300 * KiB }), [undefined, undefined, 1]);
  const [name, message, kept] = await end(
    { name: "a", size: 300 * KiB },
    { name: "b", size: 300 * KiB },
  );
  assertEquals([name, kept], ["ArtifactError", 1]);
  assertMatch(message as string, /as there is no room for this artifact: all artifacts together/);
});

Deno.test("a task can catch the error of a refused artifact and continue", async () => {
  const brave = defineTask({
    kind: "brave",
    async *run() {
      try {
        yield* artifact("big", new Uint8Array(200 * KiB));
      } catch (error) {
        yield progress({ message: (error as Error).name });
      }
      return yield* artifact("small", "x");
    },
  });
  await using server = await testApp({ HEADWAY_MAX_ARTIFACT: String(100 * KiB) }, {
    tasks: { brave },
  });
  const { task_id } = await submit(server.url, "brave");
  const end = await finished(server.url, task_id);
  assertEquals([end.status, end.message], ["completed", "ArtifactError"]);
  assertEquals(end.artifacts?.map(({ name }) => name), ["small"]);
});

Deno.test("a result larger than 48 KiB becomes the artifact result.json, and the record has its address", async () => {
  await using server = await testApp({}, { tasks: { returns } });
  const most = 48 * KiB - 128;
  for (const length of [most - 2, most - 1, 3 * ARTIFACT_BLOCK]) {
    const { task_id } = await submit(server.url, "returns", length);
    await using stream = await openStream(`${server.url}/tasks/${task_id}/stream`);
    await stream.until((it) => it.events.some(({ event }) => event === "complete"));
    const end = await getTask(server.url, task_id);
    const { result, result_url } = JSON.parse(stream.events.at(-1)!.data);
    assertEquals([end.status, end.result, end.result_url], ["completed", result, result_url]);
    if (length <= most - 2) {
      assertEquals([result, result_url, end.artifacts], ["x".repeat(length), undefined, undefined]);
      continue;
    }
    assertEquals([result, result_url], [null, `tasks/${task_id}/artifacts/result.json`]);
    assertEquals(Object.keys(end).at(-1), "seq");
    const response = await fetch(`${server.url}/${result_url}`);
    assertEquals(response.headers.get("content-type"), "application/json");
    assertEquals((await response.json()).length, length);
  }
});

Deno.test("a result too large for an artifact fails its task", async () => {
  const settings = { HEADWAY_MAX_ARTIFACT: String(100 * KiB) };
  await using server = await testApp(settings, { tasks: { returns } });
  const { task_id } = await submit(server.url, "returns", 200 * KiB);
  const { status, error, result_url } = await finished(server.url, task_id);
  assertEquals([status, error?.name, result_url], ["failed", "ArtifactError", undefined]);
  assertMatch(error!.message, /^Cannot keep artifact 'result.json' as it is larger than/);
});

Deno.test("a record with all fields at their limits is stored, with the largest result or error", async () => {
  const full = defineTask({
    kind: "full",
    async *run({ input }) {
      const { letter, fails } = input as { letter: string; fails: boolean };
      const message = letter.repeat(4096);
      yield progress({ message, stage: letter.repeat(256), done: 1, total: 2 });
      try {
        for (let n = 0;; n++) yield* artifact(`${n}`.padEnd(128, letter), "x");
      } catch {
        // The task has as many artifacts as it may have.
      }
      if (fails) {
        throw new Error(message, { cause: new AggregateError([1, 2].map((_) => message)) });
      }
      const bytes = new TextEncoder().encode(JSON.stringify(letter)).length - 2;
      return letter.repeat(Math.floor((48 * KiB - 130) / bytes));
    },
  });
  await using server = await testApp({}, { tasks: { full } });
  for (const letter of ["m", "進", "\\"]) {
    const owner = letter.repeat(128);
    const tags = Array.from({ length: 20 }, (_, n) => `${n}`.padEnd(64, letter));
    for (const [fails, status] of [[false, "completed"], [true, "failed"]] as const) {
      const input = { letter, fails };
      const { task_id } = await submit(server.url, "full", input, { owner, tags });
      const end = await finished(server.url, task_id);
      assertEquals([end.status, end.result === null, end.result_url], [status, fails, undefined]);
      assertEquals(end.error?.message.slice(0, 9), fails ? letter.repeat(9) : undefined);
      // An artifact's name may not contain a backslash.
      assert(letter === "\\" || end.artifacts!.length > 10);
    }
  }
});

Deno.test("GET /tasks/{id}/artifacts is for those who may read the task, also with a task's token in the URL", async () => {
  await using server = await testApp({
    HEADWAY_TOKENS: "one:submit:0123456789abcdef,two:submit:fedcba9876543210",
  });
  const mine = bearer("0123456789abcdef");
  const response = await post(
    `${server.url}/tasks`,
    { kind: "files", input: { files: [{ name: "a", size: 3 }] } },
    mine,
  );
  const { task_id, token } = await response.json();
  const url = at(server.url, task_id, "a");
  await eventually(async () => {
    const got = await fetch(url, { headers: mine });
    assertEquals([got.status, await got.bytes()], [200, bytesOf(3, 0)]);
  });
  for (const path of [url, at(server.url, task_id)]) {
    const by = async (query: string, headers = {}) => {
      const response = await fetch(`${path}${query}`, { headers });
      await response.body?.cancel();
      return response.status;
    };
    assertEquals(await by(`?token=${token}`), 200);
    assertEquals(await by("", bearer(token)), 200);
    assertEquals(await by(""), 401);
    assertEquals(await by("", bearer("fedcba9876543210")), 403);
  }
});

Deno.test("a download breaks off when its artifact is removed", async () => {
  await using server = await testApp({ HEADWAY_LOG: "off" });
  const { uploads, store } = server.engine;
  const size = 40 * ARTIFACT_BLOCK;
  const { task_id } = await submit(server.url, "files", { files: [{ name: "a", size }] });
  await taskWhen(server.url, task_id, (it) => it.status === "completed");
  const response = await fetch(at(server.url, task_id, "a"));
  const reader = response.body!.getReader();
  let got = (await reader.read()).value!.length;
  assertEquals((await store.remove(task_id)).ok, true);
  await uploads.arrivals.sweepUnfinished();
  await assertRejects(async () => {
    for (let part = await reader.read(); !part.done; part = await reader.read()) {
      got += part.value.length;
    }
  });
  assert(got < size);
  assertEquals(await getTask(server.url, task_id).catch(() => "gone"), "gone");
});
