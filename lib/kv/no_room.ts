/** There is no room for an upload or an artifact. */
export class NoRoom extends Error {
  override name = "NoRoom";
  /** The bound it would exceed: on what all of its sort may take, or on what must stay free. */
  readonly reason: "quota" | "disk";
  /** That bound, in bytes. */
  readonly bound: number;

  constructor(what: "upload" | "artifact", reason: "quota" | "disk", bound: number) {
    super(
      reason === "quota"
        ? `There is no room for this ${what}: all ${what}s together may take ${bound} bytes`
        : `There is no room for this ${what}: ${bound} bytes of the server's disk must stay free`,
    );
    this.reason = reason;
    this.bound = bound;
  }
}
