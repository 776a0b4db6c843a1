/**
 * The kinds that ship with Headway.
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
export { csvPart } from "./csv_part.ts";
export type { CsvPartCheckpoint, CsvPartInput } from "./csv_part.ts";
export { csvSplit } from "./csv_split.ts";
export type { CsvSplitResult } from "./csv_split.ts";
export type { CsvProfileInput, CsvSplitGiven, CsvSplitInput } from "./csv_input.ts";
export type { CsvProfileCheckpoint } from "./csv_profile.ts";
export type { CsvProfile } from "./csv_report.ts";
export type { NamedColumn } from "./table_profile.ts";
export type { ColumnSummary, ColumnType } from "./column_profile.ts";
export type { CellType } from "./cell_type.ts";
