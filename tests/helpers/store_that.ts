/** A handle that does something before each commit. */
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
  return new Proxy(kv, {
    get(_, name) {
      if (name === "atomic") return atomic;
      const value = Reflect.get(kv, name);
      return typeof value === "function" ? value.bind(kv) : value;
    },
  });
}
