/** A network namespace that acts as another machine, cabled to this one. Needs root on Linux. */
export interface Network extends AsyncDisposable {
  /** This machine's address on the cable. */
  readonly host: string;
  /** Put before a command, it runs that on the other machine. */
  readonly prefix: readonly string[];
  /** A command that runs on the other machine. */
  command(program: string, args: string[]): Deno.Command;
  /** From now on nothing that the other machine sends arrives, and neither side is told. */
  cut(): Promise<void>;
  /** Lets what the other machine sends arrive again. */
  heal(): Promise<void>;
}

async function ip(...args: string[]): Promise<boolean> {
  try {
    const { success } = await new Deno.Command("ip", { args, stdout: "null", stderr: "null" })
      .output();
    return success;
  } catch {
    return false;
  }
}

/** Makes a network; `null` where that cannot be done. */
export async function openNetwork(): Promise<Network | null> {
  if (Deno.build.os !== "linux" || Deno.uid() !== 0) return null;
  await using resources = new AsyncDisposableStack();
  // Random, so as not to collide with the networks of other tests or of this machine.
  const n = crypto.getRandomValues(new Uint8Array(3));
  const name = `hw${[...n].map((byte) => byte.toString(16)).join("")}`;
  const net = `10.${128 + n[0]! % 127}.${n[1]}`;
  const [host, other] = [`${net}.1`, `${net}.2`];
  if (!await ip("netns", "add", name)) return null;
  resources.defer(async () => void await ip("netns", "del", name));
  const laid =
    await ip("link", "add", name, "type", "veth", "peer", "name", "far", "netns", name) &&
    await ip("addr", "add", `${host}/30`, "dev", name) &&
    await ip("link", "set", name, "up") &&
    await ip("-n", name, "addr", "add", `${other}/30`, "dev", "far") &&
    await ip("-n", name, "link", "set", "far", "up");
  if (!laid) return null;
  const owned = resources.move();
  const prefix = ["ip", "netns", "exec", name];
  const route = ["blackhole", `${host}/32`];
  return {
    host,
    prefix,
    command: (program, args) =>
      new Deno.Command("ip", {
        args: ["netns", "exec", name, program, ...args],
        stdin: "null",
        stdout: "piped",
        stderr: "null",
      }),
    cut: async () => void await ip("-n", name, "route", "add", ...route),
    heal: async () => void await ip("-n", name, "route", "del", ...route),
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  };
}

/** Whether this machine lets us make a network. */
export const HAS_NETWORK: boolean = await (async () => {
  const network = await openNetwork();
  await network?.[Symbol.asyncDispose]();
  return network !== null;
})();
