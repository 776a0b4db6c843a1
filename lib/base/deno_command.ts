/** The Deno that runs this, under a name that `--allow-run` permits. */
export function denoCommand(): string {
  const command = Deno.execPath();
  return Deno.permissions.querySync({ name: "run", command }).state === "granted"
    ? command
    : "deno";
}
