/**
 * Ends a task process whose server is gone. Its main thread notices that by itself, unless a task keeps
 * it busy forever. So a worker looks too: it has its own thread, and may end its own process without
 * any permission.
 *
 * @module
 */

/** Milliseconds that the main thread gets first, to end by itself. */
const GRACE_MS = 2000;

/** Milliseconds between two looks. */
const LOOK_MS = 500;

/** The worker is made from text: loading a module would need permission to read it. */
export function startWatchdog(): void {
  const source = `(${watch})(${LOOK_MS}, ${GRACE_MS})`;
  new Worker(`data:text/javascript,${encodeURIComponent(source)}`, { type: "module" });
}

/** Runs in the worker: it can use nothing that is defined outside. */
function watch(lookMs: number, graceMs: number): void {
  // A process whose parent is gone gets another one.
  const parent = Deno.ppid;
  const looking = setInterval(() => {
    if (Deno.ppid === parent) return;
    clearInterval(looking);
    setTimeout(() => Deno.kill(Deno.pid, "SIGKILL"), graceMs);
  }, lookMs);
}
