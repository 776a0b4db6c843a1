/**
 * Runs an attack in a process of its own, so that its CPU and memory do not count as the server's:
 * `attacker.ts <attack> <port> <chatty> <large>`, until its standard input ends.
 *
 * @module
 */

import { ATTACKS } from "./attacks.ts";

if (import.meta.main) {
  const [name, port, chatty, large] = Deno.args as [string, string, string, string];
  const attack = ATTACKS.find((attack) => attack.name === name);
  if (!attack) {
    throw new Error(`No attack '${name}': ${ATTACKS.map(({ name }) => name).join(", ")}`);
  }
  const stop = new AbortController();
  void Deno.stdin.read(new Uint8Array(1)).then(() => stop.abort());
  await attack.run({ port: Number(port), chatty, large, signal: stop.signal });
  Deno.exit();
}
