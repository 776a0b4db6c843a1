/**
 * Which uploads a task's input names: each is kept for as long as the task waits or runs.
 *
 * @module
 */

import { ULID } from "./ulid.ts";

/** An upload that an input names, or may name. */
export interface NamedUpload {
  /** The text in that place: the id of an upload if the input is correct. */
  id: string;
  /**
   * The path, such as `input.upload`, if the property's name says that it is an upload; `null` if only
   * the text looks like an id.
   */
  field: string | null;
}

/** A property whose name matches holds the id of an upload; the page's form asks for a file there. */
const UPLOAD_FIELD = /(^|_)upload$|[a-z]Upload$/;

/** The same for a property that holds a list of ids. */
const UPLOADS_FIELD = /(^|_)uploads?$|[a-z]Uploads?$/;

/** The most uploads that one task may name. */
export const MAX_UPLOADS = 100;

/** Few inputs name an upload: the others need not be parsed. */
const MAY_NAME = /uploads?"|"[0-7][0-9A-HJKMNP-TV-Z]{25}"/i;

/** Finds the uploads anywhere in an input's JSON text, each once. */
export function namedUploads(json: string | null): NamedUpload[] {
  if (json === null || !MAY_NAME.test(json)) return [];
  const found = new Map<string, NamedUpload>();
  const add = (id: string, field: string | null) => {
    if (found.get(id)?.field) return;
    if (field !== null || ULID.test(id)) found.set(id, { id, field });
  };
  // No recursion: JSON may be nested deeper than the stack allows.
  const rest: { value: unknown; path: string; named: boolean }[] = [
    { value: JSON.parse(json), path: "input", named: false },
  ];
  for (let at = rest.pop(); at; at = rest.pop()) {
    const { value, path, named } = at;
    // A form sends an empty text if no file was chosen.
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
