import { assertEquals } from "@std/assert";
import { HeldEvents } from "../../../lib/feed/held_events.ts";
import { HubEvent } from "../../../lib/feed/hub_event.ts";
import { testEvent } from "../../helpers/journal.ts";

function held(n: number, size = 0): HubEvent {
  return new HubEvent(testEvent(n, { json: "x".repeat(size) }), true, () => String(n));
}

const seqs = (events: HubEvent[] | null) => events?.map(({ event }) => event.seq) ?? null;

Deno.test("HeldEvents gives each hold the events since it began, and holds nothing without a hold", () => {
  const events = new HeldEvents();
  assertEquals(events.wanted, false);
  events.add(held(1));
  using first = events.hold();
  assertEquals([events.wanted, seqs(first.events())], [true, []]);
  events.add(held(2));
  {
    using second = events.hold();
    events.add(held(3));
    assertEquals([seqs(first.events()), seqs(second.events())], [[2, 3], [3]]);
  }
  events.add(held(4));
  assertEquals(seqs(first.events()), [2, 3, 4]);
  first[Symbol.dispose]();
  assertEquals([events.wanted, seqs(first.events())], [false, null]);
});

Deno.test("HeldEvents is bounded in bytes for all holds together: the oldest give up first", () => {
  const events = new HeldEvents(10_000);
  using first = events.hold();
  events.add(held(1, 4000));
  using second = events.hold();
  events.add(held(2, 4000));
  assertEquals([seqs(first.events()), seqs(second.events())], [[1, 2], [2]]);
  events.add(held(3, 4000));
  assertEquals([seqs(first.events()), seqs(second.events())], [null, [2, 3]]);
  events.add(held(4, 9000));
  assertEquals([seqs(second.events()), events.wanted], [null, false]);
  using third = events.hold();
  events.add(held(5));
  assertEquals(seqs(third.events()), [5]);
});
