import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { gzipSync } from "node:zlib";
import type { Server } from "../../lib/server.ts";
import { finished, submit } from "../helpers/api.ts";
import { eventually } from "../helpers/eventually.ts";
import { assertProblem } from "../helpers/problem.ts";
import { seededRandom } from "../helpers/random.ts";
import { testApp } from "../helpers/server.ts";
import { openRaw } from "../helpers/sse.ts";

const KiB = 1024;
const MiB = 1024 * KiB;

function randomBytes(size: number, seed: number): Uint8Array<ArrayBuffer> {
  const random = seededRandom(seed);
  return Uint8Array.from({ length: size }, () => random() * 256);
}

const gzip = (data: string | Uint8Array): Uint8Array<ArrayBuffer> => new Uint8Array(gzipSync(data));

async function sha256(bytes: Uint8Array<ArrayBuffer>): Promise<string> {
  return new Uint8Array(await crypto.subtle.digest("SHA-256", bytes)).toHex();
}

/** Asserts that the store holds nothing of any upload. */
async function assertNoUploads(app: Server): Promise<void> {
  for (const prefix of ["upload", "piece"]) {
    const entries = await Array.fromAsync(app.engine.store.kv.list({ prefix: [prefix] }));
    assertEquals(entries.map(({ key }) => key), []);
  }
}

Deno.test("POST /uploads keeps bodies of any size, and tasks read the same bytes", async () => {
  await using app = await testApp();
  const piece = 60 * KiB;
  const sizes = [0, 1, piece - 1, piece, piece + 1, 4 * piece, 4 * piece + 1, 3 * MiB + 7];
  for (const size of sizes) {
    const bytes = randomBytes(size, size);
    for (const body of [bytes, new Blob([bytes]).stream()]) {
      const response = await fetch(`${app.url}/uploads`, { method: "POST", body });
      const info = await response.json();
      assertEquals(response.status, 201);
      const { upload_id, expires_at, ...rest } = info;
      assertMatch(upload_id, /^[0-9A-HJKMNP-TV-Z]{26}$/);
      const left = Date.parse(expires_at) - Date.now();
      assert(left > 23 * 3600_000 && left <= 24 * 3600_000, expires_at);
      const digest = await sha256(bytes);
      assertEquals(rest, { size, sha256: digest, name: null });
      const { task_id } = await submit(app.url, "checksum", { upload: upload_id });
      assertEquals((await finished(app.url, task_id)).result, {
        size,
        digests: { "sha-256": digest },
      });
    }
  }
});

Deno.test("POST /uploads takes a name from ?name= or X-Filename, in any script, cut to 255 characters", async () => {
  await using app = await testApp();
  const upload = async (query: string, headers: Record<string, string>) => {
    const response = await fetch(`${app.url}/uploads${query}`, {
      method: "POST",
      headers,
      body: "x",
    });
    return (await response.json()).name;
  };
  assertEquals(await upload("?name=a%20b.csv", {}), "a b.csv");
  assertEquals(
    await upload("", { "x-filename": encodeURIComponent("Über/進捗.csv") }),
    "Über/進捗.csv",
  );
  assertEquals(await upload("", { "x-filename": "100%.csv" }), "100%.csv");
  assertEquals(await upload("?name=q", { "x-filename": "h" }), "q");
  assertEquals((await upload(`?name=${"n".repeat(1000)}`, {})).length, 255);
});

