/**
 * Names of the web platform that the declarations use, for projects without the library "dom" of TypeScript. Beside it, an empty interface
 * adds nothing. `make types` refers to this file from the declarations of each entry.
 */
interface AbortSignal {}
interface Blob {}
interface HTMLElement {}
interface MessagePort {}
interface Range {}
interface RequestInit {}
interface Response {}
interface URL {}
interface Worker {}
declare namespace WebAssembly {
  interface Memory {}
  interface Module {}
}
