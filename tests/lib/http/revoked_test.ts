import { assert, assertEquals } from "@std/assert";
import { ulid } from "@std/ulid";
import fc from "fast-check";
import { isRevoked, MAX_IDS, merged, NONE, type Revoked } from "../../../lib/http/revoked.ts";

const NOW = 1_800_000_000_000;

/** Sessions that began one after another, all of them ended. */
function ended(count: number, expiresAt = NOW + 1000): { ids: string[]; revoked: Revoked } {
  const ids = Array.from({ length: count }, (_, n) => ulid(NOW + n));
  return {
    ids,
    revoked: { before: "", ids: Object.fromEntries(ids.map((id) => [id, expiresAt])) },
  };
}

Deno.test("merged() forgets an ended session once it would have expired", () => {
  const { ids: [id], revoked } = ended(1);
  assert(isRevoked(merged(NONE, revoked, NOW + 999), id!));
  assertEquals(merged(NONE, revoked, NOW + 1000), NONE);
});

Deno.test("merged() holds a bounded number of ids, and no ended session comes back", () => {
  const { ids, revoked } = ended(3 * MAX_IDS);
  let all = NONE;
  for (const id of ids) {
    all = merged(all, { before: "", ids: { [id]: NOW + 1000 } }, NOW);
    assert(Object.keys(all.ids).length <= MAX_IDS);
  }
  for (const value of [all, merged(revoked, NONE, NOW), merged(all, revoked, NOW)]) {
    assert(Object.keys(value.ids).length <= MAX_IDS);
    for (const id of ids) assert(isRevoked(value, id));
  }
  // A session that starts from now on is valid.
  assert(!isRevoked(all, ulid(NOW + 3 * MAX_IDS)));
});

Deno.test("merged() keeps every ended session of both values that has not expired, in any order", () => {
  // The same in each run, so that a seed that fails can be replayed.
  const sessions = Array.from({ length: 10 }, (_, n) => ulid(NOW + n).slice(0, 10).padEnd(26, "0"));
  const [first = "", , , , , sixth = ""] = sessions;
  const some = fc.tuple(fc.constantFrom("", first, sixth), fc.subarray(sessions));
  const expiry = fc.integer({ min: NOW - 5, max: NOW + 5 });
  const expiries = fc.tuple(...sessions.map(() => expiry));
  fc.assert(fc.property(expiries, some, some, (expiries, ...drawn) => {
    // A session has one expiry, which is part of its cookie.
    const [one, other] = drawn.map(([before, ids]): Revoked => {
      const entries = ids.map((id) => [id, expiries[sessions.indexOf(id)]]);
      return { before, ids: Object.fromEntries(entries) };
    }) as [Revoked, Revoked];
    const both = merged(one, other, NOW);
    assertEquals(both, merged(other, one, NOW));
    assertEquals(both, merged(both, one, NOW));
    for (const from of [one, other]) {
      assert(both.before >= from.before);
      for (const [id, expiresAt] of Object.entries(from.ids)) {
        assertEquals(isRevoked(both, id), id <= both.before || expiresAt > NOW);
      }
    }
  }));
});

Deno.test("MAX_IDS ended sessions fit into one value of KV", async () => {
  using kv = await Deno.openKv(":memory:");
  const full = merged(NONE, ended(MAX_IDS, NOW + 2 ** 40).revoked, NOW);
  assertEquals(Object.keys(full.ids).length, MAX_IDS);
  await kv.set(["revoked", "x"], { ...full, before: ulid(NOW) });
});
