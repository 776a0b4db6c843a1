/**
 * The soak: `deno task soak`. It starts a server on loopback, attacks it in one way after the other
 * beside well-behaved clients, and then restarts a server that has clients. It prints what the
 * server held, how long clients waited, and a verdict. Linux only (`/proc`, epoll); it ends by
 * itself.
 *
 * `--minutes <n>` says how long it attacks (5), `--clients <n>` how many clients the restart meets
 * (500).
 *
 * @module
 */
// deno-lint-ignore-file no-console -- a program that prints for people

import { parseArgs } from "node:util";
import { freePort } from "../bench/child.ts";
import { watch } from "../bench/client_process.ts";
import { summarize } from "../bench/stats.ts";
import { finished, submit, taskWhen } from "../helpers/api.ts";
import { type ServerProcess, startServer } from "../helpers/server.ts";
import { tempDir } from "../helpers/temp_dir.ts";
import { ATTACKS } from "./attacks.ts";
import { histogram } from "./figures.ts";
import { Probe } from "./probe.ts";
import { Clients } from "./reconnects.ts";
import { attackTable, broken, memoryTable, type Phase } from "./report.ts";

/** Well-behaved tasks with a stream each, which make {@link HZ} ticks a second. */
const TICKERS = 100;
const HZ = 10;
/** Seconds of an attack, of which the first {@link WARM_S} are not measured. */
const ATTACK_S = 12;
const WARM_S = 2;
/** Seconds without an attack before a look at the memory counts. */
const SETTLE_S = 8;

/** Servers and attackers, which are killed when the soak is stopped. */
const processes = new Set<Deno.ChildProcess>();

const KINDS = ["./kinds.ts", "../helpers/kinds.ts", "../crash/kinds.ts"]
  .map((path) => new URL(path, import.meta.url).href).join();

/** Measures the tickers' streams and the probe's requests for a number of seconds. */
async function measure(
  server: ServerProcess,
  probe: Probe,
  ids: readonly string[],
  seconds: number,
): Promise<Omit<Phase, "round" | "name">> {
  const port = Number(new URL(server.url).port);
  const from = Date.now() + WARM_S * 1000;
  const window = { from, to: Date.now() + seconds * 1000 };
  const paths = ids.map((id) => `/tasks/${id}/stream`);
  await using watching = watch({ port, paths, window, open: true, deadline: window.to + 30_000 });
  await watching.ready();
  const since = probe.seconds;
  await sleep(from - Date.now());
  probe.answers = [];
  await sleep(window.to - Date.now());
  const answer = summarize(probe.answers);
  // Only while our streams are open: before and after, a look may find any number of them.
  const looks = probe.between(since, probe.seconds);
  await watching.callOff();
  const { latency: stream, faults } = await watching.report();
  return {
    stream,
    answer,
    looks,
    faults: Object.entries(faults).map(([what, count]) => `${what}: ${count}`),
  };
}

function sleep(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, Math.max(0, ms)));
}

/** Runs an attack in a process of its own, until it is disposed of. */
function attack(name: string, args: string[]): AsyncDisposable {
  const child = new Deno.Command(Deno.execPath(), {
    args: [
      "run",
      "-q",
      "-A",
      "--no-check",
      new URL("./attacker.ts", import.meta.url).href,
      name,
      ...args,
    ],
    stdin: "piped",
    stdout: "null",
    stderr: "inherit",
  }).spawn();
  processes.add(child);
  return {
    async [Symbol.asyncDispose]() {
      processes.delete(child);
      await child.stdin.close().catch(() => {});
      const timer = setTimeout(() => child.kill("SIGKILL"), 5000);
      await child.status;
      clearTimeout(timer);
    },
  };
}

/** Runs rounds of every attack, with a quiet time before and after. */
async function rounds(server: ServerProcess, probe: Probe, end: number): Promise<Phase[]> {
  const base = server.url;
  const start = Date.now() + 1000;
  const ticks = 24 * 3600 * HZ;
  const tickers = await Promise.all(
    Array.from({ length: TICKERS }, () => submit(base, "bench-ticker", { hz: HZ, ticks, start })),
  );
  const ids = tickers.map(({ task_id }) => task_id);
  for (const id of ids) await taskWhen(base, id, ({ status }) => status === "running");
  const large = await submit(base, "log-many", { rows: 400, bytes: 40_000 });
  await finished(base, large.task_id);
  const talk = { rows: 10_000_000, bytes: 1000, burst: 10, pause_ms: 100 };
  const chatty = await submit(base, "log-many", talk);
  const args = [new URL(base).port, chatty.task_id, large.task_id];
  const phases: Phase[] = [];
  // A line through fewer than three points says nothing.
  for (let round = 1; Date.now() < end || round <= 3; round++) {
    console.error(`round ${round}`);
    phases.push({ round, name: "nothing", ...await measure(server, probe, ids, ATTACK_S) });
    for (const { name } of ATTACKS) {
      await using _attack = attack(name, args);
      phases.push({ round, name, ...await measure(server, probe, ids, ATTACK_S) });
    }
    await sleep(SETTLE_S * 1000);
    phases.push({ round, name: "afterwards", ...await measure(server, probe, ids, SETTLE_S) });
  }
  return phases;
}

