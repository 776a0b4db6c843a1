/**
 * For tests that need the built page or client: importing this says at once if they are not built,
 * before a test fails at a missing file.
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
