/**
 * A fake server with one task, and a fake clock. It streams the task as the API promises, and
 * breaks when told to.
 *
 * @module
 */

import type { TaskRecord } from "headway";
import type { World } from "../../static/client/world.ts";
import { FakeClock } from "./fake_clock.ts";
import { record } from "./records.ts";

interface Row {
  type: string;
  seq: number;
  data: unknown;
}

interface Connection {
  controller: ReadableStreamDefaultController<Uint8Array>;
  /** How many more bytes it carries. */
  left: number;
}

const encoder = new TextEncoder();

export class FakeTask extends FakeClock implements World {
  /** The stored events of the task: rows, changes of its state, its end. */
  rows: Row[] = [];
  /** The newest record of the task. */
  record: TaskRecord;
  /** Every request. */
  readonly requests: { url: string; headers: Record<string, string> }[] = [];
  /** The status of its responses; 0 for no response. */
  status = 200;
  /** Bytes after which a new connection ends, even in the middle of an event. */
  breaksAfter = Infinity;
  /** Bytes of one chunk at most. */
  chunkBytes = Infinity;

  /** Whether a read hangs when its request is aborted, and after the task's end. */
  hangs = false;

  #trimmed = 0;
  readonly #connections = new Set<Connection>();

  constructor(id: string = record().task_id) {
    super();
    this.record = record({ task_id: id, status: "pending", seq: 1, attempt: 0 });
    this.rows.push({ type: "message", seq: 1, data: this.record });
  }

  /** How many connections are open. */
  get open(): number {
    return this.#connections.size;
  }

