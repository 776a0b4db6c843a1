import { kvWith } from "./kv_with.ts";

/** A database handle that waits for `before` at each commit. */
export function storeThat(kv: Deno.Kv, before: () => Promise<void>): Deno.Kv {
  const atomic = () => {
    const real = kv.atomic();
    const commit = real.commit.bind(real);
    real.commit = async () => {
      await before();
      return await commit();
    };
    return real;
  };
  return kvWith(kv, { atomic });
}
