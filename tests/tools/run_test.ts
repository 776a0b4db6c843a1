import {
  assert,
  assertEquals,
  assertMatch,
  assertRejects,
  assertStringIncludes,
  assertThrows,
} from "@std/assert";
import fc from "fast-check";
import denoJson from "../../deno.json" with { type: "json" };
import { readArguments, UsageError } from "../../tools/run/arguments.ts";
import { Api, ServerError } from "../../tools/run/api.ts";
import { whyUnreachable } from "../../tools/run/unreachable.ts";
import { bar, type BarRecord } from "../../tools/run/bar.ts";
import { cells, cleanJson, cleanText, cut } from "../../tools/run/text.ts";
import { makeCertificate } from "../helpers/certificate.ts";
import { bearer, finished, getTask, post, storedEvents, submit, taskWhen } from "../helpers/api.ts";
import { eventually } from "../helpers/eventually.ts";
import { HANG_MS } from "../helpers/deadline.ts";
import { closedGate, openGate } from "../helpers/gate.ts";
import { bytesOf } from "../helpers/kinds.ts";
import { startServer, testApp } from "../helpers/server.ts";
import { openTcpGate } from "../helpers/tcp_gate.ts";
import { tempDir } from "../helpers/temp_dir.ts";

// deno-lint-ignore no-control-regex -- what must not be there
const CONTROL = /[\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]/;

const hostile = fc.string({
  unit: fc.oneof(
    fc.constantFrom("\x1b", "\r", "\n", "\x07", "\x9b", "\u202e", "進", "👩‍👩‍👧", "é", "☎️", "\ud800"),
    fc.string({ unit: "binary", minLength: 1, maxLength: 1 }),
  ),
});
const count = fc.option(fc.double({ min: 0, noNaN: true }), { nil: null });

const records: fc.Arbitrary<BarRecord> = fc.record({
  status: fc.constantFrom("pending", "running", "completed"),
  progress: fc.option(fc.double({ min: 0, max: 100, noNaN: true }), { nil: null }),
  done: count,
  total: count,
  unit: fc.option(fc.oneof(fc.constant("bytes"), hostile), { nil: null }),
  stage: fc.option(hostile, { nil: null }),
  message: fc.option(hostile, { nil: null }),
  eta_ms: count,
  rate: count,
  run_at: fc.constantFrom("", "2030-01-01T00:00:00.000Z"),
  cancel_requested: fc.boolean(),
});

const RECORD: BarRecord = {
  status: "running",
  progress: 60,
  done: 6,
  total: 10,
  unit: "steps",
  stage: null,
  message: "step 6 of 10",
  eta_ms: 4000,
  rate: 1,
  run_at: "",
  cancel_requested: false,
};

Deno.test("Api says that a certificate is not trusted, and what to do", async () => {
  const ask = async (certificate: { cert: string; key: string } | null) => {
    await using server = Deno.serve(
      { hostname: "127.0.0.1", port: 0, onListen() {}, ...certificate },
      () => new Response(),
    );
    const api = new Api(`https://127.0.0.1:${server.addr.port}`, undefined);
    return (await assertRejects(() => api.kinds(), ServerError)).message;
  };
  assertMatch(await ask(await makeCertificate()), /is not trusted.*DENO_CERT=/);
  // As `openssl req -x509` makes it.
  assertMatch(await ask(await makeCertificate({ ca: true })), /CA:TRUE.*CA:FALSE.*DENO_CERT=/);
  assertMatch(await ask(null), /does not speak HTTPS/);
  const expired = new TypeError("fetch failed", {
    cause: new Error("client error (Connect): invalid peer certificate: Expired"),
  });
  assertEquals(
    whyUnreachable("https://x", expired),
    "The certificate of https://x is not valid: Expired",
  );
  assertEquals(whyUnreachable("http://x", "anything"), "There is no answer from http://x");
});

Deno.test("bar() shows the progress, the rate, the time left and the message", () => {
  assertEquals(
    bar(RECORD, 80, 0),
    "████████████░░░░░░░░  60% · 6 / 10 steps · 1.0 steps/s · 4s left · step 6 of 10",
  );
  assertEquals(bar(RECORD, 24, 0), "███░░░  60% · 4s left");
  assertEquals(
    bar({ ...RECORD, progress: null, total: null, eta_ms: null }, 48, 200).slice(0, 12),
    "░░███░░░░░░░",
  );
});

