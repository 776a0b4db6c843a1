/**
 * One tool for each kind, as it is offered to a model. Pure.
 *
 * @module
 */

import type { Tool } from "@modelcontextprotocol/server";

/** A kind, as `GET /kinds` tells of it. */
export interface KnownKind {
  kind: string;
  description: string | null;
  /** JSON Schema; `null` where anything goes. */
  input: unknown;
  unavailable: string | null;
}

export interface KindTool {
  kind: string;
  tool: Tool;
  /** The task's input, as a call's arguments have it; `undefined` for none. */
  inputOf(args: Record<string, unknown>): unknown;
}

/** Kinds with a tool of their own: each is text that a model reads with every question. */
export const MAX_KINDS = 100;

/** Characters of a name that every client takes. */
const MAX_NAME = 64;

/** Characters of a schema that is shown. The server checks inputs by all of it. */
const MAX_SCHEMA = 16 * 1024;

const MAX_DESCRIPTION = 1000;

/** The first kinds by name, so that they stay the same while others come and go. */
export function kindTools(kinds: readonly KnownKind[]): KindTool[] {
  const sorted = kinds.toSorted((a, b) => a.kind < b.kind ? -1 : 1).slice(0, MAX_KINDS);
  const names = sorted.map(({ kind }) => plainName(kind));
  return sorted.map((known, n) => {
    const name = names[n]!;
    const taken = names.indexOf(name) !== names.lastIndexOf(name);
    return kindTool(known, taken || name.length > MAX_NAME ? ownName(known.kind) : name);
  });
}

function plainName(kind: string): string {
  return `submit_${kind.replace(/[^A-Za-z0-9_-]/g, "_")}`;
}

/** Another one for each kind: what it has of the kind's own name may be another's, too. */
function ownName(kind: string): string {
  let hash = 0x811c9dc5;
  for (const character of kind) {
    hash = Math.imul(hash ^ character.codePointAt(0)!, 0x01000193) >>> 0;
  }
  const end = `_${hash.toString(16).padStart(8, "0")}`;
  return plainName(kind).slice(0, MAX_NAME - end.length) + end;
}

function kindTool({ kind, description, input, unavailable }: KnownKind, name: string): KindTool {
  const shown = isObject(input) && JSON.stringify(input).length <= MAX_SCHEMA ? input : {};
  // Arguments are an object, and so the root of their schema has to say: a union of two is none.
  const whole = shown.type === "object" && !("$ref" in shown);
  const inputSchema = whole || input === null ? { type: "object", ...shown } : {
    type: "object",
    properties: { input: below("#/properties/input", shown) },
    required: ["input"],
  };
  const does = (description ?? "").slice(0, MAX_DESCRIPTION);
  const text = [
    `Starts a task of the kind '${kind}' and waits for it.${does === "" ? "" : ` ${does}`}`,
    ...(unavailable === null ? [] : [`Unavailable now: ${unavailable.slice(0, MAX_DESCRIPTION)}`]),
  ].join("\n");
  return {
    kind,
    tool: { name, title: kind, description: text, inputSchema: inputSchema as Tool["inputSchema"] },
    inputOf: (args) => {
      if (whole) return args;
      if (input === null) return Object.keys(args).length === 0 ? undefined : args;
      return args.input;
    },
  };
}

/** A schema that is no longer the root that it refers to. */
function below(place: string, schema: object): unknown {
  return JSON.parse(
    JSON.stringify(schema),
    (key, value) =>
      key === "$ref" && typeof value === "string" ? value.replace(/^#/, place) : value,
  );
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
