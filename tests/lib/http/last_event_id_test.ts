import { assertEquals } from "@std/assert";
import { lastEventIdOf } from "../../../lib/http/last_event_id.ts";

function read(query: string, header?: string): string | null {
  const headers = new Headers(header === undefined ? {} : { "last-event-id": header });
  return lastEventIdOf(headers, new URL(`http://localhost/tasks/stream?${query}`));
}

Deno.test("lastEventIdOf() reads the id from every parameter name in use", () => {
  for (
    const name of ["last_event_id", "lastEventId", "Last-Event-ID", "evs_last_event_id"]
  ) {
    assertEquals(read(`${name}=7`), "7", name);
    assertEquals(read(`ids=a&${name}=7%3A8&rows=a`), "7:8", name);
  }
  assertEquals([read(""), read("last=7"), read("lastEventId="), read("last_event_id=")], [
    null,
    null,
    null,
    null,
  ]);
});

Deno.test("lastEventIdOf() prefers the header, then a polyfill's parameter, then last_event_id", () => {
  // The query of event-source-polyfill when it reconnects to a URL that already has an id.
  assertEquals(read("last_event_id=0&lastEventId=57"), "57");
  assertEquals(read("lastEventId=57&last_event_id=0"), "57");
  assertEquals(read("lastEventId=5&lastEventId=57"), "57");
  assertEquals(read("last_event_id=0&lastEventId="), "0");
  assertEquals(read("last_event_id=0&lastEventId=57", "60"), "60");
});
