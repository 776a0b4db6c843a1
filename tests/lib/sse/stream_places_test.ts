import { assert, assertEquals } from "@std/assert";
import { StreamPlaces } from "../../../lib/sse/stream_places.ts";

const nobody = { name: "", subject: null, address: "1.1.1.1" };

/** Takes as many as there are. */
function fill(places: StreamPlaces, client: Parameters<StreamPlaces["take"]>[0], ids = 0): number {
  let count = 0;
  while (count < 10_000 && places.take(client, ids) !== null) count++;
  return count;
}

Deno.test("StreamPlaces bounds an address, a task's token and one of the operator, each alone", () => {
  const places = new StreamPlaces({ all: 100, each: 10 });
  assertEquals(fill(places, nobody), 10);
  assertEquals(fill(places, { ...nobody, address: "2.2.2.2" }), 10);
  // A session of the page and a program with its token are one, wherever they are.
  assertEquals(fill(places, { ...nobody, name: "me" }), 10);
  assertEquals(fill(places, { ...nobody, name: "me", address: "9.9.9.9" }), 0);
  // Of one task there may be many tokens and addresses, and of one address many tasks.
  const watch = (id: string, address: string) => ({ name: "", subject: `task ${id}`, address });
  for (let n = 0; n < 6; n++) assert(places.take(watch("A", `3.0.0.${n}`)));
  assertEquals(fill(places, watch("A", "3.1.1.1")), 4);
  assertEquals(fill(places, watch("B", "3.1.1.1")), 6);
  assertEquals(fill(places, watch("C", "3.1.1.1")), 0);
});

Deno.test("StreamPlaces bounds all of them together, and has room again when one leaves", () => {
  const places = new StreamPlaces({ all: 3, each: 0 });
  const leave = places.take(nobody)!;
  assertEquals(fill(places, { ...nobody, name: "me" }), 2);
  assertEquals(places.take(nobody), null);
  leave();
  // However often it is told.
  leave();
  assertEquals(fill(places, nobody), 1);
  assertEquals(places.clients, ["token me", "address 1.1.1.1"]);
});

Deno.test("StreamPlaces takes a place for each hundred ids, and forgets who has none", () => {
  const places = new StreamPlaces({ all: 100, each: 20 });
  const leaves = [places.take(nobody, 1000)!, places.take(nobody, 999)!];
  assertEquals(places.take(nobody), null);
  for (const leave of leaves) leave();
  assertEquals(places.clients, []);
  assertEquals(fill(places, nobody, 100), 20);
  // More than there can ever be are as many as there can be.
  const few = new StreamPlaces({ all: 2, each: 0 });
  assertEquals(fill(few, nobody, 1000), 1);
});
