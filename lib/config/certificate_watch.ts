import type { Logger } from "../base/log.ts";
import { type Certificate, readCertificate } from "./certificate.ts";

export interface CertificateWatchOptions {
  tlsCert: string | null;
  tlsKey: string | null;
  /** The certificate that is in use. */
  current: Certificate;
  log: Logger;
}

/** Milliseconds between two looks. Whoever renews a certificate does so weeks before its end. */
const LOOK_MS = 60_000;

/**
 * Checks from time to time whether the certificate's files hold another one. One that cannot be used
 * changes nothing, and is logged once: the key may be written a moment after its certificate.
 */
export class CertificateWatch implements Disposable {
  readonly #options: CertificateWatchOptions;
  readonly #onrenewed: (certificate: Certificate) => void;
  readonly #timer: ReturnType<typeof setInterval>;
  #current: Certificate;
  #told = "";

  constructor(
    options: CertificateWatchOptions,
    onrenewed: (certificate: Certificate) => void,
    everyMs = LOOK_MS,
  ) {
    this.#options = options;
    this.#current = options.current;
    this.#onrenewed = onrenewed;
    this.#timer = setInterval(() => void this.look(), everyMs);
  }

  /** Never rejects. */
  async look(): Promise<void> {
    const { tlsCert, tlsKey, log } = this.#options;
    try {
      const found = await readCertificate(tlsCert, tlsKey);
      this.#told = "";
      const { cert, key } = this.#current;
      if (found === null || (found.cert === cert && found.key === key)) return;
      this.#current = found;
      this.#onrenewed(found);
      log.info("the certificate was renewed: new connections get it");
    } catch (error) {
      const { message } = error as Error;
      if (message !== this.#told) {
        log.error("the certificate could not be renewed: the old one stays in use", {
          error: message,
        });
      }
      this.#told = message;
    }
  }

  [Symbol.dispose](): void {
    clearInterval(this.#timer);
  }
}
