/** There is no room for an upload. */
export class UploadRefused extends Error {
  override name = "UploadRefused";
  /** What it would go beyond: all uploads together, or what stays free on the disk. */
  readonly reason: "quota" | "disk";
  /** That bound, in bytes. */
  readonly bound: number;

  constructor(reason: "quota" | "disk", bound: number) {
    super(
      reason === "quota"
        ? `There is no room for this upload: all uploads together may take ${bound} bytes`
        : `There is no room for this upload: ${bound} bytes of the server's disk stay free`,
    );
    this.reason = reason;
    this.bound = bound;
  }
}
