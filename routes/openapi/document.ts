/**
 * The description of the API [OpenAPI 3.1], made from the route table and the kinds there are.
 *
 * @module
 */

import { z } from "zod";
import type { Need } from "../../lib/http/principal.ts";
import type { Kind } from "../../lib/task/kind.ts";
import type { RouteTable } from "../route.ts";
import { NEW_TASK } from "../bodies.ts";
import type { Answer, Operation } from "./operation.ts";
import { OPERATIONS } from "./operations.ts";
import { DEMO_INPUT } from "./task_operations.ts";
import { SCHEMAS } from "./schemas.ts";

// deno-lint-ignore no-explicit-any -- JSON, as the standard shapes it
type Json = any;

export interface ApiParts {
  routes: RouteTable;
  kinds: readonly Kind[];
  version: string;
  /** Whether anything needs a token. */
  secured: boolean;
  /** The name of the cookie with the page's session. */
  cookie: string;
  /** What comes before each path, as `/jobs`. */
  root: string;
}

/** A description of an operation, with what is common to many. */
export interface DescribedOperation extends Operation {
  need: Need;
  params: string[];
}

/**
 * What the table and the words say together.
 *
 * @throws {TypeError} If there are no words for a route.
 */
export function describeOperation(path: string, method: string, need: Need): DescribedOperation {
  const words = OPERATIONS[`${method} ${path}`];
  if (!words) throw new TypeError(`There is no description of ${method} ${path}`);
  const params = [...path.matchAll(/:(\w+)/g)].map(([, name]) => name!);
  const problem = (text: string): Answer => [text, "Problem"];
  const common: Record<number, Answer> = {};
  if (words.body) common[400] = problem("The body or a header is wrong");
  if (words.body) common[408] = problem("The body did not arrive in time");
  if (words.body) common[413] = problem("The body is too large");
  if (words.body) {
    common[415] = problem("The Content-Encoding is not accepted: 'Accept-Encoding' says which are");
  }
  if (need !== "public") {
    common[401] = problem("The token is missing or not valid");
    common[403] = problem("The token does not allow this, or a page of another site asks");
    common[429] = problem("Too many wrong tokens: 'Retry-After' says when to try again");
  }
  if (params.includes("id")) common[404] = problem("There is no such task");
  if (method !== "GET") {
    common[403] = problem("The token does not allow this, or a page of another origin asks");
    common[429] = problem("Too many writes or wrong tokens: 'Retry-After' says when");
  }
  if (words.writes) common[503] = problem("The store takes no writes now: try again");
  return { ...words, need, params, answers: { ...common, ...words.answers } };
}

export function describeApi({ routes, kinds, version, secured, cookie, root }: ApiParts): Json {
  const paths: Json = {};
  for (const [path, methods] of routes) {
    const entries = Object.entries(methods).map(([method, [need]]) => [
      method.toLowerCase(),
      operationJson(describeOperation(path, method, need), secured, kinds),
    ]);
    paths[path.replace(/:(\w+)/g, "{$1}")] = Object.fromEntries(entries);
  }
  const inputs = kinds.map(({ kind, schema, description }) => [
    inputName(kind),
    {
      ...rebased(schema ?? {}, inputPath(kind)),
      description: description ?? kind,
    },
  ]);
  return {
    openapi: "3.1.0",
    info: {
      title: "Headway",
      version,
      description: "Durable background tasks with live progress. Errors are problems [RFC 9457].",
      license: { name: "MIT", identifier: "MIT" },
    },
    // Each path is appended to it, whose slash is its own.
    servers: [{ url: root || "/" }],
    paths,
    components: {
      schemas: { ...componentSchemas(), ...Object.fromEntries(inputs) },
      securitySchemes: {
        operator: { type: "http", scheme: "bearer", description: "A token of the operator" },
        session: { type: "apiKey", in: "cookie", name: cookie },
        task: {
          type: "apiKey",
          in: "query",
          name: "token",
          description:
            "The 'token' from the answer to a submit or POST /tokens; also works as a Bearer token. " +
            "A stream of several tasks takes one token for each, separated by commas",
        },
      },
    },
  };
}

/** Lists are separated by commas. */
const COMMAS = { style: "form", explode: false };

