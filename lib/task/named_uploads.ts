/**
 * Which uploads a task's input names: each is kept for as long as the task waits or runs.
 *
 * @module
 */

import { ULID } from "./ulid.ts";

/** An upload that an input names, or may name. */
export interface NamedUpload {
  /** What stands there: an id, where it is right. */
  id: string;
  /**
   * Where, as `input.upload`, where the name of the property says that it is an upload; `null` where
   * only the text looks like an id.
   */
  field: string | null;
}

/** A property with this name, or one that ends in it, names an upload; the page asks for a file there. */
const UPLOAD_FIELD = /(^|_)upload$|[a-z]Upload$/;

/** And one with this name several. */
const UPLOADS_FIELD = /(^|_)uploads?$|[a-z]Uploads?$/;

/** Uploads that one task may name. */
export const MAX_UPLOADS = 100;

/** Few inputs name one. */
const MAY_NAME = /uploads?"|"[0-7][0-9A-HJKMNP-TV-Z]{25}"/i;

/** Finds them in an input's JSON text, each once, wherever they are. */
export function namedUploads(json: string | null): NamedUpload[] {
  if (json === null || !MAY_NAME.test(json)) return [];
  const found = new Map<string, NamedUpload>();
  const add = (id: string, field: string | null) => {
    if (found.get(id)?.field) return;
    if (field !== null || ULID.test(id)) found.set(id, { id, field });
  };
  // Not by recursion: JSON may be deeper than the stack.
  const rest: { value: unknown; path: string; named: boolean }[] = [
    { value: JSON.parse(json), path: "input", named: false },
  ];
  for (let at = rest.pop(); at; at = rest.pop()) {
    const { value, path, named } = at;
    // A form sends nothing where no file was chosen.
    if (typeof value === "string" && value !== "") add(value, named ? path : null);
    if (typeof value !== "object" || value === null) continue;
    for (const [key, inner] of Object.entries(value).reverse()) {
      const isNamed = Array.isArray(value)
        ? named
        : (Array.isArray(inner) ? UPLOADS_FIELD : UPLOAD_FIELD).test(key);
      rest.push({ value: inner, path: `${path}.${key}`, named: isNamed });
    }
  }
  return [...found.values()];
}
