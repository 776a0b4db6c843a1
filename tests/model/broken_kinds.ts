/**
 * A module that some servers of the model test cannot load.
 *
 * @module
 */

throw new Error("as told");
