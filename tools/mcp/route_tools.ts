/**
 * Tools made from routes, by the server's own OpenAPI document: their names, descriptions and
 * schemas are those of the document. Pure, except for the call.
 *
 * @module
 */

import type { Tool } from "@modelcontextprotocol/server";
import type { Api } from "../run/api.ts";

/** What of an OpenAPI document is read here. */
export interface OpenApi {
  paths: Record<string, Record<string, Operation>>;
}

interface Operation {
  operationId: string;
  summary: string;
  description?: string;
  parameters: Parameter[];
  requestBody?: { required: boolean; content: Record<string, { schema?: Schema }> };
}

interface Parameter {
  name: string;
  in: "path" | "query" | "header";
  required?: boolean;
  schema: Schema;
  description?: string;
}

interface Schema extends Record<string, unknown> {
  type?: string;
}

export interface RouteTool {
  tool: Tool;
  call(api: Api, args: Record<string, unknown>, signal: AbortSignal): Promise<unknown>;
}

/** Operations that are tools. What deletes, hands out tokens or is of use to operators is not. */
const OFFERED = new Set([
  "listTasks",
  "countTasks",
  "getTask",
  "getDetails",
  "listEvents",
  "listArtifacts",
  "cancelTask",
  "retryTask",
  "sendSignal",
]);

/** Where a body goes that is not an object with known fields. */
const BODY = "body";

export function routeTools({ paths }: OpenApi): RouteTool[] {
  return Object.entries(paths).flatMap(([path, methods]) =>
    Object.entries(methods)
      .filter(([, { operationId }]) => OFFERED.has(operationId))
      .map(([method, operation]) => routeTool(path, method.toUpperCase(), operation))
  );
}

function routeTool(path: string, method: string, operation: Operation): RouteTool {
  const { operationId, summary, description, requestBody } = operation;
  const parameters = operation.parameters.filter((parameter) => parameter.in !== "header");
  const body = requestBody?.content["application/json"]?.schema;
  const required = parameters.filter((it) => it.required).map(({ name }) => name);
  const inputSchema = {
    type: "object",
    properties: {
      ...Object.fromEntries(
        parameters.map(({ name, schema, description }) => [
          name,
          description ? { ...schema, description } : schema,
        ]),
      ),
      ...(body === undefined ? {} : { [BODY]: body }),
    },
    ...(required.length > 0 ? { required } : {}),
  };
  const tool: Tool = {
    name: operationId.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`),
    description: description === undefined ? summary : `${summary}. ${description}`,
    inputSchema: inputSchema as Tool["inputSchema"],
    annotations: {
      readOnlyHint: method === "GET",
      ...(operationId === "cancelTask" ? { destructiveHint: true, idempotentHint: true } : {}),
    },
  };
  return {
    tool,
    call: (api, args, signal) => {
      const sends = body !== undefined && args[BODY] !== undefined;
      return api.json(addressOf(path, parameters, args), {
        method,
        signal,
        ...(sends
          ? { body: JSON.stringify(args[BODY]), headers: { "content-type": "application/json" } }
          : {}),
      });
    },
  };
}

function addressOf(
  path: string,
  parameters: readonly Parameter[],
  args: Record<string, unknown>,
): string {
  const query = new URLSearchParams();
  let at = path;
  for (const { name, in: place } of parameters) {
    const value = args[name];
    // Without it the path is another one, which nothing answers but a sentence that names it.
    if (place === "path") at = at.replace(`{${name}}`, encodeURIComponent(textOf(value) || "-"));
    else if (value !== undefined && value !== null) query.set(name, textOf(value));
  }
  return query.size === 0 ? at : `${at}?${query}`;
}

/** Lists are separated by commas. */
function textOf(value: unknown): string {
  if (Array.isArray(value)) return value.map(textOf).join(",");
  return typeof value === "string" ? value : JSON.stringify(value) ?? "";
}
