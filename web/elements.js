/**
 * Finds and makes elements of the page.
 */

/** @param {string} id @returns {HTMLElement} @throws {Error} if the page has no such element */
export function find(id) {
  const element = document.getElementById(id);
  if (!element) throw new Error(`the page has no #${id}`);
  return element;
}

/** @param {string} id */
export const findInput = (id) => /** @type {HTMLInputElement} */ (find(id));

/**
 * Makes an HTML element.
 * @param {string} tag
 * @param {string} className  '' for none
 * @param {...(Node | string)} children
 */
export function make(tag, className, ...children) {
  const element = document.createElement(tag);
  if (className) element.className = className;
  element.append(...children);
  return element;
}

/**
 * Makes an SVG element.
 * @param {string} tag
 * @param {Record<string, string | number>} attributes
 * @param {...(Node | string)} children
 */
export function makeSvg(tag, attributes, ...children) {
  const element = document.createElementNS('http://www.w3.org/2000/svg', tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, String(value));
  element.append(...children);
  return element;
}

/**
 * Makes a row of a table: a header, then the cells.
 * @param {string | Node} header
 * @param {(string | number | Node)[]} cells
 */
export function tableRow(header, cells) {
  const first = make('th', '', header);
  first.setAttribute('scope', 'row');
  return make('tr', '', first, ...cells.map((cell) => make('td', '', cell instanceof Node ? cell : String(cell))));
}

/** Makes the head of a table. @param {(string | Node)[]} headers  '' for a column without a header */
export function tableHead(headers) {
  const cells = headers.map((text) => {
    const cell = make(text ? 'th' : 'td', '', text);
    if (text) cell.setAttribute('scope', 'col');
    return cell;
  });
  return make('thead', '', make('tr', '', ...cells));
}
