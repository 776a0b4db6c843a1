/** There is no room for an upload or an artifact. */
export class NoRoom extends Error {
  override name = "NoRoom";
  /** What it would go beyond: all of its sort together, or what stays free on the disk. */
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
