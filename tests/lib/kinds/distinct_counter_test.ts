import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import { DistinctCounter, type DistinctState } from "../../../lib/kinds/distinct_counter.ts";
import { hashText } from "../../../lib/kinds/hash_text.ts";

const hash = { high: 0, low: 0 };

function add(counter: DistinctCounter, texts: Iterable<string>): DistinctCounter {
  for (const text of texts) {
    hashText(text, hash);
    counter.add(hash);
  }
  return counter;
}

function* numbered(count: number, prefix = ""): Generator<string> {
  for (let i = 0; i < count; i++) yield `${prefix}${i}`;
}

/** As a checkpoint does: through JSON. */
function reload(counter: DistinctCounter, maxBytes: number): DistinctCounter {
  const state = JSON.parse(JSON.stringify(counter.state())) as DistinctState;
  return new DistinctCounter(maxBytes, state);
}

Deno.test("DistinctCounter is exact up to 1,000 where it has the room", () => {
  const counter = add(new DistinctCounter(12_000), [...numbered(1000), ...numbered(1000)]);
  assertEquals([counter.count, counter.exact], [1000, true]);
  add(counter, ["one more"]);
  assertEquals(counter.exact, false);
  assert(Math.abs(counter.count - 1001) < 50, `${counter.count}`);
});

Deno.test("DistinctCounter estimates without bias, by HyperLogLog's standard error", () => {
  for (const [maxBytes, registers] of [[12_000, 4096], [600, 512], [152, 128]] as const) {
    for (const count of [1500, 20_000]) {
      const errors = [...numbered(60)].map((run) => {
        const counter = add(new DistinctCounter(maxBytes), numbered(count, `${run}: value `));
        return counter.count / count - 1;
      });
      const mean = errors.reduce((sum, error) => sum + error) / errors.length;
      const spread = Math.sqrt(errors.reduce((sum, error) => sum + error ** 2, 0) / errors.length);
      const standard = 1.04 / Math.sqrt(registers);
      assert(Math.abs(mean) < standard / 2, `${registers} registers, ${count}: mean ${mean}`);
      assert(spread < 1.3 * standard, `${registers} registers, ${count}: spread ${spread}`);
    }
  }
});

Deno.test("DistinctCounter ends the same whatever the order, and whether or not reloaded", () => {
  fc.assert(fc.property(
    fc.array(fc.string(), { maxLength: 60 }),
    fc.nat({ max: 60 }),
    fc.constantFrom(64, 152, 400),
    (texts, cut, maxBytes) => {
      const whole = add(new DistinctCounter(maxBytes), texts);
      const before = add(new DistinctCounter(maxBytes), texts.slice(0, cut));
      const resumed = add(reload(before, maxBytes), texts.slice(cut));
      const reversed = add(new DistinctCounter(maxBytes), texts.toReversed());
      for (const other of [resumed, reversed]) {
        assertEquals([other.count, other.exact], [whole.count, whole.exact]);
      }
      if (whole.exact) assertEquals(whole.count, new Set(texts).size);
    },
  ));
});

Deno.test("DistinctCounter's state promises to fit its bound", () => {
  for (const maxBytes of [64, 100, 152, 1000, 5000, 20_000]) {
    const counter = new DistinctCounter(maxBytes);
    for (const text of numbered(3000)) {
      add(counter, [text]);
      if (!counter.exact) break;
      assert(JSON.stringify(counter.state()).length <= maxBytes);
    }
    assert(JSON.stringify(counter.state()).length <= maxBytes);
  }
});

Deno.test("hashText() never changes, since checkpoints hold its values", () => {
  hashText("headway", hash);
  assertEquals(hash, { high: 200_617_768, low: 827_824_833 });
});
