/**
 * @module The terminal face: the live table of `watch`.
 */
export { openScreen } from "./screen.ts";
