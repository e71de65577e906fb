/**
 * Places in a JavaScript file that a mutant can change: operators, numbers, conditions, statements.
 */
import { parse } from 'acorn';

/**
 * @typedef {{ start: number, end: number, kind: string, to: string, at?: number }} Site
 * The text from start to end becomes `to`. at: a place that always runs when the change matters, `start` unless given
 */

/** @type {Record<string, string>} */
const operators = {
  '<': '<=',
  '<=': '<',
  '>': '>=',
  '>=': '>',
  '===': '!==',
  '!==': '===',
  '==': '!=',
  '!=': '==',
  '+': '-',
  '-': '+',
  '*': '/',
  '/': '*',
  '%': '*',
  '**': '*',
  '<<': '>>',
  '>>': '<<',
  '>>>': '>>',
  '&': '|',
  '|': '&',
  '^': '&',
  '&&': '||',
  '||': '&&',
  '??': '&&',
  '+=': '-=',
  '-=': '+=',
  '*=': '/=',
  '/=': '*=',
  '++': '--',
  '--': '++',
};

/** @param {any} node @param {string} text @returns {Site[]} */
function sitesOf(node, text) {
  const { type, start, end } = node;
  /** The operator between two operands. @param {any} left @param {any} right @returns {Site[]} */
  const operator = (left, right) => {
    const at = text.indexOf(node.operator, left.end);
    if (!operators[node.operator] || at < 0 || at >= right.start) return [];
    // A + between strings concatenates: there is no arithmetic to change.
    if (node.operator === '+' && [left, right].some((each) => /Template|Literal/.test(each.type) && typeof each.value !== 'number'))
      return [];
    // The engine counts `&& right` as a block of its own.
    return [{ start: at, end: at + node.operator.length, kind: 'operator', to: operators[node.operator], at: start }];
  };
  const condition = (/** @type {any} */ test) =>
    test ? [{ start: test.start, end: test.end, kind: 'condition', to: `!(${text.slice(test.start, test.end)})` }] : [];
  switch (type) {
    case 'BinaryExpression':
    case 'LogicalExpression':
    case 'AssignmentExpression':
      return operator(node.left, node.right);
    case 'UpdateExpression': {
      const at = node.prefix ? start : end - 2;
      return [{ start: at, end: at + 2, kind: 'operator', to: operators[node.operator] }];
    }
    case 'UnaryExpression':
      return /[!-]/.test(node.operator) ? [{ start, end: start + 1, kind: 'operator', to: ' ' }] : [];
    case 'Literal':
      if (typeof node.value === 'number')
        return [{ start, end, kind: 'number', to: String(node.value === 1 ? 0 : node.value + 1) }];
      return typeof node.value === 'boolean' ? [{ start, end, kind: 'constant', to: String(!node.value) }] : [];
    case 'IfStatement':
    case 'ConditionalExpression':
      return condition(node.test);
    case 'ExpressionStatement':
      return node.directive || node.expression.type === 'Literal' ? [] : [{ start, end, kind: 'statement', to: ';' }];
    case 'ThrowStatement':
    case 'ContinueStatement':
    case 'BreakStatement':
      return [{ start, end, kind: 'statement', to: ';' }];
    default:
      return [];
  }
}

/** @param {string} text @returns {Site[]} */
export function jsSites(text) {
  /** @type {Site[]} */
  const sites = [];
  /** @param {any} node */
  const walk = (node) => {
    if (Array.isArray(node)) node.forEach(walk);
    else if (node && typeof node.type === 'string') {
      sites.push(...sitesOf(node, text));
      Object.values(node).forEach(walk);
    }
  };
  walk(parse(text, { ecmaVersion: 'latest', sourceType: 'module', allowHashBang: true }));
  return sites;
}
