import { useId } from 'react';
import { Field } from '../../ui/field.tsx';

const zones = ['UTC', ...Intl.supportedValuesOf('timeZone')];

/** A time zone, found by typing any part of its name. The server checks the name, because it may know more of them. */
export function ZoneField({ value, onChange }: { readonly value: string; readonly onChange: (zone: string) => void }) {
  const list = useId();
  return (
    <>
      <Field label="Time zone" hint="Type a city, such as Berlin.">
        <input
          list={list}
          value={value}
          onChange={({ target }) => onChange(target.value)}
          required
          spellCheck={false}
        />
      </Field>
      <datalist id={list}>
        {zones.map((zone) => (
          <option key={zone} value={zone} />
        ))}
      </datalist>
    </>
  );
}
