export { decodeTime, monotonicFactory, ulid } from "npm:ulid@^3.0.2";
