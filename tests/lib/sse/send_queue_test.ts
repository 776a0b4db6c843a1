import { assert, assertEquals, assertLessOrEqual } from "@std/assert";
import fc from "fast-check";
import { SendQueue } from "../../../lib/sse/send_queue.ts";
import { eventually } from "../../helpers/eventually.ts";

/** A message that holds its id, followed by `size` bytes of padding. */
function message(id: number, size: number): Uint8Array {
  const bytes = new Uint8Array(4 + size);
  new DataView(bytes.buffer).setUint32(0, id);
  return bytes;
}

interface Waiting {
  bytes: Uint8Array;
  key: string | null;
}

/** The same queue, written in the simplest way, however slow. */
class Model {
  items: Waiting[] = [];

  constructor(readonly limit: number, readonly maxBytes: number) {}

  push(bytes: Uint8Array, key: string | null, burst: boolean): boolean {
    const others = this.items.filter((item) => key === null || item.key !== key);
    const kept = this.items.filter((item) => item.key === null).length;
    const size = others.reduce((sum, item) => sum + item.bytes.length, bytes.length);
    if ((key === null && !burst && kept >= this.limit) || size > this.maxBytes) return false;
    this.items = [...others, { bytes, key }];
    return true;
  }

  take(room: number): number[] | null {
    if (this.items.length === 0) return null;
    const taken: number[] = [];
    while (this.items.length > 0 && taken.length < room) taken.push(...this.items.shift()!.bytes);
    return taken;
  }
}

Deno.test("SendQueue is a bounded queue in which a message replaces an earlier one with the same key", () => {
  const op = fc.oneof(
    {
      weight: 3,
      arbitrary: fc.record({
        key: fc.constantFrom(null, "a", "b"),
        size: fc.nat(60),
        burst: fc.boolean(),
      }),
    },
    { weight: 1, arbitrary: fc.record({ room: fc.integer({ min: 1, max: 200 }) }) },
  );
  fc.assert(
    fc.property(
      fc.array(op, { maxLength: 400, size: "max" }),
      fc.integer({ min: 1, max: 20 }),
      fc.integer({ min: 64, max: 1000 }),
      (ops, limit, maxBytes) => {
        const queue = new SendQueue({ limit, maxBytes });
        const model = new Model(limit, maxBytes);
        for (const [id, op] of ops.entries()) {
          if ("room" in op) {
            const bytes = queue.take(op.room);
            assertEquals(bytes && [...bytes], model.take(op.room));
          } else {
            const bytes = message(id, op.size);
            assertEquals(queue.push(bytes, op.key, op.burst), model.push(bytes, op.key, op.burst));
          }
          assertEquals(queue.size, model.items.length);
        }
      },
    ),
    { numRuns: 300 },
  );
});

Deno.test("SendQueue.take() returns all messages without a key and the newest of each key, in order", () => {
  const op = fc.record({ key: fc.constantFrom(null, "a", "b", "c"), take: fc.boolean() });
  fc.assert(
    fc.property(fc.array(op, { maxLength: 300, size: "max" }), (ops) => {
      const queue = new SendQueue({ limit: 1000 });
      const got: number[] = [];
      const drain = (room: number) => {
        const bytes = queue.take(room) ?? new Uint8Array();
        for (let at = 0; at < bytes.length; at += 4) {
          got.push(new DataView(bytes.buffer, bytes.byteOffset).getUint32(at));
        }
      };
      for (const [id, { key, take }] of ops.entries()) {
        assert(queue.push(message(id, 0), key));
        if (take) drain(8);
      }
      drain(Infinity);
      assertEquals(got, got.toSorted((a, b) => a - b));
      const arrived = new Set(got);
      assertEquals(arrived.size, got.length);
      for (const [id, { key }] of ops.entries()) {
        const newest = key === null || !ops.slice(id + 1).some((later) => later.key === key);
        if (newest) assert(arrived.has(id));
      }
    }),
  );
});

Deno.test("SendQueue frees the messages that were taken, even if it never becomes empty", async () => {
  const queue = new SendQueue({ limit: 10 });
  const pushed: WeakRef<Uint8Array>[] = [];
  const push = () => {
    const bytes = new Uint8Array(16);
    queue.push(bytes);
    pushed.push(new WeakRef(bytes));
  };
  push();
  for (let n = 0; n < 1000; n++) {
    push();
    queue.take(1);
  }
  await eventually(() => {
    // Only an allocation makes the garbage collector run.
    new Uint8Array(64 * 1024 * 1024);
    assertLessOrEqual(pushed.filter((message) => message.deref()).length, 65);
  });
  assertEquals(queue.size, 1);
});

Deno.test("SendQueue.clear() removes all messages and makes room for new ones", () => {
  const queue = new SendQueue({ limit: 1 });
  queue.push(message(1, 0));
  queue.push(message(2, 0), "a");
  queue.clear();
  assertEquals([queue.size, queue.take(10)], [0, null]);
  assert(queue.push(message(3, 0)));
});
