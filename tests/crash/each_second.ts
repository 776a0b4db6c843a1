import { defineTask } from "headway";

export const eachSecond = defineTask({
  kind: "each-second",
  schedule: { cron: "* * * * * *", missed: "all", overlap: "allow" },
  async *run() {
    yield 100;
  },
});
