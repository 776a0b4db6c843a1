import { assert, assertEquals, assertRejects } from "@std/assert";
import { createHash } from "node:crypto";
import fc from "fast-check";
import { FreeSpace } from "../../../lib/kv/free_space.ts";
import { keys, keyText } from "../../../lib/kv/keys.ts";
import { CHUNK_BYTES as CHUNK } from "../../../lib/kv/chunks.ts";
import type { StoredUpload } from "../../../lib/kv/upload_values.ts";
import { NoRoom } from "../../../lib/kv/no_room.ts";
import { Uploads } from "../../../lib/kv/uploads.ts";
import { HEAD_BYTES } from "../../../lib/kv/stored_size.ts";
import { kvWith } from "../../helpers/kv_with.ts";
import { seededRandom } from "../../helpers/random.ts";
import { storeThat } from "../../helpers/store_that.ts";
import { tempDir } from "../../helpers/temp_dir.ts";

/** Random bytes, the same for the same seed. */
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
  const ofAll = [keys.uploadsSize, keys.uploadsRemoved].map(keyText);
  const entries = await Array.fromAsync(kv.list({ prefix: [] }));
  return entries.filter(({ key }) => !ofAll.includes(keyText(key))).length;
}

Deno.test("Uploads keeps bytes and their digest, however the body is cut, and reads from any offset", async () => {
  await using directory = await tempDir();
  using kv = await Deno.openKv(`${directory.path}/test.db`);
  const uploads = new Uploads({ kv, sid: "me" });
  const size = fc.oneof(
    fc.nat(2000),
    fc.constantFrom(CHUNK - 1, CHUNK, CHUNK + 1, 5 * CHUNK, 400_000),
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

Deno.test("Uploads.add() leaves nothing of a body that breaks off, wherever it does", async () => {
  using kv = await Deno.openKv(":memory:");
  const uploads = new Uploads({ kv, sid: "me" });
  for (const after of [0, 1, CHUNK, 4 * CHUNK, 4 * CHUNK + 1, 9 * CHUNK]) {
    const body = async function* () {
      yield new Uint8Array(after);
      throw new Error("broke off");
    };
    await assertRejects(() => uploads.add(body(), null), Error, "broke off");
    assertEquals(await count(kv), 0);
  }
});

Deno.test("Uploads.info() returns null while an upload is still arriving", async () => {
  using kv = await Deno.openKv(":memory:");
  const uploads = new Uploads({ kv, sid: "me" });
  const gate = Promise.withResolvers<void>();
  const arriving = Promise.withResolvers<void>();
  const body = async function* () {
    yield new Uint8Array(5 * CHUNK);
    arriving.resolve();
    await gate.promise;
  };
  const adding = uploads.add(body(), null);
  await arriving.promise;
  const [entry] = await Array.fromAsync(kv.list({ prefix: keys.arrivings }));
  assertEquals(await uploads.info(String(entry!.key[1])), null);
  gate.resolve();
  assertEquals((await adding).size, 5 * CHUNK);
});

Deno.test("Uploads.add() reads a body no faster than it stores it", async () => {
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
      // At most four chunks wait to be stored. The first commit stores none.
      assert(asked - 4 * (stored - 1) <= 4, `${asked} asked for, ${stored} commits`);
      yield new Uint8Array(CHUNK);
    }
  };
  await new Uploads({ kv: counting, sid: "me" }).add(body(), null);
  assertEquals([asked, stored], [40, 12]);
});

Deno.test("Uploads.add() has one write under way, however many uploads arrive at once", async () => {
  using kv = await Deno.openKv(":memory:");
  let underWay = 0;
  let most = 0;
  let writes = 0;
  const counted = async <T>(write: () => Promise<T>) => {
    most = Math.max(most, ++underWay);
    writes++;
    return await write().finally(() => underWay--);
  };
  const atomic = () => {
    const real = kv.atomic();
    const commit = real.commit.bind(real);
    real.commit = () => counted(commit);
    return real;
  };
  const set: Deno.Kv["set"] = (key, value) => counted(() => kv.set(key, value));
  const uploads = new Uploads({ kv: kvWith(kv, { atomic, set }), sid: "me" });
  const added = await Promise.all(Array.from({ length: 20 }, (_, n) => {
    const bytes = bytesOf(9 * CHUNK, n);
    return uploads.add(chunks(bytes, [CHUNK]), null);
  }));
  assertEquals(most, 1);
  // One commit to begin, three for nine chunks, four in each at most, and one to end.
  assertEquals(writes, 20 * 5);
  for (const { upload_id, size } of added) {
    assertEquals((await readAll(uploads, upload_id, 0)).length, size);
  }
});

Deno.test("Uploads.info() returns null for unknown and expired uploads, and sweep() removes expired ones", async () => {
  let now = 1000;
  using kv = await Deno.openKv(":memory:");
  const uploads = new Uploads({ kv, sid: "me", ttlMs: 100, now: () => now });
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
  assertEquals(await uploads.size(), HEAD_BYTES + 10);
  // What a client or a task gives as an id may be any text, of any length.
  for (const id of ["unknown", "", "x".repeat(48 * 1024), "\u0000", `${young.upload_id}/`]) {
    assertEquals(await uploads.info(id), null);
    assertEquals((await uploads.read(id, 0)).length, 0);
  }
});

/** A body of parts of four chunks, which fill a commit. Each waits for its gate to be opened. */
function gatedBody(chunks: number) {
  const gates = Array.from({ length: chunks }, () => Promise.withResolvers<void>());
  const asked = Array.from({ length: chunks + 1 }, () => Promise.withResolvers<void>());
  return {
    /** Resolves when part `n` is asked for: those before it are stored. */
    asked: (n: number) => asked[n]!.promise,
    open: (n: number) => gates[n]!.resolve(),
    async *body(): AsyncGenerator<Uint8Array> {
      for (let n = 0; n < chunks; n++) {
        asked[n]!.resolve();
        await gates[n]!.promise;
        yield new Uint8Array(4 * CHUNK);
      }
      asked[chunks]!.resolve();
    },
  };
}

const zeros = (bytes: number) => chunks(new Uint8Array(bytes), [bytes || 1]);

async function stored(kv: Deno.Kv): Promise<number> {
  const chunks = await Array.fromAsync(kv.list<Uint8Array>({ prefix: ["piece"] }));
  const heads = await Array.fromAsync(kv.list({ prefix: keys.uploads }));
  const arriving = await Array.fromAsync(kv.list({ prefix: keys.arrivings }));
  return chunks.reduce((sum, { value }) => sum + value.length, 0) +
    HEAD_BYTES * (heads.length + arriving.length);
}

Deno.test("Uploads.add() refuses an upload beyond the quota, keeps nothing of it, and takes it once there is room", async () => {
  using kv = await Deno.openKv(":memory:");
  let now = 0;
  const quota = 20 * CHUNK + 3 * HEAD_BYTES;
  const uploads = new Uploads({ kv, sid: "me", quota, ttlMs: 100, now: () => now });
  const [first] = [await uploads.add(zeros(12 * CHUNK), null), await uploads.add(zeros(0), null)];
  assertEquals(await uploads.size(), 12 * CHUNK + 2 * HEAD_BYTES);
  // A length is refused at once; a body without one is stopped when it goes beyond the quota.
  const never = async function* () {
    assert(false, "nothing of it need be read");
    yield new Uint8Array();
  };
  for (
    const add of [
      () => uploads.add(never(), null, 8 * CHUNK + 1),
      () => uploads.add(zeros(9 * CHUNK), null),
    ]
  ) {
    const { reason, bound } = await assertRejects(add, NoRoom);
    assertEquals([reason, bound], ["quota", quota]);
    assertEquals(await stored(kv), 12 * CHUNK + 2 * HEAD_BYTES);
    assertEquals(await uploads.size(), await stored(kv));
  }
  assertEquals((await uploads.add(zeros(8 * CHUNK), null)).size, 8 * CHUNK);
  assertEquals(await uploads.size(), quota);
  await assertRejects(() => uploads.add(zeros(0), null), NoRoom);
  await uploads.remove(first.upload_id);
  assertEquals((await uploads.add(zeros(11 * CHUNK), null)).size, 11 * CHUNK);
  now = 100;
  await uploads.sweep();
  assertEquals([await uploads.size(), await count(kv)], [0, 0]);
});

Deno.test("Uploads of several processes stay under one quota together", async () => {
  using kv = await Deno.openKv(":memory:");
  const quota = 40 * CHUNK;
  const processes = ["a", "b", "c"].map((sid) => new Uploads({ kv, sid, quota }));
  const added = await Promise.allSettled(
    Array.from({ length: 12 }, (_, n) => processes[n % 3]!.add(zeros(8 * CHUNK), null)),
  );
  const kept = added.filter(({ status }) => status === "fulfilled").length;
  assert(kept <= 4, `${kept}`);
  for (const each of added) {
    if (each.status === "rejected") assert(each.reason instanceof NoRoom);
  }
  assertEquals(await processes[0]!.size(), kept * (8 * CHUNK + HEAD_BYTES));
  assertEquals(await stored(kv), await processes[0]!.size());
});

Deno.test("Uploads.add() leaves the floor of the disk free, and measures it again after a second or 8 MiB", async () => {
  using kv = await Deno.openKv(":memory:");
  let now = 0;
  let measured = 0;
  let free: number | null = 50 * CHUNK;
  const space = new FreeSpace({
    floor: 30 * CHUNK,
    now: () => now,
    freeBytes: () => {
      measured++;
      return Promise.resolve(free);
    },
  });
  const uploads = new Uploads({ kv, sid: "me", space });
  const whole = await uploads.add(zeros(16 * CHUNK), null);
  const { reason, bound } = await assertRejects(
    () => uploads.add(zeros(16 * CHUNK), null),
    NoRoom,
  );
  assertEquals([reason, bound, measured], ["disk", 30 * CHUNK, 1]);
  await assertRejects(() => uploads.add(zeros(1), null, 16 * CHUNK), NoRoom);
  assertEquals(await stored(kv), 16 * CHUNK + HEAD_BYTES);
  // Somebody made room.
  now = 1000;
  free = 1000 * CHUNK;
  await uploads.add(zeros(200 * CHUNK), null);
  assertEquals(measured, 3, "again after a second, and after 8 MiB");
  now = 5000;
  free = null;
  await uploads.add(zeros(16 * CHUNK), null);
  assertEquals((await uploads.info(whole.upload_id))?.size, 16 * CHUNK);
});

Deno.test("Arrivals.sweepUnfinished() removes what dead processes left, and keeps what still arrives anywhere", async () => {
  using kv = await Deno.openKv(":memory:");
  await kv.set(keys.session("here"), {});
  await kv.set(keys.session("elsewhere"), {});
  await kv.set(keys.session("dead"), {});
  const [here, elsewhere, dead] = ["here", "elsewhere", "dead"].map((sid) => {
    const gate = gatedBody(3);
    const uploads = new Uploads({ kv, sid });
    const adding = uploads.add(gate.body(), sid).then(({ size }) => size, (error) => String(error));
    return { gate, uploads, adding };
  });
  for (const { gate } of [here!, elsewhere!, dead!]) {
    gate.open(0);
    await gate.asked(1);
  }
  await here!.uploads.arrivals.sweepUnfinished();
  assertEquals(await stored(kv), 3 * (4 * CHUNK + HEAD_BYTES));
  await kv.delete(keys.session("dead"));
  await here!.uploads.arrivals.sweepUnfinished();
  assertEquals(await stored(kv), 2 * (4 * CHUNK + HEAD_BYTES));
  assertEquals(await here!.uploads.size(), await stored(kv));
  for (const { gate } of [here!, elsewhere!, dead!]) {
    gate.open(1);
    gate.open(2);
  }
  assertEquals(await Promise.all([here!.adding, elsewhere!.adding]), [12 * CHUNK, 12 * CHUNK]);
  // An upload whose process was wrongly taken for dead fails, and leaves nothing behind.
  assertEquals(await dead!.adding, "Error: the upload was considered abandoned");
  assertEquals(await stored(kv), 2 * (12 * CHUNK + HEAD_BYTES));
  assertEquals(await here!.uploads.size(), await stored(kv));
});

Deno.test("Arrivals.sweepUnfinished() removes what Uploads.add() could not, and goes on where it failed", async () => {
  using real = await Deno.openKv(":memory:");
  let commits = 0;
  let failAt = Infinity;
  const kv = storeThat(real, () => {
    return ++commits >= failAt ? Promise.reject(new Error("disk is full")) : Promise.resolve();
  });
  const uploads = new Uploads({ kv, sid: "me" });
  failAt = 20;
  await assertRejects(() => uploads.add(zeros(368 * CHUNK), null), Error, "disk is full");
  assertEquals(await uploads.size(), await stored(real));
  assert(await stored(real) > 60 * CHUNK);
  await assertRejects(() => uploads.arrivals.sweepUnfinished());
  // The store takes one commit of each sweep.
  for (let n = 0; n < 2; n++) {
    failAt = commits + 2;
    await assertRejects(() => uploads.arrivals.sweepUnfinished());
    assertEquals(await uploads.size(), await stored(real));
  }
  failAt = Infinity;
  await uploads.arrivals.sweepUnfinished();
  assertEquals([await uploads.size(), await count(real)], [0, 0]);
});

Deno.test("Uploads.sweep() counts an older version's uploads, and removes even unfinished ones once expired", async () => {
  let now = 0;
  using kv = await Deno.openKv(":memory:");
  const old = (id: string, size: number, sha256: string): StoredUpload => {
    const expires_at = new Date(100).toISOString();
    return { upload_id: id, size, sha256, name: null, expires_at, piece_size: CHUNK };
  };
  await kv.set(keys.upload("whole"), old("whole", CHUNK + 1, "aa"));
  await kv.set(keys.chunk("whole", 0), new Uint8Array(CHUNK));
  await kv.set(keys.chunk("whole", 1), new Uint8Array(1));
  await kv.set(keys.upload("half"), old("half", 0, ""));
  for (let n = 0; n < 70; n++) await kv.set(keys.chunk("half", n), new Uint8Array(10));
  const uploads = new Uploads({ kv, sid: "me", now: () => now });
  await uploads.sweep();
  assertEquals(await uploads.size(), CHUNK + 1 + 2 * HEAD_BYTES);
  assertEquals(await uploads.info("half"), null);
  now = 100;
  await uploads.sweep();
  assertEquals([await uploads.size(), await count(kv)], [0, 0]);
});

Deno.test("Uploads.add() makes ids that nobody can guess from other ids of the same millisecond", async () => {
  using kv = await Deno.openKv(":memory:");
  const uploads = new Uploads({ kv, sid: "me", now: () => 1_800_000_000_000 });
  const ids = await Promise.all(
    Array.from(
      { length: 100 },
      async () => (await uploads.add(chunks(bytesOf(1, 1), [1]), null)).upload_id,
    ),
  );
  // 10 characters are the time; of the 16 that follow, the first 8 alone hold 40 random bits.
  assertEquals(new Set(ids.map((id) => id.slice(10, 18))).size, ids.length);
});