Deno.test("POST /uploads refuses what is over the limit, and keeps nothing of it", async () => {
  await using app = await testApp({ HEADWAY_MAX_UPLOAD: String(300 * KiB) });
  const bytes = randomBytes(300 * KiB + 1, 1);
  for (const body of [bytes, new Blob([bytes]).stream()]) {
    const response = await fetch(`${app.url}/uploads`, { method: "POST", body });
    assertMatch((await assertProblem(response, 413)).error, /larger than 307200 bytes/);
    await assertNoUploads(app);
  }
  const exact = await fetch(`${app.url}/uploads`, { method: "POST", body: bytes.subarray(1) });
  assertEquals([exact.status, (await exact.json()).size], [201, 300 * KiB]);
  // The Content-Length alone is refused, before any of the body is sent.
  using raw = await openRaw(`${app.url}/uploads`, {
    method: "POST",
    headers: { "content-length": String(10 ** 12) },
  });
  await raw.until("\r\n\r\n");
  assertMatch(raw.head, /^HTTP\/1.1 413 /);
});

Deno.test("POST /uploads keeps nothing of a body that breaks off", async () => {
  await using app = await testApp();
  const bytes = randomBytes(MiB, 2);
  for (const chunked of [false, true]) {
    const raw = await openRaw(`${app.url}/uploads`, {
      method: "POST",
      headers: chunked ? { "transfer-encoding": "chunked" } : { "content-length": "2000000" },
    });
    if (chunked) await raw.write(new TextEncoder().encode(`${bytes.length.toString(16)}\r\n`));
    await raw.write(bytes);
    // Some of the upload is stored, but no task can read it.
    const entry = await eventually(async () => {
      const kv = app.engine.store.kv;
      const [piece] = await Array.fromAsync(kv.list({ prefix: ["piece"] }, { limit: 1 }));
      assert(piece);
      return piece;
    });
    assertEquals(await app.engine.uploads.info(String(entry.key[1])), null);
    raw.close();
    await eventually(() => assertNoUploads(app));
  }
});

Deno.test("POST /tasks refuses an upload that does not exist and names its field, and so does a retry", async () => {
  await using app = await testApp();
  const post = (body: object) =>
    fetch(`${app.url}/tasks`, { method: "POST", body: JSON.stringify(body) });
  for (const upload of ["01JD…", "01ARZ3NDEKTSV4RRFFQ69G5FAV", "x".repeat(3000), "../../etc"]) {
    const response = await post({ kind: "checksum", input: { upload } });
    const { field, error } = await assertProblem(response, 422);
    assertEquals(field, "input.upload");
    assertStringIncludes(error, `'${upload.slice(0, 64)}' was removed, or never made`);
  }
  const deep = await post({ kind: "echo", input: { files: [{ csv_upload: "x" }] } });
  assertEquals((await assertProblem(deep, 422)).field, "input.files.0.csv_upload");
  // An upload that is gone when its task is retried.
  const upload = await fetch(`${app.url}/uploads`, { method: "POST", body: "x" });
  const { upload_id } = await upload.json();
  const { task_id } = await submit(app.url, "checksum", { upload: upload_id });
  await finished(app.url, task_id);
  await app.engine.uploads.remove(upload_id);
  const retry = await fetch(`${app.url}/tasks/${task_id}/retry`, { method: "POST" });
  assertStringIncludes(
    (await assertProblem(retry, 409)).error,
    `its upload ${upload_id} was removed`,
  );
});

Deno.test("a dry run of POST /tasks/bulk counts retries whose upload is gone as refused, as the retry does", async () => {
  await using app = await testApp();
  const upload = async () =>
    (await (await fetch(`${app.url}/uploads`, { method: "POST", body: "x" })).json()).upload_id;
  const [kept, gone] = [await upload(), await upload()];
  const ids: string[] = [];
  for (const input of [{}, { upload: kept }, { upload: gone }, { a: [kept], uploads: [gone] }]) {
    const { task_id } = await submit(app.url, "echo", input, { delay_ms: 3_600_000 });
    await (await fetch(`${app.url}/tasks/${task_id}/cancel`, { method: "POST" })).body?.cancel();
    ids.push(task_id);
  }
  await app.engine.uploads.remove(gone);
  const retry = async (body: object) => {
    const sent = JSON.stringify({ action: "retry", ...body });
    const answer = await fetch(`${app.url}/tasks/bulk`, { method: "POST", body: sent });
    const { results, matched, refused } = await answer.json();
    return { done: results.filter(({ ok }: { ok: boolean }) => ok).length, matched, refused };
  };
  const told = { matched: 4, refused: { canceled: 2 } };
  assertEquals(await retry({ filter: {}, dry_run: true }), { done: 0, ...told });
  assertEquals(await retry({ ids, dry_run: true }), { done: 0, ...told });
  assertEquals(await retry({ filter: {} }), { done: 2, ...told });
});

