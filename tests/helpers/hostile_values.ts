/**
 * Values that users' code can throw, return or log, and that `fc.anything()` does not make: getters
 * and proxies that throw, objects of other realms, exotic prototypes, cycles.
 *
 * @module
 */

import { createContext, runInContext } from "node:vm";
import fc from "fast-check";

function raise(): never {
  throw new Error("no");
}

function revoked(target: object): object {
  const { proxy, revoke } = Proxy.revocable(target, {});
  revoke();
  return proxy;
}

/** A proxy each of whose traps throws. */
function throwing(): object {
  return new Proxy({}, new Proxy({}, { get: () => raise }));
}

/** A proxy with another such proxy in each field. */
function bottomless(): object {
  return new Proxy(new Error("bottomless"), {
    get: (_, name) => typeof name === "symbol" ? undefined : bottomless(),
  });
}

function withGetter(target: object, name: PropertyKey): object {
  return Object.defineProperty(target, name, { get: raise, enumerable: true, configurable: true });
}

function cyclic(): object {
  const error: Error & { errors?: unknown[] } = new Error("round");
  error.errors = [error, { cause: error }];
  return Object.assign(error, { cause: { cause: error } });
}

const FIELDS = ["name", "message", "stack", "code", "cause", "errors", "toString", "toJSON"];

const realm = createContext({});

const exotic = fc.constantFrom<() => unknown>(
  () => revoked({}),
  () => revoked([]),
  () => revoked(() => {}),
  throwing,
  bottomless,
  cyclic,
  () => Object.create(throwing()),
  () => Object.create(null),
  () => Object.setPrototypeOf(new Error("of nothing"), null),
  () => ({ [Symbol.toPrimitive]: () => ({}) }),
  () => ({ [Symbol.toPrimitive]: raise, [Symbol.toStringTag]: "Error" }),
  () => ({ toString: () => ({}), valueOf: raise }),
  () => ({ toJSON: raise }),
  () => withGetter({}, Symbol.toStringTag),
  () => runInContext("new TypeError('of another realm')", realm),
  () => runInContext("({ message: Object.create(null) })", realm),
  () => Symbol("s"),
  () => function named() {},
  () => class Thrown {},
  () => new DOMException("gone", "NotFoundError"),
  () => new AggregateError([undefined, revoked({}), "text"], ""),
  () => new Error("x".repeat(1_000_000)),
);

/** Everything that fast-check can make. */
export const EVERYTHING = {
  withBigInt: true,
  withBoxedValues: true,
  withDate: true,
  withMap: true,
  withNullPrototype: true,
  withObjectString: true,
  withSet: true,
  withSparseArray: true,
  withTypedArray: true,
} satisfies fc.ObjectConstraints;

/**
 * Makes a hostile value, an error with one in a field, or any other value. The result is a function
 * that makes the value, since fast-check would look into the value itself.
 */
export function hostileValues(): fc.Arbitrary<() => unknown> {
  const anything = fc.anything(EVERYTHING);
  const bare = fc.oneof(anything.map((value) => () => value), exotic);
  const field = fc.constantFrom(...FIELDS);
  return fc.oneof(
    bare,
    fc.tuple(field, bare).map(([name, make]) => () =>
      Object.defineProperty(new Error("kept"), name, { value: make(), configurable: true })
    ),
    field.map((name) => () => withGetter(new Error("kept"), name)),
    field.map((name) => () => withGetter({}, name)),
    fc.tuple(field, bare).map(([name, make]) => () => ({ [name]: make() })),
  );
}
