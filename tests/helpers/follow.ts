import { assertEquals } from "@std/assert";
import { timePasses } from "./deadline.ts";
import { openStream, type ReadEvent } from "./sse.ts";

/**
 * Follows a task over any number of broken connections, as a browser does.
 *
 * @param url Returns the server's current address; `null` while it is down.
 */
export async function follow(
  url: () => string | null,
  id: string,
  stop: AbortSignal,
): Promise<{ events: ReadEvent[]; connections: number }> {
  const events: ReadEvent[] = [];
  let connections = 0;
  while (!stop.aborted && events.at(-1)?.event !== "complete") {
    const base = url();
    // 0 asks for every event.
    const lastEventId = events.at(-1)?.id ?? "0";
    try {
      if (base === null) throw new Error("down");
      await using reader = await openStream(`${base}/tasks/${id}/stream`, { lastEventId });
      assertEquals(reader.response.status, 200);
      connections++;
      const close = () => void reader.close();
      stop.addEventListener("abort", close, { once: true });
      await reader.closed;
      stop.removeEventListener("abort", close);
      events.push(...reader.events);
      assertEquals(reader.errors, []);
    } catch (error) {
      if (!(error instanceof TypeError) && String(error) !== "Error: down") throw error;
    }
    await timePasses(20);
  }
  return { events, connections };
}
