/**
 * Imported by what needs the page or the client as browsers load them: says at once that they are
 * not built, instead of failing at a file that is not there.
 *
 * @module
 */

for (const name of ["app.js", "client/client.js"]) {
  try {
    Deno.statSync(new URL(`../../static/dist/${name}`, import.meta.url));
  } catch {
    throw new Error(`static/dist/${name} is missing: run 'deno task build'`);
  }
}
