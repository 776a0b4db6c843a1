import { assert, assertEquals } from "@std/assert";
import { createLogger } from "../../../lib/base/log.ts";
import { UPLOAD_TTL_MS } from "../../../lib/kv/upload_life.ts";
import { Uploads } from "../../../lib/kv/uploads.ts";
import { Schedules } from "../../../lib/schedule/schedules.ts";
import { Store, type Submission } from "../../../lib/store/store.ts";
import type { Change } from "../../../lib/task/transition.ts";
import { kvWith } from "../../helpers/kv_with.ts";

const HOUR = 3600_000;

const ERROR = { name: "Error", message: "no" };

/** A store and its uploads, with a clock that is set by hand. */
class World implements AsyncDisposable {
  now = Date.parse("2026-11-27T00:00:00Z");
  readonly kv: Deno.Kv;
  readonly uploads: Uploads;
  readonly store: Store;

  constructor(kv: Deno.Kv) {
    this.kv = kv;
    const now = () => this.now;
    this.uploads = new Uploads({ kv, sid: "me", now });
    this.store = new Store({ kv, sid: "me", log: createLogger({ level: "off" }), now });
  }

  async upload(): Promise<string> {
    const body = async function* () {
      yield await Promise.resolve(new Uint8Array(10));
    };
    return (await this.uploads.add(body(), null)).upload_id;
  }

  /** @param named Texts that the field `input.upload` names as uploads. */
  submit(named: string[], more: Partial<Submission> = {}) {
    return this.store.submit({
      kind: "k",
      maxAttempts: 2,
      priority: 0,
      runAt: 0,
      timeoutMs: null,
      input: null,
      named: named.map((id) => ({ id, field: "input.upload" })),
      ...more,
    });
  }

  async task(...named: string[]): Promise<string> {
    const submitted = await this.submit(named);
    assert(submitted.ok);
    return submitted.id;
  }

  async change(id: string, ...changes: Change[]): Promise<void> {
    for (const change of changes) {
      const committed = await this.store.withTask(id, (live) => {
        assert(live.change(change).ok, change.type);
        return live.committed();
      });
      assert(committed?.ok);
    }
  }

  /** Whether an upload is still kept some hours later; a sweep must agree. */
  async keeps(upload: string, hours: number): Promise<boolean> {
    this.now += hours * HOUR;
    const known = await this.uploads.info(upload) !== null;
    await this.uploads.sweep();
    assertEquals((await this.kv.get(["upload", upload])).versionstamp !== null, known);
    return known;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.store[Symbol.dispose]();
    await this.store.journal.close();
    this.kv.close();
  }
}

async function world(): Promise<World> {
  return new World(await Deno.openKv(":memory:"));
}

const start: Change = { type: "start", owner: "me" };

Deno.test("Uploads.sweep() keeps an upload while a task that names it waits or runs, and for 24 hours after", async () => {
  await using it = await world();
  const upload = await it.upload();
  const other = await it.upload();
  const id = await it.task(upload);
  assert(await it.keeps(upload, 48));
  assertEquals(await it.uploads.info(other), null);
  await it.change(id, start);
  assert(await it.keeps(upload, 48));
  // `expires_at` is when it would be removed if the task ended now.
  const { expires_at } = (await it.uploads.info(upload))!;
  assertEquals(Date.parse(expires_at), it.now + UPLOAD_TTL_MS);
  await it.change(id, { type: "interrupt", died: false }, start);
  await it.change(id, { type: "fail", error: ERROR, retryAfterMs: 1 });
  assert(await it.keeps(upload, 48));
  await it.change(id, start, { type: "complete" });
  assert(await it.keeps(upload, 23));
  assert(!await it.keeps(upload, 2));
  // No key of the upload or of its holds is left.
  for (const key of ["upload", "piece", "arriving", "upload-hold", "upload-until"]) {
    assertEquals(await Array.fromAsync(it.kv.list({ prefix: [key] })), [], key);
  }
});

Deno.test("Uploads.sweep() keeps an upload that several tasks name until the last of them has ended", async () => {
  await using it = await world();
  const upload = await it.upload();
  const [first, second, third] = [
    await it.task(upload),
    await it.task(upload),
    await it.task(upload),
  ];
  await it.change(first!, start, { type: "complete" });
  assert(await it.keeps(upload, 48));
  await it.change(second!, { type: "request-cancel" });
  assert(await it.keeps(upload, 48));
  await it.store.remove(second!);
  await it.change(third!, start, { type: "fail", error: ERROR, retryAfterMs: null });
  assert(await it.keeps(upload, 23));
  assert(!await it.keeps(upload, 2));
});

Deno.test("Store.retry() holds the task's upload again, and refuses the retry if the upload is gone", async () => {
  await using it = await world();
  const upload = await it.upload();
  const id = await it.task(upload);
  const fail: Change = { type: "fail", error: ERROR, retryAfterMs: null };
  await it.change(id, start, fail);
  assert(await it.keeps(upload, 23));
  assertEquals(await it.store.retry(id), { ok: true, status: "pending" });
  assert(await it.keeps(upload, 48));
  await it.change(id, start, fail);
  assert(!await it.keeps(upload, 25));
  const status = "failed";
  assertEquals(await it.store.retry(id), { ok: false, reason: "no-upload", upload, status });
  assertEquals(JSON.parse((await it.store.heads.get(id))!.record).status, "failed");
});

