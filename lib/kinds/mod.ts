/**
 * The kinds that ship.
 *
 * @module
 */

export { demo } from "./demo.ts";
export type { DemoCheckpoint, DemoInput, DemoResult } from "./demo.ts";
export { approval } from "./approval.ts";
export type { ApprovalInput, ApprovalResult } from "./approval.ts";
export { checksum } from "./checksum.ts";
export type { ChecksumAlgorithm, ChecksumInput, ChecksumResult } from "./checksum.ts";
export { csvProfile } from "./csv_profile.ts";
export type { CsvProfileInput } from "./csv_input.ts";
export type { CsvProfile, CsvProfileCheckpoint } from "./csv_profile.ts";
export type { NamedColumn } from "./table_profile.ts";
export type { ColumnSummary, ColumnType } from "./column_profile.ts";
export type { CellType } from "./cell_type.ts";
