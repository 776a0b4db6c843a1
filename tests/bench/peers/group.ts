import { Child, type ChildOptions } from "../child.ts";
import type { Running } from "../system.ts";

/** Adds a process to the group. */
export type Add = (command: string, options: ChildOptions) => Child;

/**
 * A peer of several processes. Later ones need earlier ones, so they are ended in reverse order.
 *
 * @param port The port that takes the requests.
 * @param start Starts the processes, and resolves once that port answers.
 */
export async function startGroup(
  port: number,
  start: (add: Add) => Promise<unknown>,
): Promise<Running> {
  const startedAt = performance.now();
  const children: Child[] = [];
  const stop = async (how: (child: Child) => Promise<void>) => {
    for (const child of children.toReversed()) await how(child);
  };
  try {
    await start((command, options) => {
      const child = new Child(command, options);
      children.push(child);
      return child;
    });
  } catch (error) {
    // Stopped, not killed: an nginx that is killed leaves its worker behind.
    await stop((child) => child[Symbol.asyncDispose]());
    throw error;
  }
  return {
    port,
    pids: children.map(({ pid }) => pid),
    startMs: performance.now() - startedAt,
    kill: () => stop((child) => child.kill()),
    [Symbol.asyncDispose]: () => stop((child) => child[Symbol.asyncDispose]()),
  };
}
