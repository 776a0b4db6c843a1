import { z } from "zod";
import { isDeeper, MAX_DEPTH } from "../lib/task/kind.ts";

/** The most characters of a schema times those of a value: about what the check costs. */
const MAX_COST = 64 * 1024 * 1024;

/**
 * Keywords that are left to the task itself: a task's code wrote them, and a pattern or a reference
 * may take for ever.
 */
const LEFT = new Set(["pattern", "format", "$ref", "$dynamicRef"]);

/** What is wrong with a value, by a JSON Schema given as text, as far as that can be told cheaply. */
export function signalIssue(
  schema: string | null,
  value: unknown,
  size: number,
): { field: string; message: string } | null {
  if (schema === null || schema.length * size > MAX_COST) return null;
  const plain = JSON.parse(schema, (key, part) => {
    // An object is the schema of a property of this name.
    if (LEFT.has(key) && typeof part === "string") return undefined;
    return key === "patternProperties" ? undefined : part;
  });
  if (isDeeper(plain, MAX_DEPTH)) return null;
  try {
    const result = z.fromJSONSchema(plain).safeParse(value);
    if (result.success) return null;
    const { path, message } = result.error.issues[0]!;
    return { field: ["signal", ...path].map(String).join(".").slice(0, 200), message };
  } catch {
    // It says something that only its own library can check.
    return null;
  }
}
