import { assert, assertEquals, assertRejects } from "@std/assert";
import { createLogger } from "../../../lib/base/log.ts";
import { type Delivery, dueSet } from "../../../lib/kv/deliveries.ts";
import { keys } from "../../../lib/kv/keys.ts";
import { Store } from "../../../lib/store/store.ts";
import { NOTIFY_EVENTS, type NotifyTarget, storedTarget } from "../../../lib/task/notify.ts";
import { Dispatcher } from "../../../lib/webhooks/dispatcher.ts";
import { Deliveries } from "../../../lib/webhooks/deliveries.ts";
import { MAX_KEPT, Outbox, type Taken, TAKEN_MS } from "../../../lib/webhooks/outbox.ts";
import type { Tried } from "../../../lib/webhooks/outcome.ts";
import type { Part } from "../../../lib/store/write.ts";
import { parseAllowed, Reach } from "../../../lib/webhooks/reach.ts";
import { eventually } from "../../helpers/eventually.ts";
import { kvWith } from "../../helpers/kv_with.ts";
import { OTHER_SECRET, type Receiver, receiver, SECRET } from "../../helpers/receiver.ts";

const reach = new Reach(parseAllowed(["127.0.0.1", "silent.example"])!);

/** The parts of a process that send webhooks. */
interface Process extends AsyncDisposable {
  store: Store;
  outbox: Outbox;
  deliveries: Deliveries;
  dispatcher: Dispatcher;
  /** The lines that it logged, at level `warn` or above. */
  warnings: string[];
}

class World implements AsyncDisposable {
  readonly kv: Deno.Kv;
  /** Milliseconds that the clock is ahead. */
  ahead = 0;
  readonly #resources = new AsyncDisposableStack();
  #count = 0;

  constructor(kv: Deno.Kv) {
    this.kv = kv;
    this.#resources.defer(() => kv.close());
  }

  static async open(): Promise<World> {
    return new World(await Deno.openKv(":memory:"));
  }

  readonly now = () => Date.now() + this.ahead;

  /** @param starts Whether the process sends webhooks. */
  async join({ starts = true, secrets = [SECRET], kv = this.kv } = {}): Promise<Process> {
    const { now } = this;
    const sid = `s${this.#count++}`;
    await kv.set(keys.session(sid), { host: "", pid: 1, role: "all", started_at: "" });
    const warnings: string[] = [];
    const log = createLogger({ level: "warn", write: (line) => warnings.push(line) });
    const store = new Store({ kv, sid, log, now });
    const write = (part: Part) => store.journal.write(part);
    const outbox = new Outbox({ kv, sid, write, now, log });
    const deliveries = new Deliveries({ kv, write, now });
    const dispatcher = new Dispatcher({
      outbox,
      sid,
      workers: () => [sid],
      secrets,
      reach,
      resolve: () => new Promise(() => {}),
      timeoutMs: 60_000,
      // Longer than any test: a delivery is found only by a watch or a wake.
      lookMs: 3600_000,
      now,
      log,
    });
    if (starts) dispatcher.start();
    this.#resources.defer(async () => {
      await dispatcher.stop(0);
      store[Symbol.dispose]();
      await store.journal.close();
    });
    return {
      store,
      outbox,
      deliveries,
      dispatcher,
      warnings,
      [Symbol.asyncDispose]: () => dispatcher.stop(0),
    };
  }

  /** The number of keys in the store whose first part is one of these. */
  async count(...prefixes: string[]): Promise<number> {
    let count = 0;
    for (const prefix of prefixes) {
      for await (const _ of this.kv.list({ prefix: [prefix] })) count++;
    }
    return count;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#resources.disposeAsync();
  }
}

async function submit({ store }: Process, ...targets: NotifyTarget[]): Promise<string> {
  const submitted = await store.submit({
    kind: "k",
    maxAttempts: 1,
    priority: 0,
    runAt: 0,
    timeoutMs: null,
    input: null,
    notify: targets.map(storedTarget),
  });
  assert(submitted.ok);
  return submitted.id;
}

/** The outbox of another process on the same journal. */
function outboxOf({ store }: Process, kv: Deno.Kv, now: () => number): Outbox {
  const log = createLogger({ level: "off" });
  return new Outbox({ kv, sid: "other", write: (part) => store.journal.write(part), now, log });
}

