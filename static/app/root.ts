/** The path under which Headway is, with a slash at its end: a proxy may have put something before it. */
export const ROOT: string = rootPath();

/** Where something of the server's is, by its path there. */
export function at(path: string): string {
  return ROOT + path.slice(1);
}

function rootPath(): string {
  const page = globalThis.document?.baseURI;
  if (page !== undefined) return URL.parse(".", page)?.pathname ?? "/";
  // A worker is at the address of its program, which is in `static/`.
  const worker = (globalThis as { location?: { href: string } }).location?.href;
  return URL.parse("..", worker)?.pathname ?? "/";
}
