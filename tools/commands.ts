/**
 * The commands of the program, besides serving. Each is loaded when it is called.
 *
 * @module
 */

export interface Command {
  /** How it is called. */
  usage: string;
  about: string;
  /** It speaks to a server, over HTTP: it needs no Deno KV. */
  remote?: true;
  /** It has a help of its own. */
  helps?: true;
  /** What does it, and answers with its exit code. */
  load(): Promise<(args: string[]) => Promise<number>>;
}

/** By the first word of the command line. */
export const COMMANDS: Readonly<Record<string, Command>> = {
  init: {
    usage: "init",
    about: "writes a deno.json and a first tasks.ts into this folder, and overwrites nothing",
    load: async () => (await import("./init.ts")).initCommand,
  },
  run: {
    usage: "run <kind>",
    about: "runs a task of a server and shows it live; 'run --help' tells more",
    remote: true,
    helps: true,
    load: async () => (await import("./run.ts")).runCommand,
  },
  tasks: {
    usage: "tasks cancel|retry|delete",
    about:
      "cancels, retries or deletes all matching tasks of a server, and asks first; 'tasks --help' tells more",
    remote: true,
    helps: true,
    load: async () => (await import("./tasks.ts")).tasksCommand,
  },
  mcp: {
    usage: "mcp [--url <url>]",
    about: "offers a server's kinds and tasks as tools, over stdio; 'mcp --help' tells more",
    remote: true,
    helps: true,
    load: async () => (await import("./mcp.ts")).mcpCommand,
  },
  schedules: {
    usage: "schedules [pause|resume|run <id>]",
    about: "lists the schedules of a server, pauses one, or makes a task of it now",
    load: async () => (await import("./schedules.ts")).schedulesCommand,
  },
  backup: {
    usage: "backup <file> [--from <store>]",
    about: "copies the store, even while a server uses it",
    load: async () => (await import("./backup.ts")).backupCommand,
  },
  restore: {
    usage: "restore <file> [--to <store>]",
    about: "replaces the store with such a copy, while no server uses it",
    load: async () => (await import("./restore.ts")).restoreCommand,
  },
  compact: {
    usage: "compact [<store>]",
    about: "gives the store's free space back to the disk, while no server uses it",
    load: async () => (await import("./compact.ts")).compactCommand,
  },
};
