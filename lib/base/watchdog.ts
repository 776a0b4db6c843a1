/**
 * Ends a task process whose server is gone. Its main thread notices that, unless a task keeps it
 * busy for ever. So a `Worker` watches, too: it has a thread of its own, and needs no permission to
 * end its own process.
 *
 * @module
 */

/** Milliseconds that the main thread gets to end by itself. */
const GRACE_MS = 2000;

/** Milliseconds between two checks. */
const LOOK_MS = 500;

/**
 * Starts the watchdog. Resolves when its worker runs; until then this thread must not be kept busy.
 * The worker is made from text, as loading a module would need permission to read it.
 */
export async function startWatchdog(): Promise<void> {
  const source = `(${watch})(${Deno.ppid}, ${LOOK_MS}, ${GRACE_MS}); postMessage(null);`;
  const worker = new Worker(`data:text/javascript,${encodeURIComponent(source)}`, {
    type: "module",
  });
  await new Promise((resolve) => worker.onmessage = resolve);
}

/** Runs in the worker, which gets its text only: it can use nothing that is defined outside. */
function watch(parent: number, lookMs: number, graceMs: number): void {
  // A process whose parent is gone gets another parent.
  const looking = setInterval(() => {
    if (Deno.ppid === parent) return;
    clearInterval(looking);
    setTimeout(() => Deno.kill(Deno.pid, "SIGKILL"), graceMs);
  }, lookMs);
}
