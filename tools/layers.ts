/**
 * The layers of `lib/`: each folder, and those that it may import. A layer is above all that it
 * names, so that a reader who knows the folders below it knows everything that it can use.
 *
 * @module
 */

/** By folder of `lib/`, the folders that it may import beside itself. */
export const LAYERS: Readonly<Record<string, readonly string[]>> = {
  task: [],
  base: ["task"],
  sse: ["task", "base"],
  child: ["task", "base"],
  kv: ["task", "base"],
  store: ["kv", "task", "base"],
  feed: ["kv", "sse", "task", "base"],
  cluster: ["store", "feed", "kv", "task", "base"],
  schedule: ["store", "kv", "cluster", "task", "base"],
  runner: ["store", "feed", "kv", "cluster", "child", "task", "base"],
  webhooks: ["cluster", "store", "kv", "task", "base"],
  testing: ["runner", "child", "task", "base"],
  http: ["kv", "task", "base"],
  config: ["http", "webhooks", "task", "base"],
  std: [],
};

/** The folder of `lib/` that a file lies in; `null` for one that lies in none. */
export function layerOfLib(path: string): string | null {
  const [top, folder, ...file] = path.split("/");
  return top === "lib" && file.length > 0 ? folder! : null;
}

/** Why a file of `lib/` must not import another; `undefined` where it may. */
export function layerProblem(from: string, to: string): string | undefined {
  const [layer, target] = [layerOfLib(from), layerOfLib(to)];
  // engine.ts, server.ts and mod.ts put the layers together.
  if (layer === null || !(layer in LAYERS) || layer === target) return undefined;
  const below = LAYERS[layer]!;
  if (target !== null && below.includes(target)) return undefined;
  const may = below.length === 0 ? "nothing else" : below.map((name) => `lib/${name}/`).join(", ");
  return `lib/${layer}/ imports only itself${below.length === 0 ? ": " : " and "}${may}`;
}
