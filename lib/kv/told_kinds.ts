/**
 * What processes tell each other about kinds: which modules each process that runs tasks has
 * loaded, and the descriptions of their kinds.
 *
 * @module
 */

import type { Kind } from "../task/kind.ts";
import { textValue } from "./head.ts";
import { type Key, keys, nameIn } from "./keys.ts";
import { hasTasks } from "./old_kinds.ts";
import { readSessions } from "./sessions.ts";

/** A module of kinds, as told by the process that loads it. */
export interface ToldModule {
  readonly module: string;
  readonly state: "loading" | "ready" | "failed";
  /** Why it could not be loaded; `null` if it could. */
  readonly reason: string | null;
  /** The kinds that it defines, or defined when it was last loaded. */
  readonly kinds: readonly string[];
}

export interface DescribedKind {
  readonly module: string;
  readonly kind: Kind;
}

/** What a process tells: a key, and its value as JSON text. */
export interface Told {
  readonly key: Key;
  readonly text: string;
}

/** Most characters of a reason: it fits into a value with the names of all the kinds there may be. */
const MAX_REASON = 4000;

export function toldModule(sid: string, n: number, told: ToldModule): Told {
  const reason = told.reason?.slice(0, MAX_REASON) ?? null;
  return toldAs(keys.module(sid, n), { ...told, reason });
}

export function toldKind(described: DescribedKind): Told {
  return toldAs(keys.described(described.kind.kind), described);
}

function toldAs(key: Key, told: ToldModule | DescribedKind): Told {
  return { key, text: JSON.stringify(told) };
}

/** A key with its value, and how many bytes that takes. */
export function toldSet({ key, text }: Told): [key: Key, value: Uint8Array, size: number] {
  const value = textValue(text);
  return [key, value, value.length];
}

/** The modules of all live processes but the one with the session `except`. */
export async function readToldModules(kv: Deno.Kv, except: string): Promise<ToldModule[]> {
  const told = await readTold(kv);
  return told.filter(({ sid }) => sid !== except).map(({ module }) => module);
}

/** The modules of all live processes, each with the session of its process. */
export async function readTold(kv: Deno.Kv): Promise<{ sid: string; module: ToldModule }[]> {
  const live = new Set((await readSessions(kv)).map(({ sid }) => sid));
  const told: { sid: string; module: ToldModule }[] = [];
  for await (const { key, value } of kv.list<Uint8Array>({ prefix: keys.modules })) {
    const sid = nameIn(key);
    if (live.has(sid)) told.push({ sid, module: read<ToldModule>(value) });
  }
  return told;
}

/** The keys under which a process has told of its modules. */
export async function toldKeys(kv: Deno.Kv, sid: string): Promise<Key[]> {
  return await Array.fromAsync(kv.list({ prefix: keys.modulesOf(sid) }), ({ key }) => key);
}

export async function readDescribedKind(kv: Deno.Kv, kind: string): Promise<DescribedKind | null> {
  const { value } = await kv.get<Uint8Array>(keys.described(kind));
  return value && read<DescribedKind>(value);
}

export async function readDescribedKinds(kv: Deno.Kv): Promise<DescribedKind[]> {
  const entries = kv.list<Uint8Array>({ prefix: keys.describeds }, { batchSize: 50 });
  return await Array.fromAsync(entries, ({ value }) => read<DescribedKind>(value));
}

/** Removes the descriptions of kinds that have no tasks and that no process has. */
export async function removeForgottenKinds(kv: Deno.Kv): Promise<void> {
  const known = new Set((await readToldModules(kv, "")).flatMap(({ kinds }) => kinds));
  for await (const { key, versionstamp } of kv.list({ prefix: keys.describeds })) {
    const kind = nameIn(key);
    if (known.has(kind) || await hasTasks(kv, kind)) continue;
    await kv.atomic().check({ key, versionstamp }).delete(key).commit();
  }
}

function read<T>(value: Uint8Array): T {
  return JSON.parse(new TextDecoder().decode(value));
}

/** Why no process runs a kind, as far as these modules tell; `null` if one does, or soon may. */
export function whyNobodyRuns(kind: string, modules: readonly ToldModule[]): string | null {
  const having = modules.filter(({ kinds }) => kinds.includes(kind));
  const candidates = having.length > 0 ? having : modules.filter(({ kinds }) => kinds.length === 0);
  const loading = candidates.some(({ state }) => state === "loading");
  if (loading || having.some(({ state }) => state === "ready")) return null;
  const failures = candidates.filter(({ state }) => state === "failed")
    .map(({ module, reason }) => `${module} failed: ${reason}`);
  const reasons = having.length > 0 ? failures : [NOBODY, ...failures];
  return [...new Set(reasons)].join("; ").slice(0, MAX_REASON);
}

/** The page shows words of its own in place of this reason. */
export const NOBODY = "no process runs this kind";
