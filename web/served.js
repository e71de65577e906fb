/**
 * Which optional packages the page's server has.
 */

/**
 * @param {string} address  of a file of the package
 * @param {boolean} [whenOffline]  the result if the request fails, as when the browser is offline; default: false
 */
export const isServed = (address, whenOffline = false) =>
  fetch(address, { method: 'HEAD' }).then(
    ({ ok }) => ok,
    () => whenOffline,
  );
