import { assert, assertEquals } from "@std/assert";
import { Hosts } from "../../../lib/webhooks/hosts.ts";

const A = "https://a.example";
const B = "https://b.example";

/** Begins as many deliveries to a host as there is room for. */
function fill(hosts: Hosts, origin: string): ((answered: boolean | null) => void)[] {
  const ends: ReturnType<typeof fill> = [];
  while (hosts.room(origin) === "free") ends.push(hosts.begin(origin));
  return ends;
}

Deno.test("Hosts.room() limits each host to 8 deliveries, and all unproven hosts to half of the room", () => {
  const hosts = new Hosts(() => 0);
  assertEquals(fill(hosts, A).length, 8);
  assertEquals([hosts.room(A), hosts.room(B)], ["busy", "free"]);
  // B has answered, so the others leave it room.
  hosts.begin(B)(true);
  for (let n = 0; n < 100; n++) fill(hosts, `https://${n}.example`);
  assertEquals(hosts.active, 32);
  assertEquals(fill(hosts, B).length, 8);
  assert(!hosts.full);
});

Deno.test("Hosts.room() gives a host that was silent 5 times one delivery at a time, with growing pauses", () => {
  let now = 0;
  const hosts = new Hosts(() => now);
  for (let n = 0; n < 5; n++) {
    assertEquals(hosts.room(A), "free");
    hosts.begin(A)(false);
  }
  for (const pause of [1000, 2000, 4000, 8000, 16_000, 30_000, 30_000]) {
    assertEquals(hosts.room(A), pause);
    now += pause;
    const end = hosts.begin(A);
    assertEquals(hosts.room(A), "busy");
    end(false);
  }
  now += 30_000;
  // A delivery that did not ask the host says nothing about it.
  hosts.begin(A)(null);
  assertEquals(hosts.room(A), "free");
  hosts.begin(A)(true);
  assertEquals(fill(hosts, A).length, 8);
});

Deno.test("Hosts remembers the 2000 hosts used last, and every host with deliveries under way", () => {
  const hosts = new Hosts(() => 0);
  const ends = fill(hosts, A);
  const silent = [B, "https://c.example"];
  for (const origin of silent) for (let n = 0; n < 5; n++) hosts.begin(origin)(false);
  const use = (from: number, to: number) => {
    for (let n = from; n < to; n++) hosts.begin(`https://${n}.example`)(true);
  };
  use(0, 1997);
  assertEquals(silent.map((origin) => hosts.room(origin)), [1000, 1000]);
  use(1997, 1998);
  assertEquals(silent.map((origin) => hosts.room(origin)), ["free", 1000]);
  use(1998, 5000);
  assertEquals(hosts.room(A), "busy");
  for (const end of ends) end(true);
  assertEquals([hosts.active, hosts.room(A)], [0, "free"]);
});
