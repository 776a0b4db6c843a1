import { assert, assertEquals, assertGreater } from "@std/assert";
import { post } from "../helpers/api.ts";
import { startDenokv, testOnDenokv } from "../helpers/denokv.ts";
import { timePasses } from "../helpers/deadline.ts";
import { eventually } from "../helpers/eventually.ts";
import { follow } from "../helpers/follow.ts";
import { type ServerProcess, startServer } from "../helpers/server.ts";
import { CRASH_KINDS } from "../crash/kinds.ts";
import { assertDoneOnce, assertSawAll } from "../crash/watcher.ts";

/** Restarts of each of the two processes. */
const ROUNDS = 2;

testOnDenokv(
  "a rolling restart of two processes under load loses no event and no task",
  async () => {
    await using store = await startDenokv();
    const env = { ...store.env, HEADWAY_DRAIN_MS: "3000" };
    const begin = () => startServer({ kv: store.url, kinds: CRASH_KINDS, env });
    const servers: ServerProcess[] = [await begin(), await begin()];
    /** Where a balancer sends requests: the servers that were ready at its last check. */
    const doors = new Set(servers.map(({ url }) => url));
    let turn = 0;
    const door = () => [...doors][turn++ % doors.size]!;
    const shape = { rows: 60, every: 5, pause_ms: 100 };
    const accepted: string[] = [];
    const clients: { id: string; following: ReturnType<typeof follow> }[] = [];
    const stop = new AbortController();
    /** Submits until it is stopped, and repeats what got no answer or was refused for now. */
    const load = async (lane: number) => {
      for (let n = 0; !stop.signal.aborted; n++) {
        const id = await eventually(async () => {
          const body = { kind: "numbered", input: shape };
          const response = await post(`${door()}/tasks`, body, {
            "idempotency-key": `${lane}-${n}`,
          });
          const { task_id } = await response.json();
          assert(response.status === 201 || response.status === 200, `${response.status}`);
          return task_id as string;
        });
        accepted.push(id);
        if (n % 3 === 0) clients.push({ id, following: follow(door, id, ending.signal) });
        await timePasses(200);
      }
    };
    const ending = new AbortController();
    const lanes = [0, 1, 2].map(load);
    try {
      await eventually(() => assertGreater(accepted.length, 10));
      for (let round = 0; round < ROUNDS; round++) {
        for (const n of servers.keys()) {
          const old = servers[n]!;
          const ended = old.kill("SIGTERM");
          // The balancer notices only after a while.
          await eventually(async () => {
            // A server that is gone counts as not ready, too.
            const answer = await fetch(`${old.url}/readyz`).catch(() => null);
            await answer?.body?.cancel();
            assert(answer === null || answer.status === 503);
          }, { interval: 200 });
          doors.delete(old.url);
          const { code } = await ended;
          assertEquals(code, 0, old.stderr.join("\n"));
          assertEquals(old.stderr.filter((line) => /"level":"error"/.test(line)), []);
          servers[n] = await begin();
          doors.add(servers[n].url);
        }
      }
      stop.abort();
      await Promise.all(lanes);
      const base = door();
      let starts = 0;
      let connections = 0;
      for (const id of accepted) starts += await assertDoneOnce(base, id, shape);
      for (const { id, following } of clients) {
        const seen = await following;
        connections += seen.connections;
        await assertSawAll(base, id, seen);
      }
      // The restarts did interrupt tasks, and streams did reconnect.
      assertGreater(starts, accepted.length);
      assertGreater(connections, clients.length);
    } finally {
      stop.abort();
      ending.abort();
      await Promise.allSettled([...lanes, ...clients.map(({ following }) => following)]);
      for (const server of servers) await server.kill();
    }
  },
);
