/**
 * Follows one task for one client: what it missed, then what happens, without gaps or duplicates.
 *
 * @module
 */

import { catchUp } from "../kv/catch_up.ts";
import type { Feed } from "./feed.ts";
import type { Hold } from "./held_events.ts";
import { trimmedOf } from "../kv/head.ts";
import type { RowReader } from "../kv/history.ts";
import type { HubEvent } from "./hub_event.ts";
import { boundOf, type Row, type TaskEvent } from "../task/event.ts";
import { withSeq } from "../task/json_text.ts";
import { isFinished, type TaskRecord } from "../task/record.ts";
import { isLost } from "../task/restored.ts";
import { isRewound } from "../task/rewind.ts";
import type { LostIds, Rewound } from "../task/task.ts";
import { encodeBytes, encodeMessage } from "../sse/encode.ts";
import type { SseStream } from "../sse/stream.ts";

const encoder = new TextEncoder();

export interface FollowOptions {
  id: string;
  /** The last event id that the client sent; `null` for none. */
  lastEventId: string | null;
}

/** Encodes a live event for a stream. Its JSON never contains a line break. */
export function encodeEvent({ type, json }: TaskEvent, id: string): Uint8Array {
  const name = eventName(type);
  return encoder.encode(`id: ${id}\n${name ? `event: ${name}\n` : ""}data: ${json}\n\n`);
}

function eventName(type: TaskEvent["type"]): string | undefined {
  return type === "message" || type === "progress" ? undefined : type;
}

/**
 * Sends a task's events into `stream` until it ends. Resolves when the client has caught up and
 * is fed by the hub (or the stream has ended before).
 */
export async function followTask(
  stream: SseStream,
  feed: Feed,
  options: FollowOptions,
): Promise<void> {
  await new Follower(stream, feed, options).join();
}

/** Where the stream of a task begins. */
export type Start =
  | { from: "now" }
  | { from: "seq"; seq: number }
  | { from: "reset"; reason: "malformed" | "unknown" | "too-old" };

/** What a client's last event id means for a task. */
export function startOf(
  lastEventId: string | null,
  task: { seq: number; trimmed: number; lostIds: readonly LostIds[] },
): Start {
  if (lastEventId === null || lastEventId === "") return { from: "now" };
  if (!/^\d{1,15}$/.test(lastEventId)) return { from: "reset", reason: "malformed" };
  const seq = Number(lastEventId);
  if (seq > task.seq || isLost(seq, task.lostIds)) return { from: "reset", reason: "unknown" };
  // It asks for everything after it, so no row after it may have been removed.
  if (seq < task.trimmed) return { from: "reset", reason: "too-old" };
  return { from: "seq", seq };
}

interface TaskHead {
  json: string;
  seq: number;
  /** The `seq` of the newest row that was removed; 0 for none. */
  trimmed: number;
  /** The same for each type of rows. */
  edges: Edges;
  rewound: Rewound | undefined;
  lostIds: readonly LostIds[];
  finished: boolean;
}

interface Edges {
  log: number;
  output: number;
}

class Follower {
  readonly #stream: SseStream;
  readonly #feed: Feed;
  readonly #options: FollowOptions;
  readonly #rows: RowReader;
  /** The `seq` of the newest event that was sent, or that the client had. */
  #lastSeq = 0;
  /** Up to which `seq` rows were removed, as a reset told the client; -1 before any reset. */
  #told: Edges = { log: -1, output: -1 };
  #sent = false;

  constructor(stream: SseStream, feed: Feed, options: FollowOptions) {
    this.#stream = stream;
    this.#feed = feed;
    this.#options = options;
    this.#rows = feed.heads.rowReader(options.id);
  }

