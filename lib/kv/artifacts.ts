/**
 * Artifacts: files that tasks make, stored in chunks like uploads. A complete one lies under its
 * task and name from the commit of its event on; one that was replaced, or whose task was removed,
 * is `arriving` again, without a session, until its chunks are gone.
 *
 * @module
 */

import { ulid } from "@std/ulid";
import type { ArtifactInfo } from "../task/yield.ts";
import type { Arrival, Arriving, Sort } from "./arrival.ts";
import { type Arrivals, nobodys } from "./arrivals.ts";
import { CHUNK_BYTES, readChunks } from "./chunks.ts";
import { type Key, keys, memberIn, nameIn } from "./keys.ts";
import { correctSize, HEAD_BYTES, storedSize } from "./stored_size.ts";

/** The value of an `artifact` key. */
export interface StoredArtifact {
  /** Of its chunks. Nobody is told. */
  id: string;
  /** Bytes. */
  size: number;
  /** Its media type. */
  type: string;
  /** SHA-256 of the content, in hex. */
  sha256: string;
  /** When it was kept, milliseconds since the epoch. */
  at: number;
}

/** Keys to write and to remove, as a commit of the journal takes them. */
export interface KeyChanges {
  sets: [key: Key, value: unknown, size: number][];
  deletes: Key[];
}

/** Bytes that a description, or the mark of what is to be removed, takes. */
const VALUE_BYTES = 400;

export interface ArtifactsOptions {
  kv: Deno.Kv;
  /** Where they arrive. */
  arrivals: Arrivals;
  /** Bytes that all artifacts may take together. @default {any number} */
  quota?: number | undefined;
  /** Milliseconds since the epoch. @default {Date.now} */
  now?: (() => number) | undefined;
}

export class Artifacts {
  readonly #kv: Deno.Kv;
  readonly #arrivals: Arrivals;
  readonly #sort: Sort;
  readonly #now: () => number;

  constructor({ kv, arrivals, quota = Infinity, now = Date.now }: ArtifactsOptions) {
    this.#kv = kv;
    this.#arrivals = arrivals;
    this.#sort = { what: "artifact", sizeKey: keys.artifactsSize, quota };
    this.#now = now;
  }

  /** Bytes that all artifacts take, those that arrive included. */
  size(): Promise<number> {
    return storedSize(this.#kv, keys.artifactsSize);
  }

  /**
   * Begins with one of a task.
   *
   * @param waits Whether the task waits while the store takes nothing.
   * @throws {NoRoom} If there is no room for it.
   */
  begin(task: string, waits?: () => boolean): Promise<Arrival> {
    return this.#arrivals.begin(this.#sort, { id: ulid(this.#now()), task, waits });
  }

  /**
   * What puts an artifact that has come whole under its name, in place of the one that is there now.
   * Whoever commits it lets go of the arrival then.
   */
  async placing(
    task: string,
    { name, size, type, sha256 }: ArtifactInfo,
    { id }: Arrival,
  ): Promise<KeyChanges> {
    const key = keys.artifact(task, name);
    const { value: before } = await this.#kv.get<StoredArtifact>(key);
    const stored: StoredArtifact = { id, size, type, sha256, at: this.#now() };
    return {
      sets: [
        [key, stored, VALUE_BYTES],
        ...(before === null || before.id === id ? [] : [removing(task, before)]),
      ],
      deletes: [keys.arriving(id)],
    };
  }

  /** It was committed, or never will be. */
  letGo({ id }: Arrival): void {
    this.#arrivals.letGo(id);
  }

  /** Removes what there is of one that does not become whole. */
  giveUp({ id }: Arrival): Promise<void> {
    return this.#arrivals.giveUp(id);
  }

  /** `null` where there is none of this name. */
  async get(task: string, name: string): Promise<StoredArtifact | null> {
    return (await this.#kv.get<StoredArtifact>(keys.artifact(task, name))).value;
  }

  /** Those of a task, by name. */
  async list(task: string): Promise<(StoredArtifact & { name: string })[]> {
    const entries = this.#kv.list<StoredArtifact>({ prefix: keys.artifactsOf(task) });
    return await Array.fromAsync(entries, ({ key, value }) => ({ ...value, name: memberIn(key) }));
  }

  /**
   * Reads bytes, those of some chunks at once.
   *
   * @returns Fewer than there are from `start` to `end`; `null` where they were removed.
   */
  async read(
    { id, size }: StoredArtifact,
    start: number,
    end: number,
    chunks: number,
  ): Promise<Uint8Array[] | null> {
    const first = Math.floor(start / CHUNK_BYTES);
    const last = Math.ceil(Math.min(end, size) / CHUNK_BYTES);
    const found = await readChunks(this.#kv, id, first, Math.min(chunks, last - first));
    if (found === null) return null;
    let at = first * CHUNK_BYTES;
    return found.map((chunk) => {
      const part = chunk.subarray(Math.max(0, start - at), end - at);
      at += chunk.length;
      return part;
    });
  }

  /** Removes those whose task is gone, and puts the sum of all right where it is not. */
  async sweep(): Promise<void> {
    const known = await this.#kv.get<Deno.KvU64>(keys.artifactsSize);
    // One that moves meanwhile is found in one place or in both, and counted once.
    const sizes = new Map<string, number>();
    for await (const { key, value } of this.#kv.list<Arriving>({ prefix: keys.arrivings })) {
      if (value.task !== undefined) sizes.set(nameIn(key), HEAD_BYTES + value.size);
    }
    let task = { id: "", exists: false };
    for await (const entry of this.#kv.list<StoredArtifact>({ prefix: keys.artifacts })) {
      const { key, value } = entry;
      sizes.set(value.id, HEAD_BYTES + value.size);
      const id = nameIn(key);
      if (task.id !== id) {
        task = { id, exists: (await this.#kv.get(keys.task(id))).versionstamp !== null };
      }
      if (!task.exists) await this.#remove(entry);
    }
    let size = 0;
    for (const bytes of sizes.values()) size += bytes;
    await correctSize(this.#kv, known, size);
  }

  /** An older version removed the task, and did not know of artifacts. */
  async #remove(entry: Deno.KvEntry<StoredArtifact>): Promise<void> {
    const [key, value] = removing(nameIn(entry.key), entry.value);
    await this.#kv.atomic().check(entry).delete(entry.key).set(key, value).commit();
  }
}

/** What removes all artifacts of a task with it. */
export async function removedArtifacts(kv: Deno.Kv, task: string): Promise<KeyChanges> {
  const entries = kv.list<StoredArtifact>({ prefix: keys.artifactsOf(task) });
  const changes: KeyChanges = { sets: [], deletes: [] };
  for await (const { key, value } of entries) {
    changes.deletes.push(key);
    changes.sets.push(removing(task, value));
  }
  return changes;
}

/** Whoever finds this removes the chunks. */
function removing(task: string, { id, size }: StoredArtifact): [Key, Arriving, number] {
  return [keys.arriving(id), nobodys(size, task), VALUE_BYTES];
}
