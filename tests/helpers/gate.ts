/**
 * Gates that hold tasks until a test opens them, so that no test depends on how slow a task is.
 * Gates of this process have a name; gates for tasks in other processes have an address.
 *
 * @module
 */

import { pause } from "headway";

const named = new Map<string, PromiseWithResolvers<void>>();

function gateOf(name: string): PromiseWithResolvers<void> {
  let found = named.get(name);
  if (!found) named.set(name, found = Promise.withResolvers());
  return found;
}

/** Opens a gate for every task that waits at it or reaches it later. Only for tasks run inline. */
export function openGate(name: string): void {
  gateOf(name).resolve();
}

/** A gate for tasks in any process, closed at first. Disposing of it opens it. */
export interface Gate extends AsyncDisposable {
  /** The address to pass to a task. */
  readonly url: string;
  /** Lets through every task that waits at it or reaches it later. */
  open(): void;
}

/** Makes a gate. Tasks send it an HTTP request, which is answered when it opens. */
export function closedGate(): Gate {
  const { promise, resolve } = Promise.withResolvers<void>();
  const server = Deno.serve(
    { hostname: "127.0.0.1", port: 0, onListen: () => {} },
    async () => {
      await promise;
      return new Response(null, { status: 204 });
    },
  );
  return {
    url: `http://127.0.0.1:${server.addr.port}/`,
    open: resolve,
    async [Symbol.asyncDispose](): Promise<void> {
      resolve();
      await server.shutdown();
    },
  };
}

/** For tasks: resolves when the gate with this name or address is open. */
export async function atGate(gate: string, signal?: AbortSignal): Promise<void> {
  if (gate.startsWith("http:")) return void await fetch(gate, signal ? { signal } : {});
  const stopped = Promise.withResolvers<never>();
  const stop = () => stopped.reject(signal!.reason);
  signal?.addEventListener("abort", stop, { once: true });
  try {
    await Promise.race([gateOf(gate).promise, stopped.promise]);
  } finally {
    signal?.removeEventListener("abort", stop);
  }
}

/** For tasks: yields the same value until a gate is open, so that the task can be stopped there. */
export async function* heldAt<Yielded>(
  gate: string,
  signal: AbortSignal,
  again: Yielded,
): AsyncGenerator<Yielded, void, void> {
  const left = new AbortController();
  let open = false;
  const asked = atGate(gate, AbortSignal.any([signal, left.signal]))
    .then(() => open = true, () => {});
  try {
    while (!open) {
      yield again;
      await pause(20, signal);
    }
  } finally {
    left.abort();
    await asked;
  }
}
