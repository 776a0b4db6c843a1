import { defineTask } from "headway";

/** Has a schedule, of times that no test sees come. */
export const yearly = defineTask({
  kind: "yearly",
  schedule: { cron: "0 0 1 1 *" },
  async *run() {
    yield 100;
  },
});
