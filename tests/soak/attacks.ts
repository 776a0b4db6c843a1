/**
 * Attacks by hostile clients, or by a user's tasks, which go on until they are aborted. They use raw
 * sockets on loopback, bounded in rate and number.
 *
 * @module
 */

/** What an attack knows of its victim. */
export interface Victim {
  /** The server's port on 127.0.0.1. */
  port: number;
  /** The id of a running task with many events. */
  chatty: string;
  /** The id of a finished task with large rows. */
  large: string;
  /** Ends the attack. */
  signal: AbortSignal;
}

/** A way to attack a server. */
export interface Attack {
  /** A word or two. */
  name: string;
  /** A description with figures. */
  does: string;
  /** Resolves when the signal has aborted and all connections are closed. */
  run(victim: Victim): Promise<void>;
}

const encoder = new TextEncoder();

function pause(ms: number, signal: AbortSignal): Promise<void> {
  if (signal.aborted) return Promise.resolve();
  const { promise, resolve } = Promise.withResolvers<void>();
  const timer = setTimeout(resolve, ms);
  const stop = () => {
    clearTimeout(timer);
    resolve();
  };
  signal.addEventListener("abort", stop, { once: true });
  return promise.finally(() => signal.removeEventListener("abort", stop));
}

/** Connects and writes; `null` if the server closed the connection. */
async function knock({ port }: Victim, text: string): Promise<Deno.TcpConn | null> {
  const socket = await Deno.connect({ hostname: "127.0.0.1", port }).catch(() => null);
  if (socket === null) return null;
  const bytes = encoder.encode(text);
  try {
    for (let at = 0; at < bytes.length;) at += await socket.write(bytes.subarray(at));
    return socket;
  } catch {
    socket.close();
    return null;
  }
}

function get(path: string, more = ""): string {
  return `GET ${path} HTTP/1.1\r\nhost: localhost\r\n${more}\r\n`;
}

function post(path: string, framing: string, body: string): string {
  return `POST ${path} HTTP/1.1\r\nhost: localhost\r\n${framing}\r\n\r\n${body}`;
}

function sized(path: string, body: string): string {
  return post(path, `content-length: ${body.length}`, body);
}

/** Sends `perSecond` requests a second in turn, and hangs up after the beginning of each answer. */
async function rain(victim: Victim, perSecond: number, text: (n: number) => string): Promise<void> {
  const buffer = new Uint8Array(512);
  const begun = performance.now();
  for (let n = 0; !victim.signal.aborted; n++) {
    const wait = begun + 1000 * n / perSecond - performance.now();
    if (wait > 1) await pause(wait, victim.signal);
    const socket = await knock(victim, text(n));
    if (socket === null) continue;
    const timer = setTimeout(() => tryClose(socket), 2000);
    if (n % 3 > 0) await socket.read(buffer).catch(() => null);
    clearTimeout(timer);
    tryClose(socket);
  }
}

/** Connections over which tasks are submitted. */
const LANES = 8;

/** Submits `perSecond` tasks a second, over {@link LANES} connections that stay open. */
async function submits(victim: Victim, perSecond: number, task: (n: number) => unknown) {
  const { port, signal } = victim;
  const begun = performance.now();
  let n = 0;
  const lane = async () => {
    while (!signal.aborted) {
      const mine = n++;
      const wait = begun + 1000 * mine / perSecond - performance.now();
      if (wait > 1) await pause(wait, signal);
      const init = { method: "POST", body: JSON.stringify(task(mine)), signal };
      const response = await fetch(`http://127.0.0.1:${port}/tasks`, init).catch(() => null);
      await response?.body?.cancel().catch(() => {});
    }
  };
  await Promise.all(Array.from({ length: LANES }, lane));
}

/** Opens `count` connections, 500 a second, keeps them open, and reopens closed ones. */
async function hold(
  victim: Victim,
  count: number,
  text: (n: number) => string,
  drip = "",
): Promise<void> {
  const held: (Deno.TcpConn | null)[] = [];
  for (let n = 0; n < count && !victim.signal.aborted; n++) {
    held.push(await knock(victim, text(n)));
    if (n % 10 === 9) await pause(20, victim.signal);
  }
  while (!victim.signal.aborted) {
    await pause(1000, victim.signal);
    for (const [n, socket] of held.entries()) {
      if (victim.signal.aborted) break;
      if (drip === "" && socket !== null) continue;
      const alive = await socket?.write(encoder.encode(drip)).catch(() => null);
      if (alive) continue;
      if (socket) tryClose(socket);
      held[n] = await knock(victim, text(n));
    }
  }
  for (const socket of held) if (socket) tryClose(socket);
}

