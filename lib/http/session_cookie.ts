/**
 * The cookie that holds a session of the page.
 *
 * Browsers keep cookies by host, whatever the port, so each store has its own cookie name to keep two
 * Headways on one host apart. The name does not depend on the port: processes of one store share
 * their sessions on whatever ports they listen, and a proxy may put another port into the Host.
 *
 * @module
 */

/** The requests that a cookie is for. */
export interface CookieScope {
  /** Whether the client speaks HTTPS to this server, or to the proxy in front of it. */
  secure: boolean;
  /** The path below which it is sent, with a slash at its end. */
  path: string;
}

/** Most cookies that are tried: each costs a signature check, and anybody may have set some. */
const MAX_TRIED = 8;

export class SessionCookie {
  readonly #store: string;

  /** @param store Names the store, in characters that a cookie's name may have. */
  constructor(store: string) {
    this.#store = store;
  }

  /**
   * The cookie's name. Its prefix over TLS keeps pages without TLS from setting it, and other hosts
   * from setting it for the whole of this host [RFC 6265bis, 4.1.3].
   */
  name({ secure, path }: CookieScope): string {
    const prefix = path === "/" ? "__Host-" : "__Secure-";
    return `${secure ? prefix : ""}headway-${this.#store}`;
  }

  read(header: string | null, scope: CookieScope): string[] {
    const before = `${this.name(scope)}=`;
    const values = new Set<string>();
    for (const pair of header?.split(";") ?? []) {
      const text = pair.trim();
      if (!text.startsWith(before) || text.length === before.length) continue;
      values.add(text.slice(before.length));
      if (values.size === MAX_TRIED) break;
    }
    return [...values];
  }

  /** A `Set-Cookie` header. An empty value for 0 seconds removes the cookie. */
  set(value: string, scope: CookieScope, seconds: number): string {
    const attributes = `Path=${scope.path}; Max-Age=${seconds}; HttpOnly; SameSite=Strict`;
    return `${this.name(scope)}=${value}; ${attributes}${scope.secure ? "; Secure" : ""}`;
  }
}
