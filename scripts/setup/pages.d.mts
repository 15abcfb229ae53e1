export function buildPages(root: string, program: string): void;
