import { assertEquals } from "@std/assert";
import { PassedEntries } from "../../../lib/feed/passed_entries.ts";
import { MovedClock } from "../../helpers/moved_clock.ts";

Deno.test("PassedEntries.excess() counts the oldest entries that are beyond the time or the bytes", () => {
  let now = 0;
  const passed = new PassedEntries(() => now);
  for (const stamp of ["a", "b", "c", "d"]) {
    passed.add(stamp, 10, 1);
    now++;
  }
  assertEquals([passed.count, passed.bytes, passed.oldest], [4, 40, "a"]);
  assertEquals([5, 4, 3, 1].map((ms) => passed.excess(ms, 40, 9)), [0, 1, 2, 4]);
  assertEquals(passed.excess(9, 40, 9), 0);
  assertEquals(passed.excess(9, 39, 9), 1);
  assertEquals(passed.excess(9, 15, 9), 3);
  assertEquals(passed.excess(9, 0, 9), 4);
  assertEquals(passed.excess(9, 0, 2), 2);
  // An entry that is still needed stays, and so do newer ones.
  assertEquals(passed.excess(0, 0, 9, "c"), 2);
  assertEquals(passed.take(passed.excess(9, 25, 9)).map(({ versionstamp }) => versionstamp), [
    "a",
    "b",
  ]);
  assertEquals([passed.count, passed.bytes, passed.oldest], [2, 20, "c"]);
});

Deno.test("PassedEntries.weightSince() gives 0 unless this process passed on all later entries", () => {
  const passed = new PassedEntries();
  for (const [stamp, weight] of [["d", 1], ["f", 20], ["h", 300]] as const) {
    passed.add(stamp, 10, weight);
  }
  passed.addOld([{ versionstamp: "a", size: 5 }, { versionstamp: "b", size: 5 }]);
  assertEquals([passed.count, passed.bytes, passed.oldest], [5, 40, "a"]);
  assertEquals(["", "a"].map((stamp) => passed.weightSince(stamp)), [0, 0]);
  const since = ["b", "c", "d", "e", "f", "g", "h", "i"].map((it) => passed.weightSince(it));
  assertEquals(since, [321, 321, 320, 320, 300, 300, 0, 0]);
});

Deno.test("PassedEntries takes any number of old entries, and forgets the oldest beyond a bound", () => {
  const passed = new PassedEntries();
  const old = Array.from({ length: 200_000 }, (_, n) => ({ versionstamp: String(n), size: 2 }));
  passed.addOld(old);
  assertEquals([passed.count, passed.bytes], [200_000, 400_000]);
  for (let n = 0; n < 20; n++) passed.add(`x${n}`, 2, 1);
  assertEquals(passed.count <= 100_000, true);
  assertEquals(passed.bytes, 2 * passed.count);
});

Deno.test("PassedEntries.excess() ignores changes of the system's clock", () => {
  const passed = new PassedEntries();
  passed.add("a", 10, 1);
  using _ = new MovedClock(24 * 3600_000);
  assertEquals(passed.excess(3600_000, 10, 9), 0);
});
