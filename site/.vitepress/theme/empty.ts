/** In place of a component that no page uses. */
export default { render: () => null };
