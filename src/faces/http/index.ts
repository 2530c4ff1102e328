/**
 * @module The HTTP face: the page and the interface behind it.
 */
export { openPage } from "./page.ts";
