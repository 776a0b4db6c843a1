import { assert, assertEquals, assertNotEquals, assertRejects } from "@std/assert";
import { concat } from "../../../lib/base/bytes.ts";
import { Artifacts, removedArtifacts, type StoredArtifact } from "../../../lib/kv/artifacts.ts";
import { Arrivals } from "../../../lib/kv/arrivals.ts";
import { CHUNK_BYTES as CHUNK } from "../../../lib/kv/chunks.ts";
import { type Key, keys, keyText } from "../../../lib/kv/keys.ts";
import { NoRoom } from "../../../lib/kv/no_room.ts";
import { HEAD_BYTES } from "../../../lib/kv/stored_size.ts";
import { storeThat } from "../../helpers/store_that.ts";
import { seededRandom } from "../../helpers/random.ts";

function bytesOf(size: number): Uint8Array {
  const random = seededRandom(size);
  return Uint8Array.from({ length: size }, () => 256 * random());
}

/** Commits changes as the journal does. */
async function commit(kv: Deno.Kv, { sets, deletes }: Changes): Promise<void> {
  const atomic = kv.atomic();
  for (const key of deletes) atomic.delete(key);
  for (const [key, value] of sets) atomic.set(key, value);
  assert((await atomic.commit()).ok);
}

type Changes = { sets: [Key, unknown, number][]; deletes: Key[] };

async function keep(
  kv: Deno.Kv,
  artifacts: Artifacts,
  name: string,
  bytes: Uint8Array,
): Promise<StoredArtifact> {
  const arrival = await artifacts.begin("t");
  await arrival.write(bytes);
  const info = { name, type: "a/b", ...await arrival.finish() };
  await commit(kv, await artifacts.placing("t", info, arrival));
  artifacts.letGo(arrival);
  return (await artifacts.get("t", name))!;
}

async function read(
  artifacts: Artifacts,
  artifact: StoredArtifact,
  start: number,
  end: number,
): Promise<Uint8Array> {
  const parts: Uint8Array[] = [];
  for (let at = start; at < end;) {
    const block = concat((await artifacts.read(artifact, at, end, 4))!);
    parts.push(block);
    at += block.length;
  }
  return concat(parts);
}

/** All keys in the store, but for the one that counts bytes. */
async function left(kv: Deno.Kv): Promise<string[]> {
  const entries = await Array.fromAsync(kv.list({ prefix: [] }));
  return entries.map(({ key }) => keyText(key))
    .filter((key) => key !== keyText(keys.artifactsSize));
}

Deno.test("Artifacts.read() reads any part of an artifact, some chunks at a time", async () => {
  using kv = await Deno.openKv(":memory:");
  const artifacts = new Artifacts({ kv, arrivals: new Arrivals({ kv, sid: "me" }) });
  for (const size of [0, 1, CHUNK - 1, CHUNK, CHUNK + 1, 9 * CHUNK + 7]) {
    const bytes = bytesOf(size);
    const artifact = await keep(kv, artifacts, `${size}`, bytes);
    assertEquals(artifact.size, size);
    const places = [0, 1, CHUNK - 1, CHUNK, CHUNK + 1, 5 * CHUNK + 3, size - 1, size]
      .filter((place) => place >= 0 && place <= size);
    for (const start of places) {
      for (const end of places) {
        if (end < start) continue;
        const got = await read(artifacts, artifact, start, end);
        assertEquals(got.length, end - start);
        assert(got.every((byte, n) => byte === bytes[start + n]), `${size}: ${start}-${end}`);
      }
    }
  }
});

Deno.test("Artifacts.placing() replaces the artifact of a name, and a sweep removes the old one's chunks", async () => {
  using kv = await Deno.openKv(":memory:");
  const arrivals = new Arrivals({ kv, sid: "me" });
  const artifacts = new Artifacts({ kv, arrivals });
  const old = await keep(kv, artifacts, "a", bytesOf(6 * CHUNK));
  const now = await keep(kv, artifacts, "a", bytesOf(CHUNK));
  assertNotEquals(old.id, now.id);
  await arrivals.sweepUnfinished();
  assertEquals(await artifacts.read(old, 0, old.size, 4), null);
  assertEquals((await read(artifacts, now, 0, now.size)).length, CHUNK);
  assertEquals(await artifacts.size(), CHUNK + HEAD_BYTES);
  assertEquals((await artifacts.list("t")).map(({ name, size }) => [name, size]), [["a", CHUNK]]);
});

