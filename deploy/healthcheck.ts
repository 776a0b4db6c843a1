/**
 * Whether the Headway of this machine answers, as an exit code: for containers, which have no curl.
 * It asks at HEADWAY_OPS_PORT, where processes of every role answer, whatever the base path.
 *
 * @module
 */

/** Less than Docker's own. */
const PATIENCE_MS = 4000;

async function answers(): Promise<boolean> {
  const scheme = Deno.env.get("HEADWAY_TLS_CERT") ? "https" : "http";
  const url = `${scheme}://127.0.0.1:${Deno.env.get("HEADWAY_OPS_PORT") || 8001}/healthz`;
  try {
    const response = await fetch(url, { signal: AbortSignal.timeout(PATIENCE_MS) });
    await response.body?.cancel();
    // 421: it goes by other names than 127.0.0.1 (HEADWAY_HOSTS), and lives.
    return response.ok || response.status === 421;
  } catch (error) {
    // So does its certificate.
    return /peer certificate/.test(`${error} ${(error as Error).cause}`);
  }
}

Deno.exit(await answers() ? 0 : 1);