Deno.test("bar() never exceeds its width, and holds no control characters", () => {
  fc.assert(fc.property(records, fc.nat(200), fc.nat(), (record, width, now) => {
    const line = bar(record, width, now);
    assert(cells(line) <= width, `${cells(line)} > ${width}: ${line}`);
    assert(!CONTROL.test(line), JSON.stringify(line));
  }));
});

Deno.test("cleanText() and cleanJson() pass no control character on", () => {
  fc.assert(fc.property(hostile, (text) => {
    assert(!CONTROL.test(cleanText(text).replaceAll("\n    ", "")), JSON.stringify(text));
    const json = cleanJson({ [text]: text });
    assert(!CONTROL.test(json), json);
    assertEquals(JSON.parse(json), { [text]: text });
  }));
  assertEquals(cleanText("a\x1b[2Jb\r\nc"), "a␛[2Jb\n    c");
});

Deno.test("cut() counts terminal cells and splits no character", () => {
  assertEquals(cut("進進進", 6), "進進進");
  assertEquals(cut("進進進", 5), "進進…");
  assertEquals(cut("進進進", 4), "進…");
  assertEquals(cut("é".repeat(3), 2), "é…");
  assertEquals(cells("👩‍👩‍👧"), 6);
  assertEquals(cut("a👩‍👩‍👧", 3), "a…");
});

Deno.test("readArguments() reads flags and the environment", () => {
  const env: Record<string, string> = { HEADWAY_PORT: "81", HEADWAY_HOST: "::1" };
  const read = (...args: string[]) => readArguments(args, (name) => env[name]);
  const labels = ["--owner", "acme", "--tag", "a", "--tag=b c", "--tag", "a", "--keep", "30d"];
  const given = ["demo", "--priority", "-5", "--delay", "1.5s", "--input", "[1]", ...labels];
  assertEquals(read(...given), {
    url: "http://[::1]:81",
    token: undefined,
    what: { kind: "demo" },
    input: [1],
    upload: undefined,
    fields: {
      priority: -5,
      delay_ms: 1500,
      owner: "acme",
      tags: ["a", "b c"],
      keep: 30 * 86_400_000,
    },
    idempotencyKey: undefined,
    show: "person",
    detach: false,
    save: undefined,
  });
  assertEquals(read("demo", "--keep", "forever")?.fields, { keep: "forever" });
  env.HEADWAY_BASE_PATH = "/jobs/";
  assertEquals(read("demo")?.url, "http://[::1]:81/jobs");
  env.HEADWAY_URL = "https://a.example/below/";
  assertEquals(read("demo")?.url, "https://a.example/below");
  assertEquals(read("--help"), null);
  for (
    const wrong of [
      [],
      ["a", "b"],
      ["a", "--input", "{"],
      ["a", "--delay", "soon"],
      ["a", "--keep", "long"],
      ["--watch", "1", "--keep", "1d"],
      ["a", "--nope"],
      ["a", "--url", "ftp://x"],
      ["a", "--json", "--quiet"],
      ["--watch", "1", "--detach"],
      ["a", "--detach", "--save", "x"],
      ["--watch", "1", "--tag", "a"],
    ]
  ) assertThrows(() => read(...wrong), UsageError);
});

interface Command extends AsyncDisposable {
  /** What the command has written so far. */
  readonly stdout: string;
  readonly stderr: string;
  readonly process: Deno.ChildProcess;
  /** Resolves to the exit code when the command has ended. */
  readonly code: Promise<number>;
}

