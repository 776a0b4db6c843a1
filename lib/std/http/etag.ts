/**
 * Entity tags (RFC 9110 §8.8.3).
 *
 * @module
 */

import { Buffer } from "node:buffer";

export interface ETagOptions {
  /** The digest. @default {"SHA-256"} */
  algorithm?: AlgorithmIdentifier;
  /** Marks the tag as weak: the same meaning, not the same bytes. @default {false} */
  weak?: boolean;
}

/** The entity tag of a text or of bytes: the length in hex, `-`, and a digest. With its quotes. */
export async function eTag(
  entity: string | Uint8Array<ArrayBuffer>,
  { algorithm = "SHA-256", weak = false }: ETagOptions = {},
): Promise<string> {
  const bytes = typeof entity === "string" ? new TextEncoder().encode(entity) : entity;
  // The tag of nothing is the same whatever the algorithm.
  const digest = await crypto.subtle.digest(bytes.length === 0 ? "SHA-256" : algorithm, bytes);
  const tag = `${bytes.length.toString(16)}-${Buffer.from(digest).toString("base64").slice(0, 27)}`;
  return weak ? `W/"${tag}"` : `"${tag}"`;
}

/**
 * Whether the request should be served in full: `false` when the value of `If-None-Match` is `*` or
 * lists the tag, by weak comparison. Without a header or a tag there is nothing to match: `true`.
 */
export function ifNoneMatch(value: string | null, etag: string | undefined): boolean {
  if (!value || !etag) return true;
  if (value.trim() === "*") return false;
  return !value.split(",").some((tag) => opaque(tag.trim()) === opaque(etag));
}

function opaque(tag: string): string {
  return tag.startsWith("W/") ? tag.slice(2) : tag;
}
