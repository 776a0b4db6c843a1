/** The Deno executable that runs this process, by a name that `--allow-run` permits. */
export function denoCommand(): string {
  const command = Deno.execPath();
  return Deno.permissions.querySync({ name: "run", command }).state === "granted"
    ? command
    : "deno";
}
