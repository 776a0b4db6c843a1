import { assertEquals } from "@std/assert";
import { runTask } from "headway/testing";
import { order } from "../../../examples/kinds/order.ts";

const options = {
  signals: { release: { send: true } },
  children: {
    "pack-parcel": (input: unknown) => {
      const { order, parcel, grams } = input as { order: string; parcel: number; grams: number };
      return { label: `${order}-${parcel}`, grams };
    },
  },
};

Deno.test("examples/kinds/order.ts has the same result, whatever yield a crash cuts it off at", async () => {
  const input = { order: "B-7", parcels: 3, cool_off_ms: 60_000 };
  const whole = await runTask(order, input, options);
  assertEquals(whole.result, { order: "B-7", sent: true, labels: 3 });
  const text = new TextDecoder().decode(whole.artifacts[0]!.bytes);
  assertEquals(text, "label,grams\nB-7-1,250\nB-7-2,251\nB-7-3,252\n");
  for (let crashAfter = 1; crashAfter <= whole.yields; crashAfter++) {
    const { result, artifacts, record } = await runTask(order, input, { ...options, crashAfter });
    assertEquals([result, record.attempt], [whole.result, 1]);
    assertEquals(artifacts, whole.artifacts);
  }
});

Deno.test("examples/kinds/order.ts sends no order that nobody released", async () => {
  const { result } = await runTask(order, { parcels: 1 });
  assertEquals(result, { order: "A-1001", sent: false, labels: 0 });
});
