/**
 * Kinds for the screenshots: what a product may do in the background. They wait to keep their pace,
 * and are otherwise tasks like any others.
 *
 * @module
 */

import { artifact, defineTask, log, output, pause, progress, save, step } from "headway";
import { z } from "zod";

/** Milliseconds between two steps. */
const STEP_MS = 100;

/** Takes orders from a file, a few of them wrong. */
export const importOrders = defineTask({
  kind: "import-orders",
  description: "Reads orders from a file, checks each and stores it",
  input: z.strictObject({
    file: z.string().describe("Where the orders are"),
    orders: z.int().min(1).default(48_000).describe("How many there are"),
    per_second: z.int().min(1).default(900).describe("How many are stored in a second"),
    dry_run: z.boolean().default(false).describe("Check only, and store nothing"),
  }),
  retry: { maxAttempts: 3 },
  async *run({ input: { file, orders, per_second }, signal, checkpoint }) {
    let done: number = checkpoint?.done ?? 0;
    yield log(`Reading ${file}`, { orders });
    let nextWarning = 3000;
    while (done < orders) {
      await pause(STEP_MS, signal);
      // No two seconds are alike.
      const pace = 1 + 0.35 * Math.sin(done / 1700) + 0.2 * Math.sin(done / 410);
      done = Math.min(orders, done + Math.round(pace * per_second * STEP_MS / 1000));
      const stage = done < orders * 0.9 ? "import" : "index";
      const message = `order ${10_000 + done} of ${file}`;
      yield progress({ done, total: orders, unit: "orders", stage, message });
      if (done < nextWarning) continue;
      nextWarning += 6500;
      yield log(`Order ${10_000 + done} has no e-mail address, skipped`, {
        level: "warn",
        row: done,
      });
      yield log("Stored", { orders: done });
      yield output({ orders: done, revenue: Math.round(done * 41.7) });
      yield save({ done });
    }
    return { imported: orders - 7, skipped: 7 };
  },
});

/** Encodes a film, frame by frame. */
export const transcode = defineTask({
  kind: "transcode-video",
  description: "Encodes a film for the web",
  input: z.strictObject({
    frames: z.int().min(1).default(4300),
    per_second: z.number().default(24),
  }),
  async *run({ input: { frames, per_second }, signal }) {
    for (let done = 0; done <= frames; done += per_second / 4) {
      await pause(250, signal);
      yield progress({
        done: Math.floor(done),
        total: frames,
        unit: "frames",
        stage: "encode",
        message: "1080p, pass 1 of 2",
      });
    }
    return { minutes: frames / per_second / 60 };
  },
});

/** Sends a letter to many; the server that takes it may be away. */
export const newsletter = defineTask({
  kind: "send-newsletter",
  description: "Sends a letter to all who asked for it",
  input: z.strictObject({ letters: z.int().default(2600), breaks_at: z.int().optional() }),
  retry: { maxAttempts: 1 },
  async *run({ input: { letters, breaks_at = Infinity }, signal }) {
    for (let done = 0; done <= letters; done += 13) {
      await pause(breaks_at === Infinity ? STEP_MS : 1, signal);
      if (done > breaks_at) throw new Error("connect ECONNREFUSED: mail.example.com:587");
      yield progress({ done, total: letters, unit: "letters", message: "in batches of 50" });
    }
    return { sent: letters };
  },
});

/** Reads until there is no more: nobody knows how much that is. */
export const crawl = defineTask({
  kind: "crawl-site",
  description: "Follows every link of a site",
  input: z.strictObject({ site: z.url().default("https://example.com") }),
  async *run({ input: { site }, signal }) {
    for (let done = 1; done < 5000; done++) {
      await pause(170, signal);
      yield progress({ done, unit: "pages", stage: "crawl", message: `${site}/docs/page-${done}` });
    }
  },
});

/** Puts a report together. */
export const report = defineTask({
  kind: "nightly-report",
  description: "Sums up the day",
  input: z.strictObject({ tables: z.int().default(12), step_ms: z.int().default(20) }),
  async *run({ input: { tables, step_ms }, signal }) {
    for (let done = 1; done <= tables; done++) {
      await pause(step_ms, signal);
      yield progress({ done, total: tables, unit: "tables", message: "Report is ready" });
    }
    return { pages: 18, revenue: 1_284_310.5 };
  },
});

/** Closes a month, and hands out its books as files. */
export const closeMonth = defineTask({
  kind: "close-month",
  description: "Closes a month and writes its books",
  input: z.strictObject({ month: z.string().default("2026-11"), invoices: z.int().default(4812) }),
  async *run({ input: { month, invoices }, signal }) {
    const rows: string[] = [];
    for (let n = 0; n < invoices; n++) {
      rows.push(`${26_000 + n},${month}-${String(1 + n % 28).padStart(2, "0")},${19 + n % 211}\n`);
      if (n % 400 > 0) continue;
      await pause(STEP_MS, signal);
      yield progress({ done: n, total: invoices, unit: "invoices" });
    }
    const total = yield* step("check sums", async () => {
      await pause(420, signal);
      return rows.reduce((sum, row) => sum + Number(row.split(",")[2]), 0);
    });
    yield* step("lock month", () => pause(260, signal));
    const csv = `invoice,date,total\n${rows.join("")}`;
    yield* artifact(`invoices-${month}.csv`, csv, { type: "text/csv" });
    const tax = `<return month="${month}" total="${total}"/>`;
    yield* artifact(`tax-return-${month}.xml`, tax, { type: "application/xml" });
    const summary = JSON.stringify({ month, invoices, total });
    yield* artifact("summary.json", summary, { type: "application/json" });
    const message = `The books of ${month} are closed`;
    yield progress({ done: invoices, total: invoices, unit: "invoices", message });
    return { month, total };
  },
});
