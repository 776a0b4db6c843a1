/**
 * A server whose schedules have run for a week, for the screenshots: its clock is moved from night
 * to night.
 *
 * @module
 */

import { post } from "../../tests/helpers/api.ts";
import { eventually } from "../../tests/helpers/eventually.ts";
import { type ServerProcess, startServer } from "../../tests/helpers/server.ts";
import denoJson from "../../deno.json" with { type: "json" };

const CLOCK = new URL("../../tests/model/shifted_clock.ts", import.meta.url).pathname;

/** `deno run …`, with the clock that can be put. */
const ARGS = denoJson.tasks.start.command.split(" ").slice(1).toSpliced(
  -1,
  0,
  `--preload=${CLOCK}`,
);

const DAY = 24 * 3600_000;

const zone = "Europe/Berlin";

const SCHEDULES: Record<string, unknown>[] = [
  { schedule_id: "nightly-report", kind: "nightly-report", cron: "30 2 * * *", zone, input: {} },
  {
    schedule_id: "import-from-new-york",
    kind: "import-orders",
    cron: "0 */6 * * *",
    zone: "America/New_York",
    missed: "all",
    input: { file: "orders.csv", orders: 90 },
  },
  {
    schedule_id: "film-archive",
    kind: "transcode-video",
    cron: "30 2 * * *",
    zone,
    input: { frames: 86_000, per_second: 96 },
  },
  {
    schedule_id: "newsletter",
    kind: "send-newsletter",
    cron: "30 2 * * MON-SAT",
    zone,
    input: { letters: 26 },
  },
];

/** Disposing of it stops the server. */
export async function serveSchedules(kinds: string, clock: string): Promise<ServerProcess> {
  // At once: an empty file would be another time.
  const put = async (time: number) => {
    await Deno.writeTextFile(`${clock}.new`, String(time - Date.now()));
    await Deno.rename(`${clock}.new`, clock);
  };
  // Some seconds behind 02:30 in Berlin, eight nights ago.
  const last = new Date(Date.now() - DAY);
  last.setUTCHours(0, 30, 0, 0);
  const hours = Number(
    new Intl.DateTimeFormat("en", { timeZone: zone, hour: "numeric", hourCycle: "h23" })
      .format(last),
  );
  const tonight = last.getTime() + (2 - hours) * 3600_000 + 4000;
  await put(tonight - 8 * DAY - 3600_000);
  const server = await startServer({ kinds, args: ARGS, env: { HEADWAY_TEST_CLOCK: clock } });
  const url = `${server.url}/schedules`;
  for (const schedule of SCHEDULES) {
    const made = await post(url, schedule);
    if (!made.ok) throw new Error(await made.text());
    await made.body?.cancel();
  }
  for (let night = 8; night >= 0; night--) {
    await put(tonight - night * DAY);
    await eventually(async () => {
      const { outcomes } = await (await fetch(`${url}/nightly-report`)).json();
      const [task] = outcomes.slice(-1);
      if (outcomes.length < 9 - night || task.status !== "completed") throw new Error("Not yet");
    });
    // One night there was nobody to take the letters.
    const letters = night === 5 ? { letters: 2600, breaks_at: 13 } : { letters: 26 };
    await change(`${url}/newsletter`, { input: letters });
  }
  await change(`${url}/newsletter`, { paused: true, reason: "the new address list is on its way" });
  await put(Date.now());
  return server;
}

async function change(url: string, body: unknown): Promise<void> {
  const headers = { "content-type": "application/json" };
  const response = await fetch(url, { method: "PATCH", headers, body: JSON.stringify(body) });
  await response.body?.cancel();
}