function tryClose(socket: Deno.TcpConn): void {
  try {
    socket.close();
  } catch {
    // It is already closed.
  }
}

const DEEP = "[".repeat(100_000) + "]".repeat(100_000);
const MANY = Array.from({ length: 5000 }, (_, n) => `x-${n}: y\r\n`).join("");
const WIDE = `x: ${"y".repeat(1024 * 1024)}\r\n`;

/** Requests with forged and malformed content. */
function forged(n: number): string {
  const break_ = encodeURIComponent("x\r\nx-forged: 1\r\n\r\n\0");
  const requests = [
    get(`/static/${"..%2f".repeat(8)}etc/passwd`),
    get(`/tasks/${break_}/stream?last_event_id=${break_}`),
    `GET /tasks HTTP/1.1\r\nhost: evil.example\r\n\r\n`,
    post("/submit", "origin: https://evil.example\r\ncontent-length: 0", ""),
    sized("/tasks", '{"kind":"echo","__proto__":{"polluted":1}}'),
    sized("/tasks", `{"kind":"demo","input":{"constructor":{"prototype":{}}}}`),
    "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
    post("/tasks", "content-length: 3\r\ntransfer-encoding: chunked", "zz\r\n"),
  ];
  return requests[n % requests.length]!;
}

const words = (count: number, word: (n: number) => string) =>
  Array.from({ length: count }, (_, n) => word(n));

/** Lists that each ask for as much as a URL can hold. */
function greedy(n: number): string {
  const queries = [
    `/tasks?${words(3500, () => "status=completed").join("&")}`,
    `/tasks?kind=${words(10_000, (k) => `k${k}`)}`,
    `/tasks?kind=${words(100, (k) => k === n % 100 ? "demo" : `k${k}`)}&limit=500`,
    `/tasks?q=nowhere-${n}&limit=500`,
    `/tasks?status=completed,failed,canceled&q=nowhere-${n}`,
    `/tasks/counts?kind=${words(90, (k) => `k${n}-${k}`)},demo`,
  ];
  return get(queries[n % queries.length]!);
}

/** Makes many events, and then has 80 clients at once resume from before them, again and again. */
async function storm(victim: Victim): Promise<void> {
  const base = `http://127.0.0.1:${victim.port}`;
  const cursor = await cursorOf(victim);
  const body = JSON.stringify({ kind: "log-many", input: { rows: 500, bytes: 40_000 } });
  const { task_id } = await (await fetch(`${base}/tasks`, { method: "POST", body })).json();
  const resume = `/tasks/stream?last_event_id=${cursor}`;
  const paths = [resume, `${resume}&rows=${task_id}`, `/tasks/${task_id}/stream?last_event_id=0`];
  await pause(1000, victim.signal);
  while (!victim.signal.aborted) {
    const round = pause(1000, victim.signal);
    await Promise.all(Array.from({ length: 80 }, (_, n) => takeSome(victim, get(paths[n % 3]!))));
    await round;
  }
}

/** The current cursor of the stream of all tasks, from its snapshot. */
async function cursorOf(victim: Victim): Promise<string> {
  const text = await takeSome(victim, get("/tasks/stream"), /^id: \S+$/m);
  const [, cursor] = /^id: (\S+)$/m.exec(text) ?? [];
  if (cursor === undefined) throw new Error(`No cursor came: ${text.slice(0, 300)}`);
  return cursor;
}

/** Sends a request and reads the answer until it matches, or has 2 MiB, or for two seconds. */
async function takeSome(victim: Victim, text: string, enough?: RegExp): Promise<string> {
  const socket = await knock(victim, text);
  if (socket === null) return "";
  const timer = setTimeout(() => tryClose(socket), 2000);
  const buffer = new Uint8Array(64 * 1024);
  const decoder = new TextDecoder();
  let start = "";
  for (let size = 0; size < 2 * 1024 * 1024 && !victim.signal.aborted;) {
    const count = await socket.read(buffer).catch(() => null);
    if (count === null) break;
    size += count;
    if (start.length < 64 * 1024) start += decoder.decode(buffer.subarray(0, count));
    if (enough?.test(start)) break;
  }
  clearTimeout(timer);
  tryClose(socket);
  return start;
}