  /** How many chunks nobody has read yet. */
  get unread(): number {
    return [...this.#connections].reduce((sum, it) => sum + 1 - it.controller.desiredSize!, 0);
  }

  /** The stored events that no watcher may miss, such as `log 3`. */
  get told(): string[] {
    return this.rows.filter(({ type }) => type !== "message").map(({ type, seq }) =>
      `${type} ${seq}`
    );
  }

  /** Reports progress, or changes the state. */
  report(fields: Partial<TaskRecord>): void {
    const stored = (fields.status ?? this.record.status) !== this.record.status;
    this.record = { ...this.record, ...fields, seq: this.record.seq + 1 };
    this.#add({ type: "message", seq: this.record.seq, data: this.record }, stored);
  }

  /** Adds a row of the log, or an output. */
  row(type: "log" | "output" = "log"): void {
    const seq = this.record.seq + 1;
    this.record = { ...this.record, seq };
    const data = {
      seq,
      time: "",
      ...(type === "log" ? { message: `row ${seq}` } : { data: "進" }),
    };
    this.#add({ type, seq, data }, true);
  }

  /** Adds the row of a step that is done. */
  step(name: string): void {
    const seq = this.record.seq + 1;
    this.record = { ...this.record, seq };
    const data = { seq, name, type: "step", status: "done", time: "" };
    this.#add({ type: "step", seq, data }, true);
  }

  /** Adds an artifact. */
  artifact(name: string): void {
    const seq = this.record.seq + 1;
    this.record = { ...this.record, seq };
    const data = { seq, name, size: 1, type: "a/b", sha256: "", time: "" };
    this.#add({ type: "artifact", seq, data }, true);
  }

  /** Starts the task again: outputs after this `seq` no longer count. */
  rewind(after: number): void {
    const seq = this.record.seq + 1;
    this.record = { ...this.record, seq };
    this.rows = this.rows.filter((row) => row.type !== "output" || row.seq <= after);
    this.#add({ type: "rewind", seq, data: { seq, time: "", after } }, true);
  }

  /** Ends the task, and its connections unless {@link hangs}. */
  end(status: "completed" | "failed" | "canceled" = "completed"): void {
    const error = status === "failed" ? { name: "Error", message: "It broke" } : null;
    this.report({ status, error, finished_at: "2030-01-01T00:00:01.000Z" });
    const seq = this.record.seq + 1;
    this.record = { ...this.record, seq };
    const result = status === "completed" ? { result: "done" } : {};
    const data = { task_id: this.record.task_id, status, ...result, ...(error && { error }) };
    this.#add({ type: "complete", seq, data }, true);
    if (!this.hangs) this.close();
  }

  /** Drops the rows up to this `seq`. */
  trim(seq: number): void {
    this.#trimmed = seq;
    this.rows = this.rows.filter((row) => row.seq > seq);
  }

  /** Breaks every connection. */
  drop(): void {
    for (const { controller } of this.#connections) controller.error(new TypeError("network"));
    this.#connections.clear();
  }

  /** Ends every connection regularly. */
  close(): void {
    for (const connection of this.#connections) this.#close(connection);
  }

  /** Sends a heartbeat. */
  beat(): void {
    for (const connection of this.#connections) this.#send(connection, ": heartbeat\n\n");
  }

  async fetch(url: string, init: RequestInit = {}): Promise<Response> {
    const headers = init.headers as Record<string, string>;
    this.requests.push({ url, headers });
    // A network never answers synchronously.
    await Promise.resolve();
    init.signal?.throwIfAborted();
    if (this.status === 0) throw new TypeError("network");
    if (this.status !== 200) {
      return Response.json({ error: `Refused with ${this.status}` }, { status: this.status });
    }
    const id = headers["last-event-id"];
    const finished = this.record.finished_at !== null;
    if (finished && id === String(this.record.seq)) return new Response(null, { status: 204 });
    const body = new ReadableStream<Uint8Array>({
      start: (controller) => {
        const connection = { controller, left: this.breaksAfter };
        this.#connections.add(connection);
        init.signal?.addEventListener("abort", () => {
          if (this.#connections.delete(connection) && !this.hangs) {
            controller.error(init.signal!.reason);
          }
        });
        this.#send(connection, "retry: 2000\n\n");
        this.#catchUp(connection, id);
        if (finished) this.#close(connection);
      },
    });
    return new Response(body, { headers: { "content-type": "text/event-stream" } });
  }

  #catchUp(connection: Connection, id: string | undefined): void {
    const { seq } = this.record;
    const finished = this.record.finished_at !== null;
    let after = id === undefined ? (finished ? seq - 2 : seq) : Number(id);
    const reason = Number.isNaN(after)
      ? "malformed"
      : after > seq
      ? "unknown"
      : after < this.#trimmed
      ? "too-old"
      : null;
    if (reason !== null) {
      const data = JSON.stringify({ reason, task: this.record });
      this.#send(connection, `event: reset\ndata: ${data}\n\n`);
      after = 0;
    }
    const rows = this.rows.filter((row) => row.seq > after);
    for (const row of rows) this.#sendRow(connection, row);
    if (finished || rows.at(-1)?.seq === seq) return;
    this.#sendRow(connection, { type: "message", seq, data: this.record });
  }

  #add(row: Row, stored: boolean): void {
    if (stored) this.rows.push(row);
    for (const connection of this.#connections) this.#sendRow(connection, row);
  }

  #sendRow(connection: Connection, { type, seq, data }: Row): void {
    const name = type === "message" ? "" : `event: ${type}\n`;
    this.#send(connection, `id: ${seq}\n${name}data: ${JSON.stringify(data)}\n\n`);
  }

  #send(connection: Connection, text: string): void {
    if (!this.#connections.has(connection)) return;
    const bytes = encoder.encode(text);
    const kept = bytes.subarray(0, connection.left);
    for (let at = 0; at < kept.length; at += this.chunkBytes) {
      connection.controller.enqueue(kept.slice(at, at + this.chunkBytes));
    }
    connection.left -= kept.length;
    if (connection.left > 0) return;
    // Without an error: a client must not take this for the end of the event.
    if (this.#connections.delete(connection)) connection.controller.close();
  }

  #close(connection: Connection): void {
    if (this.#connections.delete(connection)) connection.controller.close();
  }
}
