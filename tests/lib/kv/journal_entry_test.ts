import { assertEquals, assertGreater } from "@std/assert";
import fc from "fast-check";
import {
  entryKeys,
  entrySize,
  MAX_ENTRY,
  readEntry,
  setEntry,
} from "../../../lib/kv/journal_entry.ts";
import { keys } from "../../../lib/kv/keys.ts";
import { seededRandom } from "../../helpers/random.ts";

/** A text that deflate can hardly shrink. */
function noise(length: number): string {
  const random = seededRandom(1);
  let text = "";
  while (text.length < length) text += random().toString(36).slice(2);
  return text.slice(0, Math.max(0, length));
}

Deno.test("readEntry() reads back what setEntry() wrote in parts, and entryKeys() names every key of it", async () => {
  using kv = await Deno.openKv(":memory:");
  const size = fc.oneof(fc.nat({ max: 300 }), fc.integer({ min: 61_000, max: MAX_ENTRY }));
  await fc.assert(
    fc.asyncProperty(size, fc.constantFrom("x", "é", "进"), async (length, unit) => {
      const text = noise(length - 8) + unit;
      const atomic = kv.atomic();
      setEntry(kv, atomic, text);
      const result = await atomic.commit() as Deno.KvCommitResult;
      const first = await kv.get<Uint8Array>(keys.journalEntry(result.versionstamp));
      const whole = await readEntry(kv, result.versionstamp, first.value!);
      assertEquals(new TextDecoder().decode(whole!), text);
      const all = entryKeys(result.versionstamp, entrySize(first.value!));
      for (const key of all) await kv.delete(key);
      for await (const { key } of kv.list({ prefix: [] })) throw new Error(`left over: ${key}`);
    }),
    { numRuns: 40 },
  );
});

Deno.test("readEntry() returns null if a part of the entry is gone", async () => {
  using kv = await Deno.openKv(":memory:");
  const atomic = kv.atomic();
  const size = setEntry(kv, atomic, noise(MAX_ENTRY));
  const { versionstamp } = await atomic.commit() as Deno.KvCommitResult;
  const { value } = await kv.get<Uint8Array>(keys.journalEntry(versionstamp));
  assertEquals(entrySize(value!), size);
  const all = entryKeys(versionstamp, size);
  assertGreater(all.length, 2);
  await kv.delete(all.at(-1)!);
  assertEquals(await readEntry(kv, versionstamp, value!), null);
});
