import { Child, type ChildOptions } from "../child.ts";
import type { Running } from "../system.ts";

/** Adds a process to the group. */
export type Add = (command: string, options: ChildOptions) => Child;

/**
 * A peer of several processes, of which the later ones need the earlier: they end in the opposite
 * order.
 *
 * @param port Of the one that is asked.
 * @param start Starts them, and resolves once that one answers.
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
    // In order: a nginx that is killed leaves its worker behind.
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
