import { html } from "hono/html";

/** The page of a signed-in user; `done` is the id of the import whose progress it shows. */
export function page(user: string, done: string | undefined) {
  return html`
    <!DOCTYPE html>
    <html lang="en">
      <head>
        <meta charset="utf-8">
        <title>Contacts</title>
        <link rel="icon" href="data:,">
        <script type="module" src="/jobs/headway-progress.js"></script>
      </head>
      <body>
        <h1>Contacts of ${user}</h1>
        <form method="post" action="/contacts" enctype="multipart/form-data">
          <input type="file" name="file" accept=".csv" required>
          <button>Import</button>
        </form>
        ${done ? html`<headway-progress task-id="${done}"></headway-progress>` : ""}
        <form method="post" action="/logout"><button>Sign out</button></form>
      </body>
    </html>
  `;
}
