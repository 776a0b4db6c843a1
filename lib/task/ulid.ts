/** What an id looks like. What a client gives for one may be anything: check it before it goes into a key. */
export const ULID = /^[0-7][0-9A-HJKMNP-TV-Z]{25}$/;
