/**
 * @module YAML by other people's library, in a file of its own that the package's build bundles with it.
 */
export { stringify } from "yaml";
