import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import type { TaskRecord } from "headway";
import { Feed } from "../../../static/feed/feed.ts";
import { FeedClient } from "../../../static/feed/feed_client.ts";
import type { ConnectionState } from "../../../static/client/client.d.ts";
import type { FeedMessage, FollowedEvent } from "../../../static/feed/feed_protocol.ts";
import { FakeHeadway } from "../fake_headway.ts";

const IDS = ["A", "B", "C"].map((letter) => `01J${letter.repeat(23)}`);

/** A tab that keeps what it receives. While it is asleep, its messages wait. */
class Tab {
  readonly client: FeedClient;
  readonly list = new Map<string, TaskRecord>();
  readonly connections: ConnectionState[] = [];
  readonly batches: number[] = [];
  events: FollowedEvent[] = [];
  asleep: FeedMessage[] | null = null;
  #stop = () => {};

  constructor(feed: Feed) {
    const line = feed.join((message) => {
      if (this.asleep !== null) this.asleep.push(structuredClone(message));
      else this.#take(structuredClone(message));
    });
    this.client = new FeedClient({
      post: (message) => line.take(structuredClone(message)),
      onconnection: (state) => this.connections.push(state),
    });
  }

  get state(): string | undefined {
    return this.connections.at(-1)?.state;
  }

  #take(message: FeedMessage): void {
    if (message.type === "batch") this.batches.push(message.list.length);
    this.client.take(message);
  }

  watchList(): void {
    this.client.watchList((events) => {
      for (const event of events) {
        if (event.type === "message") this.list.set(event.data.task_id, event.data);
        else if (event.type !== "deleted") {
          this.list.clear();
          for (const task of event.data.tasks) this.list.set(task.task_id, task);
        }
      }
    });
  }

  watchTask(id: string | null): void {
    this.#stop();
    this.events = [];
    this.#stop = id === null ? () => {} : this.client.watchTask(id, 0, (events) => {
      this.events.push(...events);
    });
  }

  wake(): void {
    const waiting = this.asleep ?? [];
    this.asleep = null;
    for (const message of waiting) this.#take(message);
    this.client.say();
  }

  /** The `seq` of each event received so far that the store keeps. */
  rows(): number[] {
    let told = "";
    return this.events.filter((event) => {
      if (event.type !== "message") return event.type === "log" || event.type === "complete";
      const changed = told !== event.data.status;
      told = event.data.status;
      return changed;
    }).map(({ id }) => Number(id));
  }
}

function stored(world: FakeHeadway, id: string): number[] {
  return (world.rows.get(id) ?? []).map(({ seq }) => seq);
}

Deno.test("Feed has one connection for all tabs, and closes it when no tab is visible", async () => {
  const world = new FakeHeadway();
  const feed = new Feed(world);
  const tabs = [new Tab(feed), new Tab(feed), new Tab(feed)];
  for (const tab of tabs) tab.watchList();
  await world.pass(1000);
  assertEquals([world.open, ...tabs.map(({ state }) => state)], [1, "live", "live", "live"]);
  world.report(IDS[0]!);
  await world.pass(200);
  for (const tab of tabs) assertEquals(tab.list.get(IDS[0]!)?.seq, 1);
  tabs[0]!.client.leave();
  assertEquals(feed.size, 2);
  for (const tab of tabs.slice(1)) tab.client.setVisible(false);
  world.beat();
  await world.pass(25_000);
  assertEquals(world.open, 1);
  await world.pass(6000);
  assertEquals(world.open, 0);
  world.report(IDS[1]!);
  tabs[1]!.client.setVisible(true);
  await world.pass(2000);
  assertEquals([world.open, tabs[1]!.list.size, tabs[2]!.list.size], [1, 2, 2]);
  assertEquals(world.requests.filter((url) => url === "/tasks/stream").length, 2);
});

Deno.test("Feed keeps the connection for a hidden tab until its task has ended", async () => {
  const world = new FakeHeadway();
  const tab = new Tab(new Feed(world));
  world.report(IDS[0]!);
  tab.watchTask(IDS[0]!);
  tab.client.setVisible(false);
  for (let n = 0; n < 6; n++) {
    await world.pass(10_000);
    world.beat();
  }
  assertEquals(world.open, 1);
  world.report(IDS[0]!, "completed");
  await world.pass(35_000);
  assertEquals([world.open, tab.rows()], [0, [1, 2, 3]]);
});

Deno.test("Feed tells a hidden tab when a task that it watches has ended", async () => {
  const world = new FakeHeadway();
  const tab = new Tab(new Feed(world));
  const ended: string[] = [];
  tab.client.onended = ({ task_id, status }) => {
    ended.push(`${task_id} ${status}`);
    tab.client.setWatched([]);
  };
  world.report(IDS[0]!);
  world.report(IDS[1]!);
  tab.client.setVisible(false);
  tab.client.setWatched([IDS[0]!]);
  for (let n = 0; n < 6; n++) {
    await world.pass(10_000);
    world.beat();
  }
  world.report(IDS[1]!, "failed");
  world.report(IDS[0]!, "completed");
  await world.pass(1000);
  assertEquals([world.open, ended], [1, [`${IDS[0]} completed`]]);
  await world.pass(35_000);
  assertEquals(world.open, 0);
});

