/**
 * Preact as one module, for a page of somebody else to bring along.
 *
 * @module
 */

export * from "preact";
export * from "preact/hooks";
