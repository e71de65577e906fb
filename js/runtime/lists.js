/**
 * Whether a value is an array or array-like. `{ length: 1e9 }` is not: its last index must exist.
 * @param {any} value
 * @returns {value is ArrayLike<any>}
 */
export const isList = (value) => {
  const length = value !== null && typeof value === 'object' ? value.length : -1;
  return Number.isSafeInteger(length) && (length === 0 || (length > 0 && length - 1 in value));
};