/** Runs a task that waits `waits` times, and completes. */
async function run({ store }: Process, id: string, waits = 0): Promise<void> {
  const live = await store.withTask(id, (live) => {
    for (let n = 0; n < waits; n++) {
      live.change({ type: "start", owner: store.sid });
      live.change({ type: "wait", for: { type: "signal", name: `${n}`, until: null } });
      live.change({ type: "wake" });
    }
    live.change({ type: "start", owner: store.sid });
    live.change({ type: "complete" }, '{"done":true}');
    return live;
  });
  assertEquals((await live!.committed()).ok, true);
}

async function states({ deliveries }: Process, id: string): Promise<Delivery["state"][]> {
  return (await deliveries.of(id)).map(({ delivery }) => delivery.state).reverse();
}

async function newest({ deliveries }: Process, id: string): Promise<Delivery> {
  return (await deliveries.of(id))[0]!.delivery;
}

function settled(process: Process, id: string): Promise<void> {
  return eventually(async () => {
    assert((await states(process, id)).every((state) => state !== "waiting"));
  });
}

/** How a try went that its target accepted, and one that it did not. */
const ACCEPTED: Tried = {
  at: 0,
  ms: 0,
  status: 200,
  error: null,
  response: "",
  retryAfterMs: null,
};
const REFUSED: Tried = { ...ACCEPTED, status: 500, error: "HTTP 500" };

const types = ({ received }: Receiver) => received.map(({ body }) => body.type.slice(5));

Deno.test("Dispatcher sends a target the events that it asked for: signed, in order, each with its own id", async () => {
  await using world = await World.open();
  await using to = receiver();
  const process = await world.join();
  const url = `${to.url}/a?b=c`;
  const id = await submit(process, { url, on: [...NOTIFY_EVENTS] });
  await run(process, id, 3);
  await settled(process, id);
  assertEquals(types(to), ["started", "waiting", "waiting", "waiting", "completed"]);
  assertEquals(to.received.map(({ id }) => id), [1, 2, 3, 4, 5].map((n) => `msg_${id}_${n}`));
  const { path, body } = to.received.at(-1)!;
  assertEquals(path, "/a?b=c");
  const { data, timestamp } = body;
  assertEquals([data.task_id, data.status, data.result], [id, "completed", { done: true }]);
  assertEquals(timestamp, data.updated_at);
  await eventually(async () => assertEquals(await world.count("outbox", "delivery-due"), 0));
});

Deno.test("Dispatcher tries a failed delivery again; later ones to its target wait, other targets do not", async () => {
  await using world = await World.open();
  await using bad = receiver((_, n) => new Response("not now", { status: n <= 2 ? 500 : 200 }));
  await using good = receiver();
  const process = await world.join();
  const on = ["started", "completed"] as const;
  const id = await submit(process, { url: bad.url, on }, { url: good.url, on });
  await run(process, id);
  await good.count(2);
  // Moves the clock on to the next try, and to the one after.
  await eventually(async () => {
    world.ahead += 5000;
    process.dispatcher.wake();
    assertEquals(await states(process, id), Array(4).fill("delivered"));
  }, { interval: 50 });
  assertEquals(types(bad), ["started", "started", "started", "completed"]);
  assertEquals(new Set(bad.received.map(({ id }) => id)).size, 2);
  const first = (await process.deliveries.of(id)).find(({ delivery }) => delivery.tries === 3)!;
  assertEquals(
    first.delivery.attempts.map(({ status, error, response }) => [status, error, response]),
    [[500, "HTTP 500", "not now"], [500, "HTTP 500", "not now"], [200, null, "not now"]],
  );
});

Deno.test("Dispatcher does not let a target that never answers keep another target waiting", async () => {
  await using world = await World.open();
  await using good = receiver();
  const process = await world.join();
  for (let n = 0; n < 300; n++) {
    await run(process, await submit(process, { url: `http://silent.example/${n}` }));
  }
  const id = await submit(process, { url: good.url });
  await run(process, id);
  await settled(process, id);
  assertEquals(types(good), ["completed"]);
});

