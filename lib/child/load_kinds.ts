/**
 * Loads kinds: every exported task definition of a module is one.
 *
 * @module
 */

import { type AnyTask, isTask } from "../task/define.ts";

/** The kinds that ship. */
export const SHIPPED_KINDS: string = new URL("../kinds/mod.ts", import.meta.url).href;

/**
 * Imports modules and collects the task definitions they export.
 *
 * @param urls Of modules.
 * @throws {TypeError} If a module cannot be loaded, exports no task, or a kind is defined twice.
 */
export async function loadKinds(urls: readonly string[]): Promise<Map<string, AnyTask>> {
  const modules = new Map<string, Record<string, unknown>>();
  for (const url of urls) {
    try {
      modules.set(url, await import(url));
    } catch (cause) {
      throw new TypeError(`Cannot load the kinds of ${url}: ${String(cause)}`, { cause });
    }
  }
  return collectKinds(modules);
}

/**
 * Collects the task definitions that modules export.
 *
 * @throws {TypeError} If a module exports no task, or a kind is defined twice.
 */
export function collectKinds(
  modules: ReadonlyMap<string, Record<string, unknown>>,
): Map<string, AnyTask> {
  const kinds = new Map<string, AnyTask>();
  for (const [url, exports] of modules) {
    const tasks = Object.values(exports).filter(isTask);
    if (tasks.length === 0) {
      throw new TypeError(`Cannot load the kinds of ${url} as it exports no value of defineTask()`);
    }
    for (const task of tasks) {
      const known = kinds.get(task.kind);
      if (known && known !== task) {
        throw new TypeError(`Cannot load the kinds of ${url} as '${task.kind}' is defined twice`);
      }
      kinds.set(task.kind, task);
    }
  }
  return kinds;
}
