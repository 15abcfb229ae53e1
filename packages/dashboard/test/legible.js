// Runs in the page, not in Node: the tests send its text there.

/** Texts whose contrast with what is behind them is below 4.5 (WCAG 2.2, 1.4.3): `text: ratio`. */
globalThis.illegible = () => {
  const canvas = new OffscreenCanvas(1, 1).getContext('2d', { willReadFrequently: true });
  /** The colour of layers above each other, the uppermost last. */
  const mixed = (colours) => {
    for (const colour of colours) {
      canvas.fillStyle = colour;
      canvas.fillRect(0, 0, 1, 1);
    }
    return [...canvas.getImageData(0, 0, 1, 1).data].slice(0, 3);
  };
  const luminance = (rgb) => {
    const [red, green, blue] = rgb.map((part) =>
      part <= 10.31475 ? part / 3294.6 : ((part / 255 + 0.055) / 1.055) ** 2.4,
    );
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
  };
  const low = [];
  for (const element of document.querySelectorAll('body *')) {
    const own = [...element.childNodes].some((node) => node.nodeType === 3 && node.data.trim() !== '');
    if (
      !(own || element.matches('textarea, input, select')) ||
      !element.checkVisibility() ||
      element.matches('.hidden, .skip, noscript')
    )
      continue;
    const layers = [];
    for (let at = element; at; at = at.parentElement) layers.unshift(getComputedStyle(at).backgroundColor);
    const back = mixed(['#fff', ...layers]);
    const front = mixed(['#fff', ...layers, getComputedStyle(element).color]);
    const [dark, light] = [luminance(back), luminance(front)].toSorted((a, b) => a - b);
    const ratio = (light + 0.05) / (dark + 0.05);
    if (ratio < 4.5) low.push(`${element.textContent.slice(0, 40)}: ${ratio.toFixed(2)}`);
  }
  return low;
};
