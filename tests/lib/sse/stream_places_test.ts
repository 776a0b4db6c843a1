import { assert, assertEquals } from "@std/assert";
import { StreamPlaces } from "../../../lib/sse/stream_places.ts";

const nobody = { name: "", subject: null, address: "1.1.1.1" };

/** Takes places for streams until there is no room, and returns for how many streams. */
function fill(places: StreamPlaces, client: Parameters<StreamPlaces["take"]>[0], ids = 0): number {
  let count = 0;
  while (count < 10_000 && places.take(client, ids) !== null) count++;
  return count;
}

Deno.test("StreamPlaces limits each address, each subject of signed tokens and each operator's token", () => {
  const places = new StreamPlaces({ all: 100, each: 10 });
  assertEquals(fill(places, nobody), 10);
  assertEquals(fill(places, { ...nobody, address: "2.2.2.2" }), 10);
  // All who use one operator's token count as one client, from any address.
  assertEquals(fill(places, { ...nobody, name: "me" }), 10);
  assertEquals(fill(places, { ...nobody, name: "me", address: "9.9.9.9" }), 0);
  // One task may be watched from many addresses, and one address may watch many tasks.
  const watch = (id: string, address: string) => ({ name: "", subject: `task ${id}`, address });
  for (let n = 0; n < 6; n++) assert(places.take(watch("A", `3.0.0.${n}`)));
  assertEquals(fill(places, watch("A", "3.1.1.1")), 4);
  assertEquals(fill(places, watch("B", "3.1.1.1")), 6);
  assertEquals(fill(places, watch("C", "3.1.1.1")), 0);
});

Deno.test("StreamPlaces limits all clients together, and has room again when a place is given back", () => {
  const places = new StreamPlaces({ all: 3, each: 0 });
  const leave = places.take(nobody)!;
  assertEquals(fill(places, { ...nobody, name: "me" }), 2);
  assertEquals(places.take(nobody), null);
  leave();
  // A second call frees no other place.
  leave();
  assertEquals(fill(places, nobody), 1);
  assertEquals(places.clients, ["token me", "address 1.1.1.1"]);
});

Deno.test("StreamPlaces takes one place for every 100 ids, and forgets a client without places", () => {
  const places = new StreamPlaces({ all: 100, each: 20 });
  const leaves = [places.take(nobody, 1000)!, places.take(nobody, 999)!];
  assertEquals(places.take(nobody), null);
  for (const leave of leaves) leave();
  assertEquals(places.clients, []);
  assertEquals(fill(places, nobody, 100), 20);
  // A stream that would need more places than there are takes all of them.
  const few = new StreamPlaces({ all: 2, each: 0 });
  assertEquals(fill(few, nobody, 1000), 1);
});
