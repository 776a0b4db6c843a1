/**
 * Merges the index entries of several kinds and states: all their ids, newest first, each once. KV
 * reads one range after the other, and tasks change their status meanwhile: those that moved are
 * added, whether they were missed or not. What it holds and reads is bounded by the number of
 * sources, by how far it is read, and by {@link MAX_MISSED}.
 *
 * @module
 */

import TinyQueue from "tinyqueue";
import { indexedIn, isOfChild, keys } from "./keys.ts";
import { type Moves, NOTHING_PENDING, type PendingStates } from "./pending_state.ts";
import type { Reads } from "./reads.ts";
import type { Status } from "../task/record.ts";

/** An index: the tasks of a kind that are in a state. */
export type Source = readonly [kind: string, status: Status];

export interface NewestIdsOptions {
  /** Without duplicates. */
  sources: readonly Source[];
  /** Only ids from this one on. */
  since: string;
  /** Only ids before this one. */
  before: string;
  /** How many ids the caller will take, about. */
  wanted: number;
  /** Only tasks without a parent. @default {false} */
  parentless?: boolean;
  /** Tells which tasks move meanwhile. @default {none} */
  states?: PendingStates;
}

/** Most tasks that moved and are still to come: the newest of them. */
const MAX_MISSED = 10_000;

interface Front {
  /** Descending. */
  ids: string[];
  /** The index of the next one. */
  at: number;
  /** The ids that follow. */
  rest: AsyncIterator<string[]>;
}

export async function* newestIds(
  kv: Deno.Kv,
  reads: Reads,
  { sources, since, before, wanted, parentless = false, states = NOTHING_PENDING }:
    NewestIdsOptions,
): AsyncGenerator<string> {
  using moves = states.moves();
  const missed = new MissedIds(moves, new Set(sources.map(([kind]) => kind)), since);
  // Of many sources, each usually has only a part of what is wanted.
  const first = Math.min(wanted, Math.ceil(4 * wanted / sources.length));
  const fronts = new TinyQueue<Front>([], (a, b) => a.ids[a.at]! > b.ids[b.at]! ? -1 : 1);
  const advance = async (rest: Front["rest"]) => {
    const { done, value: ids } = await rest.next();
    if (!done) fronts.push({ ids, at: 0, rest });
  };
  // One after the other: a request has one read under way.
  for (const [kind, status] of sources) {
    const start = keys.index(kind, status, since);
    const end = keys.index(kind, status, before);
    await advance(idsIn(reads.newestFirst(kv, { start, end }, { first }), parentless));
  }
  let last = before;
  while (fronts.length > 0) {
    const front = fronts.pop()!;
    const id = front.ids[front.at++]!;
    if (front.at < front.ids.length) fronts.push(front);
    else await advance(front.rest);
    // A task that changed its status between two reads may be in two indexes, or in none.
    if (id >= last) continue;
    yield* missed.between(id, last);
    last = id;
    yield id;
  }
  yield* missed.between("", last);
}

/** The tasks that moved from one index to another while these were read. */
class MissedIds {
  readonly #moves: Moves;
  readonly #kinds: ReadonlySet<string>;
  readonly #since: string;
  /** Oldest first, each once. */
  #ids: string[] = [];

  constructor(moves: Moves, kinds: ReadonlySet<string>, since: string) {
    this.#moves = moves;
    this.#kinds = kinds;
    this.#since = since;
  }

  /** Those after the id `after` and before the id `before`, newest first. Later calls are for older ones. */
  *between(after: string, before: string): Generator<string> {
    this.#look(before);
    while (this.#ids.length > 0 && this.#ids.at(-1)! > after) yield this.#ids.pop()!;
  }

  #look(before: string): void {
    const ids = this.#moves.take()
      .filter(({ id, kind }) => this.#kinds.has(kind) && id >= this.#since)
      .map(({ id }) => id);
    while (this.#ids.length > 0 && this.#ids.at(-1)! >= before) this.#ids.pop();
    if (ids.length === 0) return;
    const all = new Set([...this.#ids, ...ids.filter((id) => id < before)]);
    this.#ids = [...all].sort().slice(-MAX_MISSED);
  }
}

async function* idsIn(
  reads: AsyncIterable<Deno.KvEntry<unknown>[]>,
  parentless: boolean,
): AsyncGenerator<string[]> {
  for await (const entries of reads) {
    const some = parentless ? entries.filter(({ value }) => !isOfChild(value)) : entries;
    if (some.length > 0) yield some.map(({ key }) => indexedIn(key));
  }
}