Deno.test("Dispatcher sends each delivery once and those of a task in order, with several processes", async () => {
  await using world = await World.open();
  await using to = receiver();
  const processes = await Promise.all([world.join(), world.join(), world.join()]);
  const ids: string[] = [];
  for (let n = 0; n < 12; n++) {
    const id = await submit(processes[n % 3]!, { url: to.url, on: ["waiting", "completed"] });
    ids.push(id);
    await run(processes[n % 3]!, id, 2);
    for (const { dispatcher } of processes) dispatcher.wake();
  }
  await to.count(36);
  await eventually(async () => assertEquals(await world.count("outbox", "delivery-due"), 0));
  assertEquals(to.received.length, 36);
  for (const id of ids) {
    const told = to.received.filter(({ body }) => body.data.task_id === id);
    assertEquals(told.map(({ id: own }) => own), [1, 2, 3].map((n) => `msg_${id}_${n}`));
  }
});

Deno.test("Outbox.take() takes the next delivery if another process made one between its two reads", async () => {
  await using world = await World.open();
  const process = await world.join({ starts: false });
  const id = await submit(process, { url: "https://example.com/", on: ["started", "completed"] });
  await run(process, id);
  const { dues: [due] } = await process.outbox.lines.due(1, null);
  const deliver = async () => {
    const taken = await process.outbox.take(due!);
    await process.outbox.finish(taken!, ACCEPTED);
  };
  let reads = 0;
  const getMany = (async (...args: Parameters<Deno.Kv["getMany"]>) => {
    if (reads++ === 0) await deliver();
    return await world.kv.getMany(...args);
  }) as Deno.Kv["getMany"];
  const late = outboxOf(process, kvWith(world.kv, { getMany }), world.now);
  assertEquals((await late.take(due!))?.n, 2);
  assertEquals(await states(process, id), ["delivered", "waiting"]);
});

Deno.test("Outbox leaves no key behind if another process found the line while it was taken", async () => {
  await using world = await World.open();
  const [one, other] = [await world.join({ starts: false }), await world.join({ starts: false })];
  const id = await submit(one, { url: "https://example.com/", on: ["completed"] });
  await run(one, id);
  const { dues: [due] } = await one.outbox.lines.due(1, null);
  const taken = await one.outbox.take(due!);
  // As a later event of the task does.
  await one.store.journal.write({ sets: [dueSet(due!, world.now(), due!.origin)] });
  const { dues: [found] } = await other.outbox.lines.due(1, null);
  assertEquals(await other.outbox.take(found!), null);
  assertEquals(await world.count("delivery-due"), 1);
  await one.outbox.finish(taken!, ACCEPTED);
  assertEquals(await one.outbox.take(taken!.due), null);
  assertEquals(await world.count("outbox", "delivery-due"), 0);
});

Deno.test("Outbox.take() leaves no key behind if other processes take and finish the line's deliveries meanwhile", async () => {
  await using world = await World.open();
  const process = await world.join({ starts: false });
  const id = await submit(process, { url: "https://example.com/", on: ["started", "completed"] });
  await run(process, id);
  const { outbox: other, store } = process;
  let others: Taken;
  let steps = 0;
  const getMany = (async (...args: Parameters<Deno.Kv["getMany"]>) => {
    const read = await world.kv.getMany(...args);
    // The first delivery is sent. Another process takes the second before this one can.
    if (++steps === 2) {
      // It takes it until later than this one had the first.
      world.ahead += 1000;
      await store.journal.write({ sets: [dueSet(due!, world.now(), due!.origin)] });
      others = (await other.take((await other.lines.due(1, null)).dues[0]!))!;
    }
    return read;
  }) as Deno.Kv["getMany"];
  const get = (async (...args: Parameters<Deno.Kv["get"]>) => {
    const entry = await world.kv.get(...args);
    // It has sent it before this one can leave the line to it.
    if (args[0][0] === "delivery-due" && ++steps === 4) await other.finish(others, ACCEPTED);
    return entry;
  }) as Deno.Kv["get"];
  const one = outboxOf(process, kvWith(world.kv, { getMany, get }), world.now);
  const { dues: [due, ...more] } = await one.lines.due(10, null);
  // Each event writes a key, the same one only if they happen within one millisecond.
  for (const other of more) await one.lines.drop(other);
  const taken = await one.take(due!);
  await one.finish(taken!, ACCEPTED);
  assertEquals(await one.take(taken!.due), null);
  assertEquals(steps, 5);
  assertEquals(await world.count("delivery-due"), 1);
  assertEquals(await other.take(others!.due), null);
  assertEquals(await world.count("outbox", "delivery-due"), 0);
});

