/**
 * The id of the last event that a client has, under any of the names by which it may send it.
 *
 * @module
 */

/** Ours: part of an address that a client keeps over its reconnects. */
const FIRST = "last_event_id";

/** As polyfills add it to that address, which cannot send the header everywhere. */
const POLYFILLS = new Set(["lasteventid", "evslasteventid"]);

/**
 * Reads it. What is sent again with each connect wins over what stands in the address: the header,
 * then a polyfill's parameter, then `last_event_id`.
 *
 * @returns `null` when the client says nothing.
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
