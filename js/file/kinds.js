/**
 * Recognises an unexpected file by its first bytes, for messages.
 * @module
 */

/** Pattern of the first bytes, as Latin-1, and the kind of file that begins so. @type {[RegExp, string][]} */
const kinds = [
  [/^\x89PNG|^\xff\xd8\xff|^GIF8|^RIFF....WEBP/s, 'an image'],
  [/^%PDF/, 'a PDF'],
  [/^\s*<(!doctype|html|\?xml|!--)/i, 'an HTML page: is the address right?'],
  [/^PK\x03\x04/, 'a zip, like .keras and .pt'], // eslint-disable-line no-control-regex
  [/^\x89HDF/, 'HDF5, like .h5 and .hdf5'],
  [/^\x1f\x8b/, 'a gzip file: unpack it first'], // eslint-disable-line no-control-regex
  [/^\x80[\x02-\x05]/, 'a Python pickle'], // eslint-disable-line no-control-regex
  [/^(\xef\xbb\xbf)?\s*["{[]/, 'JSON'],
  [/^[\t\n\r\x20-\x7e\x80-\xff]+$/, 'text'],
];

/**
 * @param {Uint8Array} bytes
 * @returns {string} appended to a message about the file: '; it is text'; '' if the kind is unknown
 */
export function butIs(bytes) {
  const head = String.fromCharCode(...bytes.subarray(0, 100));
  const [, kind] = kinds.find(([pattern]) => pattern.test(head)) ?? [];
  return kind ? `; it is ${kind}` : '';
}
