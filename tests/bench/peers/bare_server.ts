/**
 * The server of the peer that does nothing: every stream is one event and then silence.
 *
 * @module
 */

const EVENT = new TextEncoder().encode('id: 1\ndata: {"status":"running"}\n\n');

function stream(): Response {
  const body = new ReadableStream({ start: (controller) => controller.enqueue(EVENT) });
  return new Response(body, {
    headers: { "content-type": "text/event-stream", "cache-control": "no-cache" },
  });
}

const port = Number(Deno.args[0]);
Deno.serve({ hostname: "127.0.0.1", port, onListen() {} }, ({ method, url }) => {
  if (new URL(url).pathname.endsWith("/stream")) return stream();
  if (method !== "POST") return new Response();
  return Response.json({ task_id: crypto.randomUUID() }, { status: 201 });
});
