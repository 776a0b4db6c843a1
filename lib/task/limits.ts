/** Bytes of JSON: the most an input, result, output, checkpoint or log row may have. */
export const MAX_JSON = 48 * 1024;
