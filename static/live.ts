/**
 * An EventSource that does not give up: a browser's own stops for good at any status but 200, and
 * resumes only within one object. Events are handed over in batches, so that ten thousand a second
 * cost ten or twenty renderings.
 *
 * @module
 */

/** Whether events come: `waiting` for the next try. */
export type Connection = "idle" | "connecting" | "live" | "waiting";

/** An event with its JSON read. */
export interface LiveEvent {
  /** Its name. */
  type: string;
  /** The stream's id at this event. */
  id: string;
  /** Its data. */
  data: unknown;
}

/** What {@link openLive} takes. */
export interface LiveOptions {
  /** Where; `last_event_id` is put behind it. */
  url: string;
  /** Where to resume; empty for the beginning. */
  lastEventId: string;
  /** Names of the events that are wanted. */
  events: readonly string[];
  /** Milliseconds between two batches. */
  batchMs: number;
  /** Takes a batch, oldest first. */
  onevents(events: LiveEvent[]): void;
  /** The connection changed. */
  onconnection(connection: Connection): void;
  /** The server said no. Whether to try again. */
  onrefused(): Promise<boolean>;
}

/** Events that are handed over without waiting for the time: a hidden tab has slow timers. */
const BATCH_EVENTS = 2000;

/** Milliseconds before a new try after a refusal: doubled each time, to the last. */
const FIRST_RETRY_MS = 1000;
const LAST_RETRY_MS = 30_000;

/** Opens a stream; returns how to close it, which hands over what waits, and then no more. */
export function openLive(options: LiveOptions): () => void {
  let lastEventId = options.lastEventId;
  let source: EventSource;
  let batch: LiveEvent[] = [];
  let batchTimer: ReturnType<typeof setTimeout> | undefined;
  let retryTimer: ReturnType<typeof setTimeout> | undefined;
  let handedOver = 0;
  let refusals = 0;
  let closed = false;

  function handOver(): void {
    clearTimeout(batchTimer);
    batchTimer = undefined;
    handedOver = performance.now();
    const events = batch;
    batch = [];
    if (events.length > 0) options.onevents(events);
  }

  function take(event: Event): void {
    const { type, data, lastEventId: id } = event as MessageEvent<string>;
    lastEventId = id;
    batch.push({ type, id, data: JSON.parse(data) });
    if (batch.length >= BATCH_EVENTS) return handOver();
    batchTimer ??= setTimeout(
      handOver,
      Math.max(0, options.batchMs + handedOver - performance.now()),
    );
  }

  async function broken(): Promise<void> {
    // The end of the task may wait in the batch: then this is no trouble.
    handOver();
    if (closed) return;
    // It tries again by itself, unless it was refused.
    if (source.readyState === EventSource.CLOSED) {
      const again = await options.onrefused();
      if (closed || !again) return;
      const wait = Math.min(LAST_RETRY_MS, FIRST_RETRY_MS * 2 ** refusals++);
      retryTimer = setTimeout(connect, wait * (0.5 + Math.random() / 2));
    }
    if (!closed) options.onconnection("waiting");
  }

  function connect(): void {
    const query = lastEventId === "" ? "" : `?last_event_id=${encodeURIComponent(lastEventId)}`;
    source = new EventSource(options.url + query);
    source.onopen = () => {
      refusals = 0;
      options.onconnection("live");
    };
    source.onerror = () => void broken();
    for (const name of options.events) source.addEventListener(name, take);
  }

  options.onconnection("connecting");
  connect();
  return () => {
    closed = true;
    clearTimeout(retryTimer);
    handOver();
    source.close();
  };
}
