import { type EnhanceAppContext, useData } from 'vitepress';
import DefaultTheme from 'vitepress/theme-without-fonts';
import { h } from 'vue';
import { Switcher } from './switcher.ts';
import './style.css';

/** Error codes and guides come before the API and the pages of the makers, the title of a page before its sections. */
function weightOf(address: string, _term: string, { titles }: { titles: readonly string[] }): number {
  const made = /\/(?:api|openapi|internals)\//.test(address);
  const errors = address.includes('/reference/errors.html');
  return (made ? 0.2 : errors ? 1.5 : 1) * (titles.length === 0 ? 2 : 1);
}

export default {
  extends: DefaultTheme,
  enhanceApp({ siteData }: EnhanceAppContext) {
    // A function in the configuration would be evaluated in the browser, which our policy refuses.
    siteData.value.themeConfig.search.options.miniSearch.searchOptions.boostDocument = weightOf;
  },
  Layout: () => {
    const { theme } = useData();
    const slots = theme.value.switcher
      ? { 'nav-bar-content-after': () => h(Switcher), 'nav-screen-content-after': () => h(Switcher) }
      : {};
    return h(DefaultTheme.Layout, null, slots);
  },
};
