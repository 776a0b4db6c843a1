import { assert, assertEquals, assertRejects } from "@std/assert";
import { ulid } from "@std/ulid";
import { keys } from "../../../lib/kv/keys.ts";
import { createLogger } from "../../../lib/base/log.ts";
import { MAX_IDS, type Revoked } from "../../../lib/http/revoked.ts";
import { type PageSession, Revocations } from "../../../lib/http/revocations.ts";
import { kvWith } from "../../helpers/kv_with.ts";

const HOUR = 3600_000;

function open(kv: Deno.Kv, alone = false, now = Date.now): Promise<Revocations> {
  return Revocations.open({ kv, alone, log: createLogger({ level: "off" }), now });
}

function session(token = "boss", id: string = ulid()): PageSession {
  return { id, token, expiresAt: Date.now() + HOUR };
}

/** Resolves when one process knows that a session was ended. */
function ending(revocations: Revocations, session: PageSession): Promise<void> {
  return new Promise((resolve) => void revocations.listen(session, resolve));
}

Deno.test("Revocations.has() and listen() know of an ended session in each process of the store", async () => {
  using kv = await Deno.openKv(":memory:");
  await using here = await open(kv);
  await using there = await open(kv);
  const [out, other] = [session(), session()];
  const told = Promise.all([ending(here, out), ending(there, out)]);
  let wrong = 0;
  const stop = there.listen(other, () => wrong++);
  await here.end(out);
  await told;
  for (const each of [here, there, await open(kv, true)]) {
    assertEquals([each.has(out), each.has(other)], [true, false]);
    // A listener that comes late is called at once.
    await ending(each, out);
  }
  stop();
  await there.end(other);
  assertEquals(wrong, 0);
});

Deno.test("Revocations.end() loses none of many sessions that several processes end at once", async () => {
  using kv = await Deno.openKv(":memory:");
  const processes = await Promise.all([open(kv), open(kv), open(kv)]);
  const sessions = Array.from({ length: 60 }, (_, n) => session(n % 2 ? "boss" : "eye"));
  await Promise.all(sessions.map((each, n) => processes[n % 3]!.end(each)));
  const late = await open(kv, true);
  for (const each of sessions) assert(late.has(each));
  for (const each of processes) await each[Symbol.asyncDispose]();
});

Deno.test("Revocations.end() takes at most two commits for 500 sessions that end at once", async () => {
  using memory = await Deno.openKv(":memory:");
  let commits = 0;
  const kv = kvWith(memory, {
    atomic: () => {
      commits++;
      return memory.atomic();
    },
  });
  await using it = await open(kv, true);
  await Promise.all(Array.from({ length: 500 }, () => it.end(session())));
  assert(commits <= 2, `${commits} commits`);
});

Deno.test("Revocations.end() keeps a bounded list for a token, and ends no session of another token", async () => {
  using kv = await Deno.openKv(":memory:");
  await using it = await open(kv, true);
  const other = session("eye");
  const sessions = Array.from({ length: 3 * MAX_IDS }, (_, n) => session("boss", ulid(n)));
  await Promise.all(sessions.map((each) => it.end(each)));
  const { value } = await kv.get<Revoked>(keys.revoked("boss"));
  assert(Object.keys(value!.ids).length <= MAX_IDS);
  const late = await open(kv, true);
  for (const each of sessions) assert(it.has(each) && late.has(each));
  assertEquals([it.has(other), late.has(other)], [false, false]);
});

Deno.test("Revocations.newId() never gives the id of an ended session, whatever the clocks say", async () => {
  using kv = await Deno.openKv(":memory:");
  // The bound comes from a process whose clock is a day ahead.
  const before = ulid(Date.now() + 24 * HOUR);
  await kv.set(keys.revoked("boss"), { before, ids: {} });
  await using it = await open(kv, true);
  assert(!it.has(session("boss", it.newId("boss"))));
  assert(it.has(session()));
});

Deno.test("Revocations.end() fails when the store takes nothing, and stores that session with the next one", async () => {
  using memory = await Deno.openKv(":memory:");
  let broken = true;
  const kv = kvWith(memory, {
    atomic: () => {
      if (broken) throw new Error("The disk is full");
      return memory.atomic();
    },
  });
  await using it = await open(kv, true);
  const [first, second] = [session(), session()];
  await assertRejects(() => it.end(first), Error, "The disk is full");
  assert(it.has(first));
  broken = false;
  await it.end(second);
  const late = await open(memory, true);
  assert(late.has(first) && late.has(second));
});

Deno.test("Revocations reads the store again when its watch breaks", async () => {
  using memory = await Deno.openKv(":memory:");
  const broken = Promise.withResolvers<void>();
  const first = new ReadableStream<never>({
    async start(controller): Promise<void> {
      await broken.promise;
      controller.error(new Error("The store went away"));
    },
  });
  let watches = 0;
  const watch: Deno.Kv["watch"] = (keys) => watches++ === 0 ? first : memory.watch(keys);
  const kv = kvWith(memory, { watch });
  await using there = await open(kv);
  const here = await open(memory, true);
  const out = session();
  await here.end(out);
  assert(!there.has(out));
  broken.resolve();
  await ending(there, out);
});