Deno.test("Dispatcher.start() sends what a dead process had taken, with the same id", async () => {
  await using world = await World.open();
  const got = Promise.withResolvers<void>();
  const gate = Promise.withResolvers<void>();
  await using to = receiver(async (_, n) => {
    if (n === 1) {
      got.resolve();
      await gate.promise;
    }
    return new Response();
  });
  const dead = await world.join();
  const id = await submit(dead, { url: to.url });
  await run(dead, id);
  await got.promise;
  // A process without a session counts as dead.
  await world.kv.delete(keys.session(dead.store.sid));
  const process = await world.join();
  await to.count(2);
  gate.resolve();
  await settled(process, id);
  assertEquals(new Set(to.received.map(({ id }) => id)).size, 1);
});

Deno.test("Dispatcher looks when another process wrote a delivery, and at recover() for a dead process", async () => {
  await using world = await World.open();
  const gate = Promise.withResolvers<Response>();
  await using to = receiver((_, n) => n === 1 ? gate.promise : new Response());
  const web = await world.join({ starts: false });
  const dead = await world.join();
  const first = await submit(web, { url: to.url });
  await run(web, first);
  await to.count(1);
  let looks = 0;
  const kv = kvWith(world.kv, {
    list: ((...args: Parameters<Deno.Kv["list"]>) => {
      if (JSON.stringify(args[0]).includes("delivery-due")) looks++;
      return world.kv.list(...args);
    }) as Deno.Kv["list"],
  });
  const process = await world.join({ kv });
  await eventually(() => assert(looks > 0));
  await world.kv.delete(keys.session(dead.store.sid));
  process.dispatcher.recover();
  await to.count(2);
  await settled(process, first);
  await dead.dispatcher.stop(0);
  const second = await submit(web, { url: to.url });
  await run(web, second);
  await settled(process, second);
  gate.resolve(new Response());
});

Deno.test("Dispatcher sends a delivery that a live process has taken for too long", async () => {
  await using world = await World.open();
  const gate = Promise.withResolvers<Response>();
  await using to = receiver((_, n) => n === 1 ? gate.promise : new Response());
  const stuck = await world.join();
  const id = await submit(stuck, { url: to.url });
  await run(stuck, id);
  await to.count(1);
  const process = await world.join();
  world.ahead += TAKEN_MS + 1;
  process.dispatcher.wake();
  await settled(process, id);
  // The result of the first try no longer changes anything.
  gate.resolve(new Response(null, { status: 500 }));
  await stuck.dispatcher.stop(60_000);
  assertEquals(await states(process, id), ["delivered"]);
  assertEquals(to.received.length, 2);
});

Deno.test("Dispatcher sends a waiting delivery and the next one after the clock is set back by a day", async () => {
  await using world = await World.open();
  await using to = receiver();
  const process = await world.join();
  // The receiver refuses a signature that is dated a day ahead.
  world.ahead = 24 * 3600_000;
  const id = await submit(process, { url: to.url, on: ["started", "completed"] });
  await run(process, id);
  await eventually(async () => {
    const [, { delivery }] = await process.deliveries.of(id) as [unknown, { delivery: Delivery }];
    assertEquals([delivery.tries, delivery.by], [1, null]);
  });
  world.ahead = 0;
  process.dispatcher.wake();
  await settled(process, id);
  assertEquals(types(to), ["started", "completed"]);
});

/** Takes a delivery of each line that is due, one after another, and returns their numbers. */
async function takeAll({ outbox }: Process): Promise<number[]> {
  const { dues } = await outbox.lines.due(10, null);
  const taken: number[] = [];
  for (const due of dues) taken.push((await outbox.take(due))?.n ?? 0);
  return taken.filter((n) => n > 0);
}

