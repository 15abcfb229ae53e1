const key = 'ojs-playground-token';

/** The token of this tab: session storage, so that it goes with the tab and no other page of this browser has it. @returns {string | null} */
export function storedToken() {
  return sessionStorage.getItem(key);
}

/** @param {string | null} token */
export function storeToken(token) {
  if (token === null) sessionStorage.removeItem(key);
  else sessionStorage.setItem(key, token);
}

/** Whether it can stand in a header at all. @param {string} token */
export function isToken(token) {
  return /^[\x21-\x7e]+$/.test(token);
}
