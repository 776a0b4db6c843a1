/**
 * The server's TLS certificate and its private key, read from two files.
 *
 * @module
 */

import { createPrivateKey, X509Certificate } from "node:crypto";
import { ConfigError } from "./config.ts";

/** PEM texts; `cert` holds the whole chain. */
export interface Certificate {
  cert: string;
  key: string;
}

/**
 * @returns `null` for plain HTTP, when neither file is named.
 * @throws {ConfigError} If only one is named, a file is not PEM, or the key does not fit.
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
    throw new ConfigError(
      "HEADWAY_TLS_KEY must be the key of HEADWAY_TLS_CERT: it belongs to another certificate",
    );
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
