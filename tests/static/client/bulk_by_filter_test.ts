import { assertEquals } from "@std/assert";
import {
  type BulkAnswer,
  changeMatching,
  countMatching,
} from "../../../static/client/bulk_by_filter.ts";

const NOTHING: BulkAnswer = { results: [], matched: 0, refused: {}, next_cursor: null };

/** Gives these answers one after another, and keeps the bodies of the requests. */
function server(...answers: Partial<BulkAnswer>[]) {
  const asked: object[] = [];
  const ask = (body: object) => {
    asked.push(body);
    return Promise.resolve({ ...NOTHING, ...answers[asked.length - 1] });
  };
  return { asked, ask };
}

Deno.test("countMatching() requests every part, and adds up the counts", async () => {
  const { ask, asked } = server(
    // A part without a match, as when matches are rare.
    { next_cursor: "c", first_cursor: null },
    { matched: 5, refused: { running: 2 }, next_cursor: "b", first_cursor: "bz" },
    { matched: 4, refused: { running: 1, pending: 1 }, first_cursor: "az" },
  );
  const filter = { kind: ["k"] };
  const counts = await Array.fromAsync(countMatching(ask, "retry", filter));
  assertEquals(counts.map(({ count }) => count), [0, 3, 5]);
  assertEquals(counts.at(-1), { count: 5, refused: { running: 3, pending: 1 }, cursor: "bz" });
  const dry = { action: "retry", filter, dry_run: true };
  assertEquals(asked, [dry, { ...dry, cursor: "c" }, { ...dry, cursor: "b" }]);
});

Deno.test("changeMatching() begins at the cursor of the count, and keeps the first three errors", async () => {
  const done = (task_id: string) => ({ task_id, ok: true });
  const not = (n: number) => ({
    ...{ task_id: `n${n}`, ok: false, status: "failed" as const, error: `error ${n}` },
  });
  const running = { task_id: "r", ok: false, status: "running" as const, error: "is running" };
  const { ask, asked } = server(
    { results: [done("a"), running, not(1), not(2)], refused: { running: 1 }, next_cursor: "b" },
    { results: [done("b"), { task_id: "gone", ok: false, error: "none" }, not(3), not(4)] },
  );
  const parts = await Array.fromAsync(changeMatching(ask, "retry", {}, { count: 7, cursor: "z" }));
  assertEquals(parts.map(({ ids, done }) => [ids, done]), [[["a"], 1], [["b"], 2]]);
  const { refused, failed, errors } = parts.at(-1)!;
  assertEquals([refused, failed, errors], [{ running: 1 }, 4, ["error 1", "error 2", "error 3"]]);
  assertEquals(asked.map((body) => (body as { cursor: string }).cursor), ["z", "b"]);
});

Deno.test("changeMatching() sends no request if no task was counted", async () => {
  const { ask, asked } = server();
  const none = { count: 0, cursor: null };
  assertEquals(await Array.fromAsync(changeMatching(ask, "delete", {}, none)), []);
  assertEquals(asked, []);
});