  async join(): Promise<void> {
    if (await this.#begin()) return;
    while (this.#stream.ended === null) {
      if (await catchUp(() => this.#step(), this.#stream.closed)) return;
      // Nothing is held for a slow reader meanwhile: it gets later events from the store, too.
      await this.#stream.drained();
    }
  }

  /** Finds out where to begin; `true` if that is all: the client is live, or the stream has ended. */
  async #begin(): Promise<boolean> {
    const { hub } = this.#feed;
    const { lastEventId } = this.#options;
    using hold = hub.hold();
    let head = await this.#head();
    if (head === null) return this.#end();
    let start = startOf(lastEventId, head);
    if (start.from === "reset" && start.reason === "unknown") {
      // Another process may have shown the client an event that has not reached this one yet.
      await hub.caughtUp();
      head = await this.#head() ?? head;
      start = startOf(lastEventId, head);
    }
    if (start.from === "reset") this.#reset(head, start.reason);
    if (start.from === "seq") this.#lastSeq = start.seq;
    if (start.from !== "now") return false;
    // Of a finished task the last two rows are sent, `message` and `complete`; else just the head.
    this.#lastSeq = head.finished ? Math.max(0, head.seq - 2) : head.seq - 1;
    if (head.finished) return false;
    this.#current(head);
    return this.#goLive(hold);
  }

  /**
   * Sends the next stored rows; after the last of them the current state, and what came while they
   * were read.
   *
   * @returns Whether the client has caught up.
   */
  async #step(): Promise<boolean> {
    using hold = this.#feed.hub.hold();
    const head = await this.#head();
    if (head === null) return this.#end();
    const { commits, more } = await this.#rows.read(this.#lastSeq);
    const now = await this.#head();
    if (now !== null && this.#overtaken(now)) return false;
    this.#sendRows(commits, head, now?.rewound);
    if (more && this.#lastSeq < head.seq) return false;
    if (head.finished) return this.#lastSeq >= head.seq && this.#end();
    this.#current(head);
    return this.#goLive(hold);
  }

  /** Sends the held events, and then each event as it comes; `false` if too many came to be held. */
  #goLive(hold: Hold): boolean {
    const { id } = this.#options;
    const events = hold.events();
    if (events === null) return false;
    for (const event of events) if (event.event.id === id) this.#live(event);
    if (this.#stream.ended !== null) return true;
    const stop = this.#feed.hub.listen({ ids: [id] }, (event) => this.#live(event));
    this.#stream.closed.addEventListener("abort", stop);
    return true;
  }

  async #head(): Promise<TaskHead | null> {
    const head = await this.#feed.heads.get(this.#options.id);
    if (head === null) return null;
    const { record, trimmed, trimmedOutputs = 0, rewound, lostIds = [] } = head;
    const { seq, status } = JSON.parse(record) as TaskRecord;
    return {
      json: record,
      seq,
      trimmed: trimmedOf(head),
      edges: { log: trimmed, output: trimmedOutputs },
      rewound,
      lostIds,
      finished: isFinished(status),
    };
  }

  /** @param rewound The last rewind, as the head had it after the rows were read. */
  #sendRows(commits: readonly Row[][], head: TaskHead, rewound: Rewound | undefined): void {
    let text = "";
    /** The last place where progress is missing that no later `message` makes up for. */
    let missed: { at: number; seq: number } | null = null;
    for (const { type, seq, json } of commits.flat()) {
      // Rows newer than the head are for the next step. After an end that is older, it was retried.
      if (seq > head.seq) break;
      if (type === "message") missed = null;
      else if (seq > this.#lastSeq + 1) missed = { at: text.length, seq: seq - 1 };
      this.#lastSeq = seq;
      if (type === "complete" && seq < head.seq) continue;
      // It was removed since, and lies within the gap that the client was told of.
      const bound = boundOf(type);
      if (bound !== null && seq <= this.#told[bound]) continue;
      // The `rewind` row follows, for clients that have this output.
      if (type === "output" && isRewound(seq, rewound)) continue;
      text += encodeMessage({ id: String(seq), event: eventName(type), data: json });
    }
    // Otherwise the current state follows, or the next page.
    if (missed !== null && this.#lastSeq === head.seq) {
      const { at, seq } = missed;
      const state = encodeMessage({ id: String(seq), data: withSeq(head.json, seq) });
      text = text.slice(0, at) + state + text.slice(at);
    }
    if (text !== "") this.#send(encoder.encode(text));
  }

  /** Whether rows were removed that the client still needed; it then gets a reset. */
  #overtaken(head: TaskHead): boolean {
    for (const type of ["log", "output"] as const) {
      const edge = head.edges[type];
      if (edge <= Math.max(this.#lastSeq, this.#told[type])) continue;
      if (this.#lastSeq > this.#told[type]) {
        this.#reset(head, "too-old");
        return true;
      }
      // The client has no rows from after the gap that it knows of, so the gap just grows.
      this.#told[type] = edge;
    }
    return false;
  }

  /** Sends the current state, unless the last row sent was just that. */
  #current({ seq, json }: TaskHead): void {
    if (seq < this.#lastSeq || (seq === this.#lastSeq && this.#sent)) return;
    this.#send(encodeBytes({ id: String(seq), data: json }), "progress");
    this.#lastSeq = seq;
  }

  /** Tells the client to forget what it has: everything that is stored follows. */
  #reset({ json, edges }: TaskHead, reason: string): void {
    this.#lastSeq = 0;
    this.#told = { ...edges };
    this.#send(encodeBytes({ event: "reset", data: `{"reason":"${reason}","task":${json}}` }));
    this.#sent = false;
  }

  #live(event: HubEvent): void {
    const { type, seq } = event.event;
    if (type === "cancel" || seq <= this.#lastSeq) return;
    this.#lastSeq = seq;
    this.#send(event.forOne(encodeEvent), type === "progress" ? "progress" : null);
    if (type === "complete" || type === "deleted") this.#end();
  }

  /** Ends the stream: no more events will come. */
  #end(): true {
    this.#stream.end();
    return true;
  }

  #send(bytes: Uint8Array, key: string | null = null): void {
    this.#sent = true;
    this.#stream.send(bytes, key);
  }
}
