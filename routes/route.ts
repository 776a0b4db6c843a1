/**
 * What a route is.
 *
 * @module
 */

import type { Need } from "../lib/http/principal.ts";
import type { Reach } from "../lib/http/origin.ts";
import type { App, RouteContext } from "./app.ts";

export type Route = (app: App, context: RouteContext) => Response | Promise<Response>;

/** By method: what it needs, what answers it, and which pages may read it beside our own. */
export type Methods = Record<string, readonly [need: Need, route: Route, reach?: Reach]>;

export type RouteTable = readonly (readonly [path: string, methods: Methods])[];
