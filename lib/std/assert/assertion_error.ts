export class AssertionError extends Error {
  /** Named `AssertionError`, also across two copies of this module. */
  constructor(message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = "AssertionError";
  }
}
