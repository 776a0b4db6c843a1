import { json } from "../lib/http/http.ts";
import { NOBODY, whyNobodyRuns } from "../lib/kv/told_kinds.ts";
import type { Kind } from "../lib/task/kind.ts";
import { isInside } from "../lib/http/principal.ts";
import { shownPause } from "./paused_kinds.ts";
import type { App, RouteContext } from "./app.ts";

/** `GET /kinds`: each kind, with the JSON Schema of its input, and each module that defines kinds. */
export async function getKinds(app: App, { principal }: RouteContext): Promise<Response> {
  const { kinds, config, engine } = app;
  const modules = [...kinds.toldModules(), ...await engine.kindBook.others()];
  const all = await allKinds(app);
  await engine.pauses.read();
  // Why is for those inside: it tells of files and code.
  const inside = isInside(principal);
  return json({
    kinds: await Promise.all(all.map(async (kind) => ({
      kind: kind.kind,
      description: kind.description,
      input: kind.schema,
      max_attempts: kind.retry.maxAttempts,
      timeout_ms: kind.timeout,
      concurrency: kind.concurrency,
      keyed: kind.keyed ?? false,
      debounce_ms: kind.debounce?.waitMs ?? null,
      rate: kind.rate
        ? { limit: kind.rate.limit, per_ms: kind.rate.perMs, keyed: kind.rate.keyed }
        : null,
      isolate: kind.isolate,
      // Older processes tell nothing of it.
      hidden: kind.hidden ?? false,
      retention: kind.retention ?? null,
      shipped: (kinds.moduleOf(kind.kind)?.tasks ?? null) !== null,
      // Who can check its input takes in tasks that wait for a process.
      unavailable: kinds.moduleOf(kind.kind)?.state.type === "failed"
        ? inside ? whyNobodyRuns(kind.kind, modules) : NOBODY
        : null,
      paused: await pausedKind(app, kind.kind, inside),
    }))),
    modules: kinds.toldModules().map(({ module, state, reason }) => ({
      module,
      state,
      reason: inside ? reason : null,
    })),
    limits: {
      max_upload: config.maxUpload,
      max_body: config.maxBody,
      lease_ms: config.leaseMs,
    },
  });
}

/** Since when, by whom and why a kind is paused, and how many of it still run. */
async function pausedKind({ engine, counts }: App, kind: string, inside: boolean) {
  const pause = engine.pauses.get(kind);
  if (!pause) return null;
  const { running } = await counts.read([kind], ["running"]);
  return { ...shownPause(pause, inside), running };
}

/** A kind that this process or another one has. */
export async function knownKindOf({ kinds, engine }: App, name: string): Promise<Kind | null> {
  return kinds.get(name) ?? await engine.kindBook.elsewhere(name);
}

/** The kinds here, and those that other processes run. */
export async function allKinds({ kinds, engine: { kindBook } }: App): Promise<Kind[]> {
  const others = (await kindBook.others()).flatMap((module) => module.kinds);
  const unknown = [...new Set(others)].filter((name) => !kinds.has(name));
  const elsewhere = await Promise.all(unknown.map((name) => kindBook.elsewhere(name)));
  return [...kinds.all(), ...elsewhere.filter((kind) => kind !== null)];
}
