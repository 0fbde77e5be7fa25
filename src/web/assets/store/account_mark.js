// @ts-check
// That there was an account on this device, told where eviction of the store doesn't reach. It says
// nothing of whose.

const MARK = "privcomm_account";
const YEAR = 365 * 24 * 3600;

export function leaveMark() {
  write("1", YEAR);
}

export function removeMark() {
  write("", 0);
}

export const hasMark = () => document.cookie.split("; ").includes(`${MARK}=1`);

/** @param {string} value @param {number} seconds */
function write(value, seconds) {
  const secure = location.protocol === "https:" ? "; Secure" : "";
  document.cookie = `${MARK}=${value}; Max-Age=${seconds}; Path=/; SameSite=Strict${secure}`;
}
