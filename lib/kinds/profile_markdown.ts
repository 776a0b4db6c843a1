import type { CsvProfile } from "./csv_report.ts";
import { rowsText } from "./csv_report.ts";
import type { NamedColumn } from "./table_profile.ts";

/** The rows of one part of a file. */
export interface PartRows {
  /** The line it begins at. */
  line: number;
  rows: number;
  malformed: number;
}

/** A profile as a report in Markdown. */
export function profileMarkdown(
  name: string,
  profile: CsvProfile,
  parts: readonly PartRows[],
): string {
  const { size, rows, malformed, column_count, columns, encoding, delimiter, warnings } = profile;
  const left = column_count - columns.length;
  const lines = [
    `# ${escaped(name)}`,
    "",
    `${rowsText(rows)}, ${column_count} columns, ${size} bytes of ${encoding}, separated by ` +
    `${code(delimiter)}. ${rowsText(malformed)} left out as malformed.`,
    "",
    ...warnings.flatMap((text) => [`- ${escaped(text)}`]),
    ...(warnings.length > 0 ? [""] : []),
    "## Columns",
    "",
    ...table(
      ["column", "type", "blank", "different", "least", "greatest", "mean"],
      columns.map(columnCells),
    ),
    ...(left > 0 ? ["", `And ${left} more.`] : []),
    "",
    "## Parts",
    "",
    ...table(
      ["from line", "rows", "left out"],
      parts.map(({ line, rows, malformed }) => [line, rows, malformed].map(String)),
    ),
  ];
  return `${lines.join("\n")}\n`;
}

function columnCells(column: NamedColumn): string[] {
  const { name, type, types, nulls, distinct, distinct_exact, min, max, mean } = column;
  const kinds = types && Object.entries(types).map(([type, count]) => `${count} ${type}`);
  return [
    name,
    kinds ? `${type}: ${kinds.join(", ")}` : type,
    String(nulls),
    `${distinct_exact ? "" : "at least "}${distinct}`,
    String(min ?? ""),
    String(max ?? ""),
    mean === undefined ? "" : String(Number(mean.toPrecision(12))),
  ].map(escaped);
}

function table(head: string[], rows: string[][]): string[] {
  return [head, head.map(() => "---"), ...rows].map((cells) => `| ${cells.join(" | ")} |`);
}

/** Escapes a text: what a file holds must not become Markdown or HTML. */
function escaped(text: string): string {
  return text.replace(/\s+/g, " ").replace(/[\\`*_{}[\]<>|#&~!]/g, "\\$&");
}

function code(text: string): string {
  return text === "`" ? "a backtick" : text === "\t" ? "tab" : `\`${text}\``;
}