Deno.test("POST /uploads takes a raw body or the file of a form, with gzip or without", async () => {
  await using app = await testApp({ HEADWAY_MAX_UPLOAD: String(300 * KiB) });
  const bytes = randomBytes(300 * KiB, 3);
  const post = (body: BodyInit, headers: Record<string, string> = {}, query = "") =>
    fetch(`${app.url}/uploads${query}`, { method: "POST", body, headers });
  const form = new FormData();
  form.set("note", "taken for nothing");
  form.set("file", new File([bytes], "people.csv"));
  const boundary = "gzipped";
  const packedForm = gzip(
    `--${boundary}\r\nContent-Disposition: form-data; name=f; filename=a.csv\r\n\r\nid\r\n--${boundary}--`,
  );
  const text = new TextEncoder().encode("id");
  const taken: [sent: Promise<Response>, name: string | null, content: Uint8Array<ArrayBuffer>][] =
    [
      [post(form), "people.csv", bytes],
      [post(form, {}, "?name=mine.csv"), "mine.csv", bytes],
      [post(gzip(bytes), { "content-encoding": "gzip" }), null, bytes],
      [post("id", { "content-encoding": "identity" }), null, text],
      [
        post(packedForm, {
          "content-encoding": "gzip",
          "content-type": `multipart/form-data; boundary=${boundary}`,
        }),
        "a.csv",
        text,
      ],
    ];
  for (const [sent, name, content] of taken) {
    const response = await sent;
    assertEquals(response.status, 201);
    const info = await response.json();
    assertEquals([info.name, info.size, info.sha256], [
      name,
      content.length,
      await sha256(content),
    ]);
  }
});

Deno.test("POST /uploads refuses a form or gzip that is too large or damaged, and keeps nothing of it", async () => {
  await using app = await testApp({ HEADWAY_MAX_UPLOAD: String(300 * KiB) });
  const large = randomBytes(300 * KiB + 1, 4);
  const form = new FormData();
  form.set("file", new File([large], "people.csv"));
  const two = new FormData();
  for (const name of ["a", "b"]) two.set(name, new File(["x"], name));
  const packed = gzip(large.subarray(1));
  const packedBy = { "content-encoding": "gzip" };
  const wrong: [status: number, body: BodyInit, headers?: Record<string, string>][] = [
    [413, form],
    [413, gzip(new Uint8Array(300 * KiB + 1)), packedBy],
    // A large body that unpacks to nothing.
    [413, new Blob(Array(20_000).fill(gzip(""))).stream(), packedBy],
    [400, two],
    [400, packed.slice(0, -10), packedBy],
    [400, "id,name\n", packedBy],
    [400, "id,name\n", { "content-type": "multipart/form-data; boundary=x" }],
    [400, "id,name\n", { "content-type": "multipart/form-data" }],
    [415, "id,name\n", { "content-encoding": "br" }],
    [415, "id,name\n", { "content-type": "multipart/mixed; boundary=x" }],
  ];
  for (const [status, body, headers = {}] of wrong) {
    const response = await fetch(`${app.url}/uploads`, { method: "POST", body, headers });
    await assertProblem(response, status);
    await assertNoUploads(app);
  }
  const json = await fetch(`${app.url}/tasks`, {
    method: "POST",
    body: gzip('{"kind":"demo"}'),
    headers: packedBy,
  });
  assertEquals(json.headers.get("accept-encoding"), "identity");
  await assertProblem(json, 415);
});
