/**
 * Reads the text of inputs, textareas and contenteditable elements.
 * @module
 */
import { ArgumentError, typeName } from '../errors.js';

/** Types of inputs that contain text. */
const textTypes = ['text', 'search', 'url', 'tel', 'email', 'password', 'number'];

/** Elements that start and end a line, as in the style sheets of browsers. */
const blocks = new Set(
  (
    'ADDRESS ARTICLE ASIDE BLOCKQUOTE CENTER DD DETAILS DIALOG DIR DIV DL DT FIELDSET FIGCAPTION FIGURE FOOTER FORM H1 H2 H3 H4 H5 H6 ' +
    'HEADER HGROUP HR LEGEND LI MAIN MENU NAV OL P PRE SEARCH SECTION SUMMARY TABLE TBODY TFOOT THEAD TR UL'
  ).split(' '),
);
/** Elements whose text is not displayed. */
const hidden = new Set(['SCRIPT', 'STYLE', 'TEMPLATE']);

/** A value for a message. @param {unknown} value */
export const describe = (value) => (typeof value === 'string' ? JSON.stringify(value) : typeName(value));

/**
 * The text of a contenteditable: its text nodes, with a line feed at each <br> and between blocks. U+00A0, which browsers insert where a space
 * is typed, becomes a space. innerText is not used: it computes the layout, and its offsets cannot be mapped to nodes.
 *
 * @param {Node} root
 * @returns {{ text: string, pieces: { node: Text, at: number }[] }}  pieces: text nodes, and the offset of each in the text
 */
function readEditable(root) {
  let text = '';
  /** @type {{ node: Text, at: number }[]} */
  const pieces = [];
  // A line feed is added only before further text: a <br> at the end of a block only keeps the line open.
  let lineEnded = false;
  const feed = () => {
    if (lineEnded) text += '\n';
    lineEnded = false;
  };
  /** @param {Node} node */
  const boundary = (node) => {
    if (text !== '' && blocks.has(node.nodeName)) lineEnded = true;
  };
  /** @type {Node | null} */
  let node = root.firstChild;
  while (node) {
    if (node.nodeType === 3) {
      const { data } = /** @type {Text} */ (node);
      if (data !== '') {
        feed();
        pieces.push({ node: /** @type {Text} */ (node), at: text.length });
        text += data;
      }
    } else if (node.nodeName === 'BR') {
      feed();
      lineEnded = true;
    } else boundary(node);
    if (node.firstChild && !hidden.has(node.nodeName)) {
      node = node.firstChild;
      continue;
    }
    while (node && !node.nextSibling) {
      const parent = /** @type {Node} */ (node.parentNode);
      node = parent === root ? null : parent;
      if (node) boundary(node);
    }
    node = node?.nextSibling ?? null;
  }
  return { text: text.replaceAll('\u00a0', ' '), pieces };
}

/**
 * The Range of the text [start, end) in a contenteditable; null if the offsets are outside of its text.
 * @param {Node} root @param {number} start @param {number} end
 */
export function rangeOf(root, start, end) {
  const { text, pieces } = readEditable(root);
  if (!(start >= 0 && start <= end && end <= text.length) || pieces.length === 0) return null;
  /** @param {number} offset @param {boolean} isStart  between two pieces: true gives the start of the second, false the end of the first */
  const place = (offset, isStart) => {
    const behind = pieces.findIndex(({ at }) => (isStart ? at > offset : at >= offset));
    const { node, at } = pieces[Math.max(0, (behind < 0 ? pieces.length : behind) - 1)];
    return { node, offset: Math.min(Math.max(0, offset - at), node.length) };
  };
  const range = /** @type {Document} */ (root.ownerDocument).createRange();
  const from = place(start, true);
  const to = start === end ? from : place(end, false);
  range.setStart(from.node, from.offset);
  range.setEnd(to.node, to.offset);
  return range;
}

/**
 * A function that reads the text of an element.
 * @param {any} element
 * @returns {() => string}
 * @throws {ArgumentError} if the element contains no text that can be edited
 */
export function readerOf(element) {
  if (element === null || typeof element !== 'object' || element.nodeType !== 1)
    throw new ArgumentError(`attach: element is ${describe(element)}, expected an input, a textarea or a contenteditable element`);
  const name = element.localName;
  if (name === 'textarea') return () => element.value;
  if (name === 'input') {
    if (!textTypes.includes(element.type))
      throw new ArgumentError(
        `attach: element is an input of type ${describe(element.type)}, expected one of ${textTypes.join(', ')}`,
      );
    return () => element.value;
  }
  // The element itself must have the attribute: elements inside an editable element get no input events.
  const editable = element.getAttribute('contenteditable');
  if (editable === null || editable.toLowerCase() === 'false')
    throw new ArgumentError(
      `attach: element is a <${name}> without contenteditable, expected an input, a textarea or a contenteditable element`,
    );
  return () => readEditable(element).text;
}
