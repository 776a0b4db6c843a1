/**
 * Deep equality by the rules of `@std/assert`. `node:assert/strict` would not do: it tells `0` from
 * `-0` and `{}` from an object without prototype, and takes two `Headers` or two instances that
 * differ in a getter only for equal, so a test could pass here and fail with the real package.
 *
 * @module
 */

/** The class of every typed array. */
const TypedArray: abstract new () => ArrayLike<unknown> = Object.getPrototypeOf(Uint8Array);

/** What the text of the value says everything about. */
const COMPARED_AS_TEXT = [RegExp, URL, URLSearchParams, Intl.Locale];
const temporal: Record<string, unknown> = Reflect.get(globalThis, "Temporal") ?? {};
const TEXT_PROTOTYPES = new Set<unknown>([
  ...COMPARED_AS_TEXT,
  ...Object.getOwnPropertyNames(temporal).map((name) => temporal[name]),
].map((constructor) => typeof constructor === "function" ? constructor.prototype : undefined));
TEXT_PROTOTYPES.delete(undefined);

/**
 * Whether two values are deeply equal: same prototype (a null one counts as `Object`'s), same own
 * keys, equal values. A key that holds `undefined` is not a missing key. `NaN` equals `NaN`, `0`
 * equals `-0`. Order matters in arrays, not in sets, maps and objects.
 *
 * @throws {TypeError} If asked about a `WeakMap` or `WeakSet`, whose content cannot be seen.
 */
export function equal(a: unknown, b: unknown): boolean {
  return compare(a, b, new Map());
}

function compare(a: unknown, b: unknown, seen: Map<object, object>): boolean {
  if (a === b || Object.is(a, b)) return true;
  if (!isObject(a) || !isObject(b)) return false;
  if (a instanceof Date && b instanceof Date) return Object.is(a.getTime(), b.getTime());
  if (kindOf(a) !== kindOf(b)) return false;
  if (a instanceof TypedArray) return sameItems(a, b as unknown as ArrayLike<unknown>);
  if (a instanceof ArrayBuffer || a instanceof SharedArrayBuffer) {
    return sameItems(new Uint8Array(a), new Uint8Array(b as unknown as ArrayBuffer));
  }
  if (a instanceof WeakMap || a instanceof WeakSet) {
    throw new TypeError(`Cannot compare ${a[Symbol.toStringTag]} instances`);
  }
  if (a instanceof WeakRef) return compare(a.deref(), (b as WeakRef<WeakKey>).deref(), seen);
  // A cycle: this pair is being compared further up, and that comparison decides.
  if (seen.get(a) === b) return true;
  if (Object.keys(a).length !== Object.keys(b).length) return false;
  seen.set(a, b);
  if (a instanceof Map && b instanceof Map) return sameEntries([...a], [...b], seen);
  if (a instanceof Set && b instanceof Set) return sameEntries([...a], [...b], seen);
  if (TEXT_PROTOTYPES.has(Object.getPrototypeOf(a))) return String(a) === String(b);
  for (const key of new Set([...comparedKeys(a), ...comparedKeys(b)])) {
    if (!(key in a) || !(key in b)) return false;
    if (!compare(Reflect.get(a, key), Reflect.get(b, key), seen)) return false;
  }
  return true;
}

/** Functions are compared by identity only. */
function isObject(value: unknown): value is object {
  return typeof value === "object" && value !== null;
}

/** The prototype, where none is as good as `Object`'s. */
function kindOf(value: object): unknown {
  return Object.getPrototypeOf(value) ?? Object.prototype;
}

function sameItems(a: ArrayLike<unknown>, b: ArrayLike<unknown>): boolean {
  return a.length === b.length &&
    Array.prototype.every.call(a, (item, index) => item === b[index] || Object.is(item, b[index]));
}

/**
 * Every entry of `a` has an entry of its own in `b`, in whatever order. (The real package lets two
 * entries share one; we are stricter, so what passes here passes there.)
 */
function sameEntries(a: unknown[], b: unknown[], seen: Map<object, object>): boolean {
  if (a.length !== b.length) return false;
  const free = new Set(b);
  return a.every((entry) => {
    // An attempt that fails must not leave its pairs behind as "being compared".
    const match = free.values().find((other) => compare(entry, other, new Map(seen)));
    return free.delete(match);
  });
}

/** Of plain objects and arrays the own enumerable keys; of class instances getters and all. */
function comparedKeys(value: object): PropertyKey[] {
  const prototype = kindOf(value);
  if (prototype === Object.prototype || prototype === Array.prototype) {
    return Reflect.ownKeys({ ...value });
  }
  const keys: PropertyKey[] = [];
  for (
    let level: object | null = value;
    level !== null && level !== Object.prototype && level !== Array.prototype;
    level = Object.getPrototypeOf(level)
  ) {
    keys.push(...Reflect.ownKeys(level));
  }
  return keys;
}
