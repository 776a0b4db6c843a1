/**
 * One connection to the server for all tabs of a browser, which opens only six to a server over
 * HTTP/1.1. Runs in a shared worker, or in the page where there is none, and uses nothing that only
 * one of them has.
 *
 * @module
 */

import type { TaskRecord } from "../../lib/task/record.ts";
import { EventStream, MAX_RETRY_MS } from "../client/event_stream.ts";
import type { World } from "../client/world.ts";
import { FeedFollow } from "./feed_follow.ts";
import type { FeedMessage, TabMessage, TabState } from "./feed_protocol.ts";
import { FeedTab } from "./feed_tab.ts";
import type { ListEvent } from "../list/list_state.ts";
import { isFinished } from "../task/task_state.ts";

/** Tasks whose rows the server sends over one stream, at most. */
const MAX_ROWS_OF = 20;

/** Milliseconds after which a connection that no tab needs is closed. */
const IDLE_MS = 30_000;

/** Milliseconds between two checks that the tabs still answer. */
const LOOK_MS = 5000;

/** Milliseconds in which the requests of several tabs are gathered into one connection. */
const GATHER_MS = 20;

/** Milliseconds during which a live connection is too new to be opened again on request. */
const YOUNG_MS = 2000;

/** Milliseconds between two tries at most, while the server is unreachable and a tab is visible. */
const PROBE_MS = 2000;

/** The HTTP statuses of a proxy that cannot reach the server. */
const AWAY = [502, 504];

export interface FeedLine {
  take(message: TabMessage): void;
  leave(): void;
}

export class Feed {
  readonly #world: World;
  readonly #stream: EventStream;
  readonly #tabs = new Set<FeedTab>();
  /** The snapshots that are loading. */
  readonly #loads = new Map<FeedTab, AbortController>();
  /** The tasks whose rows the last request asked for, and those whose rows the open stream carries. */
  #asked: ReadonlySet<string> = new Set();
  #carried: ReadonlySet<string> = new Set();
  #askedAt = -Infinity;
  #stopIdle: (() => void) | null = null;
  #stopGather: (() => void) | null = null;
  #stopLook: (() => void) | null = null;

