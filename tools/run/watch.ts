import { EventSourceParserStream } from "eventsource-parser/stream";
import type { TaskRecord } from "../../lib/record.ts";
import { type Api, ServerError } from "./api.ts";

/** An event of a task's stream; a last one, `record`, is the task at its end, with its result. */
export interface TaskEvent {
  /** `message`, `log`, `output`, `reset`, `complete` or `record`. */
  event: string;
  /** The stream's id at this event. */
  id: string;
  /** Its data. */
  // deno-lint-ignore no-explicit-any -- JSON of the server
  data: any;
}

/** Milliseconds of silence after which a connection counts as dead: three heartbeats. */
const STALL_MS = 45_000;

/** Milliseconds between two tries: doubled each time, to the last, with jitter. */
const FIRST_WAIT_MS = 200;
const LAST_WAIT_MS = 5000;

/** Milliseconds without an answer after which the server counts as gone. */
const GIVE_UP_MS = 5 * 60_000;

/**
 * Every event of a task, each once, to its end, over as many connections as it takes.
 *
 * @param onconnection Told when the connection was lost, and when it is back.
 * @throws {ServerError} When the task is not there, or the server does not come back.
 */
export async function* watch(
  api: Api,
  id: string,
  onconnection: (up: boolean) => void,
  signal: AbortSignal,
): AsyncGenerator<TaskEvent, TaskRecord, void> {
  let lastId = "0";
  // A reset sends again what is known: rows and states are each told in order.
  const told = { rows: 0, states: 0 };
  let failures = 0;
  let lostAt: number | null = null;
  while (true) {
    const stalled = new AbortController();
    let timer = setTimeout(() => stalled.abort(), STALL_MS);
    try {
      const response = await api.request(`/tasks/${encodeURIComponent(id)}/stream`, {
        headers: { accept: "text/event-stream", "last-event-id": lastId },
        signal: AbortSignal.any([signal, stalled.signal]),
      });
      if (response.status === 204) return await api.task(id);
      if (lostAt !== null) onconnection(true);
      lostAt = null;
      // Also a heartbeat, which is no event, is a sign of life.
      const alive = new TransformStream<Uint8Array, BufferSource>({
        transform(chunk, controller) {
          clearTimeout(timer);
          timer = setTimeout(() => stalled.abort(), STALL_MS);
          controller.enqueue(chunk as Uint8Array<ArrayBuffer>);
        },
      });
      const events = response.body!.pipeThrough(alive).pipeThrough(new TextDecoderStream())
        .pipeThrough(new EventSourceParserStream());
      for await (const { event = "message", id: eventId = lastId, data: json } of events) {
        failures = 0;
        lastId = eventId;
        const kind = event === "log" || event === "output" ? "rows" : "states";
        if (event !== "reset") {
          if (Number(eventId) <= told[kind]) continue;
          told[kind] = Number(eventId);
        }
        const data = JSON.parse(json);
        yield { event, id: eventId, data };
        if (event === "complete") return await api.task(id);
      }
    } catch (error) {
      if (signal.aborted) throw error;
      if (error instanceof ServerError && error.badInput) throw error;
      if (!stalled.signal.aborted) {
        lostAt ??= (onconnection(false), performance.now());
        if (performance.now() - lostAt > GIVE_UP_MS) throw error;
      }
    } finally {
      clearTimeout(timer);
    }
    const wait = Math.min(LAST_WAIT_MS, FIRST_WAIT_MS * 2 ** failures++) *
      (0.5 + Math.random() / 2);
    await pause(wait, signal);
  }
}

function pause(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const stop = () => (clearTimeout(timer), reject(signal.reason));
    const timer = setTimeout(() => (signal.removeEventListener("abort", stop), resolve()), ms);
    signal.addEventListener("abort", stop, { once: true });
  });
}
