/**
 * The description of the API as a page: plain HTML, which loads nothing from elsewhere.
 *
 * @module
 */

// deno-lint-ignore no-explicit-any -- OpenAPI and JSON Schema, as the standards shape them
type Json = any;

/** Text that is markup already. */
class Html {
  constructor(readonly text: string) {}
}

/** Markup with values in it, which are text unless they are markup. */
function html(parts: TemplateStringsArray, ...values: unknown[]): Html {
  let text = parts[0]!;
  for (const [n, value] of values.entries()) text += markup(value) + parts[n + 1];
  return new Html(text);
}

function markup(value: unknown): string {
  if (value instanceof Html) return value.text;
  if (Array.isArray(value)) return value.map(markup).join("");
  if (value === null || value === undefined || value === false) return "";
  return String(value).replace(/[&<>"']/g, (sign) => `&#${sign.charCodeAt(0)};`);
}

export function renderDocs(document: Json): string {
  const { info, servers: [{ url }], paths, components: { schemas } } = document;
  const operations = Object.entries<Json>(paths).flatMap(([path, methods]) =>
    Object.entries<Json>(methods).map(([method, operation]) => ({
      path,
      method: method.toUpperCase(),
      ...operation,
    }))
  );
  const kinds = Object.keys(schemas).filter((name) => name.startsWith("input."));
  const shapes = Object.keys(schemas).filter((name) => !name.startsWith("input."));
  return markup(html`
    <!DOCTYPE html>
    <html lang="en">
      <head>
        <meta charset="utf-8">
        <meta name="viewport" content="width=device-width, initial-scale=1">
        <meta name="color-scheme" content="light dark">
        <title>Headway: the HTTP API</title>
        <link rel="icon" href="static/icon.svg" type="image/svg+xml">
        <link rel="stylesheet" href="static/base.css">
        <link rel="stylesheet" href="static/docs.css">
      </head>
      <body class="docs">
        <main>
    <header>
    <h1>${info.title} <small>${info.version}</small></h1>
    <p>${info.description} For programs: <a href="openapi.json">openapi.json</a>.
    <a href="./">To the tasks</a>.</p>
    ${url !== "/" && html`<p>All paths are below <code>${url}</code>.</p>`}
    </header>
    <nav aria-label="Contents"><ol>${operations.map(contentsEntry)}</ol></nav>
    <h2>Requests</h2>
    ${operations.map(renderOperation)}
    <h2>Kinds</h2>
    <p>What <code>POST /tasks</code> takes as <code>input</code>.</p>
    ${kinds.map((name) => renderSchema(name, name.slice("input.".length), schemas[name]))}
    <h2>Shapes</h2>
    ${shapes.map((name) => renderSchema(name, name, schemas[name]))}
        </main>
      </body>
    </html>
  `);
}

function contentsEntry({ method, path, operationId, summary }: Json): Html {
  return html`<li><a href="#${operationId}"><b class="method ${method}">${method}</b>
<code>${path}</code></a> <span>${summary}</span></li>`;
}

function renderOperation(operation: Json): Html {
  const { method, path, operationId, summary, description, parameters, requestBody } = operation;
  const [[type, content] = []] = Object.entries<Json>(requestBody?.content ?? {});
  const body = content?.schema;
  const needs = operation["x-needs"];
  return html`<section id="${operationId}">
<h3><b class="method ${method}">${method}</b> <code>${path}</code></h3>
<p>${summary}. ${description}
<span class="needs">${NEEDS[needs] ?? `Needs the scope '${needs}'.`}</span></p>
${parameters.length > 0 && table("Parameters", parameters.map(parameterRow))}
${
    type && !body?.properties && html`<p>The body is <code>${type}</code>.
${body?.description}</p>`
  }
${body?.properties && table("Body", propertyRows(body))}
${table("Answers", Object.entries(operation.responses).map(answerRow))}
</section>`;
}

const NEEDS: Record<string, string> = {
  public: "Open to all.",
  any: "Needs any token.",
  task: "Needs the scope 'read', the task's own token, or to have submitted it.",
  tasks:
    "Needs the scope 'read', tokens of all the tasks that 'ids' names, or 'submit': own tasks.",
  list: "Needs the scope 'read', or 'submit': own tasks.",
  own: "Needs the scope 'admin', or to have submitted it.",
  schedule: "Needs the scope 'admin', or to have made it.",
};

type Row = readonly [name: unknown, type: unknown, about: unknown];

function table(caption: string, rows: readonly Row[]): Html {
  return html`
    <div class="scroll">
      <table>
        <caption>${caption}</caption>
        <tbody>
    ${rows.map(([name, type, about]) =>
      html`
        <tr>
          <th scope="row">${name}</th>
          <td>${type}</td>
          <td>${about}</td>
        </tr>
      `
    )}</tbody>
      </table>
    </div>
  `;
}

function parameterRow({ name, in: place, required, schema, description }: Json): Row {
  const type = html`${typeOf(schema)} <small>${place}</small>`;
  return [html`<code>${name}</code>${required && "*"}`, type, describe({ ...schema, description })];
}

function answerRow([status, { description, content = {} }]: [string, Json]): Row {
  const [[type, media] = []] = Object.entries<Json>(content);
  return [status, media?.schema ? typeOf(media.schema) : type, description];
}

function propertyRows({ properties, required = [] }: Json): Row[] {
  return Object.entries<Json>(properties).map(([name, schema]) => [
    html`<code>${name}</code>${required.includes(name) && "*"}`,
    typeOf(schema),
    describe(schema),
  ]);
}

function renderSchema(id: string, name: string, schema: Json): Html {
  const { properties, description } = schema;
  return html`<section id="${id}"><h3><code>${name}</code></h3>
${description && html`<p>${description}.</p>`}
${
    properties && Object.keys(properties).length > 0
      ? table("Fields", propertyRows(schema))
      : html`<p>Any JSON.</p>`
  }</section>`;
}

/** What a schema lets through, in a few words. */
function typeOf(schema: Json): Html | string {
  const { $ref, type, items, anyOf, enum: values, properties, format } = schema;
  if ($ref) {
    const [name, ...within] = $ref.slice("#/components/schemas/".length).split("/");
    if (within.length > 0) return within.at(-1)!.replace(/^__\w+$/, "any JSON");
    return html`<a href="#${name}">${name.replace(/^input\./, "")}</a>`;
  }
  if (values) return values.join(", ");
  if ("const" in schema) return JSON.stringify(schema.const);
  if (anyOf) return html`${anyOf.map((one: Json, n: number) => [n > 0 && " or ", typeOf(one)])}`;
  if (items) return html`list of ${typeOf(items)}`;
  if (properties && Object.keys(properties).length > 0) {
    return html`{ ${Object.keys(properties).join(", ")} }`;
  }
  return format ?? ([type].flat().filter(Boolean).join(" or ") || "any JSON");
}

/** The rest of what it says. */
function describe(schema: Json): string {
  const { description, default: fallback, minimum, maximum } = schema;
  const bounds = minimum !== undefined && maximum !== undefined && maximum < 2 ** 50
    ? `${minimum} to ${maximum}`
    : "";
  const given = fallback === undefined ? "" : `default ${JSON.stringify(fallback)}`;
  return [description, bounds, given].filter(Boolean).join("; ");
}
