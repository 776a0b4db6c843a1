/** How many bytes {@link readChunks} gives at once, at most. */
export const CHUNK_BYTES = 65_536;

/**
 * Reads a stream in chunks of at most `size` bytes, so that work on them can be interrupted even
 * where the stream gives larger ones. The chunks are views: use each before the next.
 * An abort interrupts a pending read; leaving the loop cancels the stream.
 *
 * @throws The signal's reason once it is aborted, and any error of the stream.
 */
export async function* readChunks(
  stream: ReadableStream<Uint8Array>,
  signal: AbortSignal,
  size = CHUNK_BYTES,
): AsyncGenerator<Uint8Array, void, void> {
  const reader = stream.getReader();
  // A canceled reader resolves its pending read as done; the loop then sees the signal.
  function abort(): void {
    reader.cancel(signal.reason).catch(() => {});
  }
  signal.addEventListener("abort", abort, { once: true });
  try {
    let reading = reader.read();
    for (;;) {
      signal.throwIfAborted();
      const { value, done } = await reading;
      signal.throwIfAborted();
      if (done) return;
      // Ask for the next one early, so that the source works while the caller does.
      reading = reader.read();
      reading.catch(() => {}); // reported when it is awaited
      for (let start = 0; start < value.length; start += size) {
        signal.throwIfAborted();
        yield value.subarray(start, start + size);
      }
    }
  } finally {
    signal.removeEventListener("abort", abort);
    // Nothing is left to do with a source that cannot even be canceled.
    await reader.cancel(signal.reason).catch(() => {});
  }
}
