/**
 * Content negotiation by the `Accept` header (RFC 9110 §12.5.1), over `npm:negotiator`.
 *
 * @module
 */

// @ts-types="npm:@types/negotiator@^0.6.5"
// deno-lint-ignore no-import-prefix -- a package of its own, whose deno.json names no imports
import Negotiator from "npm:negotiator@^1.1.0";

/** The media types a request accepts, best first; anything without an `Accept` header. */
export function accepts(request: Pick<Request, "headers">): string[];
/**
 * The best of `types` for a request; the first without an `Accept` header; `undefined` when it
 * accepts none of them. Among equals the order in the header decides. `q=0` means "not this one".
 */
export function accepts<T extends string = string>(
  request: Pick<Request, "headers">,
  ...types: T[]
): T | undefined;
export function accepts(
  request: Pick<Request, "headers">,
  ...types: string[]
): string | string[] | undefined {
  const accept = request.headers.get("accept") || "*/*";
  const negotiator = new Negotiator({ headers: { accept } });
  return types.length === 0 ? negotiator.mediaTypes() : negotiator.mediaTypes(types)[0];
}

/** The languages a request accepts, best first; any without an `Accept-Language` header. */
export function acceptsLanguages(request: Pick<Request, "headers">): string[];
/**
 * The best of `langs` for a request; the first without an `Accept-Language` header; `undefined`
 * when it accepts none of them.
 */
export function acceptsLanguages(
  request: Pick<Request, "headers">,
  ...langs: string[]
): string | undefined;
export function acceptsLanguages(
  request: Pick<Request, "headers">,
  ...langs: string[]
): string | string[] | undefined {
  const language = request.headers.get("accept-language") || "*";
  const negotiator = new Negotiator({ headers: { "accept-language": language } });
  return langs.length === 0 ? negotiator.languages() : negotiator.languages(langs)[0];
}
