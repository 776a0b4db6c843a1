import { assertEquals } from "@std/assert";
import { pace } from "../../../static/task/task_details.ts";
import { record } from "../records.ts";

Deno.test("pace() is long while updates arrive, short once the task is silent, and longer again after 20 s", () => {
  const said = Date.parse(record().updated_at);
  assertEquals([0, 1000, 1500, 5000, 19_000, 60_000].map((ms) => pace(record(), said + ms)), [
    4000,
    4000,
    700,
    700,
    700,
    1500,
  ]);
  assertEquals(pace(record({ status: "pending" }), said), 1500);
});
