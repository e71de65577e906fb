/** Whether a setting is an integer in a range. @param {any} value @param {number} least @param {number} most */
export const isWhole = (value, least, most) => Number.isSafeInteger(value) && value >= least && value <= most;
