/**
 * Processes an order: charges it once, leaves time to withdraw it, waits for an approval, packs each
 * parcel in a task of its own, and makes a file of labels. The approval may take a week, over any
 * number of restarts.
 *
 *     HEADWAY_KINDS=./examples/kinds/order.ts deno task start
 *
 * @module
 */

import {
  artifact,
  children,
  defineTask,
  log,
  pause,
  progress,
  sleep,
  step,
  waitFor,
} from "headway";
import { z } from "zod";

/** Packs one parcel. In production, this would call the API of a carrier. */
export const packParcel = defineTask({
  kind: "pack-parcel",
  description: "Packs one parcel of an order",
  input: z.object({ order: z.string(), parcel: z.int(), grams: z.int() }),
  retry: { maxAttempts: 3 },
  async *run({ input: { order, parcel, grams }, signal }) {
    for (let done = 0; done < 5; done++) {
      yield progress({ done, total: 5, message: `parcel ${parcel}` });
      await pause(100, signal);
    }
    return { label: `${order}-${String(parcel).padStart(3, "0")}`, grams };
  },
});

export const order = defineTask({
  kind: "order",
  description: "Takes an order from its payment to its labels",
  input: z.object({
    order: z.string().min(1).default("A-1001").describe("Its number"),
    parcels: z.int().min(1).max(500).default(50).describe("Parcels to pack"),
    cool_off_ms: z.int().min(0).default(15_000)
      .describe("Milliseconds in which it may be taken back"),
  }),
  async *run({ input: { order, parcels, cool_off_ms }, stepKey }) {
    // In production: the API of the payment provider, with `stepKey("charge")` as its idempotency key.
    const receipt = yield* step(
      "charge",
      ({ key }) => ({ id: `pay-${key}`, cents: 1900 * parcels }),
    );
    yield log("Charged", { receipt: receipt.id, again: stepKey("charge") });
    yield progress({ message: "May still be taken back" });
    yield* sleep("cool-off", cool_off_ms);

    yield progress({ message: `May order ${order} be sent?` });
    const answer = yield* waitFor("release", {
      schema: z.object({ send: z.boolean().describe("Yes, send it") }),
      timeout: { days: 7 },
    });
    if (!answer?.send) return { order, sent: false, labels: 0 };

    yield progress({ message: `Packing ${parcels} parcels` });
    const packed = yield* children(
      "pack",
      Array.from({ length: parcels }, (_, n) => ({
        kind: packParcel,
        input: { order, parcel: n + 1, grams: 250 + n },
      })),
      { concurrency: 10 },
    );
    const lines = packed.map(({ label, grams }) => `${label},${grams}\n`);
    yield* artifact("labels.csv", `label,grams\n${lines.join("")}`, { type: "text/csv" });
    yield progress({ message: "Sent" });
    return { order, sent: true, labels: packed.length };
  },
});
