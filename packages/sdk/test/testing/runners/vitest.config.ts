import { defineConfig } from 'vitest/config';

export default defineConfig({ test: { include: ['recipes.vitest.ts'], root: import.meta.dirname } });
