/** Counts the rows of tables that a model reads from now on. @param {import('padless').Model} model @returns {() => number} */
export function countRows({ heap }) {
  const { exports } = heap;
  let rows = 0;
  heap.exports = {
    ...exports,
    pl_embedding(y, table, ids, n, V, D) {
      rows += n;
      exports.pl_embedding(y, table, ids, n, V, D);
    },
  };
  return () => rows;
}
