import './styles/font.css';
import './styles/tokens.css';
import './styles/base.css';
import './styles/shell.css';
import './styles/controls.css';
import './styles/layout.css';
import './styles/states.css';
import './styles/tables.css';
import './styles/overlays.css';
import './styles/documents.css';
import './styles/charts.css';
import './shell/preferences.ts';
import { QueryClientProvider } from '@tanstack/react-query';
import { RouterProvider } from '@tanstack/react-router';
import { StrictMode } from 'react';
import { createRoot } from 'react-dom/client';
import { uiRoot } from './api/roots.ts';
import { startLive } from './live/refresh.ts';
import { client, router } from './router.tsx';

// An address in the document is relative to the address of the page, which the router changes.
const icon = document.querySelector<HTMLLinkElement>('link[rel="icon"]');
if (icon !== null) icon.href = new URL('icon.svg', uiRoot).href;
startLive(client);
const place = document.getElementById('app');
if (place !== null) {
  createRoot(place).render(
    <StrictMode>
      <QueryClientProvider client={client}>
        <RouterProvider router={router} />
      </QueryClientProvider>
    </StrictMode>,
  );
}
