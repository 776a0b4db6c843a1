/**
 * A wall clock that a test can set: every reading adds the milliseconds that are in the file named by
 * HEADWAY_TEST_CLOCK. The server preloads this module, and the kinds of the model test import it, so
 * that task processes have the same clock.
 *
 * @module
 */

const file = Deno.env.get("HEADWAY_TEST_CLOCK");

if (file !== undefined) {
  const Real = Date;
  const now = () => Real.now() + Number(Deno.readTextFileSync(file));
  globalThis.Date = new Proxy(Real, {
    construct: (target, args: [], newTarget) =>
      Reflect.construct(target, args.length === 0 ? [now()] : args, newTarget),
    get: (target, name) => name === "now" ? now : Reflect.get(target, name),
  });
}
