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
  /** The id of its chunks, which clients are never told. */
  id: string;
  /** Bytes. */
  size: number;
  /** Its media type. */
  type: string;
  /** SHA-256 of the content, in hex. */
  sha256: string;
  /** When it was stored, milliseconds since the epoch. */
  at: number;
}

/** Keys to write and to remove, as a commit of the journal takes them. */
export interface KeyChanges {
  sets: [key: Key, value: unknown, size: number][];
  deletes: Key[];
}

/** Bytes that a description or the mark of a removal takes, about. */
const VALUE_BYTES = 400;

export interface ArtifactsOptions {
  kv: Deno.Kv;
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
   * Begins an artifact of a task.
   *
   * @param waits Whether the task still waits: then what the store refuses is tried again.
   * @throws {NoRoom} If there is no room for it.
   */
  begin(task: string, waits?: () => boolean): Promise<Arrival> {
    return this.#arrivals.begin(this.#sort, { id: ulid(this.#now()), task, waits });
  }

  /**
   * The changes that put a complete artifact under its name, in place of any that is there. Whoever
   * commits them calls {@link Artifacts.letGo} then.
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

  /** Ends a claim: the artifact was committed, or never will be. */
  letGo({ id }: Arrival): void {
    this.#arrivals.letGo(id);
  }

  /** Removes what was stored of an artifact that will not be complete. */
  giveUp({ id }: Arrival): Promise<void> {
    return this.#arrivals.giveUp(id);
  }

  /** `null` if there is none of this name. */
  async get(task: string, name: string): Promise<StoredArtifact | null> {
    return (await this.#kv.get<StoredArtifact>(keys.artifact(task, name))).value;
  }

  /** The artifacts of a task, by name. */
  async list(task: string): Promise<(StoredArtifact & { name: string })[]> {
    const entries = this.#kv.list<StoredArtifact>({ prefix: keys.artifactsOf(task) });
    return await Array.fromAsync(entries, ({ key, value }) => ({ ...value, name: memberIn(key) }));
  }

  /**
   * Reads bytes from `start` to `end`, those of at most `chunks` chunks.
   *
   * @returns Maybe fewer than asked for; `null` if they were removed.
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

  /** Removes artifacts whose task is gone, and corrects the bytes that all take. */
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

  /** Removes an artifact of a task that an older version removed without knowing of artifacts. */
  async #remove(entry: Deno.KvEntry<StoredArtifact>): Promise<void> {
    const [key, value] = removing(nameIn(entry.key), entry.value);
    await this.#kv.atomic().check(entry).delete(entry.key).set(key, value).commit();
  }
}

/** The changes that remove all artifacts of a task, for the commit that removes the task. */
export async function removedArtifacts(kv: Deno.Kv, task: string): Promise<KeyChanges> {
  const entries = kv.list<StoredArtifact>({ prefix: keys.artifactsOf(task) });
  const changes: KeyChanges = { sets: [], deletes: [] };
  for await (const { key, value } of entries) {
    changes.deletes.push(key);
    changes.sets.push(removing(task, value));
  }
  return changes;
}

/** Marks an artifact as to be removed: whoever finds the mark removes the chunks. */
function removing(task: string, { id, size }: StoredArtifact): [Key, Arriving, number] {
  return [keys.arriving(id), nobodys(size, task), VALUE_BYTES];
}
