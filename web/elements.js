/**
 * Elements of the page: found, made, and what they show of characters and bits.
 */

/** @param {string} id @returns {HTMLElement} */
export function find(id) {
  const element = document.getElementById(id);
  if (!element) throw new Error(`the page has no #${id}`);
  return element;
}

/** @param {string} id */
export const findInput = (id) => /** @type {HTMLInputElement} */ (find(id));

/**
 * @param {string} tag
 * @param {string} className
 * @param {...(Node | string)} children
 */
export function make(tag, className, ...children) {
  const element = document.createElement(tag);
  if (className) element.className = className;
  element.append(...children);
  return element;
}

/**
 * @param {string} tag
 * @param {Record<string, string | number>} attributes
 * @param {...(Node | string)} children
 */
export function draw(tag, attributes, ...children) {
  const element = document.createElementNS('http://www.w3.org/2000/svg', tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, String(value));
  element.append(...children);
  return element;
}

/**
 * A table's row: its header, then its cells.
 * @param {string | Node} header
 * @param {(string | number | Node)[]} cells
 */
export function tableRow(header, cells) {
  const first = make('th', '', header);
  first.setAttribute('scope', 'row');
  return make('tr', '', first, ...cells.map((cell) => make('td', '', cell instanceof Node ? cell : String(cell))));
}

/** @param {string[]} headers */
export function tableHead(headers) {
  const cells = headers.map((text) => {
    const cell = make(text ? 'th' : 'td', '', text);
    if (text) cell.setAttribute('scope', 'col');
    return cell;
  });
  return make('thead', '', make('tr', '', ...cells));
}

/** What a cell shows of a token: something to see for white space too. @param {string} token */
export function visible(token) {
  if (token === '\n') return '↵';
  if (/^\s$/u.test(token)) return '␣';
  if (/^\p{M}/u.test(token)) return `◌${token}`;
  return /^[\p{C}]/u.test(token) ? '\ufffd' : token;
}

/**
 * The characters that a model's tokens stand for. Letters with marks on them normalise together: tokens with the same offsets are their code
 * points in turn.
 * @param {string} text
 * @param {import('padless').Model['text']} vectorizer
 * @param {number} [most]
 */
export function tokensOf(text, vectorizer, most = Infinity) {
  const { ids, offsets } = /** @type {NonNullable<import('padless').Model['text']>} */ (vectorizer).encode(text);
  const begins = (/** @type {number} */ i) => i === 0 || offsets[2 * i] !== offsets[2 * i - 2];
  let nth = 0;
  const tokens = Array.from(ids.subarray(0, most), (_, i) => {
    nth = begins(i) ? 0 : nth + 1;
    const source = text.slice(offsets[2 * i], offsets[2 * i + 1]);
    const alone = nth === 0 && (i + 1 === ids.length || begins(i + 1));
    return visible((!alone && [...source.normalize('NFC')][nth]) || source);
  });
  return { ids, offsets, tokens };
}

/** A float32's bits as 8 hex digits. @param {number} value */
export function bitsOf(value) {
  const view = new DataView(new ArrayBuffer(4));
  view.setFloat32(0, value);
  return view.getUint32(0).toString(16).padStart(8, '0');
}

/** @param {ArrayLike<number>} values */
export function bestOf(values) {
  let best = 0;
  for (let k = 1; k < values.length; k++) if (values[k] > values[best]) best = k;
  return best;
}

/** A number in a table or a drawing. @param {number} value */
export const fixed = (value) => (Object.is(value, -0) ? 0 : value).toFixed(3).replace('-', '−');

/** Whether a package lies beside the page. @param {string} address */
export const isServed = (address) =>
  fetch(address, { method: 'HEAD' }).then(
    ({ ok }) => ok,
    () => false,
  );
