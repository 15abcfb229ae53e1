import { Link } from '@tanstack/react-router';
import { Fragment, type ReactNode, useEffect } from 'react';
import type { SearchTexts } from '../search.ts';

export interface PageProps {
  readonly title: string;
  /** Beside the title: a state, a badge. */
  readonly aside?: ReactNode;
  readonly actions?: ReactNode;
  readonly lead?: ReactNode;
  readonly children: ReactNode;
}

/** The frame of a page: its title, also of the window, and its actions. */
export function Page({ title, aside, actions, lead, children }: PageProps) {
  useEffect(() => {
    document.title = `${title} · ojs`;
  }, [title]);
  return (
    <>
      <header className="page-head">
        <h1>{title}</h1>
        {aside}
        {actions && <div className="actions">{actions}</div>}
        {lead && <p>{lead}</p>}
      </header>
      {children}
    </>
  );
}

/** @param props.note beside the title, in small letters. */
export function Card(props: Pick<PageProps, 'title' | 'aside' | 'children'> & { readonly note?: ReactNode }) {
  const { title, aside, note, children } = props;
  return (
    <section className="card" aria-label={title}>
      <div className="card-head">
        <h2>{title}</h2>
        {note ? <span className="soft small">{note}</span> : aside}
      </div>
      {children}
    </section>
  );
}

export interface TileProps {
  readonly label: string;
  readonly value: ReactNode;
  readonly note?: ReactNode;
  readonly tone?: 'bad' | undefined;
  /** The page with the details, and its parameters. */
  readonly to?: string;
  readonly search?: SearchTexts | ((last: SearchTexts) => SearchTexts);
}

/** One figure with its name. */
export function Tile({ label, value, note, tone, to, search = {} }: TileProps) {
  const texts = (
    <>
      <span className="label">{label}</span>
      <span className="value">{value}</span>
      {note && <span className="note">{note}</span>}
    </>
  );
  return to === undefined ? (
    <div className="tile" data-tone={tone}>
      {texts}
    </div>
  ) : (
    <Link className="tile" data-tone={tone} to={to} search={search}>
      {texts}
    </Link>
  );
}

export interface FactsProps {
  /** The facts by their names; those without a value are left out. */
  readonly of: Readonly<Record<string, ReactNode>>;
  readonly name?: (name: string) => ReactNode;
}

export function Facts({ of, name = (text) => text }: FactsProps) {
  return (
    <dl className="facts">
      {Object.entries(of).map(([key, value]) =>
        value === undefined || value === null || value === false ? null : (
          <Fragment key={key}>
            <dt>{name(key)}</dt>
            <dd>{value}</dd>
          </Fragment>
        ),
      )}
    </dl>
  );
}

export interface MeterProps {
  readonly label: string;
  /** From 0 to 100. */
  readonly percent: number;
  /** The same in words. */
  readonly text?: string;
}

export function Meter({ label, percent, text }: MeterProps) {
  return (
    <div
      className="meter"
      role="progressbar"
      aria-label={label}
      aria-valuemin={0}
      aria-valuemax={100}
      aria-valuenow={Math.round(percent)}
      aria-valuetext={text}
    >
      <div style={{ width: `${percent}%` }} />
    </div>
  );
}
