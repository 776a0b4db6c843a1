/**
 * The cookie that holds a session of the page.
 *
 * Browsers keep cookies by host, whatever the port, so a name of its own for each store keeps two
 * Headways on one host apart. It is the store's and not the port's: processes of one store share
 * their sessions on whatever ports they listen, and a proxy may put another port into the Host.
 *
 * @module
 */

/** Cookies of the name that are tried: each costs a signature, and anybody may have planted some. */
const MAX_TRIED = 8;

/** See the module. */
export class SessionCookie {
  readonly #store: string;

  /** Takes what tells the store from others, in characters that a cookie's name may have. */
  constructor(store: string) {
    this.#store = store;
  }

  /** Over TLS a name that no other host, and no page without TLS, can set [RFC 6265bis, 4.1.3.2]. */
  name(secure: boolean): string {
    return `${secure ? "__Host-" : ""}headway-${this.#store}`;
  }

  /** What a `Cookie` header holds under the name, each once and only so many of them. */
  read(header: string | null, secure: boolean): string[] {
    const before = `${this.name(secure)}=`;
    const values = new Set<string>();
    for (const pair of header?.split(";") ?? []) {
      const text = pair.trim();
      if (!text.startsWith(before) || text.length === before.length) continue;
      values.add(text.slice(before.length));
      if (values.size === MAX_TRIED) break;
    }
    return [...values];
  }

  /** A `Set-Cookie` header; an empty value for no seconds takes the cookie back. */
  set(value: string, secure: boolean, seconds: number): string {
    const attributes = `Path=/; Max-Age=${seconds}; HttpOnly; SameSite=Strict`;
    return `${this.name(secure)}=${value}; ${attributes}${secure ? "; Secure" : ""}`;
  }
}
