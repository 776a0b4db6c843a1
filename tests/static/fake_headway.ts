/**
 * A fake of the world that a feed needs: a server that stores tasks, streams them, and breaks when
 * told to.
 *
 * @module
 */

import type { Status, TaskRecord } from "headway";
import type { World } from "../../static/client/world.ts";
import { FakeClock } from "./fake_clock.ts";
import { record } from "./records.ts";

interface Stored {
  type: string;
  id: string;
  seq: number;
  data: unknown;
}

interface Stream {
  rows: Set<string>;
  controller: ReadableStreamDefaultController<Uint8Array>;
  signal: AbortSignal;
}

const encoder = new TextEncoder();

export class FakeHeadway extends FakeClock implements World {
  /** The newest record of each task. */
  readonly records = new Map<string, TaskRecord>();
  /** The stored events of each task. */
  readonly rows = new Map<string, Stored[]>();
  /** Every request, by its path. */
  readonly requests: string[] = [];
  /** The status of the response to a request for the stream; 0 if no request gets a response. */
  status = 200;
  /** Tasks of another owner, which it refuses. */
  readonly refused = new Set<string>();

  readonly #journal: Stored[] = [];
  #floor = 0;
  #streams = new Set<Stream>();

  /** How many streams are open. */
  get open(): number {
    return this.#streams.size;
  }

  /** Changes the state of a task, or reports its progress. */
  report(id: string, status: Status = "running", progress = 0): void {
    const known = this.records.get(id);
    const seq = (known?.seq ?? 0) + 1;
    const data = record({ task_id: id, status, progress, seq, attempt: known?.attempt ?? 1 });
    const kept = known?.status !== status;
    this.#add({ type: "message", id, seq, data }, kept);
    const ended = status === "completed";
    this.records.set(id, ended ? { ...data, seq: seq + 1 } : data);
    if (ended) {
      this.#add({ type: "complete", id, seq: seq + 1, data: { task_id: id, status } }, true);
    }
  }

  log(id: string): void {
    const known = this.records.get(id) ?? record({ task_id: id, seq: 0 });
    const seq = known.seq + 1;
    this.records.set(id, { ...known, seq });
    this.#add({ type: "log", id, seq, data: { seq, message: `row ${seq}` } }, true);
  }

  /** Breaks every connection. */
  drop(): void {
    for (const { controller } of this.#streams) controller.error(new TypeError("network error"));
    this.#streams.clear();
  }

  /** Sends a heartbeat on every stream. */
  beat(): void {
    for (const stream of this.#streams) {
      stream.controller.enqueue(encoder.encode(`id: ${this.#journal.length}\n\n: heartbeat\n\n`));
    }
  }

  /** Forgets the events so far: a stream cannot resume before their end. */
  forget(): void {
    this.#floor = this.#journal.length;
  }

  /** Restores a task to its first rows, as from a backup. It continues with ids that are new. */
  restore(id: string, kept: number): void {
    this.drop();
    this.#floor = Infinity;
    const rows = this.rows.get(id)!.slice(0, kept);
    this.rows.set(id, rows);
    this.records.set(id, { ...this.records.get(id)!, seq: 1_000_000 });
  }

  async fetch(url: string, init: RequestInit = {}): Promise<Response> {
    this.requests.push(url);
    // A network never answers synchronously.
    await Promise.resolve();
    init.signal?.throwIfAborted();
    const { pathname, searchParams } = new URL(url, "http://fake");
    if (pathname === "/tasks/stream") return this.#stream(searchParams, init);
    if (this.status === 0) throw new TypeError("network error");
    if (pathname === "/tasks") return answer({ tasks: [...this.records.values()] });
    const [, , id, what] = pathname.split("/");
    if (this.refused.has(id!)) return answer({}, 403);
    const known = this.records.get(id!);
    if (known === undefined) return answer({}, 404);
    if (what === undefined) return answer(known);
    const [after, limit] = ["after", "limit"].map((name) => Number(searchParams.get(name)));
    const rows = (this.rows.get(id!) ?? []).filter(({ seq }) => seq > after!);
    const events = rows.slice(0, limit).map(({ seq, type, data }) => ({ seq, event: type, data }));
    return answer({ events, next_after: rows.length > limit! ? events.at(-1)!.seq : null });
  }

  #add(event: Stored, kept: boolean): void {
    this.#journal.push(event);
    if (kept) {
      const rows = this.rows.get(event.id) ?? [];
      this.rows.set(event.id, rows);
      rows.push(event);
    }
    for (const stream of this.#streams) this.#send(stream, this.#journal.length - 1);
  }

  #send({ rows, controller }: Stream, index: number): void {
    const { type, id, data } = this.#journal[index]!;
    if (type === "log" && !rows.has(id)) return;
    const body = JSON.stringify(type === "log" ? { task_id: id, ...data as object } : data);
    const name = type === "message" ? "" : `event: ${type}\n`;
    controller.enqueue(encoder.encode(`id: ${index + 1}\n${name}data: ${body}\n\n`));
  }

  #stream(query: URLSearchParams, { headers, signal }: RequestInit): Response {
    if (this.status === 0) throw new TypeError("network error");
    if (this.status !== 200) return answer({}, this.status);
    const id = (headers as Record<string, string>)["last-event-id"];
    const rows = new Set((query.get("rows") ?? "").split(","));
    if (!rows.isDisjointFrom(this.refused)) return answer({}, 403);
    const body = new ReadableStream<Uint8Array>({
      start: (controller) => {
        const stream = { rows, controller, signal: signal! };
        this.#streams.add(stream);
        signal!.addEventListener("abort", () => {
          if (this.#streams.delete(stream)) controller.error(signal!.reason);
        });
        if (id !== undefined && Number(id) >= this.#floor) {
          for (let n = Number(id); n < this.#journal.length; n++) this.#send(stream, n);
          controller.enqueue(encoder.encode(`id: ${this.#journal.length}\n\n`));
        } else {
          const name = id === undefined ? "snapshot" : "reset";
          const reason = this.#floor === Infinity ? "unknown" : "too-old";
          const data = JSON.stringify({ reason, tasks: [...this.records.values()] });
          controller.enqueue(
            encoder.encode(`id: ${this.#journal.length}\nevent: ${name}\ndata: ${data}\n\n`),
          );
        }
      },
    });
    return new Response(body, { headers: { "content-type": "text/event-stream" } });
  }
}

function answer(body: unknown, status = 200): Response {
  return Response.json(body, { status });
}
