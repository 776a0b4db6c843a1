/** This very Deno, by the name under which it may be run. */
export function denoCommand(): string {
  const command = Deno.execPath();
  return Deno.permissions.querySync({ name: "run", command }).state === "granted"
    ? command
    : "deno";
}
