import type {
  RequestJob,
  RequestReport,
  WatchJob,
  WatchReady,
  WatchReport,
} from "./client/protocol.ts";

const CLIENT = new URL("./client/main.ts", import.meta.url).pathname;

/** A load client that does one job in a process of its own. Disposing of it kills it. */
class ClientProcess implements AsyncDisposable {
  #process: Deno.ChildProcess;
  #writer: WritableStreamDefaultWriter<Uint8Array<ArrayBuffer>>;
  #lines: ReadableStreamDefaultReader<string>;
  #rest = "";

  constructor(job: WatchJob | RequestJob) {
    this.#process = new Deno.Command(Deno.execPath(), {
      args: ["run", "-q", "-A", "--no-check", CLIENT],
      stdin: "piped",
      stdout: "piped",
    }).spawn();
    this.#writer = this.#process.stdin.getWriter();
    this.#lines = this.#process.stdout.pipeThrough(new TextDecoderStream()).getReader();
    this.#writer.write(new TextEncoder().encode(JSON.stringify(job) + "\n")).catch(() => {});
  }

  /** Tells the client to stop and report. */
  async callOff(): Promise<void> {
    await this.#writer.write(new TextEncoder().encode("\n"));
  }

  /** Resolves to the next line that it prints. */
  async next<Line>(): Promise<Line> {
    for (;;) {
      const end = this.#rest.indexOf("\n");
      if (end >= 0) {
        const line = this.#rest.slice(0, end);
        this.#rest = this.#rest.slice(end + 1);
        return JSON.parse(line);
      }
      const { value, done } = await this.#lines.read();
      if (done) throw new Error("Cannot go on: the load client failed, see above");
      this.#rest += value;
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#writer.abort().catch(() => {});
    await this.#lines.cancel();
    try {
      this.#process.kill("SIGKILL");
    } catch {
      // It has already ended.
    }
    await this.#process.status;
  }
}

/** Streams being watched. */
export interface Watching extends AsyncDisposable {
  /** Resolves once every stream has received its first bytes. */
  ready(): Promise<WatchReady>;
  /** Ends the watch now, for streams that do not end by themselves. */
  callOff(): Promise<void>;
  /** Resolves to the report, once the watch has ended. */
  report(): Promise<WatchReport>;
}

/** Watches streams from a process of its own. */
export function watch(job: Omit<WatchJob, "do">): Watching {
  const client = new ClientProcess({ ...job, do: "watch" });
  let ready: Promise<WatchReady> | undefined;
  return {
    ready: () => ready ??= client.next<WatchReady>(),
    callOff: () => client.callOff(),
    async report() {
      await (ready ??= client.next<WatchReady>());
      return await client.next<WatchReport>();
    },
    [Symbol.asyncDispose]: () => client[Symbol.asyncDispose](),
  };
}

/** Sends requests from a process of its own. */
export async function request(job: Omit<RequestJob, "do">): Promise<RequestReport> {
  await using client = new ClientProcess({ ...job, do: "request" });
  return await client.next<RequestReport>();
}
