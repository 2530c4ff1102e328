/** @module The pool alone: the package's front door would load its fetch, its WebSocket and its cache as well. */
declare module "undici/lib/dispatcher/pool.js" {
  import type { Pool as PoolClass } from "undici";
  const Pool: typeof PoolClass;
  export default Pool;
}
