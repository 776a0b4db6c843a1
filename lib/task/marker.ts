/** The marker that tells Headway's own yields from a plain `{ progress }` object. */
export const YIELD = "~headway";
