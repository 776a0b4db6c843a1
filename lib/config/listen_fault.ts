import { ConfigError } from "./config.ts";

/**
 * Explains why an address cannot be listened at, and what to do; returns any other error as it is.
 *
 * @param variable The setting that names the port.
 */
export function listenFault(
  error: unknown,
  variable: string,
  host: string,
  port: number,
): unknown {
  if (error instanceof Deno.errors.AddrInUse) {
    const sentence = `Port ${port} of ${host} is in use by another program: stop that, or set ` +
      `${variable} to another port`;
    return new Deno.errors.AddrInUse(sentence, { cause: error });
  }
  if (error instanceof Deno.errors.AddrNotAvailable) {
    return new ConfigError(`HEADWAY_HOST must be an address of this machine: ${host} is not`);
  }
  if (error instanceof Deno.errors.PermissionDenied) {
    return new ConfigError(
      `${variable} must be a port that this user may listen on: ${port} is not`,
    );
  }
  return error;
}