Deno.test("Feed treats a connection without heartbeats as dead, and says since when", async () => {
  const world = new FakeHeadway();
  const tab = new Tab(new Feed(world));
  tab.watchList();
  await world.pass(1000);
  for (let n = 0; n < 5; n++) {
    world.beat();
    await world.pass(15_000);
  }
  assertEquals(tab.connections.map(({ state }) => state), ["idle", "connecting", "live"]);
  const heard = world.now() - 15_000;
  world.status = 503;
  await world.pass(26_000);
  const { state, since, refused } = tab.connections.at(-1)!;
  assertEquals([state, since, refused], ["waiting", heard, 503]);
  world.report(IDS[0]!);
  world.status = 200;
  await world.pass(30_000);
  assertEquals([tab.state, tab.list.size], ["live", 1]);
});

Deno.test("Feed reconnects after the machine has slept, and at once when a tab asks for it", async () => {
  const world = new FakeHeadway();
  const tab = new Tab(new Feed(world));
  tab.watchList();
  await world.pass(1000);
  world.sleep(3_600_000);
  await world.pass(4000);
  assertEquals(world.requests.length, 2);
  tab.client.reopen();
  await world.pass(100);
  assertEquals([tab.state, world.open, world.requests.length], ["live", 1, 3]);
});

Deno.test("Feed waits longer after each failed try", async () => {
  const world = new FakeHeadway();
  world.status = 503;
  const tab = new Tab(new Feed(world));
  tab.watchList();
  await world.pass(120_000);
  assert(world.requests.length > 5 && world.requests.length < 12, `${world.requests.length}`);
});

Deno.test("Feed drops a tab that does not answer, and takes it back when it wakes", async () => {
  const world = new FakeHeadway();
  const feed = new Feed(world);
  const tab = new Tab(feed);
  const awake = new Tab(feed);
  awake.watchList();
  tab.watchTask(IDS[0]!);
  world.report(IDS[0]!);
  await world.pass(1000);
  tab.asleep = [];
  for (let n = 0; n < 20; n++) {
    world.log(IDS[0]!);
    world.beat();
    await world.pass(5000);
  }
  assertEquals(feed.size, 1);
  assert(tab.asleep.length < 4, "It is not told more and more");
  tab.wake();
  await world.pass(2000);
  assertEquals([feed.size, tab.rows()], [2, stored(world, IDS[0]!)]);
});

Deno.test("Feed conflates the updates of a task, and loses no row for a tab that falls behind", async () => {
  const world = new FakeHeadway();
  const feed = new Feed(world);
  const tab = new Tab(feed);
  world.report(IDS[0]!);
  tab.watchList();
  tab.watchTask(IDS[0]!);
  await world.pass(1000);
  tab.asleep = [];
  for (let n = 0; n < 12_000; n++) world.log(IDS[0]!);
  for (let n = 1; n <= 3000; n++) world.report(IDS[1]!, "running", n / 100);
  await world.pass(2000);
  tab.batches.length = 0;
  tab.wake();
  await world.pass(5000);
  assertEquals(tab.rows(), stored(world, IDS[0]!));
  assertEquals(tab.list.get(IDS[1]!)?.seq, 3000);
  assert(tab.batches.reduce((sum, size) => sum + size) < 20, "Only the newest is told");
});

Deno.test("Feed resets the rows of a task after a restore, and sends those that are stored", async () => {
  const world = new FakeHeadway();
  const feed = new Feed(world);
  const tab = new Tab(feed);
  world.report(IDS[0]!);
  tab.watchTask(IDS[0]!);
  await world.pass(1000);
  for (let n = 0; n < 10; n++) world.log(IDS[0]!);
  await world.pass(1000);
  assertEquals(tab.rows(), stored(world, IDS[0]!));
  world.restore(IDS[0]!, 4);
  for (let n = 0; n < 8; n++) world.log(IDS[0]!);
  await world.pass(5000);
  const reset = tab.events.findLastIndex(({ type }) => type === "reset");
  assert(reset > 0);
  tab.events = tab.events.slice(reset + 1);
  assertEquals(tab.rows(), stored(world, IDS[0]!));
});

Deno.test("Feed reports a missing task, and leaves an invalid id out of its request", async () => {
  const world = new FakeHeadway();
  const feed = new Feed(world);
  const tabs = ["../../<b>", IDS[0]!].map((id) => {
    const tab = new Tab(feed);
    tab.watchTask(id);
    return tab;
  });
  await world.pass(1000);
  for (const tab of tabs) assertEquals(tab.events.map(({ type }) => type), ["missing"]);
  assertEquals(world.requests[0], `/tasks/stream?rows=${IDS[0]}`);
});