/** Every attack; the last one is all others at once. */
export const ATTACKS: readonly Attack[] = withAll([
  {
    name: "churn",
    does: "300 connections a second come and go, with nothing, half a request, or a stream",
    run: (victim) =>
      rain(victim, 300, (n) => {
        const request = get(`/tasks/${victim.chatty}/stream`);
        return n % 4 === 0 ? "" : n % 4 === 1 ? request.slice(0, 30) : request;
      }),
  },
  {
    name: "stuck readers",
    does: "200 streams and 50 large pages that nobody reads",
    run: async (victim) => {
      const paths = [
        ...Array.from({ length: 50 }, () => `/tasks/${victim.large}/events?limit=1000`),
        ...Array.from(
          { length: 200 },
          (_, n) =>
            n % 2
              ? `/tasks/${victim.chatty}/stream?last_event_id=0`
              : `/tasks/${victim.large}/stream?last_event_id=0`,
        ),
      ];
      await hold(victim, paths.length, (n) => get(paths[n]!));
    },
  },
  {
    name: "header floods",
    does: "20 requests a second with 5,000 headers or one of 1 MiB",
    run: (victim) => rain(victim, 20, (n) => get("/tasks", n % 2 ? MANY : WIDE)),
  },
  {
    name: "slow headers",
    does: "1,000 connections that send a byte of a header a second",
    run: (victim) => hold(victim, 1000, () => "GET /tasks HTTP/1.1\r\nhost: x\r\nx: ", "y"),
  },
  {
    name: "endless bodies",
    does: "200 bodies that drip, and 20 a second that are too large or break off",
    run: async (victim) => {
      const paths = ["/tasks", "/submit", "/uploads", "/tasks/bulk"];
      const chunked = "transfer-encoding: chunked";
      await Promise.all([
        hold(victim, 200, (n) => post(paths[n % 4]!, chunked, "1\r\n[\r\n"), "1\r\n[\r\n"),
        rain(
          victim,
          20,
          (n) =>
            n % 2
              ? post("/tasks", chunked, `200000\r\n${"x".repeat(2 * 1024 * 1024)}\r\n`)
              : post("/uploads", "content-length: 50000000", "x".repeat(100_000)),
        ),
      ]);
    },
  },
  {
    name: "deep JSON",
    does: "50 bodies a second with 100,000 arrays in each other",
    run: (victim) =>
      rain(
        victim,
        50,
        (n) =>
          sized(["/tasks", "/submit"][n % 2]!, n % 3 ? `{"kind":"echo","input":${DEEP}}` : DEEP),
      ),
  },
  {
    name: "greedy lists",
    does: "120 a second: a state 3,500 times, 10,000 kinds, texts that are nowhere, counts",
    run: async (victim) => {
      await Promise.all(words(6, String).map((_, k) => rain(victim, 20, (n) => greedy(6 * n + k))));
    },
  },
  {
    name: "crashing tasks",
    does: "10 tasks a second that end their process, one of them in a process of its own",
    run: (victim) =>
      rain(victim, 10, (n) => {
        const by = ["process.exit", "Deno.exit", "process.abort"][n % 3];
        const input = { by, when: n % 2 ? "later" : "now" };
        const kind = n % 10 === 0 ? "kills-alone" : "exits";
        return sized("/tasks", JSON.stringify(n % 10 === 0 ? { kind } : { kind, input }));
      }),
  },
  {
    name: "reconnect storm",
    does: "80 clients a second that resume behind 20 MB of rows, two of three over all tasks",
    run: storm,
  },
  {
    name: "stream hoarder",
    does: "1,500 streams from one address, of 1,000 ids each",
    run: (victim) =>
      hold(victim, 1500, (n) => {
        const ids = Array.from({ length: 1000 }, (_, k) => String(1000 * n + k).padStart(26, "0"));
        return get(`/tasks/stream?ids=${ids.join()}`, "x-forwarded-for: 192.0.2.1\r\n");
      }),
  },
  {
    name: "forgeries",
    does: "300 requests a second with forged hosts, origins, paths, names and framing",
    run: (victim) => rain(victim, 300, forged),
  },
  {
    name: "delayed tasks",
    does: "2,000 tasks a second that wait for a time, of all priorities: a tenth for five seconds",
    run: (victim) =>
      submits(victim, 2000, (n) => {
        const delay_ms = n % 10 ? 3_600_000 : 5000;
        return { kind: "echo", delay_ms, priority: n % 201 - 100 };
      }),
  },
]);

function withAll(attacks: Attack[]): Attack[] {
  const run = async (victim: Victim) => {
    await Promise.all(attacks.map((attack) => attack.run(victim)));
  };
  return [...attacks, { name: "all at once", does: "everything above", run }];
}
