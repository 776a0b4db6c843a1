import { answering, freePort } from "../child.ts";
import type { StartOptions, System } from "../system.ts";
import { startGroup } from "./group.ts";

const SERVER = new URL("bare_server.ts", import.meta.url).pathname;

/** A `Deno.serve` whose streams send one event and then nothing: the least an idle stream costs. */
export const bare: System = {
  name: "bare Deno.serve",
  start({ port = freePort() }: StartOptions) {
    const args = ["run", "-q", "--no-config", "--no-prompt", "--allow-net", SERVER, `${port}`];
    return startGroup(port, (add) => {
      return answering(add(Deno.execPath(), { args }), port, "/tasks?limit=1");
    });
  },
};
