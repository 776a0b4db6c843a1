import { runHistories } from "./histories.ts";

/** `HEADWAY_SEED` repeats the first history, as far as a kill can be repeated. */
const SEED = Number(Deno.env.get("HEADWAY_SEED") ?? Math.floor(Math.random() * 2 ** 31));

/** Milliseconds within which histories are begun; there are at least eight of them. */
const FOR_MS = 150_000;

Deno.test({
  name: "every invariant holds through any history of faults and watchers (I1 to I29)",
  ignore: Deno.build.os !== "linux",
  async fn() {
    await runHistories({ runs: 8, forMs: FOR_MS, commands: 60, seed: SEED, shrinkMs: 60_000 })
      .catch((error: Error) => {
        const told = `${error.message}\n${error.cause}`;
        throw new Error(`deno task model --runs 1 --commands 60 --seed …: ${told}`, {
          cause: error,
        });
      });
  },
});