Deno.test("Feed leaves a refused task out of its request, and keeps the stream for the other tabs", async () => {
  const world = new FakeHeadway();
  const feed = new Feed(world);
  world.refused.add(IDS[0]!);
  const [others, own] = [IDS[0]!, IDS[1]!].map((id) => {
    const tab = new Tab(feed);
    world.report(id);
    tab.watchTask(id);
    return tab;
  });
  await world.pass(1000);
  assertEquals(others!.events.map(({ type }) => type), ["missing"]);
  assertEquals(world.requests.filter((url) => url.includes("/stream")), [
    `/tasks/stream?rows=${IDS[1]},${IDS[0]}`,
    `/tasks/stream?rows=${IDS[1]}`,
  ]);
  // So is a task that is refused only later, while a tab shows it.
  world.refused.add(IDS[1]!);
  world.drop();
  await world.pass(10_000);
  assertEquals(own!.events.at(-1)!.type, "missing");
  assertEquals(world.requests.at(-1), "/tasks/stream");
  assertEquals(world.open, 1);
});

type Step =
  | { do: "log" | "report" | "end"; task: number }
  | { do: "watch"; tab: number; task: number | null }
  | { do: "sleep" | "wake" | "hide" | "show"; tab: number }
  | { do: "drop" | "forget" | "down" | "up" }
  | { do: "pass"; ms: number };

const task = fc.nat({ max: IDS.length - 1 });
const tab = fc.nat({ max: 2 });
const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 6, arbitrary: fc.record({ do: fc.constant("log" as const), task }) },
  {
    weight: 4,
    arbitrary: fc.record({ do: fc.constantFrom("report" as const, "end" as const), task }),
  },
  {
    weight: 3,
    arbitrary: fc.record({ do: fc.constant("watch" as const), tab, task: fc.option(task) }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      do: fc.constantFrom("sleep" as const, "wake" as const, "hide" as const, "show" as const),
      tab,
    }),
  },
  {
    weight: 3,
    arbitrary: fc.record({
      do: fc.constantFrom("drop" as const, "forget" as const, "down" as const, "up" as const),
    }),
  },
  {
    weight: 4,
    arbitrary: fc.record({
      do: fc.constant("pass" as const),
      ms: fc.constantFrom(0, 10, 50, 150, 1200, 6000, 40_000),
    }),
  },
);

Deno.test("Feed sends each tab every row once and in order, and the last state of each task", async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 5, maxLength: 40 }), async (steps) => {
      const world = new FakeHeadway();
      const feed = new Feed(world);
      for (const id of IDS) world.report(id, "pending");
      const tabs = [0, 1, 2].map(() => new Tab(feed));
      const watched: (string | null)[] = [null, null, null];
      for (const one of tabs) one.watchList();
      for (const now of steps) {
        switch (now.do) {
          case "log":
            world.log(IDS[now.task]!);
            break;
          case "report":
          case "end":
            world.report(IDS[now.task]!, now.do === "end" ? "completed" : "running", 1);
            break;
          case "watch":
            watched[now.tab] = now.task === null ? null : IDS[now.task]!;
            tabs[now.tab]!.watchTask(watched[now.tab]!);
            break;
          case "sleep":
            tabs[now.tab]!.asleep ??= [];
            break;
          case "wake":
            tabs[now.tab]!.wake();
            break;
          case "hide":
          case "show":
            tabs[now.tab]!.client.setVisible(now.do === "show");
            break;
          case "drop":
            world.drop();
            break;
          case "forget":
            world.forget();
            break;
          case "down":
            world.status = 0;
            world.drop();
            break;
          case "up":
            world.status = 200;
            break;
          case "pass":
            await world.pass(now.ms);
        }
      }
      world.status = 200;
      for (const one of tabs) {
        one.wake();
        one.client.setVisible(true);
      }
      // Without heartbeats a connection counts as dead, perhaps just before the assertions.
      for (let n = 0; n < 8; n++) {
        await world.pass(10_000);
        world.beat();
      }
      await world.pass(0);
      assertEquals(world.open, 1);
      for (const [n, one] of tabs.entries()) {
        for (const [id, { seq, status }] of world.records) {
          const known = one.list.get(id);
          // A log row increases the record's `seq`, but is no event of the list.
          assert(known !== undefined && known.seq <= seq && known.status === status);
        }
        const id = watched[n];
        if (id) assertEquals(one.rows(), stored(world, id));
      }
    }),
    { numRuns: 20 },
  );
});

Deno.test("Feed reconnects within two seconds of the server's return while a tab is visible", async () => {
  const world = new FakeHeadway();
  const tab = new Tab(new Feed(world));
  tab.watchList();
  await world.pass(1000);
  for (const status of [0, 502]) {
    world.status = status;
    world.drop();
    await world.pass(60_000);
    assertEquals(tab.state, "waiting");
    world.status = 200;
    await world.pass(2000);
    assertEquals(tab.state, "live");
  }
  // Only a hidden tab needs the connection now, so the tries are rare.
  tab.client.setWatched([IDS[0]!]);
  tab.client.setVisible(false);
  world.status = 0;
  world.drop();
  await world.pass(60_000);
  const before = world.requests.length;
  await world.pass(60_000);
  assert(world.requests.length - before <= 4);
  // A tab that becomes visible does not wait for the next try.
  world.status = 200;
  tab.client.setVisible(true);
  await world.pass(100);
  assertEquals(tab.state, "live");
});
