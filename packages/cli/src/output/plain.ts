const steering = /[\p{Cc}\p{Bidi_Control}\p{Zl}\p{Zp}]/gu;

/**
 * Text of a user for a terminal. Control characters would steer it, marks of direction would show another order than
 * the text has, and separators of lines would show one line as two: they are written as escapes.
 */
export function plain(text: string): string {
  return text.replace(steering, escaped);
}

/** The same for a message of several lines, such as a query with a caret below it. */
export function plainLines(text: string): string {
  return text.split('\n').map(plain).join('\n');
}

/** JSON text in one line. Its own line breaks are between tokens only. */
export function oneLine(json: string): string {
  return json.replace(steering, (one) => (/[\t\n\r]/.test(one) ? ' ' : escaped(one)));
}

function escaped(one: string): string {
  return `\\u${one.charCodeAt(0).toString(16).padStart(4, '0')}`;
}