/** Starts the command as `deno task run` does. */
function command(url: string, ...args: string[]): Command {
  const [, ...before] = denoJson.tasks.run.command.split(" ");
  const process = new Deno.Command(Deno.execPath(), {
    args: [...before, ...args],
    cwd: new URL("../../", import.meta.url),
    env: { HEADWAY_URL: url },
    stdin: "null",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  const written = { stdout: "", stderr: "" };
  const collect = async (name: "stdout" | "stderr") => {
    for await (const text of process[name].pipeThrough(new TextDecoderStream())) {
      written[name] += text;
    }
  };
  const code = Promise.all([process.status, collect("stdout"), collect("stderr")])
    .then(([status]) => status.code);
  return {
    get stdout() {
      return written.stdout;
    },
    get stderr() {
      return written.stderr;
    },
    process,
    code,
    async [Symbol.asyncDispose]() {
      try {
        process.kill("SIGKILL");
      } catch {
        // It has ended.
      }
      await code;
    },
  };
}

/** Waits until the command has written `part`. */
function wrote(of: Command, name: "stdout" | "stderr", part: string): Promise<void> {
  return eventually(() => assertStringIncludes(of[name], part));
}

function lines(text: string) {
  return text.trimEnd().split("\n").map((line) => JSON.parse(line));
}

Deno.test("deno task run exits with a code that says how the task ended", async () => {
  await using server = await startServer();
  await using completed = command(server.url, "steps", "--input", '{"steps":3}');
  await using failed = command(server.url, "throws", "--input", '{"message":"a\\u001b[2J"}');
  await using usage = command(server.url, "no-such-kind");
  await using refused = command("http://127.0.0.1:1", "demo");
  await using detached = command(server.url, "echo", "--input", "1", "--detach");
  assertEquals(await completed.code, 0, completed.stderr);
  for (const part of ["step 1\n", "step 3\n", "completed after", '"steps": 3']) {
    assertStringIncludes(completed.stdout, part);
  }
  assertEquals(await failed.code, 1);
  assertStringIncludes(failed.stdout, "RangeError: a␛[2J");
  assertEquals([await usage.code, usage.stdout], [2, ""]);
  assertStringIncludes(usage.stderr, "no-such-kind");
  assertEquals([await refused.code, refused.stdout], [4, ""]);
  assertEquals(await detached.code, 0);
  const id = detached.stdout.trim();
  await finished(server.url, id);
  await using quiet = command(server.url, "--watch", id, "--quiet");
  assertEquals([await quiet.code, quiet.stdout], [0, "1\n"]);
});

Deno.test("--quiet prints a result that is too large for the record; without it, a notice tells of it", async () => {
  await using server = await startServer();
  const text = "x".repeat(49_140);
  const { task_id } = await submit(server.url, "echo", text);
  await finished(server.url, task_id);
  await using quiet = command(server.url, "--watch", task_id, "--quiet");
  assertEquals([await quiet.code, quiet.stdout], [0, `"${text}"\n`]);
  await using person = command(server.url, "--watch", task_id);
  assertEquals(await person.code, 0);
  assertStringIncludes(person.stderr, "--save DIR puts result.json there");
});

Deno.test("--json prints each event once, in order, and then the record", async () => {
  await using server = await startServer();
  await using json = command(server.url, "steps", "--input", '{"steps":50}', "--json");
  assertEquals(await json.code, 0, json.stderr);
  const told = lines(json.stdout);
  const record = told.pop();
  assertEquals(record.event, "record");
  assertEquals(record.data, await getTask(server.url, record.data.task_id));
  const stored = await storedEvents(server.url, record.data.task_id);
  const logs = stored.filter(({ event }) => event === "log").map(({ data }) => data);
  assertEquals(logs.length, 50);
  assertEquals(told.filter(({ event }) => event === "log").map(({ data }) => data), logs);
  const ids = told.map(({ id }) => Number(id));
  assertEquals(ids, [...new Set(ids)].toSorted((a, b) => a - b));
  assertEquals(told.at(-1).event, "complete");
});

Deno.test("--save writes the task's artifacts into a folder, each whole", async () => {
  await using server = await startServer();
  await using directory = await tempDir();
  const folder = `${directory.path}/below/files`;
  const made = [{ name: "a.bin", size: 700_000, seed: 3 }, { name: "進捗.txt", size: 0 }];
  const input = JSON.stringify({ files: made });
  await using saved = command(server.url, "files", "--input", input, "--save", folder);
  assertEquals(await saved.code, 0, saved.stderr);
  assertMatch(saved.stdout, /file a\.bin \(700\.0 kB\)\n/);
  assertMatch(saved.stdout, /saved \S+\/a\.bin \(700\.0 kB\)\n/);
  const names = await Array.fromAsync(Deno.readDir(folder), ({ name }) => name);
  assertEquals(names.sort(), ["a.bin", "進捗.txt"]);
  assertEquals(await Deno.readFile(`${folder}/a.bin`), bytesOf(700_000, 3));
  // A folder with the name of an artifact is not overwritten.
  await Deno.mkdir(`${folder}/again/a.bin`, { recursive: true });
  await using refused = command(server.url, "files", "--input", input, "--save", `${folder}/again`);
  assertEquals(await refused.code, 2);
  assertStringIncludes(refused.stderr, "Cannot write");
  const left = await Array.fromAsync(Deno.readDir(`${folder}/again`), ({ name }) => name);
  assertEquals(left, ["a.bin"]);
});

Deno.test("--upload sends the file and puts its id into the input", async () => {
  await using server = await startServer();
  await using directory = await tempDir();
  const path = `${directory.path}/été.csv`;
  await Deno.writeTextFile(path, `a;b\n${"1;2,3\n".repeat(50_000)}`);
  await using upload = command(
    server.url,
    ...["csv-profile", "--upload", path, "--input", '{"delimiter":";"}', "--quiet"],
  );
  assertEquals(await upload.code, 0, upload.stderr);
  const result = JSON.parse(upload.stdout);
  assertEquals([result.size, result.delimiter], [300_004, ";"]);
  await using fileless = command(server.url, "demo", "--upload", path);
  assertEquals(await fileless.code, 2);
  assertStringIncludes(fileless.stderr, "'demo' takes no file");
});

Deno.test("--upload with --owner sends a file that the owner may use again; --detach prints only the id", async () => {
  const [all, acme] = ["root-secret-0123456789", "acme-secret-0123456789"];
  await using server = await testApp({
    HEADWAY_TOKENS: `root:admin:${all},acme:submit@acme:${acme}`,
  });
  await using directory = await tempDir();
  const path = `${directory.path}/a.csv`;
  await Deno.writeTextFile(path, "a,b\n1,2\n");
  await using run = command(
    server.url,
    ...["csv-profile", "--upload", path, "--owner", "acme", "--token", all, "--detach"],
  );
  assertEquals(await run.code, 0, run.stderr);
  assertMatch(run.stdout, /^[0-9A-Z]{26}\n$/);
  const details = await fetch(`${server.url}/tasks/${run.stdout.trim()}/details`, {
    headers: bearer(acme),
  });
  const { input } = await details.json();
  const again = await post(`${server.url}/tasks`, { kind: "csv-profile", input }, bearer(acme));
  assertEquals(again.status, 201, await again.text());
});

Deno.test("Ctrl-C requests a cancel; a second Ctrl-C ends the command and leaves the task running", async () => {
  await using server = await testApp({}, { killAfterMs: HANG_MS });
  await using once = command(server.url, "waits");
  await wrote(once, "stdout", "running");
  once.process.kill("SIGINT");
  assertEquals(await once.code, 3, once.stderr);
  assertStringIncludes(once.stderr, "canceling…");

  const { task_id } = await submit(server.url, "ignores-cancel", { gate: "left" });
  await taskWhen(server.url, task_id, (record) => record.message === "deaf");
  await using twice = command(server.url, "--watch", task_id);
  await wrote(twice, "stdout", "running");
  twice.process.kill("SIGINT");
  await taskWhen(server.url, task_id, (record) => record.cancel_requested);
  // A signal that comes right after another counts as the same press.
  await eventually(() => {
    if (twice.stderr.includes("Left.")) return;
    twice.process.kill("SIGINT");
    throw new Error("It has not left");
  }, { interval: 300 });
  assertEquals(await twice.code, 130);
  assertStringIncludes(twice.stderr, `Left. Watch it again with --watch ${task_id}`);
  assertEquals((await getTask(server.url, task_id)).status, "running");
  openGate("left");

  const other = await submit(server.url, "waits");
  await using ended = command(server.url, "--watch", other.task_id);
  await wrote(ended, "stdout", "running");
  ended.process.kill("SIGTERM");
  assertEquals(await ended.code, 130);
  assertEquals((await getTask(server.url, other.task_id)).cancel_requested, false);
});

Deno.test("deno task run resumes after the server was killed, and prints every row once", async () => {
  await using gate = closedGate();
  await using directory = await tempDir();
  const kv = `${directory.path}/test.db`;
  await using first = await startServer({ kv });
  await using address = openTcpGate(Number(new URL(first.url).port));
  const url = `http://127.0.0.1:${address.port}`;
  const input = JSON.stringify({ steps: 40, gate: gate.url });
  await using json = command(url, "steps", "--input", input, "--json");
  await wrote(json, "stdout", '"step 5"');
  await first.kill("SIGKILL");
  await wrote(json, "stderr", "lost");
  await using second = await startServer({ kv });
  address.lead(Number(new URL(second.url).port));
  gate.open();
  assertEquals(await json.code, 0, json.stderr);
  const told = lines(json.stdout);
  const id = told.at(-1).data.task_id;
  const stored = (await storedEvents(second.url, id)).filter(({ event }) => event === "log");
  assert(stored.some(({ data }) => data.message.startsWith("Interrupted")));
  assertEquals(
    told.filter(({ event }) => event === "log").map(({ data }) => data),
    stored.map(({ data }) => data),
  );
  assertEquals(json.stderr.match(/lost/g)?.length, 1);
  assertEquals(told.filter(({ event }) => event === "complete").length, 1);
});

const script = await new Deno.Command("script", { args: ["--version"], stdout: "null" }).output()
  .then(({ success }) => success, () => false);
const named = script ? "" : " (skipped: util-linux's script is not here)";

/**
 * Runs a command on a terminal, and returns what that shows. When the text `at` appears, calls
 * `instead` or presses Ctrl-C: once, or with `again` every 500 ms from then on until it has ended.
 */
async function onTerminal(
  command: string,
  press: { at: string; again?: boolean; instead?: () => void },
): Promise<string> {
  const process = new Deno.Command("script", {
    // Ctrl-C reaches the shell as well, and not every shell outlives it without a trap.
    args: ["-qec", `stty cols 60; trap : INT; ${command}; echo "code $?"`, "/dev/null"],
    cwd: new URL("../../", import.meta.url),
    stdin: "piped",
    stdout: "piped",
    stderr: "null",
  }).spawn();
  const keyboard = process.stdin.getWriter();
  const ctrlC = () => void keyboard.write(new TextEncoder().encode("\x03")).catch(() => {});
  let timer: ReturnType<typeof setInterval> | undefined;
  let pressed = false;
  let text = "";
  for await (const chunk of process.stdout.pipeThrough(new TextDecoderStream())) {
    text += chunk;
    if (pressed || !text.includes(press.at)) continue;
    pressed = true;
    (press.instead ?? ctrlC)();
    if (press.again) timer = setInterval(ctrlC, 500);
  }
  clearInterval(timer);
  await keyboard.close().catch(() => {});
  await process.status;
  assert(pressed, text);
  return text;
}

Deno.test({
  name: `on a terminal the log is shown above a bar, and a press of Ctrl-C counts once${named}`,
  ignore: !script,
  async fn() {
    await using server = await testApp({}, { killAfterMs: HANG_MS });
    const run = `${Deno.execPath()} task -q run --url ${server.url}`;
    const text = await onTerminal(`${run} steps --input '{"steps":3,"gate":"bar"}'`, {
      at: "2 / 3 steps",
      instead: () => openGate("bar"),
    });
    assertStringIncludes(text, "code 0");
    assertMatch(text, /█+░+ {2}66% · 2 \/ 3 steps/);
    // deno-lint-ignore no-control-regex -- it is what a terminal gets
    assertMatch(text, /\r\x1b\[K\x1b\[2m\d\d:\d\d:\d\d\x1b\[0m info step 3\r\n█/);
    assertStringIncludes(text, "\x1b[32mcompleted\x1b[0m");
    const canceled = await onTerminal(`${run} waits`, { at: "waits" });
    assertStringIncludes(canceled, "code 3");
    const left = await onTerminal(`${run} ignores-cancel --input '{"gate":"deaf"}'`, {
      at: "deaf",
      again: true,
    });
    openGate("deaf");
    assertStringIncludes(left, "code 130");
    for (const shown of [text, canceled, left]) {
      assertEquals(shown.split("\x1b[?25l").length, shown.split("\x1b[?25h").length);
    }
  },
});
