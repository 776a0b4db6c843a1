import type { JSX } from "preact";
import { json, number } from "../i18n/format.ts";
import { LongText } from "./long_text.tsx";

/** Rows and columns of a table; what has more is shown as JSON. */
const MAX_TABLE_ROWS = 500;
const MAX_TABLE_COLUMNS = 24;

/** Values of a list that is shown on a line. */
const MAX_LIST = 24;

/** Characters of JSON shown at first. */
const MAX_JSON = 20_000;

/** Characters of a cell shown at first. */
const MAX_CELL = 300;

type Entries = Record<string, unknown>;

/**
 * A value as a person would like to read it: an object as names and values, a list of objects as
 * a table, and anything else as JSON.
 */
export function Value({ value }: { value: unknown }): JSX.Element {
  if (isObject(value)) {
    const entries = Object.entries(value);
    const plain = entries.filter(([, item]) => !isNested(item));
    const nested = entries.filter(([, item]) => isNested(item));
    if (nested.every(([, item]) => asTable(item) !== null || isFlat(item))) {
      return (
        <div class="value">
          {plain.length > 0 && <Names entries={plain} />}
          {nested.map(([name, item]) => (
            <div key={name}>
              <h3 class="text">{name}</h3>
              {isFlat(item) ? <Names entries={Object.entries(item)} /> : <Table rows={item} />}
            </div>
          ))}
        </div>
      );
    }
  }
  if (asTable(value) !== null) return <Table rows={value} />;
  if (typeof value === "string") {
    return (
      <p class="text plain">
        <LongText text={value} limit={MAX_JSON} />
      </p>
    );
  }
  return <pre class="json text"><LongText text={json(value)} limit={MAX_JSON} /></pre>;
}

function Names({ entries }: { entries: [string, unknown][] }): JSX.Element {
  return (
    <dl class="names">
      {entries.map(([name, item]) => (
        <div key={name} class="name">
          <dt class="text">{name}</dt>
          <dd class="text">
            <Cell value={item} />
          </dd>
        </div>
      ))}
    </dl>
  );
}

function Table({ rows }: { rows: unknown }): JSX.Element {
  const { columns, items } = asTable(rows)!;
  // They stand below each other by their ends.
  const numbers = new Set(
    columns.filter((column) => items.every((item) => typeof (item[column] ?? 0) === "number")),
  );
  return (
    <div class="table-scroll" tabIndex={0}>
      <table>
        <thead>
          <tr>
            {columns.map((column) => (
              <th key={column} scope="col" class={`text${numbers.has(column) ? " number" : ""}`}>
                {column}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {items.map((item, at) => (
            <tr key={at}>
              {columns.map((column) => (
                <td key={column} class={cellClass(item[column], numbers.has(column))}>
                  <Cell value={item[column]} />
                </td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

function Cell({ value }: { value: unknown }): JSX.Element | null {
  if (value === null || value === undefined) return null;
  return <LongText text={cellText(value)} limit={MAX_CELL} />;
}

/** Short values stay on their line, as dates that would break at their hyphens. */
function cellClass(value: unknown, number: boolean): string {
  return `text${cellText(value).length <= 24 ? " short" : ""}${number ? " number" : ""}`;
}

/** Small objects and lists in a cell, as counts by type, read better without JSON's marks. */
export function cellText(value: unknown): string {
  if (typeof value === "number") return number(value);
  if (isList(value)) return value.map(cellText).join(", ");
  if (isFlat(value)) {
    return Object.entries(value).map(([name, item]) => `${name} ${cellText(item)}`).join(", ");
  }
  return typeof value === "object" ? JSON.stringify(value) : String(value);
}

function isObject(value: unknown): value is Entries {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function isNested(value: unknown): boolean {
  return typeof value === "object" && value !== null && !isList(value);
}

/** A list of few plain values. */
function isList(value: unknown): value is unknown[] {
  return Array.isArray(value) && value.length > 0 && value.length <= MAX_LIST &&
    value.every((item) => typeof item !== "object" || item === null);
}

/** An object that holds nothing but plain values. */
export function isFlat(value: unknown): value is Entries {
  return isObject(value) && Object.values(value).every((item) => !isNested(item));
}

/** The columns of a list of objects in the order they first come; `null` where it is no table. */
function asTable(value: unknown): { columns: string[]; items: Entries[] } | null {
  if (!Array.isArray(value) || value.length === 0 || value.length > MAX_TABLE_ROWS) return null;
  if (!value.every(isObject)) return null;
  const columns = [...new Set(value.flatMap((item) => Object.keys(item)))];
  return columns.length <= MAX_TABLE_COLUMNS ? { columns, items: value } : null;
}
