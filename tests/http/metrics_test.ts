import { assert, assertEquals, assertGreaterOrEqual, assertRejects } from "@std/assert";
import denoJson from "../../deno.json" with { type: "json" };
import { finished, getTask, post, submit, taskWhen } from "../helpers/api.ts";
import { eventually } from "../helpers/eventually.ts";
import { HANG_MS } from "../helpers/deadline.ts";
import { closedGate, openGate } from "../helpers/gate.ts";
import { type Figures, readMetrics } from "../helpers/metrics.ts";
import { testApp } from "../helpers/server.ts";
import { openStream } from "../helpers/sse.ts";

/** How much each series changed between two readings, without those that did not change. */
function moved(before: Figures, after: Figures, name: string): Record<string, number> {
  const earlier = before.all(name);
  return Object.fromEntries(
    Object.entries(after.all(name))
      .map(([labels, value]) => [labels, value - (earlier[labels] ?? 0)] as const)
      .filter(([, change]) => change !== 0),
  );
}

async function ask(url: string): Promise<void> {
  const response = await post(url);
  assertEquals(response.status, 200, await response.text());
}

Deno.test("GET /metrics counts exactly the submits, ends, requeues, waits and runs of tasks, by kind", async () => {
  await using app = await testApp({}, { cancelWaitMs: HANG_MS });
  const before = await readMetrics(app.url);
  for (let n = 0; n < 3; n++) await finished(app.url, (await submit(app.url, "echo")).task_id);
  const retried = await submit(app.url, "throws", { attempts: 2 }, { max_attempts: 2 });
  const failed = await submit(app.url, "throws", {});
  await finished(app.url, retried.task_id);
  await finished(app.url, failed.task_id);
  const waits = await submit(app.url, "waits");
  await taskWhen(app.url, waits.task_id, ({ status }) => status === "running");
  const later = await submit(app.url, "echo", null, { delay_ms: 3_600_000 });
  await eventually(async () => {
    const figures = await readMetrics(app.url);
    assertEquals(figures.all("headway_tasks"), {
      '{status="pending"}': 1,
      '{status="running"}': 1,
      '{status="waiting"}': 0,
    });
    assertEquals(figures.all("headway_tasks_running"), { '{kind="waits"}': 1 });
  });
  await ask(`${app.url}/tasks/${later.task_id}/cancel`);
  await ask(`${app.url}/tasks/${waits.task_id}/cancel`);
  await ask(`${app.url}/tasks/${failed.task_id}/retry`);
  await finished(app.url, failed.task_id);

  const after = await readMetrics(app.url);
  const change = (name: string) => moved(before, after, `headway_${name}`);
  assertEquals(change("tasks_submitted_total"), {
    '{kind="echo"}': 4,
    '{kind="throws"}': 2,
    '{kind="waits"}': 1,
  });
  assertEquals(change("tasks_finished_total"), {
    '{kind="echo",status="completed"}': 3,
    '{kind="echo",status="canceled"}': 1,
    '{kind="throws",status="completed"}': 1,
    '{kind="throws",status="failed"}': 2,
    '{kind="waits",status="canceled"}': 1,
  });
  // One for a second attempt, and one for the retry that was asked for.
  assertEquals(change("tasks_requeued_total"), { '{kind="throws"}': 2 });
  const runs = { '{kind="echo"}': 3, '{kind="throws"}': 4, '{kind="waits"}': 1 };
  assertEquals(change("claim_wait_seconds_count"), runs);
  assertEquals(change("run_seconds_count"), runs);
  assertEquals(after.all("headway_tasks_running"), {});
});