/** Restarts a server that has clients; prints when their streams ended and they reconnected. */
async function restart(count: number): Promise<string[]> {
  await using directory = await tempDir();
  const options = {
    kv: `${directory.path}/soak.db`,
    env: {
      HEADWAY_PORT: String(freePort()),
      HEADWAY_HEARTBEAT_MS: "0",
      HEADWAY_DRAIN_MS: "10000",
    },
  };
  await using old = await startServer(options);
  processes.add(old.process);
  const { task_id } = await submit(old.url, "ticker", { interval_ms: 100 });
  await using clients = new Clients(`${old.url}/tasks/${task_id}/stream`, count);
  await clients.ready();
  const begun = performance.now();
  const { code } = await old.kill("SIGTERM");
  processes.delete(old.process);
  const gone = performance.now() - begun;
  await using next = await startServer(options);
  processes.add(next.process);
  const back = performance.now() - begun;
  const deadline = Date.now() + 60_000;
  while (clients.returns.length < count && Date.now() < deadline) await sleep(100);
  const since = (times: readonly number[]) => times.map((time) => time - begun);
  console.log(
    `\n${count} clients on a server that is restarted by SIGTERM: gone after ${
      gone.toFixed(0)
    } ms, ` +
      `there again at ${back.toFixed(0)} ms; ${clients.refused} tries met nobody.\n\n` +
      `Streams that ended, by the time since SIGTERM:\n\n` +
      `${fence(histogram(since(clients.ends), 250, "ms"))}\n\n` +
      `Clients that came back:\n\n${fence(histogram(since(clients.returns), 250, "ms"))}`,
  );
  processes.delete(next.process);
  const found: string[] = [];
  if (code !== 0) found.push(`the server ended with ${code}`);
  if (clients.returns.length < count) found.push(`${clients.returns.length} of ${count} came back`);
  return found;
}

function fence(text: string): string {
  return `\`\`\`\n${text}\n\`\`\``;
}

if (import.meta.main) {
  const { values } = parseArgs({
    options: { minutes: { type: "string" }, clients: { type: "string" } },
  });
  const minutes = Math.min(24 * 60, Number(values.minutes ?? 5));
  const count = Math.min(5000, Number(values.clients ?? 500));
  for (const signal of ["SIGINT", "SIGTERM"] as const) {
    Deno.addSignalListener(signal, () => {
      for (const process of processes) process.kill("SIGKILL");
      Deno.exit(130);
    });
  }
  const found: string[] = [];
  {
    const env = {
      HEADWAY_DRAIN_MS: "0",
      HEADWAY_HEARTBEAT_MS: "0",
      // The kinds of the soak already include `demo`.
      HEADWAY_SHIPPED_KINDS: "0",
      // Some attacks come from other addresses, by X-Forwarded-For.
      HEADWAY_TRUST_PROXY: "1",
    };
    await using server = await startServer({ kinds: KINDS, env });
    processes.add(server.process);
    await using probe = new Probe(server.url, server.process.pid);
    const phases = await rounds(server, probe, Date.now() + minutes * 60_000);
    console.log(`${navigator.hardwareConcurrency} cores, attackers on the same machine\n`);
    for (const { name, does } of ATTACKS) console.log(`- **${name}**: ${does}`);
    console.log(`\n${attackTable(phases)}\n\n${memoryTable(phases)}`);
    found.push(...broken(phases));
    if (probe.wrong.length > 0) found.push(`requests: ${[...new Set(probe.wrong)].join()}`);
    const errors = server.stderr.filter((line) =>
      line.includes('"level":"error"') && !line.includes("a task process ended by itself")
    );
    if (errors.length > 0) found.push(`${errors.length} errors in the log, as ${errors[0]}`);
    processes.delete(server.process);
  }
  found.push(...await restart(count));
  console.log(`\n${found.length === 0 ? "Held." : `Broken:\n\n- ${found.join("\n- ")}`}`);
  Deno.exit(found.length === 0 ? 0 : 1);
}
