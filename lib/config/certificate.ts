/**
 * The certificate a server shows, from two files.
 *
 * @module
 */

import { createPrivateKey, X509Certificate } from "node:crypto";
import { ConfigError } from "./config.ts";

/** A certificate with its chain, and the private key: as PEM. */
export interface Certificate {
  /** See {@link Certificate}. */
  cert: string;
  /** See {@link Certificate}. */
  key: string;
}

/**
 * Reads them.
 *
 * @param certFile `null` for plain HTTP.
 * @throws {ConfigError} If only one is named, or what is named is none.
 */
export async function readCertificate(
  certFile: string | null,
  keyFile: string | null,
): Promise<Certificate | null> {
  if (certFile === null && keyFile === null) return null;
  const cert = await readPem("HEADWAY_TLS_CERT", certFile, "CERTIFICATE");
  const key = await readPem("HEADWAY_TLS_KEY", keyFile, "PRIVATE KEY");
  let fits: boolean;
  try {
    fits = new X509Certificate(cert).checkPrivateKey(createPrivateKey(key));
  } catch (error) {
    throw new ConfigError(
      `HEADWAY_TLS_CERT and HEADWAY_TLS_KEY cannot be used: ${(error as Error).message}`,
    );
  }
  if (!fits) {
    throw new ConfigError("HEADWAY_TLS_KEY must be the key of HEADWAY_TLS_CERT: it is another's");
  }
  return { cert, key };
}

async function readPem(variable: string, path: string | null, what: string): Promise<string> {
  if (path === null) throw new ConfigError(`${variable} is missing: TLS needs both files`);
  const text = await Deno.readTextFile(path).catch((error) => {
    throw new ConfigError(`${variable} cannot be read: ${error.message}`);
  });
  const pem = new RegExp(`^-----BEGIN (\\w+ )?${what}-----`, "m");
  if (pem.test(text)) return text;
  throw new ConfigError(`${variable} must be a PEM file with a '${what}': ${path} has none`);
}
