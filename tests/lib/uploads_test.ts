import { assert, assertEquals, assertRejects } from "@std/assert";
import { createHash } from "node:crypto";
import fc from "fast-check";
import { keys } from "../../lib/keys.ts";
import { Uploads } from "../../lib/uploads.ts";
import { seededRandom } from "../helpers/random.ts";
import { tempDir } from "../helpers/temp_dir.ts";

const PIECE = 60 * 1024;

/** Bytes that differ from place to place. */
function bytesOf(size: number, seed: number): Uint8Array {
  const random = seededRandom(seed);
  return Uint8Array.from({ length: size }, () => 256 * random());
}

async function* chunks(bytes: Uint8Array, sizes: readonly number[]): AsyncGenerator<Uint8Array> {
  let at = 0;
  for (let n = 0; at < bytes.length; n++) {
    yield bytes.subarray(at, at += sizes[n % sizes.length]!);
  }
}

async function readAll(uploads: Uploads, id: string, offset: number): Promise<Uint8Array> {
  const parts: Uint8Array[] = [];
  for (let at = offset;;) {
    const part = await uploads.read(id, at);
    if (part.length === 0) return new Uint8Array(await new Blob(parts as BlobPart[]).arrayBuffer());
    parts.push(part);
    at += part.length;
  }
}

async function count(kv: Deno.Kv): Promise<number> {
  return (await Array.fromAsync(kv.list({ prefix: [] }))).length;
}

Deno.test("Uploads keeps the same bytes and digest, however they come, and reads from any offset", async () => {
  await using directory = await tempDir();
  using kv = await Deno.openKv(`${directory.path}/test.db`);
  const uploads = new Uploads({ kv });
  const size = fc.oneof(
    fc.nat(2000),
    fc.constantFrom(PIECE - 1, PIECE, PIECE + 1, 5 * PIECE, 400_000),
  );
  const sizes = fc.array(fc.integer({ min: 1, max: 200_000 }), { minLength: 1, maxLength: 5 });
  await fc.assert(
    fc.asyncProperty(
      size,
      sizes,
      fc.double({ min: 0, max: 1, noNaN: true }),
      async (size, sizes, part) => {
        const bytes = bytesOf(size, size);
        const info = await uploads.add(chunks(bytes, sizes), "a.bin");
        const sha256 = createHash("sha256").update(bytes).digest("hex");
        assertEquals([info.size, info.sha256, info.name], [size, sha256, "a.bin"]);
        assertEquals(await uploads.info(info.upload_id), info);
        const offset = Math.floor(size * part);
        const got = await readAll(uploads, info.upload_id, offset);
        assertEquals(got.length, size - offset);
        assert(got.every((byte, n) => byte === bytes[offset + n]));
        await uploads.remove(info.upload_id);
        assertEquals(await count(kv), 0);
      },
    ),
    { numRuns: 40 },
  );
});

Deno.test("Uploads leaves nothing of a body that broke off, wherever it did", async () => {
  using kv = await Deno.openKv(":memory:");
  const uploads = new Uploads({ kv });
  for (const after of [0, 1, PIECE, 4 * PIECE, 4 * PIECE + 1, 9 * PIECE]) {
    const body = async function* () {
      yield new Uint8Array(after);
      throw new Error("broke off");
    };
    await assertRejects(() => uploads.add(body(), null), Error, "broke off");
    assertEquals(await count(kv), 0);
  }
});

Deno.test("Uploads shows none that is still arriving", async () => {
  using kv = await Deno.openKv(":memory:");
  const uploads = new Uploads({ kv });
  const gate = Promise.withResolvers<void>();
  const arriving = Promise.withResolvers<void>();
  const body = async function* () {
    yield new Uint8Array(5 * PIECE);
    arriving.resolve();
    await gate.promise;
  };
  const adding = uploads.add(body(), null);
  await arriving.promise;
  const [entry] = await Array.fromAsync(kv.list({ prefix: keys.uploads }));
  assertEquals(await uploads.info(String(entry!.key[1])), null);
  gate.resolve();
  assertEquals((await adding).size, 5 * PIECE);
});

Deno.test("Uploads reads no faster than it stores", async () => {
  using kv = await Deno.openKv(":memory:");
  let stored = 0;
  const counting = new Proxy(kv, {
    get(target, name) {
      if (name === "atomic") stored++;
      const value = Reflect.get(target, name, target);
      return typeof value === "function" ? value.bind(target) : value;
    },
  });
  let asked = 0;
  const body = async function* () {
    for (; asked < 40; asked++) {
      // Four pieces wait at the most.
      assert(asked - 4 * stored <= 4, `${asked} asked for, ${stored} commits`);
      yield new Uint8Array(PIECE);
    }
  };
  await new Uploads({ kv: counting }).add(body(), null);
  assertEquals([asked, stored], [40, 10]);
});

Deno.test("Uploads knows none that is unknown or past its time, and removes these", async () => {
  let now = 1000;
  using kv = await Deno.openKv(":memory:");
  const uploads = new Uploads({ kv, ttlMs: 100, now: () => now });
  const old = await uploads.add(chunks(new Uint8Array(200 * 1024), [9999]), null);
  now = 1050;
  const young = await uploads.add(chunks(new Uint8Array(10), [10]), null);
  assertEquals(old.expires_at, new Date(1100).toISOString());
  now = 1099;
  assertEquals(await uploads.info(old.upload_id), old);
  now = 1100;
  assertEquals(await uploads.info(old.upload_id), null);
  await uploads.sweep();
  assertEquals(await uploads.info(young.upload_id), young);
  assertEquals(await count(kv), 2);
  assertEquals(await uploads.info("unknown"), null);
  assertEquals((await uploads.read("unknown", 0)).length, 0);
});
