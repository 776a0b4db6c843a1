/**
 * The id of the last event that a client has, under any of the names by which it may send it.
 *
 * @module
 */

/** Headway's own parameter, in a URL that a client keeps over its reconnects. */
const FIRST = "last_event_id";

/** Parameters that polyfills add to that URL where they cannot send the header. */
const POLYFILLS = new Set(["lasteventid", "evslasteventid"]);

/**
 * Reads the id. What a client updates with each reconnect goes before what stands in the URL: the
 * header, then a polyfill's parameter, then `last_event_id`.
 *
 * @returns `null` if the client sends none.
 */
export function lastEventIdOf(headers: Headers, { searchParams }: URL): string | null {
  const header = headers.get("last-event-id");
  if (header !== null) return header;
  let first: string | null = null;
  let polyfill: string | null = null;
  for (const [name, value] of searchParams) {
    if (value === "") continue;
    if (name === FIRST) first = value;
    else if (POLYFILLS.has(name.toLowerCase().replaceAll(/[-_]/g, ""))) polyfill = value;
  }
  return polyfill ?? first;
}
