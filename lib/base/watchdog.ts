/**
 * Ends a task process whose server has gone. Its main thread sees that by its stdin, unless a task
 * keeps it busy for good; a worker has a thread of its own, and to end the own process takes no
 * permission.
 *
 * @module
 */

/** Milliseconds that the main thread gets first, to end by itself; see `child.ts`. */
const GRACE_MS = 2000;

/** Milliseconds between two looks. */
const LOOK_MS = 500;

/** Starts it. The worker is made of text: to load a module would take the permission to read it. */
export function startWatchdog(): void {
  const source = `(${watch})(${LOOK_MS}, ${GRACE_MS})`;
  new Worker(`data:text/javascript,${encodeURIComponent(source)}`, { type: "module" });
}

/** Runs in the worker and knows nothing of what stands around it here. */
function watch(lookMs: number, graceMs: number): void {
  // Whose parent is no more gets another one.
  const parent = Deno.ppid;
  const looking = setInterval(() => {
    if (Deno.ppid === parent) return;
    clearInterval(looking);
    setTimeout(() => Deno.kill(Deno.pid, "SIGKILL"), graceMs);
  }, lookMs);
}
