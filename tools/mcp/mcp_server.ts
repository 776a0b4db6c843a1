/**
 * The side of the protocol: the requests of a client, and the notifications that it gets.
 *
 * @module
 */

import { Server } from "@modelcontextprotocol/server";
import denoJson from "../../deno.json" with { type: "json" };
import { Progress } from "./progress.ts";
import type { Toolbox } from "./toolbox.ts";

const INSTRUCTIONS =
  "Headway runs durable background tasks. A submit_… tool starts a task of one kind and waits for " +
  "it; what takes longer is waited for with watch_task. A task goes on when nobody waits for it: " +
  "only cancel_task stops it. One that waits for a signal goes on with send_signal.";

/** One connection's. */
export function createMcpServer(toolbox: Toolbox): Server {
  const server = new Server({ name: "headway", version: denoJson.version }, {
    capabilities: { tools: { listChanged: true } },
    instructions: INSTRUCTIONS,
  });
  toolbox.onchange = () => void server.sendToolListChanged().catch(() => {});
  server.setRequestHandler("tools/list", async () => ({ tools: await toolbox.list() }));
  server.setRequestHandler("tools/call", async ({ params }, { mcpReq }) => {
    const { name, arguments: args = {} } = params;
    const progressToken = mcpReq._meta?.progressToken;
    using progress = new Progress(async (told) => {
      if (progressToken === undefined) return;
      const params = { progressToken, ...told };
      await mcpReq.notify({ method: "notifications/progress", params });
    });
    const { signal } = mcpReq;
    return await toolbox.call(name, args, {
      signal,
      onprogress: (record) => progress.tell(record),
    });
  });
  return server;
}
