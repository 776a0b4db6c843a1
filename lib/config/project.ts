import { fileURLToPath } from "node:url";

/**
 * The folder of Headway's own files; `null` if they are not files of this machine, as in a package that
 * Deno loads from a URL.
 */
export const PROJECT: string | null = import.meta.url.startsWith("file:")
  ? fileURLToPath(new URL("../../", import.meta.url))
  : null;
