import { assertEquals } from "@std/assert";
import { auditSet, MAX_AUDIT, readAudit, sweepAudit } from "../../../lib/kv/audit.ts";

/** An audit entry at a time in seconds since the epoch. */
function act(second: number, action: string): Parameters<typeof auditSet>[1] {
  return { action, by: "ada", at: new Date(second * 1000).toISOString() };
}

Deno.test("sweepAudit() keeps the newest entries of each list of each kind: deletions push out no pause", async () => {
  using kv = await Deno.openKv(":memory:");
  const add = async (kind: string, entry: ReturnType<typeof act>) => {
    const [key, value] = auditSet(kind, entry);
    await kv.set(key, value);
  };
  await add("a", act(0, "pause"));
  for (let n = 1; n <= MAX_AUDIT + 5; n++) await add("a", act(n, "delete"));
  await add("b", act(7, "delete"));
  await sweepAudit(kv);
  const left = await readAudit(kv, "a", 2 * MAX_AUDIT);
  assertEquals(left.length, MAX_AUDIT + 1);
  assertEquals(left[0], act(MAX_AUDIT + 5, "delete"));
  assertEquals(left.at(-1), act(0, "pause"));
  assertEquals(await readAudit(kv, "b", 5), [act(7, "delete")]);
});

Deno.test("auditSet() cuts a reason to 500 characters", () => {
  const [, { reason }] = auditSet("a", { ...act(0, "pause"), reason: "x".repeat(10_000) });
  assertEquals(reason?.length, 500);
});
