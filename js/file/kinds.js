/**
 * What a file is that is not the one expected, by its first bytes: for messages.
 * @module
 */

/** First bytes, as Latin-1, and what they begin. @type {[RegExp, string][]} */
const kinds = [
  [/^\x89PNG|^\xff\xd8\xff|^GIF8|^RIFF....WEBP/s, 'an image'],
  [/^%PDF/, 'a PDF'],
  [/^\s*<(!doctype|html|\?xml|!--)/i, 'an HTML page: is the address right?'],
  [/^PK\x03\x04/, 'a zip: .keras and .pt are such'], // eslint-disable-line no-control-regex
  [/^\x89HDF/, 'HDF5: .h5 and .hdf5 are such'],
  [/^\x1f\x8b/, 'a gzip file: unpack it first'], // eslint-disable-line no-control-regex
  [/^\x80[\x02-\x05]/, 'a pickle of Python'], // eslint-disable-line no-control-regex
  [/^(\xef\xbb\xbf)?\s*["{[]/, 'JSON'],
  [/^[\t\n\r\x20-\x7e\x80-\xff]+$/, 'text'],
];

/**
 * @param {Uint8Array} bytes
 * @returns {string} behind what is wrong with a file: ', it is text'; '' where nothing is known
 */
export function butIs(bytes) {
  const head = String.fromCharCode(...bytes.subarray(0, 100));
  const [, kind] = kinds.find(([pattern]) => pattern.test(head)) ?? [];
  return kind ? `; it is ${kind}` : '';
}