function operationJson(
  operation: DescribedOperation,
  secured: boolean,
  kinds: ApiParts["kinds"],
): Json {
  const { id, summary, description, need, params, query, headers, body, answers } = operation;
  const { required = [], path = {} } = operation;
  const within = (place: string, named: Record<string, z.ZodType> = {}) =>
    Object.entries(named).map(([name, type]) => {
      const { description, ...schema } = schemaJson(type);
      return {
        name,
        in: place,
        ...(required.includes(name) ? { required: true } : {}),
        ...(schema.type === "array" ? COMMAS : {}),
        schema,
        ...(description ? { description } : {}),
      };
    });
  return {
    operationId: id,
    summary,
    ...(description ? { description } : {}),
    ...(secured ? { security: securityOf(need) } : {}),
    "x-needs": need,
    parameters: [
      ...params.map((name) => ({
        name,
        in: "path",
        required: true,
        schema: path[name] ? schemaJson(path[name]) : { type: "string" },
      })),
      ...within("query", query),
      ...within("header", headers),
    ],
    ...(body
      ? { requestBody: { required: !operation.bodyOptional, content: bodyContent(body, kinds) } }
      : {}),
    responses: {
      ...Object.fromEntries(
        Object.entries(answers).map(([status, answer]) => [status, responseJson(answer)]),
      ),
      default: responseJson(["Any other error", "Problem"]),
    },
  };
}

function responseJson([description, body]: Answer): Json {
  if (!body) return { description };
  if (body.includes("/")) return { description, content: { [body]: {} } };
  const type = body === "Problem" ? "application/problem+json" : "application/json";
  return {
    description,
    content: { [type]: { schema: { $ref: `#/components/schemas/${body}` } } },
  };
}

function bodyContent(body: z.ZodType | "bytes", kinds: ApiParts["kinds"]): Json {
  if (body === "bytes") {
    const file = { type: "string", format: "binary", description: "The only file of the form" };
    const form = { type: "object", required: ["file"], properties: { file } };
    return { "application/octet-stream": {}, "multipart/form-data": { schema: form } };
  }
  if (body === DEMO_INPUT && kinds.some(({ kind }) => kind === "demo")) {
    return { "application/json": { schema: { $ref: inputPath("demo") } } };
  }
  const schema = schemaJson(body);
  if (body !== NEW_TASK) return { "application/json": { schema } };
  return { "application/json": { schema: newTaskSchema(schema, kinds) } };
}

/** Each kind with its own input, and what a schema cannot know by itself. */
function newTaskSchema(schema: Json, kinds: readonly Kind[]): Json {
  const oneOf = kinds.map(({ kind, required }) => ({
    title: kind,
    properties: { kind: { const: kind }, input: { $ref: inputPath(kind) } },
    ...(required ? { required: ["input"] } : {}),
  }));
  const both = ["delay_ms", "run_at"];
  return {
    ...schema,
    ...(oneOf.length > 0 ? { oneOf } : {}),
    not: {
      required: both,
      properties: Object.fromEntries(both.map((name) => [name, { not: { type: "null" } }])),
    },
  };
}

/** As a client may show it: the page's cookie opens what its token opens. */
function securityOf(need: Need): Json {
  if (need === "public") return [];
  const own = [{ operator: [] }, { session: [] }];
  return ["task", "tasks", "list"].includes(need) ? [...own, { task: [] }] : own;
}

function inputPath(kind: string): string {
  return `#/components/schemas/${inputName(kind)}`;
}

function inputName(kind: string): string {
  return `input.${kind}`;
}

/** A schema that refers to itself as the root of its document, put into another place of ours. */
function rebased(schema: Json, place: string): Json {
  const moved = JSON.parse(
    JSON.stringify(schema),
    (key, value) =>
      key === "$ref" && typeof value === "string" ? value.replace(/^#/, place) : value,
  );
  return withoutDialect(moved);
}

function schemaJson(type: z.ZodType): Json {
  return withoutDialect(z.toJSONSchema(type, { io: "input", unrepresentable: "any" }));
}

function componentSchemas(): Json {
  const registry = z.registry<{ id: string }>();
  for (const [name, type] of Object.entries(SCHEMAS)) registry.add(type, { id: name });
  const { schemas } = z.toJSONSchema(registry, { uri: (id) => `#/components/schemas/${id}` });
  return Object.fromEntries(
    Object.entries(schemas).map(([name, schema]) => {
      const { $id: _, ...rest } = withoutDialect(schema);
      return [name, rest];
    }),
  );
}

/** It is that of OpenAPI 3.1 all over. */
function withoutDialect(schema: Json): Json {
  const { $schema: _, ...rest } = schema;
  return rest;
}
