/**
 * The listeners of the live feed, by the events that they listen to.
 *
 * @module
 */

import type { HubEvent } from "./hub_event.ts";

/** Takes events. Must be synchronous and must not throw. */
export type Listener = (event: HubEvent) => void;

/**
 * Which events a listener wants; `"foreign"` are those of other processes. `owner`, `tag` and `parent`
 * go by the labels in an event, which rows lack; `parent` includes all events of the parent itself.
 */
export type Topic =
  | { ids: readonly string[] }
  | { kind: string }
  | { owner: string }
  | { tag: string }
  | { parent: string }
  | "all"
  | "foreign";

/** The listeners under one name. Most tasks have at most one, which needs no set. */
type Some = Listener | Set<Listener>;

export class Topics {
  readonly #byId = new Map<string, Some>();
  readonly #byKind = new Map<string, Some>();
  readonly #byOwner = new Map<string, Some>();
  readonly #byTag = new Map<string, Some>();
  readonly #byParent = new Map<string, Some>();
  readonly #all = new Set<Listener>();
  readonly #foreign = new Set<Listener>();

  /** How many listen to tasks. A listener that names several tasks counts once for each. */
  get size(): number {
    let count = this.#all.size;
    const maps = [this.#byId, this.#byKind, this.#byOwner, this.#byTag, this.#byParent];
    for (const map of maps) {
      for (const some of map.values()) count += typeof some === "function" ? 1 : some.size;
    }
    return count;
  }

  /** Calls `listener` with each event of the topic from now on; the returned function stops that. */
  listen(topic: Topic, listener: Listener): () => void {
    if (typeof topic === "string") {
      const set = topic === "all" ? this.#all : this.#foreign;
      set.add(listener);
      return () => void set.delete(listener);
    }
    const [map, names] = this.#placeOf(topic);
    for (const name of names) add(map, name, listener);
    return () => {
      for (const name of names) remove(map, name, listener);
    };
  }

  #placeOf(topic: Exclude<Topic, string>): [map: Map<string, Some>, names: readonly string[]] {
    if ("ids" in topic) return [this.#byId, topic.ids];
    if ("kind" in topic) return [this.#byKind, [topic.kind]];
    if ("parent" in topic) return [this.#byParent, [topic.parent]];
    return "owner" in topic ? [this.#byOwner, [topic.owner]] : [this.#byTag, [topic.tag]];
  }

  /** Whether anybody may want the events of a task. */
  wants(id: string, kind: string, own: boolean): boolean {
    return this.#all.size > 0 || (!own && this.#foreign.size > 0) || this.#byId.has(id) ||
      this.#byKind.has(kind) || this.#byOwner.size > 0 || this.#byTag.size > 0 ||
      this.#byParent.size > 0;
  }

  tell(event: HubEvent): void {
    const { id, kind } = event.event;
    tell(this.#byId.get(id), event);
    tell(this.#byKind.get(kind), event);
    if (this.#byOwner.size > 0 || this.#byTag.size > 0) {
      const { owner, tags = [] } = event.labels;
      if (owner !== undefined) tell(this.#byOwner.get(owner), event);
      for (const tag of tags) tell(this.#byTag.get(tag), event);
    }
    if (this.#byParent.size > 0) {
      const { parent_id: parent } = event.labels;
      tell(this.#byParent.get(id), event);
      if (parent !== undefined) tell(this.#byParent.get(parent), event);
    }
    for (const listener of this.#all) listener(event);
    if (!event.own) { for (const listener of this.#foreign) listener(event); }
  }
}

function add(map: Map<string, Some>, name: string, listener: Listener): void {
  const known = map.get(name);
  if (known === undefined) map.set(name, listener);
  else if (typeof known === "function") map.set(name, new Set([known, listener]));
  else known.add(listener);
}

function remove(map: Map<string, Some>, name: string, listener: Listener): void {
  const known = map.get(name);
  if (known === listener) map.delete(name);
  else if (known instanceof Set && known.delete(listener) && known.size === 0) map.delete(name);
}

function tell(some: Some | undefined, event: HubEvent): void {
  if (some === undefined) return;
  if (typeof some === "function") return some(event);
  for (const listener of some) listener(event);
}
