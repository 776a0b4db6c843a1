import { defineTask } from "headway";

/** Has a schedule whose times are too rare to come during a test. */
export const yearly = defineTask({
  kind: "yearly",
  schedule: { cron: "0 0 1 1 *" },
  async *run() {
    yield 100;
  },
});