for (const backMs of [3000, 3600_000, 24 * 3600_000]) {
  Deno.test(`Outbox.take() forgets no line if the clock is set back by ${backMs / 1000} s after due()`, async () => {
    await using world = await World.open();
    const process = await world.join({ starts: false });
    const { outbox } = process;
    const id = await submit(process, { url: "https://example.com/", on: ["started", "completed"] });
    await run(process, id);
    const { dues: [first] } = await outbox.lines.due(1, null);
    const { next } = (await outbox.finish((await outbox.take(first!))!, REFUSED))!;
    world.ahead = next - Date.now();
    const { dues } = await outbox.lines.due(10, null);
    world.ahead -= backMs;
    const taken = [];
    for (const due of dues) taken.push(await outbox.take(due));
    world.ahead += backMs;
    // It is taken now if its time is too far ahead to be true, and otherwise at that time.
    const sent = taken.flatMap((it) => it?.n ?? []);
    assertEquals(sent.length > 0 ? sent : await takeAll(process), [1]);
  });
}

Deno.test("Outbox.take() forgets no line whose time was too far ahead to be true at due(), but is not now", async () => {
  await using world = await World.open();
  const process = await world.join({ starts: false });
  const { outbox } = process;
  const id = await submit(process, { url: "https://example.com/", on: ["started"] });
  await run(process, id);
  const { dues: [first] } = await outbox.lines.due(1, null);
  const { next } = (await outbox.finish((await outbox.take(first!))!, REFUSED))!;
  const twoHours = 2 * 3600_000;
  world.ahead = next - twoHours - 60_000 - Date.now();
  const { dues: [due] } = await outbox.lines.due(1, null);
  world.ahead += 120_000;
  assertEquals(await outbox.take(due!), null);
  world.ahead += twoHours;
  assertEquals(await takeAll(process), [1]);
});

Deno.test("Dispatcher gives up a delivery after a day, and logs that without the path of its target", async () => {
  await using world = await World.open();
  await using to = receiver(() => new Response(null, { status: 503 }));
  const process = await world.join();
  const id = await submit(process, { url: `${to.url}/secret-path` });
  await run(process, id);
  await to.count(1);
  world.ahead += 24 * 3600_000;
  process.dispatcher.wake();
  await settled(process, id);
  assertEquals(await states(process, id), ["given_up"]);
  const [warning] = process.warnings;
  assertEquals(JSON.parse(warning!).message, "a webhook was given up");
  assert(!warning!.includes("secret-path"));
});

Deno.test("Dispatcher also gives up deliveries that wait for a silent host after a day", async () => {
  await using world = await World.open();
  await using to = receiver(() => new Response(null, { status: 503 }));
  const process = await world.join();
  const ids: string[] = [];
  for (let n = 0; n < 20; n++) {
    ids.push(await submit(process, { url: to.url }));
    await run(process, ids[n]!);
  }
  await to.count(5);
  world.ahead += 25 * 3600_000;
  process.dispatcher.wake();
  for (const id of ids) {
    await settled(process, id);
    assertEquals(await states(process, id), ["given_up"]);
  }
});

Deno.test("Deliveries.resend() sends a delivered webhook again and a waiting one now, with the same id", async () => {
  await using world = await World.open();
  let status = 500;
  await using to = receiver(() => new Response(null, { status }));
  const process = await world.join();
  const id = await submit(process, { url: to.url });
  await run(process, id);
  await eventually(async () => {
    const { by, tries } = await newest(process, id);
    assert(by === null && tries >= 1);
  });
  status = 200;
  assertEquals((await process.deliveries.resend(id, 1, "k", "ada"))!.state, "waiting");
  process.dispatcher.wake();
  await settled(process, id);
  assertEquals((await process.deliveries.resend(id, 1, "k", "ada"))!.tries, 0);
  process.dispatcher.wake();
  await settled(process, id);
  assert(to.received.length >= 3);
  assertEquals(new Set(to.received.map(({ id }) => id)), new Set([`msg_${id}_1`]));
  assertEquals(await process.deliveries.resend(id, 2, "k", "ada"), null);
});

