import { z } from "zod";
import type { Decimal } from "./plain_number.ts";
import { encodingName } from "./text_encoding.ts";

export interface CsvProfileInput {
  upload: string;
  /** One character; without it, the one of `,` `;` tab `|` `^` and `~` that fits the file. */
  delimiter?: string | undefined;
  /** The encoding, by any name that browsers know; detected unless given. */
  encoding?: string | undefined;
  /** Whether the first row names the columns; taken to unless it has the values of a row. */
  header?: boolean | undefined;
  /** Lines before the table; found unless given. */
  skip_lines?: number | undefined;
  /** What separates decimals; told by the numbers unless given. */
  decimal?: Decimal | undefined;
  /** What a cell without a value says, as `NA`; blank cells are without one in any case. */
  null_text?: string | undefined;
}

export const csvInput: z.ZodType<CsvProfileInput, CsvProfileInput> = z.strictObject({
  upload: z.string().min(1).describe("The upload's id"),
  delimiter: z.string().regex(/^[^"\r\n]$/u, "Expected one character, not a quote or a line end")
    .optional().describe("What separates the cells; detected unless given"),
  encoding: z.string().max(40)
    .refine((label) => encodingName(label) !== undefined, "Expected an encoding, as utf-8 or gbk")
    .optional().describe("The encoding, as utf-8 or gbk; detected unless given"),
  header: z.boolean().optional()
    .describe("Whether the first row names the columns; detected unless given"),
  skip_lines: z.int().min(0).max(1000).optional()
    .describe("Lines before the table; found unless given"),
  decimal: z.enum([".", ","]).optional().describe("What separates decimals; found unless given"),
  null_text: z.string().min(1).max(100).optional()
    .describe("What a cell without a value says, as NA or NULL"),
});