Deno.test("GET /metrics counts streams opened, ended and turned away, and the events delivered to them", async () => {
  await using app = await testApp({ HEADWAY_MAX_STREAMS: "2" });
  const { task_id } = await submit(app.url, "gated", { gate: "metrics", rows: 20 });
  const url = `${app.url}/tasks/${task_id}/stream`;
  await taskWhen(app.url, task_id, ({ message }) => message === "waits");
  const before = await readMetrics(app.url);
  const left = await openStream(url);
  const stays = await openStream(url);
  await stays.collect(1);
  await left.collect(1);
  assertEquals((await readMetrics(app.url)).of("headway_streams_open"), 2);
  const refused = await openStream(url);
  assertEquals(await refused.all(), []);
  await left.close();
  await eventually(async () => {
    assertEquals((await readMetrics(app.url)).of("headway_streams_open"), 1);
  });
  openGate("metrics");
  await stays.all();
  const after = await eventually(async () => {
    const figures = await readMetrics(app.url);
    assertEquals(moved(before, figures, "headway_streams_ended_total"), {
      '{end="gone"}': 1,
      '{end="done"}': 1,
    });
    return figures;
  });
  const change = (name: string) => moved(before, after, `headway_${name}`);
  assertEquals(change("streams_opened_total"), { "": 2 });
  assertEquals(change("streams_turned_away_total"), { "": 1 });
  assertEquals(change("deliveries_total"), { "": left.events.length + stays.events.length });
  assertEquals(change("events_total")['{type="log"}'], 20);
  assertEquals(
    change("http_requests_total")['{route="/tasks/:id/stream",method="GET",status="200"}'],
    3,
  );
});

Deno.test("GET /metrics counts task processes that died, and those that had to be killed", async () => {
  await using gate = closedGate();
  await using app = await testApp({}, { inline: false, killAfterMs: 50 });
  const { task_id } = await submit(app.url, "dies");
  assertEquals((await finished(app.url, task_id)).error?.name, "ProcessDied");
  const stuck = await submit(app.url, "stuck", { gate: gate.url });
  await taskWhen(app.url, stuck.task_id, ({ message }) => message === "stuck");
  gate.open();
  await (await post(`${app.url}/tasks/${stuck.task_id}/cancel`)).body?.cancel();
  await finished(app.url, stuck.task_id);
  const figures = await readMetrics(app.url);
  assertEquals(figures.all("headway_task_process_ends_total"), {
    '{end="died"}': 3,
    '{end="killed"}': 1,
  });
  // The next process is running or starting, and there may be one more that checks inputs.
  assertGreaterOrEqual(figures.of("headway_task_processes"), 1);
});

Deno.test("GET /metrics reports a store that takes no writes, and answers even while reads hang", async () => {
  using real = await Deno.openKv(":memory:");
  let away = false;
  const back = Promise.withResolvers<void>();
  const kv = new Proxy(real, {
    get(_, name) {
      if (away && name === "list") {
        return async function* (...args: Parameters<Deno.Kv["list"]>) {
          await back.promise;
          yield* real.list(...args);
        };
      }
      if (name === "atomic") {
        return () => {
          const atomic = real.atomic();
          if (away) atomic.commit = () => Promise.reject(new TypeError("database is locked"));
          return atomic;
        };
      }
      const value = Reflect.get(real, name);
      return typeof value === "function" ? value.bind(real) : value;
    },
  });
  await using app = await testApp({ HEADWAY_LOG: "off" }, { kv });
  const { task_id } = await submit(app.url, "echo");
  await finished(app.url, task_id);
  const before = await readMetrics(app.url);
  assertEquals(before.of('headway_commits_total{end="failed"}'), 0);
  assertEquals(before.of("headway_store_stalled_seconds"), 0);
  away = true;
  const waiting = submit(app.url, "echo");
  await eventually(async () => {
    const figures = await readMetrics(app.url);
    assertEquals(figures.of('headway_commits_total{end="failed"}') > 0, true);
    assertEquals(figures.of("headway_store_stalled_seconds") > 0, true);
    assertEquals(figures.all("headway_tasks"), {});
  });
  away = false;
  back.resolve();
  await waiting.catch(() => {});
  await eventually(async () => {
    assertEquals((await readMetrics(app.url)).of("headway_store_stalled_seconds"), 0);
  });
  assertEquals((await getTask(app.url, task_id)).status, "completed");
});

