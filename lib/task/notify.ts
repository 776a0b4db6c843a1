/**
 * The targets of webhooks, as a submit or a definition names them: where to send which events.
 *
 * @module
 */

import { plainText } from "./text.ts";

/**
 * The events that a target can be sent: an attempt began, the task waits, an attempt failed and
 * another one follows, or the task ended.
 */
export type NotifyEvent =
  | "started"
  | "waiting"
  | "retrying"
  | "completed"
  | "failed"
  | "canceled";

/** All events, in the order of a task's life. */
export const NOTIFY_EVENTS = [
  "started",
  "waiting",
  "retrying",
  "completed",
  "failed",
  "canceled",
] as const satisfies readonly NotifyEvent[];

/** The events of a target that names none: how the task ended. */
const ENDS: readonly NotifyEvent[] = ["completed", "failed", "canceled"];

/** A URL to which webhooks about a task are sent. */
export interface NotifyTarget {
  /** Where webhooks are posted: an `http` or `https` URL of at most 2,048 characters. */
  url: string;
  /** The events to send. @default {how the task ended: completed, failed, canceled} */
  on?: readonly NotifyEvent[];
  /**
   * The secret that signs webhooks to this target, instead of the server's: `whsec_…`. While
   * secrets are rotated, up to four, separated by spaces. It is never shown again.
   */
  secret?: string;
}

/** A checked target, as it is stored. */
export interface StoredTarget {
  readonly url: string;
  readonly on: readonly NotifyEvent[];
  readonly secret?: string;
}

/** The most targets of a task. */
export const MAX_TARGETS = 5;

/** The most characters of a target's URL. */
export const MAX_TARGET_URL = 2048;

const URL_TEXT = plainText(MAX_TARGET_URL);

/** The most secrets that sign one webhook. */
export const MAX_SECRETS = 4;

/** What is wrong with a target's URL; `null` for nothing. */
export function urlProblem(text: unknown): string | null {
  // The URL parser silently drops line breaks and tabs.
  const url = typeof text === "string" && URL_TEXT.test(text) ? URL.parse(text) : null;
  const fits = url !== null && /^https?:$/.test(url.protocol) && url.href.length <= MAX_TARGET_URL;
  if (!fits) return `must be an http or https URL of at most ${MAX_TARGET_URL} characters`;
  if (url.username !== "" || url.password !== "") {
    return "must be a URL without a user name and password";
  }
  return null;
}

export const SECRET_SHAPE = "'whsec_' and the base64 of 24 to 64 bytes";

function isSecret(text: string): boolean {
  if (!text.startsWith("whsec_")) return false;
  try {
    const options = { lastChunkHandling: "strict" } as const;
    const { length } = Uint8Array.fromBase64(text.slice("whsec_".length), options);
    return length >= 24 && length <= 64;
  } catch {
    return false;
  }
}

/** The secrets in a text that separates them by spaces or commas; `null` if one is invalid. */
export function parseSecrets(text: string): string[] | null {
  const secrets = text.split(/[\s,]+/).filter((part) => part !== "");
  const fit = secrets.length >= 1 && secrets.length <= MAX_SECRETS &&
    secrets.every(isSecret);
  return fit ? secrets : null;
}

/** What is wrong with `on`; `null` for nothing. */
export function eventsProblem(on: unknown): string | null {
  const known: readonly unknown[] = NOTIFY_EVENTS;
  const fits = Array.isArray(on) && on.length >= 1 && new Set(on).size === on.length &&
    on.every((event) => known.includes(event));
  return fits ? null : `must be a list of ${NOTIFY_EVENTS.join(", ")}, each at most once`;
}

/** What is wrong with `secret`, without repeating it; `null` for nothing. */
export function secretProblem(secret: unknown): string | null {
  if (typeof secret === "string" && parseSecrets(secret) !== null) return null;
  return `must be ${SECRET_SHAPE}; at most ${MAX_SECRETS}, separated by spaces`;
}

/** The stored form of a target, which must have been checked. */
export function storedTarget({ url, on = ENDS, secret }: NotifyTarget): StoredTarget {
  return { url: new URL(url).href, on, ...(secret === undefined ? {} : { secret }) };
}

const FIELDS = ["url", "on", "secret"];

/**
 * Reads the `notify` of a definition.
 *
 * @throws {TypeError} If it is invalid; the message names what is wrong.
 */
export function readTargets(kind: string, notify: unknown): readonly StoredTarget[] | undefined {
  if (notify === undefined) return undefined;
  const refuse = (field: string, problem: string) =>
    new TypeError(`Cannot define task '${kind}' as '${field}' ${problem}`);
  if (!Array.isArray(notify) || notify.length > MAX_TARGETS) {
    throw refuse("notify", `must be a list of at most ${MAX_TARGETS} targets`);
  }
  return notify.map((target: Record<string, unknown> | null, n) => {
    const field = `notify.${n}`;
    if (typeof target !== "object" || target === null) {
      throw refuse(field, "must be an object, such as { url, on }");
    }
    const unknown = Object.keys(target).find((name) => !FIELDS.includes(name));
    if (unknown !== undefined) throw refuse(`${field}.${unknown}`, "is not a known field");
    const { url, on, secret } = target;
    const problems = {
      url: urlProblem(url),
      on: on === undefined ? null : eventsProblem(on),
      secret: secret === undefined ? null : secretProblem(secret),
    };
    for (const [name, problem] of Object.entries(problems)) {
      if (problem !== null) throw refuse(`${field}.${name}`, problem);
    }
    return storedTarget(target as unknown as NotifyTarget);
  });
}

/** Whether a value from untrusted code is one that {@link readTargets} accepts. */
export function areTargets(value: unknown): boolean {
  try {
    readTargets("", value);
    return true;
  } catch {
    return false;
  }
}
