/** The functions that firefox.test.js calls in the page. */
import { checkAll } from './bits.js';
import { run } from './node-test.js';

/** @param {string} address  of a module */
const hasRelaxed = async (address) => WebAssembly.validate(await (await fetch(address)).arrayBuffer());

Object.assign(window, { run, checkAll, hasRelaxed });
