/**
 * Observes a server from outside: its memory, files and streams, and how long it takes to answer.
 *
 * @module
 */

import { parseFigures } from "../helpers/metrics.ts";
import { residentBytes } from "../helpers/memory.ts";

/** What was seen of a server at one moment. */
export interface Look {
  /** Seconds since the probe began. */
  at: number;
  /** Resident memory, MiB, without task processes. */
  rss: number;
  /** Open files. */
  files: number;
  /** Open streams. */
  streams: number;
}

/** Milliseconds between two requests of the well-behaved client. */
const EVERY_MS = 50;

/** Looks at a server each second, and uses it as a well-behaved client, until it is disposed of. */
export class Probe implements AsyncDisposable {
  /** Every look so far. */
  readonly looks: Look[] = [];
  /** Milliseconds that each request took since the list was last read, which empties it. */
  answers: number[] = [];
  /** Descriptions of wrong answers. */
  readonly wrong: string[] = [];
  readonly #stop = new AbortController();
  readonly #work: Promise<unknown>;
  readonly #begun = performance.now();

  constructor(url: string, pid: number) {
    this.#work = Promise.all([
      this.#repeat(1000, () => this.#look(url, pid)),
      this.#repeat(EVERY_MS, (n) => this.#use(url, n)),
    ]);
  }

  /** The looks from `from` to before `to`, in seconds since the probe began. */
  between(from: number, to: number): Look[] {
    return this.looks.filter(({ at }) => at >= from && at < to);
  }

  /** Seconds since it began. */
  get seconds(): number {
    return (performance.now() - this.#begun) / 1000;
  }

  async #look(url: string, pid: number): Promise<void> {
    const at = this.seconds;
    const files = [...Deno.readDirSync(`/proc/${pid}/fd`)].length;
    const rss = await residentBytes(pid) / 2 ** 20;
    const text = await (await fetch(`${url}/metrics`)).text();
    const streams = parseFigures(text).of("headway_streams_open");
    this.looks.push({ at, rss, files, streams });
  }

  async #use(url: string, n: number): Promise<void> {
    const at = performance.now();
    const response = n % 2 ? await fetch(`${url}/tasks?limit=10`) : await fetch(`${url}/tasks`, {
      method: "POST",
      body: '{"kind":"demo","input":{"steps":0}}',
    });
    await response.text();
    this.answers.push(performance.now() - at);
    if (response.status !== (n % 2 ? 200 : 201)) this.wrong.push(`status ${response.status}`);
  }

  async #repeat(ms: number, work: (n: number) => Promise<void>): Promise<void> {
    for (let n = 0; !this.#stop.signal.aborted; n++) {
      const next = performance.now() + ms;
      await work(n).catch((error) => this.wrong.push(String(error)));
      await new Promise((resolve) => setTimeout(resolve, Math.max(0, next - performance.now())));
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stop.abort();
    await this.#work;
  }
}