Deno.test("removedArtifacts() and a sweep leave nothing of a task's artifacts", async () => {
  using kv = await Deno.openKv(":memory:");
  const arrivals = new Arrivals({ kv, sid: "me" });
  const artifacts = new Artifacts({ kv, arrivals });
  for (const name of ["a", "b", "c"]) await keep(kv, artifacts, name, bytesOf(5 * CHUNK));
  await commit(kv, await removedArtifacts(kv, "t"));
  await arrivals.sweepUnfinished();
  assertEquals([await artifacts.size(), await left(kv)], [0, []]);
});

Deno.test("Arrivals.sweepUnfinished() removes a dead process's artifact, and none that still arrives", async () => {
  using kv = await Deno.openKv(":memory:");
  await kv.set(keys.session("here"), {});
  const here = new Arrivals({ kv, sid: "here" });
  const dead = new Arrivals({ kv, sid: "dead" });
  const size = CHUNK * 4 + HEAD_BYTES;
  const [arrival, lost] = await Promise.all([here, dead].map(async (arrivals) => {
    const arrival = await new Artifacts({ kv, arrivals }).begin("t");
    await arrival.write(bytesOf(4 * CHUNK));
    return arrival;
  }));
  const artifacts = new Artifacts({ kv, arrivals: here });
  assertEquals(await artifacts.size(), 2 * size);
  await here.sweepUnfinished();
  assertEquals(await artifacts.size(), size);
  await assertRejects(() => lost!.write(bytesOf(4 * CHUNK)), Error, "was considered abandoned");
  await arrival!.write(bytesOf(4 * CHUNK));
  await here.giveUp(arrival!.id);
  await dead.giveUp(lost!.id);
  await kv.delete(keys.session("here"));
  assertEquals([await artifacts.size(), await left(kv)], [0, []]);
});

Deno.test("Artifacts refuses what exceeds the quota of all artifacts, and does not count uploads", async () => {
  using kv = await Deno.openKv(":memory:");
  const arrivals = new Arrivals({ kv, sid: "me" });
  const artifacts = new Artifacts({ kv, arrivals, quota: 10 * CHUNK });
  await kv.set(keys.uploadsSize, new Deno.KvU64(BigInt(100 * CHUNK)));
  await keep(kv, artifacts, "a", bytesOf(6 * CHUNK));
  const arrival = await artifacts.begin("t");
  const { reason, bound, message } = await assertRejects(
    () => arrival.write(bytesOf(8 * CHUNK)),
    NoRoom,
  );
  assertEquals([reason, bound], ["quota", 10 * CHUNK]);
  assert(message.includes("all artifacts together"), message);
  await artifacts.giveUp(arrival);
  assertEquals(await artifacts.size(), 6 * CHUNK + HEAD_BYTES);
});

Deno.test("Artifacts keeps trying while the store fails, for as long as the task waits", async () => {
  using real = await Deno.openKv(":memory:");
  let failures = 3;
  let waits = true;
  const kv = storeThat(real, () => {
    return failures-- > 0 ? Promise.reject(new Error("disk is full")) : Promise.resolve();
  });
  const arrivals = new Arrivals({ kv, sid: "me" });
  const artifacts = new Artifacts({ kv, arrivals });
  const arrival = await artifacts.begin("t", () => waits);
  failures = 3;
  await arrival.write(bytesOf(8 * CHUNK));
  assertEquals(await artifacts.size(), 8 * CHUNK + HEAD_BYTES);
  failures = 5;
  waits = false;
  await assertRejects(() => arrival.write(bytesOf(4 * CHUNK)), Error, "disk is full");
  failures = 0;
  await artifacts.giveUp(arrival);
  assertEquals([await artifacts.size(), await left(kv)], [0, []]);
});

Deno.test("Artifacts.sweep() removes artifacts whose task is gone, and counts the bytes of the rest again", async () => {
  using kv = await Deno.openKv(":memory:");
  const arrivals = new Arrivals({ kv, sid: "me" });
  const artifacts = new Artifacts({ kv, arrivals });
  await kv.set(keys.task("t"), {});
  await keep(kv, artifacts, "a", bytesOf(CHUNK));
  await keep(kv, artifacts, "b", bytesOf(CHUNK));
  const arrival = await artifacts.begin("t");
  await kv.set(keys.artifactsSize, new Deno.KvU64(7n));
  await artifacts.sweep();
  assertEquals(await artifacts.size(), 2 * CHUNK + 3 * HEAD_BYTES);
  await artifacts.giveUp(arrival);
  await kv.delete(keys.task("t"));
  await artifacts.sweep();
  await arrivals.sweepUnfinished();
  assertEquals([await artifacts.size(), await left(kv)], [0, []]);
});