  constructor(world: World) {
    this.#world = world;
    this.#stream = new EventStream({
      world,
      request: () => ({ url: this.#url() }),
      maxRetryMs: (refused) => this.#maxRetryMs(refused),
      onopen: (resumed) => this.#opened(resumed),
      onevent: (type, data) => this.#take(type, data),
      onstate: (state) => {
        for (const tab of this.#tabs) tab.say({ type: "connection", ...state });
        if (state.state === "waiting" && state.refused === 403) void this.#leaveOut();
      },
    });
  }

  get size(): number {
    return this.#tabs.size;
  }

  /** Connects a tab, which gets its messages from `post`. Its first message adds it to the feed. */
  join(post: (message: FeedMessage) => void): FeedLine {
    let tab: FeedTab | null = null;
    const leave = () => {
      if (tab !== null) this.#leave(tab);
      tab = null;
    };
    return {
      take: (message) => {
        if (message.type === "bye") return leave();
        if (message.type === "reopen") return this.#reopen();
        if (message.type === "signed-out") return this.#stream.reopen();
        // It may have been dropped while it slept.
        if (tab === null || !this.#tabs.has(tab)) {
          tab = new FeedTab(this.#world, post, message.got);
          this.#tabs.add(tab);
          tab.say({ type: "connection", ...this.#stream.state });
        }
        this.#update(tab, message);
      },
      leave,
    };
  }

  #update(tab: FeedTab, state: TabState): void {
    // A tab that becomes visible does not wait for a retry that was scheduled while none was.
    if (state.visible && !tab.visible && this.#stream.state.state === "waiting") this.#reopen();
    tab.setVisible(state.visible);
    tab.watched = state.watched;
    if (state.task?.watch !== tab.follow?.watch) {
      tab.follow?.close();
      tab.clearRows();
      tab.follow = state.task && new FeedFollow(this.#world, tab, state.task);
    }
    tab.setList(state.list);
    tab.heard(state.got);
    if (this.#stream.lastEventId !== "") this.#load(tab);
    this.#sync();
    this.#look();
  }

  #leave(tab: FeedTab): void {
    tab.close();
    this.#tabs.delete(tab);
    this.#loads.get(tab)?.abort();
    this.#loads.delete(tab);
    this.#sync();
  }

  /** Retries cost an unreachable server nothing. One that refuses is asked less and less often. */
  #maxRetryMs(refused: number | null): number {
    const seen = [...this.#tabs].some(({ visible }) => visible);
    return seen && (refused === null || AWAY.includes(refused)) ? PROBE_MS : MAX_RETRY_MS;
  }

  #reopen(): void {
    const young = this.#world.now() - this.#askedAt < YOUNG_MS;
    if (!young || this.#stream.state.state !== "live") this.#stream.reopen();
  }

  /** Opens, reopens or closes the connection, as the tabs need it. */
  #sync(): void {
    const needed = [...this.#tabs].some((tab) =>
      tab.watched.length > 0 ||
      (tab.visible ? tab.list !== "off" || tab.follow !== null : tab.follow?.over === false)
    );
    if (!needed) {
      this.#stopIdle ??= this.#world.after(this.#tabs.size === 0 ? 0 : IDLE_MS, () => {
        this.#stopIdle = null;
        this.#stream.close();
      });
      return;
    }
    this.#stopIdle?.();
    this.#stopIdle = null;
    if (!this.#stream.running) {
      // The first request has everything that a page wants when it opens.
      this.#gather(() => this.#stream.open());
      return;
    }
    const wanted = this.#wanted();
    if ([...wanted].some((id) => !this.#asked.has(id))) this.#gather(() => this.#stream.reopen());
    else this.#follow(wanted);
  }

  #gather(then: () => void): void {
    this.#stopGather ??= this.#world.after(GATHER_MS, () => {
      this.#stopGather = null;
      then();
    });
  }

  /** The tasks whose rows are wanted: those of visible tabs first, then those opened last. */
  #wanted(): Set<string> {
    const tabs = [...this.#tabs].filter(({ follow }) => follow?.valid).reverse()
      .sort((one, other) => Number(other.visible) - Number(one.visible));
    return new Set([...new Set(tabs.map(({ follow }) => follow!.id))].slice(0, MAX_ROWS_OF));
  }

  /** A refusal may be for the task of one tab, which must not cost all tabs the stream. */
  async #leaveOut(): Promise<void> {
    const asked = [...this.#tabs].map(({ follow }) => follow)
      .filter((follow) => follow !== null && this.#asked.has(follow.id));
    const left = await Promise.all(asked.map((follow) => follow!.leaveOut()));
    if (left.includes(true)) this.#stream.reopen();
  }

  #url(): string {
    this.#asked = this.#wanted();
    this.#askedAt = this.#world.now();
    return `/tasks/stream${this.#asked.size > 0 ? `?rows=${[...this.#asked].join(",")}` : ""}`;
  }

  #opened(resumed: boolean): void {
    this.#carried = this.#asked;
    this.#follow(this.#wanted());
    // A stream that is not resumed begins with a snapshot.
    if (!resumed) return;
    for (const tab of this.#tabs) this.#load(tab);
  }

  /** Follows the wanted tasks whose rows the stream carries, and stops the others. */
  #follow(wanted: ReadonlySet<string>): void {
    for (const { follow } of this.#tabs) {
      if (!follow?.valid) continue;
      const carried = this.#carried.has(follow.id) && wanted.has(follow.id);
      if (carried && follow.state === "idle") follow.catchUp();
      else if (!carried) follow.stop();
    }
  }

  #take(type: string, data: unknown): void {
    if (type === "snapshot" || type === "reset") {
      const { tasks, reason } = data as { tasks: readonly TaskRecord[]; reason?: string };
      for (const tab of this.#tabs) {
        // The tab's ids are of another history, even where they look like ids of this one.
        if (reason === "unknown") tab.follow?.forget();
        this.#loads.get(tab)?.abort();
        this.#loads.delete(tab);
        tab.pushSnapshot(tasks, true);
        // Reads from the store what was missed.
        if (tab.follow !== null && tab.follow.state !== "idle") tab.follow.catchUp();
      }
      return;
    }
    const { task_id: id } = data as { task_id: string };
    const listed = type === "message" || type === "deleted";
    const ended = type === "message" && isFinished((data as TaskRecord).status);
    for (const tab of this.#tabs) {
      if (ended && tab.watched.includes(id)) tab.say({ type: "ended", data: data as TaskRecord });
      if (listed) tab.pushList({ type, data } as ListEvent, id);
      if (tab.follow?.id !== id) continue;
      const { over } = tab.follow;
      tab.follow.take({ type, data });
      if (tab.follow.over !== over) this.#sync();
    }
  }

  /** Reads the list for a tab that has not got the stream's own snapshot. */
  #load(tab: FeedTab): void {
    if (this.#loads.has(tab) || !tab.needsSnapshot()) return;
    const abort = new AbortController();
    this.#loads.set(tab, abort);
    this.#world.fetch("/tasks?limit=100", { signal: abort.signal })
      .then(async (response) => {
        if (!response.ok) return await response.body?.cancel();
        const { tasks } = await response.json() as { tasks: TaskRecord[] };
        if (!abort.signal.aborted) tab.pushSnapshot(tasks, false);
      })
      .catch(() => {
        // Tried again when the stream is reopened, or with the tab's next message.
      })
      .finally(() => {
        if (this.#loads.get(tab) === abort) this.#loads.delete(tab);
      });
  }

  /** Drops tabs that no longer answer, and asks those that are quiet to answer. */
  #look(): void {
    this.#stopLook ??= this.#world.after(LOOK_MS, () => {
      this.#stopLook = null;
      for (const tab of this.#tabs) if (!tab.answers()) this.#leave(tab);
      if (this.#tabs.size > 0) this.#look();
    });
  }
}
