import { useData, useRoute } from 'vitepress';
import { defineComponent, h, onMounted, ref } from 'vue';

/** Chooses the version of the pages. It stays on the page if the other version has it. */
export const Switcher = defineComponent(() => {
  const { site, theme } = useData();
  const route = useRoute();
  const versions = ref<readonly string[]>([theme.value.version]);
  onMounted(async () => {
    const answer = await fetch(`${site.value.base}../versions.json`);
    if (answer.ok) versions.value = await answer.json();
  });
  const open = async (version: string) => {
    const home = `${site.value.base}../${version}/`;
    const path = route.path.slice(site.value.base.length).replace(/(^|\/)$/, '$1index.html');
    const answer = await fetch(`${home}pages.json`);
    const pages: readonly { path: string }[] = answer.ok ? (await answer.json()).pages : [];
    location.href = pages.some((page) => page.path === path) ? home + path : home;
  };
  return () =>
    h(
      'select',
      {
        class: 'version',
        'aria-label': 'Version',
        value: theme.value.version,
        onChange: ({ target }: { target: HTMLSelectElement }) => open(target.value),
      },
      versions.value.map((version) => h('option', { value: version }, version)),
    );
});
