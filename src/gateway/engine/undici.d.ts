/** @module The pool alone: the package's front door would load its fetch, its WebSocket and its cache as well. */
declare module "undici/lib/dispatcher/pool.js" {
  import type { Pool as PoolClass } from "undici";
  const Pool: typeof PoolClass;
  export default Pool;
}

/** llhttp, compiled for WebAssembly. */
declare module "undici/lib/llhttp/llhttp_simd-wasm.js" {
  const wasm: Buffer<ArrayBuffer>;
  export default wasm;
}

/** What of WebAssembly the gateway uses; the types of Node 20 leave it out. */
declare const WebAssembly: {
  readonly Module: new (bytes: Uint8Array) => object;
  readonly Instance: new (
    module: object,
    imports: Record<string, Record<string, (...words: number[]) => number>>,
  ) => { readonly exports: object };
};
