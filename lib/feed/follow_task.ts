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
  /** What the client says it has; `null` when it says nothing. */
  lastEventId: string | null;
}

/** How a live event is written for a stream. Its JSON is one line, whatever it tells. */
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

/** Where the stream of a task has to begin. */
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
  // It asks for all that followed, which must still be there.
  if (seq < task.trimmed) return { from: "reset", reason: "too-old" };
  return { from: "seq", seq };
}

interface TaskHead {
  json: string;
  seq: number;
  /** The newest row removed. */
  trimmed: number;
  /** By type of row, likewise. */
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
  /** The newest event sent, or known to the client. */
  #lastSeq = 0;
  /** Where the rows that are left begin, as the client was told by a reset; -1 for untold. */
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
      // Nothing is held for a slow reader meanwhile: what happens is read from the store, too.
      await this.#stream.drained();
    }
  }

  /** Finds out where to begin; `true` when that is all there is to do. */
  async #begin(): Promise<boolean> {
    const { hub } = this.#feed;
    const { lastEventId } = this.#options;
    using hold = hub.hold();
    let head = await this.#head();
    if (head === null) return this.#end();
    let start = startOf(lastEventId, head);
    if (start.from === "reset" && start.reason === "unknown") {
      // Another process may have shown it an event that has not come here yet.
      await hub.caughtUp();
      head = await this.#head() ?? head;
      start = startOf(lastEventId, head);
    }
    if (start.from === "reset") this.#reset(head, start.reason);
    if (start.from === "seq") this.#lastSeq = start.seq;
    if (start.from !== "now") return false;
    // The end and the message before it lie in the rows; anything else is the head alone.
    this.#lastSeq = head.finished ? Math.max(0, head.seq - 2) : head.seq - 1;
    if (head.finished) return false;
    this.#current(head);
    return this.#goLive(hold);
  }

  /**
   * Sends the next of the stored rows; with the last of them the state as it is, and what came while
   * they were read.
   *
   * @returns Whether the client is level.
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

  /** Sends what was held, and then each event as it comes; `false` when it was too much to hold. */
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

  /** @param rewound What was taken back by the time the rows were there. */
  #sendRows(commits: readonly Row[][], head: TaskHead, rewound: Rewound | undefined): void {
    let text = "";
    /** Where progress was that the client may lack, and no state is told behind it. */
    let missed: { at: number; seq: number } | null = null;
    for (const { type, seq, json } of commits.flat()) {
      // An end that came after we looked at the head: look again. One before it was retried.
      if (seq > head.seq) break;
      if (type === "message") missed = null;
      else if (seq > this.#lastSeq + 1) missed = { at: text.length, seq: seq - 1 };
      this.#lastSeq = seq;
      if (type === "complete" && seq < head.seq) continue;
      // Gone since it was read, and within the gap that the client was told of.
      const bound = boundOf(type);
      if (bound !== null && seq <= this.#told[bound]) continue;
      // Who has seen it is told by the rewind, which follows.
      if (type === "output" && isRewound(seq, rewound)) continue;
      text += encodeMessage({ id: String(seq), event: eventName(type), data: json });
    }
    // Else the current state follows, or the next page.
    if (missed !== null && this.#lastSeq === head.seq) {
      const { at, seq } = missed;
      const state = encodeMessage({ id: String(seq), data: withSeq(head.json, seq) });
      text = text.slice(0, at) + state + text.slice(at);
    }
    if (text !== "") this.#send(encoder.encode(text));
  }

  /** Whether rows that the client had yet to get were removed; it is told to take what is left. */
  #overtaken(head: TaskHead): boolean {
    for (const type of ["log", "output"] as const) {
      const edge = head.edges[type];
      if (edge <= Math.max(this.#lastSeq, this.#told[type])) continue;
      if (this.#lastSeq > this.#told[type]) {
        this.#reset(head, "too-old");
        return true;
      }
      // It got none of the type yet: the gap that it was told of is larger now.
      this.#told[type] = edge;
    }
    return false;
  }

  /** Sends the state as it is, unless the last row sent was just that. */
  #current({ seq, json }: TaskHead): void {
    if (seq < this.#lastSeq || (seq === this.#lastSeq && this.#sent)) return;
    this.#send(encodeBytes({ id: String(seq), data: json }), "progress");
    this.#lastSeq = seq;
  }

  /** Tells the client to forget what it has: everything that is kept follows. */
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

  /** There is nothing more to tell. */
  #end(): true {
    this.#stream.end();
    return true;
  }

  #send(bytes: Uint8Array, key: string | null = null): void {
    this.#sent = true;
    this.#stream.send(bytes, key);
  }
}
