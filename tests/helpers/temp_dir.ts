/** A directory that is removed, with its content, when its scope ends. */
export interface TempDir extends AsyncDisposable {
  /** Its absolute path. */
  path: string;
}

/** Makes an empty directory: `await using directory = await tempDir()`. */
export async function tempDir(): Promise<TempDir> {
  const path = await Deno.makeTempDir({ prefix: "headway-" });
  return {
    path,
    async [Symbol.asyncDispose](): Promise<void> {
      try {
        await Deno.remove(path, { recursive: true });
      } catch (error) {
        // The test may have removed it itself.
        if (!(error instanceof Deno.errors.NotFound)) throw error;
      }
    },
  };
}
