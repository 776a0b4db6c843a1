import { render } from "preact";

render(<main>Headway</main>, document.body);
