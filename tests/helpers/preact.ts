/**
 * Preact as one module, for a page of another site that has a copy of its own.
 *
 * @module
 */

export * from "preact";
export * from "preact/hooks";
