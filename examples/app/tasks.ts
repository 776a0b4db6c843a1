import { defineTask, log, output, pause, progress, save } from "@headway/server";
import { readContacts } from "@app/contacts.ts";
import { z } from "zod";

/** Imports the contacts of a CSV file, one after another. */
export const importContacts = defineTask({
  kind: "import-contacts",
  description: "Imports the contacts of a CSV file",
  input: z.object({ csv: z.string() }),
  retry: { maxAttempts: 3 },
  async *run({ input, checkpoint, signal }) {
    const contacts = await readContacts(input.csv);
    for (let done: number = checkpoint?.done ?? 0; done < contacts.length;) {
      const { name, email } = contacts[done]!;
      await pause(50, signal); // the work: a call of some API
      yield log(`imported ${name}`);
      yield output({ email });
      yield progress({ done: ++done, total: contacts.length, unit: "contacts" });
      yield save({ done });
    }
    return { imported: contacts.length };
  },
});
