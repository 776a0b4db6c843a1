import { assertEquals, assertMatch } from "@std/assert";
import { post, submit, taskWhen } from "../helpers/api.ts";
import { TEST_KINDS } from "../helpers/kinds.ts";
import { type CollectedSpan, startCollector } from "../helpers/otlp.ts";
import { startServer, testApp } from "../helpers/server.ts";
import { TRACED_KINDS } from "../helpers/traced_kinds.ts";

const TRACE = "0af7651916cd43dd8448eb211c80319c";
const CALLER = "b7ad6b7169203331";
const traceparent = `00-${TRACE}-${CALLER}-01`;

Deno.test("a trace links a submit to its runs, steps and children, and to the servers that they call", async () => {
  await using collector = startCollector();
  await using server = await startServer({
    kinds: `${TEST_KINDS},${TRACED_KINDS}`,
    env: { ...collector.env, HEADWAY_TASK_PERMISSIONS: "-A" },
  });
  const input = { url: `${collector.url}/called`, rows: 150 };
  const response = await post(`${server.url}/tasks`, { kind: "traced", input }, { traceparent });
  const { task_id } = await response.json();
  const ended = await taskWhen(server.url, task_id, ({ status }) => status === "completed");
  assertEquals([response.status, ended.result], [201, 2]);

  const runs = await collector.take(4, ({ name }) => name.startsWith("run "));
  const [request] = await collector.take(1, ({ name }) => name === "POST /tasks");
  const [own] = await collector.take(1, ({ name }) => name === "own");
  const [broken] = await collector.take(1, ({ name }) => name === "step breaks");
  const [asked] = await collector.take(1, ({ name }) => name === "step asks");
  const [fetched] = await collector.take(1, ({ name }) => name === "GET");
  const all = [...runs, request!, own!, broken!, asked!, fetched!];
  assertEquals(new Set(all.map(({ traceId }) => traceId)), new Set([TRACE]));

  // The second attempt has two runs, since it waits for its child in between.
  const ofTask = runs.filter(({ name }) => name === "run traced");
  assertEquals(ofTask.map(outcome), [[1, "failed"], [2, "waiting"], [2, "completed"]]);
  const [failed, second] = ofTask;
  assertEquals(request!.parentSpanId, CALLER);
  assertEquals(ofTask.map(({ parentSpanId }) => parentSpanId), Array(3).fill(request!.spanId));
  assertEquals([broken!.parentSpanId, own!.parentSpanId], [failed!.spanId, second!.spanId]);
  assertEquals([asked!.parentSpanId, fetched!.parentSpanId], [failed!.spanId, asked!.spanId]);
  assertEquals(collector.called, [`00-${TRACE}-${fetched!.spanId}-01`]);
  const ofChild = runs.find(({ name }) => name === "run child");
  assertEquals(ofChild!.parentSpanId, second!.spanId);

  assertEquals(failed!.kind, 5);
  assertEquals(failed!.status, { code: 2, message: "too far" });
  assertEquals(failed!.attributes["error.type"], "RangeError");
  assertEquals(failed!.attributes["headway.task.id"], task_id);
  const [exception] = failed!.events;
  assertEquals(exception!.name, "exception");
  assertMatch(String(exception!.attributes["exception.stacktrace"]), /RangeError: too far\n.*at /s);

  // onError() was called once, within the span of the attempt.
  const [{ stack, ...told }] = collector.failed as [Record<string, unknown>];
  assertMatch(String(stack), /traced_kinds/);
  assertEquals(told, {
    of: "RangeError",
    message: "too far",
    span: failed!.spanId,
    taskId: task_id,
    kind: "traced",
    attempt: 1,
    maxAttempts: 2,
    willRetry: true,
  });
  assertEquals(collector.failed.length, 1);

  // The span has the first 100 log rows, and says how many were left out.
  assertEquals(second!.events.length, 100);
  assertEquals(second!.events[0]!.attributes, { "log.severity": "warn", "log.message": "row 1" });
  assertEquals(second!.attributes["headway.log.left_out"], 50);

  const lost = await submit(server.url, "dies");
  const [died] = await collector.take(1, ({ name }) => name === "run dies");
  assertEquals(died!.attributes["headway.task.id"], lost.task_id);
  assertEquals([outcome(died!), died!.status.code], [[1, "interrupted"], 2]);
  assertEquals(died!.attributes["error.type"], "ProcessDied");
});

function outcome({ attributes }: CollectedSpan): unknown[] {
  return [attributes["headway.task.attempt"], attributes["headway.run.outcome"]];
}

Deno.test("a server that stops lets its task processes send their last spans", async () => {
  await using collector = startCollector();
  const env = { ...collector.env, OTEL_BSP_SCHEDULE_DELAY: "3600000" };
  await using server = await startServer({ env });
  const { task_id } = await submit(server.url, "echo", 1);
  await taskWhen(server.url, task_id, ({ status }) => status === "completed");
  await server.kill("SIGTERM");
  const [run] = await collector.take(1, ({ name }) => name === "run echo");
  assertEquals([run!.attributes["headway.task.id"], outcome(run!)], [task_id, [1, "completed"]]);
});

Deno.test("headway().submit() continues the trace of the code that calls it", async () => {
  await using collector = startCollector();
  const program = new URL("../helpers/traced_program.ts", import.meta.url).href;
  const { success, stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", "--no-lock", program],
    env: collector.env,
  }).output();
  assertEquals(success, true, new TextDecoder().decode(stderr));
  const [own] = await collector.take(1, ({ name }) => name === "own");
  const [run] = await collector.take(1, ({ name }) => name === "run once");
  assertEquals([run!.traceId, run!.parentSpanId], [own!.traceId, own!.spanId]);
});

Deno.test("POST /tasks stores a valid traceparent for workers that trace, and ignores an invalid one", async () => {
  await using app = await testApp();
  const kept = async (headers: Record<string, string>) => {
    const response = await post(`${app.url}/tasks`, { kind: "echo" }, headers);
    const { task_id, ...record } = await response.json();
    assertEquals([response.status, record.traceparent], [201, undefined]);
    return (await app.engine.heads.get(task_id))?.traceparent;
  };
  assertEquals(await kept({ traceparent }), traceparent);
  assertEquals(await kept({ traceparent: `cc-${TRACE}-${CALLER}-03-more` }), traceparent);
  assertEquals(await kept({}), undefined);
  const zero = `00-${"0".repeat(32)}-${CALLER}-01`;
  for (const bad of ["", "x", `${traceparent}-1`, traceparent.toUpperCase(), zero]) {
    assertEquals(await kept({ traceparent: bad }), undefined, bad);
  }
});