Deno.test("HEADWAY_OPS_PORT serves /healthz, /readyz and /metrics, and nothing else, for a worker too", async () => {
  for (const role of ["all", "worker"]) {
    await using app = await testApp({ HEADWAY_ROLE: role, HEADWAY_OPS_PORT: "0" });
    assertEquals(app.url === "", role === "worker");
    const figures = await readMetrics(app.opsUrl);
    const { deno } = Deno.version;
    const info = `{version="${denoJson.version}",deno="${deno}",role="${role}"}`;
    assertEquals(figures.all("headway_build_info"), { [info]: 1 });
    for (
      const [path, status] of [["/healthz", 200], ["/readyz", 200], ["/tasks", 404], ["/", 404]]
    ) {
      const response = await fetch(`${app.opsUrl}${path}`);
      await response.body?.cancel();
      assertEquals([path, response.status], [path, status]);
    }
  }
});

Deno.test("HEADWAY_OPS_PORT on a public address needs HEADWAY_TOKENS, and /metrics a token that may read", async () => {
  const settings = { HEADWAY_ROLE: "worker", HEADWAY_OPS_PORT: "0", HEADWAY_HOST: "0.0.0.0" };
  await assertRejects(() => testApp(settings), Error, "HEADWAY_TOKENS");
  const HEADWAY_TOKENS = "watcher:read:watcher-secret-0123,starter:submit:starter-secret-0123";
  await using app = await testApp({ ...settings, HEADWAY_TOKENS });
  const url = app.opsUrl.replace("0.0.0.0", "127.0.0.1");
  const status = async (path: string, token?: string) => {
    const headers = token === undefined ? {} : { authorization: `Bearer ${token}` };
    const response = await fetch(url + path, { headers });
    await response.body?.cancel();
    return response.status;
  };
  assertEquals(await status("/readyz"), 200);
  assertEquals(await status("/metrics"), 401);
  assertEquals(await status("/metrics", "starter-secret-0123"), 403);
  assertEquals(await status("/metrics", "watcher-secret-0123"), 200);
});

interface Panel {
  id: number;
  type: string;
  title: string;
  gridPos: { h: number; w: number; x: number; y: number };
  targets?: { refId: string; expr: string; datasource: { uid: string } }[];
}

Deno.test("deploy/grafana.json queries only metrics that exist, and its panels do not overlap", async () => {
  const { default: dashboard } = await import("../../deploy/grafana.json", {
    with: { type: "json" },
  });
  const panels = dashboard.panels as Panel[];
  await using app = await testApp();
  const text = await (await fetch(`${app.url}/metrics`)).text();
  const types = new Map(
    text.matchAll(/^# TYPE (\S+) (\S+)$/gm).map(([, name, type]) => [name!, type!] as const),
  );
  const variables = dashboard.templating.list.map(({ name }) => name);
  const queries = dashboard.templating.list.map(({ definition = "" }) => definition);
  for (const { title, targets = [] } of panels) {
    for (const { expr, datasource } of targets) {
      assertEquals(datasource.uid, "${datasource}", title);
      queries.push(expr);
    }
    assertEquals(new Set(targets.map(({ refId }) => refId)).size, targets.length, title);
  }
  for (const query of queries) {
    for (const [name = ""] of query.matchAll(/\b(headway|process)_\w+/g)) {
      const base = name.replace(/_bucket$/, "");
      const type = types.get(base);
      assert(type !== undefined, `there is no metric ${name}: ${query}`);
      assertEquals(type === "histogram", base !== name, query);
      // Only the growth of a counter means anything.
      if (type === "counter" && !query.startsWith("label_values")) {
        assert(new RegExp(`(rate|increase)\\(${name}\\b`).test(query), query);
      }
    }
    for (const [, name = ""] of query.matchAll(/\$(?!__)(\w+)/g)) {
      assert(variables.includes(name), `there is no variable ${name}: ${query}`);
    }
  }

  assertEquals(new Set(panels.map(({ id }) => id)).size, panels.length);
  const cells = new Set<string>();
  for (const { title, gridPos: { h, w, x, y } } of panels) {
    assert(x >= 0 && w > 0 && h > 0 && x + w <= 24, title);
    for (let at = 0; at < h * w; at++) {
      const cell = `${x + at % w} ${y + Math.floor(at / w)}`;
      assert(!cells.has(cell), `${title} lies over another panel`);
      cells.add(cell);
    }
  }
  assertEquals(
    [dashboard.title, dashboard.uid, typeof dashboard.schemaVersion],
    ["Headway", "headway", "number"],
  );
});
