import { useNavigate } from '@tanstack/react-router';
import { Command } from 'cmdk';
import { useEffect, useRef, useState } from 'react';
import { useCall } from '../api/calls.ts';
import { mayCall, useEveryQueue, useMay, useSession } from '../api/session.ts';
import { quotedValue } from '../pages/jobs/completion.ts';
import { useModal } from '../ui/dialog.tsx';
import { groups } from './navigation.ts';
import { setPreferences } from './preferences.ts';

const id = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i;

/** Every place, queue, job type and setting by its name; an id opens its job, other text searches the jobs. */
export function Palette({ onClose }: { readonly onClose: () => void }) {
  const session = useSession();
  const navigate = useNavigate();
  const dialog = useModal();
  const input = useRef<HTMLInputElement>(null);
  const [text, setText] = useState('');
  // The browser gives the focus to the list around the field.
  useEffect(() => input.current?.focus(), []);
  const run = (action: () => unknown) => () => {
    onClose();
    void action();
  };
  const asked = text.trim();
  const everyQueue = useEveryQueue();
  const mayCount = useMay('admin.jobGroups') && everyQueue;
  const queues = useCall('admin.queues', { query: { limit: 100 }, enabled: useMay('admin.queues') });
  const types = useCall('admin.jobGroups', { query: { by: 'type', limit: 100 }, enabled: mayCount });
  return (
    <dialog
      ref={dialog}
      className="palette"
      aria-label="Command palette"
      onCancel={onClose}
      onClick={({ target }) => target === dialog.current && onClose()}
      onKeyDown={({ key }) => key === 'Escape' && onClose()}
    >
      <Command label="Commands" loop>
        <Command.Input
          ref={input}
          value={text}
          onValueChange={setText}
          placeholder="Go to a page, a queue or a job type, paste a job id, or search jobs"
        />
        <Command.List>
          <Command.Empty>No match.</Command.Empty>
          {groups.map(({ label, places }) => (
            <Command.Group key={label} heading={label}>
              {places
                .filter(({ needs }) => mayCall(session, needs))
                .map(({ to, label: name, key }) => (
                  <Command.Item key={to} value={name} onSelect={run(() => navigate({ to }))}>
                    {name}
                    <span>
                      <kbd>g</kbd> <kbd>{key}</kbd>
                    </span>
                  </Command.Item>
                ))}
            </Command.Group>
          ))}
          {asked !== '' && (
            <Command.Group heading="Queues">
              {queues.data?.items.map(({ name }) => (
                <Command.Item
                  key={name}
                  value={`queue ${name}`}
                  keywords={[name]}
                  onSelect={run(() => navigate({ to: '/queues/$name', params: { name } }))}
                >
                  {name} <span>queue</span>
                </Command.Item>
              ))}
            </Command.Group>
          )}
          {asked !== '' && (
            <Command.Group heading="Job types">
              {types.data?.groups.map(({ value }) => (
                <Command.Item
                  key={String(value)}
                  value={`type ${value}`}
                  keywords={[String(value)]}
                  onSelect={run(() => navigate({ to: '/jobs', search: { q: `type:${quotedValue(String(value))}` } }))}
                >
                  {String(value)} <span>jobs of this type</span>
                </Command.Item>
              ))}
            </Command.Group>
          )}
          <Command.Group heading="Appearance">
            {(['light', 'dark', 'system'] as const).map((theme) => (
              <Command.Item key={theme} value={`Theme: ${theme}`} onSelect={run(() => setPreferences({ theme }))}>
                Theme: {theme}
              </Command.Item>
            ))}
            {(['relative', 'absolute'] as const).map((times) => (
              <Command.Item key={times} value={`Times: ${times}`} onSelect={run(() => setPreferences({ times }))}>
                Times: {times}
              </Command.Item>
            ))}
            {(['local', 'utc'] as const).map((zone) => (
              <Command.Item key={zone} value={`Time zone: ${zone}`} onSelect={run(() => setPreferences({ zone }))}>
                Time zone: {zone === 'utc' ? 'UTC' : 'local'}
              </Command.Item>
            ))}
          </Command.Group>
          {asked !== '' && (
            <Command.Group heading="Jobs">
              {id.test(asked) && (
                <Command.Item value={`job ${asked}`} onSelect={run(() => navigate({ to: `/jobs/${asked}` }))}>
                  Open job {asked}
                </Command.Item>
              )}
              <Command.Item
                value={`search ${asked}`}
                onSelect={run(() => navigate({ to: '/jobs', search: { q: asked } }))}
              >
                Search jobs for {asked}
              </Command.Item>
            </Command.Group>
          )}
        </Command.List>
      </Command>
    </dialog>
  );
}
