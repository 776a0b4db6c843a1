/**
 * A journal entry in the store: the lines of one commit, cut into as many values as they need.
 *
 * The first value lies under `["journal", versionstamp]`, further ones under
 * `["journal-part", n, versionstamp]`: KV puts the versionstamp of a commit at a key's end only.
 *
 * @module
 */

import { deflateRawSync, inflateRawSync } from "node:zlib";
import { getMany } from "./get_many.ts";
import { BEHIND_IDS, type Key, keys, nameIn } from "./keys.ts";

/** Bytes of a part: KV takes 64 KiB in a value. */
const PART = 60 * 1024;

/** Most parts of an entry: whoever reads one holds all of it in memory. */
const MAX_PARTS = 4;

/** Most bytes of lines in an entry: even if deflate cannot shrink them, they fit into its parts. */
export const MAX_ENTRY: number = PART * MAX_PARTS - 1024;

const encoder = new TextEncoder();

/**
 * Puts an entry into a commit and returns how many bytes it takes. It is deflated: records repeat
 * themselves, and a commit ends sooner for every page that the store need not write.
 */
export function setEntry(kv: Deno.Kv, atomic: Deno.AtomicOperation, text: string): number {
  const bytes = deflateRawSync(encoder.encode(text), { level: 1 });
  const stamp = kv.commitVersionstamp();
  // deno-lint-ignore no-explicit-any -- KvKey's type knows no place for the symbol but set()'s
  const set = (key: readonly unknown[], value: Uint8Array) => atomic.set(key as any, value);
  const first = new Uint8Array(4 + Math.min(PART, bytes.length));
  new DataView(first.buffer).setUint32(0, bytes.length);
  first.set(bytes.subarray(0, PART), 4);
  set([...keys.journal, stamp], first);
  for (let n = 1; n * PART < bytes.length; n++) {
    set([...keys.journalParts, n, stamp], bytes.slice(n * PART, (n + 1) * PART));
  }
  return bytes.length;
}

/** An entry as it is listed: {@link readEntry} gives its lines. */
export interface StoredEntry {
  versionstamp: string;
  first: Uint8Array;
}

/** Which entries to list; without bounds all of them. */
export interface EntryRange {
  /** Only entries newer than this one. */
  behind?: string;
  /** Only entries from this one on. */
  from?: string;
  /** Only entries up to this one. */
  until?: string;
  /** Only entries older than this one. */
  before?: string;
}

/** Lists entries, oldest first unless `reverse` is set. */
export async function* storedEntries(
  kv: Deno.Kv,
  { behind, from, until, before }: EntryRange,
  options: Deno.KvListOptions,
): AsyncGenerator<StoredEntry> {
  const start = behind === undefined ? from : `${behind}\u0000`;
  const end = until === undefined ? before : `${until}\u0000`;
  const selector = {
    start: [...keys.journal, start ?? ""],
    end: [...keys.journal, end ?? BEHIND_IDS],
  };
  for await (const { key, value } of kv.list<Uint8Array>(selector, options)) {
    yield { versionstamp: nameIn(key), first: value };
  }
}

/** Bytes an entry takes, from its first value. */
export function entrySize(first: Uint8Array): number {
  return new DataView(first.buffer, first.byteOffset).getUint32(0);
}

/** An entry's lines, from its first value; `null` when its other parts are gone. */
export async function readEntry(
  kv: Deno.Kv,
  versionstamp: string,
  first: Uint8Array,
): Promise<Uint8Array | null> {
  const size = entrySize(first);
  if (size <= PART) return inflateRawSync(first.subarray(4));
  const parts = await getMany<Uint8Array>(kv, partKeys(versionstamp, size));
  const whole = new Uint8Array(size);
  whole.set(first.subarray(4));
  for (const [n, { value }] of parts.entries()) {
    if (value === null) return null;
    whole.set(value, (n + 1) * PART);
  }
  return inflateRawSync(whole);
}

/** Every key of an entry of `size` bytes. */
export function entryKeys(versionstamp: string, size: number): Key[] {
  return [keys.journalEntry(versionstamp), ...partKeys(versionstamp, size)];
}

function partKeys(versionstamp: string, size: number): Key[] {
  const found: Key[] = [];
  for (let n = 1; n * PART < size; n++) found.push([...keys.journalParts, n, versionstamp]);
  return found;
}
