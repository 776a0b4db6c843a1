/**
 * What tasks of the model test throw, and how their records must show it.
 *
 * @module
 */

import { FinalError, type TaskRecord } from "headway";

type TaskError = NonNullable<TaskRecord["error"]>;

interface Thrown {
  make(): unknown;
  fits(error: TaskError): boolean;
}

function isPlain(name: string, message = "as told"): Thrown["fits"] {
  return (error) => error.name === name && error.message === message;
}

/** What can be thrown, by its name in a script. */
export const THROWN = {
  error: { make: () => new RangeError("as told"), fits: isPlain("RangeError") },
  getter: {
    make() {
      const get = () => {
        throw new Error("nobody may look");
      };
      const error = new Error("as told");
      return Object.defineProperties(error, { stack: { get }, code: { get }, cause: { get } });
    },
    fits: isPlain("Error"),
  },
  proxy: {
    make() {
      const { proxy, revoke } = Proxy.revocable({}, {});
      revoke();
      return proxy;
    },
    fits: ({ name, message }) => name === "Error" && message !== "",
  },
  aggregate: {
    make() {
      const cause = new RangeError("row 7", { cause: new TypeError("no number") });
      const parts = [Object.assign(new Error("slow"), { code: "E_LIMIT" }), new Error("gone")];
      return new AggregateError(parts, "as told", { cause });
    },
    fits(error) {
      const { cause, errors } = error;
      return isPlain("AggregateError")(error) && isPlain("RangeError", "row 7")(cause!) &&
        isPlain("TypeError", "no number")(cause!.cause!) &&
        errors?.length === 2 && isPlain("Error", "slow")(errors[0]!) &&
        errors[0]!.code === "E_LIMIT" && isPlain("Error", "gone")(errors[1]!);
    },
  },
  final: { make: () => new FinalError("as told"), fits: isPlain("FinalError") },
} as const satisfies Record<string, Thrown>;
