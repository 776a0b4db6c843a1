import { fileURLToPath } from "node:url";

/**
 * The folder that Headway's own files lie in; `null` where they are no files of this machine, as of a
 * package that Deno loads by its address.
 */
export const PROJECT: string | null = import.meta.url.startsWith("file:")
  ? fileURLToPath(new URL("../../", import.meta.url))
  : null;
