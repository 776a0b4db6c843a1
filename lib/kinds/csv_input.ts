import { z } from "zod";
import type { Decimal } from "./plain_number.ts";
import { encodingName, ENCODINGS } from "./text_encoding.ts";

export interface CsvProfileInput {
  upload: string;
  /** One character; without it, the one of `,` `;` tab `|` `^` and `~` that fits the file. */
  delimiter?: string | undefined;
  /** The encoding; detected unless given. */
  encoding?: string | undefined;
  /** Whether the first row names the columns; assumed unless it has the values of a row. */
  header?: boolean | undefined;
  /** Lines before the table; found unless given. */
  skip_lines?: number | undefined;
  /** What separates decimals; detected from the numbers unless given. */
  decimal?: Decimal | undefined;
  /** What a cell without a value contains, such as `NA`; blank cells never have a value. */
  null_text?: string | undefined;
}

export interface CsvSplitInput extends CsvProfileInput {
  /** In how many parts it is split, at most: 1 to 100. @default {16} */
  parts: number;
}

/** A {@link CsvSplitInput} as it is submitted: its defaults may be left out. */
export type CsvSplitGiven = CsvProfileInput & { parts?: number | undefined };

const fields = {
  upload: z.string().min(1).describe("The upload's id"),
  delimiter: z.string().regex(/^[^"\r\n]$/u, "Expected one character, not a quote or a line end")
    .optional().describe("What separates the cells; detected unless given"),
  encoding: z.enum(ENCODINGS, { error: ({ input }) => unknownEncoding(input) })
    .optional().describe("The encoding, as the Encoding Standard names it; detected unless given"),
  header: z.boolean().optional()
    .describe("Whether the first row names the columns; detected unless given"),
  skip_lines: z.int().min(0).max(1000).optional()
    .describe("Lines before the table; detected unless given"),
  decimal: z.enum([".", ","]).optional().describe("What separates decimals; detected unless given"),
  null_text: z.string().min(1).max(100).optional()
    .describe("What a cell without a value contains, such as NA or NULL"),
};

export const csvInput: z.ZodType<CsvProfileInput, CsvProfileInput> = z.strictObject(fields);

export const csvSplitInput: z.ZodType<CsvSplitInput, CsvSplitGiven> = z.strictObject({
  ...fields,
  parts: z.int().min(1).max(100).default(16)
    .describe("How many parts to split it into at most; small files have fewer"),
});

/** Names the encoding if another one of its labels was given. */
function unknownEncoding(label: unknown): string {
  const name = typeof label === "string" ? encodingName(label) : undefined;
  return name === undefined
    ? `Expected one of ${ENCODINGS.join(", ")}`
    : `Expected "${name}", as the Encoding Standard calls it`;
}
