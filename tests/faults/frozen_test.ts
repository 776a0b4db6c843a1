import { assertEquals } from "@std/assert";
import { finished, getTask, post, storedEvents, submit, taskWhen } from "../helpers/api.ts";
import { childrenOf, isAlive } from "../helpers/processes.ts";
import { eventually } from "../helpers/eventually.ts";
import { timePasses } from "../helpers/deadline.ts";
import { closedGate } from "../helpers/gate.ts";
import { startServer } from "../helpers/server.ts";
import { openStream } from "../helpers/sse.ts";

const ignore = Deno.build.os !== "linux";

const told = (steps: number) => Array.from({ length: steps }, (_, n) => `step ${n + 1}`);

Deno.test({
  name:
    "a server that is frozen for longer than its lease continues its tasks and streams when it wakes",
  ignore,
  async fn() {
    const leaseMs = 300;
    await using gate = closedGate();
    await using server = await startServer({ env: { HEADWAY_LEASE_MS: String(leaseMs) } });
    const { pid } = server.process;
    const input = { steps: 200, interval_ms: 10, gate: gate.url };
    const { task_id } = await submit(server.url, "steps", input);
    const url = `${server.url}/tasks/${task_id}/stream`;
    await using stream = await openStream(url, { lastEventId: "0" });
    await stream.until((it) => it.data("log").length > 20);
    Deno.kill(pid, "SIGSTOP");
    // Sent while the server is frozen, and answered when it is not.
    const asked = submit(server.url, "echo", "late");
    await timePasses(4 * leaseMs);
    Deno.kill(pid, "SIGCONT");
    gate.open();
    assertEquals((await finished(server.url, (await asked).task_id)).result, "late");
    const { status, attempt } = await finished(server.url, task_id);
    assertEquals([status, attempt], ["completed", 1]);
    await stream.all();
    assertEquals(stream.data("log").map(({ message }) => message), told(200));
    assertEquals(server.stderr, []);
  },
});

Deno.test({
  name: "a server with a frozen task process still answers, and a cancel kills that process",
  ignore,
  async fn() {
    await using gate = closedGate();
    await using server = await startServer({ env: { HEADWAY_TASK_PROCESSES: "1" } });
    const { task_id } = await submit(server.url, "waits");
    const input = { steps: 200, interval_ms: 10, gate: gate.url };
    const steps = await submit(server.url, "steps", input);
    await taskWhen(server.url, steps.task_id, ({ done }) => (done ?? 0) > 20);
    const [pid] = await childrenOf(server.process.pid);
    Deno.kill(pid!, "SIGSTOP");
    // The server still answers.
    assertEquals((await getTask(server.url, task_id)).status, "running");
    const answer = await post(`${server.url}/tasks/${task_id}/cancel`);
    assertEquals([answer.status, (await answer.json()).cancel_requested], [202, true]);
    assertEquals((await finished(server.url, task_id)).status, "canceled");
    await eventually(async () => assertEquals(await isAlive(pid!), false));
    gate.open();
    const { status, attempt } = await finished(server.url, steps.task_id);
    assertEquals([status, attempt], ["completed", 1]);
    const rows = await storedEvents(server.url, steps.task_id);
    const logged = rows.map(({ data }) => data.message ?? "")
      .filter((message) => String(message).startsWith("step "));
    // The task resumes from its last checkpoint, so it may log the step after that twice.
    assertEquals([...new Set(logged)], told(200));
  },
});
