/** The base path of Headway, with a slash at its end. A proxy may add a prefix to it. */
export const ROOT: string = rootPath();

/** The path below {@link ROOT} of what the server has at `path`, which begins with a slash. */
export function at(path: string): string {
  return ROOT + path.slice(1);
}

function rootPath(): string {
  const page = globalThis.document?.baseURI;
  if (page !== undefined) return URL.parse(".", page)?.pathname ?? "/";
  // The location of a worker is its script, which is in `static/`.
  const worker = (globalThis as { location?: { href: string } }).location?.href;
  return URL.parse("..", worker)?.pathname ?? "/";
}
