/**
 * The functions of node:fs that test files use; files are fetched from the server of firefox.test.js.
 */

/** @param {string} method @param {string | URL} url */
function request(method, url) {
  const answer = new XMLHttpRequest();
  answer.open(method, url, false);
  // In a window, a synchronous request gives bytes only as characters; x-user-defined has one character a byte.
  answer.overrideMimeType('text/plain; charset=x-user-defined');
  answer.send();
  return answer;
}

/** @param {string | URL} url */
export const existsSync = (url) => request('HEAD', url).status === 200;

/** @param {string | URL} url @param {'utf8'} [encoding] @returns {any} */
export function readFileSync(url, encoding) {
  const { status, responseText } = request('GET', url);
  if (status !== 200) throw new Error(`${url}: HTTP status ${status}`);
  const bytes = Uint8Array.from(responseText, (char) => char.charCodeAt(0) & 0xff);
  return encoding ? new TextDecoder().decode(bytes) : bytes;
}

/** @param {string | URL} folder  ends in / @returns {string[]} */
export const readdirSync = (folder) => JSON.parse(readFileSync(folder, 'utf8'));
