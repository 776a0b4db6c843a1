import { useSignal } from "@preact/signals";
import type { JSX } from "preact";
import { number } from "../i18n/format.ts";
import { strings } from "../i18n/strings.ts";
import { cellText } from "./cell_text.ts";
import { DownloadButton } from "./download_button.tsx";
import { LongText } from "./long_text.tsx";
import { type Table, tableCsv } from "./table.ts";

/** A table with more rows than this scrolls by itself, below a fixed header. */
const TALL = 12;

/** Rows drawn at first, and added with each request for more. */
const DRAWN = 500;

/** Characters of a cell shown at first. */
const MAX_CELL = 300;

export interface ValueTableProps {
  table: Table;
  label: string;
  /** The name of the downloaded file, without extension; without one there is no download. */
  file?: string | undefined;
}

/** A table. A long one scrolls by itself, and can be downloaded whole. */
export function ValueTable({ table, label, file }: ValueTableProps): JSX.Element {
  const { columns, rows } = table;
  const shown = useSignal(DRAWN);
  // Columns of numbers are aligned to the right.
  const numbers = new Set(
    columns.filter((column) => rows.every((row) => typeof (row[column] ?? 0) === "number")),
  );
  const tall = rows.length > TALL;
  return (
    <>
      {tall && (
        <div class="table-head">
          <span class="table-count">{strings.tableRows(number(rows.length))}</span>
          {file !== undefined && (
            <DownloadButton
              label={strings.downloadCsv}
              text="CSV"
              name={`${file}.csv`}
              file={() => new Blob([tableCsv(table)], { type: "text/csv;charset=utf-8" })}
            />
          )}
        </div>
      )}
      <div
        class={`table-scroll${tall ? " table-tall" : ""}`}
        tabIndex={0}
        role="region"
        aria-label={label}
      >
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
            {rows.slice(0, shown.value).map((row, at) => (
              <tr key={at}>
                {columns.map((column) => (
                  <td key={column} class={cellClass(row[column], numbers.has(column))}>
                    <Cell value={row[column]} />
                  </td>
                ))}
              </tr>
            ))}
          </tbody>
        </table>
        {shown.value < rows.length && (
          <button
            type="button"
            class="link table-more"
            onClick={() => shown.value += DRAWN}
          >
            {strings.moreRows(number(Math.min(DRAWN, rows.length - shown.value)))}
          </button>
        )}
      </div>
    </>
  );
}

/** A value in a table, or beside a name. */
export function Cell({ value }: { value: unknown }): JSX.Element | null {
  if (value === null || value === undefined) return null;
  return <LongText text={cellText(value)} limit={MAX_CELL} />;
}

/** Short values do not wrap: a date would break at its hyphens. */
function cellClass(value: unknown, number: boolean): string {
  return `text${cellText(value).length <= 24 ? " short" : ""}${number ? " number" : ""}`;
}