Deno.test("Dispatcher still sends the waiting deliveries of a removed task, and leaves no keys behind", async () => {
  await using world = await World.open();
  let status = 500;
  await using to = receiver(() => new Response(null, { status }));
  const process = await world.join();
  const id = await submit(process, { url: to.url, on: ["started", "completed"] });
  await run(process, id);
  await to.count(1);
  assertEquals(await process.store.remove(id), { ok: true, status: "completed" });
  assertEquals(await world.count("notify"), 0);
  status = 200;
  await eventually(async () => {
    world.ahead += 3000;
    process.dispatcher.wake();
    const left = await world.count(
      "delivery",
      "delivery-body",
      "outbox",
      "delivery-due",
      "removed",
    );
    assertEquals(left, 0);
  }, { interval: 50 });
  assertEquals(types(to).slice(-2), ["started", "completed"]);
});

Deno.test("Store.remove() removes a task's deliveries that have ended", async () => {
  await using world = await World.open();
  await using to = receiver();
  const process = await world.join();
  const id = await submit(process, { url: to.url });
  await run(process, id);
  await settled(process, id);
  await process.store.remove(id);
  assertEquals(await world.count("notify", "delivery", "delivery-body", "outbox"), 0);
});

Deno.test("Outbox.finish() removes a task's oldest deliveries that have ended, and keeps the newest 100", async () => {
  await using world = await World.open();
  await using to = receiver();
  const process = await world.join();
  const id = await submit(process, { url: to.url, on: ["waiting", "completed"] });
  await run(process, id, MAX_KEPT + 20);
  await settled(process, id);
  const kept = await process.deliveries.of(id);
  assertEquals([kept.length, kept[0]!.n, kept.at(-1)!.n], [MAX_KEPT, MAX_KEPT + 21, 22]);
  assertEquals(await world.count("delivery-body"), MAX_KEPT);
});

Deno.test("Store writes at most 1,000 deliveries for one task, and one more for its end", async () => {
  await using world = await World.open();
  const process = await world.join({ starts: false });
  const id = await submit(process, { url: "http://silent.example/", on: ["waiting", "completed"] });
  await run(process, id, 1100);
  assertEquals(await world.count("delivery"), 1001);
  const [last] = await process.deliveries.of(id);
  assertEquals([last!.n, last!.delivery.event], [1001, "completed"]);
});

Deno.test("Dispatcher signs with all secrets of the server or with the target's own, and sends none unsigned", async () => {
  await using world = await World.open();
  await using to = receiver();
  await using own = receiver(undefined, OTHER_SECRET);
  const process = await world.join({ secrets: [OTHER_SECRET, SECRET] });
  const id = await submit(process, { url: to.url }, { url: own.url, secret: OTHER_SECRET });
  await run(process, id);
  await settled(process, id);
  assertEquals(to.received[0]!.signatures, 2);
  assertEquals(own.received[0]!.signatures, 1);
  await process.dispatcher.stop();
  const without = await world.join({ secrets: [] });
  const other = await submit(without, { url: to.url });
  await run(without, other);
  await eventually(async () => {
    const { attempts } = await newest(without, other);
    assertEquals(attempts[0]?.error, "There is no secret to sign it with");
  });
  assertEquals(to.received.length, 1);
  // A kind may name the target, and then no submit is refused: so the log tells the operator.
  assertEquals(without.warnings.map((line) => JSON.parse(line).message), [
    "webhooks cannot be signed: there is no HEADWAY_WEBHOOK_SECRET",
  ]);
});

Deno.test("Dispatcher.stop() gives back a delivery that does not end in time, for another process to send", async () => {
  await using world = await World.open();
  const gate = Promise.withResolvers<void>();
  await using to = receiver(async () => {
    await gate.promise;
    return new Response();
  });
  const process = await world.join();
  const id = await submit(process, { url: to.url });
  await run(process, id);
  await to.count(1);
  await process.dispatcher.stop(0);
  const delivery = await newest(process, id);
  assertEquals([delivery.state, delivery.by, delivery.tries], ["waiting", null, 0]);
  gate.resolve();
  const next = await world.join();
  await settled(next, id);
});

Deno.test("Deliveries.resend() rejects if the store takes no write", async () => {
  await using world = await World.open();
  const process = await world.join({ starts: false });
  const id = await submit(process, { url: "http://silent.example/" });
  await run(process, id);
  await process.store.journal.close();
  await assertRejects(() => process.deliveries.resend(id, 1, "k", "ada"), Error, "took no write");
});
