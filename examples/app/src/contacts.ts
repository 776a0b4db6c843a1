import { parse } from "csv-parse";
import { z } from "zod";

const CONTACT = z.object({ name: z.string(), email: z.email() });

export type Contact = z.infer<typeof CONTACT>;

/** Reads a CSV file with the columns `name` and `email`. Throws if a row lacks one. */
export function readContacts(csv: string): Promise<Contact[]> {
  const rows = parse(csv, { columns: true, trim: true });
  return Array.fromAsync(rows, (row) => CONTACT.parse(row));
}