Deno.test("Store.submit() with a debounce name holds its upload, and releases the one that it replaces", async () => {
  await using it = await world();
  const first = await it.upload();
  const submit = async (named: string[]) => {
    const submitted = await it.submit(named, {
      debounced: { name: "acme", runAt: it.now + 1000 * HOUR },
    });
    assert(submitted.ok);
    return submitted.id;
  };
  const id = await submit([first]);
  assert(await it.keeps(first, 48));
  const second = await it.upload();
  assertEquals(await submit([second]), id);
  assert(await it.keeps(first, 23));
  assert(await it.keeps(second, 23));
  assert(!await it.keeps(first, 2));
  assert(await it.keeps(second, 48));
  await it.change(id, start, { type: "complete" });
  assert(!await it.keeps(second, 25));
  assertEquals(await Array.fromAsync(it.kv.list({ prefix: ["upload-hold"] })), []);
});

Deno.test("Store.submit() refuses an unknown or expired upload, and more than 100 uploads", async () => {
  await using it = await world();
  const upload = await it.upload();
  for (const id of ["01JD…", "01ARZ3NDEKTSV4RRFFQ69G5FAV", "\u0000"]) {
    const named = { id, field: "input.upload" };
    assertEquals(await it.submit([upload, id]), { ok: false, reason: "no-upload", upload: named });
  }
  // A text that only looks like an id may name nothing.
  const look = [{ id: "01ARZ3NDEKTSV4RRFFQ69G5FAV", field: null }, { id: upload, field: null }];
  const submitted = await it.submit([], { named: look });
  assert(submitted.ok);
  assertEquals((await it.store.heads.get(submitted.id))!.uploads, [upload]);
  const late = await it.upload();
  it.now += UPLOAD_TTL_MS;
  assertEquals((await it.submit([late])).ok, false);
  const many = await Array.fromAsync({ length: 101 }, () => it.upload());
  assertEquals(await it.submit(many), { ok: false, reason: "too-many-uploads" });
  assert((await it.submit(many.slice(1))).ok);
});

Deno.test("Store.submit() and Uploads.remove() of one upload at the same time: only one of them succeeds", async () => {
  for (const first of ["removal", "submit"] as const) {
    const real = await Deno.openKv(":memory:");
    let hook: (() => Promise<unknown>) | undefined;
    const once = async () => {
      const run = hook;
      hook = undefined;
      await run?.();
    };
    // The other one happens between the read and the commit.
    const kv = kvWith(real, {
      atomic(): Deno.AtomicOperation {
        const atomic = real.atomic();
        const commit = atomic.commit.bind(atomic);
        atomic.commit = async () => {
          await once();
          return await commit();
        };
        return atomic;
      },
    });
    await using it = new World(kv);
    const upload = await it.upload();
    if (first === "removal") {
      hook = () => it.uploads.remove(upload);
      assertEquals((await it.submit([upload])).ok, false);
      assertEquals(await it.uploads.info(upload), null);
    } else {
      it.now += UPLOAD_TTL_MS;
      hook = async () => {
        // The clock of the submitting machine is a millisecond behind.
        it.now--;
        await it.task(upload);
        it.now++;
      };
      await it.uploads.remove(upload, true);
      assert(await it.uploads.info(upload));
    }
  }
});

Deno.test("Uploads.sweep() keeps an upload while a schedule names it, and for 24 hours after", async () => {
  await using it = await world();
  const schedules = new Schedules(it.store, 10);
  const input = (...uploads: string[]) => JSON.stringify({ uploads });
  const wanted = {
    kind: "k",
    source: "api",
    cron: "0 0 1 1 *",
    zone: "UTC",
    missed: "one",
    overlap: "skip",
    jitter_ms: 0,
    priority: 0,
  } as const;
  const [first, second, third] = [await it.upload(), await it.upload(), await it.upload()];
  await schedules.create({ ...wanted, id: "s", input: input(first, second) });
  await schedules.create({ ...wanted, id: "t", input: input(third) });
  assert(await it.keeps(first, 48));
  assert(await it.keeps(third, 48));
  await schedules.change("s", { spec: { input: input(second), cron: "0 0 2 1 *" } });
  assert(await it.keeps(first, 23));
  assert(!await it.keeps(first, 2));
  // A change of anything but the input does not release the upload.
  await schedules.change("s", { spec: { priority: 1 }, paused: { by: "ada" } });
  assert(await it.keeps(second, 48));
  await schedules.remove("s");
  await schedules.end("t");
  assert(await it.keeps(second, 23));
  assert(await it.keeps(third, 0));
  for (const upload of [second, third]) assert(!await it.keeps(upload, 2));
  assertEquals(await Array.fromAsync(it.kv.list({ prefix: ["upload-hold"] })), []);
});
