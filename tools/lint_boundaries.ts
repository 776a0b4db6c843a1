/**
 * A `deno lint` plugin that keeps the layers apart: which files may import which, which may touch
 * the process (the environment, the store, the listening socket, signals), and which have the
 * store's handle. It reads each file on its own, by its path from the project's root.
 *
 * @module
 */

import { relative, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { layerProblem } from "./layers.ts";

const ROOT = fileURLToPath(new URL("..", import.meta.url));

/** What few files do, so that every other module can be tested in a process it shares. */
const PROCESS_APIS = new Set([
  "openKv",
  "serve",
  "env",
  "addSignalListener",
  "removeSignalListener",
]);

/** The exceptions: a file, or a folder with its `/`, and the names it may use. */
const PROCESS_API_EXCEPTIONS: readonly (readonly [path: string, names: readonly string[]])[] = [
  ["embed/program.ts", ["env", "addSignalListener", "removeSignalListener"]],
  ["embed/open.ts", ["env"]],
  ["embed/with_kv.ts", ["openKv", "env", "addSignalListener"]],
  ["lib/child/main.ts", ["env"]],
  ["lib/http/listener.ts", ["serve"]],
  ["lib/kv/open_store.ts", ["openKv"]],
  ["lib/std/", [...PROCESS_APIS]],
];

/** Where an import leads: a file from the root, a package, or what only Deno and Node have. */
type Target =
  | { type: "file"; path: string }
  | { type: "npm" }
  | { type: "jsr" }
  | { type: "built-in" };

/** What of `lib/` a kind may use: the public face. */
const FOR_KINDS = "lib/mod.ts";

/** The layer of a file: the first of its path. `lib/kinds` and `static/client` are their own. */
type Layer = "kinds" | "lib" | "routes" | "client" | "static" | "free" | "root";

function layerOf(path: string): Layer {
  if (path.startsWith("lib/kinds/")) return "kinds";
  if (path.startsWith("static/client/")) return "client";
  const [top] = path.split("/");
  switch (top) {
    case "lib":
    case "routes":
    case "static":
      return top;
    case "deploy":
    case "examples":
    case "tests":
    case "tools":
      return "free";
    default:
      return "root";
  }
}

function targetOf(specifier: string, from: string): Target {
  if (specifier === "headway") return { type: "file", path: "lib/mod.ts" };
  if (specifier === "headway/testing") return { type: "file", path: "lib/testing/mod.ts" };
  if (specifier === "headway/client") return { type: "file", path: "static/client/client.ts" };
  if (specifier.startsWith("node:")) return { type: "built-in" };
  if (specifier.startsWith("jsr:") || specifier.startsWith("@std/")) return { type: "jsr" };
  if (specifier.startsWith("file:")) {
    return { type: "file", path: relative(ROOT, fileURLToPath(specifier)) };
  }
  if (/^\.{0,2}\//.test(specifier)) {
    return { type: "file", path: relative(ROOT, resolve(ROOT, from, "..", specifier)) };
  }
  return { type: "npm" };
}

/**
 * What a task process loads beside its module of kinds, and its tests do: with the configuration of
 * the project that these are from, whose import map knows none of our names.
 */
const IN_TASK_PROCESSES = ["lib/child/", "lib/task/", "lib/base/", "lib/testing/", "lib/mod.ts"];
/** The server's alone. */
const IN_THE_SERVER = ["lib/base/metrics.ts", "lib/base/scraped_metrics.ts"];

/** Whether a name means the same whatever the import map says. */
function isBare(specifier: string): boolean {
  return !/^(\.{0,2}\/|[a-z][a-z+.-]*:)/.test(specifier);
}

/** What of `tools/` is part of the program. */
const COMMANDS = "tools/commands.ts";

const CLIENT_ALONE =
  "static/client/ runs at other people's: it imports only itself and npm packages";
/** The public face of the server: its types are also the client's. */
const FACE_OF_SERVER = "lib/headway.ts";
/** What the client may take types from, since the build writes them into what is served. */
const CLIENT_TYPES = "lib/task/record.ts";

/** Why `from` must not import `specifier`; `undefined` where it may. */
export function importProblem(
  from: string,
  specifier: string,
  typeOnly: boolean,
): string | undefined {
  const layer = layerOf(from);
  if (layer === "free") return undefined;
  if (
    !typeOnly && isBare(specifier) && !IN_THE_SERVER.includes(from) &&
    IN_TASK_PROCESSES.some((place) => from.startsWith(place))
  ) {
    return "A task process imports nothing by a bare name: its import map is the user's";
  }
  const target = targetOf(specifier, from);
  if (target.type !== "file") {
    if (layer === "client" && target.type !== "npm") return CLIENT_ALONE;
    return layer === "static" && target.type !== "npm"
      ? "static/ runs in browsers: it imports only static/, npm packages and types from lib/"
      : undefined;
  }
  const to = layerOf(target.path);
  if (to === "free") {
    return from === "main.ts" && target.path === COMMANDS
      ? undefined
      : "Nothing outside tests/, tools/ and examples/ imports them";
  }
  switch (layer) {
    case "kinds":
      return to === "kinds" || target.path === FOR_KINDS
        ? undefined
        : 'A kind imports only "headway", its siblings and packages';
    case "lib":
      if (from === FACE_OF_SERVER && to === "client" && typeOnly) return undefined;
      return to === "lib" || to === "kinds"
        ? layerProblem(from, target.path)
        : "lib/ imports only lib/ and packages: hand it what it needs as an argument";
    case "routes":
      return to === "lib" || to === "kinds" || to === "routes"
        ? undefined
        : "routes/ imports only lib/, routes/ and packages";
    case "client":
      return to === "client" || (typeOnly && target.path === CLIENT_TYPES)
        ? undefined
        : CLIENT_ALONE;
    case "static":
      if (to === "static" || to === "client" || (typeOnly && (to === "lib" || to === "kinds"))) {
        return undefined;
      }
      return to === "lib" || to === "kinds"
        ? "static/ imports only types from lib/: write `import type`"
        : "static/ runs in browsers: it imports only static/, npm packages and types from lib/";
    case "root":
      return undefined;
  }
}

/** Whether a file may use `Deno[name]`. */
export function mayUse(path: string, name: string): boolean {
  if (layerOf(path) === "free" || !PROCESS_APIS.has(name)) return true;
  return PROCESS_API_EXCEPTIONS.some(([place, names]) =>
    names.includes(name) && (place.endsWith("/") ? path.startsWith(place) : path === place)
  );
}

/** `Deno` itself, also as `globalThis.Deno`. */
function isDeno(node: Deno.lint.Node | null | undefined): boolean {
  if (node?.type === "Identifier") return node.name === "Deno";
  return node?.type === "MemberExpression" && node.property.type === "Identifier" &&
    node.property.name === "Deno";
}

/** The name of a property written as `x.name`, `x["name"]` or `{ name }`; else `undefined`. */
function nameOf(node: Deno.lint.Node): string | undefined {
  if (node.type === "Identifier") return node.name;
  return node.type === "Literal" && typeof node.value === "string" ? node.value : undefined;
}

const imports: Deno.lint.Rule = {
  create(context) {
    const from = relative(ROOT, context.filename);
    function check(node: Deno.lint.Node, specifier: unknown, typeOnly: boolean): void {
      if (typeof specifier !== "string") return;
      const message = importProblem(from, specifier, typeOnly);
      if (message !== undefined) context.report({ node, message: `${message}: ${specifier}` });
    }
    return {
      ImportDeclaration: (node) => check(node, node.source.value, node.importKind === "type"),
      ExportAllDeclaration: (node) => check(node, node.source.value, node.exportKind === "type"),
      ExportNamedDeclaration: (node) => check(node, node.source?.value, node.exportKind === "type"),
      ImportExpression: (node) =>
        check(node, node.source.type === "Literal" ? node.source.value : undefined, false),
      TSImportType: (node) =>
        check(
          node,
          node.argument.type === "TSLiteralType" && node.argument.literal.type === "Literal"
            ? node.argument.literal.value
            : undefined,
          true,
        ),
    };
  },
};

const process: Deno.lint.Rule = {
  create(context) {
    const path = relative(ROOT, context.filename);
    function check(node: Deno.lint.Node, name: string | undefined): void {
      if (name === undefined || mayUse(path, name)) return;
      const files = PROCESS_API_EXCEPTIONS
        .filter(([place, names]) => !place.endsWith("/") && names.includes(name))
        .map(([place]) => place);
      context.report({
        node,
        message: `Only ${
          files.join(" and ")
        } uses Deno.${name}: hand the value down as an argument`,
      });
    }
    return {
      MemberExpression(node): void {
        if (isDeno(node.object)) check(node, nameOf(node.property));
      },
      VariableDeclarator(node): void {
        if (!isDeno(node.init) || node.id.type !== "ObjectPattern") return;
        for (const property of node.id.properties) {
          if (property.type === "Property") check(property, nameOf(property.key));
        }
      },
    };
  },
};

/** Routes ask those who know what is in the store. */
const store: Deno.lint.Rule = {
  create(context) {
    if (layerOf(relative(ROOT, context.filename)) !== "routes") return {};
    const message = "A route has no handle of the store: ask the part of the engine that knows it";
    return {
      MemberExpression(node): void {
        if (nameOf(node.property) === "kv") context.report({ node, message });
      },
      Property(node): void {
        if (nameOf(node.key) === "kv") context.report({ node, message });
      },
    };
  },
};

const plugin: Deno.lint.Plugin = { name: "boundaries", rules: { imports, process, store } };

export default plugin;
